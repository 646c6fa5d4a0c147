import { helperByName, helperNames } from '../../uapi/index.ts';
import { didYouMean } from '../diagnostics.ts';
import { helperPrototype } from '../dialect/helper-prototypes.ts';
import { parseMethod } from '../dialect/tables.ts';
import { integerOf, quotedBytes } from '../preprocess/lexer.ts';
import type { Token } from '../preprocess/token.ts';
import { memberMacro } from '../types/supplement.ts';
import {
  alignOf,
  type CType,
  findMember,
  findMemberPath,
  isComplete,
  isScalar,
  memberNames,
  pointerTo,
  printCType,
  sizeOf,
  types,
} from '../types/types.ts';
import type { BinaryOperator, ComparisonOperator, Expression, FunctionObject } from './ast.ts';
import { isBuiltin, parseBuiltin } from './builtins.ts';
import type { Parsing } from './parsing.ts';
import { isUser } from './typing.ts';

/** Expressions (C11 6.5), each rule of the grammar a method. */
const levels: readonly Readonly<Record<string, 'logical' | 'compare' | 'arithmetic'>>[] = [
  { '||': 'logical' },
  { '&&': 'logical' },
  { '|': 'arithmetic' },
  { '^': 'arithmetic' },
  { '&': 'arithmetic' },
  { '==': 'compare', '!=': 'compare' },
  { '<': 'compare', '<=': 'compare', '>': 'compare', '>=': 'compare' },
  { '<<': 'arithmetic', '>>': 'arithmetic' },
  { '+': 'arithmetic', '-': 'arithmetic' },
  { '*': 'arithmetic', '/': 'arithmetic', '%': 'arithmetic' },
];
const assignments = new Set(['+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '<<=', '>>=']);

export class ExpressionParser {
  readonly #p: Parsing;

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
    return this.#p.nested(() => {
      const p = this.#p;
      const left = this.conditional();
      if (p.is('=')) {
        const at = p.next();
        return this.#assign(left, this.assignment(), at);
      }
      if (!assignments.has(p.token.text) || p.token.kind !== 'punctuator') return left;
      const at = p.next();
      return this.#update(left, at.text.slice(0, -1) as BinaryOperator, this.assignment(), at, false);
    });
  }

  #assign(left: Expression, right: Expression, at: Token): Expression {
    const p = this.#p;
    if (!this.#isPlace(left)) {
      p.diagnostics.error(at, 'this cannot be assigned to');
      return left;
    }
    if (left.type.kind === 'array') {
      p.diagnostics.error(at, 'an array cannot be assigned to', 'copy it with __builtin_memcpy');
      return left;
    }
    return { kind: 'assign', type: left.type, at, left, right: p.typing.cast(right, left.type, at) };
  }

  #update(left: Expression, op: BinaryOperator, rightIn: Expression, at: Token, post: boolean): Expression {
    const p = this.#p;
    if (this.#isPlace(left) && left.type.kind === 'int' && left.type.size === 16 && !post) {
      return this.#assign(left, p.typing.arithmetic(op, left, rightIn, at), at);
    }
    if (!this.#isPlace(left) || !isScalar(left.type)) {
      p.diagnostics.error(at, `'${op}=' cannot change this`);
      return left;
    }
    // The types are those of `left op right`.
    const whole = p.typing.arithmetic(op, left, rightIn, at);
    const right = whole.kind === 'binary' ? whole.right : p.typing.cast(rightIn, types.long);
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
    const test = this.#binary(0);
    if (!p.is('?')) return test;
    const at = p.next();
    const yes = p.is(':') ? undefined : this.expression();
    p.expect(':');
    const no = p.nested(() => this.conditional());
    return p.typing.conditional(test, yes, no, at);
  }

  #binary(level: number): Expression {
    const operators = levels[level];
    if (!operators) return this.#cast();
    const p = this.#p;
    let left = this.#binary(level + 1);
    for (;;) {
      const at = p.token;
      const kind = at.kind === 'punctuator' && Object.hasOwn(operators, at.text) ? operators[at.text] : undefined;
      if (!kind) return left;
      p.next();
      const right = this.#binary(level + 1);
      if (kind === 'logical') left = p.typing.logical(at.text as '&&' | '||', left, right, at);
      else if (kind === 'compare') left = p.typing.compare(at.text as ComparisonOperator, left, right, at);
      else left = p.typing.arithmetic(at.text as BinaryOperator, left, right, at);
    }
  }

  /** cast = '(' type-name ')' (cast | '{' … '}') | unary */
  #cast(): Expression {
    const p = this.#p;
    if (!p.is('(') || !p.declarations.startsType(p.peek())) return this.#unary();
    const at = p.next();
    const type = p.declarations.typeName();
    p.expect(')');
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
    return { kind: 'literal', type: whole, at, variable };
  }

  /** unary = ('++' | '--' | '&' | '*' | '+' | '-' | '~' | '!') cast | 'sizeof' … | postfix */
  #unary(): Expression {
    const p = this.#p;
    const at = p.token;
    if (at.kind === 'name') {
      if (at.text === 'sizeof' || at.text === '_Alignof' || at.text === '__alignof__') return this.#sizeof();
      if (at.text === '__extension__') {
        p.next();
        return this.#cast();
      }
      return this.#postfix(this.#primary());
    }
    if (at.kind !== 'punctuator') return this.#postfix(this.#primary());
    switch (at.text) {
      case '++':
      case '--': {
        p.next();
        const base = p.nested(() => this.#unary());
        return this.#update(base, at.text[0] as BinaryOperator, p.typing.number(at, 1n), at, false);
      }
      case '&':
        p.next();
        return this.addressOf(
          p.nested(() => this.#cast()),
          at,
        );
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
        return this.#postfix(this.#primary());
    }
  }

  #sizeof(): Expression {
    const p = this.#p;
    const at = p.next();
    let type: CType;
    if (p.is('(') && p.declarations.startsType(p.peek())) {
      p.next();
      type = p.declarations.typeName();
      p.expect(')');
      if (p.is('{')) type = this.#literal(type, at).type;
    } else type = p.nested(() => this.#unary()).type;
    if (type.kind === 'void' || type.kind === 'function') return p.typing.number(at, 1n, types.ulong);
    if (!isComplete(type)) p.diagnostics.error(at, `the size of '${printCType(type)}' is not known`);
    return p.typing.number(at, BigInt(at.text === 'sizeof' ? sizeOf(type) : alignOf(type)), types.ulong);
  }

  addressOf(base: Expression, at: Token): Expression {
    const p = this.#p;
    if (base.kind === 'deref') return base.base;
    if (base.kind === 'function') return base;
    if (base.kind === 'table') return { kind: 'table', type: pointerTo(types.void), at, table: base.table };
    if (!this.#isPlace(base)) {
      p.diagnostics.error(at, 'this has no address');
      return p.typing.number(at, 0n, pointerTo(base.type));
    }
    if (base.kind === 'member' && base.member.bits) {
      p.diagnostics.error(at, 'a bit-field has no address');
      return p.typing.number(at, 0n, pointerTo(base.type));
    }
    this.#toMemory(base);
    const type = pointerTo(base.type, isUser(base));
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
    if (base.kind === 'function') return base;
    if (base.type.kind !== 'pointer') {
      p.diagnostics.error(at, `'${printCType(base.type)}' is no pointer`);
      return p.typing.number(at, 0n);
    }
    if (base.type.target.kind === 'void') {
      p.diagnostics.error(at, `a 'void *' says not what it points to`, 'cast it to a pointer to what is there');
      return p.typing.number(at, 0n);
    }
    return { kind: 'deref', type: base.type.target, at, base };
  }

  /** postfix = primary ('[' … ']' | '(' … ')' | '.' name | '->' name | '++' | '--')* */
  #postfix(start: Expression): Expression {
    const p = this.#p;
    let value = start;
    for (;;) {
      const at = p.token;
      if (at.kind !== 'punctuator') return value;
      if (p.accept('[')) {
        const index = this.expression();
        p.expect(']');
        value = this.deref(p.typing.arithmetic('+', value, index, at), at);
      } else if (p.accept('(')) value = this.#call(value, at);
      else if (p.accept('.')) {
        value = value.kind === 'table' ? parseMethod(p, value.table, at) : this.memberOf(value);
      } else if (p.accept('->')) value = this.memberOf(this.deref(value, at));
      else if (p.accept('++')) value = this.#update(value, '+', p.typing.number(at, 1n), at, true);
      else if (p.accept('--')) value = this.#update(value, '-', p.typing.number(at, 1n), at, true);
      else return value;
    }
  }

  /** The member whose name stands here. */
  memberOf(base: Expression): Expression {
    const p = this.#p;
    const name = p.name('the name of a member');
    const { type } = base;
    if (type.kind !== 'struct') {
      p.diagnostics.error(name, `'${printCType(type)}' has no members`);
      return p.typing.number(name, 0n);
    }
    const macro = memberMacro(name.text);
    const member = findMember(type, name.text) ?? (macro && findMemberPath(type, macro));
    if (member) return { kind: 'member', type: member.type, at: name, base, member };
    const message = type.body
      ? `'${printCType(type)}' has no member '${name.text}'`
      : `'${printCType(type)}' is not defined, and kernel ${p.kernel.profile.name} does not know it`;
    p.diagnostics.error(name, message, type.body ? didYouMean(name.text, memberNames(type)) : undefined);
    return p.typing.number(name, 0n);
  }

  /** The arguments behind a bracket that was read, and the closing one. */
  argumentList(): Expression[] {
    const p = this.#p;
    const args: Expression[] = [];
    while (!p.is(')')) {
      args.push(p.typing.decay(this.assignment()));
      if (!p.accept(',')) break;
    }
    p.expect(')');
    return args;
  }

  #call(callee: Expression, at: Token): Expression {
    const p = this.#p;
    if (callee.kind !== 'function') {
      p.diagnostics.error(
        at,
        'only a named function can be called',
        'a call through a pointer is nothing that BPF has',
      );
      this.argumentList();
      return p.typing.number(at, 0n);
    }
    const target = callee.function;
    const args = this.argumentList();
    const wanted = target.parameters.length;
    if (args.length < wanted || (args.length > wanted && !target.variadic)) {
      p.diagnostics.error(callee.at, `'${target.name}' takes ${wanted} arguments, not ${args.length}`);
      return p.typing.number(at, 0n, isScalar(target.returns) ? target.returns : types.int);
    }
    const cast = args.map((arg, i) => {
      const parameter = target.parameters[i];
      return parameter ? p.typing.cast(arg, parameter.type, arg.at) : arg;
    });
    return { kind: 'call', type: target.returns, at: callee.at, function: target, args: cast };
  }

  /** primary = number | char | string+ | name | '(' expression ')' | '(' block ')' | '_Generic' … */
  #primary(): Expression {
    const p = this.#p;
    const at = p.token;
    if (p.accept('(')) {
      if (p.is('{')) return this.#statements(at);
      const value = p.nested(() => this.expression());
      p.expect(')');
      return value;
    }
    switch (at.kind) {
      case 'number':
        return this.#number(p.next());
      case 'char': {
        const bytes = quotedBytes(p.next().text);
        return p.typing.number(at, BigInt.asIntN(8, BigInt(bytes.at(-1) ?? 0)));
      }
      case 'string': {
        const bytes: number[] = [];
        while (p.token.kind === 'string') bytes.push(...quotedBytes(p.next().text));
        bytes.push(0);
        const type: CType = { kind: 'array', element: types.char, length: bytes.length };
        return { kind: 'string', type, at, bytes: Uint8Array.from(bytes) };
      }
      case 'name':
        return this.#name(p.next());
      default:
        return p.diagnostics.abandon(
          at,
          `expected an expression, not ${at.kind === 'end' ? 'the end of the text' : `'${at.text}'`}`,
        );
    }
  }

  /** '({' statement* '})': its value is that of the last statement. */
  #statements(at: Token): Expression {
    const p = this.#p;
    if (!p.current) p.diagnostics.abandon(at, 'statements have no place outside a function');
    const body = p.nested(() => p.statements.block());
    p.expect(')');
    const last = body.kind === 'block' ? body.body.at(-1) : undefined;
    const type = last?.kind === 'expression' ? p.typing.decay(last.value).type : types.void;
    return { kind: 'statements', type, at, body };
  }

  #number(at: Token): Expression {
    const p = this.#p;
    const literal = integerOf(at.text);
    if (!literal) {
      const floating = /^[0-9.]+([eE][+-]?[0-9]+)?[fFlL]?$/.test(at.text) && /[.eE]/.test(at.text);
      if (floating) p.diagnostics.error(at, 'BPF has no floating point', 'scale the value and use an integer');
      else p.diagnostics.error(at, `'${at.text}' is no number`);
      return p.typing.number(at, 0n);
    }
    const { value, unsigned, long, decimal } = literal;
    if (value > 0xffffffffffffffffn) p.diagnostics.error(at, `'${at.text}' does not fit 64 bits`);
    const fits = (type: CType): boolean => {
      const bits = BigInt(sizeOf(type) * 8 - (type.kind === 'int' && type.signed ? 1 : 0));
      return value < 1n << bits;
    };
    const choices = [types.int, types.uint, types.long, types.ulong].filter(
      (type) => !(long && type.size < 8) && !(unsigned && type.signed) && !(decimal && !unsigned && !type.signed),
    );
    return p.typing.number(at, value, choices.find(fits) ?? types.ulong);
  }

  #name(at: Token): Expression {
    const p = this.#p;
    const { text } = at;
    if (text === '_Generic') return this.#generic(at);
    const found = p.scope.find(text);
    if (found) {
      switch (found.kind) {
        case 'variable':
          found.variable.used = true;
          return (
            this.#constantVariable(at, found.variable) ?? {
              kind: 'variable',
              type: found.variable.type,
              at,
              variable: found.variable,
            }
          );
        case 'enumerator':
          return p.typing.number(at, found.value, found.type);
        case 'function':
          return { kind: 'function', type: functionType(found.function), at, function: found.function };
        case 'table':
          return { kind: 'table', type: pointerTo(types.void), at, table: found.table };
        case 'typedef':
          return p.diagnostics.abandon(at, `'${text}' is a type, not a value`);
      }
    }
    if (p.is('(')) {
      if (isBuiltin(text)) return parseBuiltin(p, at);
      const helper = this.#helper(at);
      if (helper) return helper;
    }
    if (text === '__func__' || text === '__FUNCTION__') return this.#functionName(at);
    const enumerator = p.kernel.enumerator(text);
    if (enumerator !== undefined) {
      const type = enumerator > 0x7fffffffn ? types.long : types.int;
      return p.typing.number(at, enumerator, type);
    }
    return this.#unknown(at);
  }

  #constantVariable(
    at: Token,
    variable: {
      global: boolean;
      constant: boolean;
      type: CType;
      initial: { entries: readonly { value: Expression }[] } | undefined;
    },
  ): Expression | undefined {
    if (!variable.global || !variable.constant || !isScalar(variable.type)) return undefined;
    const value = variable.initial?.entries[0]?.value;
    return value?.kind === 'number' && this.#p.token.text !== '='
      ? this.#p.typing.number(at, value.value, variable.type)
      : undefined;
  }

  #functionName(at: Token): Expression {
    const bytes = Buffer.from(`${this.#p.current?.name ?? ''}\0`);
    const type: CType = { kind: 'array', element: types.char, length: bytes.length };
    return { kind: 'string', type, at, bytes };
  }

  #helper(at: Token): Expression | undefined {
    const p = this.#p;
    const info = at.text.startsWith('bpf_') ? helperByName(at.text) : undefined;
    if (!info) return undefined;
    p.expect('(');
    const args = this.argumentList();
    const { returns, parameters, variadic } = helperPrototype(info.name);
    const literal = info.name === 'trace_printk' && args[0]?.kind === 'address' && args[0].base.kind === 'string';
    if (literal) {
      // BCC counts the bytes of a literal format itself.
      const { base } = args[0] as Extract<Expression, { kind: 'address' }>;
      args.splice(1, 0, p.typing.number(at, BigInt(sizeOf(base.type)), types.uint));
    }
    const wanted = parameters?.length ?? 0;
    const most = variadic ? 5 : parameters ? wanted : 5;
    if (args.length < wanted || args.length > most) {
      const count = variadic ? `${wanted} to 5` : `${wanted}`;
      p.diagnostics.error(at, `'${at.text}' takes ${parameters ? count : 'up to 5'} arguments, not ${args.length}`);
    }
    const cast = args.slice(0, 5).map((arg, i) => {
      const type = parameters?.[i];
      if (arg.type.kind === 'struct') {
        p.diagnostics.error(arg.at, `a helper takes no '${printCType(arg.type)}'`, 'pass its address');
        return p.typing.number(arg.at, 0n);
      }
      return type && type.kind !== 'pointer' && arg.kind !== 'table' ? p.typing.cast(arg, type) : arg;
    });
    return { kind: 'helper', type: returns, at, name: info.name, id: info.id, args: cast };
  }

  #unknown(at: Token): Expression {
    const p = this.#p;
    const called = p.is('(');
    const names = called ? helperNames.map((name) => `bpf_${name}`) : p.kernel.profile.constantNames();
    const what = called ? 'function' : 'name';
    p.diagnostics.error(at, `unknown ${what} '${at.text}'`, didYouMean(at.text, [...p.scope.names(), ...names]));
    if (called) {
      p.next();
      this.argumentList();
    }
    return p.typing.number(at, 0n);
  }

  /** _Generic '(' assignment (',' (type-name | 'default') ':' assignment)+ ')' */
  #generic(at: Token): Expression {
    const p = this.#p;
    p.expect('(');
    const control = p.typing.decay(this.assignment());
    let chosen: Expression | undefined;
    let fallback: Expression | undefined;
    while (p.accept(',')) {
      const type = p.accept('default') ? undefined : p.declarations.typeName();
      p.expect(':');
      const value = this.assignment();
      if (!type) fallback = value;
      else if (!chosen && printCType(type) === printCType(control.type)) chosen = value;
    }
    p.expect(')');
    const value = chosen ?? fallback;
    if (value) return value;
    p.diagnostics.error(at, `no choice for '${printCType(control.type)}'`);
    return p.typing.number(at, 0n);
  }
}

function functionType(target: FunctionObject): CType {
  const parameters = target.parameters.map((one) => ({ name: one.name, type: one.type }));
  return { kind: 'function', returns: target.returns, parameters, variadic: target.variadic };
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
