import { binaryValue } from '../base/index.ts';
import type { Btf } from './btf.ts';
import { castValue, type Expression, type Label, unaryValue } from './expression.ts';
import { elementSize, fieldShape } from './field.ts';
import { type Conversion, type Printable, printConversion } from './printf.ts';
import type { TracepointField, TracepointFormat } from './profile.ts';
import { recordFormat } from './tracepoint.ts';

/**
 * From a record's fields to the text that trace_pipe shows for it. A line that cannot be read is shown as trace-cmd
 * and perf show it: `[FAILED TO PARSE]` and every field as name=value.
 */

/**
 * A field's value: integers as number or bigint, an enum also by its enumerator's name; strings and `__data_loc
 * char[]` as string; byte arrays as Uint8Array; other arrays as arrays; a code address also as its symbol.
 */
export type FieldValue =
  | number
  | bigint
  | boolean
  | string
  | Uint8Array
  | readonly (number | bigint)[]
  | { readonly symbol: string }
  | null;

export type FieldValues = Readonly<Record<string, unknown>>;

/** The record's fields as the kernel prints them, without the event's name in front. Missing fields are 0. */
export function formatRecord(format: TracepointFormat, fields: FieldValues): string {
  const record = recordFormat(format);
  const { pieces, args, fault } = record.program;
  if (fault !== undefined) return `[FAILED TO PARSE]${plainFields(format, fields)}`;
  const context: Context = { fields, byName: new Map(format.fields.map((field) => [field.name, field])) };
  let next = 0;
  const take = (): Printable => {
    const arg = args[next++];
    return arg === undefined ? 0n : evaluate(arg, context);
  };
  let text = '';
  for (const piece of pieces) {
    if (typeof piece === 'string') text += piece;
    else text += printPiece(piece, take);
  }
  return text;
}

function printPiece(spec: Conversion, take: () => Printable): string {
  const width = spec.width === -1 ? Number(integerOf(take())) : undefined;
  const precision = spec.precision === -1 ? Number(integerOf(take())) : undefined;
  return printConversion(spec, take(), width, precision);
}

function plainFields(format: TracepointFormat, fields: FieldValues): string {
  return format.fields.map((field) => ` ${field.name}=${plainValue(fields[field.name], field)}`).join('');
}

/** A field's value by itself, as a tool shows it in a column of its own: hex for pointers and bytes. */
function plainValue(value: unknown, field: TracepointField): string {
  const shape = fieldShape(field);
  const printable = fieldPrintable(value, field);
  if (printable instanceof Uint8Array) return [...printable].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (typeof printable === 'string') return printable;
  return shape === 'pointer' ? `0x${BigInt.asUintN(64, printable).toString(16)}` : String(printable);
}

interface Context {
  readonly fields: FieldValues;
  readonly byName: ReadonlyMap<string, TracepointField>;
}

function evaluate(expression: Expression, context: Context): Printable {
  switch (expression.kind) {
    case 'number':
    case 'string':
      return expression.value;
    case 'field':
    case 'dynamic': {
      const field = context.byName.get(expression.name);
      return field ? fieldPrintable(context.fields[expression.name], field) : 0n;
    }
    case 'length': {
      const field = context.byName.get(expression.name);
      const value = field ? fieldPrintable(context.fields[expression.name], field) : 0n;
      return BigInt(value instanceof Uint8Array ? value.length : typeof value === 'string' ? value.length + 1 : 0);
    }
    case 'unary':
      return unaryValue(expression.operator, integerOf(evaluate(expression.operand, context)));
    case 'binary': {
      const left = integerOf(evaluate(expression.left, context));
      return binaryValue(expression.operator, left, integerOf(evaluate(expression.right, context)));
    }
    case 'conditional':
      return truth(evaluate(expression.condition, context))
        ? evaluate(expression.then, context)
        : evaluate(expression.otherwise, context);
    case 'cast': {
      const value = evaluate(expression.operand, context);
      return typeof value === 'bigint' ? castValue(expression, value) : value;
    }
    case 'index':
      return elementAt(expression, context);
    case 'symbolic':
      return printSymbolic(evaluate(expression.value, context), expression.labels);
    case 'flags':
      return printFlags(integerOf(evaluate(expression.value, context)), expression.separator, expression.labels);
    case 'hex':
      return printHex(expression, context);
    case 'elements':
      return printElements(expression, context);
  }
}

function elementAt(expression: Expression & { kind: 'index' }, context: Context): Printable {
  const array = evaluate(expression.array, context);
  const index = Number(integerOf(evaluate(expression.index, context)));
  if (!(array instanceof Uint8Array)) return typeof array === 'string' ? BigInt(array.charCodeAt(index) || 0) : 0n;
  const named = expression.array.kind === 'field' || expression.array.kind === 'dynamic' ? expression.array.name : '';
  const field = context.byName.get(named);
  return littleEndian(array, index, field ? elementSize(field) : 1);
}

/** The `index`-th integer of `size` bytes, 0 beyond the end. */
function littleEndian(bytes: Uint8Array, index: number, size: number): bigint {
  let value = 0n;
  for (let at = (index + 1) * size - 1; at >= index * size; at--) value = (value << 8n) | BigInt(bytes[at] ?? 0);
  return value;
}

/** A value of a field in the form that conversions take; what is absent is 0, '' or zero bytes. */
function fieldPrintable(value: unknown, field: TracepointField): Printable {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return BigInt(Math.trunc(value));
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return bytesOf(value, field);
  if (typeof value === 'object' && value !== null && 'symbol' in value) return String(value.symbol);
  const shape = fieldShape(field);
  return shape === 'text'
    ? ''
    : shape === 'bytes' || shape === 'array'
      ? new Uint8Array(field.dynamic ? 0 : field.size)
      : 0n;
}

