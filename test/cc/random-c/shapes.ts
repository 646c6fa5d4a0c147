import type { Random } from '../../../src/base/index.ts';

/** The types of random programs: integers of every kind, enums, structs and unions with bit-fields, arrays. */
export type Shape = Scalar | Struct | Sequence;

export interface Scalar {
  readonly kind: 'scalar';
  readonly name: string;
  readonly bits: number;
}

export interface Field {
  readonly name: string;
  readonly type: Shape;
  /** Bits of a bit-field. */
  readonly width?: number;
}

export interface Struct {
  readonly kind: 'struct';
  /** `struct st_0`. */
  readonly name: string;
  readonly fields: readonly Field[];
  readonly packed: boolean;
  /** All of its bytes are one member's or another's, and each of them may have any value. */
  readonly union: boolean;
  /** At least as many bytes as it takes. */
  readonly size: number;
}

export interface Sequence {
  readonly kind: 'array';
  readonly element: Shape;
  /** A power of two. */
  readonly length: number;
}

const scalar = (name: string, bits: number): Scalar => ({ kind: 'scalar', name, bits });

export const integers: readonly Scalar[] = [
  scalar('u8', 8),
  scalar('s8', 8),
  scalar('u16', 16),
  scalar('s16', 16),
  scalar('u32', 32),
  scalar('s32', 32),
  scalar('u64', 64),
  scalar('s64', 64),
];
export const wholes: readonly Scalar[] = [
  ...integers,
  scalar('char', 8),
  scalar('long', 64),
  scalar('unsigned long', 64),
];
export const bool = scalar('_Bool', 1);
export const word = scalar('u64', 64);

export function scalarNamed(name: string): Scalar {
  return wholes.find((one) => one.name === name) ?? scalar(name, 32);
}

export function sizeOf(shape: Shape): number {
  if (shape.kind === 'struct') return shape.size;
  if (shape.kind === 'array') return shape.length * sizeOf(shape.element);
  return Math.ceil(shape.bits / 8);
}

/** A declaration of `name` with the shape. */
export function declare(shape: Shape, name: string): string {
  if (shape.kind === 'array') return declare(shape.element, `${name}[${shape.length}]`);
  return `${shape.name} ${name}`;
}

/** Eight bytes that can be read in several ways, none with a hole; the first member covers all. */
function overlaid(r: Random, prefix: string): { readonly text: string; readonly fields: readonly Field[] } {
  const fields: Field[] = [{ name: `${prefix}w`, type: scalarNamed(r.pick(['u64', 's64'])) }];
  const texts = [`${fields[0] && declare(fields[0].type, `${prefix}w`)};`];
  const add = (name: string, type: Shape): void => {
    fields.push({ name: prefix + name, type });
    texts.push(`${declare(type, prefix + name)};`);
  };
  const array = (type: string, length: number): Sequence => ({ kind: 'array', element: scalarNamed(type), length });
  if (r.chance(0.6)) add('h', array(r.pick(['u32', 's32']), 2));
  if (r.chance(0.5)) add('q', array(r.pick(['u16', 's16']), 4));
  if (r.chance(0.5)) add('b', array(r.pick(['u8', 's8', 'char']), 8));
  if (r.chance(0.5)) {
    const first = r.int(1, 31);
    const [low, high] = [scalarNamed(r.pick(['u32', 's32'])), scalarNamed(r.pick(['u32', 's32']))];
    const last = scalarNamed(r.pick(['u32', 's32']));
    fields.push({ name: `${prefix}x`, type: low, width: first }, { name: `${prefix}y`, type: high, width: 32 - first });
    fields.push({ name: `${prefix}z`, type: last });
    texts.push(
      `struct { ${low.name} ${prefix}x : ${first}; ${high.name} ${prefix}y : ${32 - first}; ${last.name} ${prefix}z; };`,
    );
  }
  return { text: `{ ${texts.join(' ')} }`, fields };
}

function bitField(r: Random, name: string): { readonly text: string; readonly field: Field; readonly size: number } {
  const type = r.chance(0.15) ? bool : r.pick(integers);
  const width = r.int(1, type.bits);
  const hole = r.chance(0.1) ? ` ${type.name === '_Bool' ? 'u8' : type.name} : ${r.int(0, 3)};` : '';
  return { text: `${type.name} ${name} : ${width};${hole}`, field: { name, type, width }, size: 8 };
}

/** A struct or union type with its definition. @param known those that it may hold */
export function randomStruct(r: Random, number: number, known: readonly Struct[]): { shape: Struct; text: string } {
  if (r.chance(0.25)) {
    const name = `union st_${number}`;
    const { text, fields } = overlaid(r, 'f');
    return { shape: { kind: 'struct', name, fields, packed: false, union: true, size: 8 }, text: `${name} ${text};` };
  }
  const name = `struct st_${number}`;
  const packed = r.chance(0.15);
  const fields: Field[] = [];
  const texts: string[] = [];
  let size = 0;
  for (let i = 0, count = r.int(2, 5); i < count && size < 32; i++) {
    const kind = r.int(0, 11);
    const inner = known.filter((one) => one.size <= 16);
    if (kind < 3) {
      const made = bitField(r, `f${i}`);
      fields.push(made.field);
      texts.push(made.text);
      size += made.size;
      continue;
    }
    if (kind === 3 && !packed) {
      const made = overlaid(r, `f${i}`);
      fields.push(...made.fields);
      texts.push(`union ${made.text};`);
      size += 8;
      continue;
    }
    let type: Shape = r.chance(0.1) ? bool : r.pick(wholes);
    if (kind === 4 && inner.length > 0) type = r.pick(inner);
    if (kind === 5) type = { kind: 'array', element: r.pick(integers.slice(0, 6)), length: r.pick([2, 4]) };
    fields.push({ name: `f${i}`, type });
    texts.push(`${declare(type, `f${i}`)}${r.chance(0.05) && !packed ? ' __attribute__((aligned(8)))' : ''};`);
    size += packed ? sizeOf(type) : Math.ceil(sizeOf(type) / 8) * 8;
  }
  const attribute = packed ? ' __attribute__((packed))' : '';
  const shape: Struct = { kind: 'struct', name, fields, packed, union: false, size };
  return { shape, text: `${name} { ${texts.join(' ')} }${attribute};` };
}
