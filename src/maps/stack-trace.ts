import { errno } from '../base/index.ts';
import type { Memory } from '../memory/index.ts';
import { mapFlags, stackFlags } from '../uapi/index.ts';
import { indexAt } from './array.ts';
import { copyBytes } from './copy.ts';
import { MapObject, roundUpPowerOfTwo } from './header.ts';
import { jhash2 } from './jhash.ts';
import type { BpfMap, MapShape } from './map.ts';

/** sysctl kernel.perf_event_max_stack: frames of a stack at most. */
export const maxStackDepth = 127;

/**
 * stack_trace (kernel/bpf/stackmap.c): a stack's id is the bucket of its hash, one stack a bucket. Only get_stackid
 * writes; programs cannot look up, user space reads the addresses padded with zeros.
 *
 *   bucket: u32 offset of its element, 0 when empty; number = jhash2(addresses as u32 words) & bucketMask = the id
 *
 *   element
 *   +0 u32 next free   +4 u32 hash   +8 u32 frames   +12 –   +16 u64 addresses, innermost first
 *
 * With BPF_F_STACK_BUILD_ID a frame is 32 bytes, and the ids still come of the addresses. Who takes a user stack writes
 * the frames whose file is known; without that, as for kernel stacks, a frame tells its address:
 *
 *   +0 s32 status: 1 valid, 2 address only   +4 u8 build id [20]   +24 u64 offset in the file, or the address
 */
export class StackTraceMap extends MapObject implements BpfMap {
  readonly #buckets: number;
  readonly #mask: number;
  readonly #elementSize: number;
  /** Bytes of a frame. */
  readonly #frame: number;

