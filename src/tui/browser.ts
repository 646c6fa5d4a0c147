import type { Nanoseconds } from '../base/index.ts';
import {
  type Column,
  type Filter,
  type GroupRow,
  type GroupTree,
  type Level,
  others,
  type RecordsView,
  type SortKey,
  sortKeys,
  type TracedRecord,
} from '../lab/index.ts';

/**
 * Where the user stands in the tree of records: the groups opened, and on each level a selected row, a sort order and
 * a scroll offset. The selection holds to a group's name or to a record itself, so it stays on it while rows move.
 */
export class Browser {
  readonly view: RecordsView;
  readonly tree: GroupTree;
  #path: readonly string[] = [];
  #filter: Filter;
  /** One a level of groups, and one for records. */
  readonly #cursors: Cursor[];
  #cache: { readonly key: string; readonly filter: Filter; readonly rows: readonly TracedRecord[] } | undefined;
  /** Counts resets, so that nothing of before is taken for current. */
  #resets = 0;

  constructor(view: RecordsView, tree: GroupTree) {
    this.view = view;
    this.tree = tree;
    this.#filter = tree.filter('');
    this.#cursors = [...view.levels, undefined].map((level) => new Cursor(level ? 'count' : byTime));
  }

  get path(): readonly string[] {
    return this.#path;
  }

  /** The level of the rows shown; undefined when they are records. */
  get level(): Level | undefined {
    return this.view.levels[this.#path.length];
  }

  /** A view without levels is a log: oldest first, and its end is followed. */
  get isLog(): boolean {
    return this.view.levels.length === 0;
  }

  /** The columns of records below the levels: what a level says of all of them is not repeated. */
  get columns(): readonly Column[] {
    const keys = this.view.levels.map((level) => level.key);
    return this.view.columns.filter((column) => !keys.includes(column.key));
  }

  get filter(): Filter {
    return this.#filter;
  }

  get sort(): Sort {
    return this.#cursor.sort;
  }

  get #cursor(): Cursor {
    return this.#cursors[this.#path.length] as Cursor;
  }

  setFilter(text: string): void {
    this.#filter = this.tree.filter(text);
    this.#cursor.offset = 0;
  }

  groups(now: Nanoseconds, path = this.#path, sort: Sort = this.sort): GroupRow[] {
    return this.tree.rows(path, now, { filter: this.#filter, sort: groupSort(sort.key), reverse: sort.reverse });
  }

  /** The records kept of the group that is open: newest first, in a log oldest first. */
  records(path = this.#path, sort: Sort = this.sort): readonly TracedRecord[] {
    const key = JSON.stringify([path, sort, this.tree.count, this.#resets]);
    if (this.#cache?.key === key && this.#cache.filter === this.#filter) return this.#cache.rows;
    const rows = this.tree.records(path, { filter: this.#filter });
    if (sort.key !== byTime) {
      const cell = (record: TracedRecord): string => record.cells[sort.key] ?? '';
      rows.sort((a, b) => collator.compare(cell(a), cell(b)));
    }
    if (sort.reverse !== (this.isLog && sort.key === byTime)) rows.reverse();
    this.#cache = { key, filter: this.#filter, rows };
    return rows;
  }

  rows(now: Nanoseconds): readonly Row[] {
    return this.level ? this.groups(now) : this.records();
  }

  /** Where in `rows` the selection is; a selected row that is gone leaves it at its place. */
  index(rows: readonly Row[]): number {
    const cursor = this.#cursor;
    if (cursor.selected !== undefined) {
      const found = rows.findIndex((row) => identity(row) === cursor.selected);
      if (found >= 0) cursor.index = found;
    } else cursor.index = this.#follows ? rows.length - 1 : 0;
    cursor.index = Math.max(0, Math.min(cursor.index, rows.length - 1));
    return cursor.index;
  }

  /** Nothing selected by hand in a log that grows at its end: the newest line is. */
  get #follows(): boolean {
    return this.isLog && this.sort.key === byTime && !this.sort.reverse;
  }

  /** The first row to show on a screen of `height` rows: as it was, moved so far that the selection is seen. */
  offset(rows: readonly Row[], height: number): number {
    const cursor = this.#cursor;
    const index = this.index(rows);
    const last = Math.max(0, rows.length - height);
    cursor.offset = Math.min(Math.max(cursor.offset, index - height + 1, 0), index, last);
    return cursor.offset;
  }

  selected(now: Nanoseconds): Row | undefined {
    const rows = this.rows(now);
    return rows[this.index(rows)];
  }

  /** Moves the selection; infinity goes to an end. On the row where new ones appear it lets go and follows. */
  move(by: number, now: Nanoseconds): void {
    const rows = this.rows(now);
    this.selectAt(Math.min(Math.max(this.index(rows) + by, 0), rows.length - 1), rows);
  }

  selectAt(index: number, rows: readonly Row[]): void {
    const row = rows[index];
    if (!row) return;
    const edge = this.#follows ? rows.length - 1 : 0;
    this.#cursor.index = index;
    this.#cursor.selected = index === edge && !this.level ? undefined : identity(row);
  }

  select(record: TracedRecord): void {
    this.#cursor.selected = record;
  }

  /** Opens the selected group. @returns false for what holds nothing: `(others)`, or no row */
  open(now: Nanoseconds): boolean {
    const row = this.selected(now);
    if (!this.level || !row || isRecord(row) || row.key === others) return false;
    this.#cursor.selected = row.key;
    this.#path = [...this.#path, row.key];
    const cursor = this.#cursor;
    cursor.selected = undefined;
    cursor.index = 0;
    cursor.offset = 0;
    return true;
  }

  /** Back to the level of `depth` groups. @returns false when it is there already */
  close(depth = this.#path.length - 1): boolean {
    if (depth < 0 || depth >= this.#path.length) return false;
    this.#path = this.#path.slice(0, depth);
    return true;
  }

  sortNext(): void {
    const keys = this.sortKeys();
    const next = (keys.indexOf(this.sort.key) + 1) % keys.length;
    this.#cursor.sort = { key: keys[next] as string, reverse: false };
  }

  /** What the rows shown can be sorted by, the natural order first. */
  sortKeys(): readonly string[] {
    if (this.level) return sortKeys;
    return [byTime, ...this.columns.map((column) => column.key).filter((key) => key !== byTime)];
  }

  sortBy(key: string): void {
    if (key === this.sort.key) this.reverse();
    else this.#cursor.sort = { key, reverse: false };
  }

  reverse(): void {
    this.#cursor.sort = { ...this.sort, reverse: !this.sort.reverse };
  }

  /** Counts anew; the place stays. */
  reset(): void {
    this.tree.clear();
    this.#resets++;
    for (const cursor of this.#cursors) cursor.offset = 0;
  }
}

export type Row = GroupRow | TracedRecord;

export const isGroup = (row: Row): row is GroupRow => 'key' in row;
export const isRecord = (row: Row): row is TracedRecord => !isGroup(row);

export interface Sort {
  readonly key: string;
  readonly reverse: boolean;
}

/** The natural order of records. */
export const byTime = 'time';

const groupSort = (key: string): SortKey => sortKeys.find((known) => known === key) ?? 'count';

const collator = new Intl.Collator('en', { numeric: true });

const identity = (row: Row): string | TracedRecord => (isGroup(row) ? row.key : row);

class Cursor {
  sort: Sort;
  /** A group's name or a record; undefined: whatever stands at the edge where new rows appear. */
  selected: string | TracedRecord | undefined = undefined;
  index = 0;
  offset = 0;

  constructor(sort: string) {
    this.sort = { key: sort, reverse: false };
  }
}
