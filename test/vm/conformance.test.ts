import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fromHex } from '../../src/base/index.ts';
import { engines } from './engines.ts';
import { linked, TestHost } from './host.ts';

interface Case {
  readonly name: string;
  readonly mem: string;
  readonly r0: string;
  readonly insns: string;
}

const cases = JSON.parse(
  readFileSync(new URL('../conformance/bpf_conformance.json', import.meta.url), 'utf8'),
) as Case[];

describe.each(engines)('conformance on the $name', (engine) => {
  test('all cases are there', () => expect(cases).toHaveLength(313));

  test.each(cases)('$name', ({ mem, r0, insns }) => {
    // The suite's helper 5 answers with its argument.
    const host = new TestHost({ helpers: { 5: (window) => window.answerHalves(window.high(1), window.low(1)) } });
    const memory = fromHex(mem)!;
    const program = engine.load(linked(fromHex(insns)!), host);
    program.run(host.place(memory), memory.length);
    expect(program.trap).toBeNull();
    expect(program.result).toBe(BigInt(r0));
  });
});
