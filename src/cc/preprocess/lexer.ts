import type { Diagnostics } from '../diagnostics.ts';
import type { SourceFile, Token, TokenKind } from './token.ts';

/**
 * Text to tokens (C11 6.4): comments become white space, a backslash before a newline joins lines. Numbers are
 * preprocessing numbers; what they mean is found out when they are used. Characters are looked at as codes: one regular
 * expression for all kinds of tokens took five times as long, for the match object of each.
 */
const classes = { other: 0, blank: 1, letter: 2, digit: 3 } as const;

const classOf = new Uint8Array(128);
for (const blank of ' \t\r\f\v') classOf[blank.charCodeAt(0)] = classes.blank;
for (const digit of '0123456789') classOf[digit.charCodeAt(0)] = classes.digit;
for (let code = 65; code <= 90; code++) classOf[code] = classOf[code + 32] = classes.letter;
for (const letter of '_$') classOf[letter.charCodeAt(0)] = classes.letter;

const [newline, carriageReturn, quote, dollar, apostrophe, star, dot, slash, backslash] = Array.from(
  '\n\r"$\'*./\\',
  (one) => one.charCodeAt(0),
) as [number, number, number, number, number, number, number, number, number];

/** What may stand behind the first character of a punctuator of two. */
const seconds: Readonly<Record<string, string>> = {
  '-': '>-=',
  '+': '+=',
  '<': '<=',
  '>': '>=',
  '=': '=',
  '!': '=',
  '&': '&=',
  '|': '|=',
  '*': '=',
  '/': '=',
  '%': '=',
  '^': '=',
  '#': '#',
};
const threes: ReadonlySet<string> = new Set(['...', '<<=', '>>=']);
const ones: ReadonlySet<string> = new Set('-+*/%&|^~!<>=?:;,.(){}[]#@');

const stringLiteral = /(?:u8|[LuU])?"(?:\\[\s\S]|[^"\\\n])*"/y;
const charLiteral = /[LuU]?'(?:\\[\s\S]|[^'\\\n])*'/y;

/** All tokens of a file, the last of kind 'end'. */
export function tokenize(file: SourceFile, diagnostics: Diagnostics): Token[] {
  return new Lexer(file, diagnostics).run();
}

class Lexer {
  readonly #file: SourceFile;
  readonly #text: string;
  readonly #diagnostics: Diagnostics;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  #space = false;
  #first = true;

  constructor(file: SourceFile, diagnostics: Diagnostics) {
    this.#file = file;
    this.#text = file.text;
    this.#diagnostics = diagnostics;
  }

