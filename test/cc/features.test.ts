import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadProfile } from '../../src/btf/index.ts';
import { engines } from '../vm/engines.ts';
import { prelude, randomInput, randomProgram } from './random-c.ts';
import { compiled, runCode } from './run-c.ts';

/** Snippets with the value that each gives, by feature; and random programs with the value that gcc's code gave. */
const profile = loadProfile('6.1');
const input = [1n, 2n, 3n, 0xffffffffffffffffn, 0x80n, 0xffffffffn, 0x123456789abcdef0n, 100n];
const shared = `${prelude}
struct box { u64 low; u64 high; };
static u64 sumBox(struct box b) { b.low += b.high; return b.low; }
static struct box swapBox(struct box b) { struct box c = { b.high, b.low }; return c; }
static int add3(int a, int b, int c) { return a + b + c; }
static __attribute__((noinline)) u64 noinlined(u64 a, u32 b) { return a + b; }
`;

function snippets(): [name: string, expected: bigint, body: string][] {
  const text = readFileSync(new URL('features/values.c', import.meta.url), 'utf8');
  const parts = text.split(/^(\w+): (\d+)$/m).slice(1);
  const found: [string, bigint, string][] = [];
  for (let i = 0; i < parts.length; i += 3) found.push([parts[i]!, BigInt(parts[i + 1]!), parts[i + 2]!]);
  return found;
}

describe.each(engines)('C on the $name', (engine) => {
  test.each(snippets())('%s gives %s', (_name, expected, body) => {
    const code = compiled(`${shared}u64 run(u64 *in) {\n${body}\n}`, profile);
    expect(runCode(code, input, engine)).toBe(expected);
  });

  test('random programs give what gcc gives', () => {
    const lines = readFileSync(new URL('fixtures/random.jsonl', import.meta.url), 'utf8')
      .trim()
      .split('\n');
    for (const line of lines) {
      const { seed, result } = JSON.parse(line) as { seed: number; result: string };
      const code = compiled(prelude + randomProgram(seed), profile);
      expect(`${seed}: ${runCode(code, randomInput(seed), engine)}`).toBe(`${seed}: ${result}`);
    }
  });
});
