import { multiply } from './multiply.ts';
import { constant, constantOf, constantOfWords, type Scalar, s32Max, s32Min, u32Max, unknown, zero } from './scalar.ts';
import { arithmeticShift, swapTnum } from './tnum.ts';
import { borrowOf, carryOf, highLeft, highRight, isBelow, isLess, lowLeft, lowRight } from './words.ts';

/**
 * What arithmetic on two numbers gives: each range by its own rule, then all of them settled. A range that may wrap
 * around is given up (kernel/bpf/verifier.c: adjust_scalar_min_max_vals).
 */
export type Operation = 'add' | 'sub' | 'mul' | 'or' | 'and' | 'xor' | 'lsh' | 'rsh' | 'arsh' | 'neg' | 'other';

export function compute(op: Operation, left: Scalar, right: Scalar, width: 32 | 64): Scalar {
  const isShift = op === 'lsh' || op === 'rsh' || op === 'arsh';
  const rightConst = width === 32 ? right.isConst32 : right.isConst;
  // All 64 bits of the shift count here, also of a 32-bit one.
  const shift = right.umaxHigh === 0 && right.umaxLow >>> 0 < 64 ? right.umaxLow : 64;
  // As the kernel does it: nothing at all is known then, not even that a 32-bit result has a zero high half.
  if (op === 'other' || (isShift && !(rightConst && shift < width))) return unknown;
  if (width === 64 && left.isConst && right.isConst) return fold(op, left, right);
  const result = left.draft();
  apply(op, result, right, width, shift);
  if (width === 32) return result.zeroExtend();
  return result.settle();
}

/** Of two constants. */
function fold(op: Operation, left: Scalar, right: Scalar): Scalar {
  const { valueHigh, valueLow } = left;
  switch (op) {
    case 'add':
      return constantOfWords(
        (valueHigh + right.valueHigh + carryOf(valueLow, right.valueLow)) | 0,
        (valueLow + right.valueLow) | 0,
      );
    case 'sub':
      return constantOfWords(
        (valueHigh - right.valueHigh - borrowOf(valueLow, right.valueLow)) | 0,
        (valueLow - right.valueLow) | 0,
      );
    case 'or':
      return constantOfWords(valueHigh | right.valueHigh, valueLow | right.valueLow);
    case 'and':
      return constantOfWords(valueHigh & right.valueHigh, valueLow & right.valueLow);
    case 'xor':
      return constantOfWords(valueHigh ^ right.valueHigh, valueLow ^ right.valueLow);
    case 'mul':
      return constant(left.value * right.value);
    case 'lsh':
      return constant(left.value << right.value);
    case 'rsh':
      return constant(left.value >> right.value);
    case 'arsh':
      return constant(BigInt.asIntN(64, left.value) >> right.value);
    default:
      return constant(-left.value);
  }
}

function apply(op: Operation, result: Scalar, right: Scalar, width: 32 | 64, shift: number): void {
  switch (op) {
    case 'add':
      add(result, right);
      break;
    case 'sub':
      sub(result, right);
      break;
    case 'neg':
      negate(result);
      break;
    case 'mul':
      multiply(result, right);
      break;
    case 'and':
    case 'or':
    case 'xor':
      bitwise(op, result, right);
      break;
    case 'lsh':
      shiftLeft(result, shift, width);
      break;
    case 'rsh':
      shiftRight(result, shift, width);
      break;
    default:
      shiftArithmetic(result, shift, width);
  }
}

function add(a: Scalar, b: Scalar): void {
  add64(a, b);
  setSigned32(a, a.smin32 + b.smin32, a.smax32 + b.smax32);
  setUnsigned32(a, a.umin32 + b.umin32, a.umax32 + b.umax32);
  addBits(a, b);
}

/** A range that may leave what 64 bits hold is given up; an unsigned one only where not both ends leave it. */
function add64(a: Scalar, b: Scalar): void {
  const sminHigh = (a.sminHigh + b.sminHigh + carryOf(a.sminLow, b.sminLow)) | 0;
  const smaxHigh = (a.smaxHigh + b.smaxHigh + carryOf(a.smaxLow, b.smaxLow)) | 0;
  // A sum whose sign is neither's has left the range.
  const leaves =
    ((a.sminHigh ^ sminHigh) & (b.sminHigh ^ sminHigh)) | ((a.smaxHigh ^ smaxHigh) & (b.smaxHigh ^ smaxHigh));
  if (leaves < 0) a.unboundSigned();
  else {
    a.sminLow = (a.sminLow + b.sminLow) | 0;
    a.sminHigh = sminHigh;
    a.smaxLow = (a.smaxLow + b.smaxLow) | 0;
    a.smaxHigh = smaxHigh;
  }
  const umin = (a.uminHigh >>> 0) + (b.uminHigh >>> 0) + carryOf(a.uminLow, b.uminLow);
  const umax = (a.umaxHigh >>> 0) + (b.umaxHigh >>> 0) + carryOf(a.umaxLow, b.umaxLow);
  if (umin > u32Max !== umax > u32Max) {
    a.unboundUnsigned();
    return;
  }
  a.uminLow = (a.uminLow + b.uminLow) | 0;
  a.uminHigh = umin | 0;
  a.umaxLow = (a.umaxLow + b.umaxLow) | 0;
  a.umaxHigh = umax | 0;
}

