import { errno } from '../base/index.ts';
import type { Memory } from '../memory/index.ts';
import { currentCpu, updateFlags } from '../uapi/index.ts';
import { indexAt, nextIndex } from './array.ts';
import { MapObject } from './header.ts';
import type { BpfMap, MapShape } from './map.ts';
import { PerfRing } from './perf-ring.ts';

/** A perf event that only counts. Brings its count up to a time and gives it. */
export interface PerfCount {
  readonly cpu: number;
  read(now: number): number;
}

/**
 * perf_event_array (kernel/bpf/arraymap.c): a slot for each ring that bpf_perf_event_output may write to, or counter that
 * programs may read. User space puts fds in; whoever knows fds calls `setEvent`. The map does not own its events.
 */
export class PerfEventArray extends MapObject implements BpfMap {
  readonly #events: (PerfRing | PerfCount | null)[];

  constructor(memory: Memory, cpus: number, shape: MapShape) {
    super(memory, cpus, shape);
    this.#events = new Array<PerfRing | PerfCount | null>(shape.maxEntries).fill(null);
  }

  /** The ring in a slot, or null. */
  ring(index: number): PerfRing | null {
    const event = this.#events[index] ?? null;
    return event instanceof PerfRing ? event : null;
  }

  /**
   * The event that a program on `cpu` may read (get_map_perf_counter, perf_event_read_local): of a ring, which counts
   * nothing, too.
   * @param index a slot, or BPF_F_CURRENT_CPU; as a u32 or as an int32
   * @returns -E2BIG for a slot beyond the map, -ENOENT for an empty one, -EINVAL when it is another CPU's
   */
  readable(index: number, cpu: number): PerfRing | PerfCount | number {
    const slot = slotOf(index, cpu);
    if (slot >= this.#events.length) return -errno.E2BIG;
    const event = this.#events[slot] as PerfRing | PerfCount | null;
    if (event === null) return -errno.ENOENT;
    return event.cpu === cpu ? event : -errno.EINVAL;
  }

  /** bpf(2) update with the fd of `event`, or delete with null: 0, -E2BIG, -EINVAL for flags; -ENOENT to delete none. */
  setEvent(index: number, event: PerfRing | PerfCount | null, flags: number = updateFlags.any): number {
    if (flags !== updateFlags.any) return -errno.EINVAL;
    if (index >= this.#events.length) return -errno.E2BIG;
    const old = this.#events[index] as PerfRing | PerfCount | null;
    if (event === null && old === null) return -errno.ENOENT;
    this.#events[index] = event;
    this.set('count', this.count + (event === null ? 0 : 1) - (old === null ? 0 : 1));
    return 0;
  }

  /**
   * bpf_perf_event_output of `length` bytes at `offset`, then `length2` at `offset2`, by a program on `cpu`.
   * @param index a slot, or BPF_F_CURRENT_CPU; as a u32 or as an int32
   * @returns 0, -E2BIG for a slot beyond the map, -ENOENT for an empty one, -EINVAL for a counter, -EOPNOTSUPP when
   * its ring is another CPU's, -ENOSPC when the ring is full
   */
  output(index: number, cpu: number, offset: number, length: number, offset2 = 0, length2 = 0): number {
    const slot = slotOf(index, cpu);
    if (slot >= this.#events.length) return -errno.E2BIG;
    const ring = this.#events[slot] as PerfRing | PerfCount | null;
    if (ring === null) return -errno.ENOENT;
    if (!(ring instanceof PerfRing)) return -errno.EINVAL;
    if (ring.cpu !== cpu) return -errno.EOPNOTSUPP;
    return ring.output(offset, length, offset2, length2);
  }

  /** Programs cannot look up (-EOPNOTSUPP in the kernel; the verifier refuses it before). */
  lookup(_key: number, _cpu: number): number {
    return 0;
  }

  update(_key: number, _value: number, _flags: number, _cpu: number): number {
    return -errno.EINVAL;
  }

  delete(key: number): number {
    return this.setEvent(indexAt(this.memory, key), null);
  }

  nextKey(key: number, next: number): number {
    return nextIndex(this.memory, key, next, this.#events.length);
  }

  get userValueSize(): number {
    return this.shape.valueSize;
  }

  userLookup(_key: number, _target: number): number {
    return -errno.ENOTSUPP;
  }

  /** -EBADF: no number in memory is an fd here; `setEvent` takes the event itself. */
  userUpdate(key: number, _source: number, flags: number): number {
    if (flags !== updateFlags.any) return -errno.EINVAL;
    return indexAt(this.memory, key) >= this.#events.length ? -errno.E2BIG : -errno.EBADF;
  }
}

/** The slot that the low half of a program's flags names, as a u32 or as an int32. */
function slotOf(index: number, cpu: number): number {
  return index >>> 0 === currentCpu ? cpu : index >>> 0;
}
