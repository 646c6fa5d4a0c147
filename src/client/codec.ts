import { nearestHint, TracebedError, UsageError, viewOf } from '../base/index.ts';
import type { FieldLayout, FieldType, StructLayout } from '../object/index.ts';

/**
 * Between the bytes of map keys, map values and records and what TypeScript holds. All little-endian, as the CPU's.
 * Integers up to 32 bits are numbers, 64-bit ones are bigints unless a number is asked for; char arrays are text up to
 * their NUL, byte arrays Uint8Array, other arrays arrays, structs objects by field name.
 */
export interface Codec<T> {
  /** bytes */
  readonly size: number;
  read(view: DataView, offset: number): T;
  write(view: DataView, offset: number, value: T): void;
}

/** A value as the bytes of a key or value of a map. */
export function encoded<T>(codec: Codec<T>, value: T): Uint8Array {
  const bytes = new Uint8Array(codec.size);
  codec.write(viewOf(bytes), 0, value);
  return bytes;
}

export const u8Codec: Codec<number> = {
  size: 1,
  read: (view, offset) => view.getUint8(offset),
  write: (view, offset, value) => view.setUint8(offset, value),
};

export const u32Codec: Codec<number> = {
  size: 4,
  read: (view, offset) => view.getUint32(offset, true),
  write: (view, offset, value) => view.setUint32(offset, value, true),
};

/** A u64 as a number: exact up to 2^53, for counts and times. */
export const u64Codec: Codec<number> = {
  size: 8,
  read: readU64,
  write: (view, offset, value) => view.setBigUint64(offset, BigInt(value), true),
};

/** A u64 whole: for addresses. */
export const addressCodec: Codec<bigint> = {
  size: 8,
  read: (view, offset) => view.getBigUint64(offset, true),
  write: (view, offset, value) => view.setBigUint64(offset, value, true),
};

/** A u64 as a number, rounded above 2^53. */
export function readU64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * 0x1_0000_0000 + view.getUint32(offset, true);
}

/** A whole number from 0 to 2^53 as a u64: a ring's position, which would need 104 days of 1 GB/s to get there. */
export function writeU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value >>> 0, true);
  view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
}

/** Bytes as they are. */
export function bytesCodec(size: number): Codec<Uint8Array> {
  return {
    size,
    read: (view, offset) => new Uint8Array(view.buffer, view.byteOffset + offset, size).slice(),
    write: (view, offset, value) => bytesAt(view, offset, size).set(value.subarray(0, size)),
  };
}

/** How integers and text of declared types are held. */
export interface CodecOptions {
  /**
   * 64-bit integers: `bigint` always, or `exact`: a number where that is exact (up to 2^53), else a bigint. Counts and
   * times are then numbers to reckon with; kernel addresses, which lie far above, are bigints. `bigint` when absent.
   */
  readonly wide?: 'bigint' | 'exact';
  /** char arrays: text up to their NUL, or the bytes as they are. `text` when absent. */
  readonly chars?: 'text' | 'bytes';
}

export type CodecValue = number | bigint | string | Uint8Array | readonly CodecValue[] | CodecValues;
export interface CodecValues {
  readonly [field: string]: CodecValue;
}

/**
 * The codec of a struct: an object with a value for each field; of a union every field is read, and those given are
 * written. Padding is written as zeros, also where it has a name (`__pad`) and is not given.
 */
export function structCodec(layout: StructLayout, options: CodecOptions = {}): Codec<CodecValues> {
  const fields = layout.fields.map((field) => [field, fieldCodec(field, options)] as const);
  const names = new Set(layout.fields.map((field) => field.name));
  return {
    size: layout.size,
    read: (view, offset) => {
      const values: Record<string, CodecValue> = {};
      for (const [field, codec] of fields) values[field.name] = codec.read(view, offset + field.offset);
      return values;
    },
    write: (view, offset, values) => {
      if (typeof values !== 'object' || values === null) {
        throw wrongValue(values, `struct ${layout.name}`, `an object with ${[...names].join(', ')}`);
      }
      for (const name in values) if (!names.has(name)) throw unknownField(layout, name, names);
      bytesAt(view, offset, layout.size).fill(0);
      for (const [field, codec] of fields) {
        const value = values[field.name];
        if (value !== undefined) codec.write(view, offset + field.offset, value);
        else if (!layout.union && !field.name.startsWith('__')) {
          throw new UsageError(`struct ${layout.name} lacks its field '${field.name}'`, {
            expected: [...names].join(', '),
          });
        }
      }
    },
  };
}

function unknownField(layout: StructLayout, name: string, names: Iterable<string>): UsageError {
  return new UsageError(`${layout.union ? 'union' : 'struct'} ${layout.name} has no field '${name}'`, {
    expected: `some of ${[...names].join(', ')}`,
    ...nearestHint(name, names),
  });
}

function wrongValue(value: unknown, what: string, expected: string): UsageError {
  const given = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return new UsageError(`${given} cannot be ${what}`, { expected });
}

/** The codec of a field's, key's or value's type. */
export function typeCodec(type: FieldType, options: CodecOptions = {}): Codec<CodecValue> {
  switch (type.kind) {
    case 'struct':
      return structCodec(type.struct, options) as Codec<CodecValue>;
    case 'array':
      return arrayCodec(type.element, type.length, options);
    case 'int':
      return intCodec(type, options);
  }
}

type IntType = Extract<FieldType, { kind: 'int' }>;