/** From each end the other's other end. */
function sub64(a: Scalar, b: Scalar): void {
  const { sminHigh: bMinHigh, sminLow: bMinLow, smaxHigh: bMaxHigh, smaxLow: bMaxLow } = b;
  const sminHigh = (a.sminHigh - bMaxHigh - borrowOf(a.sminLow, bMaxLow)) | 0;
  const smaxHigh = (a.smaxHigh - bMinHigh - borrowOf(a.smaxLow, bMinLow)) | 0;
  const leaves =
    ((a.sminHigh ^ bMaxHigh) & (a.sminHigh ^ sminHigh)) | ((a.smaxHigh ^ bMinHigh) & (a.smaxHigh ^ smaxHigh));
  if (leaves < 0) a.unboundSigned();
  else {
    a.sminLow = (a.sminLow - bMaxLow) | 0;
    a.sminHigh = sminHigh;
    a.smaxLow = (a.smaxLow - bMinLow) | 0;
    a.smaxHigh = smaxHigh;
  }
  const { uminHigh, uminLow, umaxHigh, umaxLow } = b;
  const umin = (a.uminHigh >>> 0) - (umaxHigh >>> 0) - borrowOf(a.uminLow, umaxLow);
  const umax = (a.umaxHigh >>> 0) - (uminHigh >>> 0) - borrowOf(a.umaxLow, uminLow);
  if (umin < 0 !== umax < 0) {
    a.unboundUnsigned();
    return;
  }
  a.uminLow = (a.uminLow - umaxLow) | 0;
  a.uminHigh = umin | 0;
  a.umaxLow = (a.umaxLow - uminLow) | 0;
  a.umaxHigh = umax | 0;
}

/** tnum_add */
function addBits(a: Scalar, b: Scalar): void {
  const masksLow = (a.maskLow + b.maskLow) | 0;
  const masksHigh = (a.maskHigh + b.maskHigh + carryOf(a.maskLow, b.maskLow)) | 0;
  const valuesLow = (a.valueLow + b.valueLow) | 0;
  const valuesHigh = (a.valueHigh + b.valueHigh + carryOf(a.valueLow, b.valueLow)) | 0;
  const allLow = (masksLow + valuesLow) | 0;
  const allHigh = (masksHigh + valuesHigh + carryOf(masksLow, valuesLow)) | 0;
  a.maskLow |= (allLow ^ valuesLow) | b.maskLow;
  a.maskHigh |= (allHigh ^ valuesHigh) | b.maskHigh;
  a.valueLow = valuesLow & ~a.maskLow;
  a.valueHigh = valuesHigh & ~a.maskHigh;
}

/** tnum_sub */
function subBits(a: Scalar, b: Scalar): void {
  const low = (a.valueLow - b.valueLow) | 0;
  const high = (a.valueHigh - b.valueHigh - borrowOf(a.valueLow, b.valueLow)) | 0;
  const alphaLow = (low + a.maskLow) | 0;
  const alphaHigh = (high + a.maskHigh + carryOf(low, a.maskLow)) | 0;
  const betaLow = (low - b.maskLow) | 0;
  const betaHigh = (high - b.maskHigh - borrowOf(low, b.maskLow)) | 0;
  a.maskLow |= (alphaLow ^ betaLow) | b.maskLow;
  a.maskHigh |= (alphaHigh ^ betaHigh) | b.maskHigh;
  a.valueLow = low & ~a.maskLow;
  a.valueHigh = high & ~a.maskHigh;
}

function setUnsigned32(a: Scalar, min: number, max: number): void {
  const wrapped = min < 0 || min > u32Max;
  if (wrapped === (max < 0 || max > u32Max)) {
    a.umin32 = min >>> 0;
    a.umax32 = max >>> 0;
  } else {
    a.umin32 = 0;
    a.umax32 = u32Max;
  }
}

function setSigned32(a: Scalar, min: number, max: number): void {
  const fits = min >= s32Min && max <= s32Max;
  a.smin32 = fits ? min : s32Min;
  a.smax32 = fits ? max : s32Max;
}

function sub(a: Scalar, b: Scalar): void {
  const { smin32, smax32, umin32, umax32 } = b;
  sub64(a, b);
  setSigned32(a, a.smin32 - smax32, a.smax32 - smin32);
  setUnsigned32(a, a.umin32 - umax32, a.umax32 - umin32);
  subBits(a, b);
}

