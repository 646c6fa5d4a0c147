import type { Nanoseconds } from '../../base/index.ts';
import type { CpuActivity, KernelStack, Task, UserStack } from '../../events/index.ts';
import type { SamplingTarget } from '../../sys/index.ts';
import type { PerfCounter } from '../../uapi/index.ts';
import type { ProgramResource } from '../programs/programs.ts';
import { Counter } from './counters.ts';
import { LinkResource } from './points.ts';

/**
 * Sampling on the virtual clock (kernel/events/core.c): a counter on each CPU moves with the time that passes and with
 * what the activity under way counts; each time it has moved by the period, the program runs in the context of what
 * the CPU is doing. Clocks move when the CPU is idle too. Everything that is due at one time runs CPU by CPU, in the
 * order of attaching, before what else happens at that time.
 */
export interface Running {
  readonly task: Task;
  readonly stack: KernelStack;
  readonly userStack: UserStack | undefined;
  /** The activity's own numbers; null when the CPU is idle. */
  readonly activity: CpuActivity | null;
  /** When it is over; infinite for idleness. */
  readonly until: Nanoseconds;
}

/** Runs the program of a sample. */
export type Take = (link: SamplingLink, running: Running, at: Nanoseconds) => void;

/** What rounding may add to a quotient of counts. */
const rounding = 1e-6;
/** perf_swevent_start_hrtimer: a clock's period is 10 us at least. */
const shortestClock = 10_000;
const second = 1_000_000_000;

const idleStack: KernelStack = [
  'pv_native_safe_halt+0xf',
  'default_idle+0x9',
  'do_idle+0x1b2',
  'cpu_startup_entry+0x29',
];

/** A program on one counter of one CPU. */
export class SamplingLink extends LinkResource {
  readonly sampling: SamplingTarget;
  readonly counter: Counter;
  /** ns between two samples when it is given by time, else 0. */
  readonly interval: number;
  /** How far the next sample is at the time up to which the counter is settled, and what that falls by in an ns. */
  left: number;
  rate = 0;
  /** When the next sample is due. */
  due = Number.POSITIVE_INFINITY;
  readonly #gone: (link: SamplingLink) => void;

  constructor(
    target: SamplingTarget,
    program: ProgramResource,
    list: LinkResource[],
    now: Nanoseconds,
    gone: (link: SamplingLink) => void,
  ) {
    super(target, program, list, 0);
    this.sampling = target;
    this.counter = new Counter(target.event, target.cpu, this.pid, now);
    const interval = target.frequency === undefined ? 0 : Math.floor(second / target.frequency);
    const clock = this.counter.isClock ? Math.max(shortestClock, interval || (target.period ?? 0)) : interval;
    this.interval = clock;
    this.left = clock || (target.period ?? 0);
    this.#gone = gone;
  }

  /** What bpf_perf_event_data says: how much the counter moved for a sample. */
  get period(): number {
    if (this.counter.isClock || this.interval === 0) return this.interval || (this.sampling.period ?? 0);
    return Math.max(1, Math.round(this.counter.rate * this.interval));
  }

  /** Brings the count up to a time. */
  settle(now: Nanoseconds): void {
    this.left -= (now - this.counter.since) * this.rate;
    this.counter.settle(now);
  }

  /** What the CPU does from now on. */
  run({ activity, task, until }: Running): void {
    this.counter.run(task, activity, until);
    this.rate = this.interval > 0 && this.counter.rate > 0 ? 1 : this.counter.rate;
    this.schedule();
  }

  schedule(): void {
    this.due =
      this.rate === 0
        ? Number.POSITIVE_INFINITY
        : this.counter.since + Math.max(0, Math.ceil(this.left / this.rate - rounding));
  }

  /** A sample was taken: the next is a period later. */
  next(): void {
    this.settle(this.due);
    this.left += this.interval || (this.sampling.period as number);
    this.schedule();
  }

  protected override release(): void {
    super.release();
    this.#gone(this);
  }
}

/** What a CPU does while a scenario tells: one for each CPU, so that an activity allocates nothing. */
type Busy = { -readonly [Key in keyof Running]: Running[Key] };

export class Sampling {
  readonly #running: Running[];
  readonly #idle: readonly Running[];
  readonly #busy: readonly Busy[];
  readonly #links: LinkResource[][];
  /** Those that only count. */
  readonly #counters: Counter[][];
  /** When the next sample is due, or the next activity that counters depend on is over; infinite when nobody samples. */
  due: Nanoseconds = Number.POSITIVE_INFINITY;

