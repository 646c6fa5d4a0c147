import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { InputError, toHex } from '../../src/base/index.ts';
import { assemble, readVerifierLog } from '../../src/isa/index.ts';

const log = readFileSync(new URL('./fixtures/verifier-walk.txt', import.meta.url), 'utf8');
const program = `
  r2 = *(u32 *)(r1 + 0)
  r0 = 0
  r3 = 3
a: r3 += -1
  if r2 == 5 goto b
  r0 += 1
b: if r3 != 0 goto a
  call f
  r1 = 0x100000001 ll
  r0 += r1
  exit
f: r0 = 7
  exit`;
const bytes = toHex(assemble(program).code);

test.each([
  ['with the list of live registers', log],
  ['of the walk alone', log.replace(/^Live regs[\s\S]*?(?=^0: R1)/m, '')],
])('a whole log gives the program: %s', (_, text) => {
  const read = readVerifierLog(text)!;
  expect(toHex(assemble(read.map((entry) => entry.text).join('\n')).code)).toBe(bytes);
  for (const { line, slot } of read) expect(text.split('\n')[line - 1]).toContain(`${slot}: `);
});

test('a log that leaves something out', () => {
  const walk = log.replace(/^Live regs[\s\S]*?(?=^0: R1)/m, '').replace(/^5: \(.*$/gm, '');
  expect(() => readVerifierLog(walk)).toThrow(InputError);
  expect(() => readVerifierLog(walk)).toThrow('the log does not show instruction 5');
});

test.each([['r0 = 1\nexit'], ['0: (b7) r0 = 1\n1: (95) exit'], ['processed 3 insns (limit 1000000)']])(
  'no log: %j',
  (text) => {
    expect(readVerifierLog(text)).toBeUndefined();
  },
);
