import { details, type MessageRow, messages } from './messages.ts';

/** Forms of messages as patterns: which row a message belongs to, and what its named parts are. */
export type Parts = Readonly<Record<string, string>>;

/** Parts that are numbers; any other part may be any text, also none. */
const numeric: ReadonlySet<string> = new Set(['register', 'slot', 'index', 'target', 'count', 'range', 'limit']);

function patternOf(form: string): RegExp {
  const source = form
    .split(/(\{[a-z]+\})/)
    .map((piece) => {
      const name = /^\{([a-z]+)\}$/.exec(piece)?.[1];
      if (name === undefined) return piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      return numeric.has(name) ? `(?<${name}>-?\\d+)` : `(?<${name}>.*?)`;
    })
    .join('');
  return new RegExp(`^${source}$`);
}

function patternsOf<Row extends { readonly form: string }>(rows: readonly Row[]): readonly (readonly [RegExp, Row])[] {
  return rows.map((row) => [patternOf(row.form), row] as const);
}

interface Found<Row> {
  readonly row: Row;
  readonly parts: Parts;
}

function find<Row>(patterns: readonly (readonly [RegExp, Row])[], text: string): Found<Row> | undefined {
  for (const [pattern, row] of patterns) {
    const match = pattern.exec(text);
    if (match) return { row, parts: { ...match.groups } };
  }
  return undefined;
}

let messagePatterns: ReturnType<typeof patternsOf<MessageRow>> | undefined;
let detailPatterns: ReturnType<typeof patternsOf<(typeof details)[number]>> | undefined;

/** The row of a message; undefined for a line that refuses nothing. */
export function findMessage(line: string): Found<MessageRow> | undefined {
  messagePatterns ??= patternsOf(messages);
  return find(messagePatterns, line);
}

export function findDetail(line: string): Found<(typeof details)[number]> | undefined {
  detailPatterns ??= patternsOf(details);
  return find(detailPatterns, line);
}

/** Puts parts into a text's `{names}`. */
export function fill(text: string, parts: Parts): string {
  return text.replace(/\{([a-z]+)\}/g, (whole, name: string) => parts[name] ?? whole);
}
