import type { Arithmetic, Block, Value } from '../ir/ir.ts';
import type { BinaryOperator, Expression } from '../syntax/ast.ts';
import { types } from '../types/types.ts';
import { conditions, isSigned, isWide } from './expressions.ts';
import type { Lowering } from './lowering.ts';

/** 128-bit integers: pairs of 64-bit values, the low half first. What clang does for them inline is done here. */
export type Wide = readonly [low: Value, high: Value];

const bitwise: Readonly<Partial<Record<BinaryOperator, Arithmetic>>> = { '&': 'and', '|': 'or', '^': 'xor' };

export class WideLowering {
  readonly #l: Lowering;

  constructor(lowering: Lowering) {
    this.#l = lowering;
  }

  /** The two halves of an expression's value; a narrower one is extended by its sign. */
  value(e: Expression): Wide {
    const { builder, places, expressions, diagnostics } = this.#l;
    const zero = builder.constant(0n, 64);
    if (!isWide(e.type)) {
      const low = expressions.convert(expressions.value(e), e.type, isSigned(e.type) ? types.long : types.ulong);
      return [low, isSigned(e.type) ? builder.binary('arsh', low, builder.constant(63n, 64)) : zero];
    }
    switch (e.kind) {
      case 'number':
        return [builder.constant(e.value, 64), builder.constant(e.value >> 64n, 64)];
      case 'variable':
      case 'member':
      case 'deref':
      case 'literal':
        return places.readWide(places.memoryPlace(e));
      case 'cast':
        return this.value(e.base);
      case 'assign': {
        const value = this.value(e.right);
        places.writeWide(places.memoryPlace(e.left), value);
        return value;
      }
      case 'comma':
        expressions.effect(e.left);
        return this.value(e.right);
      case 'complement': {
        const [low, high] = this.value(e.base);
        const ones = builder.constant(-1n, 64);
        return [builder.binary('xor', low, ones), builder.binary('xor', high, ones)];
      }
      case 'negate':
        return this.sum('-', [zero, zero], this.value(e.base));
      case 'conditional':
        return this.#conditional(e);
      case 'binary':
        return this.#binary(e);
      case 'update':
        return this.#update(e);
      default:
        diagnostics.error(e.at, `this is not done with 128-bit integers`, 'work on the two 64-bit halves');
        return [zero, zero];
    }
  }

