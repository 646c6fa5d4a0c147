/**
 * 64-bit arithmetic on registers held as two 32-bit halves in an Int32Array: the low half at an even index, the high
 * half behind it. Nothing here makes an object or a BigInt. The results are Linux's, where a processor's own would
 * differ: division by zero gives 0, modulo by zero leaves the number, the smallest number over -1 is itself.
 */

const two32 = 0x1_0000_0000;

/** regs[d] += hi:lo */
export function add64(regs: Int32Array, d: number, lo: number, hi: number): void {
  const sum = (regs[d]! >>> 0) + (lo >>> 0);
  regs[d + 1] = regs[d + 1]! + hi + (sum >= two32 ? 1 : 0);
  regs[d] = sum;
}

/** regs[d] -= hi:lo */
export function subtract64(regs: Int32Array, d: number, lo: number, hi: number): void {
  const low = regs[d]!;
  regs[d] = low - lo;
  regs[d + 1] = regs[d + 1]! - hi - (low >>> 0 < lo >>> 0 ? 1 : 0);
}

/** regs[d] *= hi:lo, the low 64 bits: schoolbook in 16-bit digits for the low halves. */
export function multiply64(regs: Int32Array, d: number, lo: number, hi: number): void {
  const low = regs[d]!;
  const a0 = low & 0xffff;
  const a1 = low >>> 16;
  const b0 = lo & 0xffff;
  const b1 = lo >>> 16;
  const first = a0 * b0;
  const second = a1 * b0 + (first >>> 16);
  const third = a0 * b1 + (second & 0xffff);
  const carried = a1 * b1 + (second >>> 16) + (third >>> 16);
  regs[d + 1] = (carried | 0) + Math.imul(low, hi) + Math.imul(regs[d + 1]!, lo);
  regs[d] = (third << 16) | (first & 0xffff);
}

/** regs[d] = regs[d] / hi:lo, both unsigned. */
export function divide64(regs: Int32Array, d: number, lo: number, hi: number): void {
  if ((lo | hi) === 0) {
    regs[d] = 0;
    regs[d + 1] = 0;
  } else {
    unsignedDivision(regs, d, lo, hi, false);
  }
}

/** regs[d] = regs[d] % hi:lo, both unsigned. */
export function modulo64(regs: Int32Array, d: number, lo: number, hi: number): void {
  if ((lo | hi) !== 0) unsignedDivision(regs, d, lo, hi, true);
}

/** regs[d] = regs[d] / hi:lo, both signed, rounded towards zero. */
export function signedDivide64(regs: Int32Array, d: number, lo: number, hi: number): void {
  const negative = (regs[d + 1]! ^ hi) < 0;
  if (regs[d + 1]! < 0) negate64(regs, d);
  if (hi < 0) divide64(regs, d, -lo | 0, negatedHigh(lo, hi));
  else divide64(regs, d, lo, hi);
  if (negative) negate64(regs, d);
}

/** regs[d] = regs[d] % hi:lo, both signed; the result has the sign of the dividend. */
export function signedModulo64(regs: Int32Array, d: number, lo: number, hi: number): void {
  const negative = regs[d + 1]! < 0;
  if (negative) negate64(regs, d);
  if (hi < 0) modulo64(regs, d, -lo | 0, negatedHigh(lo, hi));
  else modulo64(regs, d, lo, hi);
  if (negative) negate64(regs, d);
}

/** regs[d] = -regs[d] */
export function negate64(regs: Int32Array, d: number): void {
  const low = regs[d]!;
  regs[d + 1] = negatedHigh(low, regs[d + 1]!);
  regs[d] = -low;
}

function negatedHigh(lo: number, hi: number): number {
  return lo === 0 ? -hi | 0 : ~hi;
}

/** regs[d] <<= n, n from 0 to 63. */
export function shiftLeft64(regs: Int32Array, d: number, n: number): void {
  const low = regs[d]!;
  if (n >= 32) {
    regs[d + 1] = low << (n - 32);
    regs[d] = 0;
  } else if (n > 0) {
    regs[d + 1] = (regs[d + 1]! << n) | (low >>> (32 - n));
    regs[d] = low << n;
  }
}

/** regs[d] >>= n, zeros from the left. */
export function shiftRight64(regs: Int32Array, d: number, n: number): void {
  const high = regs[d + 1]!;
  if (n >= 32) {
    regs[d] = high >>> (n - 32);
    regs[d + 1] = 0;
  } else if (n > 0) {
    regs[d] = (regs[d]! >>> n) | (high << (32 - n));
    regs[d + 1] = high >>> n;
  }
}

