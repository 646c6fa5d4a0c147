import type { JumpOperation } from '../../isa/index.ts';
import type { Arithmetic, Block, Value } from '../ir/ir.ts';
import type { BinaryOperator, ComparisonOperator, Expression } from '../syntax/ast.ts';
import { type CType, isAggregate, sizeOf, types } from '../types/types.ts';
import { globalPlace } from './global-place.ts';
import type { Lowering } from './lowering.ts';
import { type Comparison, pointersCompared } from './pointers.ts';

/**
 * Expressions to values. A scalar is kept as its C type says: what is narrower than 32 bits is extended to them by its
 * sign. Structs are places; for 128-bit integers see lower-wide.ts.
 */
const plain: Readonly<Record<'+' | '-' | '*' | '&' | '|' | '^' | '<<', Arithmetic>> = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '&': 'and',
  '|': 'or',
  '^': 'xor',
  '<<': 'lsh',
};

/** A comparison's jump for unsigned and for signed operands. */
export const conditions: Readonly<
  Record<ComparisonOperator, readonly [unsigned: JumpOperation, signed: JumpOperation]>
> = {
  '==': ['eq', 'eq'],
  '!=': ['ne', 'ne'],
  '<': ['lt', 'slt'],
  '<=': ['le', 'sle'],
  '>': ['gt', 'sgt'],
  '>=': ['ge', 'sge'],
};

export function widthOf(type: CType): 32 | 64 {
  return sizeOf(type) === 8 ? 64 : 32;
}

export function isSigned(type: CType): boolean {
  return type.kind === 'int' && type.signed;
}

export function isWide(type: CType): boolean {
  return type.kind === 'int' && type.size === 16;
}

type Binary = Extract<Expression, { kind: 'binary' }>;
type Logical = Extract<Expression, { kind: 'logical' }>;

export class ExpressionLowering {
  readonly #l: Lowering;

  constructor(lowering: Lowering) {
    this.#l = lowering;
  }

  /** The value of a scalar expression; of a void one, some value that nobody reads. */
  value(e: Expression): Value {
    const { builder } = this.#l;
    const outer = builder.at;
    builder.at = e.at;
    const result = this.#value(e);
    builder.at = outer;
    return result;
  }

