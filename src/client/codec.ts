import { TracebedError } from '../base/index.ts';
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

/** Bytes as they are. */
export function bytesCodec(size: number): Codec<Uint8Array> {
  return {
    size,
    read: (view, offset) => new Uint8Array(view.buffer, view.byteOffset + offset, size).slice(),
    write: (view, offset, value) => bytesAt(view, offset, size).set(value.subarray(0, size)),
  };
}

export type CodecValue = number | bigint | string | Uint8Array | readonly CodecValue[] | CodecValues;
export interface CodecValues {
  readonly [field: string]: CodecValue;
}

/** The codec of a `.struct`: an object with a value for each field. Padding is written as zeros. */
export function structCodec(layout: StructLayout): Codec<CodecValues> {
  const fields = layout.fields.map((field) => [field, fieldCodec(field)] as const);
  return {
    size: layout.size,
    read: (view, offset) => {
      const values: Record<string, CodecValue> = {};
      for (const [field, codec] of fields) values[field.name] = codec.read(view, offset + field.offset);
      return values;
    },
    write: (view, offset, values) => {
      bytesAt(view, offset, layout.size).fill(0);
      for (const [field, codec] of fields) {
        const value = values[field.name];
        if (value === undefined) throw new TracebedError(`struct ${layout.name} lacks its field '${field.name}'`);
        codec.write(view, offset + field.offset, value);
      }
    },
  };
}

/** The codec of a field's or map's type. */
export function typeCodec(type: FieldType): Codec<CodecValue> {
  return (type.kind === 'struct' ? structCodec(type.struct) : intCodec(type)) as Codec<CodecValue>;
}

function intCodec({ size, signed }: Extract<FieldType, { kind: 'int' }>): Codec<CodecValue> {
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
          return signed ? view.getBigInt64(offset, true) : view.getBigUint64(offset, true);
      }
    },
    write: (view, offset, value) => {
      const whole = BigInt.asUintN(size * 8, BigInt(value as number | bigint));
      for (let at = 0; at < size; at++) view.setUint8(offset + at, Number((whole >> BigInt(at * 8)) & 0xffn));
    },
  };
}

function fieldCodec(field: FieldLayout): Codec<CodecValue> {
  const { type, length, size } = field;
  if (length === 0) return typeCodec(type);
  if (type.kind === 'int' && type.size === 1) {
    return (type.char ? textCodec(size) : bytesCodec(size)) as Codec<CodecValue>;
  }
  const element = typeCodec(type);
  return {
    size,
    read: (view, offset) => Array.from({ length }, (_, i) => element.read(view, offset + i * element.size)),
    write: (view, offset, value) => {
      for (const [i, item] of (value as readonly CodecValue[]).entries()) {
        element.write(view, offset + i * element.size, item);
      }
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
