import type { Diagnostics } from '../diagnostics.ts';
import type { SourceFile, Token, TokenKind } from './token.ts';

/**
 * Text to tokens (C11 6.4): lines are joined first, comments become white space. Numbers are preprocessing numbers; what
 * they mean is found out when they are used. Characters are looked at as codes: one regular expression for all kinds of
 * tokens took five times as long, for the match object of each.
 */
const classes = { other: 0, blank: 1, punctuator: 2, letter: 3, digit: 4 } as const;

const classOf = new Uint8Array(128);
for (const blank of ' \t\r\f\v') classOf[blank.charCodeAt(0)] = classes.blank;
for (const digit of '0123456789') classOf[digit.charCodeAt(0)] = classes.digit;
for (let code = 65; code <= 90; code++) classOf[code] = classOf[code + 32] = classes.letter;
for (const letter of '_$') classOf[letter.charCodeAt(0)] = classes.letter;
for (const one of '-+*/%&|^~!<>=?:;,.(){}[]#@') classOf[one.charCodeAt(0)] = classes.punctuator;

type Eight = [number, number, number, number, number, number, number, number];
const codes = Array.from('\n"$\'*./\\<=>:%8', (one) => one.charCodeAt(0));
const [newline, quote, dollar, apostrophe, star, dot, slash, backslash] = codes as Eight;
const [less, equals, greater, colon, percent, eight] = codes.slice(8) as Eight;

/** Punctuators of two characters, by the code of the first and that of the second. */
const twos = new Uint8Array(128 * 128);
for (const two of '-> -- -= ++ += << <= >> >= == != && &= || |= *= /= %= ^= ##'.split(' ')) {
  twos[two.charCodeAt(0) * 128 + two.charCodeAt(1)] = 1;
}
/** Other spellings of punctuators (C11 6.4.6p3). */
const digraphs: Readonly<Record<string, string>> = {
  '<:': '[',
  ':>': ']',
  '<%': '{',
  '%>': '}',
  '%:': '#',
  '%:%:': '##',
};
/** A character of a name by its number (C11 6.4.3). */
const universal = /\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})/y;

/** A backslash at the end of a line, with blanks behind it or not, joins it with the next (C11 5.1.1.2). */
const joint = /\\[ \t]*\r?\n/g;

/** What is wrong with a token: told where the text is taken in, and not where a condition leaves it out. */
export interface Fault {
  readonly severity: 'error' | 'warning';
  readonly message: string;
  /** Characters into the token; 0 when absent. */
  readonly offset?: number;
}

export interface Tokens {
  /** The last is of kind 'end'. */
  readonly all: Token[];
  readonly faults: ReadonlyMap<Token, Fault>;
}

/** All tokens of a file. */
export function tokenize(file: SourceFile, diagnostics: Diagnostics): Tokens {
  return new Lexer(file, diagnostics).run();
}

class Lexer {
  readonly #file: SourceFile;
  readonly #text: string;
  readonly #diagnostics: Diagnostics;
  readonly #tokens: Token[] = [];
  readonly #faults = new Map<Token, Fault>();
  /** Names may hold characters as `\\u…`. */
  readonly #isEscaped: boolean;
  /** Where lines were joined, in the joined text, and how many characters went; the last that was passed. */
  readonly #joints: { readonly at: number; readonly length: number }[] = [];
  #joint = 0;
  /** Characters of joints before the place at hand. */
  #skipped = 0;
  #at = 0;
  #line = 1;
  #space = false;
  #first = true;

  constructor(file: SourceFile, diagnostics: Diagnostics) {
    this.#file = file;
    this.#diagnostics = diagnostics;
    this.#text = this.#joined(file.text);
    this.#isEscaped = this.#text.includes('\\');
    // A byte order mark says nothing.
    if (this.#text.charCodeAt(0) === 0xfeff) this.#at = 1;
  }

  #joined(text: string): string {
    if (!text.includes('\\')) return text;
    let removed = 0;
    return text.replace(joint, (written, at: number) => {
      this.#joints.push({ at: at - removed, length: written.length });
      removed += written.length;
      return '';
    });
  }

