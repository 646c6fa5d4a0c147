import { errno } from '../base/index.ts';
import type { Memory } from '../memory/index.ts';
import { updateFlags } from '../uapi/index.ts';
import { indexAt } from './array.ts';
import { roundUpPowerOfTwo } from './header.ts';
import type { MapShape } from './map.ts';
import { RedirectMap } from './redirect-map.ts';

/** struct bpf_devmap_val: u32 ifindex, then the fd or id of a program, for which there is room in values of 8 bytes. */
const slotSize = 8;
const programAt = 4;

/**
 * devmap and devmap_hash (kernel/bpf/devmap.c): devices by their ifindex. Which devices there are is known to who made
 * the map. A program of the map's own, which would run on what is sent, is refused: -EINVAL.
 */
export class DeviceMap extends RedirectMap {
  /** Whether a device has that ifindex. */
  isDevice: (ifindex: number) => boolean = () => false;
  readonly #slots: number;
  readonly #isHash: boolean;
  /** Of a hash: the places of its keys, and places that are free. */
  readonly #places = new Map<number, number>();
  readonly #free: number[] = [];

  constructor(memory: Memory, cpus: number, shape: MapShape) {
    super(memory, cpus, shape);
    this.#isHash = shape.type === 'devmap_hash';
    this.#slots = this.hold(slotSize * shape.maxEntries);
    if (this.#isHash) for (let place = shape.maxEntries - 1; place >= 0; place--) this.#free.push(place);
  }

  /** The ifindex under a key; 0 when there is none. */
  override device(key: number): number {
    const slot = this.#slotOf(key >>> 0);
    return slot === 0 ? 0 : (this.memory.u32[slot >>> 2] as number);
  }

  override holdsDevice(ifindex: number): boolean {
    for (let place = 0; place < this.shape.maxEntries; place++) {
      if (this.memory.u32[(this.#slots + place * slotSize) >>> 2] === ifindex) return true;
    }
    return false;
  }

  /** Offset of the value under a key, or 0. */
  #slotOf(key: number): number {
    const place = this.#isHash ? (this.#places.get(key) ?? -1) : key < this.shape.maxEntries ? key : -1;
    const slot = this.#slots + place * slotSize;
    return place < 0 || this.memory.u32[slot >>> 2] === 0 ? 0 : slot;
  }

  override lookup(key: number, _cpu: number): number {
    return this.#slotOf(indexAt(this.memory, key));
  }

  override userLookup(key: number, target: number): number {
    const slot = this.lookup(key, 0);
    if (slot === 0) return -errno.ENOENT;
    this.memory.u8.copyWithin(target, slot, slot + this.shape.valueSize);
    return 0;
  }

  override userUpdate(key: number, source: number, flags: number): number {
    if ((flags & updateFlags.lock) !== 0 || flags > updateFlags.exist) return -errno.EINVAL;
    const ifindex = this.memory.view.getUint32(source, true);
    const program = this.shape.valueSize > programAt ? this.memory.view.getInt32(source + programAt, true) : 0;
    const index = indexAt(this.memory, key);
    const known = this.#slotOf(index);
    if (this.#isHash) {
      if (ifindex === 0) return -errno.EINVAL;
      if (known !== 0 && flags === updateFlags.noExist) return -errno.EEXIST;
    } else {
      if (index >= this.shape.maxEntries) return -errno.E2BIG;
      if (flags === updateFlags.noExist) return -errno.EEXIST;
    }
    if (program > 0 || (ifindex !== 0 && !this.isDevice(ifindex))) return -errno.EINVAL;
    return this.#isHash && known === 0 ? this.#add(index, ifindex) : this.#store(index, ifindex);
  }

  #add(key: number, ifindex: number): number {
    const place = this.#free.pop();
    if (place === undefined) return -errno.E2BIG;
    this.#places.set(key, place);
    return this.#store(key, ifindex);
  }

  #store(key: number, ifindex: number): number {
    const place = this.#isHash ? (this.#places.get(key) as number) : key;
    const at = (this.#slots + place * slotSize) >>> 2;
    const before = this.memory.u32[at] as number;
    this.memory.u32[at] = ifindex;
    this.set('count', this.count + (ifindex === 0 ? 0 : 1) - (before === 0 ? 0 : 1));
    return 0;
  }

  override delete(key: number): number {
    const index = indexAt(this.memory, key);
    if (!this.#isHash) return index >= this.shape.maxEntries ? -errno.EINVAL : this.#store(index, 0);
    const place = this.#places.get(index);
    if (place === undefined) return -errno.ENOENT;
    this.#store(index, 0);
    this.#places.delete(index);
    this.#free.push(place);
    return 0;
  }

  /** Of a hash by buckets, the newest of a bucket first. */
  override nextKey(key: number, next: number): number {
    if (!this.#isHash) return super.nextKey(key, next);
    const mask = roundUpPowerOfTwo(this.shape.maxEntries) - 1;
    const keys = [...this.#places.keys()].reverse().sort((one, other) => (one & mask) - (other & mask));
    const at = key === 0 ? -1 : keys.indexOf(indexAt(this.memory, key));
    const following = keys[at + 1];
    if (following === undefined) return -errno.ENOENT;
    this.memory.view.setUint32(next, following, true);
    return 0;
  }
}
