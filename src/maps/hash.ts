import { errno, roundUp } from '../base/index.ts';
import type { Memory } from '../memory/index.ts';
import { updateFlags } from '../uapi/index.ts';
import { copyBytes } from './copy.ts';
import { header, MapObject, roundUpPowerOfTwo } from './header.ts';
import type { BpfMap, ElementCallback, MapShape } from './map.ts';

/**
 * hash and percpu_hash (kernel/bpf/hashtab.c): chains of elements hanging on a table of 2^n buckets. maxEntries
 * elements and a spare exist from the start.
 *
 *   bucket: u32 offset of the first element, 0 when empty; number = hashWords(key) & bucketMask
 *
 *   element
 *   +0 u32 next   +4 u32 hash   +8 key, zero-padded to 8   valueOffset: value, to 8 (one a CPU, side by side)
 *
 * As in the kernel an update of an existing key fills the spare element and puts it in the old one's place, which
 * becomes the spare: a program that holds the old value's pointer goes on reading the old value. A per-CPU value is
 * written in place. An element given back keeps its bytes until it is used again.
 */
export class HashMap extends MapObject implements BpfMap {
  readonly #u32: Uint32Array;
  readonly #i32: Int32Array;
  /** Word index of the map object. */
  readonly #header: number;
  readonly #buckets: number;
  readonly #mask: number;
  readonly #keySize: number;
  readonly #wordsOfKey: number;
  readonly #valueOffset: number;
  readonly #valueSize: number;
  readonly #valueStride: number;
  readonly #elementSize: number;
  /** How many there are: no walk goes over more, whatever a program that was not verified wrote into a chain. */
  readonly #elements: number;
  readonly #perCpu: boolean;
  /** An aligned copy of a key that is not, zero-padded to whole words. */
  readonly #scratch: number;
  /** The element before the one that `find` found in its chain, or 0. */
  #before = 0;