  constructor(cpus: number) {
    this.#idle = Array.from({ length: cpus }, (_, cpu) => ({
      task: { pid: 0, tgid: 0, comm: `swapper/${cpu}`, uid: 0, gid: 0 },
      stack: idleStack,
      userStack: undefined,
      activity: null,
      until: Number.POSITIVE_INFINITY,
    }));
    this.#busy = this.#idle.map((running) => ({ ...running }));
    this.#running = [...this.#idle];
    this.#links = this.#idle.map(() => []);
    this.#counters = this.#idle.map(() => []);
  }

  attach(target: SamplingTarget, program: ProgramResource, now: Nanoseconds): SamplingLink {
    this.#expire(target.cpu, now);
    const list = this.#links[target.cpu] as LinkResource[];
    const link = new SamplingLink(target, program, list, now, () => this.#reckon());
    link.run(this.#running[target.cpu] as Running);
    this.#reckon();
    return link;
  }

  /** What a CPU does now. */
  running(cpu: number): Running {
    return this.#running[cpu] as Running;
  }

  /** Counts on a CPU from now on, until `stop`. */
  count(event: PerfCounter, cpu: number, pid: number, now: Nanoseconds): Counter {
    this.#expire(cpu, now);
    const counter = new Counter(event, cpu, pid, now);
    const { task, activity, until } = this.#running[cpu] as Running;
    counter.run(task, activity, until);
    (this.#counters[cpu] as Counter[]).push(counter);
    return counter;
  }

  stop(counter: Counter): void {
    const counters = this.#counters[counter.cpu] as Counter[];
    counters.splice(counters.indexOf(counter), 1);
  }

  /**
   * What a CPU does from now on. Clocks that are due now sample it; the last events of what it did before were counted
   * in that. `take` runs the program.
   */
  begin(activity: CpuActivity, take: Take): void {
    const { cpu, time } = activity;
    this.#takeDue(cpu, time, false, take);
    const busy = this.#busy[cpu] as Busy;
    busy.task = activity.task;
    busy.stack = activity.stack;
    busy.userStack = activity.userStack;
    busy.activity = activity;
    busy.until = time + activity.duration;
    this.#switch(cpu, time, busy);
    this.#reckon();
  }

  /** Takes the samples due before a time, in order, and with `until` those due at it. `take` runs the program. */
  advance(time: Nanoseconds, until: boolean, take: Take): void {
    while (this.due < time || (until && this.due === time)) {
      const now = this.due;
      for (let cpu = 0; cpu < this.#links.length; cpu++) {
        // The last event of an activity counts in it; a clock's tick at its end finds what comes next.
        this.#takeDue(cpu, now, false, take);
        this.#expire(cpu, now);
        this.#takeDue(cpu, now, true, take);
      }
      this.#reckon();
    }
  }

  #takeDue(cpu: number, now: Nanoseconds, clocks: boolean, take: Take): void {
    const links = this.#links[cpu] as LinkResource[];
    for (let index = 0; index < links.length; index++) {
      const link = links[index] as SamplingLink;
      if (link.due > now || link.counter.isClock !== clocks) continue;
      take(link, this.#running[cpu] as Running, now);
      link.next();
    }
  }

  /** An activity that is over by now leaves its CPU idle. */
  #expire(cpu: number, now: Nanoseconds): void {
    const { until } = this.#running[cpu] as Running;
    if (until <= now) this.#switch(cpu, until, this.#idle[cpu] as Running);
  }

  #switch(cpu: number, now: Nanoseconds, running: Running): void {
    this.#running[cpu] = running;
    const links = this.#links[cpu] as LinkResource[];
    for (let index = 0; index < links.length; index++) {
      const link = links[index] as SamplingLink;
      link.settle(Math.max(now, link.counter.since));
      link.run(running);
    }
    const counters = this.#counters[cpu] as Counter[];
    for (let index = 0; index < counters.length; index++) {
      const counter = counters[index] as Counter;
      counter.settle(now);
      counter.run(running.task, running.activity, running.until);
    }
  }

  #reckon(): void {
    let due = Number.POSITIVE_INFINITY;
    for (let cpu = 0; cpu < this.#links.length; cpu++) {
      const links = this.#links[cpu] as LinkResource[];
      if (links.length === 0) continue;
      due = Math.min(due, (this.#running[cpu] as Running).until);
      for (let index = 0; index < links.length; index++) due = Math.min(due, (links[index] as SamplingLink).due);
    }
    this.due = due;
  }
}
