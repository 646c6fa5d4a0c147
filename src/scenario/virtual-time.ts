/**
 * RxJS's notion of time on a virtual clock: a binary heap of work, ordered by time and then by the order in which it
 * was scheduled. The heap is three parallel arrays, so that scheduling allocates nothing but the action itself, and
 * a generator that reschedules its own action allocates nothing at all.
 */
import { type SchedulerAction, Subscription } from 'rxjs';
import { InputError, type Nanoseconds } from '../base/index.ts';
import type { VirtualScheduler } from './scenario.ts';

type Work<T> = (this: SchedulerAction<T>, state: T) => void;

/** One piece of work; it may schedule itself again while it runs, as RxJS operators do. */
class VirtualAction<T> extends Subscription implements SchedulerAction<T> {
  readonly #owner: HeapScheduler;
  readonly #work: Work<T>;
  #state: T | undefined;
  /** The place in the order that is still wanted; an entry of the heap with another number is stale. */
  order = -1;

  constructor(owner: HeapScheduler, work: Work<T>) {
    super();
    this.#owner = owner;
    this.#work = work;
  }

  schedule(state?: T, delay = 0): Subscription {
    if (this.closed) return this;
    this.#state = state;
    if (this.order >= 0) this.#owner.forget();
    this.order = this.#owner.add(this as VirtualAction<unknown>, delay);
    return this;
  }

  run(): void {
    this.order = -1;
    this.#work(this.#state as T);
    // Done unless it scheduled itself again.
    if (this.order < 0) this.unsubscribe();
  }

  override unsubscribe(): void {
    if (this.closed) return;
    if (this.order >= 0) this.#owner.forget();
    this.order = -1;
    super.unsubscribe();
  }
}

class HeapScheduler implements VirtualScheduler {
  #now: Nanoseconds;
  #count = 0;
  /** Entries whose action was unsubscribed or moved: skipped when they come up, swept out when they are most. */
  #stale = 0;
  #sequence = 0;
  #running = false;
  #times: number[] = [];
  #orders: number[] = [];
  #actions: VirtualAction<unknown>[] = [];

  constructor(start: Nanoseconds) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  get next(): Nanoseconds | undefined {
    while (this.#count > 0) {
      if (this.#actions[0]!.order === this.#orders[0]) return this.#times[0];
      this.#stale--;
      this.#removeFirst();
    }
    return undefined;
  }

  schedule<T>(work: Work<T>, delay = 0, state?: T): Subscription {
    return new VirtualAction<T>(this, work).schedule(state, delay);
  }

  advanceTo(time: Nanoseconds): void {
    if (this.#running) throw new Error('advanceTo from within scheduled work');
    if (time < this.#now) throw new RangeError(`time goes from ${this.#now} back to ${time}`);
    this.#running = true;
    try {
      for (let due = this.next; due !== undefined && due <= time; due = this.next) {
        const action = this.#actions[0]!;
        this.#removeFirst();
        this.#now = due;
        action.run();
      }
      this.#now = time;
    } finally {
      this.#running = false;
    }
  }

  /** Puts an action into the heap. @returns its place in the order */
  add(action: VirtualAction<unknown>, delay: number): number {
    if (!Number.isFinite(delay)) throw new InputError(`a delay of ${delay}`, { expected: 'a number of ns' });
    const order = this.#sequence++;
    const time = delay > 0 ? this.#now + Math.round(delay) : this.#now;
    let at = this.#count++;
    const times = this.#times;
    const orders = this.#orders;
    const actions = this.#actions;
    // A new entry is the last of its time, so only a later time moves down.
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (times[parent]! <= time) break;
      times[at] = times[parent]!;
      orders[at] = orders[parent]!;
      actions[at] = actions[parent]!;
      at = parent;
    }
    times[at] = time;
    orders[at] = order;
    actions[at] = action;
    return order;
  }

  /** One entry of the heap is not wanted any more. */
  forget(): void {
    this.#stale++;
    if (this.#stale > 1024 && this.#stale > this.#count / 2) this.#sweep();
  }

  #removeFirst(): void {
    const last = --this.#count;
    const time = this.#times[last]!;
    const order = this.#orders[last]!;
    const action = this.#actions[last]!;
    this.#times.length = last;
    this.#orders.length = last;
    this.#actions.length = last;
    if (last > 0) this.#sink(0, time, order, action);
  }

  /** Puts an entry in at `at`, moving smaller ones up. */
  #sink(start: number, time: number, order: number, action: VirtualAction<unknown>): void {
    const times = this.#times;
    const orders = this.#orders;
    const actions = this.#actions;
    const count = this.#count;
    let at = start;
    for (let child = at * 2 + 1; child < count; child = at * 2 + 1) {
      const right = child + 1;
      if (right < count && this.#before(times[right]!, orders[right]!, times[child]!, orders[child]!)) child = right;
      if (!this.#before(times[child]!, orders[child]!, time, order)) break;
      times[at] = times[child]!;
      orders[at] = orders[child]!;
      actions[at] = actions[child]!;
      at = child;
    }
    times[at] = time;
    orders[at] = order;
    actions[at] = action;
  }

  #before(time: number, order: number, otherTime: number, otherOrder: number): boolean {
    return time < otherTime || (time === otherTime && order < otherOrder);
  }

  /** Drops all stale entries and makes a heap of the rest. */
  #sweep(): void {
    let kept = 0;
    for (let i = 0; i < this.#count; i++) {
      // The entry being forgotten right now still has its number: it stays and is skipped when it comes up.
      if (this.#actions[i]!.order !== this.#orders[i]) continue;
      this.#times[kept] = this.#times[i]!;
      this.#orders[kept] = this.#orders[i]!;
      this.#actions[kept] = this.#actions[i]!;
      kept++;
    }
    this.#count = kept;
    this.#times.length = kept;
    this.#orders.length = kept;
    this.#actions.length = kept;
    for (let i = (kept >> 1) - 1; i >= 0; i--) this.#sink(i, this.#times[i]!, this.#orders[i]!, this.#actions[i]!);
    this.#stale = 1;
  }
}

/** A scheduler at virtual time `start` with nothing to do. */
export function createScheduler(start: Nanoseconds = 0): VirtualScheduler {
  return new HeapScheduler(start);
}
