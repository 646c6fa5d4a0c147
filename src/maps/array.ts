import { errno } from '../base/index.ts';
import { type Memory, wholePages } from '../memory/index.ts';
import { mapFlags, updateFlags } from '../uapi/index.ts';
import { copyBytes } from './copy.ts';
import { MapObject } from './header.ts';
import type { BpfMap, ElementCallback, MapShape } from './map.ts';

/**
 * array and percpu_array: all elements exist from the start and none can go (kernel/bpf/arraymap.c). A per-CPU one is
 * one whole array after the other, a CPU's values side by side.
 *
 *   data                     data + stride             data + cpuStride
 *   +-----------+------------+-----------+-- … --+-----+-----------+--
 *   | value 0   | to 8 bytes | value 1   |       |     | value 0   | …      CPU 0, then CPU 1, …
 *   +-----------+------------+-----------+-- … --+-----+-----------+--
 */
export class ArrayMap extends MapObject implements BpfMap {
  readonly #data: number;
  readonly #stride: number;
  readonly #cpuStride: number;
  readonly #copies: number;
  readonly #maxEntries: number;
  /** Where forEach keeps the key that it shows. */
  #shownKey = 0;

  constructor(memory: Memory, cpus: number, shape: MapShape) {
    super(memory, cpus, shape);
    const perCpu = shape.type === 'percpu_array';
    const mmapable = (shape.flags & mapFlags.mmapable) !== 0;
    const stride = Math.ceil(shape.valueSize / 8) * 8;
    const bytes = stride * shape.maxEntries;
    this.#stride = stride;
    this.#copies = perCpu ? cpus : 1;
    this.#cpuStride = perCpu ? bytes : 0;
    this.#maxEntries = shape.maxEntries;
    this.#data = this.hold(mmapable ? wholePages(bytes) : bytes * this.#copies);
    this.set('data', this.#data);
    this.set('stride', this.#stride);
    this.set('cpuStride', this.#cpuStride);
    this.set('count', shape.maxEntries);
  }

  get userValueSize(): number {
    return this.#cpuStride === 0 ? this.shape.valueSize : this.#stride * this.cpus;
  }

  lookup(key: number, cpu: number): number {
    const index = this.#index(key);
    return index < this.#maxEntries ? this.#data + index * this.#stride + cpu * this.#cpuStride : 0;
  }

  update(key: number, value: number, flags: number, cpu: number): number {
    const index = this.#index(key);
    const fault = this.#check(index, flags);
    if (fault !== 0) return fault;
    const target = this.#data + index * this.#stride + cpu * this.#cpuStride;
    if (this.hasFields) this.#overwrite(target, value);
    else copyBytes(this.memory, target, value, this.shape.valueSize);
    return 0;
  }

  delete(_key: number): number {
    return -errno.EINVAL;
  }

  nextKey(key: number, next: number): number {
    return nextIndex(this.memory, key, next, this.#maxEntries);
  }

  userLookup(key: number, target: number): number {
    const index = this.#index(key);
    if (index >= this.#maxEntries) return -errno.ENOENT;
    const value = this.#data + index * this.#stride;
    if (this.#cpuStride === 0) {
      copyBytes(this.memory, target, value, this.shape.valueSize);
      this.clearFields(target);
      return 0;
    }
    for (let cpu = 0; cpu < this.#copies; cpu++) {
      copyBytes(this.memory, target + cpu * this.#stride, value + cpu * this.#cpuStride, this.#stride);
      this.clearFields(target + cpu * this.#stride);
    }
    return 0;
  }

  userUpdate(key: number, source: number, flags: number): number {
    if (this.badLock(flags) || (flags > updateFlags.exist && this.#cpuStride !== 0)) return -errno.EINVAL;
    if (this.#cpuStride === 0) return this.update(key, source, flags, 0);
    const index = this.#index(key);
    const fault = this.#check(index, flags);
    if (fault !== 0) return fault;
    const value = this.#data + index * this.#stride;
    for (let cpu = 0; cpu < this.#copies; cpu++) {
      this.copyValue(value + cpu * this.#cpuStride, source + cpu * this.#stride, this.#stride);
      this.freeFields(value + cpu * this.#cpuStride);
    }
    return 0;
  }

  #overwrite(target: number, value: number): void {
    this.copyValue(target, value, this.shape.valueSize);
    this.freeFields(target);
  }

  /** bpf_for_each_array_elem: every element, by index. The key that is shown is a copy. */
  override forEach(cpu: number, callback: ElementCallback): number {
    if (this.#shownKey === 0) this.#shownKey = this.hold(8);
    const key = this.#shownKey;
    let done = 0;
    while (done < this.#maxEntries) {
      this.memory.u32[key >>> 2] = done;
      const value = this.#data + done * this.#stride + cpu * this.#cpuStride;
      done++;
      if (callback(key, value) !== 0) break;
    }
    return done;
  }

  /** In the order of array_map_update_elem: flags, bounds, that every element exists, that a value has a lock. */
  #check(index: number, flags: number): number {
    if (flags > updateFlags.exist && !lockFlags(flags)) return -errno.EINVAL;
    if (index >= this.#maxEntries) return -errno.E2BIG;
    if ((flags & updateFlags.noExist) !== 0) return -errno.EEXIST;
    return this.badLock(flags) ? -errno.EINVAL : 0;
  }

  #index(key: number): number {
    return indexAt(this.memory, key);
  }
}

/** Whether flags above BPF_EXIST are BPF_F_LOCK with a plain update flag. */
function lockFlags(flags: number): boolean {
  return flags < 8 && (flags & ~updateFlags.lock) <= updateFlags.exist;
}

/** The u32 at a key of 4 bytes, which need not be aligned. */
export function indexAt(memory: Memory, key: number): number {
  return (key & 3) === 0 ? (memory.u32[key >>> 2] as number) : memory.view.getUint32(key, true);
}

/** array_map_get_next_key: the index after, or the first when there is none or it lies outside. */
export function nextIndex(memory: Memory, key: number, next: number, maxEntries: number): number {
  const index = key === 0 ? 0xffffffff : indexAt(memory, key);
  if (index === maxEntries - 1) return -errno.ENOENT;
  memory.view.setUint32(next, index >= maxEntries ? 0 : index + 1, true);
  return 0;
}
