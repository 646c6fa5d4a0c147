import { binaryValue } from '../../base/index.ts';
import type { Diagnostics } from '../diagnostics.ts';
import type { Token } from '../preprocess/token.ts';
import {
  type CType,
  type IntType,
  isLongLong,
  isScalar,
  type Member,
  pointerTo,
  printCType,
  quoted,
  type StructType,
  sameType,
  sizeOf,
  types,
} from '../types/types.ts';
import type { BinaryOperator, ComparisonOperator, Expression } from './ast.ts';
import { isConstantPlace } from './const-places.ts';
import { type Conversion, isConvertible, refusal, warnOfConversion } from './conversions.ts';
import type { Spans } from './spans.ts';

/**
 * What operators do to types (C11 6.3 and 6.5): promotion, the usual conversions, pointer arithmetic. Each function
 * gives a typed expression; constants are folded as they come.
 */
export class Typing {
  readonly #diagnostics: Diagnostics;

  readonly #spans: Spans;

  constructor(diagnostics: Diagnostics, spans: Spans) {
    this.#diagnostics = diagnostics;
    this.#spans = spans;
  }

  number(at: Token, value: bigint, type: CType = types.int): Expression {
    return { kind: 'number', type, at, value: wrap(value, type) };
  }

  /** What stands for something that was told to be wrong: nothing more is said of it. */
  wrong(at: Token): Expression {
    return { kind: 'number', type: types.wrong, at, value: 0n };
  }

  /** Where its value is wanted, an array becomes the address of its first element, and a function its own. */
  decay(value: Expression): Expression {
    const { type } = value;
    if (type.kind === 'array') {
      const pointer = pointerTo(type.element, isUser(value), false, isConstantPlace(value));
      return { kind: 'address', type: pointer, at: value.at, base: value };
    }
    return type.kind === 'function' && value.kind === 'function' ? { ...value, type: pointerTo(type) } : value;
  }

  /** Conversion to a type, explicit or not. */
  cast(value: Expression, type: CType, at = value.at): Expression {
    const from = this.decay(value);
    if (isWrong(from) || type === types.wrong) return isScalar(type) ? this.number(at, 0n, type) : this.wrong(at);
    if (type.kind === 'int' && isInteger(from.type)) return this.#toInteger(from, type, at);
    if (type.kind === 'void') return { kind: 'cast', type, at, base: from };
    if (from.kind === 'number' && isScalar(type)) return this.number(at, from.value, type);
    if (sameType(from.type, type) && from.type.kind !== 'pointer') return from;
    if (!isScalar(type)) {
      if (type.kind === 'struct' && from.type.kind === 'struct' && sizeOf(type) === sizeOf(from.type)) return from;
      const union = type.kind === 'struct' && type.union ? type : undefined;
      const member = union && unionMember(union, from.type);
      if (member) return asUnion(from, union, member, at);
      this.#needsScalar(at, `used type ${quoted(type)}`);
      return this.wrong(at);
    }
    if (from.type.kind === 'struct' || from.type.kind === 'void') {
      this.#needsScalar(this.#spans.first(from), `operand of type ${quoted(from.type)}`);
      return this.number(at, 0n, isScalar(type) ? type : types.int);
    }
    return { kind: 'cast', type, at, base: from };
  }

