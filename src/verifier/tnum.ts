/**
 * Tristate numbers: each bit is 0, 1 or unknown. `value` holds the known ones, `mask` the unknown bits; both are u64 as
 * BigInt, and they never overlap. The operations give the smallest tnum that holds every result, or one above it
 * (Vishwanathan et al., "Sound, Precise, and Fast Abstract Interpretation with Tristate Numbers", CGO 2022).
 */
export interface Tnum {
  readonly value: bigint;
  readonly mask: bigint;
}

const all = 0xffff_ffff_ffff_ffffn;
const low32 = 0xffff_ffffn;

export const unknownTnum: Tnum = { value: 0n, mask: all };

export function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

export function constTnum(value: bigint): Tnum {
  return { value: u64(value), mask: 0n };
}

/** The bits that all numbers from `min` to `max` (unsigned) share. */
export function rangeTnum(min: bigint, max: bigint): Tnum {
  const differing = min ^ max;
  if (differing === 0n) return { value: min, mask: 0n };
  const bits = bitLength(differing);
  if (bits > 63) return unknownTnum;
  return { value: min & (upperBits[bits] as bigint), mask: lowerBits[bits] as bigint };
}

/** The lowest so many bits of 64, and the others. */
const lowerBits = Array.from({ length: 64 }, (_, bits) => (1n << BigInt(bits)) - 1n);
const upperBits = lowerBits.map((mask) => all ^ mask);

function bitLength(value: bigint): number {
  const high = Number(value >> 32n);
  return high !== 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(Number(value & low32));
}

export function addTnum(a: Tnum, b: Tnum): Tnum {
  const masks = u64(a.mask + b.mask);
  const values = u64(a.value + b.value);
  const mask = (u64(masks + values) ^ values) | a.mask | b.mask;
  return { value: values & ~mask & all, mask };
}

export function subTnum(a: Tnum, b: Tnum): Tnum {
  const difference = u64(a.value - b.value);
  const alpha = u64(difference + a.mask);
  const beta = u64(difference - b.mask);
  const mask = (alpha ^ beta) | a.mask | b.mask;
  return { value: difference & ~mask & all, mask };
}

export function andTnum(a: Tnum, b: Tnum): Tnum {
  const alpha = a.value | a.mask;
  const beta = b.value | b.mask;
  const value = a.value & b.value;
  return { value, mask: alpha & beta & ~value & all };
}

export function orTnum(a: Tnum, b: Tnum): Tnum {
  const value = a.value | b.value;
  const mask = a.mask | b.mask;
  return { value, mask: mask & ~value & all };
}

export function xorTnum(a: Tnum, b: Tnum): Tnum {
  const mask = a.mask | b.mask;
  return { value: (a.value ^ b.value) & ~mask & all, mask };
}

export function negTnum(a: Tnum): Tnum {
  return subTnum({ value: 0n, mask: 0n }, a);
}

/** Long multiplication; where a bit of `a` is unknown the sum is either that with the row or that without. */
export function mulTnum(a: Tnum, b: Tnum): Tnum {
  let sum: Tnum = { value: 0n, mask: 0n };
  let left = a;
  let row = b;
  while (left.value !== 0n || left.mask !== 0n) {
    if ((left.value & 1n) !== 0n) sum = addTnum(sum, row);
    else if ((left.mask & 1n) !== 0n) sum = unionTnum(sum, addTnum(sum, row));
    left = rightShift(left, 1);
    row = leftShift(row, 1);
  }
  return sum;
}

export function leftShift(a: Tnum, bits: number): Tnum {
  const by = BigInt(bits);
  return { value: u64(a.value << by), mask: u64(a.mask << by) };
}

export function rightShift(a: Tnum, bits: number): Tnum {
  const by = BigInt(bits);
  return { value: a.value >> by, mask: a.mask >> by };
}

export function arithmeticShift(a: Tnum, bits: number, width: 32 | 64): Tnum {
  const by = BigInt(bits);
  if (width === 32) {
    return {
      value: BigInt.asUintN(32, BigInt.asIntN(32, a.value) >> by),
      mask: BigInt.asUintN(32, BigInt.asIntN(32, a.mask) >> by),
    };
  }
  return { value: u64(BigInt.asIntN(64, a.value) >> by), mask: u64(BigInt.asIntN(64, a.mask) >> by) };
}

/** What both say; only meaningful when some number is in both. */
export function intersectTnum(a: Tnum, b: Tnum): Tnum {
  const value = a.value | b.value;
  const mask = a.mask & b.mask;
  return { value: value & ~mask & all, mask };
}

/** The smallest tnum that holds both (6.18: tnum_union). */
export function unionTnum(a: Tnum, b: Tnum): Tnum {
  const mask = a.mask | b.mask | (a.value ^ b.value);
  return { value: a.value & b.value & ~mask & all, mask };
}

/** The low bytes, zero-extended. */
export function castTnum(a: Tnum, size: number): Tnum {
  const kept = (1n << BigInt(size * 8)) - 1n;
  return { value: a.value & kept, mask: a.mask & kept };
}

/** The smallest number of a tnum that is larger than another; the largest when there is none (tnum_step). */
export function nextInTnum({ value, mask }: Tnum, than: bigint): bigint {
  const most = value | mask;
  if (than >= most) return most;
  if (than < value) return value;
  const differing = (than ^ value) & ~mask & all;
  if (differing === 0n) return value | nextSubset(than & mask, mask);
  const top = 1n << BigInt(bitLength(differing) - 1);
  const above = mask & ~(top * 2n - 1n);
  // With a 1 there the number is larger already; with a 0 it must be larger above.
  if ((value & top) !== 0n) return value | (than & above);
  return value | nextSubset(than & above, above);
}

/** The next larger number of which all bits lie in a mask. */
function nextSubset(bits: bigint, mask: bigint): bigint {
  return (((bits | ~mask) & all) + 1n) & mask;
}

/** The low bytes the other way round, zero-extended. */
export function swapTnum({ value, mask }: Tnum, size: number): Tnum {
  return { value: swapped(value, size), mask: swapped(mask, size) };
}

function swapped(value: bigint, size: number): bigint {
  let result = 0n;
  for (let byte = 0; byte < size; byte++) result = (result << 8n) | ((value >> BigInt(byte * 8)) & 0xffn);
  return result;
}

export function lowTnum(a: Tnum): Tnum {
  return { value: a.value & low32, mask: a.mask & low32 };
}

/** The high half of `a` over the low half of `b`. */
export function withLow(a: Tnum, b: Tnum): Tnum {
  return { value: (a.value & ~low32 & all) | (b.value & low32), mask: (a.mask & ~low32 & all) | (b.mask & low32) };
}

/** Whether every number of `b` is one of `a`. */
export function tnumHolds(a: Tnum, b: Tnum): boolean {
  if ((b.mask & ~a.mask) !== 0n) return false;
  return a.value === (b.value & ~a.mask & all);
}

export function isAligned(a: Tnum, size: number): boolean {
  return ((a.value | a.mask) & BigInt(size - 1)) === 0n;
}

export function tnumText({ value, mask }: Tnum): string {
  return `(0x${value.toString(16)}; 0x${mask.toString(16)})`;
}
