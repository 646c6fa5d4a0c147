import { errno, roundUp } from '../base/index.ts';
import type { Memory } from '../memory/index.ts';
import { updateFlags } from '../uapi/index.ts';
import { roundUpPowerOfTwo } from './header.ts';
import { jhash2 } from './jhash.ts';
import { KeylessMap } from './keyless.ts';
import type { MapShape } from './map.ts';

/**
 * bloom_filter (kernel/bpf/bloom_filter.c): values that were added are surely found, others nearly always not. The
 * bits are as many as in the kernel; which ones a value sets is not, as the kernel's seed is drawn by lot.
 */
export class BloomFilter extends KeylessMap {
  readonly #bits: number;
  readonly #mask: number;
  readonly #hashes: number;
  /** The value in whole words, zero-padded. */
  readonly #words: number;

  constructor(memory: Memory, cpus: number, shape: MapShape) {
    super(memory, cpus, shape, -errno.EOPNOTSUPP);
    this.#hashes = shape.extra || defaultHashes;
    const bits = Math.floor((shape.maxEntries * this.#hashes) / 5) * 7;
    const size = bits > 2 ** 31 ? 2 ** 32 : roundUpPowerOfTwo(Math.max(bits, 64));
    this.#mask = (size - 1) | 0;
    this.#words = this.hold(roundUp(shape.valueSize, 8));
    this.#bits = this.hold(size / 8);
    this.set('data', this.#bits);
    this.set('bucketMask', this.#mask);
  }

  /** 0, -EINVAL for flags other than BPF_ANY */
  override push(value: number, flags: number): number {
    if (flags !== updateFlags.any) return -errno.EINVAL;
    this.#load(value);
    for (let index = 0; index < this.#hashes; index++) {
      const bit = this.#bit(index);
      this.memory.u8[this.#bits + (bit >>> 3)]! |= 1 << (bit & 7);
    }
    return 0;
  }

  override pop(_target: number): number {
    return -errno.EOPNOTSUPP;
  }

  /** 0 when the value at `target` may have been added, else -ENOENT */
  override peek(target: number): number {
    this.#load(target);
    for (let index = 0; index < this.#hashes; index++) {
      const bit = this.#bit(index);
      if (((this.memory.u8[this.#bits + (bit >>> 3)] as number) & (1 << (bit & 7))) === 0) return -errno.ENOENT;
    }
    return 0;
  }

  #load(value: number): void {
    this.memory.u8.copyWithin(this.#words, value, value + this.shape.valueSize);
  }

  #bit(index: number): number {
    return (jhash2(this.memory, this.#words, Math.ceil(this.shape.valueSize / 4), index) & this.#mask) >>> 0;
  }
}

/** Hashes of a value when map_extra does not tell. */
const defaultHashes = 5;
