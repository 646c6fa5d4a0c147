import { constantValue, type Expression, type Label } from './expression.ts';
import { fieldShape } from './field.ts';
import type { PrintProgram } from './print-format.ts';
import { parseIpv4, parseIpv6, parseSocketAddress, parseUuid } from './printed-address.ts';
import type { Conversion } from './printf.ts';
import type { TracepointField, TracepointFormat } from './profile.ts';

/**
 * The inverse of a format line: from the text in a trace back to the fields of the record, as far as the text tells
 * them. Each conversion becomes a group of one regular expression; each argument that is a field under casts, shifts,
 * masks, names or a condition gives what it knows of that field.
 */

/**
 * A field's value as the text tells it: integers as number, of 8 bytes as bigint; pointers as bigint; strings and code
 * addresses (`tcp_v4_rcv+0x91/0x13f0`) as string; byte arrays (addresses, UUIDs) as Uint8Array in the record's layout.
 */
export type PrintedValue = string | number | bigint | Uint8Array;

export type PrintedFields = Record<string, PrintedValue>;

/** Text to fields; undefined for a text that is not of this format. */
export type PrintedParser = (text: string) => PrintedFields | undefined;

export function compilePrinted(format: TracepointFormat, program: PrintProgram): PrintedParser {
  if (program.fault !== undefined) return () => undefined;
  const byName = new Map(format.fields.map((field) => [field.name, field]));
  const groups: { readonly spec: Conversion; readonly arg: Expression }[] = [];
  let source = '';
  let next = 0;
  for (const piece of program.pieces) {
    if (typeof piece === 'string') {
      source += literally(piece);
      continue;
    }
    next += (piece.width === -1 ? 1 : 0) + (piece.precision === -1 ? 1 : 0);
    const arg = program.args[next++] ?? { kind: 'number', value: 0n };
    groups.push({ spec: piece, arg });
    source += `(${pattern(piece, arg)})`;
  }
  const whole = new RegExp(`^${source}$`, 's');
  return (text) => {
    const match = whole.exec(text) ?? whole.exec(text.trimEnd());
    if (!match) return undefined;
    const fields: PrintedFields = {};
    for (const [i, group] of groups.entries())
      takePrinted(group.spec, group.arg, (match[i + 1] as string).trim(), byName, fields);
    return fields;
  };
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** What a conversion can print, as a regular expression without groups that capture. */
function pattern(spec: Conversion, arg: Expression): string {
  switch (spec.type) {
    case 'd':
    case 'i':
      return ' *[-+]?\\d+ *';
    case 'u':
      return ' *\\d+ *';
    case 'x':
    case 'X':
    case 'o':
      return ' *(?:0[xX])?[0-9a-fA-F]+ *';
    case 'c':
      return '.';
    case 'p':
      return pointerPattern(spec.pointer);
    default:
      return spec.width === undefined ? textPattern(arg) : ` *(?:${textPattern(arg)}) *`;
  }
}

function pointerPattern(kind: string): string {
  if (kind === 'I4' || kind === 'i4') return '\\d{1,3}(?:\\.\\d{1,3}){3}';
  if (kind.startsWith('I6') || kind.startsWith('i6')) return '[0-9a-fA-F:.]+';
  if (kind.startsWith('IS')) return '[0-9a-fA-F:.[\\]]+|\\(einval\\)';
  if (kind.startsWith('U')) return '[0-9a-fA-F-]{36}';
  if (kind.startsWith('M') || kind === 'm') return '[0-9a-fA-F:]+';
  if (/^[SsBR]/.test(kind)) return '[^ ]+(?: \\[[^\\]]+\\])*';
  return '(?:0x)?[0-9a-fA-F]+|\\([a-z_A-Z]+\\)';
}

function textPattern(arg: Expression): string {
  switch (arg.kind) {
    case 'string':
      return literally(arg.value);
    case 'symbolic':
      return `${alternatives(arg.labels)}0x[0-9a-f]+`;
    case 'flags': {
      const one = `(?:${alternatives(arg.labels)}0x[0-9a-f]+)`;
      return `(?:${one}(?:${literally(arg.separator)}${one})*)?`;
    }
    case 'conditional':
      return `(?:${textPattern(arg.then)}|${textPattern(arg.otherwise)})`;
    case 'hex':
      return '[0-9a-f ]*';
    case 'elements':
      return '\\{[0-9a-fx,]*\\}';
    default:
      return '.*?';
  }
}

/** Longest first, so that a name is not taken for the beginning of another. */
function alternatives(labels: readonly Label[]): string {
  return [...labels]
    .sort((a, b) => b.text.length - a.text.length)
    .map((label) => `${literally(label.text)}|`)
    .join('');
}

type Fields = ReadonlyMap<string, TracepointField>;

function takePrinted(spec: Conversion, arg: Expression, text: string, byName: Fields, into: PrintedFields): void {
  switch (spec.type) {
    case 's':
      takeText(arg, text, byName, into);
      return;
    case 'c':
      assign(arg, BigInt(text.charCodeAt(0) || 0), byName, into);
      return;
    case 'p':
      takePointer(spec.pointer, arg, text, byName, into);
      return;
    case 'x':
    case 'X':
      assign(arg, BigInt(`0x${text.replace(/^0x/i, '')}`), byName, into);
      return;
    case 'o':
      assign(arg, BigInt(`0o${text}`), byName, into);
      return;
    default:
      assign(arg, BigInt(text.replace(/^\+/, '')), byName, into);
  }
}

function takePointer(kind: string, arg: Expression, text: string, byName: Fields, into: PrintedFields): void {
  const name = fieldName(arg);
  if (name === undefined) return;
  const bytes = pointedBytes(kind, text);
  if (bytes) into[name] = bytes;
  else if (/^(?:0x)?[0-9a-fA-F]+$/.test(text) && !/^[SsB]/.test(kind))
    assign(arg, BigInt(`0x${text.replace(/^0x/, '')}`), byName, into);
  else if (text === '(null)') assign(arg, 0n, byName, into);
  else into[name] = text;
}

function pointedBytes(kind: string, text: string): Uint8Array | undefined {
  if (kind === 'I4') return parseIpv4(text);
  if (kind.startsWith('I6')) return parseIpv6(text);
  if (kind.startsWith('IS')) return parseSocketAddress(text);
  if (kind.startsWith('U')) return parseUuid(text, kind);
  if (kind.startsWith('M')) return Uint8Array.from(text.split(':'), (part) => Number.parseInt(part, 16));
  return undefined;
}

/** What a printed text tells of the fields under an expression. */
function takeText(arg: Expression, text: string, byName: Fields, into: PrintedFields): void {
  switch (arg.kind) {
    case 'field':
    case 'dynamic': {
      const field = byName.get(arg.name);
      if (field && fieldShape(field) !== 'integer') into[arg.name] = text;
      return;
    }
    case 'symbolic': {
      const label = arg.labels.find((candidate) => candidate.text === text);
      if (label) assign(arg.value, label.value, byName, into);
      else if (/^0x[0-9a-f]+$/.test(text)) assign(arg.value, BigInt(text), byName, into);
      return;
    }
    case 'flags':
      assign(arg.value, flagsValue(arg.labels, arg.separator, text), byName, into);
      return;
    case 'conditional':
      takeConditional(arg, text, byName, into);
      return;
    case 'hex': {
      const name = fieldName(arg.bytes);
      const digits = text.replaceAll(' ', '');
      if (name !== undefined)
        into[name] = Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
      return;
    }
    default:
      return;
  }
}

function flagsValue(labels: readonly Label[], separator: string, text: string): bigint {
  let value = 0n;
  for (const part of text === '' ? [] : text.split(separator)) {
    const label = labels.find((candidate) => candidate.text === part);
    if (label) value |= label.value;
    else if (/^0x[0-9a-f]+$/.test(part)) value |= BigInt(part);
  }
  return value;
}

/** Which branch printed the text tells the condition; the branch tells the rest. */
function takeConditional(
  arg: Expression & { kind: 'conditional' },
  text: string,
  byName: Fields,
  into: PrintedFields,
): void {
  const is = (branch: Expression): boolean => new RegExp(`^(?:${textPattern(branch)})$`, 's').test(text);
  const literal = arg.otherwise.kind === 'string' ? arg.otherwise : undefined;
  const holds = literal && literal.value === text ? false : is(arg.then);
  if (holds) takeText(arg.then, text, byName, into);
  else takeText(arg.otherwise, text, byName, into);
  const tested = fieldName(arg.condition);
  if (tested === undefined || tested in into) return;
  if (!holds) assign(arg.condition, 0n, byName, into);
  else if (byName.get(tested)?.type === 'bool') into[tested] = 1;
}

/** The field under casts, or undefined. */
function fieldName(expression: Expression): string | undefined {
  if (expression.kind === 'cast') return fieldName(expression.operand);
  return expression.kind === 'field' || expression.kind === 'dynamic' ? expression.name : undefined;
}

/** Gives the value of an expression to the field in it, undoing what the expression does to it. */
function assign(expression: Expression, value: bigint, byName: Fields, into: PrintedFields): void {
  switch (expression.kind) {
    case 'field':
      store(expression.name, value, byName, into);
      return;
    case 'cast':
      assign(expression.operand, value, byName, into);
      return;
    case 'unary':
      if (expression.operator === '-') assign(expression.operand, -value, byName, into);
      else if (expression.operator === '~') assign(expression.operand, ~value, byName, into);
      return;
    case 'binary':
      assignBinary(expression, value, byName, into);
      return;
    case 'conditional':
      if (value !== 0n) assign(expression.then, value, byName, into);
      return;
    default:
      return;
  }
}

function assignBinary(
  expression: Expression & { kind: 'binary' },
  value: bigint,
  byName: Fields,
  into: PrintedFields,
): void {
  const right = constantValue(expression.right);
  const left = constantValue(expression.left);
  if (right === undefined) {
    if (left !== undefined && expression.operator === '&') assign(expression.right, value, byName, into);
    if (left !== undefined && expression.operator === '+') assign(expression.right, value - left, byName, into);
    if (left === 1n && expression.operator === '<<' && value > 0n)
      assign(expression.right, BigInt(value.toString(2).length - 1), byName, into);
    return;
  }
  switch (expression.operator) {
    case '>>':
      assign(expression.left, value << right, byName, into);
      return;
    case '<<':
      assign(expression.left, value >> right, byName, into);
      return;
    case '&':
      assign(expression.left, value, byName, into);
      return;
    case '+':
      assign(expression.left, value - right, byName, into);
      return;
    case '-':
      assign(expression.left, value + right, byName, into);
      return;
    default:
      return;
  }
}

/** Parts of one field (major and minor, flags and the rest) come together by OR. */
function store(name: string, value: bigint, byName: Fields, into: PrintedFields): void {
  const field = byName.get(name);
  if (!field) return;
  const known = into[name];
  const joined = typeof known === 'number' || typeof known === 'bigint' ? BigInt(known) | value : value;
  const bits = Math.min(8, field.size) * 8;
  const cut = field.signed ? BigInt.asIntN(bits, joined) : BigInt.asUintN(bits, joined);
  into[name] = bits === 64 ? cut : Number(cut);
}