  #value(e: Expression): Value {
    const { builder, places, calls, tables, wide } = this.#l;
    switch (e.kind) {
      case 'number':
        return builder.constant(e.value, widthOf(e.type));
      case 'variable':
      case 'deref':
      case 'member':
      case 'literal':
        if (isAggregate(e.type)) return places.pointer(places.memoryPlace(e));
        return this.#addressInitial(e) ?? places.read(places.place(e), e.type);
      case 'string':
        return places.pointer(places.memoryPlace(e));
      case 'table':
        return builder.map(e.table);
      case 'address':
        return places.pointer(places.memoryPlace(e.base));
      case 'negate':
        return builder.binary('sub', builder.constant(0n, widthOf(e.type)), this.value(e.base));
      case 'complement':
        return builder.binary('xor', this.value(e.base), builder.constant(-1n, widthOf(e.type)));
      case 'binary':
        return this.#binary(e);
      case 'compare':
        if (isWide(e.left.type)) return wide.compare(e);
        return this.#compared(e);
      case 'not':
      case 'logical':
        return this.#truth(e);
      case 'assign':
        return this.#assign(e);
      case 'update':
        return this.#update(e);
      case 'conditional':
        return this.#conditional(e);
      case 'comma':
        this.effect(e.left);
        return this.value(e.right);
      case 'cast':
        return this.#cast(e);
      case 'call':
        return calls.call(e) ?? builder.constant(0n, 32);
      case 'helper':
        return calls.helperCall(e);
      case 'method':
        return tables.method(e);
      case 'builtin':
        return calls.builtin(e);
      case 'statements':
        return this.#l.statements.valueOf(e.body) ?? builder.constant(0n, widthOf(e.type));
      case 'function':
        return calls.address(e);
    }
  }

  /** A global pointer that nobody assigns to is the address that it begins with: the object's data holds none. */
  #addressInitial(e: Expression): Value | undefined {
    const place = e.type.kind === 'pointer' ? globalPlace(e) : undefined;
    const entry = place?.variable.initial?.entries.findLast((one) => one.offset === place.offset);
    if (entry?.type.kind !== 'pointer' || entry.value.kind === 'number') return undefined;
    return this.value(entry.value);
  }

  /** Evaluates for its effects alone. */
  effect(e: Expression): void {
    const { places, wide } = this.#l;
    if (e.type.kind === 'struct') {
      if (e.kind === 'assign') places.assignAggregate(places.memoryPlace(e.left), e.right);
      else if (e.kind !== 'variable') this.#l.aggregates.place(e);
    } else if (isWide(e.type) && e.kind !== 'call') wide.value(e);
    else this.value(e);
  }

  #binary(e: Binary): Value {
    const { builder } = this.#l;
    // A sum of thousands is a tree that leans to the left: no recursion there.
    const sums: Binary[] = [];
    let first: Expression = e;
    while (first.kind === 'binary') {
      sums.push(first);
      first = first.left;
    }
    let value = this.value(first);
    for (const sum of sums.reverse()) {
      builder.at = sum.at;
      value = this.#joined(sum, value, this.value(sum.right));
    }
    return value;
  }

  #joined({ op, left: { type: leftType }, type }: Binary, left: Value, right: Value): Value {
    const { builder } = this.#l;
    if (leftType.kind !== 'pointer') return this.arithmetic(op, left, right, type);
    const size = BigInt(Math.max(1, sizeOf(leftType.target)));
    const bytes = builder.binary('mul', right, builder.constant(size, 64));
    return builder.binary(op === '-' ? 'sub' : 'add', left, bytes);
  }

  /** `left op right` in a type that is int or wider. */
  arithmetic(op: BinaryOperator, left: Value, rightIn: Value, type: CType): Value {
    const { builder } = this.#l;
    const width = widthOf(type);
    const signed = isSigned(type);
    let right = rightIn;
    if (op === '<<' || op === '>>') {
      if (right.width !== width) right = width === 64 ? builder.zext(right) : builder.trunc(right);
      if (op === '>>') return builder.binary(signed ? 'arsh' : 'rsh', left, right);
    }
    if (op === '/' || op === '%') return this.#divide(op, left, right, signed);
    return builder.binary(plain[op as keyof typeof plain], left, right);
  }

  /** BPF divides unsigned until ISA v4: a signed division divides the absolute values and sets the sign. */
  #divide(op: '/' | '%', left: Value, right: Value, signed: boolean): Value {
    const { builder } = this.#l;
    const unsigned = op === '/' ? 'div' : 'mod';
    if (!signed) return builder.binary(unsigned, left, right);
    const { width } = left;
    const sign = (value: Value): Value => builder.binary('arsh', value, builder.constant(BigInt(width - 1), width));
    const magnitude = (value: Value, of: Value): Value => builder.binary('sub', builder.binary('xor', value, of), of);
    const leftSign = sign(left);
    const rightSign = sign(right);
    const quotient = builder.binary(unsigned, magnitude(left, leftSign), magnitude(right, rightSign));
    const resultSign = op === '/' ? builder.binary('xor', leftSign, rightSign) : leftSign;
    return magnitude(quotient, resultSign);
  }

  #compared(e: Comparison): Value {
    const { builder } = this.#l;
    const left = this.value(e.left);
    const right = this.value(e.right);
    const known = pointersCompared(e, left, right);
    if (known !== undefined) return builder.constant(known ? 1n : 0n, 32);
    return builder.compare(this.#condition(e), left, right);
  }

  #condition(e: Comparison): JumpOperation {
    return conditions[e.op][isSigned(e.left.type) ? 1 : 0];
  }

  /** A condition as 0 or 1. */
  #truth(e: Expression): Value {
    const { builder } = this.#l;
    if (e.kind === 'not' && e.base.kind !== 'logical' && !isWide(e.base.type)) {
      const value = this.value(e.base);
      return builder.compare('eq', value, builder.constant(0n, value.width));
    }
    const yes = builder.block();
    const no = builder.block();
    const join = builder.block();
    const result = {};
    this.branch(e, yes, no);
    for (const [block, value] of [
      [yes, 1n],
      [no, 0n],
    ] as const) {
      builder.seal(block);
      builder.current = block;
      builder.write(result, builder.constant(value, 32));
      builder.goto(join);
    }
    builder.seal(join);
    builder.current = join;
    return builder.read(result, 32);
  }

  /** Goes to one block or the other. */
  branch(e: Expression, yes: Block, no: Block): void {
    const { builder } = this.#l;
    builder.at = e.at;
    if (e.kind === 'not') {
      this.branch(e.base, no, yes);
      return;
    }
    if (e.kind === 'logical') {
      this.#branchOnAll(e, yes, no);
      return;
    }
    if (e.kind === 'compare' && !isWide(e.left.type)) {
      const left = this.value(e.left);
      const right = this.value(e.right);
      builder.at = e.at;
      const known = pointersCompared(e, left, right);
      if (known === undefined) builder.branch(this.#condition(e), left, right, left.width, yes, no);
      else builder.goto(known ? yes : no);
      return;
    }
    const value = isWide(e.type) ? this.#l.wide.truth(e) : this.value(e);
    builder.at = e.at;
    builder.branch('ne', value, builder.constant(0n, value.width), value.width, yes, no);
  }

  /** `a && b && c`, one behind the other: thousands of them are a tree that leans to the left. */
  #branchOnAll(e: Logical, yes: Block, no: Block): void {
    const { builder } = this.#l;
    const tests: { test: Expression; yes: Block; no: Block; next: Block }[] = [];
    let first: Expression = e;
    let [ifTrue, ifFalse] = [yes, no];
    while (first.kind === 'logical') {
      const next = builder.block();
      tests.push({ test: first.right, yes: ifTrue, no: ifFalse, next });
      if (first.op === '&&') ifTrue = next;
      else ifFalse = next;
      first = first.left;
    }
    this.branch(first, ifTrue, ifFalse);
    for (const one of tests.reverse()) {
      builder.seal(one.next);
      builder.current = one.next;
      this.branch(one.test, one.yes, one.no);
    }
  }

  #assign(e: Extract<Expression, { kind: 'assign' }>): Value {
    const { places } = this.#l;
    if (isAggregate(e.type)) {
      const place = places.memoryPlace(e.left);
      places.assignAggregate(place, e.right);
      return places.pointer(place);
    }
    const value = this.value(e.right);
    const place = places.place(e.left);
    places.write(place, e.type, value);
    // A bit-field's value is what fits it.
    return place.kind === 'memory' && place.bits ? places.read(place, e.type) : value;
  }

  #update(e: Extract<Expression, { kind: 'update' }>): Value {
    const { builder, places } = this.#l;
    const right = this.value(e.right);
    const place = places.place(e.left);
    const old = places.read(place, e.type);
    let result: Value;
    if (e.type.kind === 'pointer') {
      const size = BigInt(Math.max(1, sizeOf(e.type.target)));
      const bytes = builder.binary('mul', right, builder.constant(size, 64));
      result = builder.binary(e.op === '-' ? 'sub' : 'add', old, bytes);
    } else {
      const left = this.convert(old, e.type, e.operand);
      result = this.convert(this.arithmetic(e.op, left, right, e.operand), e.operand, e.type);
    }
    places.write(place, e.type, result);
    if (e.post) return old;
    // A bit-field's value is what fits it.
    return place.kind === 'memory' && place.bits ? places.read(place, e.type) : result;
  }

  #conditional(e: Extract<Expression, { kind: 'conditional' }>): Value {
    const { builder } = this.#l;
    const result = {};
    const width = widthOf(e.type);
    if (!e.yes) {
      const test = this.value(e.test);
      const value = this.convert(test, e.test.type, e.type);
      return this.choose(
        (yes, no) => builder.branch('ne', test, builder.constant(0n, test.width), test.width, yes, no),
        () => value,
        () => this.value(e.no),
        width,
        result,
      );
    }
    const { yes } = e;
    return this.choose(
      (a, b) => this.branch(e.test, a, b),
      () => this.value(yes),
      () => this.value(e.no),
      width,
      result,
    );
  }

  /** One of two values, by what `test` branches on. */
  choose(
    test: (yes: Block, no: Block) => void,
    yesValue: () => Value,
    noValue: () => Value,
    width: 32 | 64,
    result: object,
  ): Value {
    const { builder } = this.#l;
    const yes = builder.block();
    const no = builder.block();
    const join = builder.block();
    test(yes, no);
    for (const [block, value] of [
      [yes, yesValue],
      [no, noValue],
    ] as const) {
      builder.seal(block);
      builder.current = block;
      if (builder.dead) continue;
      builder.write(result, value());
      builder.goto(join);
    }
    builder.seal(join);
    builder.current = join;
    return builder.read(result, width);
  }

  #cast(e: Extract<Expression, { kind: 'cast' }>): Value {
    const { builder, wide } = this.#l;
    if (e.type.kind === 'void') {
      this.effect(e.base);
      return builder.constant(0n, 32);
    }
    if (isWide(e.base.type)) {
      if (e.type.kind === 'int' && e.type.bool)
        return builder.compare('ne', wide.truth(e.base), builder.constant(0n, 64));
      return this.convert(wide.value(e.base)[0], types.ulong, e.type);
    }
    return this.convert(this.value(e.base), e.base.type, e.type);
  }

  /** From one scalar type to another. */
  convert(value: Value, from: CType, to: CType): Value {
    const { builder } = this.#l;
    if (to.kind === 'int' && to.bool) {
      if (from.kind === 'int' && from.bool) return value;
      return builder.compare('ne', value, builder.constant(0n, value.width));
    }
    const target = sizeOf(to);
    if (target === 8) {
      if (value.width === 64) return value;
      return isSigned(from) ? builder.sext(value) : builder.zext(value);
    }
    const narrow = value.width === 64 ? builder.trunc(value) : value;
    const source = sizeOf(from);
    if (target >= 4) return narrow;
    if (source < target && (!isSigned(from) || isSigned(to))) return narrow;
    if (source === target && isSigned(from) === isSigned(to)) return narrow;
    return this.extend(narrow, to);
  }

  /** Makes the low bits of a 32-bit value the value of a narrow type. */
  extend(value: Value, type: CType): Value {
    const { builder } = this.#l;
    const size = sizeOf(type);
    if (size >= 4) return value;
    if (!isSigned(type)) return builder.binary('and', value, builder.constant((1n << BigInt(size * 8)) - 1n, 32));
    const shift = builder.constant(BigInt(32 - size * 8), 32);
    return builder.binary('arsh', builder.binary('lsh', value, shift), shift);
  }
}
