import { expect, test } from 'vitest';
import { binaryValue, integerOf, quotedBytes, readBinary } from '../../src/base/index.ts';

/** `1 + 2 * 3` with its brackets written out. */
function bracketed(text: string): string {
  const tokens = text.split(' ');
  return readBinary<string, string>({
    get next() {
      return tokens[0] ?? '';
    },
    takeOperator: () => tokens.shift() as string,
    operand: () => tokens.shift() as string,
    join: (operator, left, right) => `(${left}${operator}${right})`,
  });
}

test.each([
  ['a', 'a'],
  ['a - b - c', '((a-b)-c)'],
  ['a + b * c', '(a+(b*c))'],
  ['a << b + c < d', '((a<<(b+c))<d)'],
  ['a & b == c | d ^ e && f || g', '((((a&(b==c))|(d^e))&&f)||g)'],
  ['a ? b', 'a'],
])('%s is read as %s', (text, expected) => {
  expect(bracketed(text)).toBe(expected);
});

test.each([
  ['/', 7n, -2n, -3n],
  ['/', 7n, 0n, 0n],
  ['%', -7n, 2n, -1n],
  ['<<', 1n, 65n, 2n],
  ['>=', 2n, 2n, 1n],
  ['&&', 2n, 0n, 0n],
  ['||', 0n, 3n, 1n],
])('%s of %d and %d', (operator, left, right, expected) => {
  expect(binaryValue(operator, left, right)).toBe(expected);
});

test.each([
  ['017', 15n],
  ['0b101', 5n],
  ['0x1fUL', 31n],
  ['10ull', 10n],
  ['7LLU', 7n],
  ['0', 0n],
  ['1lul', undefined],
  ['0x', undefined],
  ['1.5', undefined],
  ['08', undefined],
])('the integer %s', (spelling, value) => {
  expect(integerOf(spelling)?.value).toBe(value);
});

test('the bytes of a string', () => {
  expect(quotedBytes('"a\\n\\x41\\101é\\\\"')).toEqual([97, 10, 65, 65, 0xc3, 0xa9, 92]);
});
