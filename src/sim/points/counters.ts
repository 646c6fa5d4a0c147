import type { Nanoseconds } from '../../base/index.ts';
import type { CpuActivity, Task } from '../../events/index.ts';
import type { PerfCount } from '../../maps/index.ts';
import type { PerfCounter } from '../../uapi/index.ts';

/**
 * A counter of one CPU on the virtual clock (kernel/events/core.c): the two clocks count every ns, the others what the
 * activities of a scenario say that they count, spread evenly over their time. Where no activity tells, they stand.
 */
export class Counter implements PerfCount {
  readonly event: PerfCounter;
  readonly cpu: number;
  /** Only while this process runs; 0 for all. */
  readonly pid: number;
  readonly isClock: boolean;
  readonly began: Nanoseconds;
  /** Counted up to `since`, and what it grows by in an ns from then on. */
  counted = 0;
  rate = 0;
  since: Nanoseconds;
  /** When what moves it is over. */
  #until = 0;

  constructor(event: PerfCounter, cpu: number, pid: number, now: Nanoseconds) {
    this.event = event;
    this.cpu = cpu;
    this.pid = pid;
    this.isClock = event === 'cpu-clock' || event === 'task-clock';
    this.began = now;
    this.since = now;
  }

  /** What the CPU does from `since` on. */
  run(task: Task, activity: CpuActivity | null, until: Nanoseconds): void {
    const counts = this.isClock || activity === null ? 0 : (activity.counts?.[this.event as never] ?? 0);
    this.#until = this.isClock ? Number.POSITIVE_INFINITY : until;
    if (!this.countsFor(task)) this.rate = 0;
    else if (this.isClock) this.rate = 1;
    else this.rate = counts === 0 ? 0 : counts / (activity as CpuActivity).duration;
  }

  countsFor(task: Task): boolean {
    return this.pid === 0 || this.pid === task.tgid;
  }

  /** Brings the count up to a time. */
  settle(now: Nanoseconds): void {
    const end = Math.max(this.since, Math.min(now, this.#until));
    this.counted += (end - this.since) * this.rate;
    this.since = Math.max(this.since, now);
  }

  read(now: Nanoseconds): number {
    this.settle(now);
    return Math.floor(this.counted + rounding);
  }
}

/** What spreading counts over their time may take off them. */
const rounding = 1e-6;
