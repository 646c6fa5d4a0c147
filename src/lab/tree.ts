import type { Nanoseconds } from '../base/index.ts';
import { Filter } from './filter.ts';
import { Meter } from './meter.ts';
import { Retained, Shelf } from './retained.ts';
import type { Level, RecordsView, TracedRecord } from './tool.ts';

/**
 * Records counted in a tree of groups: the model behind a RecordsView. Counts, times and trends are exact for ever;
 * the records themselves are kept only as far as the limits go, and where a level has too many groups the one seen
 * least recently folds into its parent's `(others)`. So memory is bounded however long the storm, and a record costs
 * the same at any size of the tree.
 */
export class GroupTree {
  readonly levels: readonly Level[];
  readonly limits: TreeLimits;
  #root: Group;
  #ages: Age[];
  #retained: Retained;

  constructor(view: Pick<RecordsView, 'levels'>, limits: Partial<TreeLimits> = {}) {
    this.levels = view.levels;
    this.limits = { ...defaultLimits, ...limits };
    this.#root = new Group('', undefined, this.limits.bucket, this.levels.length === 0);
    this.#ages = this.levels.map(() => new Age());
    this.#retained = this.#emptyRetained();
  }

  /** With no levels there is one group of all records, and only the limit in all holds. */
  #emptyRetained(): Retained {
    const { records, recordsPerGroup } = this.limits;
    return new Retained(records, this.levels.length === 0 ? records : recordsPerGroup);
  }

  /** Counts a batch, oldest first. Returns the tree itself, which makes it the reducer of a `scan`. */
  add(records: readonly TracedRecord[]): this {
    for (const record of records) this.#addOne(record);
    return this;
  }

  #addOne(record: TracedRecord): void {
    let group = this.#root;
    group.see(record.time);
    for (let level = 0; level < this.levels.length; level++) {
      group = this.#child(group, record.groups[level] ?? '', level);
      group.see(record.time);
    }
    this.#retained.keep(record, group.shelf as Shelf);
  }

  #child(parent: Group, key: string, level: number): Group {
    const age = this.#ages[level] as Age;
    const known = parent.children.get(key);
    if (known) {
      age.touch(known);
      return known;
    }
    if (age.size >= this.limits.groupsPerLevel) this.#fold(age.oldest, level);
    const group = new Group(key, parent, this.limits.bucket, level === this.levels.length - 1);
    parent.children.set(key, group);
    age.touch(group);
    return group;
  }

  /** Takes a group out of its level; what it counted goes to its parent's `(others)`, its records go. */
  #fold(group: Group, level: number): void {
    const parent = group.parent as Group;
    this.#forget(group, level);
    parent.children.delete(group.key);
    parent.others ??= new Group(others, parent, this.limits.bucket, false);
    parent.others.merge(group);
    parent.folded++;
  }

  #forget(group: Group, level: number): void {
    (this.#ages[level] as Age).remove(group);
    if (group.shelf) this.#retained.clear(group.shelf);
    for (const child of group.children.values()) this.#forget(child, level + 1);
  }

  /** Forgets all: counting starts anew. */
  clear(): void {
    this.#root = new Group('', undefined, this.limits.bucket, this.levels.length === 0);
    this.#ages = this.levels.map(() => new Age());
    this.#retained = this.#emptyRetained();
  }

  /** Records kept now, and groups now at each level: never beyond the limits. */
  get size(): { readonly records: number; readonly groups: readonly number[] } {
    return { records: this.#retained.size, groups: this.#ages.map((age) => age.size) };
  }

  /** All records since the start or the last clear. */
  get count(): number {
    return this.#root.count;
  }

  /** A filter over this tree's levels and columns. Keep it while its text stays: it remembers verdicts. */
  filter(text: string): Filter {
    return new Filter(text, this.levels);
  }

  /** The row of a group by its path from the outside in, `[]` for the whole; undefined when there is none (now). */
  row(path: readonly string[], now: Nanoseconds, filter?: Filter): GroupRow | undefined {
    const group = this.#at(path);
    if (!group) return undefined;
    const sum = this.#sum(group, path, filter);
    return sum && rowOf(sum, this.#sum(this.#root, [], filter)?.count ?? 0, now);
  }

  #at(path: readonly string[]): Group | undefined {
    let group: Group | undefined = this.#root;
    for (const key of path) group = group?.children.get(key) ?? (key === others ? group?.others : undefined);
    return group;
  }

  /**
   * The groups right below a path, sorted, `(others)` last; none below the innermost level. A share is of the whole
   * tree as filtered. Cheap enough for twenty times a second: it looks at one level, or with a filter at one subtree.
   */
  rows(path: readonly string[], now: Nanoseconds, query: RowQuery = {}): GroupRow[] {
    const parent = this.#at(path);
    if (!parent) return [];
    const whole = this.#sum(this.#root, [], query.filter)?.count ?? 0;
    const sums: Sum[] = [];
    for (const group of parent.children.values()) {
      const sum = this.#sum(group, [...path, group.key], query.filter);
      if (sum) sums.push(sum);
    }
    sortSums(sums, query, now);
    const rest = parent.others && this.#sum(parent.others, [...path, others], query.filter);
    if (rest) sums.push(rest);
    const first = query.offset ?? 0;
    return sums
      .slice(first, query.limit === undefined ? undefined : first + query.limit)
      .map((sum) => (sum === rest ? { ...rowOf(sum, whole, now), folded: parent.folded } : rowOf(sum, whole, now)));
  }

  /** What passes the filter in a group; undefined when nothing does. */
  #sum(group: Group, path: readonly string[], filter: Filter | undefined): Sum | undefined {
    if (!filter || filter.empty) return { key: group.key, of: group, exact: true, count: group.count };
    const sum = new FilteredSum(group.key, this.limits.bucket);
    this.#addMatching(group, path, filter, sum);
    return sum.count > 0 ? { key: sum.key, of: sum, exact: sum.exact, count: sum.count } : undefined;
  }

  #addMatching(group: Group, path: readonly string[], filter: Filter, sum: FilteredSum): void {
    if (group.parent?.others === group) {
      // What it stands for is no longer known by name: it passes by the names above it, or not for sure.
      const verdict = filter.ofGroups(path.slice(0, -1));
      if (verdict === 'all') sum.merge(group);
      if (verdict === 'some') sum.exact = false;
      return;
    }
    if (path.length < this.levels.length) {
      for (const child of group.children.values()) this.#addMatching(child, [...path, child.key], filter, sum);
      if (group.others) this.#addMatching(group.others, [...path, others], filter, sum);
      return;
    }
    const verdict = filter.ofGroups(path);
    if (verdict === 'all') sum.merge(group);
    if (verdict !== 'some') return;
    if (group.count > (group.shelf?.size ?? 0)) sum.exact = false;
    for (const record of group.shelf ?? []) if (filter.ofRecord(record)) sum.see(record.time);
  }

  /** The records kept below a path, newest first. */
  records(path: readonly string[], query: { readonly filter?: Filter; readonly limit?: number } = {}): TracedRecord[] {
    const group = this.#at(path);
    if (!group) return [];
    const found: TracedRecord[] = [];
    for (const shelf of shelvesOf(group)) {
      for (const record of shelf) if (!query.filter || query.filter.ofRecord(record)) found.push(record);
    }
    found.reverse();
    if (group.shelf === undefined) found.sort((a, b) => b.time - a.time);
    return query.limit === undefined ? found : found.slice(0, query.limit);
  }
}

