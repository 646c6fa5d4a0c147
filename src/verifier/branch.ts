import { type Scalar, s32Max, s32Min, u32Max } from './scalar.ts';
import { borrowOf, carryOf, isBelow, isLess } from './words.ts';

/**
 * What a comparison says: whether it can only go one way, and what each way teaches about both sides
 * (kernel/bpf/verifier.c: is_scalar_branch_taken, regs_refine_cond_op).
 */
export type Comparison = 'eq' | 'ne' | 'set' | 'notset' | 'gt' | 'ge' | 'lt' | 'le' | 'sgt' | 'sge' | 'slt' | 'sle';

/** By the operation bits of a jump's opcode. */
export const comparisons: Readonly<Record<number, Comparison>> = {
  16: 'eq',
  32: 'gt',
  48: 'ge',
  64: 'set',
  80: 'ne',
  96: 'sgt',
  112: 'sge',
  160: 'lt',
  176: 'le',
  192: 'slt',
  208: 'sle',
};

const opposites: Readonly<Record<Comparison, Comparison>> = {
  eq: 'ne',
  ne: 'eq',
  set: 'notset',
  notset: 'set',
  gt: 'le',
  ge: 'lt',
  lt: 'ge',
  le: 'gt',
  sgt: 'sle',
  sge: 'slt',
  slt: 'sge',
  sle: 'sgt',
};

export function opposite(comparison: Comparison): Comparison {
  return opposites[comparison];
}

const mirrors: Partial<Record<Comparison, Comparison>> = {
  gt: 'lt',
  ge: 'le',
  lt: 'gt',
  le: 'ge',
  sgt: 'slt',
  sge: 'sle',
  slt: 'sgt',
  sle: 'sge',
};

/** The same comparison with its sides exchanged. */
function mirrored(comparison: Comparison): Comparison {
  return mirrors[comparison] ?? comparison;
}

/** Whether `a` compares so to `b` always (true), never (false), or may do either (undefined). */
export function decide(comparison: Comparison, a: Scalar, b: Scalar, width: 32 | 64): boolean | undefined {
  switch (comparison) {
    case 'eq':
      return decideEqual(a, b, width);
    case 'ne':
      return negated(decideEqual(a, b, width));
    case 'set':
      return decideSet(a, b, width);
    case 'notset':
      return negated(decideSet(a, b, width));
    case 'gt':
      return width === 32
        ? ordered(a.umin32 > b.umax32, a.umax32 <= b.umin32)
        : ordered(
            isBelow(b.umaxHigh, b.umaxLow, a.uminHigh, a.uminLow),
            !isBelow(b.uminHigh, b.uminLow, a.umaxHigh, a.umaxLow),
          );
    case 'sgt':
      return width === 32
        ? ordered(a.smin32 > b.smax32, a.smax32 <= b.smin32)
        : ordered(
            isLess(b.smaxHigh, b.smaxLow, a.sminHigh, a.sminLow),
            !isLess(b.sminHigh, b.sminLow, a.smaxHigh, a.smaxLow),
          );
    case 'ge':
      return width === 32
        ? ordered(a.umin32 >= b.umax32, a.umax32 < b.umin32)
        : ordered(
            !isBelow(a.uminHigh, a.uminLow, b.umaxHigh, b.umaxLow),
            isBelow(a.umaxHigh, a.umaxLow, b.uminHigh, b.uminLow),
          );
    case 'sge':
      return width === 32
        ? ordered(a.smin32 >= b.smax32, a.smax32 < b.smin32)
        : ordered(
            !isLess(a.sminHigh, a.sminLow, b.smaxHigh, b.smaxLow),
            isLess(a.smaxHigh, a.smaxLow, b.sminHigh, b.sminLow),
          );
    default:
      return decide(mirrored(comparison), b, a, width);
  }
}

function negated(decided: boolean | undefined): boolean | undefined {
  return decided === undefined ? undefined : !decided;
}

function ordered(always: boolean, never: boolean): boolean | undefined {
  return always ? true : never ? false : undefined;
}

