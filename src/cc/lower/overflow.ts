import type { Size } from '../../isa/index.ts';
import type { Value } from '../ir/ir.ts';
import type { Expression } from '../syntax/ast.ts';
import { type CType, type IntType, sizeOf, types } from '../types/types.ts';
import type { Lowering } from './lowering.ts';
import type { WideLowering } from './wide.ts';

/**
 * `__builtin_add_overflow` and its like: the exact sum, difference or product, cut to the type that the last argument
 * points to, and whether it fitted. Operands of up to 32 bits are exact in 64; wider ones take 128 bits, or sign and
 * magnitude for a product.
 */
export type OverflowOperation = 'add' | 'sub' | 'mul';

export class OverflowLowering {
  readonly #l: Lowering;
  readonly #wide: WideLowering;

  constructor(lowering: Lowering, wide: WideLowering) {
    this.#l = lowering;
    this.#wide = wide;
  }

  lower(op: OverflowOperation, [left, right, to]: readonly Expression[]): Value {
    const { builder, expressions } = this.#l;
    const [a, b] = [left, right].map((e) => this.#operand(e as Expression)) as [Value, Value];
    const signs = [left, right].map((e) => isSigned((e as Expression).type)) as [boolean, boolean];
    const pointer = expressions.value(to as Expression);
    const type = ((to as Expression).type as Extract<CType, { kind: 'pointer' }>).target as IntType;
    const widest = Math.max(...[left, right].map((e) => sizeOf((e as Expression).type)));
    const [result, overflowed] =
      op === 'mul' && widest === 8
        ? this.#product(a, b, signs, type)
        : widest < 8
          ? this.#narrow(op, a, b, signs, type)
          : this.#sum(op, a, b, signs, type);
    const size = sizeOf(type) as Size;
    builder.store(pointer, 0, size, size === 8 ? result : builder.trunc(result));
    return overflowed;
  }

  /** An operand as 64 bits. */
  #operand(e: Expression): Value {
    return this.#l.expressions.convert(
      this.#l.expressions.value(e),
      e.type,
      isSigned(e.type) ? types.long : types.ulong,
    );
  }

  /** Both operands have at most 32 bits, so that 64 hold the result. */
  #narrow(
    op: OverflowOperation,
    a: Value,
    b: Value,
    signs: readonly [boolean, boolean],
    type: IntType,
  ): [Value, Value] {
    const { builder } = this.#l;
    const result = builder.binary(op, a, b);
    const signed = signs[0] || signs[1] || op === 'sub';
    if (type.size === 8) {
      const beyond = signed !== type.signed && (signed || op === 'mul');
      return [result, beyond ? builder.compare('slt', result, builder.constant(0n, 64)) : builder.constant(0n, 32)];
    }
    const fitted = this.#cut(result, type);
    const cut = builder.compare('ne', fitted, result);
    // An unsigned product with its highest bit set is far beyond any narrow type, signed or not.
    return [result, cut];
  }

  /** A 64-bit value cut to a type and extended again. */
  #cut(value: Value, type: IntType): Value {
    const { builder } = this.#l;
    const by = builder.constant(BigInt(64 - type.size * 8), 64);
    return builder.binary(type.signed ? 'arsh' : 'rsh', builder.binary('lsh', value, by), by);
  }

  #sum(op: OverflowOperation, a: Value, b: Value, signs: readonly [boolean, boolean], type: IntType): [Value, Value] {
    const { builder } = this.#l;
    const zero = builder.constant(0n, 64);
    const high = (value: Value, signed: boolean): Value =>
      signed ? builder.binary('arsh', value, builder.constant(63n, 64)) : zero;
    const wide = this.#wide.sum(op === 'add' ? '+' : '-', [a, high(a, signs[0])], [b, high(b, signs[1])]);
    const low = type.size === 8 ? wide[0] : this.#cut(wide[0], type);
    const lowDiffers = builder.binary('xor', low, wide[0]);
    const highDiffers = builder.binary('xor', high(low, type.signed), wide[1]);
    return [wide[0], builder.compare('ne', builder.binary('or', lowDiffers, highDiffers), zero)];
  }

  #product(a: Value, b: Value, signs: readonly [boolean, boolean], type: IntType): [Value, Value] {
    const { builder } = this.#l;
    const constant = (value: bigint): Value => builder.constant(value, 64);
    const sign = (value: Value, signed: boolean): Value =>
      signed ? builder.binary('arsh', value, constant(63n)) : constant(0n);
    const magnitude = (value: Value, by: Value): Value => builder.binary('sub', builder.binary('xor', value, by), by);
    const [signA, signB] = [sign(a, signs[0]), sign(b, signs[1])];
    const negative = builder.binary('xor', signA, signB);
    const [low, high] = this.#wide.multiply(magnitude(a, signA), magnitude(b, signB));
    const bits = BigInt(type.size * 8);
    // The greatest magnitude that fits: one more below zero for signed types, none for others.
    const limit = type.signed
      ? builder.binary('sub', constant((1n << (bits - 1n)) - 1n), negative)
      : builder.binary('and', constant((1n << bits) - 1n), builder.binary('xor', negative, constant(-1n)));
    const beyond = builder.zext(builder.compare('gt', low, limit));
    const overflowed = builder.compare('ne', builder.binary('or', high, beyond), constant(0n));
    return [magnitude(low, negative), overflowed];
  }
}

function isSigned(type: CType): boolean {
  return type.kind === 'int' && type.signed;
}
