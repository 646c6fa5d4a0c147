/**
 * Tristate numbers: each bit is 0, 1 or unknown. `value` holds the known ones, `mask` the unknown bits; both are u64 as
 * BigInt, and they never overlap. What happens at
 * every step of a program works on halves of 32 bits instead (scalar.ts, arithmetic.ts).
 */
export interface Tnum {
  readonly value: bigint;
  readonly mask: bigint;
}

const all = 0xffff_ffff_ffff_ffffn;
const low32 = 0xffff_ffffn;

export function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

function bitLength(value: bigint): number {
  const high = Number(value >> 32n);
  return high !== 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(Number(value & low32));
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

/** The smallest tnum that holds both (6.18: tnum_union). */
export function unionTnum(a: Tnum, b: Tnum): Tnum {
  const mask = a.mask | b.mask | (a.value ^ b.value);
  return { value: a.value & b.value & ~mask & all, mask };
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

export function tnumText({ value, mask }: Tnum): string {
  return `(0x${value.toString(16)}; 0x${mask.toString(16)})`;
}
