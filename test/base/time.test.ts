import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatDuration,
  hours,
  minutes,
  ms,
  parseDuration,
  sec,
  UsageError,
  us,
  VirtualClock,
} from '../../src/base/index.ts';

describe('durations', () => {
  test.each([
    ['10', sec(10)],
    ['1.5', ms(1500)],
    ['250ns', 250],
    ['3us', us(3)],
    ['500ms', ms(500)],
    ['1m30s', sec(90)],
    ['2h', hours(2)],
    ['0.5m', minutes(0.5)],
  ])('%s is %d ns', (text, value) => expect(parseDuration(text)).toBe(value));

  test.each(['', 'ten', '-1s', '5 minutes', '1s2', '1e9s', '99999999999h'])('%j is refused', (text) => {
    expect(() => parseDuration(text, '--duration')).toThrow(UsageError);
  });

  test.each([
    [0, '0ns'],
    [999, '999ns'],
    [1500, '1.5us'],
    [us(350), '350us'],
    [us(999.9), '1ms'],
    [ms(12.345), '12.3ms'],
    [sec(12), '12s'],
    [sec(90), '1m30s'],
    [hours(2) + minutes(5), '2h05m'],
    [-us(1), '-1us'],
  ])('%d ns prints %s', (value, text) => expect(formatDuration(value)).toBe(text));

  test('whole units read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100_000 }), fc.constantFrom('ns', 'us', 'ms', 's', 'm'), (amount, unit) => {
        expect(Number.isSafeInteger(parseDuration(`${amount}${unit}`))).toBe(true);
      }),
    );
  });
});

test('the clock never goes back', () => {
  const clock = new VirtualClock(5);
  clock.advanceTo(9);
  clock.advanceTo(7);
  expect(clock.now).toBe(9);
});
