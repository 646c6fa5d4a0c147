import { Subject } from 'rxjs';
import { minutes, type Nanoseconds, Random, UsageError } from '../base/index.ts';
import type { Task } from '../events/index.ts';
import { createScheduler } from '../scenario/index.ts';
import { boot, type Machine } from '../sim/index.ts';
import { pinContainerMap } from './container-map.ts';
import { type LedgerModel, ledgerModel } from './ledger.ts';
import type { Meter } from './meter.ts';
import { forgivenLag, sliceInterval, sliceTime, type WallClock, wallClock } from './pacing.ts';
import { Player } from './player.ts';
import type { Run, RunOptions, Speed, Tick } from './run.ts';
import type { ToolRun, TracedRecord, View } from './tool.ts';

/**
 * Boots a machine and starts the tool on it; the scenario waits for the first advance or start.
 * @throws TracebedError when the tool does not start: a bad argument, a refused program, an unknown function
 */
export function createRun(options: RunOptions, clock: WallClock = wallClock): Run {
  const cpus = options.cpus ?? options.scenario.cpus ?? 2;
  const duration = options.duration ?? options.scenario.duration ?? minutes(1);
  if (options.speed !== 'max' && !(options.speed > 0)) {
    throw new UsageError(`speed is not above zero: ${options.speed}`);
  }
  const { profile, engine, scenario } = options;
  const machine = boot({
    profile,
    cpus,
    ...(engine === undefined ? {} : { engine }),
    ...(scenario.processes === undefined ? {} : { processes: scenario.processes }),
    ...(scenario.devices === undefined ? {} : { devices: scenario.devices }),
    ...(scenario.files === undefined ? {} : { files: scenario.files }),
  });
  try {
    for (const map of scenario.containerMaps ?? []) pinContainerMap(machine, map);
    const tool = options.tool.start({
      kernel: machine,
      profile: options.profile,
      args: options.args,
      options: options.toolOptions,
      ringPages: options.ringPages,
      epoch: options.scenario.epoch,
    });
    return new LabRun(options, machine, tool, cpus, duration, clock);
  } catch (fault) {
    machine[Symbol.dispose]();
    throw fault;
  }
}

/** Joins the player, which knows only virtual time, with the wall clock and with those who watch. */
export class LabRun implements Run {
  readonly options: RunOptions;
  readonly cpus: number;
  readonly duration: Nanoseconds;
  readonly view: View;
  readonly answer: readonly string[] | undefined;
  readonly records = new Subject<readonly TracedRecord[]>();
  readonly ticks = new Subject<Tick>();
  readonly printed = new Subject<readonly string[]>();

  readonly #machine: Machine;
  readonly #tool: ToolRun;
  readonly #player: Player;
  readonly #clock: WallClock;
  readonly #listeners = new Set<() => void>();
  #pipe: string[] = [];
  #speed: Speed;
  #started = false;
  #paused = false;
  #disposed = false;
  /** Wakes a paused start(). */
  #resumed: (() => void) | undefined;
  /** Where real and virtual time were last set side by side; undefined: at the next slice. */
  #anchor: { real: number; virtual: Nanoseconds } | undefined;

