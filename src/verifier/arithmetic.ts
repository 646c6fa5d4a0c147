import {
  constant,
  constantOf,
  type Scalar,
  s32Max,
  s32Min,
  s64Max,
  s64Min,
  u32Max,
  u64Max,
  unknown,
} from './scalar.ts';
import {
  addTnum,
  andTnum,
  arithmeticShift,
  leftShift,
  lowTnum,
  mulTnum,
  orTnum,
  rightShift,
  subTnum,
  swapTnum,
  xorTnum,
} from './tnum.ts';

/**
 * What arithmetic on two numbers gives: each range by its own rule, then all of them settled. A range that may wrap
 * around is given up (kernel/bpf/verifier.c: adjust_scalar_min_max_vals).
 */
export type Operation = 'add' | 'sub' | 'mul' | 'or' | 'and' | 'xor' | 'lsh' | 'rsh' | 'arsh' | 'neg' | 'other';

export function compute(op: Operation, left: Scalar, right: Scalar, width: 32 | 64): Scalar {
  const isShift = op === 'lsh' || op === 'rsh' || op === 'arsh';
  const rightConst = width === 32 ? right.isConst32 : right.isConst;
  // All 64 bits of the shift count here, also of a 32-bit one.
  const shift = right.umax < 64n ? Number(right.umax) : 64;
  // As the kernel does it: nothing at all is known then, not even that a 32-bit result has a zero high half.
  if (op === 'other' || (isShift && !(rightConst && shift < width))) return unknown;
  if (width === 64 && left.isConst && right.isConst) return constant(fold(op, left.value, right.value));
  const result = left.draft();
  apply(op, result, right, width, shift);
  if (width === 32) return result.zeroExtend();
  return result.settle();
}

