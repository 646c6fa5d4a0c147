import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../src/base/index.ts';
import { assemble, decode, encode, formatInstruction, isaVersion, opcodeTable } from '../../src/isa/index.ts';
import { entries, instructionPage } from './page.ts';

describe('the page of the instruction set', () => {
  // `npx vitest run test/isa/page.test.ts -u` writes it anew.
  test('docs/instruction-set.md is what the table gives', async () => {
    await expect(instructionPage()).toMatchFileSnapshot('../../docs/instruction-set.md');
  });

  test('every opcode byte has a row, in a section of the page', () => {
    const page = instructionPage();
    const missing = opcodeTable.flatMap((row, opcode) =>
      row && !page.includes(`\n| 0x${opcode.toString(16).padStart(2, '0')} |`) ? [opcode] : [],
    );
    expect(missing).toEqual([]);
    expect(page.split('\n').filter((line) => line.startsWith('| 0x'))).toHaveLength(entries.length);
  });

  test.each(entries.map((entry) => ({ ...entry, text: formatInstruction(entry.example) })))(
    '$text: both syntaxes give the bytes',
    ({ text, classic, example, opcode }) => {
      const bytes = encode([example]);
      expect(bytes[0]).toBe(opcode);
      expect(toHex(assemble(text).code)).toBe(toHex(bytes));
      if (classic !== undefined) expect(toHex(assemble(classic).code)).toBe(toHex(bytes));
    },
  );
});

describe('the version of an instruction', () => {
  const cases = JSON.parse(readFileSync(new URL('../conformance/bpf_conformance.json', import.meta.url), 'utf8')) as {
    name: string;
    cpu: string;
    insns: string;
  }[];

  test('no conformance case uses what its version has not', () => {
    const wrong = cases.flatMap(({ name, cpu, insns }) => {
      const versions = decode(fromHex(insns)!).instructions.map(isaVersion);
      return versions.some((version) => version === 'linux' || version > Number(cpu.slice(1))) ? [name] : [];
    });
    expect(wrong).toEqual([]);
  });
});
