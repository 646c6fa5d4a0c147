import type { JumpOperation } from '../../isa/index.ts';
import type { Arithmetic, Value } from './ir.ts';

/** Arithmetic on constants as BPF does it, and what can be said of a value's bits. */
export function unsignedOf(value: bigint, width: 32 | 64): bigint {
  // A width that V8 knows costs no call.
  return width === 64 ? BigInt.asUintN(64, value) : BigInt.asUintN(32, value);
}

export function signedOf(value: bigint, width: 32 | 64): bigint {
  return width === 64 ? BigInt.asIntN(64, value) : BigInt.asIntN(32, value);
}

export function foldArithmetic(op: Arithmetic, a: bigint, b: bigint, width: 32 | 64): bigint {
  const shift = b & BigInt(width - 1);
  switch (op) {
    case 'add':
      return unsignedOf(a + b, width);
    case 'sub':
      return unsignedOf(a - b, width);
    case 'mul':
      return unsignedOf(a * b, width);
    case 'div':
      return b === 0n ? 0n : a / b;
    case 'mod':
      return b === 0n ? a : a % b;
    case 'and':
      return a & b;
    case 'or':
      return a | b;
    case 'xor':
      return a ^ b;
    case 'lsh':
      return unsignedOf(a << shift, width);
    case 'rsh':
      return a >> shift;
    case 'arsh':
      return unsignedOf(signedOf(a, width) >> shift, width);
  }
}

export function foldCompare(condition: JumpOperation, a: bigint, b: bigint, width: 32 | 64): boolean {
  const x = signedOf(a, width);
  const y = signedOf(b, width);
  switch (condition) {
    case 'eq':
      return a === b;
    case 'ne':
      return a !== b;
    case 'gt':
      return a > b;
    case 'ge':
      return a >= b;
    case 'lt':
      return a < b;
    case 'le':
      return a <= b;
    case 'sgt':
      return x > y;
    case 'sge':
      return x >= y;
    case 'slt':
      return x < y;
    case 'sle':
      return x <= y;
    case 'set':
      return (a & b) !== 0n;
  }
}

/** Operations that are looked through for the bits of a value: a mask of masks of masks has very many ways. */
const mostLooked = 64;

/**
 * Bits that may be set in a value: an upper bound for its unsigned size. No more is said than the verifier knows too,
 * for a mask that changes nothing goes away.
 */
export function bitsOf(value: Value): number {
  const simple = simpleBits(value);
  return simple >= 0 ? simple : new BitCount().of(value);
}

/** Of what is known at once; else -1. */
function simpleBits(value: Value): number {
  switch (value.op) {
    case 'const':
      return bitLength(value.constant);
    case 'load':
      return value.size * 8;
    case 'compare':
      return 1;
    case 'swap':
      return value.imm;
    case 'zext':
    case 'trunc':
    case 'and':
    case 'rsh':
      return -1;
    default:
      return value.width;
  }
}

class BitCount {
  #looked = 0;

  of(value: Value): number {
    const simple = simpleBits(value);
    if (simple >= 0) return simple;
    if (++this.#looked > mostLooked) return value.width;
    const [a, b] = value.args as [Value, Value];
    if (value.op === 'and') return Math.min(this.of(a), this.of(b));
    if (value.op !== 'rsh') return Math.min(value.width, this.of(a));
    return b.op === 'const' ? Math.max(1, this.of(a) - Number(b.constant & 63n)) : value.width;
  }
}

export const commutative: ReadonlySet<string> = new Set(['add', 'mul', 'and', 'or', 'xor']);

export function isPowerOf2(value: bigint): boolean {
  return value > 0n && (value & (value - 1n)) === 0n;
}

export function log2(value: bigint): bigint {
  return BigInt(bitLength(value) - 1);
}

/** Bits of a number from its highest on; 1 for 0. */
function bitLength(value: bigint): number {
  const low = Number(BigInt.asUintN(32, value));
  const high = low === Number(value) ? 0 : Number(value >> 32n);
  return Math.max(1, high === 0 ? 32 - Math.clz32(low) : 64 - Math.clz32(high));
}
