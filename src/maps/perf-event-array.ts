import { errno } from '../base/index.ts';
import type { Memory } from '../memory/index.ts';
import { currentCpu, updateFlags } from '../uapi/index.ts';
import { indexAt, nextIndex } from './array.ts';
import { MapObject } from './header.ts';
import type { BpfMap, MapShape } from './map.ts';
import type { PerfRing } from './perf-ring.ts';

/**
 * perf_event_array (kernel/bpf/arraymap.c): a slot for each ring that bpf_perf_event_output may write to. User space
 * puts fds in; whoever knows fds calls `setRing`. The map does not own its rings.
 */
export class PerfEventArray extends MapObject implements BpfMap {
  readonly #rings: (PerfRing | null)[];

  constructor(memory: Memory, cpus: number, shape: MapShape) {
    super(memory, cpus, shape);
    this.#rings = new Array<PerfRing | null>(shape.maxEntries).fill(null);
  }

  /** The ring in a slot, or null. */
  ring(index: number): PerfRing | null {
    return this.#rings[index] ?? null;
  }

  /** bpf(2) update with the fd of `ring`, or delete with null: 0, -E2BIG, -EINVAL for flags; -ENOENT to delete none. */
  setRing(index: number, ring: PerfRing | null, flags: number = updateFlags.any): number {
    if (flags !== updateFlags.any) return -errno.EINVAL;
    if (index >= this.#rings.length) return -errno.E2BIG;
    const old = this.#rings[index] as PerfRing | null;
    if (ring === null && old === null) return -errno.ENOENT;
    this.#rings[index] = ring;
    this.set('count', this.count + (ring === null ? 0 : 1) - (old === null ? 0 : 1));
    return 0;
  }

  /**
   * bpf_perf_event_output of `length` bytes at `offset`, then `length2` at `offset2`, by a program on `cpu`.
   * @param index a slot, or BPF_F_CURRENT_CPU (0xffffffff)
   * @returns 0, -E2BIG for a slot beyond the map, -ENOENT for an empty one, -EOPNOTSUPP when its ring is another
   * CPU's, -ENOSPC when the ring is full
   */
  output(index: number, cpu: number, offset: number, length: number, offset2 = 0, length2 = 0): number {
    const slot = index === currentCpu ? cpu : index;
    if (slot >= this.#rings.length) return -errno.E2BIG;
    const ring = this.#rings[slot] as PerfRing | null;
    if (ring === null) return -errno.ENOENT;
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
    return this.setRing(indexAt(this.memory, key), null);
  }

  nextKey(key: number, next: number): number {
    return nextIndex(this.memory, key, next, this.#rings.length);
  }

  get userValueSize(): number {
    return this.shape.valueSize;
  }

  userLookup(_key: number, _target: number): number {
    return -errno.ENOTSUPP;
  }

  /** -EBADF: no number in memory is an fd here; `setRing` takes the ring itself. */
  userUpdate(key: number, _source: number, flags: number): number {
    if (flags !== updateFlags.any) return -errno.EINVAL;
    return indexAt(this.memory, key) >= this.#rings.length ? -errno.E2BIG : -errno.EBADF;
  }
}
