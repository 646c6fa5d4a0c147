import { describe, expect, test } from 'vitest';
import {
  bar,
  formatClock,
  formatCount,
  formatMoment,
  formatRate,
  formatShare,
  sparkline,
} from '../../src/tui/figures.ts';

describe('numbers', () => {
  test.each([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1234567, '1,234,567'],
    [12345678, '12.3M'],
    [12345678901, '12.3G'],
  ])('count %d is %s', (count, text) => {
    expect(formatCount(count)).toBe(text);
  });

  test.each([
    [0, '0/s'],
    [0.004, '0/s'],
    [0.25, '0.25/s'],
    [9.996, '10.0/s'],
    [99.96, '100/s'],
    [1234, '1,234/s'],
    [12345, '12.3k/s'],
    [999949, '999.9k/s'],
    [2500000, '2.5M/s'],
  ])('rate %d is %s', (rate, text) => {
    expect(formatRate(rate)).toBe(text);
  });

  test.each([
    [0, '0.0%'],
    [0.0004, '<0.1%'],
    [0.4567, '45.7%'],
    [0.9995, '>99.9%'],
    [1, '100.0%'],
  ])('share %d is %s', (share, text) => {
    expect(formatShare(share)).toBe(text);
  });

  test.each([
    [0, '00:00.000'],
    [12_345_678_901, '00:12.345'],
    [59_999_999_999, '00:59.999'],
    [3599e9, '59:59.000'],
    [3723.4e9, '1:02:03.400'],
  ])('%d ns is %s', (time, text) => {
    expect(formatClock(time)).toBe(text);
  });
});

describe('moments in tables', () => {
  test.each([
    [128_763_680, 1e9, '0.128764'],
    [59_999_999_400, 60e9, '59.999999'],
    [59_999_999_999, 3600e9, '00:59.999'],
  ])('%d ns in a run of %d ns is %s', (time, duration, text) => {
    expect(formatMoment(time, duration)).toBe(text);
  });
});

describe('small charts', () => {
  test.each([
    [[], ''],
    [[0, 0], '▁▁'],
    [[0, 1, 7], '▁▂█'],
    [[1, 1000], '▂█'],
    [[5, 5], '██'],
  ])('%j is "%s"', (values, text) => {
    expect(sparkline(values)).toBe(text);
  });

  test.each([
    [0, 4, ''],
    [1, 4, '████'],
    [0.5, 4, '██'],
    [0.53, 4, '██▏'],
    [2, 4, '████'],
  ])('a share of %d in %i cells is "%s"', (share, cells, text) => {
    expect(bar(share, cells)).toBe(text);
  });
});