function bytesOf(elements: readonly unknown[], field: TracepointField): Uint8Array {
  const size = elementSize(field);
  const bytes = new Uint8Array(elements.length * size);
  for (const [i, element] of elements.entries()) {
    let rest = BigInt.asUintN(64, typeof element === 'bigint' ? element : BigInt(Math.trunc(Number(element))));
    for (let at = i * size; at < (i + 1) * size; at++, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  }
  return bytes;
}

function integerOf(value: Printable): bigint {
  return typeof value === 'bigint' ? value : 0n;
}

function truth(value: Printable): boolean {
  return typeof value === 'bigint' ? value !== 0n : value.length > 0;
}

/** A name for the value, or the value in hex (kernel/trace/trace_output.c: trace_print_symbols_seq). */
function printSymbolic(value: Printable, labels: readonly Label[]): string {
  if (typeof value === 'string')
    return labels.find((label) => value === label.text || value.endsWith(`_${label.text}`))?.text ?? value;
  const wanted = integerOf(value);
  return labels.find((label) => label.value === wanted)?.text ?? hex(wanted);
}

/** The names of the masks that are wholly set, each taken out of the value; the rest in hex (trace_print_flags_seq). */
function printFlags(value: bigint, separator: string, labels: readonly Label[]): string {
  let rest = BigInt.asUintN(64, value);
  const parts: string[] = [];
  for (const label of labels) {
    if (rest === 0n) break;
    const mask = BigInt.asUintN(64, label.value);
    if ((rest & mask) !== mask) continue;
    parts.push(label.text);
    rest &= ~mask;
  }
  if (rest !== 0n) parts.push(hex(rest));
  return parts.join(separator);
}

function hex(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

function printHex(expression: Expression & { kind: 'hex' }, context: Context): string {
  const bytes = evaluate(expression.bytes, context);
  const length = Number(integerOf(evaluate(expression.length, context)));
  if (!(bytes instanceof Uint8Array)) return '';
  return [...bytes.subarray(0, length)].map((byte) => byte.toString(16).padStart(2, '0')).join(expression.separator);
}

/** `{0x1,0x2}` (trace_print_array_seq). */
function printElements(expression: Expression & { kind: 'elements' }, context: Context): string {
  const bytes = evaluate(expression.bytes, context);
  const count = Number(integerOf(evaluate(expression.count, context)));
  const size = Number(integerOf(evaluate(expression.size, context)));
  if (!(bytes instanceof Uint8Array) || size <= 0) return '{}';
  const texts: string[] = [];
  for (let i = 0; i < count && (i + 1) * size <= bytes.length; i++)
    texts.push(`0x${littleEndian(bytes, i, size).toString(16)}`);
  return `{${texts.join(',')}}`;
}

/**
 * The fields of a record in memory. `offset` is the record's start (its common fields); data of dynamic fields lies
 * where their u16 offset says, counted from the start (`__data_loc`) or from behind the field (`__rel_loc`).
 */
export function decodeRecord(format: TracepointFormat, view: DataView, offset: number): Record<string, FieldValue> {
  const fields: Record<string, FieldValue> = {};
  for (const field of format.fields) fields[field.name] = decodeField(field, view, offset);
  return fields;
}

function decodeField(field: TracepointField, view: DataView, record: number): FieldValue {
  let at = record + field.offset;
  let size = field.size;
  if (field.dynamic) {
    const relative = field.type.startsWith('__rel_loc') ? field.offset + 4 : 0;
    size = view.getUint16(at + 2, true);
    at = Math.min(view.byteLength, record + relative + view.getUint16(at, true));
    size = Math.min(size, view.byteLength - at);
  }
  const bytes = (): Uint8Array => new Uint8Array(view.buffer, view.byteOffset + at, size);
  switch (fieldShape(field)) {
    case 'text': {
      const all = bytes();
      const end = all.indexOf(0);
      return new TextDecoder().decode(end < 0 ? all : all.subarray(0, end));
    }
    case 'bytes':
      return bytes().slice();
    case 'array': {
      const step = elementSize(field);
      return Array.from({ length: Math.floor(size / step) }, (_, i) =>
        decodeInteger(view, at + i * step, step, field.signed),
      );
    }
    case 'bool':
      return decodeInteger(view, at, size, false) !== 0 ? 1 : 0;
    case 'pointer':
      return view.getBigUint64(at, true);
    case 'integer':
      return decodeInteger(view, at, size, field.signed);
  }
}

function decodeInteger(view: DataView, at: number, size: number, signed: boolean): number | bigint {
  switch (size) {
    case 1:
      return signed ? view.getInt8(at) : view.getUint8(at);
    case 2:
      return signed ? view.getInt16(at, true) : view.getUint16(at, true);
    case 4:
      return signed ? view.getInt32(at, true) : view.getUint32(at, true);
    case 8:
      return signed ? view.getBigInt64(at, true) : view.getBigUint64(at, true);
    default:
      return 0;
  }
}

/** The names of an enum's values by number, for showing an `enum …` field; undefined when BTF has no such enum. */
export function enumNames(btf: Btf, enumName: string): ReadonlyMap<bigint, string> | undefined {
  const id = btf.find('enum', enumName);
  const type = id === undefined ? undefined : btf.type(id);
  if (type?.kind !== 'enum' && type?.kind !== 'enum64') return undefined;
  return new Map(type.values.map((value) => [value.value, value.name]));
}
