import { describe, expect, test } from 'vitest';
import { randomProgram } from './random-program.ts';
import { judge, runChecked } from './run-checked.ts';

/**
 * What the verifier accepts never traps, and every register always holds what the verifier said of it. The number of
 * accepted programs and the first seed come from the environment: `npm run test:soundness` runs 50,000.
 */
const wanted = Number(process.env.ACCEPTED ?? 200);
const first = Number(process.env.SEED ?? 1);

/** Seeds that once failed, and what was wrong. */
const failedOnce: readonly (readonly [seed: number, why: string])[] = [
  [1, 'the fact of r10 stood in the next slot'],
  [2011311, 'a 32-bit sum was tied to a number of 64 bits'],
];

function check(seed: number): boolean {
  const judged = judge(randomProgram(seed));
  if (judged.verdict.verdict === 'reject') return false;
  const wrong = runChecked(judged, seed);
  if (wrong !== undefined) expect.fail(`seed ${seed}: ${wrong}\n${judged.text}`);
  return true;
}

describe('accepted programs keep what was said of them', () => {
  test.each(failedOnce)('seed %i: %s', (seed) => {
    check(seed);
  });

  test(`${wanted} programs from seed ${first} on`, () => {
    let accepted = 0;
    let seed = first;
    for (; accepted < wanted; seed++) if (check(seed)) accepted++;
    // Random programs that are nearly all refused would show nothing.
    expect(accepted / (seed - first)).toBeGreaterThan(0.3);
  });
});
