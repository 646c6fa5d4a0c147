import { type OperatorReader, readBinary } from '../../base/index.ts';
import { Abandoned } from '../diagnostics.ts';
import { parseMethod } from '../dialect/tables.ts';
import { askedBy, positionOf, type Token } from '../preprocess/token.ts';
import { alignOf, type CType, isComplete, isScalar, pointerTo, quoted, sizeOf, types } from '../types/types.ts';
import type { BinaryOperator, ComparisonOperator, Expression } from './ast.ts';
import { isConstantPlace } from './const-places.ts';
import { checkNotConstant } from './constness.ts';
import type { Parsing } from './parsing.ts';
import { isUser, isWrong } from './typing.ts';

/**
 * Expressions (C11 6.5), each rule of the grammar a method: operators stand here, what they begin with in primaries.ts,
 * calls in calls.ts.
 */
const postfixes: ReadonlySet<string> = new Set(['[', '(', '.', '->', '++', '--']);
const sizing: ReadonlySet<string> = new Set(['sizeof', '_Alignof', '__alignof__', '__alignof']);
const assignments: ReadonlySet<string> = new Set(['+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '<<=', '>>=']);

export class ExpressionParser implements OperatorReader<Token, Expression> {
  readonly #p: Parsing;
  /** What is being read is the operand of `&`. */
  #pointedTo = false;

  constructor(parsing: Parsing) {
    this.#p = parsing;
  }

  /** expression = assignment (',' assignment)* */
  expression(): Expression {
    const p = this.#p;
    let left = this.assignment();
    while (p.is(',')) {
      const at = p.next();
      const right = p.typing.decay(this.assignment());
      left = { kind: 'comma', type: right.type, at, left, right };
    }
    return left;
  }

  /** assignment = conditional (('=' | '+=' | …) assignment)? */
  assignment(): Expression {
    const p = this.#p;
    p.deeper();
    let read = this.conditional();
    const at = p.token;
    if (p.accept('=')) read = this.#assign(read, this.assignment(), at);
    else if (at.kind === 'punctuator' && at.text.length > 1 && assignments.has(at.text)) {
      p.next();
      read = this.#update(read, at.text.slice(0, -1) as BinaryOperator, this.assignment(), at, false);
    }
    p.depth--;
    return read;
  }

  #assign(left: Expression, right: Expression, at: Token): Expression {
    const p = this.#p;
    if (isWrong(left)) return left;
    if (!this.#isPlace(left)) {
      p.diagnostics.error(at, 'expression is not assignable', { ranges: [p.spans.of(left)] });
      return left;
    }
    if (left.type.kind === 'array') {
      const beside = { hint: 'copy it with __builtin_memcpy', ranges: [p.spans.of(left)] };
      p.diagnostics.error(at, `array type ${quoted(left.type)} is not assignable`, beside);
      return left;
    }
    checkNotConstant(p, left, at);
    noteAssigned(left);
    return { kind: 'assign', type: left.type, at, left, right: p.typing.assign(right, left.type, at, 'assigning') };
  }

  #update(left: Expression, op: BinaryOperator, rightIn: Expression, at: Token, post: boolean): Expression {
    const p = this.#p;
    if (isWrong(left)) return left;
    const step = at.text === '++' ? 'increment' : at.text === '--' ? 'decrement' : undefined;
    if (!this.#isPlace(left)) {
      p.diagnostics.error(at, 'expression is not assignable', { ranges: [p.spans.of(left)] });
      return left;
    }
    const wide = left.type.kind === 'int' && left.type.size === 16;
    if (!isScalar(left.type) && !wide) {
      if (step) p.diagnostics.error(at, `cannot ${step} value of type ${quoted(left.type)}`);
      else p.typing.arithmetic(op, left, rightIn, at);
      return left;
    }
    checkNotConstant(p, left, at);
    noteAssigned(left);
    // The types are those of `left op right`.
    const whole = p.typing.arithmetic(op, left, rightIn, at);
    const right = whole.kind === 'binary' ? whole.right : p.typing.cast(rightIn, wide ? left.type : types.long);
    const operand = whole.type;
    return { kind: 'update', type: left.type, at, op, left, right, operand, post };
  }

  #isPlace(value: Expression): boolean {
    switch (value.kind) {
      case 'variable':
      case 'deref':
      case 'literal':
        return true;
      case 'member':
        return this.#isPlace(value.base) || value.base.type.kind === 'struct';
      default:
        return false;
    }
  }

  /** conditional = binary ('?' expression? ':' conditional)? */
  conditional(): Expression {
    const p = this.#p;
    const test = readBinary<Token, Expression>(this);
    if (!p.is('?')) return test;
    const at = p.next();
    const yes = p.is(':') ? undefined : this.expression();
    if (!p.is(':')) {
      const notes = [{ message: `to match this '?'`, at: positionOf(askedBy(at)) }];
      p.diagnostics.error(p.token, `expected ':'`, { notes });
      throw new Abandoned(at.text);
    }
    p.next();
    const no = p.nested(() => this.conditional());
    return p.typing.conditional(test, yes, no, at);
  }

  get next(): string {
    const { kind, text } = this.#p.token;
    return kind === 'punctuator' ? text : '';
  }

  takeOperator(): Token {
    return this.#p.next();
  }

  join(at: Token, left: Expression, right: Expression): Expression {
    const { typing } = this.#p;
    const op = at.text;
    if (op === '&&' || op === '||') return typing.logical(op, left, right, at);
    if (isComparison(op)) return typing.compare(op, left, right, at);
    return typing.arithmetic(op as BinaryOperator, left, right, at);
  }

  operand(): Expression {
    return this.#cast();
  }

  /** cast = '(' type-name ')' (cast | '{' … '}') | unary */
  #cast(): Expression {
    const p = this.#p;
    if (!p.is('(') || !p.declarations.startsType(p.peek())) return this.#unary();
    const at = p.next();
    const type = p.declarations.typeName();
    p.close(')', at);
    if (p.is('{')) return this.#postfix(this.#literal(type, at));
    const value = p.nested(() => this.#cast());
    return p.typing.cast(value, type, at);
  }

  /** A compound literal: an object without a name. */
  #literal(type: CType, at: Token): Expression {
    const p = this.#p;
    const { type: whole, initial } = p.initializers.initializer(type);
    const variable = p.variable('', whole, at);
    variable.initial = initial;
    variable.inMemory = true;
    if (p.current) p.checkStack(at, 'this', whole);
    return { kind: 'literal', type: whole, at, variable };
  }

  /** unary = ('++' | '--' | '&' | '*' | '+' | '-' | '~' | '!') cast | 'sizeof' … | postfix */
  #unary(): Expression {
    const p = this.#p;
    const at = p.token;
    if (at.kind === 'name') {
      if (sizing.has(at.text)) return this.#sizeof();
      if (at.text === '__extension__') {
        p.next();
        return this.#cast();
      }
      return this.#postfix(p.primaries.primary());
    }
    if (at.kind !== 'punctuator') return this.#postfix(p.primaries.primary());
    switch (at.text) {
      case '++':
      case '--': {
        p.next();
        const base = p.nested(() => this.#unary());
        return this.#update(base, at.text[0] as BinaryOperator, p.typing.number(at, 1n), at, false);
      }
      case '&':
        p.next();
        return this.#pointer(at);
      case '&&':
        return p.diagnostics.abandon(at, 'the address of a label is nothing that BPF can jump to');
      case '*':
        p.next();
        return this.deref(
          p.nested(() => this.#cast()),
          at,
        );
      case '+':
        p.next();
        return p.typing.promote(p.nested(() => this.#cast()));
      case '-':
      case '~':
        p.next();
        return p.typing.unary(
          at.text === '-' ? 'negate' : 'complement',
          p.nested(() => this.#cast()),
          at,
        );
      case '!':
        p.next();
        return p.typing.not(
          p.nested(() => this.#cast()),
          at,
        );
      default:
        return this.#postfix(p.primaries.primary());
    }
  }

  #pointer(at: Token): Expression {
    const outer = this.#pointedTo;
    this.#pointedTo = true;
    try {
      return this.addressOf(
        this.#p.nested(() => this.#cast()),
        at,
      );
    } finally {
      this.#pointedTo = outer;
    }
  }

  #sizeof(): Expression {
    const p = this.#p;
    const at = p.next();
    const { type, align } = this.#sized(at);
    if (type.kind === 'void' || type.kind === 'function') return p.typing.number(at, 1n, types.ulong);
    if (!isComplete(type)) {
      const message = `invalid application of '${at.text}' to an incomplete type ${quoted(type)}`;
      p.diagnostics.error(at, message);
    }
    const bytes = at.text === 'sizeof' ? sizeOf(type) : Math.max(align, alignOf(type));
    return p.typing.number(at, BigInt(bytes), types.ulong);
  }

  /** What `sizeof` is asked of: a type's name in brackets, or an expression, which may be aligned by itself. */
  #sized(at: Token): { readonly type: CType; readonly align: number } {
    const p = this.#p;
    const open = p.token;
    if (p.is('(') && p.declarations.startsType(p.peek())) {
      p.next();
      const type = p.declarations.typeName();
      p.close(')', open);
      return { type: p.is('{') ? this.#postfix(this.#literal(type, at)).type : type, align: 1 };
    }
    const value = p.nested(() => this.#unary());
    if (value.kind === 'member' && value.member.bits) {
      p.diagnostics.error(p.spans.first(value), `invalid application of '${at.text}' to bit-field`);
    }
    const own = value.kind === 'variable' ? value.variable.align : undefined;
    const align = own ?? (value.kind === 'member' ? value.member.align : undefined) ?? 1;
    return { type: value.type, align };
  }

  addressOf(value: Expression, at: Token): Expression {
    const p = this.#p;
    if (isWrong(value)) return value;
    const { kind, type: own, variable } = value as Extract<Expression, { kind: 'number' }>;
    const base: Expression =
      kind === 'number' && variable ? { kind: 'variable', type: own, at: value.at, variable } : value;
    if (base.kind === 'deref') return base.base;
    if (base.kind === 'function') return base;
    if (base.kind === 'table') return { kind: 'table', type: pointerTo(types.void), at, table: base.table };
    if (!this.#isPlace(base)) {
      const message = `cannot take the address of an rvalue of type ${quoted(base.type)}`;
      p.diagnostics.error(at, message, { ranges: [p.spans.of(base)] });
      return p.typing.number(at, 0n, pointerTo(base.type));
    }
    if (base.kind === 'member' && base.member.bits) {
      p.diagnostics.error(at, 'address of bit-field requested', { ranges: [p.spans.of(base)] });
      return p.typing.number(at, 0n, pointerTo(base.type));
    }
    this.#toMemory(base);
    const type = pointerTo(base.type, isUser(base), false, isConstantPlace(base));
    // &((struct x *)0)->member is a constant: offsetof.
    const constant = constantAddress(base);
    return constant === undefined ? { kind: 'address', type, at, base } : p.typing.number(at, constant, type);
  }

  #toMemory(base: Expression): void {
    if (base.kind === 'variable') base.variable.inMemory = true;
    else if (base.kind === 'member') this.#toMemory(base.base);
  }

  deref(value: Expression, at: Token): Expression {
    const p = this.#p;
    const base = p.typing.decay(value);
    if (base.kind === 'function' || isWrong(base)) return base;
    if (base.type.kind !== 'pointer') {
      const message = `indirection requires pointer operand (${quoted(base.type)} invalid)`;
      p.diagnostics.error(at, message, { ranges: [p.spans.of(base)] });
      return p.typing.wrong(at);
    }
    if (base.type.target.kind === 'void') {
      p.diagnostics.error(at, `a 'void *' says not what it points to`, 'cast it to a pointer to what is there');
      return p.typing.wrong(at);
    }
    return { kind: 'deref', type: base.type.target, at, base };
  }

  /** postfix = primary ('[' … ']' | '(' … ')' | '.' name | '->' name | '++' | '--')* */
  #postfix(start: Expression): Expression {
    const p = this.#p;
    let value = start;
    for (;;) {
      const at = p.token;
      if (at.kind !== 'punctuator' || !postfixes.has(at.text)) return value;
      p.next();
      value = this.#behind(value, at);
    }
  }

  #behind(value: Expression, at: Token): Expression {
    const p = this.#p;
    switch (at.text) {
      case '[':
        return p.members.subscript(value, at, this.#pointedTo);
      case '(':
        return p.calls.call(value, at);
      case '.':
        return value.kind === 'table' ? parseMethod(p, value.table, at) : p.members.dot(value, at);
      case '->':
        return p.members.arrow(value, at);
      default:
        return this.#update(value, at.text === '++' ? '+' : '-', p.typing.number(at, 1n), at, true);
    }
  }
}

/** The variable that a place is part of has no constant value; what a pointer leads to is another's. */
function noteAssigned(place: Expression): void {
  if (place.kind === 'variable') place.variable.assigned = true;
  else if (place.kind === 'member') noteAssigned(place.base);
  else if (place.kind === 'deref') {
    const array = place.base.kind === 'binary' ? place.base.left : place.base;
    if (array.kind === 'address') noteAssigned(array.base);
  }
}

function isComparison(op: string): op is ComparisonOperator {
  return op === '==' || op === '!=' || op === '<' || op === '<=' || op === '>' || op === '>=';
}

function constantAddress(base: Expression): bigint | undefined {
  if (base.kind === 'deref' && base.base.kind === 'number') return base.base.value;
  if (base.kind === 'deref' && base.base.kind === 'binary' && base.base.op === '+') {
    const { left, right } = base.base;
    const start =
      left.kind === 'address' ? constantAddress(left.base) : left.kind === 'number' ? left.value : undefined;
    return start !== undefined && right.kind === 'number' ? start + right.value * BigInt(sizeOf(base.type)) : undefined;
  }
  if (base.kind !== 'member') return undefined;
  const start = constantAddress(base.base);
  return start === undefined ? undefined : start + BigInt(base.member.offset);
}