function negate(a: Scalar): void {
  const number = a.draft();
  a.become(zero);
  sub(a, number);
}

function bitwise(op: 'and' | 'or' | 'xor', a: Scalar, b: Scalar): void {
  const { umaxHigh, umaxLow, uminHigh, uminLow, umin32, umax32 } = a;
  if (op === 'and') andBits(a, b);
  else if (op === 'or') orBits(a, b);
  else xorBits(a, b);
  const { valueHigh, valueLow } = a;
  a.uminHigh = valueHigh;
  a.uminLow = valueLow;
  a.umaxHigh = valueHigh | a.maskHigh;
  a.umaxLow = valueLow | a.maskLow;
  a.uminWord = valueLow;
  a.umaxWord = a.umaxLow;
  if (op === 'and') {
    const isLower = isBelow(b.umaxHigh, b.umaxLow, umaxHigh, umaxLow);
    a.umaxHigh = isLower ? b.umaxHigh : umaxHigh;
    a.umaxLow = isLower ? b.umaxLow : umaxLow;
    a.umax32 = Math.min(umax32, b.umax32);
  } else if (op === 'or') {
    const isHigher = isBelow(uminHigh, uminLow, b.uminHigh, b.uminLow);
    a.uminHigh = isHigher ? b.uminHigh : uminHigh;
    a.uminLow = isHigher ? b.uminLow : uminLow;
    a.umin32 = Math.max(umin32, b.umin32);
  }
  if (isLess(a.umaxHigh, a.umaxLow, a.uminHigh, a.uminLow)) a.unboundSigned();
  else {
    a.sminHigh = a.uminHigh;
    a.sminLow = a.uminLow;
    a.smaxHigh = a.umaxHigh;
    a.smaxLow = a.umaxLow;
  }
  const crosses32 = a.uminWord > a.umaxWord;
  a.smin32 = crosses32 ? s32Min : a.uminWord;
  a.smax32 = crosses32 ? s32Max : a.umaxWord;
}

function andBits(a: Scalar, b: Scalar): void {
  const low = (a.valueLow | a.maskLow) & (b.valueLow | b.maskLow);
  const high = (a.valueHigh | a.maskHigh) & (b.valueHigh | b.maskHigh);
  a.valueLow &= b.valueLow;
  a.valueHigh &= b.valueHigh;
  a.maskLow = low & ~a.valueLow;
  a.maskHigh = high & ~a.valueHigh;
}

function orBits(a: Scalar, b: Scalar): void {
  a.valueLow |= b.valueLow;
  a.valueHigh |= b.valueHigh;
  a.maskLow = (a.maskLow | b.maskLow) & ~a.valueLow;
  a.maskHigh = (a.maskHigh | b.maskHigh) & ~a.valueHigh;
}

function xorBits(a: Scalar, b: Scalar): void {
  a.maskLow |= b.maskLow;
  a.maskHigh |= b.maskHigh;
  a.valueLow = (a.valueLow ^ b.valueLow) & ~a.maskLow;
  a.valueHigh = (a.valueHigh ^ b.valueHigh) & ~a.maskHigh;
}

function shiftLeft(a: Scalar, shift: number, width: 32 | 64): void {
  const { smin32, smax32, umin32, umax32 } = a;
  a.smin32 = s32Min;
  a.smax32 = s32Max;
  const fits = shift <= 31 && umax32 <= 2 ** (31 - shift);
  a.umin32 = fits ? umin32 * 2 ** shift : 0;
  a.umax32 = fits ? umax32 * 2 ** shift : u32Max;
  if (width === 32) {
    a.valueHigh = a.maskHigh = 0;
    a.valueLow <<= shift;
    a.maskLow <<= shift;
    return;
  }
  a.unboundSigned();
  if (shift === 32) {
    a.sminHigh = smin32;
    a.smaxHigh = smax32;
    a.smaxLow = 0;
  }
  // Only up to 2^(63 - shift): the word of that power, which lies in the high half or the low.
  const power = 63 - shift;
  const word = 1 << (power & 31);
  if (isBelow(power >= 32 ? word : 0, power >= 32 ? 0 : word, a.umaxHigh, a.umaxLow)) a.unboundUnsigned();
  else {
    a.uminHigh = highLeft(a.uminHigh, a.uminLow, shift);
    a.uminLow = lowLeft(a.uminLow, shift);
    a.umaxHigh = highLeft(a.umaxHigh, a.umaxLow, shift);
    a.umaxLow = lowLeft(a.umaxLow, shift);
  }
  a.valueHigh = highLeft(a.valueHigh, a.valueLow, shift);
  a.valueLow = lowLeft(a.valueLow, shift);
  a.maskHigh = highLeft(a.maskHigh, a.maskLow, shift);
  a.maskLow = lowLeft(a.maskLow, shift);
}

