import { binaryValue } from '../base/index.ts';
import type { Token } from './source.ts';

/**
 * Constant expressions, as C writes and ranks them. They stand in directives, and in place of any number of an
 * instruction.
 *
 *   expression = term { operator term }          | ^ & << >> + - * / %, weakest first
 *   term       = number | name | "sizeof" "(" name ")" | ( "-" | "~" ) term | "(" expression ")"
 */
export interface Names {
  /** The value of a constant, of a field's offset (`sk_buff.head`); undefined when `name` is no constant. */
  valueOf(name: string, token: Token): bigint | undefined;
  /** Bytes of a struct, a field or a C type. */
  sizeOf(name: string, token: Token): bigint;
}

export interface Evaluated {
  readonly value: bigint;
  /** Index of the first token behind it. */
  readonly next: number;
  /** Whether a name was part of it. */
  readonly symbolic: boolean;
}

const ranks: readonly (readonly string[])[] = [['|'], ['^'], ['&'], ['<<', '>>'], ['+', '-'], ['*', '/', '%']];

/** Reads the longest expression that begins at `tokens[at]`; undefined when none does. */
export function evaluate(tokens: readonly Token[], at: number, names: Names, rank = 0): Evaluated | undefined {
  const operators = ranks[rank];
  if (!operators) return term(tokens, at, names);
  let left = evaluate(tokens, at, names, rank + 1);
  while (left) {
    const operator = tokens[left.next];
    if (operator?.kind !== 'sign' || !operators.includes(operator.text)) return left;
    const right = evaluate(tokens, left.next + 1, names, rank + 1);
    if (!right) return left;
    const value = apply(operator.text, left.value, right.value);
    if (value === undefined) return left;
    left = { value, next: right.next, symbolic: left.symbolic || right.symbolic };
  }
  return undefined;
}

function term(tokens: readonly Token[], at: number, names: Names): Evaluated | undefined {
  const token = tokens[at];
  if (!token) return undefined;
  if (token.kind === 'number') return { value: BigInt(token.text), next: at + 1, symbolic: false };
  if (token.kind === 'name') return token.text === 'sizeof' ? size(tokens, at, names) : named(token, at, names);
  if (token.text === '(') {
    const inner = evaluate(tokens, at + 1, names);
    return inner && tokens[inner.next]?.text === ')' ? { ...inner, next: inner.next + 1 } : undefined;
  }
  if (token.text !== '-' && token.text !== '~') return undefined;
  const inner = term(tokens, at + 1, names);
  return inner && { ...inner, value: token.text === '-' ? -inner.value : ~inner.value };
}

function named(token: Token, at: number, names: Names): Evaluated | undefined {
  const value = names.valueOf(token.text, token);
  return value === undefined ? undefined : { value, next: at + 1, symbolic: true };
}

function size(tokens: readonly Token[], at: number, names: Names): Evaluated | undefined {
  const [open, name, close] = tokens.slice(at + 1, at + 4);
  if (open?.text !== '(' || name?.kind !== 'name' || close?.text !== ')') return undefined;
  return { value: names.sizeOf(name.text, name), next: at + 4, symbolic: true };
}

/** Undefined for what has no value: a division by zero, a shift by less than nothing or beyond 64 bits. */
function apply(operator: string, left: bigint, right: bigint): bigint | undefined {
  const isDivision = operator === '/' || operator === '%';
  const isShift = operator === '<<' || operator === '>>';
  if ((isDivision && right === 0n) || (isShift && (right < 0n || right > 63n))) return undefined;
  return binaryValue(operator, left, right);
}
