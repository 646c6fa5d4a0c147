import { expect, test } from 'vitest';
import { loadProfile } from '../../src/btf/index.ts';
import { decode } from '../../src/isa/index.ts';
import { compiledObject } from './run-c.ts';

const profile = loadProfile('6.1');

/** Branches and helper calls that are left of a program's body. */
function left(body: string): { branches: number; calls: number } {
  const object = compiledObject(`int f(struct pt_regs *ctx) { u64 x = ctx->di; u32 w = ctx->si; ${body} }`, profile);
  const { instructions } = decode(object.programs[0]?.code as Uint8Array);
  const count = (kind: string): number => instructions.filter((one) => one.kind === kind).length;
  return { branches: count('jump'), calls: count('call') };
}

const call = 'bpf_send_signal';

test.each([
  [
    'behind ==, the other case is gone',
    `if (w != 2) return 0; if (w == 2) ${call}(1); else ${call}(2); return 0;`,
    1,
    1,
  ],
  ['the same question has the same answer', `if (x > 7) return 0; if (x > 7) ${call}(1); return 1;`, 1, 0],
  ['and the opposite the opposite one', `if (x > 7) return 0; if (x <= 7) ${call}(1); return 1;`, 1, 1],
  [
    'the value is known in what is computed from it',
    `if (x != 5) return 0; if (x * 3 + 1 == 16) ${call}(1); return 0;`,
    1,
    1,
  ],
  ['a second look at NULL', `if (!x) return 0; if (x) ${call}(1); return 0;`, 1, 1],
  [
    'a flag becomes jumps',
    `int found = 0; if (x == 1) { ${call}(1); found = 1; } if (!found && x == 2) { ${call}(2); found = 1; } if (!found) ${call}(3); return 0;`,
    2,
    3,
  ],
  ['a fact ends where both ways meet', `if (w == 2) ${call}(1); if (w == 2) ${call}(2); return 0;`, 2, 2],
])('%s', (_name, body, branches, calls) => {
  expect(left(body)).toEqual({ branches, calls });
});