function decideEqual(a: Scalar, b: Scalar, width: 32 | 64): boolean | undefined {
  const isWide = width === 64;
  const differing =
    ((a.valueLow ^ b.valueLow) & ~a.maskLow & ~b.maskLow) |
    (isWide ? (a.valueHigh ^ b.valueHigh) & ~a.maskHigh & ~b.maskHigh : 0);
  // A bit that both know and that differs.
  if (differing !== 0) return false;
  if ((a.maskLow | b.maskLow | (isWide ? a.maskHigh | b.maskHigh : 0)) === 0) return true;
  if (isWide && isApart64(a, b)) return false;
  if (a.umin32 > b.umax32 || a.umax32 < b.umin32 || a.smin32 > b.smax32 || a.smax32 < b.smin32) return false;
  return undefined;
}

function isApart64(a: Scalar, b: Scalar): boolean {
  return (
    isBelow(b.umaxHigh, b.umaxLow, a.uminHigh, a.uminLow) ||
    isBelow(a.umaxHigh, a.umaxLow, b.uminHigh, b.uminLow) ||
    isLess(b.smaxHigh, b.smaxLow, a.sminHigh, a.sminLow) ||
    isLess(a.smaxHigh, a.smaxLow, b.sminHigh, b.sminLow)
  );
}

function decideSet(left: Scalar, right: Scalar, width: 32 | 64): boolean | undefined {
  const isKnown = width === 32 ? right.isConst32 : right.isConst;
  const a = isKnown ? left : right;
  const b = isKnown ? right : left;
  const high = width === 32 ? 0 : -1;
  if ((b.maskLow | (b.maskHigh & high)) !== 0) return undefined;
  const { valueLow } = b;
  const valueHigh = b.valueHigh & high;
  if (((a.valueLow & valueLow) | (a.valueHigh & valueHigh)) !== 0) return true;
  if (((a.maskLow & valueLow) | (a.maskHigh & valueHigh)) === 0) return false;
  return undefined;
}

/** Narrows both drafts to where `a` compares so to `b`, and settles them. */
export function refine(comparison: Comparison, a: Scalar, b: Scalar, width: 32 | 64): void {
  narrow(comparison, a, b, width);
  a.settle();
  b.settle();
}

function narrow(comparison: Comparison, a: Scalar, b: Scalar, width: 32 | 64): void {
  switch (comparison) {
    case 'eq':
      narrowEqual(a, b, width);
      break;
    case 'ne':
      narrowUnequal(a, b, width);
      break;
    case 'set':
    case 'notset':
      narrowSet(comparison, a, b, width);
      break;
    case 'le':
      narrowBelow(a, b, width, 0);
      break;
    case 'lt':
      narrowBelow(a, b, width, 1);
      break;
    case 'sle':
      narrowSignedBelow(a, b, width, 0);
      break;
    case 'slt':
      narrowSignedBelow(a, b, width, 1);
      break;
    default:
      narrow(mirrored(comparison), b, a, width);
  }
}

function narrowEqual(a: Scalar, b: Scalar, width: 32 | 64): void {
  a.umin32 = b.umin32 = Math.max(a.umin32, b.umin32);
  a.umax32 = b.umax32 = Math.min(a.umax32, b.umax32);
  a.smin32 = b.smin32 = Math.max(a.smin32, b.smin32);
  a.smax32 = b.smax32 = Math.min(a.smax32, b.smax32);
  const maskLow = a.maskLow & b.maskLow;
  a.valueLow = b.valueLow = (a.valueLow | b.valueLow) & ~maskLow;
  a.maskLow = b.maskLow = maskLow;
  if (width === 32) return;
  const maskHigh = a.maskHigh & b.maskHigh;
  a.valueHigh = b.valueHigh = (a.valueHigh | b.valueHigh) & ~maskHigh;
  a.maskHigh = b.maskHigh = maskHigh;
  const { uminHigh, uminLow, umaxHigh, umaxLow } = a;
  const { sminHigh, sminLow, smaxHigh, smaxLow } = a;
  a.narrowUnsigned64(b.uminHigh, b.uminLow, b.umaxHigh, b.umaxLow);
  b.narrowUnsigned64(uminHigh, uminLow, umaxHigh, umaxLow);
  a.narrowSigned64(b.sminHigh, b.sminLow, b.smaxHigh, b.smaxLow);
  b.narrowSigned64(sminHigh, sminLow, smaxHigh, smaxLow);
}