function shiftRight(a: Scalar, shift: number, width: 32 | 64): void {
  if (width === 32) {
    a.smin32 = s32Min;
    a.smax32 = s32Max;
    a.umin32 >>>= shift;
    a.umax32 >>>= shift;
    a.valueHigh = a.maskHigh = 0;
    a.valueLow = (a.valueLow >>> shift) | 0;
    a.maskLow = (a.maskLow >>> shift) | 0;
    a.unbound64();
    return;
  }
  a.unboundSigned();
  a.uminLow = lowRight(a.uminHigh, a.uminLow, shift);
  a.uminHigh = highRight(a.uminHigh, shift);
  a.umaxLow = lowRight(a.umaxHigh, a.umaxLow, shift);
  a.umaxHigh = highRight(a.umaxHigh, shift);
  a.valueLow = lowRight(a.valueHigh, a.valueLow, shift);
  a.valueHigh = highRight(a.valueHigh, shift);
  a.maskLow = lowRight(a.maskHigh, a.maskLow, shift);
  a.maskHigh = highRight(a.maskHigh, shift);
  a.unbound32();
}

function shiftArithmetic(a: Scalar, shift: number, width: 32 | 64): void {
  if (width === 32) {
    a.smin32 >>= shift;
    a.smax32 >>= shift;
    a.uminWord = 0;
    a.umaxWord = -1;
    a.valueHigh = a.maskHigh = 0;
    a.valueLow >>= shift;
    a.maskLow >>= shift;
    a.unbound64();
    return;
  }
  const by = BigInt(shift);
  a.smin >>= by;
  a.smax >>= by;
  a.unboundUnsigned();
  a.bits = arithmeticShift(a.bits, shift, 64);
  a.unbound32();
}

/** A number a constant further on, each range by its own. */
export function shiftBy(scalar: Scalar, by: number): Scalar {
  const result = scalar.draft();
  add(result, constantOf(by));
  return result;
}

/** A pointer's variable part after adding or subtracting: 32-bit bounds of an address mean nothing. */
export function moveOffset(op: 'add' | 'sub', offset: Scalar, by: Scalar): Scalar {
  const result = offset.draft().unbound32();
  if (op === 'add') {
    add64(result, by);
    addBits(result, by);
  } else {
    sub64(result, by);
    subBits(result, by);
  }
  return result.settle();
}

/** The low `bytes` of a number, zero-extended (coerce_reg_to_size). */
export function truncate(scalar: Scalar, bytes: number): Scalar {
  if (bytes >= 8) return scalar;
  const keep = bytes === 4 ? -1 : (1 << (bytes * 8)) - 1;
  const result = scalar.draft();
  const sameHigh = scalar.uminHigh === scalar.umaxHigh && (scalar.uminLow & ~keep) === (scalar.umaxLow & ~keep);
  result.valueHigh = result.maskHigh = 0;
  result.valueLow &= keep;
  result.maskLow &= keep;
  result.uminHigh = result.umaxHigh = result.sminHigh = result.smaxHigh = 0;
  result.uminLow = result.sminLow = sameHigh ? scalar.uminLow & keep : 0;
  result.umaxLow = result.smaxLow = sameHigh ? scalar.umaxLow & keep : keep;
  if (bytes < 4) result.unbound32();
  return result.settle();
}

/** The low `bytes` of a number the other way round, zero-extended (scalar_byte_swap). */
export function swapBytes(scalar: Scalar, bytes: number): Scalar {
  const result = unknown.draft();
  result.bits = swapTnum(scalar.bits, bytes);
  return truncate(result, bytes).draft().settle();
}

/** The low `bytes` of a number, sign-extended to `width` (coerce_reg_to_size_sx). */
export function extend(scalar: Scalar, bytes: 1 | 2 | 4, width: 32 | 64): Scalar {
  const bits = bytes * 8;
  if (scalar.isConst) {
    const value = BigInt.asIntN(bits, scalar.value);
    return constant(width === 32 ? BigInt.asUintN(32, value) : value);
  }
  const result = unknown.draft();
  const least = -(1n << BigInt(bits - 1));
  const most = -least - 1n;
  const smin = BigInt.asIntN(bits, scalar.smin);
  const smax = BigInt.asIntN(bits, scalar.smax);
  const sameHigh = scalar.smin >> BigInt(bits) === scalar.smax >> BigInt(bits) && smin <= smax;
  result.smin = sameHigh ? smin : least;
  result.smax = sameHigh ? smax : most;
  result.smin32 = Number(result.smin);
  result.smax32 = Number(result.smax);
  if (width === 64) return result.settle();
  result.unbound64();
  return result.zeroExtend();
}