  /** An integer as another integer type. */
  #toInteger(from: Expression, type: IntType, at = from.at): Expression {
    if (from.kind === 'number') return this.number(at, from.value, type);
    // A bit-field of that type is promoted by its width; cast to the type, it is not.
    if (sameType(from.type, type) && !bitFieldOf(from)) return from;
    return { kind: 'cast', type, at, base: from };
  }

  #needsScalar(at: Token, what: string): void {
    this.#diagnostics.error(at, `${what} where arithmetic or pointer type is required`);
  }

  /** Conversion without a cast: what C lets pass and clang warns of is warned of. */
  assign(value: Expression, type: CType, at: Token, how: Conversion): Expression {
    const from = this.decay(value);
    if (isWrong(from) || type === types.wrong) return this.cast(from, type);
    if (!isConvertible(from, type)) {
      this.#diagnostics.error(at, refusal(from, type, how), { ranges: [this.#spans.of(value)] });
      return this.wrong(at);
    }
    warnOfConversion(this.#diagnostics, from, type, at, how, this.#spans);
    return this.cast(from, type, from.at);
  }

  /** Integer promotion: what is narrower than int becomes int. */
  promote(value: Expression): Expression {
    const from = this.decay(value);
    const { type } = from;
    if (type.kind !== 'int' || type === types.wrong) return from;
    // gcc and clang promote a bit-field by its width, whatever type it is declared with.
    const width = bitFieldOf(from)?.width ?? type.size * 8;
    if (type.size < 4 || width < 32) return this.#toInteger(from, types.int);
    if (width === 32 && type.size > 4) return this.#toInteger(from, type.signed ? types.int : types.uint);
    return from;
  }

  arithmetic(op: BinaryOperator, leftIn: Expression, rightIn: Expression, at: Token): Expression {
    const left = this.promote(leftIn);
    const right = this.promote(rightIn);
    if (isWrong(left) || isWrong(right)) return this.wrong(at);
    if (left.type.kind === 'pointer' || right.type.kind === 'pointer') return this.#pointers(op, left, right, at);
    if (!isInteger(left.type) || !isInteger(right.type)) return this.#bad(left, right, at);
    this.#warnOfConstants(op, left, right, at);
    if (op === '<<' || op === '>>') {
      return this.#folded(op, left, this.#toInteger(right, types.uint), left.type, at);
    }
    const type = commonType(left.type, right.type);
    return this.#folded(op, this.#toInteger(left, type), this.#toInteger(right, type), type, at);
  }

  /** A constant on the right that no operator of its kind takes. */
  #warnOfConstants(op: BinaryOperator, left: Expression, right: Expression, at: Token): void {
    // What is wrong already counts as 0.
    if (right.kind !== 'number' || this.#diagnostics.failed) return;
    const message = wrongConstant(op, left, right.value);
    if (message === undefined) return;
    const hint = op === '/' || op === '%' ? 'the verifier refuses a constant divisor of 0' : undefined;
    this.#diagnostics.warning(at, message, { hint, ranges: [this.#spans.of(left), this.#spans.of(right)] });
  }

  #pointers(op: BinaryOperator, left: Expression, right: Expression, at: Token): Expression {
    if (op === '+' && right.type.kind === 'pointer' && isInteger(left.type)) return this.#pointers(op, right, left, at);
    if ((op === '+' || op === '-') && left.type.kind === 'pointer' && isInteger(right.type)) {
      return { kind: 'binary', type: left.type, at, op, left, right: this.cast(right, types.long) };
    }
    if (op === '-' && left.type.kind === 'pointer' && right.type.kind === 'pointer') {
      const size = Math.max(1, sizeOf(left.type.target));
      const difference = this.arithmetic('-', this.cast(left, types.long), this.cast(right, types.long), at);
      return size === 1 ? difference : this.arithmetic('/', difference, this.number(at, BigInt(size), types.long), at);
    }
    return this.#bad(left, right, at);
  }

  #sides(left: Expression, right: Expression): string {
    return `(${quoted(left.type)} and ${quoted(right.type)})`;
  }

  #bad(left: Expression, right: Expression, at: Token): Expression {
    this.#diagnostics.error(at, `invalid operands to binary expression ${this.#sides(left, right)}`, {
      ranges: [this.#spans.of(left), this.#spans.of(right)],
    });
    return this.wrong(at);
  }

  compare(op: ComparisonOperator, leftIn: Expression, rightIn: Expression, at: Token): Expression {
    let left = this.promote(leftIn);
    let right = this.promote(rightIn);
    if (isWrong(left) || isWrong(right)) return this.wrong(at);
    if (left.type.kind === 'pointer' || right.type.kind === 'pointer') {
      const odd = [left, right].some(({ type }) => type.kind === 'struct' || type.kind === 'void');
      if (odd) return this.#bad(left, right, at);
      this.#warnOfPointers(left, right, at);
      left = this.cast(left, types.ulong);
      right = this.cast(right, types.ulong);
    } else {
      if (!isInteger(left.type) || !isInteger(right.type)) return this.#bad(left, right, at);
      const type = commonType(left.type, right.type);
      left = this.cast(left, type);
      right = this.cast(right, type);
    }
    if (left.kind === 'number' && right.kind === 'number') {
      return this.number(at, binaryValue(op, left.value, right.value));
    }
    return { kind: 'compare', type: types.int, at, op, left, right };
  }

  /** Pointers to different things, or a pointer and a number that is not 0. */
  #warnOfPointers(left: Expression, right: Expression, at: Token): void {
    const what = oddComparison(left, right);
    if (what === undefined) return;
    const ranges = [this.#spans.of(left), this.#spans.of(right)];
    this.#diagnostics.warning(at, `comparison ${what} ${this.#sides(left, right)}`, { ranges });
  }

  unary(kind: 'negate' | 'complement', value: Expression, at: Token): Expression {
    const base = this.promote(value);
    if (isWrong(base)) return base;
    if (!isInteger(base.type)) {
      return this.#badArgument(base, at);
    }
    if (base.kind === 'number') return this.number(at, kind === 'negate' ? -base.value : ~base.value, base.type);
    return { kind, type: base.type, at, base };
  }

  #badArgument(base: Expression, at: Token): Expression {
    const message = `invalid argument type ${quoted(base.type)} to unary expression`;
    this.#diagnostics.error(at, message, { ranges: [this.#spans.of(base)] });
    return this.wrong(at);
  }

  not(value: Expression, at: Token): Expression {
    const base = this.decay(value);
    if (!isTestable(base)) return this.#badArgument(base, at);
    if (base.kind === 'number') return this.number(at, base.value === 0n ? 1n : 0n);
    return { kind: 'not', type: types.int, at, base };
  }

  logical(op: '&&' | '||', left: Expression, right: Expression, at: Token): Expression {
    const a = this.decay(left);
    const b = this.decay(right);
    if (!isTestable(a) || !isTestable(b)) return this.#bad(a, b, at);
    if (a.kind === 'number') {
      if ((a.value !== 0n) === (op === '||')) return this.number(at, op === '||' ? 1n : 0n);
      if (b.kind === 'number') return this.number(at, b.value !== 0n ? 1n : 0n);
    }
    return { kind: 'logical', type: types.int, at, op, left: a, right: b };
  }

  /** A value that is compared with 0. @param at the `if` or loop that does it */
  condition(value: Expression, at: Token): Expression {
    const base = this.decay(value);
    if (isTestable(base)) return base;
    const message = `statement requires expression of scalar type (${quoted(base.type)} invalid)`;
    this.#diagnostics.error(at, message, { ranges: [this.#spans.of(value)] });
    return this.number(base.at, 0n);
  }

  conditional(test: Expression, yesIn: Expression | undefined, noIn: Expression, at: Token): Expression {
    const yes = this.decay(yesIn ?? test);
    const no = this.decay(noIn);
    const type = this.#eitherType(yes, no, at);
    const tested = this.decay(test);
    if (!isTestable(tested)) {
      this.#needsScalar(this.#spans.first(test), `used type ${quoted(test.type)}`);
      return no;
    }
    const convert = (value: Expression): Expression =>
      type.kind === 'void' || type.kind === 'struct' ? value : this.cast(value, type);
    if (tested.kind === 'number' && yesIn) return convert(tested.value !== 0n ? yes : no);
    return { kind: 'conditional', type, at, test: tested, yes: yesIn ? convert(yes) : undefined, no: convert(no) };
  }

  #eitherType(yes: Expression, no: Expression, at: Token): CType {
    const a = yes.type;
    const b = no.type;
    if (isWrong(yes) || isWrong(no)) return types.wrong;
    if (isInteger(a) && isInteger(b)) {
      return commonType(this.promote(yes).type as IntType, this.promote(no).type as IntType);
    }
    if (a.kind === 'pointer') return a.target.kind === 'void' && b.kind === 'pointer' ? b : a;
    if (b.kind === 'pointer') return b;
    if (a.kind === 'void' || b.kind === 'void') return types.void;
    if (sameType(a, b)) return a;
    const ranges = [this.#spans.of(yes), this.#spans.of(no)];
    this.#diagnostics.error(at, `incompatible operand types (${quoted(a)} and ${quoted(b)})`, { ranges });
    return types.wrong;
  }

  #folded(op: BinaryOperator, left: Expression, right: Expression, type: CType, at: Token): Expression {
    const known = left.kind === 'number' && right.kind === 'number';
    if (!known || ((op === '/' || op === '%') && right.value === 0n)) {
      return { kind: 'binary', type, at, op, left, right };
    }
    const folded = this.number(at, foldBinary(op, left.value, right.value, type), type);
    this.#spans.note(folded, this.#spans.first(left), undefined);
    return folded;
  }
}

