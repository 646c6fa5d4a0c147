import type { Subscription } from 'rxjs';
import { formatDuration, InputError, ms, type Nanoseconds, TracebedError } from '../base/index.ts';
import type { KernelEvent } from '../events/index.ts';
import type { Scenario, Stage } from '../scenario/index.ts';
import type { Machine } from '../sim/index.ts';
import { bucketWidth, Meter } from './meter.ts';
import type { ToolRun } from './tool.ts';

/**
 * The virtual time of one run. Three things happen in it: the scenario's events, a reader that runs `wakeupLatency`
 * after a ring woke it, and ticks of the tool. At one and the same time they happen in that order. Nothing here
 * depends on how far a call of `step` goes, so a run cut into any slices is the same run.
 */
export class Player {
  readonly eventMeter: Meter;
  readonly #machine: Machine;
  readonly #tool: ToolRun;
  readonly #scenario: Scenario;
  readonly #stage: Stage;
  readonly #on: PlayerEvents;
  /** Records delivered per CPU when the rings were last polled: polling again before it changed is in vain. */
  readonly #delivered: Float64Array;
  #subscription: Subscription | undefined;
  #time: Nanoseconds = 0;
  #readerAt = Number.POSITIVE_INFINITY;
  #tickAt: Nanoseconds;
  #pipeAt = tracePipeInterval;
  /** Events of a scenario that emits ahead of its time, waiting for it in the scheduler. */
  #ahead = 0;
  #completedAt: Nanoseconds | undefined;
  #events = 0;
  #ended = false;
  #failure: unknown;
  #failedAt: Nanoseconds = 0;

  constructor(machine: Machine, tool: ToolRun, scenario: Scenario, stage: Stage, on: PlayerEvents) {
    this.#machine = machine;
    this.#tool = tool;
    this.#scenario = scenario;
    this.#stage = stage;
    this.#on = on;
    this.eventMeter = new Meter(bucketWidth(stage.duration));
    this.#delivered = new Float64Array(machine.cpus);
    this.#tickAt = tool.interval ?? Number.POSITIVE_INFINITY;
  }

  get time(): Nanoseconds {
    return this.#time;
  }

  get events(): number {
    return this.#events;
  }

  /** Whether nothing more will happen, for whatever reason. */
  get ended(): boolean {
    return this.#ended;
  }

  get failure(): unknown {
    return this.#failure;
  }

