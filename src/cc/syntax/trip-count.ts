import { binaryValue } from '../../base/index.ts';
import type { Expression, Statement } from './ast.ts';

/** How often loops run, where that can be seen. */

type Loop = Extract<Statement, { kind: 'loop' }>;

/** Most rounds of a loop that are unrolled unasked. */
export const mostSteps = 32;

/** How often a loop that counts by a constant runs, when that is at most `most` and can be seen; else 0. */
export function tripCount({ initial, test, step, testLast }: Loop, most: number): number {
  const first = initial?.kind === 'block' && initial.body.length === 1 ? initial.body[0] : undefined;
  if (testLast || first?.kind !== 'declare' || test?.kind !== 'compare' || step?.kind !== 'update') return 0;
  // What lies in memory is not known, even if it is a constant.
  if (first.variable.inMemory) return 0;
  const start = first.variable.initial?.entries[0]?.value;
  const counts = (e: Expression): boolean =>
    e.kind === 'cast' ? counts(e.base) : e.kind === 'variable' && e.variable === first.variable;
  const { left, right, op } = test;
  const known = start?.kind === 'number' && right.kind === 'number' && step.right.kind === 'number';
  if (!known || !counts(left) || !counts(step.left) || (step.op !== '+' && step.op !== '-')) return 0;
  const by = step.op === '+' ? step.right.value : -step.right.value;

  const goesOn = (value: bigint): boolean => binaryValue(op, value, right.value) !== 0n;
  let times = 0;
  for (let value = start.value; goesOn(value) && times <= most; value += by) times++;
  return times > most ? 0 : times;
}
