import { errno } from '../../base/index.ts';
import { kernelSpace, type Memory } from '../../memory/index.ts';

/**
 * struct bpf_dynptr_kern (include/linux/bpf.h), as it lies on a program's stack. NULL when it points to nothing.
 *
 *   +0 u64 data   +8 u32 size: bits 0–23, bits 28–30 the kind, bit 31 read-only   +12 u32 offset into the data
 */
const kinds = { local: 1, ringbuf: 2 } as const;
const kindShift = 28;
const sizeMask = 0xffffff;
const readOnlyBit = 0x8000_0000;
/** DYNPTR_MAX_SIZE */
const largest = (1 << 24) - 1;

/** What `data` answers for a dynptr that points to nothing. */
export const noMemory = 0;

export class Dynptrs {
  readonly #memory: Memory;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  checkSize(size: number): number {
    return size > largest ? -errno.E2BIG : 0;
  }

  set(dynptr: number, data: number, size: number, kind: keyof typeof kinds): void {
    const words = this.#memory.u32;
    const at = dynptr >>> 2;
    words[at] = data;
    words[at + 1] = kernelSpace;
    words[at + 2] = size | (kinds[kind] << kindShift);
    words[at + 3] = 0;
  }

  setNull(dynptr: number): void {
    this.#memory.u32.fill(0, dynptr >>> 2, (dynptr >>> 2) + 4);
  }

  /** Offset of the first byte that it points to, or `noMemory`. */
  data(dynptr: number): number {
    const at = dynptr >>> 2;
    const data = this.#memory.u32[at] as number;
    return data === 0 ? noMemory : data + (this.#memory.u32[at + 3] as number);
  }

  size(dynptr: number): number {
    return (this.#memory.u32[(dynptr >>> 2) + 2] as number) & sizeMask;
  }

  isReadOnly(dynptr: number): boolean {
    return (this.#memory.u32[(dynptr >>> 2) + 2] as number) >= readOnlyBit;
  }

  /** bpf_dynptr_check_off_len */
  fits(size: number, offset: number, length: number): boolean {
    return length <= size && offset <= size - length;
  }

  /** bpf_dynptr_adjust: leaves what lies from `start` to `end`. */
  adjust(dynptr: number, start: number, end: number): void {
    const words = this.#memory.u32;
    const at = dynptr >>> 2;
    words[at + 3] = (words[at + 3] as number) + start;
    words[at + 2] = ((words[at + 2] as number) & ~sizeMask) | (end - start);
  }

  clone(dynptr: number, to: number): void {
    this.#memory.u32.copyWithin(to >>> 2, dynptr >>> 2, (dynptr >>> 2) + 4);
  }
}
