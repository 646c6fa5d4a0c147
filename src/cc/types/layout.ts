import type { Token } from '../preprocess/token.ts';
import { alignOf, type BitField, type CType, type Member, type StructBody, sizeOf } from './types.ts';

/** Where the members of a struct lie: the System V ABI, with what `packed`, `aligned` and `#pragma pack` change of it. */
export interface MemberDeclaration {
  readonly name: string;
  readonly type: CType;
  /** Width in bits of a bit-field. */
  readonly width?: number;
  readonly align?: number;
  /** At any byte, whatever its type wants. */
  readonly packed?: boolean;
  readonly constant?: Token | undefined;
}

export interface LayoutOptions {
  readonly packed: boolean;
  readonly align: number;
  /** Bytes that `#pragma pack` lets a member be aligned to at most. */
  readonly pack?: number | undefined;
}

/** Lays out a struct or union as the System V ABI does. */
export function layOutStruct(
  union: boolean,
  declarations: readonly MemberDeclaration[],
  options: LayoutOptions,
): StructBody {
  const { pack = Number.POSITIVE_INFINITY } = options;
  const members: (Member | FieldDeclaration)[] = [];
  let bits = 0;
  let size = 0;
  let align = options.align;
  for (const { name, type, width, align: own = 1, packed = options.packed, constant } of declarations) {
    const loose = packed || options.packed;
    const need = Math.min(Math.max(loose ? 1 : alignOf(type), own), pack);
    if (union) bits = 0;
    if (width === undefined) {
      const offset = Math.ceil(bits / 8 / need) * need;
      members.push({ name, type, offset, ...(own > 1 ? { align: own } : {}), ...(constant ? { constant } : {}) });
      bits = (offset + sizeOf(type)) * 8;
      align = Math.max(align, need);
    } else {
      const storage = sizeOf(type) * 8;
      if (width === 0) bits = Math.ceil(bits / storage) * storage;
      else {
        const crosses = Math.floor(bits / storage) !== Math.floor((bits + width - 1) / storage);
        if (crosses && !loose && pack === Number.POSITIVE_INFINITY) bits = Math.ceil(bits / storage) * storage;
        if (own > 1 && own <= pack) bits = Math.ceil(bits / 8 / own) * own * 8;
        if (name !== '') members.push({ name, type, at: bits, width, ...(constant ? { constant } : {}) });
        bits += width;
        if (name !== '') align = Math.max(align, need);
      }
    }
    size = Math.max(size, Math.ceil(bits / 8));
  }
  const total = Math.ceil(size / align) * align;
  const placed = members.map((one) => ('at' in one ? placedField(one, total) : one));
  return { size: total, align, members: placed };
}

interface FieldDeclaration {
  readonly name: string;
  readonly type: CType;
  /** Its first bit in the struct. */
  readonly at: number;
  readonly width: number;
  readonly constant?: Token;
}

function placedField({ name, type, at, width, constant }: FieldDeclaration, structSize: number): Member {
  const field = bitField(name, type, at, width, structSize);
  return constant ? { ...field, constant } : field;
}

/**
 * A bit-field with its storage: its type's size at the aligned place that holds its first bit, or less where that would
 * reach beyond the struct.
 */
export function bitField(name: string, type: CType, bitOffset: number, width: number, structSize: number): Member {
  for (const storage of [8, 4, 2, 1] as const) {
    if (storage > sizeOf(type)) continue;
    const offset = Math.floor(bitOffset / 8 / storage) * storage;
    const shift = bitOffset - offset * 8;
    if (shift + width > storage * 8 || offset + storage > structSize) continue;
    return { name, type, offset, bits: { shift, width, storage } };
  }
  // A packed struct's, across the boundaries of its type.
  const offset = Math.floor(bitOffset / 8);
  return { name, type, offset, bits: { shift: bitOffset - offset * 8, width, storage: undefined } };
}

/** Bytes that a bit-field touches, or that any other member takes. */
export function extentOf(type: CType, bits: BitField | undefined): number {
  return bits ? (bits.storage ?? Math.ceil((bits.shift + bits.width) / 8)) : sizeOf(type);
}
