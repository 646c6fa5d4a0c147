import type { LossLedger } from '../sim/index.ts';

/** The loss ledger at one moment: what became of everything that programs could have reported. */
export interface LedgerModel {
  readonly total: LedgerRow;
  readonly cpus: readonly LedgerRow[];
  /** produced = delivered + lost + filtered on every CPU. */
  readonly balanced: boolean;
}

export interface LedgerRow {
  /** -1 in the total. */
  readonly cpu: number;
  readonly produced: number;
  readonly delivered: number;
  readonly lost: number;
  readonly filtered: number;
  /** Of those delivered: waiting in a ring for the reader. */
  readonly pending: number;
}

export function ledgerModel(ledger: LossLedger): LedgerModel {
  const cpus: LedgerRow[] = [];
  for (let cpu = 0; cpu < ledger.cpus; cpu++) {
    cpus.push({
      cpu,
      produced: ledger.produced(cpu),
      delivered: ledger.delivered(cpu),
      lost: ledger.lost(cpu),
      filtered: ledger.filtered(cpu),
      pending: ledger.pending(cpu),
    });
  }
  const sum = (pick: (row: LedgerRow) => number): number => cpus.reduce((all, row) => all + pick(row), 0);
  const total = {
    cpu: -1,
    produced: sum((row) => row.produced),
    delivered: sum((row) => row.delivered),
    lost: sum((row) => row.lost),
    filtered: sum((row) => row.filtered),
    pending: sum((row) => row.pending),
  };
  const balanced = cpus.every((row) => row.produced === row.delivered + row.lost + row.filtered);
  return { total, cpus, balanced };
}
