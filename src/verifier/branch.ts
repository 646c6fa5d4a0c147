import { type Scalar, s64Max, u32Max } from './scalar.ts';
import { andTnum, intersectTnum, lowTnum, orTnum, u64, withLow } from './tnum.ts';

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
export function mirrored(comparison: Comparison): Comparison {
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
        : ordered(a.umin > b.umax, a.umax <= b.umin);
    case 'sgt':
      return width === 32
        ? ordered(a.smin32 > b.smax32, a.smax32 <= b.smin32)
        : ordered(a.smin > b.smax, a.smax <= b.smin);
    case 'ge':
      return width === 32
        ? ordered(a.umin32 >= b.umax32, a.umax32 < b.umin32)
        : ordered(a.umin >= b.umax, a.umax < b.umin);
    case 'sge':
      return width === 32
        ? ordered(a.smin32 >= b.smax32, a.smax32 < b.smin32)
        : ordered(a.smin >= b.smax, a.smax < b.smin);
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
  const left = width === 32 ? lowTnum(a.bits) : a.bits;
  const right = width === 32 ? lowTnum(b.bits) : b.bits;
  if (left.mask === 0n && right.mask === 0n) return left.value === right.value;
  // A bit that both know and that differs.
  if (((left.value ^ right.value) & ~left.mask & ~right.mask) !== 0n) return false;
  if (width === 64 && (a.umin > b.umax || a.umax < b.umin || a.smin > b.smax || a.smax < b.smin)) return false;
  if (a.umin32 > b.umax32 || a.umax32 < b.umin32 || a.smin32 > b.smax32 || a.smax32 < b.smin32) return false;
  return undefined;
}

function decideSet(left: Scalar, right: Scalar, width: 32 | 64): boolean | undefined {
  const isKnown = width === 32 ? right.isConst32 : right.isConst;
  const a = (isKnown ? left : right).bits;
  const b = (isKnown ? right : left).bits;
  const mask = width === 32 ? lowTnum(b) : b;
  if (mask.mask !== 0n) return undefined;
  if ((a.value & mask.value) !== 0n) return true;
  if (((a.value | a.mask) & mask.value) === 0n) return false;
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
  if (width === 32) {
    const low = intersectTnum(lowTnum(a.bits), lowTnum(b.bits));
    a.bits = withLow(a.bits, low);
    b.bits = withLow(b.bits, low);
    return;
  }
  a.umin = b.umin = a.umin > b.umin ? a.umin : b.umin;
  a.umax = b.umax = a.umax < b.umax ? a.umax : b.umax;
  a.smin = b.smin = a.smin > b.smin ? a.smin : b.smin;
  a.smax = b.smax = a.smax < b.smax ? a.smax : b.smax;
  a.bits = b.bits = intersectTnum(a.bits, b.bits);
}

/** One value at an end of a range can be taken off. */
function narrowUnequal(left: Scalar, right: Scalar, width: 32 | 64): void {
  const isKnown = width === 32 ? right.isConst32 : right.isConst;
  const a = isKnown ? left : right;
  const b = isKnown ? right : left;
  if (width === 32) {
    if (!b.isConst32) return;
    const value = Number(b.value & 0xffff_ffffn);
    if (a.umin32 === value) a.umin32++;
    if (a.umax32 === value) a.umax32--;
    if (a.smin32 === (value | 0)) a.smin32++;
    if (a.smax32 === (value | 0)) a.smax32--;
    return;
  }
  if (!b.isConst) return;
  const { value } = b;
  const signed = BigInt.asIntN(64, value);
  if (a.umin === value) a.umin++;
  if (a.umax === value) a.umax--;
  if (a.smin === signed) a.smin++;
  if (a.smax === signed) a.smax--;
}

function narrowSet(comparison: 'set' | 'notset', left: Scalar, right: Scalar, width: 32 | 64): void {
  const isKnown = width === 32 ? right.isConst32 : right.isConst;
  const a = isKnown ? left : right;
  const b = isKnown ? right : left;
  const mask = width === 32 ? lowTnum(b.bits) : b.bits;
  if (mask.mask !== 0n) return;
  const known = { value: comparison === 'set' ? mask.value : u64(~mask.value), mask: 0n };
  if (comparison === 'set') {
    const isPower = mask.value !== 0n && (mask.value & (mask.value - 1n)) === 0n;
    if (!isPower) return;
    a.bits = width === 32 ? withLow(a.bits, orTnum(lowTnum(a.bits), known)) : orTnum(a.bits, known);
  } else {
    // The kernel forgets the ranges here: on a way that is never taken they could contradict the bits.
    a.unbound();
    a.bits = width === 32 ? withLow(a.bits, andTnum(lowTnum(a.bits), known)) : andTnum(a.bits, known);
  }
}

function narrowBelow(a: Scalar, b: Scalar, width: 32 | 64, strict: 0 | 1): void {
  if (width === 32) {
    // An impossible comparison leaves an empty range, which is never walked.
    a.umax32 = Math.min(a.umax32, (b.umax32 - strict) >>> 0);
    b.umin32 = Math.max(b.umin32, Math.min(a.umin32 + strict, u32Max));
    return;
  }
  const step = BigInt(strict);
  const most = u64(b.umax - step);
  const least = u64(a.umin + step);
  if (most < a.umax) a.umax = most;
  if (least > b.umin) b.umin = least;
}

function narrowSignedBelow(a: Scalar, b: Scalar, width: 32 | 64, strict: 0 | 1): void {
  if (width === 32) {
    a.smax32 = Math.min(a.smax32, (b.smax32 - strict) | 0);
    b.smin32 = Math.max(b.smin32, (a.smin32 + strict) | 0);
    return;
  }
  const step = BigInt(strict);
  const most = BigInt.asIntN(64, b.smax - step);
  const least = a.smin === s64Max ? a.smin : a.smin + step;
  if (most < a.smax) a.smax = most;
  if (least > b.smin) b.smin = least;
}