function fold(op: Operation, left: bigint, right: bigint): bigint {
  switch (op) {
    case 'add':
      return left + right;
    case 'sub':
      return left - right;
    case 'mul':
      return left * right;
    case 'or':
      return left | right;
    case 'and':
      return left & right;
    case 'xor':
      return left ^ right;
    case 'lsh':
      return left << right;
    case 'rsh':
      return left >> right;
    case 'arsh':
      return BigInt.asIntN(64, left) >> right;
    default:
      return -left;
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
  const smin32 = a.smin32 + b.smin32;
  const smax32 = a.smax32 + b.smax32;
  setSigned32(a, smin32, smax32);
  const umin32 = a.umin32 + b.umin32;
  const umax32 = a.umax32 + b.umax32;
  setUnsigned32(a, umin32, umax32);
  a.bits = addTnum(a.bits, b.bits);
}

function add64(a: Scalar, b: Scalar): void {
  setSigned64(a, a.smin + b.smin, a.smax + b.smax);
  setUnsigned64(a, a.umin + b.umin, a.umax + b.umax);
}

/** Both ends or neither may leave the range: then the wrapped range is still one range. */
function setUnsigned64(a: Scalar, min: bigint, max: bigint): void {
  const wrapped = min < 0n || min > u64Max;
  if (wrapped === (max < 0n || max > u64Max)) {
    a.umin = BigInt.asUintN(64, min);
    a.umax = BigInt.asUintN(64, max);
  } else {
    a.umin = 0n;
    a.umax = u64Max;
  }
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

function setSigned64(a: Scalar, min: bigint, max: bigint): void {
  const fits = min >= s64Min && max <= s64Max;
  a.smin = fits ? min : s64Min;
  a.smax = fits ? max : s64Max;
}

function setSigned32(a: Scalar, min: number, max: number): void {
  const fits = min >= s32Min && max <= s32Max;
  a.smin32 = fits ? min : s32Min;
  a.smax32 = fits ? max : s32Max;
}

function sub(a: Scalar, b: Scalar): void {
  setSigned64(a, a.smin - b.smax, a.smax - b.smin);
  setUnsigned64(a, a.umin - b.umax, a.umax - b.umin);
  setSigned32(a, a.smin32 - b.smax32, a.smax32 - b.smin32);
  setUnsigned32(a, a.umin32 - b.umax32, a.umax32 - b.umin32);
  a.bits = subTnum(a.bits, b.bits);
}

function negate(a: Scalar): void {
  const from = constant(0n).draft();
  sub(from, a);
  a.bits = from.bits;
  a.umin = from.umin;
  a.umax = from.umax;
  a.smin = from.smin;
  a.smax = from.smax;
  a.umin32 = from.umin32;
  a.umax32 = from.umax32;
  a.smin32 = from.smin32;
  a.smax32 = from.smax32;
}

function multiply(a: Scalar, b: Scalar): void {
  const signed = [a.smin * b.smin, a.smin * b.smax, a.smax * b.smin, a.smax * b.smax];
  const least = signed.reduce((x, y) => (y < x ? y : x));
  const most = signed.reduce((x, y) => (y > x ? y : x));
  setSigned64(a, least, most);
  const umax = a.umax * b.umax;
  a.umin = umax > u64Max ? 0n : a.umin * b.umin;
  a.umax = umax > u64Max ? u64Max : umax;
  // Products of two 32-bit numbers are exact enough here: only whether they fit 32 bits matters.
  const signed32 = [a.smin32 * b.smin32, a.smin32 * b.smax32, a.smax32 * b.smin32, a.smax32 * b.smax32];
  const umax32 = a.umax32 * b.umax32;
  a.umin32 = umax32 > u32Max ? 0 : a.umin32 * b.umin32;
  a.umax32 = umax32 > u32Max ? u32Max : umax32;
  setSigned32(a, Math.min(...signed32), Math.max(...signed32));
  a.bits = mulTnum(a.bits, b.bits);
}

function bitwise(op: 'and' | 'or' | 'xor', a: Scalar, b: Scalar): void {
  const bits = op === 'and' ? andTnum(a.bits, b.bits) : op === 'or' ? orTnum(a.bits, b.bits) : xorTnum(a.bits, b.bits);
  const low = Number(bits.value & 0xffff_ffffn);
  const lowMost = Number((bits.value | bits.mask) & 0xffff_ffffn);
  const most = bits.value | bits.mask;
  if (op === 'and') {
    a.umin = bits.value;
    if (b.umax < a.umax) a.umax = b.umax;
    a.umin32 = low;
    a.umax32 = Math.min(a.umax32, b.umax32);
  } else if (op === 'or') {
    if (b.umin > a.umin) a.umin = b.umin;
    a.umax = most;
    a.umin32 = Math.max(a.umin32, b.umin32);
    a.umax32 = lowMost;
  } else {
    a.umin = bits.value;
    a.umax = most;
    a.umin32 = low;
    a.umax32 = lowMost;
  }
  const crosses = BigInt.asIntN(64, a.umin) > BigInt.asIntN(64, a.umax);
  a.smin = crosses ? s64Min : BigInt.asIntN(64, a.umin);
  a.smax = crosses ? s64Max : BigInt.asIntN(64, a.umax);
  const crosses32 = (a.umin32 | 0) > (a.umax32 | 0);
  a.smin32 = crosses32 ? s32Min : a.umin32 | 0;
  a.smax32 = crosses32 ? s32Max : a.umax32 | 0;
  a.bits = bits;
}

function shiftLeft(a: Scalar, shift: number, width: 32 | 64): void {
  const by = BigInt(shift);
  const { smin32, smax32, umin32, umax32 } = a;
  a.smin32 = s32Min;
  a.smax32 = s32Max;
  const fits = shift <= 31 && umax32 <= 2 ** (31 - shift);
  a.umin32 = fits ? umin32 * 2 ** shift : 0;
  a.umax32 = fits ? umax32 * 2 ** shift : u32Max;
  if (width === 32) {
    a.bits = leftShift(lowTnum(a.bits), shift);
    return;
  }
  a.smin = shift === 32 ? BigInt(smin32) << 32n : s64Min;
  a.smax = shift === 32 ? BigInt(smax32) << 32n : s64Max;
  const fits64 = a.umax <= 1n << (63n - by);
  a.umin = fits64 ? a.umin << by : 0n;
  a.umax = fits64 ? a.umax << by : u64Max;
  a.bits = leftShift(a.bits, shift);
}

function shiftRight(a: Scalar, shift: number, width: 32 | 64): void {
  if (width === 32) {
    a.smin32 = s32Min;
    a.smax32 = s32Max;
    a.umin32 >>>= shift;
    a.umax32 >>>= shift;
    a.bits = rightShift(lowTnum(a.bits), shift);
    a.unbound64();
    return;
  }
  const by = BigInt(shift);
  a.smin = s64Min;
  a.smax = s64Max;
  a.umin >>= by;
  a.umax >>= by;
  a.bits = rightShift(a.bits, shift);
  a.unbound32();
}

function shiftArithmetic(a: Scalar, shift: number, width: 32 | 64): void {
  if (width === 32) {
    a.smin32 >>= shift;
    a.smax32 >>= shift;
    a.umin32 = 0;
    a.umax32 = u32Max;
    a.bits = arithmeticShift(lowTnum(a.bits), shift, 32);
    a.unbound64();
    return;
  }
  const by = BigInt(shift);
  a.smin >>= by;
  a.smax >>= by;
  a.umin = 0n;
  a.umax = u64Max;
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
    result.bits = addTnum(offset.bits, by.bits);
  } else {
    setSigned64(result, offset.smin - by.smax, offset.smax - by.smin);
    setUnsigned64(result, offset.umin - by.umax, offset.umax - by.umin);
    result.bits = subTnum(offset.bits, by.bits);
  }
  return result.settle();
}

/** The low `bytes` of a number, zero-extended (coerce_reg_to_size). */
export function truncate(scalar: Scalar, bytes: number): Scalar {
  if (bytes >= 8) return scalar;
  const bits = BigInt(bytes * 8);
  const keep = (1n << bits) - 1n;
  const result = scalar.draft();
  const sameHigh = (scalar.umin & ~keep) === (scalar.umax & ~keep);
  result.bits = { value: scalar.bits.value & keep, mask: scalar.bits.mask & keep };
  result.umin = sameHigh ? scalar.umin & keep : 0n;
  result.umax = sameHigh ? scalar.umax & keep : keep;
  result.smin = result.umin;
  result.smax = result.umax;
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
