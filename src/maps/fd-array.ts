import { errno } from '../base/index.ts';
import type { Memory } from '../memory/index.ts';
import { updateFlags } from '../uapi/index.ts';
import { indexAt, nextIndex } from './array.ts';
import { MapObject } from './header.ts';
import type { BpfMap, MapShape } from './map.ts';

/**
 * prog_array, cgroup_array and array_of_maps (kernel/bpf/arraymap.c): a slot for each object that user space puts in
 * by its fd. Whoever knows fds calls `setItem`; the map does not own what it holds. Of maps the slot is also in the
 * linear memory: the offset of the inner map's object, which is what a program's look-up gives.
 */
export class FdArray extends MapObject implements BpfMap {
  readonly #items: (object | null)[];
  readonly #data: number;

  constructor(memory: Memory, cpus: number, shape: MapShape) {
    super(memory, cpus, shape);
    this.#items = new Array<object | null>(shape.maxEntries).fill(null);
    this.#data = this.hold(shape.maxEntries * 4);
    this.set('data', this.#data);
    this.set('stride', 4);
  }

  /** What is in a slot, or null: also for an index beyond the map. */
  item(index: number): object | null {
    return this.#items[index] ?? null;
  }

  /**
   * bpf(2) update, or delete with null. 0; -EINVAL for flags, -E2BIG, -ENOENT to delete none
   * @param address of an inner map's object
   */
  setItem(index: number, item: object | null, flags: number = updateFlags.any, address = 0): number {
    if (flags !== updateFlags.any) return -errno.EINVAL;
    if (index >= this.#items.length) return -errno.E2BIG;
    const old = this.#items[index] as object | null;
    if (item === null && old === null) return -errno.ENOENT;
    this.#items[index] = item;
    this.memory.u32[(this.#data >>> 2) + index] = address;
    this.set('count', this.count + (item === null ? 0 : 1) - (old === null ? 0 : 1));
    return 0;
  }

  /** The inner map of an array_of_maps; programs cannot look into the others (the verifier refuses it before). */
  lookup(key: number, _cpu: number): number {
    const index = indexAt(this.memory, key);
    return index < this.#items.length ? (this.memory.u32[(this.#data >>> 2) + index] as number) : 0;
  }

  update(_key: number, _value: number, _flags: number, _cpu: number): number {
    return -errno.EINVAL;
  }

  delete(key: number): number {
    return this.setItem(indexAt(this.memory, key), null);
  }

  nextKey(key: number, next: number): number {
    return nextIndex(this.memory, key, next, this.#items.length);
  }

  get userValueSize(): number {
    return this.shape.valueSize;
  }

  /** A cgroup_array shows nothing; of the others whoever knows ids answers. */
  userLookup(key: number, _target: number): number {
    if (this.shape.type === 'cgroup_array') return -errno.ENOTSUPP;
    return this.item(indexAt(this.memory, key)) === null ? -errno.ENOENT : -errno.EBADF;
  }

  /** -EBADF: no number in memory is an fd here; `setItem` takes the object itself. */
  userUpdate(key: number, _source: number, flags: number): number {
    if (flags !== updateFlags.any) return -errno.EINVAL;
    return indexAt(this.memory, key) >= this.#items.length ? -errno.E2BIG : -errno.EBADF;
  }
}
