import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assemble, controlFlow, decode, disassemble, encode, formatDot, nameTargets } from '../../src/isa/index.ts';
import { anyInstruction } from './arbitrary.ts';

const flowOf = (text: string) => controlFlow(decode(assemble(text).code));

/** `0-1>4,2`: slots of a block and where it goes; `!` before an unreachable one, `?` behind a place without one. */
function shape(text: string): string[] {
  const { blocks } = flowOf(text);
  return blocks.map(({ slot, instructions, edges, reachable }) => {
    const ways = edges.map((edge) => `${edge.kind === 'taken' ? '' : '+'}${edge.slot}${edge.block < 0 ? '?' : ''}`);
    return `${reachable ? '' : '!'}${slot}-${instructions.at(-1)!.slot}>${ways.join(',')}`;
  });
}

describe('blocks and the ways between them', () => {
  test.each([
    ['one block', 'r0 = 0\nexit', ['0-1>']],
    ['a choice', 'if r1 == 0 goto a\nr0 = 1\na: exit', ['0-0>2,+1', '1-1>+2', '2-2>']],
    ['a loop', 'a: r1 += -1\nif r1 != 0 goto a\nexit', ['0-1>0,+2', '2-2>']],
    ['may_goto', 'a: may_goto b\ngoto a\nb: exit', ['0-0>2,+1', '1-1>0', '2-2>']],
    ['gotol', 'gotol a\nr0 = 1\na: exit', ['0-0>2', '!1-1>+2', '2-2>']],
    ['a call goes on behind it', 'call f\nexit\nf: r0 = 1\nexit', ['0-1>', '2-3>']],
    ['a callback', 'r2 = f ll\nexit\nf: exit', ['0-2>', '3-3>']],
    ['nobody calls it', 'exit\nf: call f\nexit', ['0-0>', '!1-2>']],
    ['off the end', 'r0 = 0', ['0-0>+1?']],
    ['before the start', 'goto -2', ['0-0>-1?']],
    ['into an immediate', 'goto +1\nr1 = 5 ll\nexit', ['0-0>2?', '!1-3>']],
  ])('%s', (_, text, expected) => expect(shape(text)).toEqual(expected));

  test('a function reaches to the next one', () => {
    const { functions, blocks } = flowOf('call f\nexit\nf: if r1 == 0 goto g\nr0 = 1\ng: exit');
    expect(functions).toEqual([
      { slot: 0, end: 2 },
      { slot: 2, end: 5 },
    ]);
    expect(blocks.map((block) => block.function)).toEqual([0, 1, 1, 1]);
  });

  test('every instruction is in one block, in order, whatever the program', () => {
    fc.assert(
      fc.property(fc.array(anyInstruction), (bodies) => {
        const decoded = decode(encode(bodies));
        const { blocks, functions } = controlFlow(decoded);
        expect(blocks.flatMap(({ instructions }) => instructions)).toEqual(decoded.instructions);
        for (const block of blocks) {
          const { slot, end } = functions[block.function]!;
          expect(block.slot).toBeGreaterThanOrEqual(slot);
          expect(block.slot).toBeLessThan(end);
          for (const edge of block.edges) if (edge.block >= 0) expect(blocks[edge.block]!.slot).toBe(edge.slot);
        }
      }),
      { numRuns: 200 },
    );
  });
});

test('a graph for Graphviz', () => {
  const text = 'entry: if r1 == 0 goto +2\ncall twice\nexit\nr0 = 7\ntwice: r0 = r1\ngoto -9';
  const { code, labels } = assemble(text);
  const names = new Map([...labels].map(([name, slot]) => [slot, name]));
  expect(formatDot('a "b"', controlFlow(decode(code)), { names })).toBe(`digraph "a \\"b\\"" {
  node [shape=box, fontname="monospace", fontsize=10];
  edge [fontname="monospace", fontsize=9];
  subgraph cluster_0 {
    label="entry";
    slot_0 [label="entry:\\l0: if r1 == 0 goto +2\\l"];
    slot_1 [label="1: call pc+2\\l2: exit\\l"];
    slot_3 [label="3: r0 = 7\\l"];
  }
  subgraph cluster_4 {
    label="twice";
    slot_4 [label="twice:\\l4: r0 = r1\\l5: goto -9\\l"];
  }
  slot_minus_3 [label="slot -3: no instruction", color=red, fontcolor=red];
  slot_0 -> slot_3 [label="taken", color=darkgreen];
  slot_0 -> slot_1 [label="fall-through", color=red3];
  slot_1 -> slot_4 [label="call", style=dotted];
  slot_3 -> slot_4;
  slot_4 -> slot_minus_3;
}
`);
});

describe('names of places', () => {
  test('known names come first, and no two are the same', () => {
    const { code } = assemble('goto +1\nexit\ncall pc+1\nexit\nif r1 == 0 goto -3\nexit');
    const names = nameTargets(
      decode(code),
      new Map([
        ['out', 2],
        ['f4', 0],
      ]),
    );
    expect([...names]).toEqual([
      [2, 'out'],
      [0, 'f4'],
      [4, 'f4_'],
    ]);
  });

  test.each(['clang', 'verifier'] as const)('a listing with labels assembles to the same bytes: %s', (style) => {
    fc.assert(
      fc.property(fc.array(anyInstruction), (bodies) => {
        const code = encode(bodies);
        const lines = disassemble(code, { style, labels: nameTargets(decode(code)) });
        const text = lines
          .map((line) => `${line.label === undefined ? '' : `${line.label}: `}\n${line.text}`)
          .join('\n');
        expect(assemble(text).code).toEqual(code);
      }),
      { numRuns: 200 },
    );
  });
});
