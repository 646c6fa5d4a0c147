import type { Nanoseconds } from '../base/index.ts';
import type { Column, GroupRow, Level, TracedRecord } from '../lab/index.ts';
import { type Block, block, type Target } from './block.ts';
import type { Sort } from './browser.ts';
import { type PlacedColumn, placeColumns, type TableColumn } from './columns.ts';
import { bar, formatCount, formatMoment, formatRate, formatShare, sparkline } from './figures.ts';
import { clip, type Line, pad, printable, type Style, span, width } from './text.ts';

/** Tables of groups and of records: titles, then a window of rows, the selected one marked and inverse. */
export interface TableModel<Row> {
  readonly rows: readonly Row[];
  /** Index of the selected row; -1 when none is to be shown. */
  readonly index: number;
  /** Index of the first row shown. */
  readonly offset: number;
  readonly sort: Sort | undefined;
}

interface Cell {
  readonly text: string;
  readonly style: Style;
}

export interface Clock {
  readonly now: Nanoseconds;
  readonly duration: Nanoseconds;
  /** ns of one value of a trend. */
  readonly bucket: Nanoseconds;
  /** More will come into the bucket of now. */
  readonly open: boolean;
}

/** A table of a level's groups, in `height` lines with the titles. */
export function presentGroups(
  table: TableModel<GroupRow>,
  level: Level,
  clock: Clock,
  cells: number,
  height: number,
): Block {
  const shown = table.rows.slice(table.offset, table.offset + height - 1);
  const longest = table.rows.reduce((most, row) => Math.max(most, width(nameOf(row))), 0);
  const columns = groupColumns(level, longest, clock.duration >= 3600e9 ? 11 : 9, cells);
  const cellOf = (row: GroupRow, key: string, cellWidth: number): Cell => {
    if (key === 'trend') return { text: sparkline(squeeze(row.trend, cellWidth, clock)), style: 'accent' };
    return groupCell(row, key, cellWidth, clock.duration);
  };
  return drawTable(table, shown, columns, cellOf, cells);
}

function groupColumns(level: Level, longest: number, clockWidth: number, cells: number): TableColumn[] {
  const column = (
    key: string,
    title: string,
    align: 'left' | 'right',
    wide: number,
    priority: number,
    sort = key,
  ): TableColumn => ({ key, title, align, width: wide, least: wide, longest: wide, priority, sort });
  // A name that is cut says little: it comes before bars and trends, up to not quite half of the screen.
  const nameRoom = Math.floor(cells * 0.45);
  return [
    { ...column('name', level.title, 'left', 24, 100), least: Math.max(16, Math.min(longest, nameRoom)), longest },
    column('count', 'count', 'right', 9, 90),
    column('share', 'share', 'right', 6, 80, 'count'),
    column('bar', '', 'left', 10, 30, 'count'),
    column('rate', 'rate', 'right', 8, 70),
    { ...column('trend', 'trend', 'left', 20, 60, 'rate'), longest: cells >= 140 ? 60 : 30 },
    column('first', 'first', 'right', clockWidth, 40),
    column('last', 'last', 'right', clockWidth, 50),
  ];
}

const nameOf = (row: GroupRow): string => {
  const name = row.key === '' ? '(none)' : printable(row.key);
  return row.folded === undefined ? name : `${name} ${formatCount(row.folded)} groups`;
};

function groupCell(row: GroupRow, key: string, cellWidth: number, duration: Nanoseconds): Cell {
  switch (key) {
    case 'name':
      return { text: nameOf(row), style: 'strong' };
    case 'count':
      return { text: (row.exact ? '' : '≥') + formatCount(row.count), style: 'plain' };
    case 'share':
      return { text: formatShare(row.share), style: 'plain' };
    case 'bar':
      return { text: bar(row.share, cellWidth), style: 'accent' };
    case 'rate':
      return { text: formatRate(row.rate), style: 'plain' };
    case 'first':
      return { text: formatMoment(row.firstSeen, duration), style: 'dim' };
    default:
      return { text: formatMoment(row.lastSeen, duration), style: 'dim' };
  }
}

/**
 * A trend in at most `cells` values: neighbouring buckets are added, always the same ones whatever the time, so that
 * the line grows and moves but does not flicker. The newest sum is left out while it is not whole: it would look like
 * a fall.
 */
