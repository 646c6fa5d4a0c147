import { type FieldLayout, type FieldType, fieldTypes, type StructLayout } from '../../object/index.ts';
import { type CType, type Member, type StructBody, type StructType, sizeOf } from '../types/types.ts';

/** C types as the layouts of an ObjectSpec, for those who read keys, values and records. */

/** Structs within structs; what is deeper is bytes. */
const deepest = 16;

export class Layouts {
  /** By how deep a struct lies: one of two of one of two … has very many ways to the innermost. */
  readonly #known = new Map<StructType, (StructLayout | undefined)[]>();

  field(type: CType, depth = 0): FieldType | undefined {
    if (depth > deepest) return undefined;
    if (type.kind === 'pointer') return fieldTypes.u64;
    if (type.kind === 'struct') {
      const struct = this.struct(type, depth + 1);
      return struct && { kind: 'struct', struct };
    }
    if (type.kind === 'array') {
      const element = this.field(type.element, depth);
      return element && { kind: 'array', element, length: type.length ?? 0 };
    }
    if (type.kind !== 'int' || type.size === 16) return undefined;
    if (type.name === 'char') return fieldTypes.char;
    return fieldTypes[`${type.signed ? 's' : 'u'}${(type.size * 8) as 8 | 16 | 32 | 64}`];
  }

  struct(type: StructType, depth = 0): StructLayout | undefined {
    const { body } = type;
    if (!body) return undefined;
    const known = this.#known.get(type) ?? [];
    this.#known.set(type, known);
    known[depth] ??= this.#laidOut(type, body, depth);
    return known[depth];
  }

  #laidOut(type: StructType, { size, align, members }: StructBody, depth: number): StructLayout {
    const fields = members.flatMap((member) => this.#fields(member, 0, depth));
    const layout = { name: type.tag, size, align, fields };
    return type.union ? { ...layout, union: true } : layout;
  }

  /** A member's fields: an anonymous struct's stand in its place; 128-bit integers are 16 bytes. */
  #fields(member: Member, base: number, depth: number): FieldLayout[] {
    const { name, type } = member;
    const offset = base + member.offset;
    if (name === '' && type.kind === 'struct') {
      return (type.body?.members ?? []).flatMap((one) => this.#fields(one, offset, depth + 1));
    }
    if (type.kind === 'int' && type.size === 16) return [{ name, type: fieldTypes.u8, offset, size: 16, length: 16 }];
    let element: CType = type;
    let length = 0;
    while (element.kind === 'array') {
      length = (length || 1) * (element.length ?? 0);
      element = element.element;
    }
    const field = this.field(element, depth);
    if (!field) return [{ name, type: fieldTypes.u8, offset, size: sizeOf(type), length: sizeOf(type) }];
    const { bits } = member;
    return [{ name, type: field, offset, size: sizeOf(type), length, ...(bits ? { bits } : {}) }];
  }
}
