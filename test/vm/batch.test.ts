import { describe, expect, test } from 'vitest';
import { encode, immediate } from '../../src/isa/index.ts';
import type { ProgramFacts } from '../../src/vm/index.ts';
import { engines } from './engines.ts';
import { TestHost, type TestHostOptions } from './host.ts';

const facts: readonly (ProgramFacts | undefined)[] = [undefined, { verified: true }];
const ways = engines.flatMap((engine) =>
  facts.map((fact) => ({ engine, fact, name: `${engine.name} ${fact ? 'verified' : 'checked'}` })),
);

/** r0 = the context's u32 times 10; contexts are four words of which `words[i]` is the first. */
function batch(way: (typeof ways)[number], words: readonly number[], options: TestHostOptions = {}) {
  const host = new TestHost(options);
  const code = encode([
    { kind: 'load', size: 4, signed: false, dst: 0, base: 1, offset: 0 },
    { kind: 'alu', op: 'mul', width: 64, dst: 0, src: immediate(10) },
    { kind: 'exit' },
  ]);
  const program = { name: 'test', code, ...(way.fact === undefined ? {} : { facts: way.fact }) };
  const executable = way.engine.load(program, host);
  const area = host.place(new Uint8Array(4096));
  words.forEach((word, index) => {
    host.memory.u32[(area >>> 2) + index] = word < 0 ? 0 : area + 1024 + index * 16;
    host.memory.u32[(area + 1024 + index * 16) >>> 2] = word;
  });
  const done = executable.runBatch(area, words.length, area + 2048);
  const results = [...host.memory.u64.subarray((area + 2048) >>> 3, ((area + 2048) >>> 3) + words.length)];
  return { done, results, executable };
}

describe.each(ways)('a batch on the $name', (way) => {
  test('gives the whole r0 of each context, in order', () => {
    const { done, results, executable } = batch(way, [1, 2, 0xffffffff]);
    expect(done).toBe(3);
    expect(results).toEqual([10n, 20n, 0xffffffffn * 10n]);
    expect(executable.trap).toBeNull();
    expect(executable.result).toBe(0xffffffffn * 10n);
  });

  test('of none does nothing', () => expect(batch(way, []).done).toBe(0));

  test('counts what all of its runs retired', () => {
    expect(batch(way, [1, 2, 3], { count: true }).executable.retired).toBe(9);
  });

  test('gives every run the whole budget', () => {
    const { done, executable } = batch(way, [1, 2], { budget: 3 });
    expect([done, executable.trap]).toEqual([2, null]);
    expect(batch(way, [1, 2], { budget: 2 }).executable.trap?.kind).toBe('budget-exhausted');
  });
});

describe.each(ways.filter(({ fact }) => !fact))('a batch on the $name', (way) => {
  test('ends at the context whose run traps', () => {
    const { done, results, executable } = batch(way, [1, 2, -1, 4]);
    expect(done).toBe(2);
    expect(results).toEqual([10n, 20n, 0n, 0n]);
    expect(executable.trap).toMatchObject({ kind: 'unmapped-address', instruction: 0 });
  });
});