  /** @param elements how many exist: one more than the map holds, for the spare, unless a kind manages them itself */
  constructor(memory: Memory, cpus: number, shape: MapShape, elements: number = shape.maxEntries + 1) {
    super(memory, cpus, shape);
    this.#u32 = memory.u32;
    this.#i32 = memory.i32;
    this.#header = this.address >>> 2;
    this.#perCpu = shape.type === 'percpu_hash' || shape.type === 'lru_percpu_hash';
    this.#keySize = shape.keySize;
    this.#wordsOfKey = Math.ceil(shape.keySize / 4);
    this.#valueOffset = 8 + roundUp(shape.keySize, 8);
    this.#valueSize = shape.valueSize;
    this.#valueStride = roundUp(shape.valueSize, 8);
    this.#elementSize = this.#valueOffset + this.#valueStride * (this.#perCpu ? cpus : 1);
    this.#elements = elements;
    const buckets = roundUpPowerOfTwo(shape.maxEntries);
    this.#mask = buckets - 1;
    this.#scratch = this.hold(roundUp(shape.keySize, 8));
    const first = this.hold(elements * this.#elementSize);
    this.#buckets = this.hold(buckets * 4) >>> 2;
    this.set('data', first);
    this.set('stride', this.#elementSize);
    this.set('cpuStride', this.#perCpu ? this.#valueStride : 0);
    this.set('buckets', this.#buckets * 4);
    this.set('bucketMask', this.#mask);
    this.set('valueOffset', this.#valueOffset);
    this.set('spare', first);
    this.set('fresh', first + this.#elementSize);
    this.set('end', first + elements * this.#elementSize);
  }

  get userValueSize(): number {
    return this.#perCpu ? this.#valueStride * this.cpus : this.shape.valueSize;
  }

  lookup(key: number, cpu: number): number {
    const element = this.find(this.keyWords(key));
    if (element === 0) return 0;
    return element + this.#valueOffset + (this.#perCpu ? cpu * this.#valueStride : 0);
  }

  update(key: number, value: number, flags: number, cpu: number): number {
    return this.put(key, value, flags, cpu);
  }

  delete(key: number): number {
    const element = this.find(this.keyWords(key));
    if (element === 0) return -errno.ENOENT;
    this.unlink(element);
    this.freeFields(element + this.#valueOffset);
    this.giveBack(element);
    return 0;
  }

  nextKey(key: number, next: number): number {
    const element = key === 0 ? 0 : this.find(this.keyWords(key));
    let after = 0;
    let bucket = 0;
    if (element !== 0) {
      after = this.#u32[element >>> 2] as number;
      bucket = (this.#u32[(element >>> 2) + 1]! & this.#mask) + 1;
    }
    for (; after === 0 && bucket <= this.#mask; bucket++) after = this.#u32[this.#buckets + bucket] as number;
    if (after === 0) return -errno.ENOENT;
    copyBytes(this.memory, next, after + 8, this.#keySize);
    return 0;
  }

  userLookup(key: number, target: number): number {
    const element = this.find(this.keyWords(key));
    if (element === 0) return -errno.ENOENT;
    copyBytes(this.memory, target, element + this.#valueOffset, this.userValueSize);
    if (this.hasFields) this.clearFields(target);
    return 0;
  }

  override userTake(key: number, target: number): number {
    const status = this.userLookup(key, target);
    return status === 0 ? this.delete(key) : status;
  }

  /** bpf_for_each_hash_elem: every element, bucket by bucket. The callback may delete the element that it is shown. */
  override forEach(cpu: number, callback: ElementCallback): number {
    let done = 0;
    for (let bucket = 0; bucket <= this.#mask; bucket++) {
      let element = this.#u32[this.#buckets + bucket] as number;
      while (element !== 0 && done < this.#elements) {
        const after = this.#u32[element >>> 2] as number;
        const value = element + this.#valueOffset + (this.#perCpu ? cpu * this.#valueStride : 0);
        done++;
        if (callback(element + 8, value) !== 0) return done;
        element = after;
      }
    }
    return done;
  }

  /** How many buckets there are, and copies of the keys in one of them, in the order of its chain. */
  get buckets(): number {
    return this.#mask + 1;
  }

  keysOf(bucket: number): Uint8Array[] {
    const keys: Uint8Array[] = [];
    let element = this.#u32[this.#buckets + bucket] as number;
    while (element !== 0 && keys.length < this.#elements) {
      keys.push(this.memory.u8.slice(element + 8, element + 8 + this.#keySize));
      element = this.#u32[element >>> 2] as number;
    }
    return keys;
  }

  userUpdate(key: number, source: number, flags: number): number {
    return this.put(key, source, flags, allCpus);
  }

  protected put(key: number, value: number, flags: number, cpu: number): number {
    const kind = flags & ~updateFlags.lock;
    if (flags > largestFlags || kind > updateFlags.exist) return -errno.EINVAL;
    const locks = flags !== kind;
    if (locks && (this.#perCpu || this.badLock(flags))) return -errno.EINVAL;
    const words = this.keyWords(key);
    const old = this.find(words);
    if (old !== 0) {
      if (kind === updateFlags.noExist) return -errno.EEXIST;
      if (locks) this.copyValue(old + this.#valueOffset, value, this.#valueSize);
      else if (this.#perCpu) this.overwrite(old, value, cpu);
      else this.#replace(old, value);
      return 0;
    }
    if (kind === updateFlags.exist) return -errno.ENOENT;
    const element = this.#take();
    if (element === 0) return -errno.E2BIG;
    this.fill(element, words, value, cpu);
    return 0;
  }

  /** Word index of the key's bytes, aligned and zero-padded. */
  protected keyWords(key: number): number {
    if (((key | this.#keySize) & 3) === 0) return key >>> 2;
    const bytes = this.memory.u8;
    const scratch = this.#scratch;
    if (this.#keySize > 64) bytes.copyWithin(scratch, key, key + this.#keySize);
    else for (let i = 0; i < this.#keySize; i++) bytes[scratch + i] = bytes[key + i] as number;
    return scratch >>> 2;
  }

  /** The element with that key, or 0; notes the one before it. */
  protected find(words: number): number {
    const keyWords = this.#wordsOfKey;
    const i32 = this.#i32;
    const hash = hashWords(i32, words, keyWords);
    let before = 0;
    let element = this.#u32[this.#buckets + (hash & this.#mask)] as number;
    search: for (let left = this.#elements; element !== 0 && left > 0; left--) {
      const at = element >>> 2;
      if (i32[at + 1] === hash) {
        for (let i = 0; i < keyWords; i++) {
          if (i32[at + 2 + i] !== i32[words + i]) {
            before = element;
            element = this.#u32[at] as number;
            continue search;
          }
        }
        this.#before = before;
        return element;
      }
      before = element;
      element = this.#u32[at] as number;
    }
    return 0;
  }

  /** Takes the element that `find` just found out of its chain. */
  protected unlink(element: number): void {
    const bucket = this.#buckets + (this.#u32[(element >>> 2) + 1]! & this.#mask);
    this.#u32[this.#before === 0 ? bucket : this.#before >>> 2] = this.#u32[element >>> 2] as number;
    this.#u32[this.#header + word.count]!--;
  }

  /** Makes an element that is in no chain free for others. */
  protected giveBack(element: number): void {
    this.#u32[element >>> 2] = this.#u32[this.#header + word.free] as number;
    this.#u32[this.#header + word.free] = element;
  }

  /** An element that is in no chain, or 0 when all are taken. */
  #take(): number {
    const u32 = this.#u32;
    const map = this.#header;
    const free = u32[map + word.free] as number;
    if (free !== 0) {
      u32[map + word.free] = u32[free >>> 2] as number;
      return free;
    }
    const fresh = u32[map + word.fresh] as number;
    if (fresh === u32[map + word.end]) return 0;
    u32[map + word.fresh] = fresh + this.#elementSize;
    return fresh;
  }

  /** Writes a new element and puts it at the head of its chain. */
  protected fill(element: number, words: number, value: number, cpu: number): void {
    const at = element >>> 2;
    const hash = hashWords(this.#i32, words, this.#wordsOfKey);
    for (let i = 0; i < this.#wordsOfKey; i++) this.#i32[at + 2 + i] = this.#i32[words + i] as number;
    if (this.#perCpu) this.#initialize(element, value, cpu);
    else if (this.hasFields) this.copyValue(element + this.#valueOffset, value, this.#valueSize);
    else copyBytes(this.memory, element + this.#valueOffset, value, this.#valueSize);
    const bucket = this.#buckets + (hash & this.#mask);
    this.#i32[at + 1] = hash;
    this.#u32[at] = this.#u32[bucket] as number;
    this.#u32[bucket] = element;
    this.#u32[this.#header + word.count]!++;
  }

  /** The spare, with the new value, goes to the head of the chain; the old element leaves it and is the spare. */
  #replace(old: number, value: number): void {
    const u32 = this.#u32;
    const element = u32[this.#header + word.spare] as number;
    const at = element >>> 2;
    const was = old >>> 2;
    for (let i = 2; i < 2 + this.#wordsOfKey; i++) u32[at + i] = u32[was + i] as number;
    if (this.hasFields) this.copyValue(element + this.#valueOffset, value, this.#valueSize);
    else copyBytes(this.memory, element + this.#valueOffset, value, this.#valueSize);
    const hash = u32[was + 1] as number;
    const bucket = this.#buckets + (hash & this.#mask);
    u32[at + 1] = hash;
    if (this.#before === 0) {
      u32[at] = u32[was] as number;
    } else {
      u32[at] = u32[bucket] as number;
      u32[this.#before >>> 2] = u32[was] as number;
    }
    u32[bucket] = element;
    u32[this.#header + word.spare] = old;
    this.freeFields(old + this.#valueOffset);
  }

  /** pcpu_init_value: a program's new element has its value on its own CPU and zeros on the others. */
  #initialize(element: number, value: number, cpu: number): void {
    if (cpu === allCpus) {
      this.overwrite(element, value, cpu);
      return;
    }
    for (let other = 0; other < this.cpus; other++) {
      const at = element + this.#valueOffset + other * this.#valueStride;
      if (other === cpu) copyBytes(this.memory, at, value, this.#valueSize);
      else this.memory.u8.fill(0, at, at + this.#valueSize);
    }
  }

  /** pcpu_copy_value: a program writes its own CPU's copy, bpf(2) those of all with their padding. */
  protected overwrite(element: number, value: number, cpu: number): void {
    const at = element + this.#valueOffset;
    if (cpu === allCpus) copyBytes(this.memory, at, value, this.#valueStride * this.cpus);
    else copyBytes(this.memory, at + cpu * this.#valueStride, value, this.#valueSize);
  }
}

/** Word indexes into the map object of what changes on the hot paths. */
const word = {
  count: header.count >>> 2,
  free: header.free >>> 2,
  fresh: header.fresh >>> 2,
  end: header.end >>> 2,
  spare: header.spare >>> 2,
} as const;

/** BPF_EXIST | BPF_F_LOCK: what is above is no flag. */
const largestFlags = updateFlags.exist | updateFlags.lock;

/** Instead of a CPU's number: the caller is bpf(2) and brings a value for each. */
export const allCpus = -1;

/**
 * The hash of a key of whole words: for each word h = (h ^ word) * 0x9e3779b1, h ^= h >>> 15; then h * 0x85ebca6b,
 * h ^= h >>> 13. The kernel's is jhash with a random seed; nothing visible depends on it but the order of keys.
 */
function hashWords(words: Int32Array, at: number, count: number): number {
  let hash = count;
  for (let i = 0; i < count; i++) {
    hash = Math.imul(hash ^ (words[at + i] as number), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
