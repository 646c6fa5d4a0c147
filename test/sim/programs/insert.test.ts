import { describe, expect, test } from 'vitest';
import { assemble } from '../../../src/isa/index.ts';
import { insertBefore } from '../../../src/sim/programs/insert.ts';
import { engines } from '../../vm/engines.ts';
import { Bench } from '../bench.ts';

const nothing = () => assemble('r9 = r9').code;

describe('instructions put into a program', () => {
  test.each<[string, number[], string, string]>([
    [
      'a jump over one',
      [1],
      'if r1 > 5 goto over\nr0 = 1\nover:\nexit',
      'if r1 > 5 goto over\nr9 = r9\nr0 = 1\nover:\nexit',
    ],
    ['a jump to one', [2], 'goto there\nr0 = 1\nthere:\nexit', 'goto there\nr0 = 1\nthere:\nr9 = r9\nexit'],
    [
      'a jump back to one',
      [0],
      'again:\nr0 += 1\nif r0 < 9 goto again\nexit',
      'again:\nr9 = r9\nr0 += 1\nif r0 < 9 goto again\nexit',
    ],
    ['a call over one', [1], 'call body\nexit\nbody:\nexit', 'call body\nr9 = r9\nexit\nbody:\nexit'],
    [
      'wide instructions',
      [0, 2],
      'r1 = 0x1122334455667788 ll\nexit',
      'r9 = r9\nr1 = 0x1122334455667788 ll\nr9 = r9\nexit',
    ],
    ['none', [], 'goto end\nend:\nexit', 'goto end\nend:\nexit'],
  ])('%s', (_, slots, before, after) => {
    const { code } = insertBefore({ name: 'test', code: assemble(before).code }, slots, nothing);
    expect([...code]).toEqual([...assemble(after).code]);
  });

  test('facts stay with their instructions; of an added one nothing is known', () => {
    const { code } = assemble('r0 = 1\nexit');
    const facts = { verified: true, registers: new Uint8Array(20).fill(2), mayFault: new Uint8Array([1, 1]) };
    const more = insertBefore({ name: 'test', code, facts }, [1], nothing).facts;
    expect([...(more?.mayFault ?? [])]).toEqual([1, 0, 1]);
    expect([...(more?.registers ?? [])]).toEqual([...Array(10).fill(2), ...Array(10).fill(0), ...Array(10).fill(2)]);
  });
});

describe.each(engines)('queue_mapping on the $name', (engine) => {
  /** As Linux 6.18 answered: what is no queue's number is not stored. */
  test.each([
    ['*(u32 *)(r1 + 12) = 5', 5],
    ['*(u32 *)(r1 + 12) = 65534', 65534],
    ['*(u32 *)(r1 + 12) = 65535', 7],
    ['*(u32 *)(r1 + 12) = 65541', 7],
    ['*(u32 *)(r1 + 12) = -1', 65535],
    ['r2 = 5\n*(u32 *)(r1 + 12) = r2', 5],
    ['r2 = 65534\n*(u32 *)(r1 + 12) = r2', 65534],
    ['r2 = 65535\n*(u32 *)(r1 + 12) = r2', 7],
    ['r2 = -1\n*(u32 *)(r1 + 12) = r2', 7],
    ['r2 = 5\nr2 <<= 32\nr2 |= 9\n*(u32 *)(r1 + 12) = r2', 7],
    [
      'r2 = 70000\nr3 = 6\n*(u32 *)(r1 + 12) = r3\n*(u32 *)(r1 + 12) = r2\nif r3 == 6 goto over\n*(u32 *)(r1 + 12) = r3\nover:',
      6,
    ],
  ])('%s', (store, value) => {
    using bench = new Bench(engine);
    const program = bench.load('sched_cls', `*(u32 *)(r1 + 12) = 7\n${store}\nr0 = *(u32 *)(r1 + 12)\nexit`);
    expect(bench.machine.programTestRun(program, { data: new Uint8Array(64) }).returned).toBe(value);
  });
});
