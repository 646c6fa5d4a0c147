import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sec } from '../../src/base/index.ts';
import { bucketWidth, Meter } from '../../src/lab/index.ts';

describe('a meter', () => {
  test('counts per bucket and forgets what the ring no longer reaches', () => {
    const meter = new Meter(sec(1), 4);
    for (const time of [0, 0.5, 1, 3, 3.2, 3.9]) meter.add(sec(time));
    expect(meter.trend(sec(3.9))).toEqual([2, 1, 0, 3]);
    expect(meter.trend(sec(5))).toEqual([0, 3, 0, 0]);
    meter.add(sec(20));
    expect(meter.trend(sec(20))).toEqual([0, 0, 0, 1]);
    meter.add(sec(3));
    expect(meter.trend(sec(20))).toEqual([0, 0, 0, 1]);
  });

  test('shows only what has been, and no more than asked', () => {
    const meter = new Meter(sec(1), 60);
    meter.add(sec(1));
    expect(meter.trend(sec(2))).toEqual([0, 1, 0]);
    expect(meter.trend(sec(2), 2)).toEqual([1, 0]);
  });

  test.each([
    { at: 1, rate: 100 },
    { at: 5, rate: 20 },
    { at: 10, rate: 0 },
  ])('100 in the first second are $rate a second at $at s', ({ at, rate }) => {
    const meter = new Meter(sec(1));
    for (let i = 0; i < 100; i++) meter.add(i * 1e7);
    expect(meter.rate(sec(at))).toBeCloseTo(rate, 6);
  });

  test('a merge counts as if all had come to one', () => {
    const times = fc.array(fc.integer({ min: 0, max: 20e9 }));
    fc.assert(
      fc.property(times, times, (a, b) => {
        const [left, right, both] = [new Meter(sec(1), 30), new Meter(sec(1), 30), new Meter(sec(1), 30)];
        for (const time of a) left.add(time);
        for (const time of b) right.add(time);
        for (const time of [...a, ...b]) both.add(time);
        left.merge(right);
        expect(left.trend(sec(20))).toEqual(both.trend(sec(20)));
      }),
    );
  });

  test.each([
    [sec(60), sec(1)],
    [sec(3600), sec(1)],
    [sec(59), sec(1)],
    [sec(30), sec(0.5)],
    [sec(0.3), 5e6],
    [sec(0.12), 2e6],
    [1, 1],
  ])('a run of %d ns has buckets of %d ns, and fits', (duration, width) => {
    expect(bucketWidth(duration)).toBe(width);
  });
});
