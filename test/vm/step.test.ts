import { expect, test } from 'vitest';
import { assemble } from '../../src/isa/index.ts';
import { createInterpreter, type Helper } from '../../src/vm/index.ts';
import { linked, TestHost } from './host.ts';

/** What a debugger sees of a run: `depth:slot`, and r0 to r2 before it. */
function steps(text: string, options: ConstructorParameters<typeof TestHost>[0] = {}): string[] {
  const seen: string[] = [];
  const engine = createInterpreter({
    step: (program, slot, registers, depth) => {
      seen.push(`${program.name} ${depth}:${slot} ${registers[0]} ${registers[2]} ${registers[4]}`);
    },
  });
  const program = engine.load(linked(assemble(text).code, 'p'), new TestHost(options));
  program.run(0, 3);
  seen.push(program.trap?.kind ?? `r0=${program.result} after ${program.retired}`);
  return seen;
}

test.each([
  [
    'each instruction once, before it runs',
    'r0 = r2\nr0 += 4\nexit',
    {},
    ['p 0:0 0 0 3', 'p 0:1 3 0 3', 'p 0:2 7 0 3', 'r0=7 after 0'],
  ],
  [
    'a call one deeper',
    'call f\nexit\nf: r0 = 2\nexit',
    {},
    ['p 0:0 0 0 3', 'p 1:2 0 0 3', 'p 1:3 2 0 3', 'p 0:1 2 0 3', 'r0=2 after 0'],
  ],
  ['what traps is seen', 'r0 = *(u8 *)(r1 + 0)\nexit', {}, ['p 0:0 0 0 3', 'unmapped-address']],
  [
    'what the budget ends is not',
    'r0 = 1\ngoto -2',
    { budget: 3 },
    ['p 0:0 0 0 3', 'p 0:1 1 0 3', 'p 0:0 1 0 3', 'budget-exhausted'],
  ],
  ['counting goes on', 'r0 = 1\nexit', { count: true }, ['p 0:0 0 0 3', 'p 0:1 1 0 3', 'r0=1 after 2']],
])('%s', (_, text, options, expected) => expect(steps(text, options)).toEqual(expected));

test('a callback is seen too', () => {
  const helper: Helper = (window, executable) => {
    const slot = window.low(2);
    window.setArgument(1, 0, 9);
    executable.callback(slot);
  };
  const seen = steps('r2 = f ll\ncall 181\nexit\nf: r0 = r1\nexit', { helpers: { 181: helper } });
  expect(seen.map((line) => line.split(' ')[1])).toEqual(['0:0', '0:2', '1:4', '1:5', '0:3', 'after']);
});
