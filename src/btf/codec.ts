import type { Btf, MemberPlace } from './btf.ts';
import { type LayoutField, sizeOfType, structLayout } from './layout.ts';
import type { BtfType, TypeId } from './types.ts';

/**
 * Values of C types in memory, to and from JS, little-endian. A type is compiled once into closures that read or write
 * at an offset, so that decoding a record costs no look at BTF.
 *
 * integers and enums: number, of 64 bits bigint · bool: boolean · pointers: bigint · structs and unions: objects with
 * the members of anonymous members among their own · char arrays: string up to the NUL · unsigned char arrays:
 * Uint8Array · other arrays: arrays
 */
export type BtfValue =
  | number
  | bigint
  | boolean
  | string
  | Uint8Array
  | readonly BtfValue[]
  | { readonly [name: string]: BtfValue }
  | undefined;

/** Reads a value; `offset` is in bytes from the view's start. */
export type Decoder = (view: DataView, offset: number) => BtfValue;

/** Writes a value; what the value leaves out is not touched. */
export type Encoder = (view: DataView, offset: number, value: unknown) => void;

/** One value, read. For many of a type compile the decoder once. */
export function readValue(btf: Btf, id: TypeId, view: DataView, offset = 0): BtfValue {
  return compileDecoder(btf, id)(view, offset);
}

/** One value, written; see Encoder. */
export function writeValue(btf: Btf, id: TypeId, view: DataView, offset: number, value: unknown): void {
  compileEncoder(btf, id)(view, offset, value);
}

/** The decoder of a type. Void, functions and forward declarations give undefined. */
export function compileDecoder(btf: Btf, id: TypeId): Decoder {
  const type = btf.type(btf.strip(id));
  switch (type.kind) {
    case 'pointer':
      return (view, offset) => view.getBigUint64(offset, true);
    case 'int': {
      if (type.bool) return (view, offset) => view.getUint8(offset) !== 0;
      return integerDecoder(type.size, type.signed);
    }
    case 'enum':
    case 'enum64':
      return integerDecoder(type.size, type.signed);
    case 'float':
      return type.size === 4
        ? (view, offset) => view.getFloat32(offset, true)
        : type.size === 8
          ? (view, offset) => view.getFloat64(offset, true)
          : () => undefined;
    case 'array':
      return arrayDecoder(btf, type);
    case 'struct':
    case 'union':
      return structDecoder(btf, id);
    default:
      return () => undefined;
  }
}

function integerDecoder(size: number, signed: boolean): Decoder {
  switch (size) {
    case 1:
      return signed ? (view, offset) => view.getInt8(offset) : (view, offset) => view.getUint8(offset);
    case 2:
      return signed ? (view, offset) => view.getInt16(offset, true) : (view, offset) => view.getUint16(offset, true);
    case 4:
      return signed ? (view, offset) => view.getInt32(offset, true) : (view, offset) => view.getUint32(offset, true);
    case 8:
      return signed
        ? (view, offset) => view.getBigInt64(offset, true)
        : (view, offset) => view.getBigUint64(offset, true);
    case 16:
      return (view, offset) => {
        const high = signed ? view.getBigInt64(offset + 8, true) : view.getBigUint64(offset + 8, true);
        return (high << 64n) | view.getBigUint64(offset, true);
      };
    default:
      return () => undefined;
  }
}

/** How an array shows: `char` as text, unsigned bytes as they are, everything else element by element. */
function arrayForm(btf: Btf, element: TypeId): 'text' | 'bytes' | 'elements' {
  const type = btf.type(btf.strip(element));
  if (type.kind !== 'int' || type.size !== 1 || type.bool) return 'elements';
  if (type.char || type.name === 'char') return 'text';
  return type.signed ? 'elements' : 'bytes';
}

function arrayDecoder(btf: Btf, type: BtfType & { kind: 'array' }): Decoder {
  const { length } = type;
  const form = arrayForm(btf, type.element);
  if (form === 'bytes') return (view, offset) => new Uint8Array(view.buffer, view.byteOffset + offset, length).slice();
  if (form === 'text') return (view, offset) => readText(view, offset, length);
  const decode = compileDecoder(btf, type.element);
  const size = sizeOfType(btf, type.element);
  return (view, offset) => {
    const elements = new Array<BtfValue>(length);
    for (let i = 0; i < length; i++) elements[i] = decode(view, offset + i * size);
    return elements;
  };
}

