import { binaryValue, characterValue, integerOf, type OperatorReader, readBinary } from '../../base/index.ts';
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
  const end = behind(line.at(-1) ?? at);
  const errors = diagnostics.errors;
  const expanded = macros.expandCondition(line);
  // What was told already is enough.
  if (diagnostics.errors > errors) return false;
  return new ConditionReader(end, expanded, macros, diagnostics).holds();
}

/** Brackets, signs and `?:` within each other. */
const deepest = 200;

/** Intmax_t or uintmax_t (C11 6.10.1p4); what divides by zero is wrong only where it is asked for. */
interface Value {
  readonly value: bigint;
  readonly unsigned: boolean;
  readonly fault?: { readonly at: Token; readonly message: string };
}

function number(value: bigint, unsigned = false): Value {
  return { value: unsigned ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value), unsigned };
}
const zero = number(0n);

class ConditionReader implements OperatorReader<Token, Value> {
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

  holds(): boolean {
    const { value, fault } = this.#expression();
    const rest = this.#tokens[this.#at];
    if (rest) this.#fault(rest, 'token is not a valid binary operator in a preprocessor subexpression');
    else if (fault) this.#fault(fault.at, fault.message);
    return !this.#failed && value !== 0n;
  }

  #fault(at: Token | undefined, message: string, hint?: string): Value {
    if (!this.#failed) this.#diagnostics.error(at ?? this.#end, message, hint);
    this.#failed = true;
    this.#at = this.#tokens.length;
    return zero;
  }

  #accept(text: string): boolean {
    if (this.#tokens[this.#at]?.text !== text) return false;
    this.#at++;
    return true;
  }

  /** expression = conditional (',' conditional)* */
  #expression(): Value {
    let value = this.#conditional();
    while (this.#accept(',')) value = this.#conditional();
    return value;
  }

  #conditional(): Value {
    const test = readBinary(this);
    if (!this.#accept('?')) return test;
    if (++this.#depth > deepest) return this.#fault(this.#tokens[this.#at], `this nests more than ${deepest} deep`);
    const yes = this.#expression();
    if (!this.#accept(':')) return this.#fault(this.#tokens[this.#at], `expected ':'`);
    const no = this.#conditional();
    this.#depth--;
    const chosen = test.value !== 0n ? yes : no;
    return test.fault || chosen.fault
      ? test.fault
        ? test
        : chosen
      : number(chosen.value, yes.unsigned || no.unsigned);
  }

  get next(): string {
    return this.#tokens[this.#at]?.text ?? '';
  }

  takeOperator(): Token {
    return this.#tokens[this.#at++] as Token;
  }

  join(operator: Token, left: Value, right: Value): Value {
    const { text } = operator;
    if (left.fault) return left;
    // The right side of `0 &&` and `1 ||` is not asked for.
    if (text === '&&' && left.value === 0n) return zero;
    if (text === '||' && left.value !== 0n) return number(1n);
    if (right.fault) return right;
    if ((text === '/' || text === '%') && right.value === 0n) {
      const message = `${text === '/' ? 'division' : 'remainder'} by zero in preprocessor expression`;
      return { ...zero, fault: { at: operator, message } };
    }
    if (text === '<<' || text === '>>') return number(binaryValue(text, left.value, right.value), left.unsigned);
    const unsigned = left.unsigned || right.unsigned;
    const [a, b] = [number(left.value, unsigned), number(right.value, unsigned)];
    return number(binaryValue(text, a.value, b.value), unsigned && arithmetic.has(text));
  }

  operand(): Value {
    const token = this.#tokens[this.#at];
    if (!token) return this.#fault(undefined, 'expected value in expression');
    this.#at++;
    if (++this.#depth > deepest) return this.#fault(token, `this nests more than ${deepest} deep`);
    const value = this.#operandAt(token);
    this.#depth--;
    return value;
  }

  #operandAt(token: Token): Value {
    switch (token.text) {
      case '!':
      case '-':
      case '+':
      case '~':
        return signed(token.text, this.operand());
      case '(': {
        const value = this.#expression();
        if (this.#accept(')')) return value;
        return this.#fault(this.#tokens[this.#at], `expected ')' in preprocessor expression`);
      }
    }
    if (token.kind === 'char') return number(characterValue(token.text));
    if (token.kind === 'name') return this.#name(token);
    const integer = integerOf(token.text);
    if (!integer) return this.#fault(token, notAnInteger(token));
    return number(integer.value, integer.unsigned || integer.value > 0x7fff_ffff_ffff_ffffn);
  }

  /** A name that is no macro is 0, or what a kernel header says. */
  #name(name: Token): Value {
    if (this.#tokens[this.#at]?.text !== '(') return number(this.#macros.numberOf(name.text));
    const hint = didYouMean(name.text, this.#macros.names());
    return this.#fault(name, `function-like macro '${name.text}' is not defined`, hint);
  }
}

/** Operators whose result has the type of their operands. */
const arithmetic: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%', '&', '|', '^']);

function signed(operator: string, operand: Value): Value {
  const { value, unsigned, fault } = operand;
  if (fault || operator === '+') return operand;
  if (operator === '!') return number(value === 0n ? 1n : 0n);
  return number(operator === '-' ? -value : ~value, unsigned);
}

function notAnInteger({ kind, text }: Token): string {
  if (kind !== 'number') return 'invalid token at start of a preprocessor expression';
  return /^\d*\.|[eEpP][-+]/.test(text) ? 'floating point literal in preprocessor expression' : wrongInteger(text);
}
