import { errno, hex64, roundUp, SysError, u64 } from '../base/index.ts';

/**
 * The one linear memory: all that a program could reach lives in one WebAssembly.Memory, so compiled code, the
 * interpreter, maps, rings and helper bodies see the same bytes. It never grows, so views of it stay valid for ever.
 *
 *   63            32 31             0
 *   +---------------+---------------+
 *   | space         | offset        |   kernel 0xffff8880, user 0x00007f00
 *   +---------------+---------------+
 *
 * A page table says what each 4 KiB page is; offset 0 and every page not handed out are unmapped.
 */
export const kernelSpace = 0xffff8880;
export const userSpace = 0x00007f00;
export const pageSize = 4096;

/** What a page is to a program. */
export const pageKinds = { unmapped: 0, kernel: 1, kernelReadOnly: 2, user: 3 } as const;
export type PageKind = (typeof pageKinds)[keyof typeof pageKinds];

/** Size classes of the small-object allocator, in bytes, as kmalloc's. */
const sizeClasses = [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048] as const;

export class Memory {
  readonly wasm: WebAssembly.Memory;
  readonly size: number;
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly u64: BigUint64Array;
  readonly view: DataView;
  /** A PageKind for each page: bytes of the memory itself, so that compiled code can look at them. */
  readonly pages: Uint8Array;
  /** Where `pages` begins; its own pages are unmapped to programs. */
  readonly pageTable = pageSize;

  #nextPage: number;
  /** Runs of pages given back, by first page; no two touch. */
  readonly #freeRuns: { first: number; count: number }[] = [];
  readonly #freeObjects = new Map<number, number[]>();

  /** @param size bytes; rounded up to 64 KiB. The host backs only the pages that are touched. */
  constructor(size = 64 << 20) {
    const wasmPages = Math.ceil(size / 65536);
    this.wasm = new WebAssembly.Memory({ initial: wasmPages, maximum: wasmPages });
    const buffer = this.wasm.buffer;
    this.size = buffer.byteLength;
    this.u8 = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.u64 = new BigUint64Array(buffer);
    this.view = new DataView(buffer);
    this.pages = this.u8.subarray(this.pageTable, this.pageTable + this.size / pageSize);
    this.#nextPage = 1 + Math.ceil(this.pages.length / pageSize);
  }

  /**
   * Whole pages of one kind, zeroed; returns the offset. Pages on either side that are not handed out stay holes.
   * @throws SysError ENOMEM when the simulated machine has no more
   */
  allocatePages(bytes: number, kind: PageKind = pageKinds.kernel): number {
    const count = pageCount(bytes);
    const reused = this.#takeFreeRun(count);
    const first = reused ?? this.#nextPage;
    if (reused === undefined) {
      if (first + count > this.pages.length) {
        throw new SysError(
          'ENOMEM',
          'memory',
          `${bytes} bytes do not fit the simulated machine's ${this.size >> 20} MiB`,
          {
            hint: 'boot it with more memory, or make the maps smaller',
          },
        );
      }
      this.#nextPage = first + count;
    }
    this.pages.fill(kind, first, first + count);
    const offset = first * pageSize;
    if (reused !== undefined) this.u8.fill(0, offset, offset + count * pageSize);
    return offset;
  }

  /** Gives back what allocatePages returned for the same number of bytes. The pages become unmapped. */
  freePages(offset: number, bytes: number): void {
    const count = pageCount(bytes);
    const first = offset / pageSize;
    this.pages.fill(pageKinds.unmapped, first, first + count);
    const runs = this.#freeRuns;
    let at = runs.findIndex((run) => run.first > first);
    if (at < 0) at = runs.length;
    const before = runs[at - 1];
    const after = runs[at];
    const joinsBefore = before !== undefined && before.first + before.count === first;
    const joinsAfter = after !== undefined && first + count === after.first;
    if (joinsBefore) {
      before.count += count + (joinsAfter ? after.count : 0);
      if (joinsAfter) runs.splice(at, 1);
    } else if (joinsAfter) {
      after.first = first;
      after.count += count;
    } else {
      runs.splice(at, 0, { first, count });
    }
  }

