/**
 * The key table: what the dashboard can be told, on which pages, and by which keys. Dispatch, footer and help are all
 * read from it. Its order is the order of the help; `foot` is a place in the footer, small numbers stay longest when
 * the screen is narrow.
 */
export type PageKind = 'groups' | 'records' | 'detail' | 'text' | 'overlay';

interface Row {
  readonly action: string;
  /** Key names as `decodeInput` gives them. The first is the one shown when `shown` is absent. */
  readonly keys: readonly string[];
  readonly shown?: string;
  readonly what: string;
  /** Pages on which it does something. */
  readonly on: readonly PageKind[];
  /** Its word in the footer, its rank there, and the keys as written there when not as in the help. */
  readonly foot?: readonly [word: string, rank: number, keys?: string];
}

const lists = ['groups', 'records'] as const;
const pages = ['groups', 'records', 'detail', 'text'] as const;
const everywhere = [...pages, 'overlay'] as const;

const keyTable = [
  { action: 'help', keys: ['?', 'f1'], what: 'this page; again to leave it', on: everywhere, foot: ['help', 2] },
  {
    action: 'open',
    keys: ['enter', 'right', 'l'],
    shown: 'Enter',
    what: 'open the selected row',
    on: lists,
    foot: ['open', 3],
  },
  {
    action: 'back',
    keys: ['backspace', 'left', 'h'],
    shown: 'Bksp',
    what: 'go back one level',
    on: everywhere,
    foot: ['back', 4],
  },
  {
    action: 'escape',
    keys: ['escape'],
    shown: 'Esc',
    what: 'leave help, clear the filter, or go back',
    on: everywhere,
  },
  {
    action: 'filter',
    keys: ['/'],
    what: 'filter rows: words, key=value, !not; Esc clears',
    on: ['groups', 'records', 'text'],
    foot: ['filter', 5],
  },
  { action: 'sort', keys: ['s'], what: 'sort by the next column', on: lists, foot: ['sort', 6] },
  { action: 'reverse', keys: ['S'], what: 'sort the other way round', on: lists },
  { action: 'pause', keys: ['space'], shown: 'Space', what: 'pause, and go on', on: everywhere, foot: ['pause', 7] },
  { action: 'faster', keys: ['+', '='], shown: '+', what: 'play faster', on: everywhere },
  { action: 'slower', keys: ['-', '_'], shown: '-', what: 'play slower', on: everywhere, foot: ['speed', 8, '+-'] },
  {
    action: 'reset',
    keys: ['r'],
    what: 'count anew from now (the ledger goes on)',
    on: ['groups', 'records'],
    foot: ['reset', 10],
  },
  { action: 'export', keys: ['e'], what: 'write what is shown to a JSON file', on: pages, foot: ['export', 9] },
  {
    action: 'preview',
    keys: ['tab'],
    shown: 'Tab',
    what: 'show or hide what the selected row holds',
    on: lists,
    foot: ['below', 11],
  },
  { action: 'ledger', keys: ['c'], what: 'what became of every event, CPU by CPU', on: everywhere },
  { action: 'printed', keys: ['t'], what: 'what programs print: the trace pipe', on: everywhere },
  { action: 'next', keys: ['n'], what: 'the next record of the list', on: ['detail'], foot: ['next', 5] },
  { action: 'previous', keys: ['p'], what: 'the record before', on: ['detail'], foot: ['previous', 6] },
  { action: 'up', keys: ['up', 'k'], shown: '↑ k', what: 'up', on: everywhere },
  { action: 'down', keys: ['down', 'j'], shown: '↓ j', what: 'down', on: everywhere },
  { action: 'pageUp', keys: ['pageup', 'C-b'], shown: 'PgUp', what: 'a page up', on: everywhere },
  { action: 'pageDown', keys: ['pagedown', 'C-f'], shown: 'PgDn', what: 'a page down', on: everywhere },
  { action: 'top', keys: ['home', 'g'], shown: 'Home g', what: 'to the top', on: everywhere },
  { action: 'bottom', keys: ['end', 'G'], shown: 'End G', what: 'to the bottom', on: everywhere },
  { action: 'redraw', keys: ['C-l'], shown: 'Ctrl-L', what: 'draw the screen anew', on: everywhere },
  { action: 'suspend', keys: ['C-z'], shown: 'Ctrl-Z', what: 'back to the shell; fg comes back', on: everywhere },
  { action: 'interrupt', keys: ['C-c'], shown: 'Ctrl-C', what: 'quit with exit code 130', on: everywhere },
  { action: 'quit', keys: ['q'], what: 'quit', on: everywhere, foot: ['quit', 1] },
] as const satisfies readonly Row[];

export type Action = (typeof keyTable)[number]['action'];

export interface KeyRow extends Row {
  readonly action: Action;
}

export const keyRows: readonly KeyRow[] = keyTable;

/** What a key does on a page; undefined when nothing. */
export function actionOf(key: string, page: PageKind): Action | undefined {
  return keyRows.find((row) => row.keys.includes(key) && row.on.includes(page))?.action;
}

/** How a row's keys are written for people. */
export const shownKey = (row: KeyRow): string => row.shown ?? row.keys[0] ?? '';
