import { identityOf, type Task } from '../../events/index.ts';

/** Calls of one function on one task beyond which a call is only counted. */
const deepest = 256;

/** The calls of one function that are under way on one task: whether each holds an instance, outermost first. */
class CallsOfTask {
  depth = 0;
  /** Calls beyond `deepest`: they hold none. */
  beyond = 0;
  readonly holds = new Uint8Array(deepest);
}

/**
 * The instances of a kretprobe (kernel/kprobes.c, kernel/trace/rethook.c): an entry takes one and changes the return
 * address; the exit of the same call gives it back. With none left the call is missed, and its return goes unseen.
 * A call that was under way before the probe was there returns unseen too.
 */
export class ReturnInstances {
  /** How many calls may hold an instance at once. */
  readonly maxActive: number;
  #free: number;
  readonly #tasks = new Map<Task, CallsOfTask>();
  readonly #spare: CallsOfTask[] = [];

  constructor(maxActive: number) {
    this.maxActive = maxActive;
    this.#free = maxActive;
  }

  /** The function is entered on a task. Returns false when there is no instance for the call. */
  enter(task: Task): boolean {
    const key = identityOf(task);
    const calls = this.#tasks.get(key) ?? this.#begin(key);
    if (calls.depth === deepest) {
      calls.beyond++;
      return false;
    }
    const taken = this.#free > 0;
    if (taken) this.#free--;
    calls.holds[calls.depth++] = taken ? 1 : 0;
    return taken;
  }

  /** The innermost call returns. Returns whether it held an instance. */
  exit(task: Task): boolean {
    const key = identityOf(task);
    const calls = this.#tasks.get(key);
    if (calls === undefined) return false;
    if (calls.beyond > 0) {
      calls.beyond--;
      return false;
    }
    const held = calls.holds[--calls.depth] === 1;
    if (held) this.#free++;
    if (calls.depth === 0) {
      this.#tasks.delete(key);
      this.#spare.push(calls);
    }
    return held;
  }

  /** A task is gone: its calls return no more, and their instances are free again (kprobe_flush_task). */
  forget(task: Task): void {
    const key = identityOf(task);
    const calls = this.#tasks.get(key);
    if (calls === undefined) return;
    for (let depth = 0; depth < calls.depth; depth++) if (calls.holds[depth] === 1) this.#free++;
    calls.depth = 0;
    calls.beyond = 0;
    this.#tasks.delete(key);
    this.#spare.push(calls);
  }

  #begin(task: Task): CallsOfTask {
    const calls = this.#spare.pop() ?? new CallsOfTask();
    this.#tasks.set(task, calls);
    return calls;
  }
}

/** register_kretprobe's choice when the caller makes none: max(10, 2 * number of possible CPUs). */
export function defaultMaxActive(cpus: number): number {
  return Math.max(10, 2 * cpus);
}
