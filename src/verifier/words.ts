/**
 * 64-bit numbers as two 32-bit words, which cost no allocation as BigInt does. Each word is a signed number (x | 0),
 * whatever the whole stands for.
 */

/** a < b, both unsigned. */
export function isBelow(aHigh: number, aLow: number, bHigh: number, bLow: number): boolean {
  return aHigh === bHigh ? aLow >>> 0 < bLow >>> 0 : aHigh >>> 0 < bHigh >>> 0;
}

/** a < b, both signed. */
export function isLess(aHigh: number, aLow: number, bHigh: number, bLow: number): boolean {
  return aHigh === bHigh ? aLow >>> 0 < bLow >>> 0 : aHigh < bHigh;
}

/** What the low words of a sum hand on: 0 or 1. */
export function carryOf(aLow: number, bLow: number): 0 | 1 {
  return (aLow >>> 0) + (bLow >>> 0) > 0xffff_ffff ? 1 : 0;
}

/** What the low words of a difference borrow: 0 or 1. */
export function borrowOf(aLow: number, bLow: number): 0 | 1 {
  return aLow >>> 0 < bLow >>> 0 ? 1 : 0;
}

export function unsignedOfWords(high: number, low: number): bigint {
  return high === 0 ? BigInt(low >>> 0) : (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

export function signedOfWords(high: number, low: number): bigint {
  return high === low >> 31 ? BigInt(low) : (BigInt(high) << 32n) | BigInt(low >>> 0);
}

export function lowOf(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}

export function highOf(value: bigint): number {
  return Number(BigInt.asIntN(32, value >> 32n));
}

/** All bits up to the highest that is set. */
export function smear(word: number): number {
  return word === 0 ? 0 : (-1 >>> Math.clz32(word)) | 0;
}

/** The high word of a number shifted left by 0 to 63. */
export function highLeft(high: number, low: number, shift: number): number {
  if (shift >= 32) return low << (shift - 32);
  return shift === 0 ? high : (high << shift) | (low >>> (32 - shift));
}

export function lowLeft(low: number, shift: number): number {
  return shift >= 32 ? 0 : low << shift;
}

/** The high word of an unsigned number shifted right by 0 to 63. */
export function highRight(high: number, shift: number): number {
  return shift >= 32 ? 0 : (high >>> shift) | 0;
}

export function lowRight(high: number, low: number, shift: number): number {
  if (shift >= 32) return (high >>> (shift - 32)) | 0;
  return shift === 0 ? low : (low >>> shift) | (high << (32 - shift));
}
