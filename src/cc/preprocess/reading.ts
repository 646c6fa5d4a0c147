import type { Diagnostics } from '../diagnostics.ts';
import { type Fault, type Tokens, tokenize } from './lexer.ts';
import type { SourceFile, Token } from './token.ts';

/** A file that is being read: its tokens, the conditions that are open in it, and what `#line` made of its lines. */
export interface Conditional {
  readonly token: Token;
  /** Tokens are being taken now. */
  active: boolean;
  /** A branch was taken, or the whole lies in skipped text. */
  done: boolean;
  elseSeen: boolean;
}

export class Reading {
  readonly conditionals: Conditional[] = [];
  readonly #tokens: Tokens;
  #byOffset: Map<number, Fault> | undefined;
  /** The use of a macro whose arguments go on behind a directive, and how many of its brackets are open. */
  begun: readonly Token[] = [];
  depth = 0;
  #at = 0;
  /** Lines are counted from elsewhere, or the file has another name. */
  #moved: { readonly file: SourceFile; readonly lines: number } | undefined;

  constructor(file: SourceFile, diagnostics: Diagnostics) {
    this.#tokens = tokenize(file, diagnostics);
  }

  get ended(): boolean {
    return this.token.kind === 'end';
  }

  get token(): Token {
    return this.#tokens.all[this.#at] as Token;
  }

  get hasFaults(): boolean {
    return this.#tokens.faults.size > 0;
  }

  /** The next tokens, which are read then. */
  take(count: number): Token[] {
    const tokens = this.#tokens.all.slice(this.#at, this.#at + count);
    this.#at += count;
    const moved = this.#moved;
    if (!moved) return tokens;
    return tokens.map((token) => ({ ...token, file: moved.file, line: token.line + moved.lines }));
  }

  pass(count: number): void {
    this.#at += count;
  }

  /** What is wrong with some of the next tokens. */
  faultsOf(count: number): { readonly index: number; readonly fault: Fault }[] {
    if (!this.hasFaults) return [];
    const { all, faults } = this.#tokens;
    return all.slice(this.#at, this.#at + count).flatMap((token, index) => {
      const fault = faults.get(token);
      return fault ? [{ index, fault }] : [];
    });
  }

  /** What is wrong with the token at an offset of the file. */
  faultAt(offset: number): Fault | undefined {
    this.#byOffset ??= new Map([...this.#tokens.faults].map(([token, fault]) => [token.offset, fault] as const));
    return this.#byOffset.get(offset);
  }

  /** The next line is that line, of that file. */
  renumber(line: number, name: string | undefined): void {
    const { file } = this.token;
    const before = this.#tokens.all[this.#at - 1] as Token;
    const moved = name ?? this.#moved?.file.name ?? file.name;
    this.#moved = { file: { ...file, name: moved, path: file.path ?? file.name }, lines: line - before.line - 1 };
  }

  /** How many tokens are left of the line at hand. */
  get restOfLine(): number {
    const { all } = this.#tokens;
    let end = this.#at + 1;
    while (!(all[end] as Token).first && (all[end] as Token).kind !== 'end') end++;
    return end - this.#at;
  }

  /** How many tokens the text runs on, as far as brackets that are open in it: a macro's arguments may go over lines. */
  restOfText(): number {
    const { all } = this.#tokens;
    let end = this.#at;
    let { depth } = this;
    for (; (all[end] as Token).kind !== 'end'; end++) {
      const token = all[end] as Token;
      if (token.first && token.text === '#') break;
      if (token.text === '(') depth++;
      else if (token.text === ')') depth--;
      else if ((token.text === ';' || token.text === '}') && depth <= 0) {
        end++;
        break;
      }
    }
    this.depth = Math.max(0, depth);
    return end - this.#at;
  }

  /** Keeps the use of a macro that goes on. */
  begin(rest: readonly Token[]): void {
    this.begun = rest;
    this.depth = 0;
    for (const { text } of rest) this.depth += text === '(' ? 1 : text === ')' ? -1 : 0;
  }
}