/** Text up to the NUL. ASCII, which nearly all of it is, is put together by hand: a decoder costs more than a name. */
function readText(view: DataView, offset: number, length: number): string {
  let text = '';
  for (let at = offset; at < offset + length; at++) {
    const byte = view.getUint8(at);
    if (byte === 0) return text;
    if (byte >= 0x80) {
      const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, length);
      const end = bytes.indexOf(0);
      return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
    }
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Objects start as a copy of one template, so that all records of a type have one hidden class. */
function structDecoder(btf: Btf, id: TypeId): Decoder {
  const fields = structLayout(btf, id);
  const names = fields.map((field) => field.name);
  const offsets = fields.map((field) => field.offset);
  const decoders = fields.map((field) => memberDecoder(btf, field));
  const template: Record<string, BtfValue> = Object.fromEntries(names.map((name) => [name, undefined]));
  const count = fields.length;
  return (view, offset) => {
    const value = { ...template };
    for (let i = 0; i < count; i++)
      value[names[i] as string] = (decoders[i] as Decoder)(view, offset + (offsets[i] as number));
    return value;
  };
}

function memberDecoder(btf: Btf, field: LayoutField): Decoder {
  if (field.bitSize === 0) return compileDecoder(btf, field.type);
  const { size, bitShift, bitSize } = field;
  const whole = integerDecoder(size, false);
  const type = btf.type(btf.strip(field.type));
  const signed = 'signed' in type && type.signed;
  if (type.kind === 'int' && type.bool) return (view, offset) => ((Number(whole(view, offset)) >>> bitShift) & 1) !== 0;
  if (size <= 4) {
    // Up to the top of 32 bits and down again: this cuts the neighbours off and extends the sign.
    const up = 32 - bitShift - bitSize;
    const down = 32 - bitSize;
    return signed
      ? (view, offset) => ((whole(view, offset) as number) << up) >> down
      : (view, offset) => ((whole(view, offset) as number) << up) >>> down;
  }
  const mask = (1n << BigInt(bitSize)) - 1n;
  return (view, offset) => {
    const bits = ((whole(view, offset) as bigint) >> BigInt(bitShift)) & mask;
    return signed ? BigInt.asIntN(bitSize, bits) : bits;
  };
}

/** The encoder of a type: the inverse of its decoder; integers also take the other kind of number, and booleans. */
export function compileEncoder(btf: Btf, id: TypeId): Encoder {
  const type = btf.type(btf.strip(id));
  switch (type.kind) {
    case 'pointer':
      return integerEncoder(8);
    case 'int':
    case 'enum':
    case 'enum64':
      return integerEncoder(type.size);
    case 'float':
      return (view, offset, value) => {
        if (type.size === 4) view.setFloat32(offset, Number(value), true);
        else if (type.size === 8) view.setFloat64(offset, Number(value), true);
      };
    case 'array':
      return arrayEncoder(btf, type);
    case 'struct':
    case 'union':
      return structEncoder(btf, id);
    default:
      return () => undefined;
  }
}

function asBigInt(value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  return BigInt(Math.trunc(Number(value ?? 0)));
}

function integerEncoder(size: number): Encoder {
  if (size <= 4) {
    return (view, offset, value) => {
      const number = typeof value === 'bigint' ? Number(BigInt.asIntN(32, value)) : Number(value ?? 0);
      if (size === 1) view.setUint8(offset, number);
      else if (size === 2) view.setUint16(offset, number, true);
      else view.setUint32(offset, number, true);
    };
  }
  return (view, offset, value) => {
    const whole = asBigInt(value);
    for (let at = 0; at < size; at += 8)
      view.setBigUint64(offset + at, BigInt.asUintN(64, whole >> BigInt(at * 8)), true);
  };
}

function arrayEncoder(btf: Btf, type: BtfType & { kind: 'array' }): Encoder {
  const { length } = type;
  const encode = compileEncoder(btf, type.element);
  const size = sizeOfType(btf, type.element);
  return (view, offset, value) => {
    if (typeof value === 'string' || value instanceof Uint8Array) {
      const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
      const target = new Uint8Array(view.buffer, view.byteOffset + offset, length * size);
      target.fill(0);
      target.set(bytes.subarray(0, target.length));
    } else if (Array.isArray(value)) {
      for (let i = 0; i < Math.min(length, value.length); i++) encode(view, offset + i * size, value[i]);
    }
  };
}

function structEncoder(btf: Btf, id: TypeId): Encoder {
  const fields = structLayout(btf, id).map((field) => ({ ...field, encode: memberEncoder(btf, field) }));
  return (view, offset, value) => {
    if (typeof value !== 'object' || value === null) return;
    const given = value as Readonly<Record<string, unknown>>;
    for (const field of fields) {
      const own = given[field.name];
      if (own !== undefined) field.encode(view, offset + field.offset, own);
    }
  };
}

function memberEncoder(btf: Btf, place: MemberPlace): Encoder {
  if (place.bitSize === 0) return compileEncoder(btf, place.type);
  const { size, bitShift, bitSize } = place;
  const read = integerDecoder(size, false);
  const write = integerEncoder(size);
  const mask = ((1n << BigInt(bitSize)) - 1n) << BigInt(bitShift);
  return (view, offset, value) => {
    const rest = BigInt(read(view, offset) as number | bigint) & ~mask;
    write(view, offset, rest | ((asBigInt(value) << BigInt(bitShift)) & mask));
  };
}
