import type { Diagnostics } from '../diagnostics.ts';
import type { SourceFile, Token, TokenKind } from './token.ts';

/**
 * Text to tokens (C11 6.4): comments become white space, a backslash before a newline joins lines. Numbers are
 * preprocessing numbers; what they mean is found out when they are used.
 */
const pattern = new RegExp(
  [
    '(?<space>(?:[ \\t\\r\\f\\v]|\\\\\\r?\\n|//(?:\\\\\\r?\\n|[^\\n])*|/\\*[\\s\\S]*?\\*/)+)',
    '(?<line>\\n)',
    '(?<string>(?:u8|[LuU])?"(?:\\\\[\\s\\S]|[^"\\\\\\n])*")',
    "(?<char>(?:[LuU])?'(?:\\\\[\\s\\S]|[^'\\\\\\n])*')",
    '(?<name>[A-Za-z_$](?:[A-Za-z0-9_$]|\\\\\\r?\\n(?=[A-Za-z0-9_$]))*)',
    '(?<number>\\.?[0-9](?:[eEpP][+-]|[A-Za-z0-9_.]|\\\\\\r?\\n(?=[A-Za-z0-9_.]))*)',
    '(?<punctuator>\\.\\.\\.|<<=|>>=|->|\\+\\+|--|<<|>>|<=|>=|==|!=|&&|\\|\\||[-+*/%&|^]=|##|[-+*/%&|^~!<>=?:;,.(){}\\[\\]#@])',
  ].join('|'),
  'y',
);

/** All tokens of a file, the last of kind 'end'. */
export function tokenize(file: SourceFile, diagnostics: Diagnostics): Token[] {
  const { text } = file;
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  let space = false;
  let first = true;
  const push = (kind: TokenKind, written: string): void => {
    // A name or number may go on over the end of a line.
    const spelling = written.includes('\n') && kind !== 'string' ? written.replace(/\\\r?\n/g, '') : written;
    tokens.push({ kind, text: spelling, file, offset: at, line, space, first });
    space = false;
    first = false;
  };
  while (at < text.length) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (!match) {
      const token: Token = { kind: 'punctuator', text: text[at] as string, file, offset: at, line, space, first };
      diagnostics.error(token, strayText(text, at));
      at = text.startsWith('/*', at) ? text.length : at + 1;
      continue;
    }
    const spelling = match[0];
    const groups = match.groups as Record<string, string | undefined>;
    if (groups.line !== undefined) {
      line++;
      first = true;
      space = true;
    } else if (groups.space !== undefined) {
      for (let i = spelling.indexOf('\n'); i >= 0; i = spelling.indexOf('\n', i + 1)) line++;
      space = true;
    } else if (groups.name !== undefined) push('name', spelling);
    else if (groups.number !== undefined) push('number', spelling);
    else if (groups.string !== undefined) push('string', spelling);
    else if (groups.char !== undefined) push('char', spelling);
    else push('punctuator', spelling);
    if (tokens.length > 0 && groups.line === undefined && groups.space === undefined) line += newlines(spelling);
    at += spelling.length;
  }
  at = text.length;
  first = true;
  push('end', '');
  return tokens;
}

function newlines(text: string): number {
  return text.includes('\n') ? text.split('\n').length - 1 : 0;
}

function strayText(text: string, at: number): string {
  if (text.startsWith('/*', at)) return 'a comment that does not end';
  if (text[at] === '"') return 'a string that does not end on its line';
  if (text[at] === "'") return 'a character that does not end on its line';
  return `stray '${text[at]}'`;
}

const escapes: Readonly<Record<string, number>> = {
  n: 10,
  t: 9,
  r: 13,
  a: 7,
  b: 8,
  f: 12,
  v: 11,
  e: 27,
  '\\': 92,
  "'": 39,
  '"': 34,
  '?': 63,
};

/** The bytes between the quotes of a string or character token. */
export function quotedBytes(spelling: string): number[] {
  const bytes: number[] = [];
  const body = spelling.slice(spelling.search(/["']/) + 1, -1);
  for (let i = 0; i < body.length; i++) {
    const char = body[i] as string;
    if (char !== '\\') {
      const point = body.codePointAt(i) as number;
      for (const byte of Buffer.from(String.fromCodePoint(point))) bytes.push(byte);
      if (point > 0xffff) i++;
      continue;
    }
    const rest = body.slice(i + 1);
    const numeric = /^(?:x([0-9a-fA-F]+)|([0-7]{1,3}))/.exec(rest);
    if (numeric) {
      bytes.push(Number.parseInt((numeric[1] ?? numeric[2]) as string, numeric[1] === undefined ? 8 : 16) & 0xff);
      i += numeric[0].length;
    } else {
      const next = rest[0];
      if (next !== '\n') bytes.push(escapes[next as string] ?? (next ?? '\\').charCodeAt(0));
      i++;
    }
  }
  return bytes;
}

export interface IntegerLiteral {
  readonly value: bigint;
  readonly unsigned: boolean;
  /** `l` or `ll` stands behind it. */
  readonly long: boolean;
  readonly decimal: boolean;
}

/** What a preprocessing number means as an integer, or undefined when it is none. */
export function integerOf(spelling: string): IntegerLiteral | undefined {
  const match = /^(0[xX][0-9a-fA-F]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)([uUlL]*)$/.exec(spelling);
  if (!match) return undefined;
  const [, digits = '0', suffix = ''] = match;
  if (!/^(u?l{0,2}|l{0,2}u?)$/i.test(suffix)) return undefined;
  const octal = /^0[0-7]+$/.test(digits);
  return {
    value: BigInt(octal ? `0o${digits.slice(1)}` : digits),
    unsigned: /u/i.test(suffix),
    long: /l/i.test(suffix),
    decimal: !digits.startsWith('0') || digits === '0',
  };
}