  /**
   * Plays towards `until`, as far as nothing that has not happened yet can interfere: an event can wake the reader
   * `wakeupLatency` later at the earliest, so that far the scenario may run ahead of it in one go.
   */
  step(until: Nanoseconds): void {
    if (this.#ended || until < this.#time) return;
    if (!this.#subscription) this.#subscribe();
    const next = Math.max(this.#time, this.#stage.scheduler.next ?? Number.POSITIVE_INFINITY);
    const end = this.#stage.duration;
    const due = Math.min(until, end, this.#readerAt, this.#tickAt, this.#pipeAt, next + wakeupLatency);
    // Samples are taken by the machine itself, and may wake the reader: each is arrived at exactly.
    const to = Math.min(due, Math.max(this.#time, this.#machine.nextDue));
    this.#playTo(to);
    if (this.#failure !== undefined) this.#finish(this.#failedAt);
    else if (this.#completedAt !== undefined && this.#ahead === 0) this.#finish(this.#completedAt);
    else this.#arrive(to);
  }

  /** All events up to `time` were played: now what else is due. */
  #arrive(time: Nanoseconds): void {
    this.#sampleUpTo(time, true);
    this.#moveTo(time);
    if (time === this.#readerAt) this.#read();
    if (time === this.#pipeAt) this.#readTracePipe();
    if (this.#tool.done) this.#end(time);
    else if (time === this.#stage.duration) this.#finish(time);
    else if (time === this.#tickAt) this.#tick();
  }

  #subscribe(): void {
    try {
      this.#subscription = this.#scenario.events(this.#stage).subscribe({
        next: (event) => this.#take(event),
        error: (fault: unknown) => this.#fail(fault),
        complete: () => this.#complete(),
      });
      // A scenario may refuse an event in the middle of the call above.
      if (this.#failure !== undefined) this.#subscription.unsubscribe();
    } catch (fault) {
      this.#fail(fault);
    }
  }

  #playTo(to: Nanoseconds): void {
    if (this.#failure !== undefined) return;
    try {
      this.#stage.scheduler.advanceTo(to);
    } catch (fault) {
      this.#fail(fault);
    }
  }

  #take(event: KernelEvent): void {
    const now = this.#stage.scheduler.now();
    // A scenario may be JavaScript: what it emits is held to be an event only where it has a time.
    if (!Number.isFinite((event as KernelEvent | null | undefined)?.time)) {
      this.#fail(
        new InputError('it emits something that is no event', { expected: 'a kernel event with its time in ns' }),
      );
      return;
    }
    if (event.time === now) this.#play(event);
    else if (event.time < now) {
      // Whether the machine's clock has passed it would depend on the slices: refused in any case.
      this.#fail(new InputError(`an event of ${formatDuration(event.time)} comes late`));
    } else {
      this.#ahead++;
      this.#stage.scheduler.schedule(() => {
        this.#ahead--;
        if (this.#ahead === 0 && this.#completedAt !== undefined) this.#complete();
        this.#play(event);
      }, event.time - now);
    }
  }

  #complete(): void {
    this.#completedAt = this.#stage.scheduler.now();
  }

  /** Fires one event; looks whether it woke the reader, unless that is on its way already. */
  #play(event: KernelEvent): void {
    if (this.#failure !== undefined || event.time > this.#stage.duration) return;
    try {
      // What a sample finds at the time of an activity is that activity: the machine takes it when it has begun.
      this.#sampleUpTo(event.time, event.kind !== 'activity');
      this.#machine.fire(event);
    } catch (fault) {
      this.#fail(fault);
      return;
    }
    this.#events++;
    this.eventMeter.add(event.time);
    this.#notice(event.cpu, event.time);
  }

  /** Looks whether records of a CPU have woken the reader. */
  #notice(cpu: number, time: Nanoseconds): void {
    if (this.#readerAt !== Number.POSITIVE_INFINITY) return;
    const delivered = this.#machine.ledger.delivered(cpu);
    if (delivered === this.#delivered[cpu]) return;
    this.#delivered[cpu] = delivered;
    if (this.#machine.poll(this.#tool.events).length > 0) this.#readerAt = time + wakeupLatency;
  }

  /** Lets the machine take the samples that are due before a time, and with `until` at it, each at its time. */
  #sampleUpTo(time: Nanoseconds, until: boolean): void {
    const machine = this.#machine;
    while (machine.nextDue < time || (until && machine.nextDue === time)) {
      const at = machine.nextDue;
      machine.advanceTo(at);
      for (let cpu = 0; cpu < machine.cpus; cpu++) this.#notice(cpu, at);
    }
  }

  #moveTo(time: Nanoseconds): void {
    this.#machine.advanceTo(time);
    this.#time = time;
  }

  #read(): void {
    this.#readerAt = Number.POSITIVE_INFINITY;
    // The reader takes all that waits: what woke it meanwhile is seen now.
    this.#machine.poll(this.#tool.events);
    this.#tool.drain();
    this.#on.drained();
  }

  #tick(): void {
    this.#tickAt = this.#time + (this.#tool.interval as Nanoseconds);
    this.#tool.tick?.(this.#time, false);
    const last = this.#tool.done === true;
    this.#on.ticked(this.#time, last);
    if (last) this.#end(this.#time);
  }

  #readTracePipe(): void {
    this.#pipeAt = this.#time + tracePipeInterval;
    const lines = this.#machine.readTracePipe();
    if (lines.length === 0) return;
    this.#tool.printed?.(lines);
    this.#on.printed(lines);
  }

  #fail(fault: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failedAt = this.#stage.scheduler.now();
    this.#failure = scenarioFault(this.#scenario, fault, this.#failedAt);
    this.#subscription?.unsubscribe();
  }

  /** Ends the run at its present time. */
  stop(): void {
    if (!this.#ended) this.#finish(this.#time);
  }

  #end(time: Nanoseconds): void {
    this.#ended = true;
    this.#subscription?.unsubscribe();
    this.#moveTo(Math.max(this.#time, time));
  }

  /** Nothing that was written is lost: a last look at rings, maps and trace pipe, also after a failure. */
  #finish(time: Nanoseconds): void {
    this.#end(time);
    this.#read();
    this.#readTracePipe();
    this.#tool.tick?.(this.#time, true);
    this.#on.ticked(this.#time, true);
  }
}

/** What a player tells while it steps. */
export interface PlayerEvents {
  /** The reader has taken all records into the tool's view. */
  drained(): void;
  ticked(time: Nanoseconds, last: boolean): void;
  printed(lines: readonly string[]): void;
}

/**
 * From a ring's wake-up to its reader running, in virtual time. A choice: about what a reader blocked in epoll_wait
 * gets on a busy machine; long enough that a burst overruns a small ring, as it does on a real one, and short enough
 * that the default ring never loses a record to ordinary traffic.
 */
export const wakeupLatency: Nanoseconds = ms(1);

/** How often trace_pipe is read, in virtual time. */
const tracePipeInterval: Nanoseconds = ms(100);

/** A fault with the scenario and the virtual time in its message, and the position that it carries or threw from. */
function scenarioFault(scenario: Scenario, fault: unknown, time: Nanoseconds): TracebedError {
  if (fault instanceof TracebedError && fault.at !== undefined) return fault;
  const message = fault instanceof Error ? fault.message : String(fault);
  const details = fault instanceof TracebedError ? { expected: fault.expected, hint: fault.hint } : {};
  return new InputError(`scenario ${scenario.name} failed at ${formatDuration(time)}: ${message}`, {
    cause: fault,
    ...(details.expected === undefined ? {} : { expected: details.expected }),
    ...(details.hint === undefined ? {} : { hint: details.hint }),
  });
}