/** regs[d] s>>= n, the sign from the left. */
export function shiftSigned64(regs: Int32Array, d: number, n: number): void {
  const high = regs[d + 1]!;
  if (n >= 32) {
    regs[d] = high >> (n - 32);
    regs[d + 1] = high >> 31;
  } else if (n > 0) {
    regs[d] = (regs[d]! >>> n) | (high << (32 - n));
    regs[d + 1] = high >> n;
  }
}

/** The bytes of 32 bits, reversed. */
function swap32(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}

/** Whether aHi:aLo > bHi:bLo, unsigned. */
export function isAbove(aLo: number, aHi: number, bLo: number, bHi: number): boolean {
  return aHi === bHi ? aLo >>> 0 > bLo >>> 0 : aHi >>> 0 > bHi >>> 0;
}

/** Whether aHi:aLo > bHi:bLo, signed. */
export function isGreater(aLo: number, aHi: number, bLo: number, bHi: number): boolean {
  return aHi === bHi ? aLo >>> 0 > bLo >>> 0 : aHi > bHi;
}

/** The quotient or the remainder; the divisor is not 0. Numbers below 2^53 divide as doubles, exactly. */
function unsignedDivision(regs: Int32Array, d: number, lo: number, hi: number, remainder: boolean): void {
  const high = regs[d + 1]! >>> 0;
  if ((high | hi) >>> 21 === 0) {
    const dividend = high * two32 + (regs[d]! >>> 0);
    const divisor = (hi >>> 0) * two32 + (lo >>> 0);
    const rest = dividend % divisor;
    const answer = remainder ? rest : (dividend - rest) / divisor;
    regs[d] = answer | 0;
    regs[d + 1] = (answer / two32) | 0;
  } else if (hi === 0) {
    divideByWord(regs, d, lo >>> 0, remainder);
  } else {
    divideByBits(regs, d, lo, hi, remainder);
  }
}

/** By a divisor below 2^32, in four 16-bit digits: each step stays below 2^48. */
function divideByWord(regs: Int32Array, d: number, divisor: number, remainder: boolean): void {
  const high = regs[d + 1]!;
  const low = regs[d]!;
  let rest = 0;
  let quotientHigh = 0;
  let quotientLow = 0;
  for (let digit = 3; digit >= 0; digit--) {
    const word = digit >= 2 ? high : low;
    const step = rest * 65536 + ((word >>> (digit & 1 ? 16 : 0)) & 0xffff);
    rest = step % divisor;
    const quotient = (step - rest) / divisor;
    if (digit >= 2) quotientHigh = quotientHigh * 65536 + quotient;
    else quotientLow = quotientLow * 65536 + quotient;
  }
  regs[d] = remainder ? rest | 0 : quotientLow | 0;
  regs[d + 1] = remainder ? 0 : quotientHigh | 0;
}

/** By a divisor of 2^32 or more: shift and subtract. The quotient is below 2^32. */
function divideByBits(regs: Int32Array, d: number, lo: number, hi: number, remainder: boolean): void {
  let restLow = regs[d + 1]!;
  let restHigh = 0;
  let quotient = 0;
  const low = regs[d]!;
  for (let bit = 31; bit >= 0; bit--) {
    const carry = restHigh < 0;
    restHigh = (restHigh << 1) | (restLow >>> 31);
    restLow = (restLow << 1) | ((low >>> bit) & 1);
    quotient <<= 1;
    if (carry || !isAbove(lo, hi, restLow, restHigh)) {
      const borrow = restLow >>> 0 < lo >>> 0 ? 1 : 0;
      restLow = (restLow - lo) | 0;
      restHigh = (restHigh - hi - borrow) | 0;
      quotient |= 1;
    }
  }
  regs[d] = remainder ? restLow : quotient;
  regs[d + 1] = remainder ? restHigh : 0;
}

/** The low `bits` of a number, sign-extended to 32 bits. */
export function extend(value: number, bits: number): number {
  return (value << (32 - bits)) >> (32 - bits);
}

/** The low `bits` of a register in the other byte order, zero-extended. */
export function swapBytes(regs: Int32Array, d: number, bits: number): void {
  const low = regs[d]!;
  const high = regs[d + 1]!;
  if (bits === 16) regs[d] = swap32(low) >>> 16;
  else regs[d] = swap32(bits === 32 ? low : high);
  regs[d + 1] = bits === 64 ? swap32(low) : 0;
}