  constructor(
    options: RunOptions,
    machine: Machine,
    tool: ToolRun,
    cpus: number,
    duration: Nanoseconds,
    clock: WallClock,
  ) {
    this.options = options;
    this.cpus = cpus;
    this.duration = duration;
    this.view = tool.view;
    this.answer = tool.answer;
    this.#machine = machine;
    this.#tool = tool;
    this.#clock = clock;
    this.#speed = options.speed;
    const stage = {
      profile: options.profile,
      random: new Random(options.seed),
      cpus,
      duration,
      scheduler: createScheduler(),
      overridden: (task: Task) => machine.overridden(task),
      passed: () => machine.packetFate === 'passed' || machine.packetFate === 'sent',
    };
    this.#player = new Player(machine, tool, options.scenario, stage, {
      drained: () => this.#takeRecords(),
      ticked: (time, last) => {
        this.#takeRecords();
        this.ticks.next({ time, last });
      },
      printed: (lines) => this.#takePrinted(lines),
    });
  }

  get time(): Nanoseconds {
    return this.#player.time;
  }

  get state(): Run['state'] {
    if (this.#player.failure !== undefined) return 'failed';
    if (this.#player.ended) return 'ended';
    if (this.#paused) return 'paused';
    return this.#started ? 'running' : 'ready';
  }

  get failure(): unknown {
    return this.#player.failure;
  }

  get events(): number {
    return this.#player.events;
  }

  get eventMeter(): Meter {
    return this.#player.eventMeter;
  }

  get speed(): Speed {
    return this.#speed;
  }

  ledger(): LedgerModel {
    return ledgerModel(this.#machine.ledger);
  }

  warnings(): readonly string[] {
    const lines = this.#machine.traps.map(({ program, message, count }) => {
      const times = count === 1 ? 'once' : `${count} times`;
      return `program ${program} trapped ${times}: ${message}`;
    });
    if (!this.ledger().balanced) lines.push('the ledger does not add up: produced is not delivered + lost + filtered');
    return lines;
  }

  notes(): readonly string[] {
    return this.options.scenario.notes?.(this.options.profile) ?? [];
  }

  #takeRecords(): void {
    if (this.view.kind !== 'records') return;
    const batch = this.view.take();
    if (batch.length > 0) this.records.next(batch);
  }

  #takePrinted(lines: readonly string[]): void {
    this.#pipe.push(...lines);
    if (this.#pipe.length > pipeLines) this.#pipe = this.#pipe.slice(-pipeLines);
    this.printed.next(lines);
  }

  tracePipe(): string[] {
    const lines = this.#pipe;
    this.#pipe = [];
    return lines;
  }

  advance(until: Nanoseconds): void {
    this.#play(until, Number.POSITIVE_INFINITY);
  }

  /** Steps on until a virtual time, or until the wall clock says that the slice is over. */
  #play(until: Nanoseconds, deadline: number): void {
    if (this.#disposed || this.#player.ended) return;
    this.#started = true;
    const goal = Math.min(until, this.duration);
    do {
      this.#player.step(goal);
    } while (!this.#player.ended && this.#player.time < goal && this.#clock.now() < deadline);
    this.#sliceDone();
  }

  #sliceDone(): void {
    for (const listener of this.#listeners) listener();
    if (!this.#player.ended) return;
    this.records.complete();
    this.ticks.complete();
    this.printed.complete();
    this.#resumed?.();
  }

  async start(): Promise<void> {
    this.#started = true;
    while (!this.#player.ended && !this.#disposed) {
      if (this.#paused) await this.#untilResumed();
      else if (this.#speed === 'max') {
        this.#play(this.duration, this.#clock.now() + sliceTime);
        await this.#clock.breathe();
      } else {
        const lag = this.#playTowards(this.#speed);
        await (lag ? this.#clock.breathe() : this.#clock.sleep(sliceInterval));
      }
    }
  }

  /** Plays what is due by the wall clock. @returns whether some of it is still due */
  #playTowards(speed: number): boolean {
    const now = this.#clock.now();
    this.#anchor ??= { real: now, virtual: this.time };
    const goal = this.#anchor.virtual + Math.floor((now - this.#anchor.real) * speed * 1e6);
    this.#play(goal, now + sliceTime);
    const lag = (Math.min(goal, this.duration) - this.time) / (speed * 1e6);
    if (lag > forgivenLag) this.#anchor = undefined;
    return lag > 0;
  }

  #untilResumed(): Promise<void> {
    return new Promise((resolve) => {
      this.#resumed = resolve;
    });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#anchor = undefined;
    this.#resumed?.();
  }

  stop(): void {
    if (this.#disposed || this.#player.ended) return;
    this.#player.stop();
    this.#sliceDone();
  }

  setSpeed(speed: Speed): void {
    if (speed !== 'max' && !(speed > 0)) throw new UsageError(`speed is not above zero: ${speed}`);
    this.#speed = speed;
    this.#anchor = undefined;
  }

  onSlice(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#resumed?.();
    this.#tool.close();
    this.#machine[Symbol.dispose]();
  }
}

/** Lines of trace_pipe kept for a reader that is slow. */
const pipeLines = 10_000;
