import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../src/base/index.ts';
import { assemble, disassemble, encode } from '../../src/isa/index.ts';
import { anyInstruction } from './arbitrary.ts';

const fixture = (name: string): string => readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8');
const code = JSON.parse(fixture('code.json')) as Record<string, string>;
const logs = JSON.parse(fixture('verifier-log.json')) as { code: string; lines: string[] }[];

/** Words of a line, whatever blanks stand between them. */
const words = (line: string): string => line.trim().replace(/\s+/g, ' ');

describe('disassemble', () => {
  test.each([
    ['clang', {}],
    ['clang, with slots', { slots: true }],
    ['clang, with bytes', { bytes: true }],
    ['verifier', { style: 'verifier' }],
    ['verifier, with slots', { style: 'verifier', slots: true }],
  ] as const)('assembling what was disassembled gives the same bytes: %s', (_, options) => {
    fc.assert(
      fc.property(fc.array(anyInstruction), (bodies) => {
        const bytes = encode(bodies);
        const text = disassemble(bytes, options).map((line) => line.text);
        expect(toHex(assemble(text.join('\n')).code)).toBe(toHex(bytes));
      }),
      { numRuns: 300 },
    );
  });

  test.each(logs.map((log, index) => ({ index, ...log })))('the words of the verifier: program $index', (log) => {
    const helperName = (id: number): string | undefined => (id === 7 ? 'bpf_get_prandom_u32' : undefined);
    const lines = disassemble(fromHex(log.code)!, { style: 'verifier', slots: true, helperName });
    const printed = new Map(lines.map(({ text }) => [text.split(':')[0], text]));
    expect(log.lines.map((line) => printed.get(line.split(':')[0]))).toEqual(log.lines);
  });

  test.each(['objdump', 'objdump-forms'])('the words of llvm-objdump: %s', (name) => {
    const wanted = fixture(`${name}.txt`)
      .split('\n')
      .filter((line) => /^\s+\d+:\t/.test(line) && !line.includes('R_BPF') && !line.includes('<unknown>'))
      .map((line) => words(line.replace(/<\w.*>$/, '')));
    const printed = disassemble(fromHex(code[name]!)!, { bytes: true }).map(({ text }) => words(text));
    // LLVM 14 prints 64-bit immediates in decimal, calls within the program without `pc`, packet loads without an
    // offset, and 32-bit atomics with the whole register.
    const older = (line: string): string =>
      line
        .replace(/0x[0-9a-f]+(?= ll)/, (hex) => String(BigInt(hex)))
        .replace(/call pc\+?/, 'call ')
        .replace(' + 0]', ']')
        .replace(/^(.*lock .*u32.*) w(\d+)$/, '$1 r$2');
    const lines = new Set(printed.map(older));
    expect(wanted.length).toBeGreaterThan(20);
    expect(wanted.filter((line) => !lines.has(line))).toEqual([]);
  });
});
