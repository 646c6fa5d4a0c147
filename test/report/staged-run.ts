import { Subject } from 'rxjs';
import {
  type LedgerModel,
  Meter,
  type RecordsView,
  type Run,
  type TextView,
  type Tick,
  type TracedRecord,
  type View,
} from '../../src/lab/index.ts';

const row = (cpu: number, produced: number, delivered: number, lost: number, filtered: number) => ({
  cpu,
  produced,
  delivered,
  lost,
  filtered,
  pending: 0,
});

export const ledger: LedgerModel = {
  total: row(-1, 10, 6, 3, 1),
  cpus: [row(0, 7, 4, 2, 1), row(1, 3, 2, 1, 0)],
  balanced: true,
};

/** A run whose course the test tells: presenters see records, ticks and lines, and never a kernel. */
export interface StagedRun extends Run {
  readonly records: Subject<readonly TracedRecord[]>;
  readonly ticks: Subject<Tick>;
  readonly printed: Subject<readonly string[]>;
}

export function stagedRun(view: View, over: Partial<Run> = {}): StagedRun {
  const options = {
    tool: { name: 'drop-monitor' },
    args: ['one'],
    toolOptions: { wide: true, top: '5' },
    scenario: { name: 'storm', epoch: 1795229657894440242n },
    profile: { name: '6.18', release: '6.18.44' },
    seed: 7,
    ringPages: 8,
  } as unknown as Run['options'];
  return {
    options,
    cpus: 2,
    duration: 60e9,
    view,
    time: 1.5e9,
    state: 'ended',
    failure: undefined,
    events: 42,
    eventMeter: new Meter(1e9),
    ledger: () => ledger,
    warnings: () => [],
    notes: () => [],
    records: new Subject<readonly TracedRecord[]>(),
    ticks: new Subject<Tick>(),
    printed: new Subject<readonly string[]>(),
    tracePipe: () => [],
    advance: () => {},
    start: async () => {},
    pause: () => {},
    resume: () => {},
    stop: () => {},
    setSpeed: () => {},
    speed: 'max',
    onSlice: () => () => {},
    [Symbol.dispose]: () => {},
    ...over,
  } as StagedRun;
}

export const dropView: RecordsView = {
  kind: 'records',
  noun: 'drop',
  levels: [
    { key: 'reason', title: 'Reason' },
    { key: 'location', title: 'Location' },
    { key: 'flow', title: 'Flow' },
  ],
  columns: [
    { key: 'comm', title: 'COMM', align: 'left', width: 8, priority: 1 },
    { key: 'len', title: 'LEN', align: 'right', width: 5, priority: 1 },
    { key: 'flow', title: 'FLOW', align: 'left', width: 20, priority: 1 },
  ],
  take: () => [],
  detail: () => [],
};

export function drop(time: number, reason: string, location: string, json: Record<string, unknown> = {}): TracedRecord {
  const flow = 'UDP 10.0.0.1:1 → 10.0.0.2:2';
  return {
    time,
    cpu: 1,
    groups: [reason, location, flow],
    cells: { comm: 'ping', len: '98', flow },
    json: { reason, ...json },
    source: undefined,
  };
}

export function textView(over: Partial<TextView> = {}): TextView {
  return { kind: 'text', noun: 'histogram', lines: ['usecs : count', '0 -> 1 : 3'], json: { buckets: [3] }, ...over };
}
