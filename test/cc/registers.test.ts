import { expect, test } from 'vitest';
import { loadProfile } from '../../src/btf/index.ts';
import { decode, type Instruction } from '../../src/isa/index.ts';
import { compiledObject } from './run-c.ts';

/** What the compiler makes of values in registers, and where it puts the blocks, by the code that comes out. */
const profile = loadProfile('6.1');

function codeOf(body: string): readonly Instruction[] {
  const object = compiledObject(`int f(struct pt_regs *ctx) { ${body} }`, profile);
  return decode(object.programs[0]?.code as Uint8Array).instructions;
}

/** Copies from register to register, but those of the frame pointer, which begin an address. */
function copies(code: readonly Instruction[]): number {
  return code.filter(
    (one) => one.kind === 'alu' && one.op === 'mov' && one.src.kind === 'register' && one.src.register !== 10,
  ).length;
}

function jumpsBack(code: readonly Instruction[]): number {
  return code.filter((one) => (one.kind === 'jump' || one.kind === 'goto') && one.offset < 0).length;
}

test.each([
  ['a value that nothing else wants is changed where it is', 'u64 x = ctx->di; x += ctx->si; x *= 3; return x ^ 7;', 1],
  [
    'what both ways leave in a variable is there already',
    'u64 x = ctx->di, n = 0; if (ctx->si & 1) n = x * 3; else n = x + 5; return n;',
    1,
  ],
  [
    'a step of a loop changes its own variable',
    'u64 n = 0; for (int i = 0; i < 100; i++) n += bpf_get_prandom_u32(); return n;',
    2,
  ],
  [
    'what is found or made is where it is wanted, without a way round for the copy',
    'u64 *p = bpf_map_lookup_elem(0, 0); if (!p) { p = bpf_map_lookup_elem(0, 0); if (!p) return 0; } return *p;',
    1,
  ],
])('%s', (_name, body, most) => {
  expect(copies(codeOf(body))).toBeLessThanOrEqual(most);
});

test('nothing but a loop jumps back', () => {
  const ways = Array.from(
    { length: 12 },
    (_, i) => `if (ctx->di & ${1 << i}) n += ctx->si; else n ^= ctx->dx >> ${i};`,
  );
  expect(jumpsBack(codeOf(`u64 n = 1; ${ways.join(' ')} return n;`))).toBe(0);
  expect(jumpsBack(codeOf('u64 n = 0; for (int i = 0; i < 1000; i++) n += bpf_get_prandom_u32(); return n;'))).toBe(1);
});

test('more values than registers go to the stack and come back', () => {
  const names = Array.from({ length: 24 }, (_, i) => `v${i}`);
  const made = names.map((name, i) => `u64 ${name} = ctx->di * ${i + 3};`).join(' ');
  const code = codeOf(
    `${made} bpf_get_prandom_u32(); return ${names.map((name, i) => `(${name} >> ${i})`).join(' ^ ')};`,
  );
  const ofFrame = code.filter((one) => (one.kind === 'load' || one.kind === 'store') && one.base === 10);
  const stored = new Set(ofFrame.filter(({ kind }) => kind === 'store').map((one) => 'offset' in one && one.offset));
  const read = new Set(ofFrame.filter(({ kind }) => kind === 'load').map((one) => 'offset' in one && one.offset));
  expect(stored.size).toBeGreaterThan(0);
  expect(read).toEqual(stored);
});