  run(): Token[] {
    const text = this.#text;
    while (this.#at < text.length) {
      if (text.charCodeAt(this.#at) === newline) {
        this.#at++;
        this.#line++;
        this.#first = true;
        this.#space = true;
        continue;
      }
      const end = endOfSpace(text, this.#at);
      if (end === this.#at) this.#token();
      else {
        this.#skip(end);
        this.#space = true;
      }
    }
    this.#first = true;
    this.#push('end', this.#at);
    return this.#tokens;
  }

  #token(): void {
    const text = this.#text;
    const at = this.#at;
    const code = text.charCodeAt(at);
    const kind = classAt(text, at);
    const literal = code === quote || code === apostrophe || (kind === classes.letter && hasPrefix(text, at));
    if (literal && (this.#literal('string', stringLiteral) || this.#literal('char', charLiteral))) return;
    if (kind === classes.letter) this.#push('name', endOfName(text, at));
    else if (kind === classes.digit || (code === dot && classAt(text, at + 1) === classes.digit)) {
      this.#push('number', endOfNumber(text, at));
    } else if (ones.has(text[at] as string) && !text.startsWith('/*', at)) {
      this.#push('punctuator', at + lengthOfPunctuator(text, at));
    } else this.#stray();
  }

  #literal(kind: TokenKind, pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#push(kind, pattern.lastIndex);
    return true;
  }

  #push(kind: TokenKind, end: number): void {
    const offset = this.#at;
    const written = this.#text.slice(offset, end);
    // A name or number may go on over the end of a line.
    const goesOn = kind !== 'punctuator' && kind !== 'string' && written.includes('\\');
    const text = goesOn ? written.replace(/\\\r?\n/g, '') : written;
    const line = this.#line;
    this.#tokens.push({ kind, text, file: this.#file, offset, line, space: this.#space, first: this.#first });
    this.#space = false;
    this.#first = false;
    if (goesOn || kind === 'string') this.#skip(end);
    else this.#at = end;
  }

  /** Goes on at `end`, and counts the lines up to there. */
  #skip(end: number): void {
    const text = this.#text;
    for (let i = this.#at; i < end; i++) if (text.charCodeAt(i) === newline) this.#line++;
    this.#at = end;
  }

  #stray(): void {
    const text = this.#text;
    const written = { text: text[this.#at] as string, offset: this.#at, line: this.#line };
    const token: Token = { kind: 'punctuator', file: this.#file, space: this.#space, first: this.#first, ...written };
    this.#diagnostics.error(token, strayText(text, this.#at));
    this.#at = text.startsWith('/*', this.#at) ? text.length : this.#at + 1;
  }
}

function classAt(text: string, at: number): number {
  return classOf[text.charCodeAt(at)] ?? classes.other;
}

/** Behind blanks, comments and joined lines. */
function endOfSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (classOf[code] === classes.blank) {
      at++;
      continue;
    }
    const end = code === slash ? endOfComment(text, at) : at + lengthOfJoint(text, at);
    if (end === at) return at;
    at = end;
  }
}

/** Behind a comment; where it is none, or has no end, where it would begin. */
function endOfComment(text: string, from: number): number {
  const second = text.charCodeAt(from + 1);
  if (second === star) {
    const close = text.indexOf('*/', from + 2);
    return close < 0 ? from : close + 2;
  }
  if (second !== slash) return from;
  for (let end = text.indexOf('\n', from); end >= 0; end = text.indexOf('\n', end + 1)) {
    const last = text.charCodeAt(end - 1) === carriageReturn ? end - 2 : end - 1;
    if (text.charCodeAt(last) !== backslash) return end;
  }
  return text.length;
}

/** Characters of a backslash with the newline behind it; 0 where there is none. */
function lengthOfJoint(text: string, at: number): number {
  if (text.charCodeAt(at) !== backslash) return 0;
  if (text.charCodeAt(at + 1) === newline) return 2;
  return text.charCodeAt(at + 1) === carriageReturn && text.charCodeAt(at + 2) === newline ? 3 : 0;
}

function endOfName(text: string, from: number): number {
  let at = from;
  for (;;) {
    while (classAt(text, at) >= classes.letter) at++;
    const joint = lengthOfJoint(text, at);
    if (joint === 0 || classAt(text, at + joint) < classes.letter) return at;
    at += joint;
  }
}

/** Exponents have a sign: `1e+3`, `0x1p-2`. */
function endOfNumber(text: string, from: number): number {
  let at = from;
  for (;;) {
    const next = text[at + 1];
    if ((next === '+' || next === '-') && /[eEpP]/.test(text[at] as string)) at += 2;
    else if (isOfNumber(text, at)) at++;
    else {
      const joint = lengthOfJoint(text, at);
      if (joint === 0 || !isOfNumber(text, at + joint)) return at;
      at += joint;
    }
  }
}

function isOfNumber(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === dot || (code !== dollar && classAt(text, at) >= classes.letter);
}

/** Whether a name here could be what a literal begins with. */
function hasPrefix(text: string, at: number): boolean {
  const first = text[at];
  if (first !== 'u' && first !== 'U' && first !== 'L') return false;
  const next = text[at + 1];
  return next === '"' || next === "'" || (first === 'u' && next === '8' && text[at + 2] === '"');
}

function lengthOfPunctuator(text: string, at: number): number {
  const second = text[at + 1];
  if (second === undefined) return 1;
  const first = text[at] as string;
  if ((second === first || first === '.') && threes.has(text.slice(at, at + 3))) return 3;
  return seconds[first]?.includes(second) ? 2 : 1;
}

function strayText(text: string, at: number): string {
  if (text.startsWith('/*', at)) return 'a comment that does not end';
  if (text[at] === '"') return 'a string that does not end on its line';
  if (text[at] === "'") return 'a character that does not end on its line';
  return `stray '${text[at]}'`;
}
