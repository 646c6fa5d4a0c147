import type { Position } from '../../base/index.ts';

/**
 * Tokens and where they come from. A token that a macro produced keeps the place where it was written and, in `from`,
 * the token whose expansion brought it in, so that a diagnostic can tell both.
 */
export interface SourceFile {
  /** What diagnostics call it: `#line` gives it another from there on. */
  readonly name: string;
  readonly text: string;
  /** Where it really lies, when `#line` renamed it. */
  readonly path?: string;
  /** The `#include` that took it in. */
  readonly from?: Token;
}

export type TokenKind = 'name' | 'number' | 'string' | 'char' | 'punctuator' | 'pragma' | 'stray' | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly file: SourceFile;
  /** Characters from the start of the file. */
  readonly offset: number;
  /** 1-based. */
  readonly line: number;
  /** White space stands before it. */
  readonly space: boolean;
  /** It is the first of its line. */
  readonly first: boolean;
  /** Macros that must not expand it again. */
  readonly hidden?: ReadonlySet<string>;
  /** The use of the macro that produced it. */
  readonly from?: Token | undefined;
}

/** Where the text itself asked for a token: the token, or the outermost use of a macro that made it. */
export function askedBy(token: Token): Token {
  let at = token;
  while (at.from) at = at.from;
  return at;
}

interface Line {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The line of each file that was asked for last: thousands of places may lie on one. */
const lastLines = new WeakMap<SourceFile, Line>();

function lineAt(file: SourceFile, offset: number): Line {
  const last = lastLines.get(file);
  if (last && offset >= last.start && offset <= last.end) return last;
  const { text } = file;
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const newline = text.indexOf('\n', offset);
  const end = newline < 0 ? text.length : newline;
  const line = { start, end, text: text.slice(start, end) };
  lastLines.set(file, line);
  return line;
}

/** The place where a token was written, with the text of its line. */
export function positionOf({ file, line, offset }: Token): Position {
  const { start, text } = lineAt(file, offset);
  return { file: file.name, line, column: offset - start + 1, text };
}

/** As `positionOf`, where it is known of another token: mostly they stand in one line. */
export function positionNear(token: Token, known: Token, at: Position): Position {
  if (token.file !== known.file || token.line !== known.line) return positionOf(token);
  const { file, line, text } = at as Required<Position>;
  return { file, line, column: (at.column as number) + token.offset - known.offset, text };
}

/** The place right behind a token, where something is missing. */
export function behind(token: Token): Token {
  return { ...token, kind: 'end', offset: token.offset + token.text.length, text: '' };
}

/** A string or character that its line ended: its last quote does not stand in the file. */
export function isUnterminated({ kind, text, offset, file }: Token): boolean {
  return (kind === 'string' || kind === 'char') && file.text[offset + text.length - 1] !== text.at(-1);
}

/** The `#include`s that led to a token's file, the outermost first. */
export function includesAround(token: Token): Token[] {
  const includes: Token[] = [];
  for (let from = token.file.from; from; from = from.file.from) includes.push(from);
  return includes.reverse();
}

/** Tokens as text, one blank where white space stood. */
export function spell(tokens: readonly Token[]): string {
  let text = '';
  for (const [i, token] of tokens.entries()) text += i > 0 && token.space ? ` ${token.text}` : token.text;
  return text;
}

/** As `push`, for more than a call takes arguments. */
export function append(to: Token[], more: readonly Token[]): void {
  for (let i = 0; i < more.length; i++) to.push(more[i] as Token);
}