export function squeeze(
  trend: readonly number[],
  cells: number,
  clock: Pick<Clock, 'now' | 'bucket' | 'open'>,
): number[] {
  const first = Math.floor(clock.now / clock.bucket) - trend.length + 1;
  const each = Math.max(1, Math.ceil(trend.length / cells));
  const sums: number[] = [];
  const origin = Math.floor(first / each);
  trend.forEach((count, i) => {
    const place = Math.floor((first + i) / each) - origin;
    sums[place] = (sums[place] ?? 0) + count;
  });
  const unfinished = clock.open || clock.now % clock.bucket === 0;
  if (unfinished && sums.length > 1) sums.pop();
  return sums.slice(-cells);
}

/** Cells of a text that must be cut, and of the longest that is not: numbers never are. */
const shortest = 12;
const cutFrom = 18;

/** A table of records, in `height` lines with the titles. */
export function presentRecords(
  table: TableModel<TracedRecord>,
  wanted: readonly Column[],
  cells: number,
  height: number,
): Block {
  const shown = table.rows.slice(table.offset, table.offset + height - 1);
  const columns = wanted.map((column): TableColumn => {
    const longest = Math.max(0, ...shown.map((row) => width(printable(row.cells[column.key] ?? ''))));
    const whole = Math.max(longest, column.title.length + 1);
    const least = column.align === 'right' || whole <= cutFrom ? Math.min(column.width, whole) : shortest;
    return { ...column, least, longest: Math.max(column.width, longest), sort: column.key };
  });
  const first = wanted[0]?.key;
  const cellOf = (row: TracedRecord, key: string): Cell => ({
    text: printable(row.cells[key] ?? ''),
    style: key === first ? 'dim' : 'plain',
  });
  return drawTable(table, shown, columns, cellOf, cells);
}

/** Cells left of the first column, for the mark of the selected row, and right of the last. */
const gutter = 2;
const margin = 1;

function drawTable<Row>(
  table: TableModel<Row>,
  shown: readonly Row[],
  columns: readonly TableColumn[],
  cellOf: (row: Row, key: string, cellWidth: number) => Cell,
  cells: number,
): Block {
  const gap = cells >= 100 ? 2 : 1;
  const placed = placeColumns(columns, cells - gutter - margin, gap);
  const targets: Target[] = [];
  for (const { column, x, width: columnWidth } of placed) {
    if (column.sort === undefined) continue;
    const from = gutter + x;
    targets.push({ y: 0, from, to: from + columnWidth, hit: { kind: 'sort', key: column.sort } });
  }
  const lines = [titles(placed, gap, table.sort, cells)];
  shown.forEach((row, i) => {
    const index = table.offset + i;
    const line = drawRow(row, placed, gap, cellOf, index === table.index, cells);
    targets.push({ y: lines.length, from: 0, to: cells, hit: { kind: 'row', index } });
    lines.push(line);
  });
  return block(lines, targets);
}

function titles(placed: readonly PlacedColumn[], gap: number, sort: Sort | undefined, cells: number): Line {
  const texts = placed.map(({ column, width: columnWidth }) => {
    const arrow = sort && sort.key === column.key ? (sort.reverse ? '↑' : '↓') : '';
    const title = clip(heading(column.title), columnWidth - arrow.length);
    return pad(column.align === 'left' ? title + arrow : arrow + title, columnWidth, column.align);
  });
  return [span(pad(`${' '.repeat(gutter)}${texts.join(' '.repeat(gap))}`, cells), 'heading')];
}

function drawRow<Row>(
  row: Row,
  placed: readonly PlacedColumn[],
  gap: number,
  cellOf: (row: Row, key: string, cellWidth: number) => Cell,
  selected: boolean,
  cells: number,
): Line {
  const line = [span(selected ? '› ' : '  ')];
  placed.forEach(({ column, width: columnWidth }, i) => {
    if (i > 0) line.push(span(' '.repeat(gap)));
    const cell = cellOf(row, column.key, columnWidth);
    line.push(span(pad(cell.text, columnWidth, column.align), cell.style));
  });
  if (!selected) return line;
  return [span(pad(line.map((part) => part.text).join(''), cells), 'selected')];
}

/** Titles in capitals; one that a tool writes so keeps its unit, `LAT(ms)`. */
function heading(title: string): string {
  return /^[A-Z]{2}/.test(title) ? title : title.toUpperCase();
}
