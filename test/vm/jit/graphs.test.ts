import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encode, type InstructionBody, immediate } from '../../../src/isa/index.ts';
import { createInterpreter, createJit } from '../../../src/vm/index.ts';
import { linked, TestHost } from '../host.ts';

/**
 * Any control-flow graph gives the same walk on both engines. A block notes itself in r0, then goes by the bits of r7
 * to one of two others; r7 is used up by every branch, and the budget ends what goes round for ever.
 */
const blockSlots = 6;

function program(targets: readonly (readonly [taken: number, next: number])[]): Uint8Array {
  const body: InstructionBody[] = [
    { kind: 'alu', op: 'mov', width: 64, dst: 7, src: { kind: 'register', register: 2 } },
  ];
  targets.forEach(([taken, next], block) => {
    const start = 1 + block * blockSlots;
    const to = (target: number, from: number): number => 1 + target * blockSlots - from - 1;
    body.push(
      { kind: 'alu', op: 'mul', width: 64, dst: 0, src: immediate(31) },
      { kind: 'alu', op: 'add', width: 64, dst: 0, src: immediate(block + 1) },
      { kind: 'alu', op: 'mov', width: 64, dst: 3, src: { kind: 'register', register: 7 } },
      { kind: 'alu', op: 'rsh', width: 64, dst: 7, src: immediate(1) },
      { kind: 'jump', op: 'set', width: 64, dst: 3, src: immediate(1), offset: to(taken, start + 4) },
      { kind: 'goto', long: false, offset: to(next, start + 5) },
    );
  });
  body.push({ kind: 'exit' });
  return encode(body);
}

function walk(engine: ReturnType<typeof createJit>, code: Uint8Array, choices: number, budget?: number): unknown {
  const host = new TestHost(budget === undefined ? {} : { budget, count: true });
  const executable = engine.load(linked(code), host);
  executable.run(host.place(new Uint8Array(8)), choices);
  return [executable.result, executable.trap, executable.retired];
}

const graphs = fc
  .integer({ min: 1, max: 12 })
  .chain((count) => fc.array(fc.tuple(fc.nat(count), fc.nat(count)), { minLength: count, maxLength: count }));

describe('random graphs, irreducible ones too', () => {
  test('are walked alike', () => {
    fc.assert(
      fc.property(graphs, fc.integer(), (targets, choices) => {
        const code = program(targets);
        expect(walk(createJit(), code, choices, 400)).toEqual(walk(createInterpreter(), code, choices, 400));
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    [
      'two entries of a loop',
      [
        [1, 2],
        [2, 3],
        [1, 3],
        [4, 4],
      ],
    ],
    [
      'a loop entered in its middle',
      [
        [2, 1],
        [2, 2],
        [3, 1],
        [4, 4],
      ],
    ],
    [
      'two irreducible loops in each other',
      [
        [1, 2],
        [3, 2],
        [1, 4],
        [2, 5],
        [1, 5],
        [6, 6],
      ],
    ],
  ] as readonly (readonly [string, readonly (readonly [number, number])[]])[])('%s', (_, targets) => {
    const code = program(targets);
    for (let choices = 0; choices < 64; choices++) {
      expect(walk(createJit(), code, choices, 300)).toEqual(walk(createInterpreter(), code, choices, 300));
    }
  });
});