  run(): Tokens {
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
    this.#end();
    return { all: this.#tokens, faults: this.#faults };
  }

  #token(): void {
    const text = this.#text;
    const at = this.#at;
    const code = text.charCodeAt(at);
    const kind = classAt(text, at);
    const literal = code === quote || code === apostrophe || (kind === classes.letter && hasPrefix(text, at));
    if (literal && this.#literal(at + lengthOfPrefix(text, at))) return;
    if (kind === classes.letter || (code === backslash && endOfUniversal(text, at) > at)) this.#name();
    else if (kind === classes.digit || (code === dot && classAt(text, at + 1) === classes.digit)) {
      this.#push('number', endOfNumber(text, at));
    } else if ((code === less || code === colon || code === percent) && this.#digraph()) return;
    else if (kind === classes.punctuator && !(code === slash && text.charCodeAt(at + 1) === star)) {
      this.#push('punctuator', at + lengthOfPunctuator(text, at));
    } else this.#stray();
  }

  #name(): void {
    const at = this.#at;
    const end = endOfName(this.#text, at);
    const written = this.#text.slice(at, end);
    if (!this.#isEscaped || !written.includes('\\')) this.#push('name', end, written);
    else
      this.#push(
        'name',
        end,
        written.replace(/\\[uU]([0-9a-fA-F]+)/g, (_, point) => fromPoint(point)),
      );
  }

  /** `<:` and its like; false where none stands. */
  #digraph(): boolean {
    const text = this.#text;
    const at = this.#at;
    const length = text.startsWith('%:%:', at) ? 4 : 2;
    const meant = digraphs[text.slice(at, at + length)];
    if (meant !== undefined) this.#push('punctuator', at + length, meant);
    return meant !== undefined;
  }

  /** A string or character whose quote stands at `open`; false when it has no end. */
  #literal(open: number): boolean {
    const text = this.#text;
    const mark = text.charCodeAt(open);
    let end = open + 1;
    for (; text.charCodeAt(end) !== mark; end++) {
      if (end >= text.length || text.charCodeAt(end) === newline) return false;
      if (text.charCodeAt(end) === backslash && text.charCodeAt(end + 1) !== newline) end++;
    }
    const token = this.#push(mark === quote ? 'string' : 'char', end + 1);
    const fault = mark === quote ? oddString(token.text) : end === open + 1 ? emptyCharacter : undefined;
    if (fault) this.#faults.set(token, fault);
    return true;
  }

  #push(kind: TokenKind, end: number, text = this.#text.slice(this.#at, end)): Token {
    const at = this.#at;
    this.#passJoints(at);
    const token: Token = {
      kind,
      text,
      file: this.#file,
      offset: at + this.#skipped,
      line: this.#line,
      space: this.#space,
      first: this.#first,
    };
    this.#tokens.push(token);
    this.#space = false;
    this.#first = false;
    this.#at = end;
    return token;
  }

  /** As clang counts, a text ends before its last newline. */
  #end(): void {
    const [written = ''] = /\r?\n$/.exec(this.#text) ?? [];
    this.#at = this.#text.length - written.length;
    if (written !== '') this.#line--;
    this.#push('end', this.#at);
  }

  /** Each joint hides the end of a line. */
  #passJoints(at: number): void {
    const joints = this.#joints;
    for (let next = joints[this.#joint]; next && next.at <= at; next = joints[++this.#joint]) {
      this.#skipped += next.length;
      this.#line++;
    }
  }

  /** Goes on at `end`, and counts the lines up to there. */
  #skip(end: number): void {
    const text = this.#text;
    for (let i = this.#at; i < end; i++) if (text.charCodeAt(i) === newline) this.#line++;
    this.#at = end;
  }

  /** What begins no token. A literal without an end goes to the end of its line, and a comment to that of the text. */
  #stray(): void {
    const text = this.#text;
    const at = this.#at;
    const written = text[at] as string;
    if (text.startsWith('/*', at)) {
      const token = this.#push('stray', text.length);
      this.#tokens.pop();
      this.#diagnostics.error(token, 'unterminated /* comment');
      return;
    }
    if (written === '"' || written === "'") {
      const line = text.indexOf('\n', at);
      const end = line < 0 ? text.length : line;
      const kind = written === '"' ? 'string' : 'char';
      const body = text.slice(at + 1, end).replace(/\r$|\\$/, '');
      const token = this.#push(kind, end, `${written}${body}${written}`);
      this.#faults.set(token, {
        severity: 'error',
        message: `missing terminating ${written === '"' ? `'"'` : `'`} character`,
      });
      return;
    }
    const point = text.codePointAt(at) as number;
    const token = this.#push('stray', at + (point > 0xffff ? 2 : 1));
    this.#faults.set(token, strayFault(written, point));
  }
}

const emptyCharacter: Fault = { severity: 'error', message: 'empty character constant' };