export interface TreeLimits {
  /** Records kept in all, the newest. */
  readonly records: number;
  /** Records kept of one innermost group, the newest. */
  readonly recordsPerGroup: number;
  /** Groups of one level, over all parents. */
  readonly groupsPerLevel: number;
  /** ns of virtual time in one bucket of a trend: see bucketWidth. */
  readonly bucket: Nanoseconds;
}

const defaultLimits: TreeLimits = { records: 20_000, recordsPerGroup: 200, groupsPerLevel: 4096, bucket: 1e9 };

/** The key of the row that holds what was folded. */
export const others = '(others)';

/** One row of a table of groups, at one moment. */
export interface GroupRow {
  readonly key: string;
  readonly count: number;
  /** False when a filter had to look at records, and some of that group are no longer kept: `count` is of those kept. */
  readonly exact: boolean;
  /** 0 to 1, of the whole tree as filtered. */
  readonly share: number;
  /** Records per virtual second, of late. */
  readonly rate: number;
  /** Counts in the newest buckets, oldest first. */
  readonly trend: readonly number[];
  readonly firstSeen: Nanoseconds;
  readonly lastSeen: Nanoseconds;
  /** Groups that this row stands for: only on `(others)`. */
  readonly folded?: number;
}

export const sortKeys = ['count', 'rate', 'last', 'first', 'name'] as const;
export type SortKey = (typeof sortKeys)[number];

