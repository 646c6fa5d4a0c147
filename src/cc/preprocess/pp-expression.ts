import { binaryValue, integerOf, type OperatorReader, quotedBytes, readBinary } from '../../base/index.ts';
import type { Diagnostics } from '../diagnostics.ts';
import type { MacroTable } from './macros.ts';
import type { Token } from './token.ts';

/** The condition of #if and #elif (C11 6.10.1): integers of 64 bits, names that are no macros are 0. */
export function evaluateCondition(
  at: Token,
  line: readonly Token[],
  macros: MacroTable,
  diagnostics: Diagnostics,
): boolean {
  const expanded = macros.expand(resolveDefined(line, macros));
  const reader = new ConditionReader(at, expanded, macros, diagnostics);
  return reader.value() !== 0n;
}

/** `defined X` and `defined(X)` before anything is expanded. */
function resolveDefined(line: readonly Token[], macros: MacroTable): Token[] {
  const result: Token[] = [];
  for (let i = 0; i < line.length; i++) {
    const token = line[i] as Token;
    if (token.text !== 'defined') {
      result.push(token);
      continue;
    }
    const bracket = line[i + 1]?.text === '(';
    const name = line[i + (bracket ? 2 : 1)];
    i += bracket ? 3 : 1;
    result.push({ ...token, kind: 'number', text: name && macros.has(name.text) ? '1' : '0' });
  }
  return result;
}

/** Brackets, signs and `?:` within each other. */
const deepest = 200;

class ConditionReader implements OperatorReader<Token, bigint> {
  readonly #tokens: readonly Token[];
  readonly #start: Token;
  readonly #macros: MacroTable;
  readonly #diagnostics: Diagnostics;
  #at = 0;
  #depth = 0;
  #failed = false;

  constructor(start: Token, tokens: readonly Token[], macros: MacroTable, diagnostics: Diagnostics) {
    this.#macros = macros;
    this.#start = start;
    this.#tokens = tokens;
    this.#diagnostics = diagnostics;
  }

  value(): bigint {
    const value = this.#conditional();
    const rest = this.#tokens[this.#at];
    if (rest) this.#fault(rest, `'${rest.text}' cannot stand in a condition here`);
    return this.#failed ? 0n : value;
  }

  #fault(at: Token | undefined, message: string): bigint {
    if (!this.#failed) this.#diagnostics.error(at ?? this.#start, message);
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
    if ((text === '/' || text === '%') && right === 0n) return this.#fault(operator, 'division by zero');
    return BigInt.asIntN(64, binaryValue(text, left, right));
  }

  operand(): bigint {
    const token = this.#tokens[this.#at];
    if (!token) return this.#fault(undefined, 'the condition ends too early');
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
      return this.#accept(')') ? value : this.#fault(this.#tokens[this.#at], `expected ')'`);
    }
    if (token.kind === 'char') return BigInt(quotedBytes(token.text)[0] ?? 0);
    if (token.kind === 'name') return this.#name(token.text);
    const integer = integerOf(token.text);
    if (!integer) return this.#fault(token, `'${token.text}' is no integer`);
    return integer.value;
  }

  /** A name that is no macro is 0, or what a kernel header says; one that looks called (`__has_builtin(x)`) is too. */
  #name(name: string): bigint {
    if (!this.#accept('(')) return this.#macros.numberOf(name);
    for (let depth = 1; depth > 0 && this.#at < this.#tokens.length; this.#at++) {
      const text = this.#tokens[this.#at]?.text;
      depth += text === '(' ? 1 : text === ')' ? -1 : 0;
    }
    return 0n;
  }
}
