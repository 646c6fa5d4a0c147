import { type Block, block, fitBlock, stack } from './block.ts';
import { type Browser, byTime, isGroup, isRecord, type Row, type Sort } from './browser.ts';
import { detailLines } from './document.ts';
import { formatCount, formatMoment } from './figures.ts';
import type { DashboardModel } from './model.ts';
import { emptyLines, filterSpans, presentPlace } from './place.ts';
import { type Clock, presentGroups, presentRecords } from './table.ts';
import { clip, type Line, printable, type Span, span, width } from './text.ts';

/**
 * The page of a list: a table of groups or records to choose from, and below it, on a screen high enough, what the
 * selected row holds.
 */
export function presentList(model: DashboardModel, browser: Browser, cells: number, height: number): [Block, Block] {
  const rows = browser.rows(model.run.time);
  const split = model.preview && height >= previewFrom && !browser.isLog;
  const tableHeight = split ? listHeight(rows.length, height) : height;
  const shown = tableHeight - 1;
  model.layout = { ...model.layout, height: shown };
  const offset = browser.offset(rows, shown);
  const place = presentPlace(browser, undefined, listState(model, browser, rows.length, offset, shown), cells);
  if (rows.length === 0) return [place, block(emptyLines(model, browser.view.noun))];
  const index = browser.index(rows);
  const window = { index, offset, sort: browser.sort };
  const table = presentRows(model, browser, rows, window, cells, tableHeight);
  if (!split) return [place, table];
  const preview = presentPreview(model, browser, rows[index], cells, height - tableHeight);
  return [place, stack(fitBlock(table, cells, tableHeight), preview)];
}

/** From this height on a list shares the screen with what its selected row holds. */
const previewFrom = 14;

/** The list takes what its rows need and a blank line, but not quite half. */
const listHeight = (rows: number, height: number): number => Math.min(Math.max(rows + 2, 5), Math.ceil(height * 0.45));

function listState(model: DashboardModel, browser: Browser, rows: number, offset: number, shown: number): Span[] {
  const noun = browser.level ? browser.level.title.toLowerCase() : browser.view.noun;
  const count = browser.tree.row(browser.path, model.run.time)?.count ?? 0;
  const kept = !browser.level && model.filter === '' && count > rows ? ` of ${formatCount(count)}` : '';
  const part = rows > shown ? `${formatCount(offset + 1)}–${formatCount(offset + shown)} of ` : '';
  const amount = `${part}${formatCount(rows)}${kept} ${noun}${rows === 1 && kept === '' ? '' : 's'}`;
  return [...filterSpans(model), span(`  ${amount} `, 'dim')];
}

interface Window {
  readonly index: number;
  readonly offset: number;
  readonly sort: Sort | undefined;
}

function presentRows(
  model: DashboardModel,
  browser: Browser,
  rows: readonly Row[],
  window: Window,
  cells: number,
  height: number,
): Block {
  const { level } = browser;
  if (!level) return presentRecords({ ...window, rows: rows.filter(isRecord) }, browser.columns, cells, height);
  return presentGroups({ ...window, rows: rows.filter(isGroup) }, level, clockOf(model, browser), cells, height);
}

function clockOf(model: DashboardModel, browser: Browser): Clock {
  const { time, duration, state } = model.run;
  return { now: time, duration, bucket: browser.tree.limits.bucket, open: state !== 'ended' };
}

/** What the selected row holds: the levels below it, or the record's page. Nothing in it can be selected. */
function presentPreview(
  model: DashboardModel,
  browser: Browser,
  row: Row | undefined,
  cells: number,
  height: number,
): Block {
  if (!row) return block([]);
  if (isGroup(row)) return presentLevels(model, browser, [...browser.path, row.key], cells, height);
  const title = rule(`${browser.view.noun} at ${formatMoment(row.time, model.run.duration)}`, cells);
  return block([title, ...detailLines(browser.view.detail(row), cells)]);
}

/** Title of a section, titles of its columns, a row, and a blank line. */
const leastSection = 4;

/** The groups below a path, then what the first of them holds, and so on down to records, as far as there is room. */
function presentLevels(
  model: DashboardModel,
  browser: Browser,
  path: readonly string[],
  cells: number,
  height: number,
): Block {
  const { levels, noun } = browser.view;
  const level = levels[path.length];
  const key = path.at(-1) ?? '';
  const title = rule(`${key === '' ? '(none)' : key}: ${level ? level.title.toLowerCase() : noun}s`, cells);
  const table = { index: -1, offset: 0, sort: undefined };
  if (!level) {
    const rows = browser.records(path, { key: byTime, reverse: false });
    return stack(block([title]), inert(presentRecords({ ...table, rows }, browser.columns, cells, height - 1)));
  }
  const rows = browser.groups(model.run.time, path, { key: 'count', reverse: false });
  const first = rows[0];
  const below = levels.length - path.length;
  const share = Math.max(leastSection, Math.floor(height / (below + 1)));
  const deeper = first && height - share >= leastSection;
  const own = deeper ? Math.min(share, rows.length + 3) : height;
  const groups = presentGroups({ ...table, rows }, level, clockOf(model, browser), cells, own - (deeper ? 2 : 1));
  const section = stack(block([title]), inert(groups));
  if (!deeper) return section;
  const rest = presentLevels(model, browser, [...path, first.key], cells, height - own);
  return stack(fitBlock(section, cells, own), rest);
}

/** Without what could be clicked: a preview is looked at. */
const inert = (part: Block): Block => block(part.lines);

function rule(title: string, cells: number): Line {
  const text = ` ${clip(printable(title), Math.max(1, cells - 8))} `;
  return [span('──', 'dim'), span(text, 'section'), span('─'.repeat(Math.max(0, cells - 2 - width(text))), 'dim')];
}
