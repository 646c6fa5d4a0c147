import { roundUp } from '../base/index.ts';

/**
 * Struct layouts of an object's own: what `.struct` declares once and both the program (as offsets) and the reader of
 * its records (as a decoder) use. Laid out as C does on x86-64: each field at its natural alignment, the whole rounded
 * up to the widest.
 */
export interface StructLayout {
  readonly name: string;
  /** bytes */
  readonly size: number;
  readonly align: number;
  readonly fields: readonly FieldLayout[];
  /** All fields lie at its start. */
  readonly union?: true;
}

export interface FieldLayout {
  readonly name: string;
  readonly type: FieldType;
  /** Bytes from the start of the struct. */
  readonly offset: number;
  /** Bytes, all elements together. */
  readonly size: number;
  /** Elements of an array; 0 when it is none. */
  readonly length: number;
  /** Of a bit-field: its first bit in the integer at `offset`, and how many. */
  readonly bits?: { readonly shift: number; readonly width: number };
}

export type FieldType =
  | { readonly kind: 'int'; readonly size: 1 | 2 | 4 | 8; readonly signed: boolean; readonly char: boolean }
  | { readonly kind: 'struct'; readonly struct: StructLayout }
  /** A key or value that is an array itself, `char name[16]`; in a struct a field's `length` says it. */
  | { readonly kind: 'array'; readonly element: FieldType; readonly length: number };

const unsigned = (size: 1 | 2 | 4 | 8): FieldType => ({ kind: 'int', size, signed: false, char: false });
const signed = (size: 1 | 2 | 4 | 8): FieldType => ({ kind: 'int', size, signed: true, char: false });

/** The C types that a field may have besides an earlier struct. Values in the CPU's byte order (little-endian). */
export const fieldTypes = {
  u8: unsigned(1),
  u16: unsigned(2),
  u32: unsigned(4),
  u64: unsigned(8),
  s8: signed(1),
  s16: signed(2),
  s32: signed(4),
  s64: signed(8),
  char: { kind: 'int', size: 1, signed: true, char: true },
} as const satisfies Record<string, FieldType>;

/** The type of that name, when it is one of `fieldTypes`. */
export function namedFieldType(name: string): FieldType | undefined {
  return Object.hasOwn(fieldTypes, name) ? fieldTypes[name as keyof typeof fieldTypes] : undefined;
}

export interface FieldDeclaration {
  readonly name: string;
  readonly type: FieldType;
  readonly length: number;
}

export function layOut(name: string, declarations: readonly FieldDeclaration[]): StructLayout {
  let end = 0;
  let align = 1;
  const fields = declarations.map(({ name: fieldName, type, length }) => {
    const own = alignOf(type);
    const offset = roundUp(end, own);
    const size = sizeOfType(type) * (length || 1);
    end = offset + size;
    align = Math.max(align, own);
    return { name: fieldName, type, offset, size, length };
  });
  return { name, size: roundUp(end, align), align, fields };
}

export function sizeOfType(type: FieldType): number {
  switch (type.kind) {
    case 'int':
      return type.size;
    case 'struct':
      return type.struct.size;
    case 'array':
      return sizeOfType(type.element) * type.length;
  }
}

function alignOf(type: FieldType): number {
  switch (type.kind) {
    case 'int':
      return type.size;
    case 'struct':
      return type.struct.align;
    case 'array':
      return alignOf(type.element);
  }
}

export interface FieldPlace {
  readonly offset: number;
  readonly size: number;
}

/** A field by its dotted path, or the names that stand where it went wrong. */
export function fieldPlace(
  struct: StructLayout,
  path: readonly string[],
): FieldPlace | { readonly unknown: string; readonly names: readonly string[] } {
  let offset = 0;
  let size = struct.size;
  let layout: StructLayout | undefined = struct;
  for (const part of path) {
    const field: FieldLayout | undefined = layout?.fields.find((candidate) => candidate.name === part);
    if (!field) return { unknown: part, names: layout?.fields.map((candidate) => candidate.name) ?? [] };
    offset += field.offset;
    size = field.size;
    layout = field.type.kind === 'struct' ? field.type.struct : undefined;
  }
  return { offset, size };
}
