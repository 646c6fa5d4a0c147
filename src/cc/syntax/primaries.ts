import { characterValue, integerOf, literalPrefix } from '../../base/index.ts';
import { helperNames } from '../../uapi/index.ts';
import { didYouMean } from '../diagnostics.ts';
import { wrongInteger, wrongIntegerOffset } from '../preprocess/numbers.ts';
import type { Token } from '../preprocess/token.ts';
import { type CType, isCompatible, isScalar, pointerTo, printCType, quoted, types } from '../types/types.ts';
import type { Expression, FunctionObject, Variable } from './ast.ts';
import { isBuiltin, parseBuiltin } from './builtins.ts';
import { characterTypes, stringLiteral } from './literals.ts';
import type { Parsing } from './parsing.ts';
import { lastValue } from './parts.ts';
import { keywords } from './type-words.ts';

/** What an integer may be, and the largest that each holds: the first that fits (C11 6.4.4.1). */
const intTypes = [
  { type: types.int, most: 0x7fff_ffffn },
  { type: types.uint, most: 0xffff_ffffn },
];
const integerTypes = [
  ...intTypes,
  { type: types.long, most: 0x7fff_ffff_ffff_ffffn },
  { type: types.ulong, most: 0xffff_ffff_ffff_ffffn },
];
const longLongTypes = [
  ...intTypes,
  { type: types.llong, most: 0x7fff_ffff_ffff_ffffn },
  { type: types.ullong, most: 0xffff_ffff_ffff_ffffn },
];

const functionNames: ReadonlySet<string> = new Set(['__func__', '__FUNCTION__', '__PRETTY_FUNCTION__']);

/** What expressions begin with (C11 6.5.1): literals, names and what they stand for, statement expressions, _Generic. */
export class PrimaryParser {
  readonly #p: Parsing;

  constructor(parsing: Parsing) {
    this.#p = parsing;
  }

  /** primary = number | char | string+ | name | '(' expression ')' | '(' block ')' | '_Generic' … */
  primary(): Expression {
    const p = this.#p;
    const at = p.token;
    if (p.accept('(')) {
      if (p.is('{')) return this.#statements(at);
      const value = p.nested(() => p.expressions.expression());
      p.spans.note(value, at, p.close(')', at));
      return value;
    }
    switch (at.kind) {
      case 'number':
        return this.#number(p.next());
      case 'char': {
        const type = characterTypes[literalPrefix(p.next().text)];
        return p.typing.number(at, characterValue(at.text), type === types.char ? types.int : type);
      }
      case 'string':
        return stringLiteral(p);
      case 'name':
        return this.#name(p.next());
      default:
        return p.diagnostics.abandon(at, 'expected expression');
    }
  }

