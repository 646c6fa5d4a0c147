import type { Nanoseconds } from '../base/index.ts';
import type { KernelProfile } from '../btf/index.ts';
import type { Scenario } from '../scenario/index.ts';
import type { Tool, View } from './tool.ts';

export interface RunOptions {
  readonly tool: Tool;
  readonly args: readonly string[];
  readonly toolOptions: Readonly<Record<string, string | boolean>>;
  readonly scenario: Scenario;
  readonly profile: KernelProfile;
  readonly seed: number;
  /** undefined: the scenario's own, else 2 */
  readonly cpus: number | undefined;
  /** undefined: the scenario's own, else 60 s */
  readonly duration: Nanoseconds | undefined;
  /** Virtual seconds per real second, or 'max'. */
  readonly speed: number | 'max';
  /** Data pages of each perf ring: a power of two. */
  readonly ringPages: number;
}

/**
 * One run: a booted machine, a tool on it, a scenario played to it. Virtual time decides everything that is counted;
 * real time only decides when a slice is played.
 */
export interface Run extends Disposable {
  readonly options: RunOptions;
  readonly view: View;
  /** Virtual time now; the scenario begins at 0. */
  readonly time: Nanoseconds;
  readonly state: 'ready' | 'running' | 'paused' | 'ended' | 'failed';
  /** Why the run failed. */
  readonly failure: unknown;
  /** Events played so far. */
  readonly events: number;
  /** Sums over all CPUs, and each CPU's. */
  ledger(): LedgerModel;
  /** What trace_printk wrote since the last call. */
  tracePipe(): string[];
  /** Plays on until virtual time `until`: synchronous and exact, the core of every speed. */
  advance(until: Nanoseconds): void;
  /** Plays to the end in slices, in real time scaled by `speed`, or as fast as it goes; resolves at the end. */
  start(): Promise<void>;
  pause(): void;
  resume(): void;
  setSpeed(speed: number | 'max'): void;
  readonly speed: number | 'max';
  /** Called after each slice. @returns how to stop being called */
  onSlice(listener: () => void): () => void;
}

export interface LedgerRow {
  readonly cpu: number;
  readonly produced: number;
  readonly delivered: number;
  readonly lost: number;
  readonly filtered: number;
  readonly pending: number;
}

export interface LedgerModel {
  readonly total: LedgerRow;
  readonly cpus: readonly LedgerRow[];
  /** produced = delivered + lost + filtered on every CPU. */
  readonly balanced: boolean;
}
