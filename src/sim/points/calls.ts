import type { Task } from '../../events/index.ts';
import { CallsOfTasks } from './calls-of-tasks.ts';

/**
 * The instances of a kretprobe (kernel/kprobes.c, kernel/trace/rethook.c): an entry takes one and changes the return
 * address; the exit of the same call gives it back. With none left the call is missed, and its return goes unseen.
 * A call that was under way before the probe was there returns unseen too.
 */
export class ReturnInstances {
  /** How many calls may hold an instance at once. */
  readonly maxActive: number;
  #free: number;
  /** Whether each call holds an instance. */
  readonly #calls = new CallsOfTasks(1);

  constructor(maxActive: number) {
    this.maxActive = maxActive;
    this.#free = maxActive;
  }

  /** The function is entered on a task. Returns false when there is no instance for the call. */
  enter(task: Task): boolean {
    const calls = this.#calls;
    if (!calls.enter(task)) return false;
    const taken = this.#free > 0;
    if (taken) this.#free--;
    calls.rows[calls.at] = taken ? 1 : 0;
    return taken;
  }

  /** The innermost call returns. Returns whether it held an instance. */
  exit(task: Task): boolean {
    return this.#calls.exit(task) && this.#giveBack();
  }

  /** A task is gone: its calls return no more, and their instances are free again (kprobe_flush_task). */
  forget(task: Task): void {
    this.#calls.forget(task, () => this.#giveBack());
  }

  #giveBack(): boolean {
    const held = this.#calls.rows[this.#calls.at] === 1;
    if (held) this.#free++;
    return held;
  }
}

/** register_kretprobe's choice when the caller makes none: max(10, 2 * number of possible CPUs). */
export function defaultMaxActive(cpus: number): number {
  return Math.max(10, 2 * cpus);
}
