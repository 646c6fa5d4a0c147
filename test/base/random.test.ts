import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/index.ts';

const draws = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.u32());

describe('seeded random', () => {
  test('the same seed gives the same sequence, another seed another', () => {
    expect(draws(new Random(7), 50)).toEqual(draws(new Random(7), 50));
    expect(draws(new Random(7), 50)).not.toEqual(draws(new Random(8), 50));
  });

  test('a fork depends on seed and name, not on what was drawn before', () => {
    const drawn = new Random(7);
    draws(drawn, 10);
    expect(draws(drawn.fork('a'), 5)).toEqual(draws(new Random(7).fork('a'), 5));
    expect(draws(drawn.fork('a'), 5)).not.toEqual(draws(drawn.fork('b'), 5));
  });

  test('integers lie within their bounds, both reached', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: -50, max: 50 }),
        fc.integer({ min: 0, max: 9 }),
        (seed, low, span) => {
          const random = new Random(seed);
          const seen = new Set(Array.from({ length: 400 }, () => random.int(low, low + span)));
          expect(Math.min(...seen)).toBe(low);
          expect(Math.max(...seen)).toBe(low + span);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('an exponential gap has its mean, a log-normal its median, a weight its share', () => {
    const random = new Random(1);
    const n = 20_000;
    let sum = 0;
    let below = 0;
    let heavy = 0;
    for (let i = 0; i < n; i++) {
      sum += random.exponential(10);
      if (random.logNormal(100, 0.5) < 100) below++;
      if (
        random.weighted([
          [3, 'heavy'],
          [1, 'light'],
        ] as const) === 'heavy'
      )
        heavy++;
    }
    expect(sum / n).toBeCloseTo(10, 0);
    expect(below / n).toBeCloseTo(0.5, 1);
    expect(heavy / n).toBeCloseTo(0.75, 1);
  });
});
