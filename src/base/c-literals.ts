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

/** The bytes between the quotes of a string or character token. */
export function quotedBytes(spelling: string): number[] {
  const bytes: number[] = [];
  const body = spelling.slice(spelling.search(/["']/) + 1, -1);
  for (let i = 0; i < body.length; i++) {
    const char = body[i] as string;
    if (char !== '\\') {
      const point = body.codePointAt(i) as number;
      for (const byte of Buffer.from(String.fromCodePoint(point))) bytes.push(byte);
      if (point > 0xffff) i++;
      continue;
    }
    const rest = body.slice(i + 1);
    const numeric = /^(?:x([0-9a-fA-F]+)|([0-7]{1,3}))/.exec(rest);
    if (numeric) {
      bytes.push(Number.parseInt((numeric[1] ?? numeric[2]) as string, numeric[1] === undefined ? 8 : 16) & 0xff);
      i += numeric[0].length;
    } else {
      const next = rest[0];
      if (next !== '\n') bytes.push(escapes[next as string] ?? (next ?? '\\').charCodeAt(0));
      i++;
    }
  }
  return bytes;
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

/** What a preprocessing number means as an integer, or undefined when it is none. */
export function integerOf(spelling: string): IntegerLiteral | undefined {
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
