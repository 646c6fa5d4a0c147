import { UsageError } from '../base/index.ts';

/**
 * C's and Python's % formats, so that a tool's lines can be written with the formats of its model.
 *
 *   conversion = '%' { '-' | '0' | '+' | ' ' | '#' } [ width ] [ '.' precision ] letter
 *   letter     = d i u x X o c s f F e g | '%'
 */
export type Printable = string | number | bigint | boolean | null | undefined;

export interface Conversion {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
  readonly letter: string;
}

const conversionForm = /%([-0+ #]*)(\d*)(?:\.(\d+))?(?:hh|h|ll|l)?([diuxXocsfFeg%])/g;

/** The conversions of a format, in order. */
export function conversions(format: string): Conversion[] {
  return [...format.matchAll(conversionForm)].flatMap((match) => (match[4] === '%' ? [] : [conversionOf(match)]));
}

function conversionOf([, flags = '', width = '', precision, letter = '']: readonly (string | undefined)[]): Conversion {
  return {
    flags,
    width: Number(width),
    precision: precision === undefined ? undefined : Number(precision),
    letter,
  };
}

/**
 * Writes values by a format. Numbers are cut to whole ones by %d, as Python does; 64-bit integers may be bigints.
 * @throws UsageError when there are more conversions than values, or a value is no number where one is wanted
 */
export function sprintf(format: string, ...values: readonly Printable[]): string {
  let next = 0;
  return format.replace(conversionForm, (...match: (string | undefined)[]) => {
    const conversion = conversionOf(match);
    if (conversion.letter === '%') return '%';
    if (next >= values.length) throw new UsageError(`'${format}' wants more than ${values.length} values`);
    return convert(conversion, values[next++]);
  });
}

function convert(conversion: Conversion, value: Printable): string {
  const { letter, precision, flags } = conversion;
  if (letter === 's') return padded(String(value ?? '').slice(0, precision), conversion);
  if (letter === 'c') return padded(typeof value === 'string' ? value : String.fromCharCode(Number(value)), conversion);
  const digits = 'fFeg'.includes(letter) ? real(letter, precision ?? 6, value) : whole(letter, flags, precision, value);
  return padded(signed(digits, flags), conversion);
}

function real(letter: string, precision: number, value: Printable): string {
  const number = typeof value === 'number' ? value : Number(value);
  if (value === undefined || value === null || Number.isNaN(number)) throw notNumber(value);
  if (letter === 'e') return exponent(number.toExponential(precision));
  if (letter !== 'g') return fixed(number, precision);
  const size = number === 0 ? 0 : Math.floor(Math.log10(Math.abs(number)));
  const places = Math.max(1, precision);
  if (size < -4 || size >= places) return exponent(trimmed(number.toExponential(places - 1)));
  return trimmed(number.toFixed(Math.max(0, places - 1 - size)));
}

/** toFixed, but what lies exactly between two goes to the even one, as C's printf has it. */
function fixed(number: number, precision: number): string {
  const text = number.toFixed(precision);
  const scaled = Math.abs(number) * 10 ** precision;
  if (scaled - Math.trunc(scaled) !== 0.5) return text;
  const exact = Math.abs(number).toFixed(100);
  const rest = exact.slice(exact.length - 100 + precision);
  const lower = Math.trunc(scaled);
  if (!/^50*$/.test(rest) || lower % 2 === 1) return text;
  return `${number < 0 ? '-' : ''}${(lower / 10 ** precision).toFixed(precision)}`;
}

/** Two digits of exponent at least. */
function exponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

function trimmed(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+(e|$)/, '$1') : text;
}

function whole(letter: string, flags: string, precision: number | undefined, value: Printable): string {
  const number = integer(value);
  const magnitude = number < 0n ? -number : number;
  const radix = letter === 'x' || letter === 'X' ? 16 : letter === 'o' ? 8 : 10;
  const prefix = flags.includes('#') && radix === 16 ? '0x' : '';
  const digits = `${prefix}${magnitude.toString(radix).padStart(precision ?? 0, '0')}`;
  return `${number < 0n ? '-' : ''}${letter === 'X' ? digits.toUpperCase() : digits}`;
}

function integer(value: Printable): bigint {
  if (typeof value === 'bigint') return value;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'boolean') return number ? 1n : 0n;
  if (typeof number !== 'number' || !Number.isFinite(number)) throw notNumber(value);
  return BigInt(Math.trunc(number));
}

function signed(digits: string, flags: string): string {
  if (digits.startsWith('-')) return digits;
  return flags.includes('+') ? `+${digits}` : flags.includes(' ') ? ` ${digits}` : digits;
}

function padded(text: string, { flags, width, letter }: Conversion): string {
  if (flags.includes('-')) return text.padEnd(width);
  if (!flags.includes('0') || letter === 's' || letter === 'c') return text.padStart(width);
  const sign = /^[-+ ]?(?:0x)?/i.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(width - sign.length, '0');
}

function notNumber(value: Printable): UsageError {
  return new UsageError(`${typeof value === 'string' ? `'${value}'` : String(value)} is no number`, {
    expected: 'a number for %d, %x or %f',
  });
}
