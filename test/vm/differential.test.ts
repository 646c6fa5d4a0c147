import { describe, expect, test } from 'vitest';
import type { ProgramFacts } from '../../src/vm/index.ts';
import { factsOf, optionsOf, outcome, ways } from './compare.ts';
import { generate } from './generate.ts';

/**
 * Random programs give the same results, traps, counts, packets and maps in all ways of running them. The
 * numbers of programs and the first seed are taken from the environment: `npm run test:engines` runs 100,000.
 */
const programs = Number(process.env.PROGRAMS ?? 200);
const first = Number(process.env.SEED ?? 1);
const perTest = 100;

/** Seeds that once failed, and what was wrong. */
const failedOnce: readonly (readonly [seed: number, why: string])[] = [
  [91, 'a tail call in a program whose context was gone'],
];

let withFacts = 0;

function agree(seed: number): void {
  const [judge, ...others] = ways;
  const expected = outcome(seed, judge);
  const asked = seed % 4 === 0 ? [seed, seed ^ 1] : [];
  const found = asked.map((of) => factsOf(generate(of, optionsOf(of)))) as [ProgramFacts?, ProgramFacts?];
  if (found[0]) withFacts++;
  for (const way of others) {
    if (way.facts === 'registers' && !found[0]) continue;
    expect({ seed, way: way.name, ...outcome(seed, way, found) }).toEqual({ seed, way: way.name, ...expected });
  }
}

describe('engines agree', () => {
  test.each(failedOnce)('on seed %i: %s', (seed) => agree(seed));

  const parts = Array.from({ length: Math.ceil(programs / perTest) }, (_, part) => first + part * perTest);
  test.each(parts)(`on ${perTest} programs from seed %i on`, (from) => {
    for (let seed = from; seed < from + perTest; seed++) agree(seed);
  });

  test('and the verifier, asked of every fourth, took nearly all', () => {
    expect(withFacts).toBeGreaterThan(programs * 0.2);
  });
});
