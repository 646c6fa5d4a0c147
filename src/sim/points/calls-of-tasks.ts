import { identityOf, type Task } from '../../events/index.ts';

/** Calls of one function on one task beyond which a call is only counted. */
const deepest = 256;

/** Those of one task: a row of words for each, outermost first. */
class CallsOfTask {
  depth = 0;
  /** Calls beyond `deepest`: they have no row. */
  beyond = 0;
  rows: Int32Array;

  constructor(width: number) {
    this.rows = new Int32Array(4 * width);
  }

  /** Room for one more row. */
  widen(width: number): void {
    if ((this.depth + 1) * width <= this.rows.length) return;
    const wider = new Int32Array(this.rows.length * 2);
    wider.set(this.rows);
    this.rows = wider;
  }
}

/**
 * The calls of one function that are under way, by task, each with a row of words that stands from its entry to its
 * exit. A call that was under way before is not among them. A task that was seen once costs nothing when it calls again.
 */
export class CallsOfTasks {
  /** Where the row of the last `enter` or `exit` lies: `width` words of `rows` from `at` on. */
  rows: Int32Array;
  at = 0;
  readonly #width: number;
  readonly #tasks = new WeakMap<Task, CallsOfTask>();

  constructor(width: number) {
    this.#width = width;
    this.rows = new Int32Array(width);
  }

  /** A call begins: its row is to be filled. False when it is too deep to have one. */
  enter(task: Task): boolean {
    const key = identityOf(task);
    const calls = this.#tasks.get(key) ?? this.#begin(key);
    if (calls.depth === deepest) {
      calls.beyond++;
      return false;
    }
    calls.widen(this.#width);
    this.#show(calls, calls.depth++);
    return true;
  }

  /** The innermost call returns: its row is to be read. False when it has none. */
  exit(task: Task): boolean {
    const calls = this.#tasks.get(identityOf(task));
    if (calls === undefined || calls.depth === 0) return false;
    if (calls.beyond > 0) {
      calls.beyond--;
      return false;
    }
    this.#show(calls, --calls.depth);
    return true;
  }

  /** The task is gone: its calls return no more. `each` is told of every row that they had. */
  forget(task: Task, each: () => void): void {
    const key = identityOf(task);
    const calls = this.#tasks.get(key);
    if (calls === undefined) return;
    this.#tasks.delete(key);
    while (calls.depth > 0) {
      this.#show(calls, --calls.depth);
      each();
    }
  }

  #show(calls: CallsOfTask, index: number): void {
    this.rows = calls.rows;
    this.at = index * this.#width;
  }

  #begin(task: Task): CallsOfTask {
    const calls = new CallsOfTask(this.#width);
    this.#tasks.set(task, calls);
    return calls;
  }
}