  constructor(memory: Memory, cpus: number, shape: MapShape) {
    super(memory, cpus, shape);
    const buckets = roundUpPowerOfTwo(shape.maxEntries);
    this.#mask = buckets - 1;
    this.#frame = (shape.flags & mapFlags.stackBuildId) !== 0 ? buildIdSize : 8;
    this.#elementSize = addressesOffset + shape.valueSize;
    const elements = this.hold(shape.maxEntries * this.#elementSize);
    this.#buckets = this.hold(buckets * 4) >>> 2;
    this.set('data', elements);
    this.set('stride', this.#elementSize);
    this.set('buckets', this.#buckets * 4);
    this.set('bucketMask', this.#mask);
    this.set('valueOffset', addressesOffset);
    this.set('fresh', elements);
    this.set('end', elements + shape.maxEntries * this.#elementSize);
  }

  /** Frames that get_stackid takes from a stack before it skips: what a caller has to resolve at most. */
  depth(flags: number): number {
    return Math.min(maxStackDepth, this.shape.valueSize / this.#frame + (flags & stackFlags.skipMask));
  }

  /**
   * bpf_get_stackid.
   * @param addresses offset of the stack as u64, innermost first, a multiple of 4
   * @param frames how many; what exceeds `depth(flags)` is left out
   * @param write makes a frame with its build id of an address, both given by their offsets
   * @returns the id; -EFAULT when the stack has no frame left after the skipped ones, -EEXIST when another stack has
   * the bucket and REUSE_STACKID is not set, -ENOMEM when all elements are taken, -EINVAL for unknown flags
   */
  getStackid(addresses: number, frames: number, flags: number, write?: FrameWriter): number {
    if (flags > knownFlags || (flags & ~knownFlags) !== 0) return -errno.EINVAL;
    const skip = flags & stackFlags.skipMask;
    const depth = Math.min(frames, this.depth(flags)) - skip;
    if (depth <= 0) return -errno.EFAULT;
    const first = addresses + skip * 8;
    const hash = jhash2(this.memory, first, depth * 2);
    const id = hash & this.#mask;
    const old = this.#at(id);
    const sameHash = old !== 0 && this.memory.u32[(old >>> 2) + 1] === hash;
    if (sameHash && (flags & stackFlags.fastCompare) !== 0) return id;
    // To compare build ids the kernel makes them first, in a new element.
    const withIds = this.#frame !== 8;
    const early = withIds ? this.#take() : 0;
    if (withIds && early === 0) return -errno.ENOMEM;
    if (withIds) this.#store(early, first, depth, write);
    const same = sameHash && this.#same(old, withIds ? early + addressesOffset : first, depth);
    if (same || (old !== 0 && (flags & stackFlags.reuse) === 0)) {
      if (withIds) this.#giveBack(early);
      return same ? id : -errno.EEXIST;
    }
    const element = withIds ? early : this.#take();
    if (element === 0) return -errno.ENOMEM;
    if (!withIds) copyBytes(this.memory, element + addressesOffset, first, depth * 8);
    this.memory.u32[(element >>> 2) + 1] = hash;
    this.memory.u32[(element >>> 2) + 2] = depth;
    this.memory.u32[this.#buckets + id] = element;
    if (old === 0) this.set('count', this.get('count') + 1);
    else this.#giveBack(old);
    return id;
  }

  /** Programs cannot look up (-EOPNOTSUPP in the kernel; the verifier refuses it before). */
  lookup(_key: number, _cpu: number): number {
    return 0;
  }

  update(_key: number, _value: number, _flags: number, _cpu: number): number {
    return -errno.EINVAL;
  }

  delete(key: number): number {
    const id = indexAt(this.memory, key);
    if (id > this.#mask) return -errno.E2BIG;
    const element = this.#at(id);
    if (element === 0) return -errno.ENOENT;
    this.memory.u32[this.#buckets + id] = 0;
    this.#giveBack(element);
    this.set('count', this.get('count') - 1);
    return 0;
  }

  /** stack_map_get_next_key: ids in order; a key that is gone starts over. */
  nextKey(key: number, next: number): number {
    let id = key === 0 ? 0 : indexAt(this.memory, key);
    if (key !== 0) id = id > this.#mask || this.#at(id) === 0 ? 0 : id + 1;
    while (id <= this.#mask && this.#at(id) === 0) id++;
    if (id > this.#mask) return -errno.ENOENT;
    this.memory.view.setUint32(next, id, true);
    return 0;
  }

  get userValueSize(): number {
    return this.shape.valueSize;
  }

  userLookup(key: number, target: number): number {
    const id = indexAt(this.memory, key);
    const element = id > this.#mask ? 0 : this.#at(id);
    if (element === 0) return -errno.ENOENT;
    const length = this.memory.u32[(element >>> 2) + 2]! * this.#frame;
    copyBytes(this.memory, target, element + addressesOffset, length);
    this.memory.u8.fill(0, target + length, target + this.shape.valueSize);
    return 0;
  }

  override userTake(key: number, target: number): number {
    const status = this.userLookup(key, target);
    return status === 0 ? this.delete(key) : status;
  }

  userUpdate(_key: number, _source: number, _flags: number): number {
    return -errno.EINVAL;
  }

  /** The element in a bucket, or 0. */
  #at(id: number): number {
    return this.memory.u32[this.#buckets + id] as number;
  }

  /** Whether an element holds the frames that stand at an offset. */
  #same(element: number, frames: number, depth: number): boolean {
    const words = this.memory.i32;
    if (words[(element >>> 2) + 2] !== depth) return false;
    const held = (element + addressesOffset) >>> 2;
    const wanted = frames >>> 2;
    const count = depth * (this.#frame >>> 2);
    for (let i = 0; i < count; i++) if (words[held + i] !== words[wanted + i]) return false;
    return true;
  }

  /** The frames with their build ids. */
  #store(element: number, addresses: number, depth: number, write: FrameWriter = this.#addressFrame): void {
    for (let i = 0; i < depth; i++) write(element + addressesOffset + i * buildIdSize, addresses + i * 8);
  }

  readonly #addressFrame: FrameWriter = (frame, address) => {
    this.memory.u8.fill(0, frame, frame + buildIdSize);
    this.memory.u32[frame >>> 2] = addressOnly;
    copyBytes(this.memory, frame + buildIdSize - 8, address, 8);
  };

  #take(): number {
    const free = this.get('free');
    if (free !== 0) {
      this.set('free', this.memory.u32[free >>> 2] as number);
      return free;
    }
    const fresh = this.get('fresh');
    if (fresh === this.get('end')) return 0;
    this.set('fresh', fresh + this.#elementSize);
    return fresh;
  }

  #giveBack(element: number): void {
    this.memory.u32[element >>> 2] = this.get('free');
    this.set('free', element);
  }
}

/** Writes a struct bpf_stack_build_id at `frame` for the u64 at `address`; both are offsets. */
export type FrameWriter = (frame: number, address: number) => void;

/** struct bpf_stack_build_id: s32 status, u8 build_id[20], u64 offset or ip. */
export const buildIdSize = 32;

/** BPF_STACK_BUILD_ID_IP */
const addressOnly = 2;

/** Bytes from an element to its addresses. */
const addressesOffset = 16;

const knownFlags = stackFlags.skipMask | stackFlags.user | stackFlags.fastCompare | stackFlags.reuse;