export interface RowQuery {
  readonly filter?: Filter;
  /** `count` when absent. */
  readonly sort?: SortKey;
  /** The other way round: numbers and times are sorted largest first, names from a to z. */
  readonly reverse?: boolean;
  readonly offset?: number;
  readonly limit?: number;
}

/** What a group counts: of itself, or of what passes a filter. */
class Counted {
  count = 0;
  firstSeen: Nanoseconds = Number.POSITIVE_INFINITY;
  lastSeen: Nanoseconds = Number.NEGATIVE_INFINITY;
  readonly meter: Meter;

  constructor(bucket: Nanoseconds) {
    this.meter = new Meter(bucket);
  }

  see(time: Nanoseconds): void {
    this.count++;
    if (time < this.firstSeen) this.firstSeen = time;
    if (time > this.lastSeen) this.lastSeen = time;
    this.meter.add(time);
  }

  merge(other: Counted): void {
    this.count += other.count;
    this.firstSeen = Math.min(this.firstSeen, other.firstSeen);
    this.lastSeen = Math.max(this.lastSeen, other.lastSeen);
    this.meter.merge(other.meter);
  }
}

class FilteredSum extends Counted {
  readonly key: string;
  exact = true;

  constructor(key: string, bucket: Nanoseconds) {
    super(bucket);
    this.key = key;
  }
}

class Group extends Counted {
  readonly key: string;
  readonly parent: Group | undefined;
  readonly children = new Map<string, Group>();
  /** Records, on the innermost level. */
  readonly shelf: Shelf | undefined;
  /** What was folded here, and of how many groups. */
  others: Group | undefined = undefined;
  folded = 0;
  /** Neighbours by age on its level. */
  older: Group | undefined = undefined;
  newer: Group | undefined = undefined;

  constructor(key: string, parent: Group | undefined, bucket: Nanoseconds, innermost: boolean) {
    super(bucket);
    this.key = key;
    this.parent = parent;
    this.shelf = innermost ? new Shelf() : undefined;
  }
}

/** The groups of one level by when they were last seen. */
class Age {
  size = 0;
  #oldest: Group | undefined = undefined;
  #newest: Group | undefined = undefined;

  get oldest(): Group {
    return this.#oldest as Group;
  }

  /** Makes a group, new or known, the newest. */
  touch(group: Group): void {
    if (group === this.#newest) return;
    if (group === this.#oldest || group.older) this.remove(group);
    group.older = this.#newest;
    if (this.#newest) this.#newest.newer = group;
    else this.#oldest = group;
    this.#newest = group;
    this.size++;
  }

  remove(group: Group): void {
    if (group.older) group.older.newer = group.newer;
    else this.#oldest = group.newer;
    if (group.newer) group.newer.older = group.older;
    else this.#newest = group.older;
    group.older = undefined;
    group.newer = undefined;
    this.size--;
  }
}

interface Sum {
  readonly key: string;
  readonly of: Counted;
  readonly exact: boolean;
  readonly count: number;
}

function rowOf(sum: Sum, whole: number, now: Nanoseconds): GroupRow {
  return {
    key: sum.key,
    count: sum.count,
    exact: sum.exact,
    share: whole === 0 ? 0 : sum.count / whole,
    rate: sum.of.meter.rate(now),
    trend: sum.of.meter.trend(now),
    firstSeen: sum.of.firstSeen,
    lastSeen: sum.of.lastSeen,
  };
}

/** Sorts in place. Equal rows stay in the order of their names, so that a table does not flicker. */
function sortSums(sums: Sum[], query: RowQuery, now: Nanoseconds): void {
  const sort = query.sort ?? 'count';
  const turn = query.reverse ? -1 : 1;
  const byName = (a: Sum, b: Sum): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
  if (sort === 'name') {
    sums.sort((a, b) => turn * byName(a, b));
    return;
  }
  const values = new Map(sums.map((sum) => [sum, measures[sort](sum, now)]));
  sums.sort((a, b) => turn * (values.get(b)! - values.get(a)!) || byName(a, b));
}

const measures: Record<Exclude<SortKey, 'name'>, (sum: Sum, now: Nanoseconds) => number> = {
  count: (sum) => sum.count,
  rate: (sum, now) => sum.of.meter.rate(now),
  last: (sum) => sum.of.lastSeen,
  first: (sum) => sum.of.firstSeen,
};

function* shelvesOf(group: Group): Generator<Shelf> {
  if (group.shelf) yield group.shelf;
  for (const child of group.children.values()) yield* shelvesOf(child);
}
