import type { Cursor } from './cursor.ts';
import { immediate, type Operand, type Place, type Register, register, type Width } from './instruction.ts';
import type { Size } from './opcodes.ts';

/** The rules of the grammar that read operands: registers and numbers of a width, types, places in memory. */

/** operand = register | number */
export function parseOperand(cursor: Cursor, width: Width): Operand {
  if (!cursor.atNumber) return registerOperand(cursor, width);
  if (width === 32) return immediate(cursor.word());
  return immediate(cursor.signedWord('`rN = NUMBER ll` loads a number of 64 bits'));
}

export function registerOperand(cursor: Cursor, width: Width): Operand {
  if (!cursor.atRegister) return cursor.unexpected('a register or a number');
  return register(registerOfWidth(cursor, width));
}

export function registerOfWidth(cursor: Cursor, width: Width): Register {
  const source = cursor.register();
  if (source.width !== width) {
    const wanted = `${width === 32 ? 'w' : 'r'}${source.number}`;
    cursor.fail(source.token, 'both registers of an operation have the same width', { expected: wanted });
  }
  return source.number;
}

const sizes = { u8: 1, u16: 2, u32: 4, u64: 8 } as const satisfies Record<string, Size>;
const signedSizes = { s8: 1, s16: 2, s32: 4 } as const satisfies Record<string, Size>;

/** access = "*" pointer */
export function parseAccess(cursor: Cursor): Place {
  cursor.expect('*');
  return parsePointer(cursor);
}

/** pointer = "(" type "*" ")" place */
export function parsePointer(cursor: Cursor): Place {
  const token = cursor.peek(1);
  const { size, signed } = parseType(cursor);
  if (signed) cursor.fail(token, 'only a load extends the sign', { expected: Object.keys(sizes).join(', ') });
  return { size, ...parsePlace(cursor) };
}

/** type = "u8" | "u16" | "u32" | "u64" | "s8" | "s16" | "s32", in "(" type "*" ")" */
export function parseType(cursor: Cursor): { size: Size; signed: boolean } {
  cursor.expect('(');
  const { text } = cursor.peek();
  const names = [...Object.keys(sizes), ...Object.keys(signedSizes)];
  if (!names.includes(text)) cursor.unexpected(names.join(', '));
  cursor.next();
  cursor.expect('*');
  cursor.expect(')');
  const signed = Object.hasOwn(signedSizes, text);
  return { size: signed ? signedSizes[text as keyof typeof signedSizes] : sizes[text as keyof typeof sizes], signed };
}

/** place = "(" register [ number ] ")" */
export function parsePlace(cursor: Cursor): { base: Register; offset: number } {
  cursor.expect('(');
  const place = parseSum(cursor);
  cursor.expect(')');
  return place;
}

/** sum = register [ number ] */
export function parseSum(cursor: Cursor): { base: Register; offset: number } {
  const base = registerOfWidth(cursor, 64);
  return { base, offset: cursor.atNumber ? signedOffset(cursor) : 0 };
}

function signedOffset(cursor: Cursor): number {
  if (cursor.peek().kind === 'number') cursor.unexpected("'+', '-' or ')'");
  return cursor.offset16();
}