/** GNU's cast to a union, of a value that one of its members holds. */
function unionMember(type: StructType, from: CType): Member | undefined {
  return type.body?.members.find((member) => !member.bits && sameType(member.type, from));
}

function asUnion(value: Expression, type: StructType, member: Member, at: Token): Expression {
  const entry = { offset: member.offset, type: member.type, bits: undefined, value };
  const initial = { end: sizeOf(type), entries: [entry] };
  const named = {
    name: '',
    type,
    at,
    inMemory: true,
    global: false,
    constant: false,
    used: true,
    assigned: true,
    align: 1,
  };
  return { kind: 'literal', type, at, variable: { ...named, initial } };
}

/** The bit-field whose value an expression has: what is assigned to one has its width, too. */
function bitFieldOf(e: Expression): Member['bits'] {
  if (e.kind === 'member') return e.member.bits;
  if (e.kind === 'comma') return bitFieldOf(e.right);
  return e.kind === 'assign' || e.kind === 'update' ? bitFieldOf(e.left) : undefined;
}

/** It stands for something that was told to be wrong. */
export function isWrong({ type }: Expression): boolean {
  return type === types.wrong;
}

/** What compares with 0. */
function isTestable({ type }: Expression): boolean {
  return isScalar(type) || isInteger(type);
}

