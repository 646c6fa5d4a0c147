import type { Memory } from '../../memory/index.ts';

/**
 * The Internet checksum as the kernel computes with it (include/net/checksum.h): ones' complement sums of 32 bits, in
 * the machine's byte order, folded to 16 at the end. All numbers are unsigned.
 */

/** csum_add: with the carry put back in. */
function add32(one: number, other: number): number {
  const sum = one + other;
  return sum > 0xffff_ffff ? sum - 0xffff_ffff : sum;
}

/** csum_sub */
export function sub32(from: number, what: number): number {
  return add32(from, ~what >>> 0);
}

/** csum_from32to16 */
export function to16(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/** csum_fold */
function fold(sum: number): number {
  return ~to16(sum) & 0xffff;
}

/** csum_partial: by words of 32 bits, so that the sum is the kernel's also where two numbers mean the same. */
export function sumBytes(memory: Memory, start: number, length: number, seed: number): number {
  const { u8 } = memory;
  const end = start + length;
  let sum = seed;
  let at = start;
  for (; at + 3 < end; at += 4) sum = add32(sum, memory.view.getUint32(at, true));
  for (; at + 1 < end; at += 2) sum = add32(sum, (u8[at] as number) | ((u8[at + 1] as number) << 8));
  return at < end ? add32(sum, u8[at] as number) : sum;
}

/** csum_replace_by_diff */
export function replaceByDifference(sum: number, difference: number): number {
  return fold(add32(difference, ~sum >>> 0));
}

/** csum_replace4 */
export function replace4(sum: number, from: number, to: number): number {
  return fold(add32(sub32(~sum >>> 0, from), to));
}

/** csum_replace2 */
export function replace2(sum: number, from: number, to: number): number {
  const without = add16(~sum & 0xffff, ~from & 0xffff);
  return ~add16(without, to & 0xffff) & 0xffff;
}

function add16(one: number, other: number): number {
  const sum = one + other;
  return (sum & 0xffff) + (sum >>> 16);
}
