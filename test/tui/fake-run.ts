import { Subject } from 'rxjs';
import {
  type LedgerModel,
  Meter,
  type RecordsView,
  type Run,
  type RunOptions,
  type Speed,
  type TextView,
  type Tick,
  type TracedRecord,
  type View,
} from '../../src/lab/index.ts';

/** A run without a kernel: the test says what comes, when, and how it ends. */
export class FakeRun implements Run {
  readonly cpus = 2;
  readonly duration = 60e9;
  readonly view: View;
  readonly answer = undefined;
  readonly options: RunOptions;
  readonly records = new Subject<readonly TracedRecord[]>();
  readonly ticks = new Subject<Tick>();
  readonly printed = new Subject<readonly string[]>();
  readonly eventMeter = new Meter(1e9);
  time = 0;
  events = 0;
  state: Run['state'] = 'ready';
  failure: unknown = undefined;
  speed: Speed = 1;
  lost = 0;
  balanced = true;
  warned: string[] = [];
  #delivered = 0;
  #listeners = new Set<() => void>();
  #started: (() => void) | undefined;

  constructor(view: View, tool = 'drop-monitor') {
    this.view = view;
    this.options = {
      tool: { name: tool },
      args: [],
      scenario: { name: 'udp_closed_port' },
      seed: 1,
      speed: 1,
    } as unknown as RunOptions;
  }

  /** Plays to `time` with these records. */
  play(time: number, records: readonly TracedRecord[] = []): void {
    this.time = time;
    this.events += records.length * 3;
    this.eventMeter.add(time, records.length * 3);
    this.#delivered += records.length;
    if (records.length > 0) this.records.next(records);
    this.slice();
  }

  slice(): void {
    for (const listener of this.#listeners) listener();
  }

  end(state: 'ended' | 'failed' = 'ended', failure?: unknown): void {
    this.state = state;
    this.failure = failure;
    this.slice();
    this.#started?.();
  }

  ledger(): LedgerModel {
    const all = { produced: this.#delivered + this.lost, delivered: this.#delivered, lost: this.lost };
    const total = { cpu: -1, ...all, filtered: 0, pending: 0 };
    const none = { cpu: 1, produced: 0, delivered: 0, lost: 0, filtered: 0, pending: 0 };
    return { total, cpus: [{ ...total, cpu: 0 }, none], balanced: this.balanced };
  }

  notes(): readonly string[] {
    return [];
  }

  warnings(): readonly string[] {
    return this.warned;
  }

  tracePipe(): string[] {
    return [];
  }

  advance(until: number): void {
    this.time = until;
  }

  start(): Promise<void> {
    if (this.state === 'ready') this.state = 'running';
    return new Promise((resolve) => {
      this.#started = resolve;
    });
  }

  pause(): void {
    this.state = 'paused';
  }

  resume(): void {
    this.state = 'running';
  }

  stop(): void {
    this.end();
  }

  setSpeed(speed: Speed): void {
    this.speed = speed;
  }

  onSlice(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  [Symbol.dispose](): void {
    this.#started?.();
  }

  /** How many still listen: a closed dashboard leaves none. */
  get listeners(): number {
    return this.#listeners.size;
  }
}

export const dropView: RecordsView = {
  kind: 'records',
  noun: 'drop',
  levels: [
    { key: 'reason', title: 'reason' },
    { key: 'location', title: 'location' },
    { key: 'flow', title: 'flow' },
  ],
  columns: [
    { key: 'time', title: 'time', align: 'left', width: 12, priority: 100 },
    { key: 'cpu', title: 'cpu', align: 'right', width: 3, priority: 40 },
    { key: 'comm', title: 'task', align: 'left', width: 15, priority: 60 },
    { key: 'length', title: 'len', align: 'right', width: 6, priority: 80 },
    { key: 'device', title: 'device', align: 'left', width: 8, priority: 50 },
  ],
  take: () => [],
  detail: (record) => [
    { title: 'Packet', lines: [`length ${record.cells.length}`, 'braces {bold}stay{/bold} as they are'] },
    { title: 'Stack', lines: Array.from({ length: 60 }, (_, i) => `function_${i}+0x10/0x20`) },
  ],
};

export const logView: RecordsView = {
  ...dropView,
  noun: 'line',
  levels: [],
};

export function drop(
  time: number,
  groups: readonly string[],
  cells: Readonly<Record<string, string>> = {},
): TracedRecord {
  const shown = { time: (time / 1e9).toFixed(6), cpu: '0', comm: 'swapper/0', length: '98', device: 'kva', ...cells };
  return {
    time,
    cpu: 0,
    groups,
    cells: shown,
    json: { reason: groups[0] ?? '', length: shown.length },
    source: undefined,
  };
}

const udp = 'UDP 10.77.0.1:42104 → 10.77.0.2:9999';
const tcp = 'TCP 10.77.0.1:51000 → 10.77.0.2:8080';
const ping = 'ICMP 10.77.0.2 → 10.77.0.1 echo';

/** Ten drops of three reasons within two seconds. */
export const someDrops: readonly TracedRecord[] = [
  ...[1, 2, 3, 4, 5].map((i) => drop(i * 1e8, ['NO_SOCKET', '__udp4_lib_rcv+0x4bc', udp], { length: String(40 + i) })),
  drop(6e8, ['NO_SOCKET', 'tcp_v4_rcv+0x5a', tcp]),
  ...[7, 8, 9].map((i) => drop(i * 1e8, ['NETFILTER_DROP', 'nf_hook_slow+0xa8', ping], { comm: 'ping' })),
  drop(20e8, ['UNHANDLED_PROTO', '__netif_receive_skb_core+0x1fb', ''], { comm: 'python3' }),
];

export const histogram: TextView = {
  kind: 'text',
  noun: 'histogram',
  lines: [
    '     usecs : count',
    ...Array.from({ length: 40 }, (_, i) => `${2 ** i} -> ${2 ** (i + 1) - 1} : ${i} |${'*'.repeat(i)}|`),
  ],
  json: { buckets: [1, 2, 3] },
};