  #conditional(e: Extract<Expression, { kind: 'conditional' }>): Wide {
    const { builder, expressions } = this.#l;
    const [low, high] = [{}, {}];
    const take = (value: Wide): Value => {
      builder.write(low, value[0]);
      builder.write(high, value[1]);
      return value[0];
    };
    const no = (): Value => take(this.value(e.no));
    const { yes } = e;
    if (yes) {
      const test = (a: Block, b: Block): void => expressions.branch(e.test, a, b);
      expressions.choose(test, () => take(this.value(yes)), no, 64, {});
    } else {
      const tested = this.value(e.test);
      const some = builder.binary('or', ...tested);
      const test = (a: Block, b: Block): void => builder.branch('ne', some, builder.constant(0n, 64), 64, a, b);
      expressions.choose(test, () => take(tested), no, 64, {});
    }
    return [builder.read(low, 64), builder.read(high, 64)];
  }

  #update(e: Extract<Expression, { kind: 'update' }>): Wide {
    const { places } = this.#l;
    const place = places.memoryPlace(e.left);
    const old = places.readWide(place);
    const value = this.#apply(e.op, old, e.right, e);
    places.writeWide(place, value);
    return e.post ? old : value;
  }

  #binary(e: Extract<Expression, { kind: 'binary' }>): Wide {
    const sums: (typeof e)[] = [];
    let first: Expression = e;
    // A sum of thousands leans to the left.
    for (; first.kind === 'binary' && isWide(first.type); first = first.left) sums.push(first);
    let value = this.value(first);
    for (const sum of sums.reverse()) value = this.#apply(sum.op, value, sum.right, sum);
    return value;
  }

  #apply(op: BinaryOperator, a: Wide, right: Expression, e: Expression): Wide {
    const { builder, diagnostics } = this.#l;
    if (op === '<<' || op === '>>') return this.#shift(op, a, right, isSigned(e.type));
    const b = this.value(right);
    const plain = bitwise[op];
    if (plain) return [builder.binary(plain, a[0], b[0]), builder.binary(plain, a[1], b[1])];
    if (op === '+' || op === '-') return this.sum(op, a, b);
    if (op === '*') {
      const [low, carried] = this.multiply(a[0], b[0]);
      const crossed = builder.binary('add', builder.binary('mul', a[0], b[1]), builder.binary('mul', a[1], b[0]));
      return [low, builder.binary('add', carried, crossed)];
    }
    diagnostics.error(e.at, 'BPF has no function that divides 128-bit integers', 'divide 64-bit ones');
    return a;
  }

  sum(op: '+' | '-', a: Wide, b: Wide): Wide {
    const { builder } = this.#l;
    if (op === '+') {
      const low = builder.binary('add', a[0], b[0]);
      const carry = builder.zext(builder.compare('lt', low, a[0]));
      return [low, builder.binary('add', builder.binary('add', a[1], b[1]), carry)];
    }
    const borrow = builder.zext(builder.compare('lt', a[0], b[0]));
    return [builder.binary('sub', a[0], b[0]), builder.binary('sub', builder.binary('sub', a[1], b[1]), borrow)];
  }

  /** All 128 bits of an unsigned product, from those of the 32-bit halves. */
  multiply(a: Value, b: Value): Wide {
    const { builder } = this.#l;
    const by = builder.constant(32n, 64);
    const mask = builder.constant(0xffffffffn, 64);
    const low = (value: Value): Value => builder.binary('and', value, mask);
    const high = (value: Value): Value => builder.binary('rsh', value, by);
    const [a0, a1, b0, b1] = [low(a), high(a), low(b), high(b)];
    const lowest = builder.binary('mul', a0, b0);
    const middle = builder.binary('add', builder.binary('mul', a1, b0), high(lowest));
    const other = builder.binary('add', builder.binary('mul', a0, b1), low(middle));
    const highest = builder.binary('add', builder.binary('mul', a1, b1), high(middle));
    return [builder.binary('mul', a, b), builder.binary('add', highest, high(other))];
  }

  #shift(op: '<<' | '>>', a: Wide, right: Expression, signed: boolean): Wide {
    const { builder, expressions } = this.#l;
    if (right.kind === 'number') return this.#shiftBy(op, a, right.value & 127n, signed);
    const given = expressions.value(right);
    const wide = given.width === 64 ? given : builder.zext(given);
    const by = builder.binary('and', wide, builder.constant(127n, 64));
    const [low, high] = [{}, {}];
    const write = (value: Wide): Value => {
      builder.write(low, value[0]);
      builder.write(high, value[1]);
      return value[0];
    };
    const zero = builder.constant(0n, 64);
    const edge = builder.constant(64n, 64);
    expressions.choose(
      (yes, no) => builder.branch('eq', by, zero, 64, yes, no),
      () => write(a),
      () =>
        expressions.choose(
          (yes, no) => builder.branch('ge', by, edge, 64, yes, no),
          () => write(this.#far(op, a, builder.binary('sub', by, edge), signed)),
          () => write(this.#near(op, a, by, builder.binary('sub', edge, by), signed)),
          64,
          {},
        ),
      64,
      {},
    );
    return [builder.read(low, 64), builder.read(high, 64)];
  }

  #shiftBy(op: '<<' | '>>', a: Wide, by: bigint, signed: boolean): Wide {
    const constant = (n: bigint): Value => this.#l.builder.constant(n, 64);
    if (by === 0n) return a;
    if (by >= 64n) return this.#far(op, a, constant(by - 64n), signed);
    return this.#near(op, a, constant(by), constant(64n - by), signed);
  }

  /** By 64 bits or more: `by` is what is above 64. */
  #far(op: '<<' | '>>', [low, high]: Wide, by: Value, signed: boolean): Wide {
    const { builder } = this.#l;
    if (op === '<<') return [builder.constant(0n, 64), builder.binary('lsh', low, by)];
    const filled = signed ? builder.binary('arsh', high, builder.constant(63n, 64)) : builder.constant(0n, 64);
    return [builder.binary(signed ? 'arsh' : 'rsh', high, by), filled];
  }

  /** By less than 64 bits, and not by none. @param back 64 less `by` */
  #near(op: '<<' | '>>', [low, high]: Wide, by: Value, back: Value, signed: boolean): Wide {
    const { builder } = this.#l;
    if (op === '<<') {
      const crossing = builder.binary('rsh', low, back);
      return [builder.binary('lsh', low, by), builder.binary('or', builder.binary('lsh', high, by), crossing)];
    }
    const crossing = builder.binary('lsh', high, back);
    const rest = builder.binary(signed ? 'arsh' : 'rsh', high, by);
    return [builder.binary('or', builder.binary('rsh', low, by), crossing), rest];
  }

  /** What is zero only when the whole is. */
  truth(e: Expression): Value {
    const [low, high] = this.value(e);
    return this.#l.builder.binary('or', low, high);
  }

  compare(e: Extract<Expression, { kind: 'compare' }>): Value {
    const { builder, expressions } = this.#l;
    const a = this.value(e.left);
    const b = this.value(e.right);
    const zero = builder.constant(0n, 64);
    const differ = builder.binary('or', builder.binary('xor', a[0], b[0]), builder.binary('xor', a[1], b[1]));
    if (e.op === '==' || e.op === '!=') return builder.compare(e.op === '==' ? 'eq' : 'ne', differ, zero);
    // The high halves decide unless they are equal.
    const high = builder.compare(conditions[e.op][isSigned(e.left.type) ? 1 : 0], a[1], b[1]);
    const low = builder.compare(conditions[e.op][0], a[0], b[0]);
    return expressions.choose(
      (yes, no) => builder.branch('eq', a[1], b[1], 64, yes, no),
      () => low,
      () => high,
      32,
      {},
    );
  }
}
