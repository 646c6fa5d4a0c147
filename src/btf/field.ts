import type { TracepointField } from './profile.ts';

/**
 * Fields of tracepoint records by their C declarations: name, length and kind are read off the text, as every reader of
 * tracefs must.
 */

/**
 * A field's declaration, `unsigned short protocol`, `char name[16]`, `__data_loc char[] name`, with its place.
 * Undefined when it is no declaration.
 */
export function parseField(
  declaration: string,
  offset: number,
  size: number,
  signed: boolean,
): TracepointField | undefined {
  const match = /^\s*(.*?[\s*\]])\s*(\w+)\s*((?:\[[^\]]*\])*)\s*$/.exec(declaration);
  if (!match) return undefined;
  const brackets = match[3] as string;
  const base = (match[1] as string).trim().replace(/\s+\*/g, ' *');
  const length = brackets === '' ? 0 : Number(/^\[(\d+)\]/.exec(brackets)?.[1] ?? 0);
  return {
    name: match[2] as string,
    type: base + brackets,
    offset,
    size,
    signed,
    length,
    dynamic: /^__(data|rel)_loc\b/.test(base),
  };
}

/** What a field holds, by its declared type: how it is decoded, printed and shown. */
export type FieldShape = 'integer' | 'pointer' | 'bool' | 'text' | 'bytes' | 'array';

export function fieldShape(field: TracepointField): FieldShape {
  const base = field.type.replace(/^__(data|rel)_loc /, '').replace(/\b(const|volatile) /g, '');
  const isArray = field.length > 0 || base.includes('[');
  if (base.includes('*')) return isArray ? 'array' : 'pointer';
  if (!isArray) {
    if (base === 'bool') return 'bool';
    if (field.size > 8 || (field.dynamic && base.startsWith('cpumask'))) return 'bytes';
    return 'integer';
  }
  const element = base.replace(/\[.*$/, '').trim();
  if (element === 'char' || element === 'signed char') return 'text';
  if (['u8', '__u8', 'unsigned char', 'uint8_t', 's8', '__s8'].includes(element)) return 'bytes';
  return 'array';
}

/** Bytes of an array field's element. */
export function elementSize(field: TracepointField): number {
  if (!field.dynamic && field.length > 0) return Math.max(1, field.size / field.length);
  if (/\b(long|u64|__u64|s64|__s64|uint64_t)\b|\*/.test(field.type)) return 8;
  if (/\b(int|u32|__u32|s32|__s32|uint32_t)\b/.test(field.type)) return 4;
  return /\b(short|u16|__u16|s16|__s16|uint16_t)\b/.test(field.type) ? 2 : 1;
}