/** One value at an end of a range can be taken off. */
function narrowUnequal(left: Scalar, right: Scalar, width: 32 | 64): void {
  const isKnown = width === 32 ? right.isConst32 : right.isConst;
  const a = isKnown ? left : right;
  const b = isKnown ? right : left;
  const { valueHigh: high, valueLow: low } = b;
  if (width === 32) {
    if (!b.isConst32) return;
    if (a.uminWord === low) a.uminWord = (low + 1) | 0;
    if (a.umaxWord === low) a.umaxWord = (low - 1) | 0;
    if (a.smin32 === low) a.smin32 = (low + 1) | 0;
    if (a.smax32 === low) a.smax32 = (low - 1) | 0;
    return;
  }
  if (!b.isConst) return;
  const [nextHigh, nextLow] = [(high + carryOf(low, 1)) | 0, (low + 1) | 0];
  const [lastHigh, lastLow] = [(high - borrowOf(low, 1)) | 0, (low - 1) | 0];
  if (a.uminHigh === high && a.uminLow === low) [a.uminHigh, a.uminLow] = [nextHigh, nextLow];
  if (a.umaxHigh === high && a.umaxLow === low) [a.umaxHigh, a.umaxLow] = [lastHigh, lastLow];
  if (a.sminHigh === high && a.sminLow === low) [a.sminHigh, a.sminLow] = [nextHigh, nextLow];
  if (a.smaxHigh === high && a.smaxLow === low) [a.smaxHigh, a.smaxLow] = [lastHigh, lastLow];
}

function narrowSet(comparison: 'set' | 'notset', left: Scalar, right: Scalar, width: 32 | 64): void {
  const isKnown = width === 32 ? right.isConst32 : right.isConst;
  const a = isKnown ? left : right;
  const b = isKnown ? right : left;
  if (!(width === 32 ? b.isConst32 : b.isConst)) return;
  // In 32 bits the high words stay as they are.
  const high = width === 32 ? 0 : b.valueHigh;
  const low = b.valueLow;
  if (comparison === 'set') {
    if (!(high === 0 ? isPower(low) : low === 0 && isPower(high))) return;
    a.valueHigh |= high;
    a.valueLow |= low;
  } else {
    // The kernel forgets the ranges here: on a way that is never taken they could contradict the bits.
    a.unbound();
    a.valueHigh &= ~high;
    a.valueLow &= ~low;
  }
  a.maskHigh &= ~high;
  a.maskLow &= ~low;
}

/** Whether one bit of a word is set. */
function isPower(word: number): boolean {
  return word !== 0 && (word & (word - 1)) === 0;
}

function narrowBelow(a: Scalar, b: Scalar, width: 32 | 64, strict: 0 | 1): void {
  if (width === 32) {
    // An impossible comparison leaves an empty range, which is never walked.
    a.umax32 = Math.min(a.umax32, (b.umax32 - strict) >>> 0);
    b.umin32 = Math.max(b.umin32, Math.min(a.umin32 + strict, u32Max));
    return;
  }
  const mostHigh = (b.umaxHigh - borrowOf(b.umaxLow, strict)) | 0;
  const leastHigh = (a.uminHigh + carryOf(a.uminLow, strict)) | 0;
  a.narrowUnsigned64(0, 0, mostHigh, (b.umaxLow - strict) | 0);
  b.narrowUnsigned64(leastHigh, (a.uminLow + strict) | 0, -1, -1);
}

function narrowSignedBelow(a: Scalar, b: Scalar, width: 32 | 64, strict: 0 | 1): void {
  if (width === 32) {
    a.smax32 = Math.min(a.smax32, (b.smax32 - strict) | 0);
    b.smin32 = Math.max(b.smin32, (a.smin32 + strict) | 0);
    return;
  }
  const mostHigh = (b.smaxHigh - borrowOf(b.smaxLow, strict)) | 0;
  const mostLow = (b.smaxLow - strict) | 0;
  const isHighest = a.sminHigh === s32Max && a.sminLow === -1;
  const leastHigh = isHighest ? a.sminHigh : (a.sminHigh + carryOf(a.sminLow, strict)) | 0;
  const leastLow = isHighest ? a.sminLow : (a.sminLow + strict) | 0;
  a.narrowSigned64(s32Min, 0, mostHigh, mostLow);
  b.narrowSigned64(leastHigh, leastLow, s32Max, -1);
}
