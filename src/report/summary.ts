import type { Nanoseconds } from '../base/index.ts';
import { GroupTree, type LedgerModel, type Level, type Run, type TracedRecord } from '../lab/index.ts';

/** What a run came to, as both outputs tell it at the end. */
export interface Summary {
  readonly state: Run['state'];
  readonly time: Nanoseconds;
  readonly events: number;
  /** Records that the tool showed. */
  readonly records: number;
  readonly levels: readonly Level[];
  readonly groups: readonly SummaryGroup[];
  readonly ledger: LedgerModel;
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
}

export interface SummaryGroup {
  /** The group at each of `levels`. */
  readonly keys: readonly string[];
  readonly count: number;
  /** 0 to 1, of all records. */
  readonly share: number;
  readonly first: Nanoseconds;
  readonly last: Nanoseconds;
}

/** Counts records by their two outermost levels: by then a table is still short enough to read. */
export class Tally {
  readonly #tree: GroupTree;

  constructor(run: Run) {
    const levels = run.view.kind === 'records' ? run.view.levels.slice(0, 2) : [];
    this.#tree = new GroupTree({ levels }, { records: 0 });
  }

  add(records: readonly TracedRecord[]): void {
    this.#tree.add(records);
  }

  /** Groups in order of their counts, the outer ones first. */
  summary(run: Run): Summary {
    return {
      state: run.state,
      time: run.time,
      events: run.events,
      records: this.#tree.count,
      levels: this.#tree.levels,
      groups: this.#tree.levels.length === 0 ? [] : this.#groupsBelow([], run.time),
      ledger: run.ledger(),
      warnings: run.warnings(),
      notes: run.notes(),
    };
  }

  #groupsBelow(path: readonly string[], now: Nanoseconds): SummaryGroup[] {
    return this.#tree.rows(path, now).flatMap((row) => {
      const keys = [...path, row.key];
      const inner = keys.length < this.#tree.levels.length ? this.#groupsBelow(keys, now) : [];
      if (inner.length > 0) return inner;
      return [{ keys, count: row.count, share: row.share, first: row.firstSeen, last: row.lastSeen }];
    });
  }
}
