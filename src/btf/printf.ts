/**
 * The kernel's printf, as far as tracepoints use it (lib/vsprintf.c): a format string as pieces, and one conversion of
 * a value to text. Integers come as bigint and are cut to the length that the conversion names.
 */
export interface Conversion {
  /** `-`, `0`, `#`, `+`, space. */
  readonly flags: string;
  /** -1: taken from an argument; undefined: none. */
  readonly width: number | undefined;
  readonly precision: number | undefined;
  /** Bits of an integer: 8, 16, 32 or 64. */
  readonly bits: 8 | 16 | 32 | 64;
  /** `d`, `u`, `x`, `X`, `o`, `c`, `s`, `p`, … */
  readonly type: string;
  /** All letters and digits behind a `p`, as the kernel takes them: `S`, `I4`, `I6c`, `ISpc`, `M`, `U`. */
  readonly pointer: string;
}

export type Piece = string | Conversion;

const conversion = /%([-0#+ ]*)(\*|\d+)?(?:\.(\*|\d+)?)?(hh|h|ll|l|L|z|t|j)?(p[A-Za-z0-9]*|[a-zA-Z%])/g;
const lengths: Readonly<Record<string, 8 | 16 | 32 | 64>> = { hh: 8, h: 16, l: 64, ll: 64, L: 64, z: 64, t: 64, j: 64 };
/** Splits a format string, its C escapes already taken, into text and conversions. */
export function splitFormat(format: string): Piece[] {
  const pieces: Piece[] = [];
  let text = '';
  let at = 0;
  conversion.lastIndex = 0;
  for (let match = conversion.exec(format); match; match = conversion.exec(format)) {
    text += format.slice(at, match.index);
    const kind = match[5] as string;
    at = conversion.lastIndex;
    if (kind === '%') {
      text += '%';
      continue;
    }
    if (text !== '') pieces.push(text);
    text = '';
    pieces.push({
      flags: match[1] as string,
      width: count(match[2]),
      precision: /\./.test(match[0]) ? (count(match[3]) ?? 0) : undefined,
      bits: lengths[match[4] ?? ''] ?? 32,
      type: kind.startsWith('p') ? 'p' : kind,
      pointer: kind.startsWith('p') ? kind.slice(1) : '',
    });
  }
  text += format.slice(at);
  if (text !== '') pieces.push(text);
  return pieces;
}

function count(text: string | undefined): number | undefined {
  return text === undefined ? undefined : text === '*' ? -1 : Number(text);
}

/** A value on its way through a conversion. */
export type Printable = bigint | string | Uint8Array;

/** One value as its conversion prints it; `width` and `precision` stand for a `*`. */
export function printConversion(spec: Conversion, value: Printable, width?: number, precision?: number): string {
  const wide = spec.width === -1 ? (width ?? 0) : (spec.width ?? 0);
  const left = spec.flags.includes('-') || wide < 0;
  const exact = spec.precision === -1 ? precision : spec.precision;
  const body = convert(spec, value, exact);
  if (body.length >= Math.abs(wide)) return body;
  if (left) return body.padEnd(Math.abs(wide));
  if (!spec.flags.includes('0') || spec.type === 's' || spec.type === 'c') return body.padStart(wide);
  const prefix = /^(?:-|\+|0[xX])?/.exec(body)?.[0] ?? '';
  return prefix + body.slice(prefix.length).padStart(wide - prefix.length, '0');
}

function convert(spec: Conversion, value: Printable, precision: number | undefined): string {
  switch (spec.type) {
    case 's': {
      const text = typeof value === 'string' ? value : typeof value === 'bigint' ? printPointer(value) : textOf(value);
      return precision === undefined ? text : text.slice(0, precision);
    }
    case 'c':
      return typeof value === 'bigint' ? String.fromCharCode(Number(value & 0xffn)) : String(value).slice(0, 1);
    case 'p':
      return convertPointer(spec, value);
    default:
      return typeof value === 'bigint' ? convertInteger(spec, value, precision) : String(value);
  }
}

function convertInteger(spec: Conversion, value: bigint, precision: number | undefined): string {
  const signed = spec.type === 'd' || spec.type === 'i';
  const cut = signed ? BigInt.asIntN(spec.bits, value) : BigInt.asUintN(spec.bits, value);
  const radix = spec.type === 'x' || spec.type === 'X' ? 16 : spec.type === 'o' ? 8 : 10;
  let digits = (cut < 0n ? -cut : cut).toString(radix);
  if (precision !== undefined) digits = digits.padStart(precision, '0');
  if (spec.type === 'X') digits = digits.toUpperCase();
  if (spec.flags.includes('#') && radix === 16) digits = (spec.type === 'X' ? '0X' : '0x') + digits;
  if (spec.flags.includes('#') && radix === 8) digits = `0${digits}`;
  if (cut < 0n) return `-${digits}`;
  return signed && spec.flags.includes('+') ? `+${digits}` : signed && spec.flags.includes(' ') ? ` ${digits}` : digits;
}

function convertPointer(spec: Conversion, value: Printable): string {
  if (typeof value === 'string') return spec.pointer === 's' ? value.replace(/\+0x.*$/, '') : value;
  switch (spec.pointer) {
    case 'S':
    case 's':
    case 'SR':
    case 'SB':
    case 'B':
      return typeof value === 'bigint' ? `0x${BigInt.asUintN(64, value).toString(16)}` : textOf(value);
    case '':
    case 'K':
    case 'x':
      return printPointer(typeof value === 'bigint' ? value : 0n);
    default:
      return value instanceof Uint8Array ? printBytes(spec.pointer, value) : printPointer(value);
  }
}

function printPointer(value: bigint): string {
  return BigInt.asUintN(64, value).toString(16).padStart(16, '0');
}

function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function printBytes(kind: string, bytes: Uint8Array): string {
  if (kind.startsWith('IS')) return printSocketAddress(kind, bytes);
  if (kind === 'I4' || kind === 'i4') return [...padded(bytes, 4)].join('.');
  if (kind === 'I6c') return printIpv6(padded(bytes, 16));
  if (kind === 'I6' || kind === 'i6')
    return groupsOf(padded(bytes, 16))
      .map((group) => group.toString(16).padStart(4, '0'))
      .join(kind === 'I6' ? ':' : '');
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
  if (kind.startsWith('M')) return hex.slice(0, 6).join(':');
  if (kind === 'm') return hex.slice(0, 6).join('');
  if (kind.startsWith('U')) return printUuid(kind, hex);
  return hex.join(' ');
}

function padded(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length >= length) return bytes.subarray(0, length);
  const whole = new Uint8Array(length);
  whole.set(bytes);
  return whole;
}

function groupsOf(bytes: Uint8Array): number[] {
  return Array.from({ length: 8 }, (_, i) => ((bytes[i * 2] as number) << 8) | (bytes[i * 2 + 1] as number));
}

/** The compressed form (lib/vsprintf.c: ip6_compressed_string): `::ffff:10.0.0.1` for mapped and ISATAP addresses. */
function printIpv6(bytes: Uint8Array): string {
  const groups = groupsOf(bytes);
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  const isatap = ((groups[4] as number) | 0x0200) === 0x0200 && groups[5] === 0x5efe;
  const dotted = mapped || isatap;
  const last = dotted ? 6 : 8;
  const [start, length] = longestZeros(groups.slice(0, last));
  let text = '';
  for (let i = 0; i < last; i++) {
    if (length > 1 && i === start) {
      text += i === 0 ? '::' : ':';
      i += length - 1;
    } else text += `${(groups[i] as number).toString(16)}${i < 7 ? ':' : ''}`;
  }
  return dotted ? text + [...bytes.subarray(12)].join('.') : text;
}

/** Where the longest run of zero groups begins, the first of equals, and its length. */
function longestZeros(groups: readonly number[]): [number, number] {
  let best: [number, number] = [-1, 1];
  for (let i = 0; i < groups.length; i++) {
    let length = 0;
    while (groups[i + length] === 0) length++;
    if (length > best[1]) best = [i, length];
  }
  return best;
}

/** struct sockaddr_in or sockaddr_in6: u16 family in host order, u16 port in network order, then the address. */
function printSocketAddress(kind: string, bytes: Uint8Array): string {
  const family = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
  const port = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  const withPort = kind.includes('p');
  if (family === 2) return [...padded(bytes.subarray(4), 4)].join('.') + (withPort ? `:${port}` : '');
  if (family !== 10) return '(einval)';
  const address = printBytes(kind.includes('c') ? 'I6c' : 'I6', bytes.subarray(8, 24));
  return withPort ? `[${address}]:${port}` : address;
}

/** %pU and %pUb big-endian, %pUl little-endian in its first three parts; B and L in capitals. */
function printUuid(kind: string, hex: readonly string[]): string {
  const order =
    kind === 'Ul' || kind === 'UL'
      ? [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
      : [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
  const text = order.map((i) => hex[i] ?? '00').join('');
  const uuid = [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join('-');
  return kind === 'UB' || kind === 'UL' ? uuid.toUpperCase() : uuid;
}