/** A string that holds what hardly anybody means. */
function oddString(text: string): Fault | undefined {
  const unknown = unknownEscape(text);
  if (unknown) return unknown;
  if (text.includes('\0')) return { severity: 'warning', message: 'null character(s) preserved in string literal' };
  if (!text.includes('\ufffd')) return undefined;
  return { severity: 'warning', message: 'illegal character encoding in string literal' };
}

/** A backslash before what C gives no meaning. */
function unknownEscape(text: string): Fault | undefined {
  if (!text.includes('\\')) return undefined;
  for (const { 0: written, index } of text.matchAll(/\\[\s\S]/g)) {
    if (/[^abefnrtvxuU0-7'"?\\]/.test(written[1] as string)) {
      return { severity: 'warning', message: `unknown escape sequence '${written}'`, offset: index };
    }
  }
  return undefined;
}

function strayFault(written: string, point: number): Fault {
  if (point === 0) return { severity: 'warning', message: 'null character ignored' };
  if (point === 0xfffd) return { severity: 'error', message: 'source file is not valid UTF-8' };
  if (point < 0x7f && point > 0x20) return { severity: 'error', message: `stray '${written}' in program` };
  const code = point.toString(16).toUpperCase().padStart(4, '0');
  return { severity: 'error', message: `unexpected character <U+${code}>` };
}

function classAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code < 128) return classOf[code] as number;
  return Number.isNaN(code) ? classes.other : wideClass(text, at);
}

/** Names may hold the letters of any script; both halves of a pair count as what they are together. */
function wideClass(text: string, at: number): number {
  const code = text.charCodeAt(at);
  const point = code >= 0xdc00 && code <= 0xdfff ? text.codePointAt(at - 1) : text.codePointAt(at);
  const written = String.fromCodePoint(point ?? 0);
  if (/^\p{ID_Start}$/u.test(written)) return classes.letter;
  return /^\p{ID_Continue}$/u.test(written) ? classes.digit : classes.other;
}

/** Behind `\u` and four digits, or `\U` and eight; the place itself where none stands. */
function endOfUniversal(text: string, at: number): number {
  universal.lastIndex = at;
  const [written] = universal.exec(text) ?? [];
  return written !== undefined && isNamed(written) ? at + written.length : at;
}

function isNamed(written: string): boolean {
  return /^\p{ID_Continue}$/u.test(fromPoint(written.slice(2)));
}

function fromPoint(digits: string): string {
  const point = Number.parseInt(digits, 16);
  return String.fromCodePoint(point > 0x10ffff ? 0xfffd : point);
}

/** Behind blanks and comments. */
function endOfSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (classOf[code] === classes.blank) {
      at++;
      continue;
    }
    const end = code === slash ? endOfComment(text, at) : at;
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
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

function endOfName(text: string, from: number): number {
  let at = from;
  for (;;) {
    if (classAt(text, at) >= classes.letter) at++;
    else {
      const end = text.charCodeAt(at) === backslash ? endOfUniversal(text, at) : at;
      if (end === at) return at;
      at = end;
    }
  }
}

/** Exponents have a sign: `1e+3`, `0x1p-2`. */
function endOfNumber(text: string, from: number): number {
  let at = from;
  for (;;) {
    if (!isOfNumber(text, at)) return at;
    const next = text[at + 1];
    at += (next === '+' || next === '-') && /[eEpP]/.test(text[at] as string) ? 2 : 1;
  }
}

function isOfNumber(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === dot || (code !== dollar && classAt(text, at) >= classes.letter);
}

/** Whether a name here could be what a literal begins with. */
function hasPrefix(text: string, at: number): boolean {
  const next = text.charCodeAt(at + 1);
  if (next !== quote && next !== apostrophe && next !== eight) return false;
  if (text[at] === 'u') return next !== eight || text.charCodeAt(at + 2) === quote;
  return next !== eight && (text[at] === 'U' || text[at] === 'L');
}

/** Characters before the quote: none, `u`, `U`, `L` or `u8`. */
function lengthOfPrefix(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code === quote || code === apostrophe) return 0;
  return text[at + 1] === '8' ? 2 : 1;
}

function lengthOfPunctuator(text: string, at: number): number {
  const first = text.charCodeAt(at);
  const second = text.charCodeAt(at + 1);
  if (first === dot) return second === dot && text.charCodeAt(at + 2) === dot ? 3 : 1;
  if (!(second < 128) || twos[first * 128 + second] === 0) return 1;
  const shifts = first === second && (first === less || first === greater);
  return shifts && text.charCodeAt(at + 2) === equals ? 3 : 2;
}
