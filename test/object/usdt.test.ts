import { expect, test } from 'vitest';
import { parseUsdtArguments } from '../../src/object/index.ts';

test.each([
  ['-4@%edi', { size: 4, signed: true, operand: { kind: 'register', register: 'di', shift: 0 } }],
  ['1@%ah', { size: 1, signed: false, operand: { kind: 'register', register: 'ax', shift: 8 } }],
  ['%r10', { size: 8, signed: false, operand: { kind: 'register', register: 'r10', shift: 0 } }],
  ['8@-16(%rbp)', { size: 8, operand: { kind: 'memory', base: 'bp', displacement: -16, scale: 1 } }],
  ['2@(%rax,%rcx,4)', { size: 2, operand: { kind: 'memory', base: 'ax', displacement: 0, index: 'cx', scale: 4 } }],
  ['4@$-0x10', { size: 4, operand: { kind: 'constant', value: -16n } }],
])('%s', (text, expected) => {
  expect(parseUsdtArguments(text)).toMatchObject([{ ...expected, text }]);
});

test('several, and none', () => {
  expect(parseUsdtArguments('-4@%edi  8@%rsi').map(({ size }) => size)).toEqual([4, 8]);
  expect(parseUsdtArguments('')).toEqual([]);
});

test.each(['3@%edi', '4@%foo', '8@16(rbp)', '4@', 'x'])('%s is none', (text) => {
  expect(() => parseUsdtArguments(text)).toThrow(/no argument of a USDT probe/);
});