  /** The first page of a run of `count`, cut from the smallest that has them; undefined when none has. */
  #takeFreeRun(count: number): number | undefined {
    const runs = this.#freeRuns;
    let best = -1;
    for (let i = 0; i < runs.length; i++) {
      const size = runs[i]!.count;
      if (size >= count && (best < 0 || size < runs[best]!.count)) best = i;
    }
    const run = runs[best];
    if (run === undefined) return undefined;
    const first = run.first;
    if (run.count === count) {
      runs.splice(best, 1);
    } else {
      run.first += count;
      run.count -= count;
    }
    return first;
  }

  /** A zeroed kernel object, 8-byte aligned; above 2 KiB in pages of its own. @throws SysError ENOMEM */
  allocate(bytes: number): number {
    const size = sizeClasses.find((candidate) => candidate >= bytes);
    if (size === undefined) return this.allocatePages(bytes);
    let free = this.#freeObjects.get(size);
    if (!free) {
      free = [];
      this.#freeObjects.set(size, free);
    }
    if (free.length === 0) {
      const slab = this.allocatePages(pageSize);
      for (let at = slab + (Math.floor(pageSize / size) - 1) * size; at >= slab; at -= size) free.push(at);
    }
    const offset = free.pop() as number;
    this.u8.fill(0, offset, offset + size);
    return offset;
  }

  /** Gives back what `allocate` returned for the same number of bytes. */
  free(offset: number, bytes: number): void {
    const size = sizeClasses.find((candidate) => candidate >= bytes);
    if (size === undefined) this.freePages(offset, bytes);
    else this.#freeObjects.get(size)?.push(offset);
  }

  /** The kernel pointer to an offset, as a program holds it. */
  kernelPointer(offset: number): bigint {
    return u64(kernelSpace, offset);
  }

  /** The user pointer to an offset. */
  userPointer(offset: number): bigint {
    return u64(userSpace, offset);
  }

  /** The space (high half) that a page of this kind is reached through; 0 for an unmapped one. */
  spaceAt(offset: number): number {
    const kind = this.pages[offset >>> 12];
    if (kind === undefined || kind === pageKinds.unmapped) return 0;
    return kind === pageKinds.user ? userSpace : kernelSpace;
  }

  /**
   * Whether `length` bytes at the pointer (high:low, both u32) are mapped in that space. A length of 0 is.
   */
  isMapped(high: number, low: number, length: number): boolean {
    const start = low >>> 0;
    if (length <= 0) return length === 0;
    if (start + length > this.size) return false;
    const space = high >>> 0;
    if (space !== kernelSpace && space !== userSpace) return false;
    for (let page = start >>> 12; page <= (start + length - 1) >>> 12; page++) {
      const kind = this.pages[page] as number;
      if (kind === pageKinds.unmapped) return false;
      if ((kind === pageKinds.user) !== (space === userSpace)) return false;
    }
    return true;
  }

  /** As isMapped, and no page of the range is read-only. */
  isWritable(high: number, low: number, length: number): boolean {
    if (!this.isMapped(high, low, length)) return false;
    for (let page = (low >>> 0) >>> 12; length > 0 && page <= ((low >>> 0) + length - 1) >>> 12; page++) {
      if (this.pages[page] === pageKinds.kernelReadOnly) return false;
    }
    return true;
  }

  /** Copies from any mapped pointer to an offset. A bad source zeroes the target and gives -EFAULT. */
  guardedCopy(target: number, sourceHigh: number, sourceLow: number, length: number): number {
    if (!this.isMapped(sourceHigh, sourceLow, length)) {
      this.u8.fill(0, target, target + length);
      return -errno.EFAULT;
    }
    this.u8.copyWithin(target, sourceLow >>> 0, (sourceLow >>> 0) + length);
    return 0;
  }

  /** Writes a whole number of at most 2^53 as a u64, without a BigInt. */
  setNumber(offset: number, value: number): void {
    this.view.setInt32(offset, value, true);
    this.view.setInt32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
  }

  /** A live view of `length` bytes at an offset. */
  bytes(offset: number, length: number): Uint8Array {
    return this.u8.subarray(offset, offset + length);
  }

  /** The text at an offset up to its NUL or `most` bytes. */
  string(offset: number, most = 256): string {
    let end = offset;
    while (end < offset + most && end < this.size && this.u8[end] !== 0) end++;
    return new TextDecoder().decode(this.u8.subarray(offset, end));
  }

  /** What is handed out, in bytes: whole pages. */
  get used(): number {
    let count = 0;
    for (const kind of this.pages) if (kind !== pageKinds.unmapped) count++;
    return count * pageSize;
  }

  /** `0xffff888000012340` for an offset. */
  format(offset: number): string {
    return hex64(u64(this.spaceAt(offset) || kernelSpace, offset));
  }
}

function pageCount(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / pageSize));
}

/** `bytes` rounded up to whole pages. */
export function wholePages(bytes: number): number {
  return roundUp(bytes, pageSize);
}
