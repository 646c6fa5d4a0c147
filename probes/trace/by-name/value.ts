import { errnoName, formatAddress, type Kernel, readText } from 'tracebed';
import { mostText, type ValuePlan } from './plan.ts';

/**
 * From a value's bytes to what is shown and what JSON holds. Numbers are numbers as far as they are exact, addresses
 * are text; a value that could not be read is null in JSON and `(fault)` in text.
 */
export interface Shown {
  readonly text: string;
  readonly json: unknown;
}

const fault: Shown = { text: '(fault)', json: null };
const nothing: Shown = { text: 'NULL', json: null };

/** Where in a record a value's parts lie: bytes from the start of its view. */
export interface ValuePlace {
  readonly value: number;
  readonly text: number;
  readonly answer: number;
}

export function showValue(kernel: Kernel, plan: ValuePlan, view: DataView, at: ValuePlace): Shown {
  const { type } = plan;
  const answer = view.getInt32(at.answer, true);
  if (type.kind === 'text') return textAt(kernel, view, at, answer);
  if (answer < 0) return fault;
  switch (type.kind) {
    case 'integer':
      return showInteger(type, plan.name === 'ret', view, at.value);
    case 'pointer':
      return showPointer(kernel, view.getBigUint64(at.value, true));
    case 'characters': {
      const text = readText(view, at.value, type.size);
      return { text: quoted(text), json: text };
    }
    case 'dynamic': {
      const length = Math.min(view.getUint16(at.value + 2, true), mostText);
      if (!type.text) return showBytes(view, at.text, length, false);
      const text = readText(view, at.text, length);
      return { text: quoted(text), json: text };
    }
    case 'bytes':
      return showBytes(view, at.value, type.size, type.address);
  }
}

function textAt(kernel: Kernel, view: DataView, at: ValuePlace, answer: number): Shown {
  const pointer = view.getBigUint64(at.value, true);
  if (pointer === 0n) return nothing;
  if (answer < 0) return { text: `${showPointer(kernel, pointer).text} ${fault.text}`, json: null };
  const text = readText(view, at.text, mostText);
  return { text: quoted(text), json: text };
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

function showBytes(view: DataView, offset: number, size: number, address: boolean): Shown {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, size);
  const isAddress = address && (size === 4 || size === 16);
  const text = isAddress
    ? formatAddress(bytes)
    : Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return { text, json: text };
}

/** A code address by its symbol, an error pointer by its errno, others in hex. */
function showPointer(kernel: Kernel, pointer: bigint): Shown {
  if (pointer === 0n) return nothing;
  const error = -BigInt.asIntN(64, pointer);
  if (error > 0n && error <= 4095n) {
    const name = `-${errnoName(Number(error))}`;
    return { text: name, json: name };
  }
  const hex = `0x${pointer.toString(16)}`;
  const text = kernel.symbols.lookup(pointer) ? kernel.symbols.format(pointer) : hex;
  return { text, json: text };
}

type Integer = Extract<ValuePlan['type'], { kind: 'integer' }>;

function showInteger(type: Integer, isResult: boolean, view: DataView, offset: number): Shown {
  if (type.address) return showBytes(view, offset, 4, true);
  const value = integerAt(type, view, offset);
  const json = value >= -0x1f_ffff_ffff_ffffn && value <= 0x1f_ffff_ffff_ffffn ? Number(value) : String(value);
  const name = type.names?.get(value);
  if (name !== undefined) return { text: name, json: name };
  const failed = isResult && value < 0n && value >= -4095n ? errnoName(Number(value)) : '';
  return { text: /^E/.test(failed) ? `${value} (${failed})` : String(value), json };
}

function integerAt({ size, signed, bigEndian, shift, bits }: Integer, view: DataView, offset: number): bigint {
  let value = bigEndian ? bigEndianAt(view, offset, size) : littleEndianAt(view, offset, size);
  const width = bits === 0 ? size * 8 : bits;
  value = (value >> BigInt(shift)) & ((1n << BigInt(width)) - 1n);
  return signed ? BigInt.asIntN(width, value) : value;
}

function littleEndianAt(view: DataView, offset: number, size: number): bigint {
  return BigInt.asUintN(size * 8, view.getBigUint64(offset, true));
}

function bigEndianAt(view: DataView, offset: number, size: number): bigint {
  return view.getBigUint64(offset, false) >> BigInt(64 - size * 8);
}
