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
