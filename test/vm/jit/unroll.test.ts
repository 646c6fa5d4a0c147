import { describe, expect, test } from 'vitest';
import { assemble, decode } from '../../../src/isa/index.ts';
import { createInterpreter, createJit, type ProgramFacts } from '../../../src/vm/index.ts';
import { type Block, BlockFinder, successorsOf } from '../../../src/vm/jit/blocks.ts';
import { reversePostorder } from '../../../src/vm/jit/dominators.ts';
import { InlineCalls } from '../../../src/vm/jit/inline-calls.ts';
import { copyTails } from '../../../src/vm/jit/tails.ts';
import { unrollLoops } from '../../../src/vm/jit/unroll.ts';
import { linked, TestHost } from '../host.ts';

/** The blocks that are left of a verified program, and what they hold. */
function shaped(text: string): { instructions: number; loops: boolean; blocks: readonly Block[] } {
  const program = decode(assemble(text).code);
  const host = new TestHost();
  const inlineCalls = new InlineCalls(host, true, program);
  const blocks = new BlockFinder(program, false).blocks(0);
  const input = { instructions: program.instructions, blocks, beginning: 'program', inlineCalls } as const;
  const all = copyTails(unrollLoops({ ...input, verified: true, facts: undefined, mayFault: undefined }));
  const order = reversePostorder(all.map(({ end }) => successorsOf(end)));
  const loops = order.nodes.some((node) =>
    successorsOf(all[node]!.end).some((next) => order.number[next]! <= order.number[node]!),
  );
  return { instructions: order.nodes.reduce((sum, node) => sum + all[node]!.count, 0), loops, blocks: all };
}

const sum = (rounds: number): string => `r0 = 0\nr1 = 0\nagain: r0 += r1\nr1 += 1\nif r1 < ${rounds} goto again\nexit`;

describe('loops', () => {
  test.each([
    ['of 10 rounds are laid out', sum(10), false, 2 + 10 * 3 + 1],
    ['of 64 rounds too', sum(64), false, 2 + 64 * 3 + 1],
    ['of 65 rounds stay', sum(65), true, 6],
    ['whose end is not known stay', 'r0 = 0\nagain: r0 += 1\nr2 -= 1\nif r2 != 0 goto again\nexit', true, 5],
    [
      'in loops are laid out from the inside',
      'r0 = 0\nr1 = 0\nouter: r3 = 0\ninner: r0 += r3\nr3 += 1\nif r3 < 4 goto inner\nr1 += 1\nif r1 < 3 goto outer\nexit',
      false,
      2 + 3 * (1 + 4 * 3 + 2) + 1,
    ],
    [
      'that divide by what is constant in the first rounds begin before themselves',
      'r0 = 0\nr3 = 2\nagain: r4 = r2\nr4 %= r3\nr3 += 1\nif r4 != 0 goto again\nr0 = r3\nexit',
      true,
      8 + 12 * 4,
    ],
  ] as const)('%s', (_, text, loops, instructions) => {
    const found = shaped(text);
    expect(found.loops).toBe(loops);
    expect(found.instructions).toBe(instructions);
  });
});

describe('tails', () => {
  const long = Array.from({ length: 10 }, () => 'r0 *= 31').join('\n');

  test('go to each way that leads to them', () => {
    const text = `r0 = 1\nif r2 == 0 goto end\nr0 = 2\nif r2 == 1 goto end\nr0 = 3\nend: ${long}\nexit`;
    expect(shaped(text).instructions).toBe(5 + 3 * 11);
  });

  test('that are short stay where branches lead to them', () => {
    const text = 'r0 = 1\nif r2 == 0 goto end\nr0 = 2\nif r2 == 1 goto end\nr0 = 3\nend: exit';
    expect(shaped(text).instructions).toBe(5 + 2);
  });
});

describe('facts', () => {
  const registers = (slots: number): Uint8Array => new Uint8Array(slots * 10);

  test.each([
    ['reads what is there', 0n, 0x0807060504030201n],
    ['gives 0 in a hole', 0x10_0000n, 0n],
    ['gives 0 in another space', 0x7f00_0000_0000n, 0n],
  ])('a load that may fault %s, on both engines', (_, moved, expected) => {
    const { code } = assemble('r3 = *(u64 *)(r1 + 0)\nr0 = *(u64 *)(r3 + 8)\nexit');
    for (const engine of [createInterpreter(), createJit()]) {
      for (const count of [false, true]) {
        const host = new TestHost({ count });
        const context = host.place(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8));
        host.memory.u64[context >>> 3] = host.memory.kernelPointer(context) + moved;
        const mayFault = Uint8Array.of(0, 1, 0);
        const facts: ProgramFacts = { verified: true, registers: registers(3), mayFault };
        const program = engine.load({ ...linked(code), facts }, host);
        program.run(context);
        expect(program.trap).toBeNull();
        expect(program.result).toBe(expected);
      }
    }
  });
});
