import { characterWidth, type LiteralPrefix, literalPrefix, quotedUnits } from '../../base/index.ts';
import type { Token } from '../preprocess/token.ts';
import { type CType, type IntType, sizeOf, types } from '../types/types.ts';
import type { Expression } from './ast.ts';
import type { Parsing } from './parsing.ts';

/** String literals (C11 6.4.5): those beside each other are one, whose characters are as wide as any prefix says. */
export const characterTypes: Readonly<Record<LiteralPrefix, IntType>> = {
  '': types.char,
  u8: types.char,
  u: types.ushort,
  U: types.uint,
  L: types.int,
};

/** The strings in a row that stand here, read; their last character is 0. */
export function stringLiteral(p: Parsing): Expression & { readonly kind: 'string' } {
  const at = p.token;
  const parts: Token[] = [];
  while (p.token.kind === 'string') parts.push(p.next());
  const element = characterType(p, parts);
  const width = sizeOf(element) as 1 | 2 | 4;
  const units = parts.flatMap((part) => quotedUnits(part.text, width));
  units.push(0);
  const bytes = new Uint8Array(units.length * width);
  for (const [i, unit] of units.entries()) {
    for (let byte = 0; byte < width; byte++) bytes[i * width + byte] = Math.floor(unit / 256 ** byte) % 256;
  }
  const type: CType = { kind: 'array', element, length: units.length };
  return { kind: 'string', type, at, bytes };
}

/** Of strings in a row, one prefix counts. */
function characterType(p: Parsing, parts: readonly Token[]): IntType {
  let prefix: LiteralPrefix = '';
  for (const part of parts) {
    const own = literalPrefix(part.text);
    if (own !== '' && prefix !== '' && own !== prefix) {
      p.diagnostics.error(part, 'unsupported non-standard concatenation of string literals');
    }
    if (own !== '') prefix = own;
  }
  return characterTypes[prefix];
}

/** Bytes of each character of the strings in a row that begin so many tokens from here. */
export function stringWidthAt(p: Parsing, distance: number): 1 | 2 | 4 {
  let width: 1 | 2 | 4 = 1;
  for (let i = distance; p.peek(i).kind === 'string'; i++) {
    const own = characterWidth(literalPrefix(p.peek(i).text));
    if (own > width) width = own;
  }
  return width;
}
