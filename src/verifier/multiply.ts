import { type Scalar, s32Max, s32Min, s64Max, s64Min, u32Max, u64Max } from './scalar.ts';
import { carryOf } from './words.ts';

/** What the product of two numbers may be (kernel/bpf/verifier.c: scalar_min_max_mul; kernel/bpf/tnum.c: tnum_mul). */
export function multiply(a: Scalar, b: Scalar): void {
  if (isLow(a) && isLow(b) && a.umaxNumber * b.umaxNumber < 2 ** 53 && a.smaxNumber * b.smaxNumber < 2 ** 53) {
    multiplyLow(a, b);
  } else multiply64(a, b);
  multiply32(a, b);
  multiplyBits(a, b);
}

/** Whether all bounds are below 2^32, and none is negative. */
function isLow(a: Scalar): boolean {
  return (a.uminHigh | a.umaxHigh | a.sminHigh | a.smaxHigh) === 0;
}

/** As numbers, which are exact below 2^53. */
function multiplyLow(a: Scalar, b: Scalar): void {
  const umin = (a.uminLow >>> 0) * (b.uminLow >>> 0);
  const umax = a.umaxNumber * b.umaxNumber;
  const smin = a.sminNumber * b.sminNumber;
  const smax = a.smaxNumber * b.smaxNumber;
  a.uminHigh = Math.floor(umin / 0x1_0000_0000);
  a.uminLow = umin | 0;
  a.umaxHigh = Math.floor(umax / 0x1_0000_0000);
  a.umaxLow = umax | 0;
  a.sminHigh = Math.floor(Math.min(smin, smax) / 0x1_0000_0000);
  a.sminLow = Math.min(smin, smax) | 0;
  a.smaxHigh = Math.floor(Math.max(smin, smax) / 0x1_0000_0000);
  a.smaxLow = Math.max(smin, smax) | 0;
}

/** What is far beyond 64 bits is so as a number too, with all its rounding. */
const farBeyond = 2 ** 65;

function multiply64(a: Scalar, b: Scalar): void {
  multiplyUnsigned(a, b);
  multiplySigned(a, b);
}

function multiplyUnsigned(a: Scalar, b: Scalar): void {
  const umax = a.umaxNumber * b.umaxNumber < farBeyond ? a.umax * b.umax : u64Max + 1n;
  if (umax > u64Max) a.unboundUnsigned();
  else {
    a.umin = a.umin * b.umin;
    a.umax = umax;
  }
}

function multiplySigned(a: Scalar, b: Scalar): void {
  const largest = Math.max(Math.abs(a.sminNumber), Math.abs(a.smaxNumber));
  if (largest * Math.max(Math.abs(b.sminNumber), Math.abs(b.smaxNumber)) >= farBeyond) {
    a.unboundSigned();
    return;
  }
  const { smin, smax } = a;
  const { smin: otherMin, smax: otherMax } = b;
  let least = smin * otherMin;
  let most = least;
  for (const product of [smin * otherMax, smax * otherMin, smax * otherMax]) {
    if (product < least) least = product;
    if (product > most) most = product;
  }
  const fits = least >= s64Min && most <= s64Max;
  a.smin = fits ? least : s64Min;
  a.smax = fits ? most : s64Max;
}

/** Products of two 32-bit numbers are exact enough here: only whether they fit 32 bits matters. */
function multiply32(a: Scalar, b: Scalar): void {
  const umax = a.umax32 * b.umax32;
  a.umin32 = umax > u32Max ? 0 : a.umin32 * b.umin32;
  a.umax32 = umax > u32Max ? u32Max : umax;
  const first = a.smin32 * b.smin32;
  const second = a.smin32 * b.smax32;
  const third = a.smax32 * b.smin32;
  const fourth = a.smax32 * b.smax32;
  const least = Math.min(first, second, third, fourth);
  const most = Math.max(first, second, third, fourth);
  const fits = least >= s32Min && most <= s32Max;
  a.smin32 = fits ? least | 0 : s32Min;
  a.smax32 = fits ? most | 0 : s32Max;
}

/** Long multiplication; where a bit of `a` is unknown the sum is either that with the row or that without. */
function multiplyBits(a: Scalar, b: Scalar): void {
  let { valueHigh: leftHigh, valueLow: leftLow, maskHigh: leftMaskHigh, maskLow: leftMaskLow } = a;
  let { valueHigh: rowHigh, valueLow: rowLow, maskHigh: rowMaskHigh, maskLow: rowMaskLow } = b;
  let high = 0;
  let low = 0;
  let maskHigh = 0;
  let maskLow = 0;
  while ((leftHigh | leftLow | leftMaskHigh | leftMaskLow) !== 0) {
    if (((leftLow | leftMaskLow) & 1) !== 0) {
      // The sum with the row, as tnum_add has it.
      const masksLow = (maskLow + rowMaskLow) | 0;
      const masksHigh = (maskHigh + rowMaskHigh + carryOf(maskLow, rowMaskLow)) | 0;
      const valuesLow = (low + rowLow) | 0;
      const valuesHigh = (high + rowHigh + carryOf(low, rowLow)) | 0;
      const allLow = (masksLow + valuesLow) | 0;
      const allHigh = (masksHigh + valuesHigh + carryOf(masksLow, valuesLow)) | 0;
      const sumMaskLow = (allLow ^ valuesLow) | maskLow | rowMaskLow;
      const sumMaskHigh = (allHigh ^ valuesHigh) | maskHigh | rowMaskHigh;
      const sumLow = valuesLow & ~sumMaskLow;
      const sumHigh = valuesHigh & ~sumMaskHigh;
      const isSure = (leftLow & 1) !== 0;
      maskLow = isSure ? sumMaskLow : maskLow | sumMaskLow | (low ^ sumLow);
      maskHigh = isSure ? sumMaskHigh : maskHigh | sumMaskHigh | (high ^ sumHigh);
      low = isSure ? sumLow : low & sumLow & ~maskLow;
      high = isSure ? sumHigh : high & sumHigh & ~maskHigh;
    }
    leftLow = (leftLow >>> 1) | (leftHigh << 31);
    leftHigh = (leftHigh >>> 1) | 0;
    leftMaskLow = (leftMaskLow >>> 1) | (leftMaskHigh << 31);
    leftMaskHigh = (leftMaskHigh >>> 1) | 0;
    rowHigh = (rowHigh << 1) | (rowLow >>> 31);
    rowLow <<= 1;
    rowMaskHigh = (rowMaskHigh << 1) | (rowMaskLow >>> 31);
    rowMaskLow <<= 1;
  }
  a.valueHigh = high;
  a.valueLow = low;
  a.maskHigh = maskHigh;
  a.maskLow = maskLow;
}