  /** '({' statement* '})': its value is that of the last statement. */
  #statements(at: Token): Expression {
    const p = this.#p;
    if (!p.current) p.diagnostics.abandon(at, 'statements have no place outside a function');
    const body = p.nested(() => p.statements.block());
    p.close(')', at);
    const value = body.kind === 'block' ? lastValue(body.body.at(-1)) : undefined;
    const type = value ? p.typing.decay(value).type : types.void;
    return { kind: 'statements', type, at, body };
  }

  #number(at: Token): Expression {
    const p = this.#p;
    const literal = integerOf(at.text);
    if (!literal) {
      const floating = /^[0-9.]+([eE][+-]?[0-9]+)?[fFlL]?$/.test(at.text) && /[.eE]/.test(at.text);
      const digit = { ...at, offset: at.offset + wrongIntegerOffset(at.text), text: at.text.slice(0, 1) };
      if (floating) p.diagnostics.error(at, 'BPF has no floating point', 'scale the value and use an integer');
      else p.diagnostics.error(at.from ? at : digit, wrongInteger(at.text));
      return p.typing.wrong(at);
    }
    const { value, unsigned, long, longLong, decimal } = literal;
    if (value > 0xffffffffffffffffn) {
      p.diagnostics.error(at, 'integer literal is too large to be represented in any integer type');
    }
    for (const { type, most } of longLong ? longLongTypes : integerTypes) {
      if ((long && type.size < 8) || (unsigned && type.signed) || (decimal && !unsigned && !type.signed)) continue;
      if (value <= most) return p.typing.number(at, value, type);
    }
    return p.typing.number(at, value, longLong ? types.ullong : types.ulong);
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
          return this.#typeNamed(at);
      }
    }
    if (p.is('(')) {
      if (isBuiltin(text)) return parseBuiltin(p, at);
      const helper = p.calls.helper(at);
      if (helper) return helper;
    }
    if (functionNames.has(text)) return this.#functionName(at);
    const enumerator = p.kernel.enumerator(text);
    if (enumerator !== undefined) {
      const type = enumerator > 0x7fffffffn ? types.long : types.int;
      return p.typing.number(at, enumerator, type);
    }
    if (keywords.has(text)) return p.diagnostics.abandon(at, 'expected expression');
    if (p.typeNamed(text)) return this.#typeNamed(at);
    return this.#unknown(at);
  }

  #typeNamed(at: Token): never {
    return this.#p.diagnostics.abandon(at, `unexpected type name '${at.text}': expected expression`);
  }

  /** What a constant global holds, for no store can change it; one that is volatile is for others to set. */
  #constantVariable(at: Token, variable: Variable): Expression | undefined {
    if (!variable.global || !variable.constant || variable.inMemory || !isScalar(variable.type)) return undefined;
    const value = variable.initial?.entries[0]?.value;
    if (value?.kind !== 'number' || this.#p.token.text === '=') return undefined;
    return { kind: 'number', type: variable.type, at, value: value.value, variable };
  }

  #functionName(at: Token): Expression {
    const { current } = this.#p;
    const pretty = at.text === '__PRETTY_FUNCTION__' && current;
    const bytes = Buffer.from(`${pretty ? prettyName(current) : (current?.name ?? '')}\0`);
    const type: CType = { kind: 'array', element: types.char, length: bytes.length };
    return { kind: 'string', type, at, bytes };
  }

  #unknown(at: Token): Expression {
    const p = this.#p;
    const called = p.is('(');
    const message = called ? `call to undeclared function '${at.text}'` : `use of undeclared identifier '${at.text}'`;
    // Behind the last error that is shown nobody reads what was meant, and there may be thousands.
    p.diagnostics.error(at, message, p.diagnostics.full ? undefined : didYouMean(at.text, this.#names(called)));
    if (called) {
      p.next();
      p.calls.argumentList();
    }
    return p.typing.wrong(at);
  }

  *#names(called: boolean): Iterable<string> {
    const p = this.#p;
    yield* p.scope.names();
    if (called) yield* helperNames.map((name) => `bpf_${name}`);
    else yield* p.kernel.profile.constantNames();
    yield* p.macroNames();
  }

  /** _Generic '(' assignment (',' (type-name | 'default') ':' assignment)+ ')' */
  #generic(at: Token): Expression {
    const p = this.#p;
    const open = p.expect('(', `after '_Generic'`);
    const control = p.typing.decay(p.expressions.assignment());
    let chosen: Expression | undefined;
    let fallback: Expression | undefined;
    while (p.accept(',')) {
      const type = p.accept('default') ? undefined : p.declarations.typeName();
      p.expect(':');
      const value = p.expressions.assignment();
      if (!type) fallback = value;
      else if (!chosen && isCompatible(type, control.type)) chosen = value;
    }
    p.close(')', open);
    const value = chosen ?? fallback;
    if (value) return value;
    const message = `controlling expression type ${quoted(control.type)} not compatible with any generic association type`;
    p.diagnostics.error(p.spans.first(control), message);
    return p.typing.number(at, 0n);
  }
}

function functionType(target: FunctionObject): CType {
  const parameters = target.parameters.map((one) => ({ name: one.name, type: one.type }));
  return { kind: 'function', returns: target.returns, parameters, variadic: target.variadic };
}

/** `int f(int, char *)`, as clang has it. */
function prettyName({ name, returns, parameters }: FunctionObject): string {
  const result = printCType(returns);
  const list = parameters.map((one) => printCType(one.type)).join(', ');
  return `${result}${result.endsWith('*') ? '' : ' '}${name}(${list})`;
}
