/** C's literals: the bytes of a string or character (C11 6.4.5), the value of an integer (C11 6.4.4.1). */
const escapes: Readonly<Record<string, number>> = {
  n: 10,
  t: 9,
  r: 13,
  a: 7,
  b: 8,
  f: 12,
  v: 11,
  e: 27,
  '\\': 92,
  "'": 39,
  '"': 34,
  '?': 63,
};

/** How a literal's characters are kept, by what stands before its quote (C11 6.4.4.4, 6.4.5). */
export type LiteralPrefix = '' | 'u8' | 'u' | 'U' | 'L';
const widths: Readonly<Record<LiteralPrefix, 1 | 2 | 4>> = { '': 1, u8: 1, u: 2, U: 4, L: 4 };

/** Bytes of each character of a literal. */
export function characterWidth(prefix: LiteralPrefix): 1 | 2 | 4 {
  return widths[prefix];
}

export function literalPrefix(spelling: string): LiteralPrefix {
  return spelling.slice(0, spelling.search(/["']/)) as LiteralPrefix;
}

const numbered = /^(?:x([0-9a-fA-F]+)|([0-7]{1,3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/;

/** The bytes between the quotes of a string or character token. */
export function quotedBytes(spelling: string): number[] {
  return quotedUnits(spelling, 1);
}

/**
 * What stands between the quotes of a string or character token, in units of a width: bytes are UTF-8's, units of 2
 * UTF-16's.
 */
export function quotedUnits(spelling: string, width: 1 | 2 | 4): number[] {
  const units: number[] = [];
  const body = spelling.slice(spelling.search(/["']/) + 1, -1);
  const most = 2 ** (width * 8);
  for (let i = 0; i < body.length; i++) {
    const char = body[i] as string;
    if (char !== '\\') {
      const point = body.codePointAt(i) as number;
      pushPoint(units, point, width);
      if (point > 0xffff) i++;
      continue;
    }
    const [whole, hex, octal, short, long] = numbered.exec(body.slice(i + 1)) ?? [];
    const numeric = hex ?? octal;
    const named = short ?? long;
    if (whole === undefined) {
      const next = body[i + 1];
      if (next !== '\n') units.push(escapes[next as string] ?? (next ?? '\\').charCodeAt(0));
      i++;
    } else {
      if (numeric !== undefined) units.push(Number.parseInt(numeric, hex === undefined ? 8 : 16) % most);
      else pushPoint(units, Number.parseInt(named as string, 16), width);
      i += whole.length;
    }
  }
  return units;
}

/** A character as that many units as it takes. */
function pushPoint(units: number[], point: number, width: 1 | 2 | 4): void {
  if (point < 0x80 || width === 4) units.push(point);
  else if (point > 0x10ffff) units.push(0xfffd % 2 ** (width * 8));
  else if (width === 1) for (const byte of Buffer.from(String.fromCodePoint(point))) units.push(byte);
  else for (const unit of String.fromCodePoint(point).split('')) units.push(unit.charCodeAt(0));
}

/**
 * The value of a character constant: of several characters without a prefix, an int with a byte of each as gcc and clang
 * have it; of one a signed char; with a prefix, the last.
 */
export function characterValue(spelling: string): bigint {
  const prefix = literalPrefix(spelling);
  const units = quotedUnits(spelling, characterWidth(prefix));
  if (prefix !== '') return BigInt.asIntN(prefix === 'L' ? 32 : 64, BigInt(units.at(-1) ?? 0));
  if (units.length < 2) return BigInt.asIntN(8, BigInt(units[0] ?? 0));
  return BigInt.asIntN(32, BigInt(units.slice(-4).reduce((sum, unit) => sum * 256 + unit, 0)));
}

export interface IntegerLiteral {
  readonly value: bigint;
  readonly unsigned: boolean;
  /** `l` or `ll` stands behind it. */
  readonly long: boolean;
  /** `ll` does. */
  readonly longLong: boolean;
  readonly decimal: boolean;
}

const integerDigits = /^(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)$/;

const suffix = (unsigned: boolean, longs: 0 | 1 | 2) => ({ unsigned, long: longs > 0, longLong: longs === 2 });
const plain = suffix(false, 0);
const suffixes = new Map([
  ['u', suffix(true, 0)],
  ['l', suffix(false, 1)],
  ['ul', suffix(true, 1)],
  ['lu', suffix(true, 1)],
  ['ll', suffix(false, 2)],
  ['ull', suffix(true, 2)],
  ['llu', suffix(true, 2)],
]);

/** Most numbers are decimal, short and without a suffix: their value is exact as a number. -1 for others. */
function decimalOf(spelling: string): number {
  if (spelling === '' || spelling.length > 15 || (spelling[0] === '0' && spelling.length > 1)) return -1;
  let value = 0;
  for (let i = 0; i < spelling.length; i++) {
    const digit = spelling.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** What a preprocessing number means as an integer, or undefined when it is none. */
export function integerOf(spelling: string): IntegerLiteral | undefined {
  const simple = decimalOf(spelling);
  if (simple >= 0) return { value: BigInt(simple), unsigned: false, long: false, longLong: false, decimal: true };
  let end = spelling.length;
  while (end > 0 && 'uUlL'.includes(spelling[end - 1] as string)) end--;
  const digits = spelling.slice(0, end);
  const behind = end === spelling.length ? plain : suffixes.get(spelling.slice(end).toLowerCase());
  if (!behind || !integerDigits.test(digits)) return undefined;
  const decimal = digits === '0' || !digits.startsWith('0');
  const octal = !decimal && digits[1] !== undefined && digits[1] >= '0' && digits[1] <= '9';
  const spelled = octal ? `0o${digits.slice(1)}` : digits;
  // BigInt reads a text ten times slower than Number, which is exact up to 2^53.
  const near = Number(spelled);
  const value = BigInt(near <= Number.MAX_SAFE_INTEGER ? near : spelled);
  return { value, unsigned: behind.unsigned, long: behind.long, longLong: behind.longLong, decimal };
}
