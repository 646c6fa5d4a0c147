import { expect, test } from 'vitest';
import { assemble, factRegisters, type RegisterFactName, registerFacts } from '../../src/isa/index.ts';
import { helperByName, type ProgramType } from '../../src/uapi/index.ts';
import type { MapShape } from '../../src/verifier/index.ts';
import { type Facts, verify } from '../../src/verifier/index.ts';
import { maps as caseMaps } from './read-cases.ts';

/** The facts of an accepted program; `MAP` is the map of that name in the case files. */
function factsOf(text: string, type: ProgramType = 'socket_filter', full = true): Facts {
  const { code, relocations } = assemble(text, { helper: (helper) => helperByName(helper)?.id });
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  for (const { slot } of relocations) {
    view.setUint8(slot * 8 + 1, (view.getUint8(slot * 8 + 1) & 15) | 16);
    view.setInt32(slot * 8 + 4, 1, true);
  }
  const maps = new Map([[1, caseMaps.get('MAP') as MapShape]]);
  const verdict = verify({ code, type, maps }, { facts: full ? 'full' : 'bytes' });
  expect(verdict.log).toContain('processed');
  if (!verdict.facts) throw new Error(verdict.log);
  return verdict.facts;
}

function nameAt({ registers }: Facts, slot: number, register: number): RegisterFactName | undefined {
  const names = Object.keys(registerFacts) as RegisterFactName[];
  return names.find((name) => registerFacts[name] === registers[slot * factRegisters + register]);
}

test.each<[string, string, ProgramType, number, number, RegisterFactName]>([
  ['the context at the beginning', 'r0 = *(u32 *)(r1 + 0)\nexit', 'socket_filter', 0, 1, 'pointer'],
  ['what nothing reads', 'r0 = 0\nexit', 'socket_filter', 0, 1, 'unknown'],
  ['a loaded u32', 'r0 = *(u32 *)(r1 + 0)\nexit', 'socket_filter', 1, 0, 'below2to32'],
  ['a loaded u64', 'r0 = *(u64 *)(r1 + 0)\nexit', 'kprobe', 1, 0, 'unknown'],
  [
    'a u64 that was compared',
    'r1 = *(u64 *)(r1 + 0)\nr0 = 0\nif r1 > 100 goto out\nr0 = r1\nout: exit',
    'kprobe',
    3,
    1,
    'below2to32',
  ],
  ['numbers of two ways', 'r0 = 1\nif r1 == 0 goto out\nr0 = 2\nout: exit', 'kprobe', 3, 0, 'below2to32'],
  [
    'a number of one way, anything of the other',
    'r0 = 1\nr2 = *(u64 *)(r1 + 0)\nif r2 == 7 goto out\nr0 = r2\nout: exit',
    'kprobe',
    4,
    0,
    'unknown',
  ],
  [
    'a packet pointer',
    'r2 = *(u32 *)(r1 + 76)\nr3 = *(u32 *)(r1 + 80)\nr0 = 0\nr4 = r2\nr4 += 14\nif r4 > r3 goto out\nr0 = *(u8 *)(r2 + 0)\nout: exit',
    'sched_cls',
    5,
    4,
    'pointer',
  ],
  [
    'a packet pointer moved by any u32: its high half may change',
    'r2 = *(u32 *)(r1 + 76)\nr3 = *(u32 *)(r1 + 0)\nr2 += r3\nr0 = r2\nr0 = 0\nexit',
    'sched_cls',
    3,
    2,
    'unknown',
  ],
  [
    'a map value or NULL',
    '*(u32 *)(r10 - 4) = 9\nr2 = r10\nr2 += -4\nr1 = MAP ll\ncall map_lookup_elem\nif r0 == 0 goto out\nr0 = *(u32 *)(r0 + 0)\nout: r0 = 0\nexit',
    'socket_filter',
    6,
    0,
    'pointerOrNull',
  ],
  [
    'a map value that is there',
    '*(u32 *)(r10 - 4) = 9\nr2 = r10\nr2 += -4\nr1 = MAP ll\ncall map_lookup_elem\nif r0 == 0 goto out\nr0 = *(u32 *)(r0 + 0)\nout: r0 = 0\nexit',
    'socket_filter',
    7,
    0,
    'pointer',
  ],
  [
    'an argument of two calls',
    'r6 = r1\ncall f\nr1 = 7\ncall f\nr0 = 0\nexit\nf: r0 = r1\nr0 = 0\nexit',
    'socket_filter',
    6,
    1,
    'unknown',
  ],
  [
    'an argument that is a pointer or NULL',
    'r6 = r1\ncall f\nr1 = 0\ncall f\nr0 = 0\nexit\nf: r0 = r1\nr0 = 0\nexit',
    'socket_filter',
    6,
    1,
    'pointerOrNull',
  ],
])('%s', (_, text, type, slot, register, expected) => {
  expect(nameAt(factsOf(text, type), slot, register)).toBe(expected);
  expect(nameAt(factsOf(text, type, false), slot, register)).toBe(expected);
});

test('ranges join over the ways that meet', () => {
  const facts = factsOf('r0 = 4\nr2 = *(u32 *)(r1 + 0)\nif r2 > 9 goto out\nr0 = 12\nout: exit');
  expect(facts.at(4, 0)).toMatchObject({ kind: 'scalar', umin: 4n, umax: 12n, bits: { value: 4n, mask: 8n } });
  expect(facts.at(3, 0)).toEqual({ kind: 'unknown' });
});

test('a stack pointer has its frame and its distance from the end', () => {
  const facts = factsOf('*(u64 *)(r10 - 16) = 1\nr1 = r10\nr1 += -16\ncall f\nexit\nf: r0 = *(u64 *)(r1 + 0)\nexit');
  expect(facts.at(5, 1)).toEqual({
    kind: 'pointer',
    region: 'stack',
    orNull: false,
    least: -16n,
    most: -16n,
    frame: 0,
  });
});

test('facts are given only when asked for, and only of what was accepted', () => {
  const { code } = assemble('r0 = 0\nexit');
  expect(verify({ code, type: 'kprobe' }).facts).toBeUndefined();
  expect(verify({ code: assemble('exit').code, type: 'kprobe' }, { facts: 'bytes' }).facts).toBeUndefined();
  expect(verify({ code, type: 'kprobe' }, { facts: 'bytes' }).facts?.at(1, 0)).toBeUndefined();
});