function intCodec(type: IntType, { wide = 'bigint' }: CodecOptions): Codec<CodecValue> {
  const { size, signed } = type;
  const readWide = wide === 'exact' ? (signed ? readExactS64 : readExactU64) : undefined;
  return {
    size,
    read: (view, offset) => {
      switch (size) {
        case 1:
          return signed ? view.getInt8(offset) : view.getUint8(offset);
        case 2:
          return signed ? view.getInt16(offset, true) : view.getUint16(offset, true);
        case 4:
          return signed ? view.getInt32(offset, true) : view.getUint32(offset, true);
        case 8:
          if (readWide) return readWide(view, offset);
          return signed ? view.getBigInt64(offset, true) : view.getBigUint64(offset, true);
      }
    },
    write: (view, offset, value) => {
      const whole = BigInt.asUintN(size * 8, wholeNumber(value, type));
      for (let at = 0; at < size; at++) view.setUint8(offset + at, Number((whole >> BigInt(at * 8)) & 0xffn));
    },
  };
}

/** @throws UsageError for what is no whole number */
function wholeNumber(value: CodecValue, { size, signed }: IntType): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  throw wrongValue(value, `a ${signed ? 's' : 'u'}${size * 8}`, 'a whole number');
}

const safeHigh = 0x20_0000;

function readExactU64(view: DataView, offset: number): number | bigint {
  const high = view.getUint32(offset + 4, true);
  return high < safeHigh ? high * 0x1_0000_0000 + view.getUint32(offset, true) : view.getBigUint64(offset, true);
}

function readExactS64(view: DataView, offset: number): number | bigint {
  const high = view.getInt32(offset + 4, true);
  if (high >= safeHigh || high < -safeHigh) return view.getBigInt64(offset, true);
  return high * 0x1_0000_0000 + view.getUint32(offset, true);
}

function fieldCodec(field: FieldLayout, options: CodecOptions): Codec<CodecValue> {
  const { type, length, bits } = field;
  if (bits && type.kind === 'int') return bitsCodec(type, bits, options);
  return length === 0 ? typeCodec(type, options) : arrayCodec(type, length, options);
}

/** Some bits of an integer; writing leaves the others as they are. */
function bitsCodec(
  type: IntType,
  { shift, width }: NonNullable<FieldLayout['bits']>,
  { wide = 'bigint' }: CodecOptions,
): Codec<CodecValue> {
  const whole = intCodec({ ...type, signed: false }, { wide: 'bigint' });
  const mask = (1n << BigInt(width)) - 1n;
  const plain = type.size < 8 || wide === 'exact';
  return {
    size: type.size,
    read: (view, offset) => {
      const value = (BigInt(whole.read(view, offset) as number | bigint) >> BigInt(shift)) & mask;
      const extended = type.signed ? BigInt.asIntN(width, value) : value;
      return plain && width <= 53 ? Number(extended) : extended;
    },
    write: (view, offset, value) => {
      const others = BigInt(whole.read(view, offset) as number | bigint) & ~(mask << BigInt(shift));
      whole.write(view, offset, others | ((wholeNumber(value, type) & mask) << BigInt(shift)));
    },
  };
}

function arrayCodec(type: FieldType, length: number, options: CodecOptions): Codec<CodecValue> {
  if (type.kind === 'int' && type.size === 1) {
    const text = type.char && options.chars !== 'bytes';
    return (text ? textCodec(length) : bytesCodec(length)) as Codec<CodecValue>;
  }
  const element = typeCodec(type, options);
  return {
    size: element.size * length,
    read: (view, offset) => Array.from({ length }, (_, i) => element.read(view, offset + i * element.size)),
    write: (view, offset, value) => {
      if (!Array.isArray(value) || value.length > length) {
        throw wrongValue(value, `an array of ${length}`, `an array of at most ${length}`);
      }
      for (const [i, item] of value.entries()) element.write(view, offset + i * element.size, item);
    },
  };
}

function textCodec(size: number): Codec<string> {
  return {
    size,
    read: (view, offset) => readText(view, offset, size),
    write: (view, offset, value) => {
      const target = bytesAt(view, offset, size);
      target.fill(0);
      if (typeof value !== 'string') throw wrongValue(value, `a char[${size}]`, 'text');
      target.set(new TextEncoder().encode(value).subarray(0, size - 1));
    },
  };
}

const decoder = new TextDecoder();

/** Text up to its NUL, or `most` bytes. ASCII, what names are made of, is read without a TextDecoder. */
export function readText(view: DataView, offset: number, most: number): string {
  let text = '';
  for (let at = 0; at < most; at++) {
    const byte = view.getUint8(offset + at);
    if (byte === 0) return text;
    if (byte >= 0x80) return decoder.decode(textBytes(view, offset, most));
    text += String.fromCharCode(byte);
  }
  return text;
}

function textBytes(view: DataView, offset: number, most: number): Uint8Array {
  const bytes = bytesAt(view, offset, most);
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function bytesAt(view: DataView, offset: number, size: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + offset, size);
}

/**
 * Offsets of fields by name, for a decoder that is written by hand because it runs for every record.
 * @throws TracebedError when the struct has no such field: program and decoder have come apart
 */
export function offsetsOf<const N extends string>(layout: StructLayout, names: readonly N[]): Record<N, number> {
  const offsets: Partial<Record<N, number>> = {};
  for (const name of names) {
    const field = layout.fields.find((candidate) => candidate.name === name);
    if (!field) throw new TracebedError(`struct ${layout.name} has no field '${name}'`);
    offsets[name] = field.offset;
  }
  return offsets as Record<N, number>;
}
