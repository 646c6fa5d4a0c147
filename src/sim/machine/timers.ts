import { errno, type Nanoseconds } from '../../base/index.ts';
import type { BpfMap } from '../../maps/index.ts';
import type { Executable } from '../../vm/index.ts';

/**
 * Timers that lie in map values (kernel/bpf/helpers.c: bpf_timer_*), on the virtual clock. A timer is known by the
 * offset of its struct bpf_timer, which holds 0 until it is made. Those that are due at one time fire in the order in
 * which they were started.
 */
interface Timer {
  readonly map: BpfMap;
  /** Offset of the value that it lies in. */
  readonly value: number;
  callback: { readonly program: Executable; readonly slot: number } | null;
  due: Nanoseconds;
  cpu: number;
  /** Counts starts: of two that are due at once the one that was started first fires first. */
  order: number;
}

/** What fires: the callback with its three arguments. */
export type FireTimer = (program: Executable, slot: number, map: BpfMap, value: number, cpu: number) => void;

/** CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME */
const clocks: ReadonlySet<number> = new Set([0, 1, 7]);
/** BPF_F_TIMER_ABS, BPF_F_TIMER_CPU_PIN */
const startFlags = { absolute: 1, pinned: 2 } as const;

export class Timers {
  readonly #timers = new Map<number, Timer>();
  /** Maps that no process has open any more. */
  readonly #closed = new WeakSet<BpfMap>();
  /** The one whose callback runs. */
  #firing: Timer | null = null;
  #order = 0;
  /** When the next fires; infinite when none is started. */
  due: Nanoseconds = Number.POSITIVE_INFINITY;

  /**
   * @param at offset of the struct bpf_timer
   * @param offset bytes from the value's begin to it
   * @param flags the clock
   * @returns -EINVAL for a clock that is none, -EBUSY for the second time, -EPERM when no process has the map open
   */
  init(at: number, map: BpfMap, offset: number, flags: number): number {
    if (!clocks.has(flags)) return -errno.EINVAL;
    if (this.#timers.has(at)) return -errno.EBUSY;
    if (this.#closed.has(map)) return -errno.EPERM;
    const due = Number.POSITIVE_INFINITY;
    this.#timers.set(at, { map, value: at - offset, callback: null, due, cpu: 0, order: 0 });
    return 0;
  }

  setCallback(at: number, program: Executable, slot: number): number {
    const timer = this.#timers.get(at);
    if (timer === undefined) return -errno.EINVAL;
    if (this.#closed.has(timer.map)) return -errno.EPERM;
    timer.callback = { program, slot };
    return 0;
  }

  /** @param time ns from now, or since boot with BPF_F_TIMER_ABS */
  start(at: number, time: number, flags: number, now: Nanoseconds, cpu: number): number {
    if ((flags & ~(startFlags.absolute | startFlags.pinned)) !== 0) return -errno.EINVAL;
    const timer = this.#timers.get(at);
    if (timer === undefined || timer.callback === null) return -errno.EINVAL;
    timer.due = Math.max(now, (flags & startFlags.absolute) !== 0 ? time : now + time);
    timer.cpu = cpu;
    timer.order = ++this.#order;
    this.#reckon();
    return 0;
  }

  /** 1 when it was started, 0 when not; -EINVAL when it was never made, -EDEADLK from its own callback. */
  cancel(at: number): number {
    const timer = this.#timers.get(at);
    if (timer === undefined) return -errno.EINVAL;
    if (timer === this.#firing) return -errno.EDEADLK;
    const started = timer.due !== Number.POSITIVE_INFINITY;
    timer.due = Number.POSITIVE_INFINITY;
    timer.callback = null;
    this.#reckon();
    return started ? 1 : 0;
  }

  /** The value that it lies in goes. */
  free(at: number): void {
    if (this.#timers.delete(at)) this.#reckon();
  }

  /** A process opens a map, or the last that had it open lets it go: then its timers go (map_release_uref). */
  opened(map: BpfMap): void {
    this.#closed.delete(map);
  }

  closed(map: BpfMap): void {
    this.#closed.add(map);
    for (const [at, timer] of this.#timers) if (timer.map === map) this.#timers.delete(at);
    this.#reckon();
  }

  /** The first that is due by a time. */
  next(time: Nanoseconds): Timer | undefined {
    if (this.due > time) return undefined;
    let first: Timer | undefined;
    for (const timer of this.#timers.values()) {
      if (timer.due > time) continue;
      const sooner =
        first === undefined || timer.due < first.due || (timer.due === first.due && timer.order < first.order);
      if (sooner) first = timer;
    }
    return first;
  }

  fire(timer: Timer, fire: FireTimer): void {
    const { callback, map, value, cpu } = timer;
    timer.due = Number.POSITIVE_INFINITY;
    this.#reckon();
    if (callback === null) return;
    this.#firing = timer;
    fire(callback.program, callback.slot, map, value, cpu);
    this.#firing = null;
  }

  #reckon(): void {
    let due = Number.POSITIVE_INFINITY;
    for (const timer of this.#timers.values()) due = Math.min(due, timer.due);
    this.due = due;
  }
}
