import { type FaultDetails, InputError, type Position } from '../base/index.ts';

/**
 * Assembly text as lines of tokens. Comments go from `//`, `#` or `;` to the end of the line, or from `/*` to its
 * end on any later line; a `#` glued to a name is not one, as the verifier writes `call bpf_ktime_get_ns#5`.
 */
export type TokenKind = 'name' | 'number' | 'operator' | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** 1-based. */
  readonly column: number;
}

/** One line of a file, for positions. */
export interface SourceLine {
  readonly file: string | undefined;
  /** 1-based. */
  readonly number: number;
  readonly text: string;
}

/** The line's tokens, with an `end` behind the last. */
export interface TokenLine {
  readonly source: SourceLine;
  readonly tokens: readonly Token[];
}

const shapes: readonly (readonly [TokenKind | 'blank' | 'comment', RegExp])[] = [
  ['blank', /[ \t\f\v\r]+/y],
  ['comment', /(?:\/\/|;|#).*/y],
  // Signed operators begin with a letter, so they come before names.
  ['operator', /s(?:>>=|>=|<=|\/=|%=|>|<)/y],
  ['number', /0[xX][0-9a-fA-F]+|0[bB][01]+|\d+(?![\w.$])/y],
  ['name', /%?[A-Za-z_.$@][\w.$@]*(?:#-?\d+)?/y],
  ['operator', /<<=|>>=|[-+*/|&%^=!<>]=|[-+*()[\],:<>=&]/y],
];

/** Splits lines into tokens. `code` is the part of a line to read, at its own columns. @throws InputError */
export function tokenize(lines: readonly { readonly source: SourceLine; readonly code: string }[]): TokenLine[] {
  let open: InputError | undefined;
  const tokenized = lines.map(({ source, code }) => {
    const blanked = blankBlockComments(source, code, open);
    open = blanked.open;
    return { source, tokens: tokensOf(source, blanked.code) };
  });
  if (open) throw open;
  return tokenized;
}

/** Blanks what block comments cover, so that columns stay; `open` is the fault to raise when one never ends. */
function blankBlockComments(
  source: SourceLine,
  text: string,
  open: InputError | undefined,
): { code: string; open?: InputError } {
  let code = '';
  let inside = open;
  let at = 0;
  while (at < text.length) {
    if (inside) {
      const end = text.indexOf('*/', at);
      const next = end < 0 ? text.length : end + 2;
      if (end >= 0) inside = undefined;
      code += ' '.repeat(next - at);
      at = next;
      continue;
    }
    const start = text.slice(at).search(/\/\*|\/\/|;|(?<!\w)#/);
    if (start < 0 || !text.startsWith('/*', at + start)) return { code: code + text.slice(at) };
    code += `${text.slice(at, at + start)}  `;
    at += start + 2;
    inside = fault(source, at - 1, 'this comment never ends', { expected: '*/' });
  }
  return inside ? { code, open: inside } : { code };
}

function tokensOf(source: SourceLine, code: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < code.length) {
    const found = shapeAt(code, at);
    if (!found) {
      const text = /^\d[\w.$]*|^./u.exec(code.slice(at))?.[0] as string;
      const what = /^\d/.test(text) ? 'is no number' : 'means nothing here';
      throw fault(source, at + 1, `'${text}' ${what}`);
    }
    if (found.kind !== 'blank' && found.kind !== 'comment') {
      tokens.push({ kind: found.kind, text: found.text, column: at + 1 });
    }
    at += found.text.length;
  }
  tokens.push({ kind: 'end', text: '', column: code.trimEnd().length + 1 });
  return tokens;
}

/** The first shape that matches at a place. */
function shapeAt(code: string, at: number): { kind: (typeof shapes)[number][0]; text: string } | undefined {
  for (const [kind, pattern] of shapes) {
    pattern.lastIndex = at;
    const text = pattern.exec(code)?.[0];
    if (text !== undefined) return { kind, text };
  }
  return undefined;
}

export function positionOf(source: SourceLine, column: number): Position {
  const { number: line, text } = source;
  return source.file === undefined ? { line, column, text } : { file: source.file, line, column, text };
}

export function fault(source: SourceLine, column: number, message: string, details: FaultDetails = {}): InputError {
  return new InputError(message, { ...details, at: positionOf(source, column) });
}
