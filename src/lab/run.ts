import type { Observable } from 'rxjs';
import type { Nanoseconds } from '../base/index.ts';
import type { KernelProfile } from '../btf/index.ts';
import type { Scenario } from '../scenario/index.ts';
import type { EngineName } from '../sim/index.ts';
import type { LedgerModel } from './ledger.ts';
import type { Meter } from './meter.ts';
import type { Tool, ToolOptionValue, TracedRecord, View } from './tool.ts';

export interface RunOptions {
  readonly tool: Tool;
  readonly args: readonly string[];
  readonly toolOptions: Readonly<Record<string, ToolOptionValue>>;
  readonly scenario: Scenario;
  readonly profile: KernelProfile;
  readonly seed: number;
  /** undefined: the scenario's own, else 2 */
  readonly cpus: number | undefined;
  /** undefined: the scenario's own, else 60 s */
  readonly duration: Nanoseconds | undefined;
  /** Virtual seconds per real second, or 'max'. */
  readonly speed: Speed;
  /** Data pages of each perf ring: a power of two. */
  readonly ringPages: number;
  /** What programs run on; changes nothing but the speed. The compiler when absent. */
  readonly engine?: EngineName;
}

/** Virtual seconds per real second, or as fast as it goes. */
export type Speed = number | 'max';

/**
 * One run: a booted machine, a tool on it, a scenario played to it. Virtual time decides everything that is counted;
 * real time only decides when a slice is played.
 */
export interface Run extends Disposable {
  readonly options: RunOptions;
  /** CPUs and length as decided from options and scenario. */
  readonly cpus: number;
  readonly duration: Nanoseconds;
  readonly view: View;
  /** All that the tool was asked for, where that needs no run: a list, its program. */
  readonly answer: readonly string[] | undefined;
  /** Virtual time now; the scenario begins at 0. */
  readonly time: Nanoseconds;
  readonly state: 'ready' | 'running' | 'paused' | 'ended' | 'failed';
  /** Why the run failed: a TracebedError that says where in the scenario. */
  readonly failure: unknown;
  /** Events played so far. */
  readonly events: number;
  /** The same per virtual second: rate and trend. */
  readonly eventMeter: Meter;
  /** Sums over all CPUs, and each CPU's. */
  ledger(): LedgerModel;
  /** What is wrong though the run goes on, each in a line: a program that traps, a ledger that does not add up. */
  warnings(): readonly string[];
  /** What the scenario left out or could not know, each in a line: events of unknown format, packets without bytes. */
  notes(): readonly string[];

  /** The view's records as the reader takes them: one emission a drain, oldest first. Completes with the run. */
  readonly records: Observable<readonly TracedRecord[]>;
  /** After each tick of the tool: the text of a TextView was written anew. Completes with the run. */
  readonly ticks: Observable<Tick>;
  /** Lines of trace_printk, as a reader of trace_pipe takes them. Completes with the run. */
  readonly printed: Observable<readonly string[]>;
  /** What trace_printk wrote since the last call; the newest 10,000 lines are kept. */
  tracePipe(): string[];

  /** Plays on until virtual time `until`: synchronous and exact, the core of every speed. */
  advance(until: Nanoseconds): void;
  /**
   * Plays to the end in slices, in real time scaled by `speed`, or as fast as it goes. Resolves at the end, and when
   * the run is stopped, fails or is disposed of; never rejects: see `state` and `failure`.
   */
  start(): Promise<void>;
  pause(): void;
  resume(): void;
  /** Ends it here: what programs have written is read, the tool ticks a last time. */
  stop(): void;
  setSpeed(speed: Speed): void;
  readonly speed: Speed;
  /** Called after each slice. @returns how to stop being called */
  onSlice(listener: () => void): () => void;
}

export interface Tick {
  readonly time: Nanoseconds;
  readonly last: boolean;
}
