import * as fc from 'fast-check';
import { delay, interval, of, take, timer } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { sec, us } from '../../src/base/index.ts';
import { createScheduler } from '../../src/scenario/index.ts';

describe('virtual time', () => {
  test('work runs by time, and in the order scheduled at one time', () => {
    const delays = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 });
    fc.assert(
      fc.property(delays, fc.array(fc.nat(199)), (given, dropped) => {
        const scheduler = createScheduler(5);
        const ran: { at: number; index: number }[] = [];
        const actions = given.map((wait, index) =>
          scheduler.schedule(() => void ran.push({ at: scheduler.now(), index }), wait),
        );
        const gone = new Set(dropped);
        for (const index of gone) actions[index]?.unsubscribe();
        scheduler.advanceTo(100);
        const expected = given
          .map((wait, index) => ({ at: 5 + wait, index }))
          .filter(({ index }) => !gone.has(index))
          .sort((a, b) => a.at - b.at || a.index - b.index);
        expect(ran).toEqual(expected);
        expect(scheduler.now()).toBe(100);
        expect(scheduler.next).toBeUndefined();
      }),
      { numRuns: 100 },
    );
  });

  test('thousands that are called off leave the others in order', () => {
    const scheduler = createScheduler();
    const ran: number[] = [];
    const actions = Array.from({ length: 20_000 }, (_, i) =>
      scheduler.schedule(() => void ran.push(i), (i * 7919) % 10_007),
    );
    for (const [i, action] of actions.entries()) if (i % 10 !== 0) action.unsubscribe();
    expect(scheduler.next).toBe(0);
    scheduler.advanceTo(10_007);
    expect(ran).toHaveLength(2000);
    const times = ran.map((i) => (i * 7919) % 10_007);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  test('the clock moves to what is due and stops where it was told', () => {
    const scheduler = createScheduler();
    const seen: number[] = [];
    interval(us(10), scheduler)
      .pipe(take(5))
      .subscribe(() => seen.push(scheduler.now()));
    expect(scheduler.next).toBe(us(10));
    scheduler.advanceTo(us(25));
    expect(seen).toEqual([us(10), us(20)]);
    expect(scheduler.now()).toBe(us(25));
    scheduler.advanceTo(sec(1));
    expect(seen).toEqual([10, 20, 30, 40, 50].map(us));
  });

  test('timer and delay count in ns', () => {
    const scheduler = createScheduler();
    const seen: string[] = [];
    timer(7, 3, scheduler)
      .pipe(take(3))
      .subscribe((n) => seen.push(`timer ${n} ${scheduler.now()}`));
    of('x')
      .pipe(delay(12, scheduler))
      .subscribe(() => seen.push(`delay ${scheduler.now()}`));
    scheduler.advanceTo(20);
    expect(seen).toEqual(['timer 0 7', 'timer 1 10', 'delay 12', 'timer 2 13']);
  });

  test('time never goes back, and only its owner moves it', () => {
    const scheduler = createScheduler(10);
    expect(() => scheduler.advanceTo(9)).toThrow(RangeError);
    scheduler.schedule(() => scheduler.advanceTo(30), 1);
    expect(() => scheduler.advanceTo(20)).toThrow(/within scheduled work/);
    expect(() => scheduler.schedule(() => undefined, Number.NaN)).toThrow(/a delay of NaN/);
  });
});
