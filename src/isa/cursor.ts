import type { FaultDetails } from '../base/index.ts';
import type { Register } from './instruction.ts';
import { fault, type SourceLine, type Token, type TokenLine } from './lexer.ts';

/** A reader's place in a line of tokens, the smallest rules that every syntax shares, and its faults. */
export class Cursor {
  readonly source: SourceLine;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(line: TokenLine) {
    this.source = line.source;
    this.#tokens = line.tokens;
  }

  /** The token here, or `ahead` places on; the end repeats itself. */
  peek(ahead = 0): Token {
    return (this.#tokens[this.#at + ahead] ?? this.#tokens.at(-1)) as Token;
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.#at++;
    return token;
  }

  get atEnd(): boolean {
    return this.peek().kind === 'end';
  }

  /** Takes the token when it has this text. */
  accept(text: string): Token | undefined {
    const token = this.peek();
    return token.kind !== 'end' && token.text === text ? this.next() : undefined;
  }

  expect(text: string): Token {
    return this.accept(text) ?? this.unexpected(`'${text}'`);
  }

  expectEnd(): void {
    if (!this.atEnd) this.unexpected('the end of the line');
  }

  /** @throws InputError that names what stands here and what should */
  unexpected(expected: string, token = this.peek(), details: FaultDetails = {}): never {
    const what = token.kind === 'end' ? 'the line ends too early' : `unexpected '${token.text}'`;
    return this.fail(token, what, { expected, ...details });
  }

  fail(token: Token, message: string, details: FaultDetails = {}): never {
    throw fault(this.source, token.column, message, details);
  }

  /** register = ("r" | "w") 0–10 */
  register(): { number: Register; width: 32 | 64; token: Token } {
    const token = this.peek();
    const match = registerShape.exec(token.text);
    if (!match) return this.unexpected('a register, r0 to r10 or w0 to w10');
    const number = Number(match[2]);
    if (number > 10) this.fail(token, `there is no register ${token.text}`, { expected: 'r0 to r10, or w0 to w10' });
    this.next();
    return { number: number as Register, width: match[1] === 'w' ? 32 : 64, token };
  }

  get atRegister(): boolean {
    return registerShape.test(this.peek().text);
  }

  get atNumber(): boolean {
    let ahead = 0;
    while (this.peek(ahead).text === '-' || this.peek(ahead).text === '+') ahead++;
    return this.peek(ahead).kind === 'number';
  }

  /** number = { "+" | "-" } digits, in range. */
  number(low: bigint, high: bigint, what: string, details: FaultDetails = {}): bigint {
    const first = this.peek();
    let negative = false;
    for (let sign = this.peek().text; sign === '-' || sign === '+'; sign = this.peek().text) {
      if (sign === '-') negative = !negative;
      this.next();
    }
    const token = this.peek();
    if (token.kind !== 'number') return this.unexpected('a number');
    this.next();
    const value = negative ? -BigInt(token.text) : BigInt(token.text);
    if (value >= low && value <= high) return value;
    return this.fail(first, `${value} does not fit ${what}`, { expected: `${low} to ${high}`, ...details });
  }

  offset16(): number {
    return Number(this.number(-0x8000n, 0x7fffn, 'an offset of 16 bits'));
  }

  /** A 32-bit immediate where only 32 bits count: signed or unsigned. */
  word(): number {
    return Number(this.number(-0x8000_0000n, 0xffff_ffffn, 'an immediate of 32 bits')) | 0;
  }

  /** A 32-bit immediate that is sign-extended to 64 bits. */
  signedWord(hint: string): number {
    return Number(
      this.number(-0x8000_0000n, 0x7fff_ffffn, 'an immediate of 32 bits, which is sign-extended', { hint }),
    );
  }
}

const registerShape = /^%?([rw])(\d+)$/;