/** What is wrong with a constant on the right, in clang's words. */
function wrongConstant(op: BinaryOperator, left: Expression, right: bigint): string | undefined {
  if (op === '/' || op === '%') {
    return right === 0n ? `${op === '/' ? 'division' : 'remainder'} by zero is undefined` : undefined;
  }
  if (op !== '<<' && op !== '>>') return undefined;
  if (right < 0n) return 'shift count is negative';
  return right >= sizeOf(left.type) * 8 ? 'shift count >= width of type' : undefined;
}

function oddComparison({ type: a, ...left }: Expression, { type: b, ...right }: Expression): string | undefined {
  const isNull = [left, right].some((one) => one.kind === 'number' && one.value === 0n);
  if (a.kind !== 'pointer' || b.kind !== 'pointer') return isNull ? undefined : 'between pointer and integer';
  const alike = [a, b].some(({ target }) => target.kind === 'void') || printCType(a) === printCType(b);
  return alike || sameType(a, b) ? undefined : 'of distinct pointer types';
}

export function isInteger(type: CType): type is IntType {
  return type.kind === 'int';
}

/** The type of both sides of an operator (C11 6.3.1.8), after promotion. */
function commonType(a: IntType, b: IntType): IntType {
  const size = Math.max(a.size, b.size, 4);
  const signed = (a.signed || a.size < size) && (b.signed || b.size < size);
  if (size === 16) return signed ? types.int128 : types.uint128;
  if (size === 8 && (isLongLong(a) || isLongLong(b))) return signed ? types.llong : types.ullong;
  if (size === 8) return signed ? types.long : types.ulong;
  return signed ? types.int : types.uint;
}

/** A constant as a value of that type. */
export function wrap(value: bigint, type: CType): bigint {
  if (type.kind === 'int') {
    if (type.bool) return value !== 0n ? 1n : 0n;
    if (type.size === 8) return type.signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
    // A width that V8 knows costs no call.
    if (type.size === 4) return type.signed ? BigInt.asIntN(32, value) : BigInt.asUintN(32, value);
    return type.signed ? BigInt.asIntN(type.size * 8, value) : BigInt.asUintN(type.size * 8, value);
  }
  return BigInt.asUintN(64, value);
}

function foldBinary(op: BinaryOperator, a: bigint, b: bigint, type: CType): bigint {
  const mask = BigInt(sizeOf(type) * 8 - 1);
  if (op === '<<') return a << (b & mask);
  return op === '>>' ? a >> (b & mask) : binaryValue(op, a, b);
}

/** Whether the memory of an lvalue is a process's. */
export function isUser(value: Expression): boolean {
  if (value.kind === 'member') return isUser(value.base);
  if (value.kind === 'deref') return value.base.type.kind === 'pointer' && value.base.type.user;
  return false;
}
