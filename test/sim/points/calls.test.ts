import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Task } from '../../../src/events/index.ts';
import { ReturnInstances } from '../../../src/sim/points/calls.ts';

const tasks: Task[] = [1, 2, 3].map((pid) => ({ pid, tgid: pid, comm: 'x', uid: 0, gid: 0 }));

describe('instances of a kretprobe', () => {
  test('belong to the call that took them, not to the innermost return', () => {
    const instances = new ReturnInstances(1);
    const [task] = tasks as [Task];
    expect([instances.enter(task), instances.enter(task)]).toEqual([true, false]);
    expect([instances.exit(task), instances.exit(task), instances.exit(task)]).toEqual([false, true, false]);
    expect(instances.enter(task)).toBe(true);
  });

  test('calls nested too deep to remember are missed and leave the others right', () => {
    const instances = new ReturnInstances(1000);
    const [task] = tasks as [Task];
    const taken = Array.from({ length: 300 }, () => instances.enter(task));
    expect(taken.filter(Boolean)).toHaveLength(256);
    const returned = Array.from({ length: 301 }, () => instances.exit(task));
    expect(returned.slice(0, 44).some(Boolean)).toBe(false);
    expect(returned.slice(44, 300).every(Boolean)).toBe(true);
    expect(returned[300]).toBe(false);
  });

  test('are as many as a model with a stack for each task says', () => {
    const step = fc.record({ task: fc.nat(2), enter: fc.boolean() });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), (maxActive, steps) => {
        const instances = new ReturnInstances(maxActive);
        const model: boolean[][] = [[], [], []];
        for (const { task, enter } of steps) {
          const calls = model[task] as boolean[];
          const active = model.flat().filter(Boolean).length;
          if (enter) {
            calls.push(active < maxActive);
            expect(instances.enter(tasks[task]!)).toBe(active < maxActive);
          } else expect(instances.exit(tasks[task]!)).toBe(calls.pop() ?? false);
        }
      }),
    );
  });
});
