import { binaryValue, integerOf, type OperatorReader, quotedBytes, readBinary } from '../../base/index.ts';
import { type Diagnostics, didYouMean } from '../diagnostics.ts';
import type { MacroTable } from './macros.ts';
import { wrongInteger } from './numbers.ts';
import { behind, type Token } from './token.ts';

/** The condition of #if and #elif (C11 6.10.1): integers of 64 bits, names that are no macros are 0. */
export function evaluateCondition(
  at: Token,
  line: readonly Token[],
  macros: MacroTable,
  diagnostics: Diagnostics,
): boolean {
  const resolved = resolveDefined(line, at, macros, diagnostics);
  if (!resolved) return false;
  const end = behind(line.at(-1) ?? at);
  const reader = new ConditionReader(end, macros.expand(resolved), macros, diagnostics);
  return reader.value() !== 0n;
}

/** `defined X` and `defined(X)` before anything is expanded; undefined where one has no name. */
function resolveDefined(
  line: readonly Token[],
  at: Token,
  macros: MacroTable,
  diagnostics: Diagnostics,
): Token[] | undefined {
  const result: Token[] = [];
  for (let i = 0; i < line.length; i++) {
    const token = line[i] as Token;
    if (token.text !== 'defined') {
      result.push(token);
      continue;
    }
    const bracket = line[i + 1]?.text === '(';
    const name = macros.named(line[i + (bracket ? 2 : 1)], line.at(-1) ?? at);
    if (!name) return undefined;
    if (bracket && line[i + 3]?.text !== ')') {
      diagnostics.error(line[i + 3] ?? behind(name), `missing ')' after 'defined'`);
      return undefined;
    }
    i += bracket ? 3 : 1;
    result.push({ ...token, kind: 'number', text: macros.has(name.text) ? '1' : '0' });
  }
  return result;
}

/** Brackets, signs and `?:` within each other. */
const deepest = 200;

class ConditionReader implements OperatorReader<Token, bigint> {
  readonly #tokens: readonly Token[];
  /** The place behind the line. */
  readonly #end: Token;
  readonly #macros: MacroTable;
  readonly #diagnostics: Diagnostics;
  #at = 0;
  #depth = 0;
  #failed = false;

  constructor(end: Token, tokens: readonly Token[], macros: MacroTable, diagnostics: Diagnostics) {
    this.#macros = macros;
    this.#end = end;
    this.#tokens = tokens;
    this.#diagnostics = diagnostics;
  }

  value(): bigint {
    const value = this.#conditional();
    const rest = this.#tokens[this.#at];
    if (rest) this.#fault(rest, 'token is not a valid binary operator in a preprocessor subexpression');
    return this.#failed ? 0n : value;
  }

  #fault(at: Token | undefined, message: string, hint?: string): bigint {
    if (!this.#failed) this.#diagnostics.error(at ?? this.#end, message, hint);
    this.#failed = true;
    this.#at = this.#tokens.length;
    return 0n;
  }

  #accept(text: string): boolean {
    if (this.#tokens[this.#at]?.text !== text) return false;
    this.#at++;
    return true;
  }

  #conditional(): bigint {
    const test = readBinary(this);
    if (!this.#accept('?')) return test;
    if (++this.#depth > deepest) return this.#fault(this.#tokens[this.#at], `this nests more than ${deepest} deep`);
    const yes = this.#conditional();
    if (!this.#accept(':')) return this.#fault(this.#tokens[this.#at], `expected ':'`);
    const no = this.#conditional();
    this.#depth--;
    return test !== 0n ? yes : no;
  }

  get next(): string {
    return this.#tokens[this.#at]?.text ?? '';
  }

  takeOperator(): Token {
    return this.#tokens[this.#at++] as Token;
  }

  join(operator: Token, left: bigint, right: bigint): bigint {
    const { text } = operator;
    if ((text === '/' || text === '%') && right === 0n) {
      return this.#fault(operator, `${text === '/' ? 'division' : 'remainder'} by zero in preprocessor expression`);
    }
    return BigInt.asIntN(64, binaryValue(text, left, right));
  }

  operand(): bigint {
    const token = this.#tokens[this.#at];
    if (!token) return this.#fault(undefined, 'expected value in expression');
    this.#at++;
    if (++this.#depth > deepest) return this.#fault(token, `this nests more than ${deepest} deep`);
    const value = this.#operandAt(token);
    this.#depth--;
    return value;
  }

  #operandAt(token: Token): bigint {
    if (token.text === '!') return this.operand() === 0n ? 1n : 0n;
    if (token.text === '-') return -this.operand();
    if (token.text === '+') return this.operand();
    if (token.text === '~') return ~this.operand();
    if (token.text === '(') {
      const value = this.#conditional();
      return this.#accept(')') ? value : this.#fault(this.#tokens[this.#at], `expected ')' in preprocessor expression`);
    }
    if (token.kind === 'char') return BigInt(quotedBytes(token.text)[0] ?? 0);
    if (token.kind === 'name') return this.#name(token);
    const integer = integerOf(token.text);
    if (!integer) return this.#fault(token, notAnInteger(token));
    return integer.value;
  }

  /** A name that is no macro is 0, or what a kernel header says; `__has_include(x)` and its like are, too. */
  #name(name: Token): bigint {
    if (!this.#accept('(')) return this.#macros.numberOf(name.text);
    if (!/^__(has|is)_\w+$/.test(name.text)) {
      const hint = didYouMean(name.text, this.#macros.names());
      return this.#fault(name, `function-like macro '${name.text}' is not defined`, hint);
    }
    for (let depth = 1; depth > 0 && this.#at < this.#tokens.length; this.#at++) {
      const text = this.#tokens[this.#at]?.text;
      depth += text === '(' ? 1 : text === ')' ? -1 : 0;
    }
    return 0n;
  }
}

function notAnInteger({ kind, text }: Token): string {
  if (kind !== 'number') return 'invalid token at start of a preprocessor expression';
  return /^\d*\.|[eEpP][-+]/.test(text) ? 'floating point literal in preprocessor expression' : wrongInteger(text);
}
