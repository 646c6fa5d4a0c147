import { kernelSpace, pageKinds } from '../memory/index.ts';

/**
 * Which memory a program reaches: pointers of the kernel's space to pages that the page table has. Both functions
 * take a pointer as halves and give an offset in the linear memory, or -1.
 */
export const kernelHigh = kernelSpace | 0;

/**
 * Offset of `size` bytes at hi:lo + offset when a program may read them, else -1. The first and the last byte's pages
 * decide: no access is longer than a page.
 */
export function readable(pages: Uint8Array, lo: number, hi: number, offset: number, size: number): number {
  const place = kernelOffset(lo, hi, offset);
  if (place < 0) return -1;
  const first = pages[place >>> 12];
  const last = pages[(place + size - 1) >>> 12];
  return isReadable(first) && (first === last || isReadable(last)) ? place : -1;
}

/** As `readable`, for writing. */
export function writable(pages: Uint8Array, lo: number, hi: number, offset: number, size: number): number {
  const place = kernelOffset(lo, hi, offset);
  if (place < 0) return -1;
  const writes = pages[place >>> 12] === pageKinds.kernel && pages[(place + size - 1) >>> 12] === pageKinds.kernel;
  return writes ? place : -1;
}

/** The offset in the linear memory that hi:lo + offset points to, or -1 when it is no kernel pointer. */
function kernelOffset(lo: number, hi: number, offset: number): number {
  const place = (lo >>> 0) + offset;
  if (place < 0) return ((hi - 1) | 0) === kernelHigh ? place + 0x1_0000_0000 : -1;
  if (place > 0xffff_ffff) return ((hi + 1) | 0) === kernelHigh ? place - 0x1_0000_0000 : -1;
  return hi === kernelHigh ? place : -1;
}

function isReadable(kind: number | undefined): boolean {
  return kind === pageKinds.kernel || kind === pageKinds.kernelReadOnly;
}
