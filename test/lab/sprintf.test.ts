import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Rows, type RowsOptions, sprintf } from '../../src/lab/index.ts';

interface Case {
  readonly format: string;
  readonly values: readonly (string | number)[];
  /** Which of them are too large for a number. */
  readonly big: readonly boolean[];
  readonly text: string;
}

/** What Python 3.11 makes of them: `format % values`. */
const cases: Case[] = JSON.parse(readFileSync(new URL('python-formats.json', import.meta.url), 'utf8'));

test.each(cases.map((one) => [one.format, one.values, one] as const))('%j with %j', (format, _values, one) => {
  const values = one.values.map((value, i) => (one.big[i] ? BigInt(value) : value));
  expect(sprintf(format, ...values)).toBe(one.text);
});

test.each<[string, () => string, RegExp]>([
  ['too few values', () => sprintf('%d %d', 1), /wants more than 1 values/],
  ['a word for a number', () => sprintf('%d', 'one'), /'one' is no number/],
  ['nothing for a number', () => sprintf('%5.1f', undefined), /undefined is no number/],
])('%s is refused', (_what, make, form) => expect(make).toThrow(form));

describe('rows', () => {
  const rows = <T extends string>(options: RowsOptions<T>): Rows<T> => new Rows(() => 77, options);

  test('titles stand in the widths of their formats, columns that are false do not', () => {
    const view = rows({
      noun: 'x',
      columns: { 'TIME(s)': false, PID: '%-7d', COMM: '%-16.16s', 'LAT(ms)': '%8.2f', PATH: '%s' },
    });
    expect(view.header).toEqual(['PID     COMM              LAT(ms) PATH']);
    expect(view.columns.map(({ key, align }) => [key, align])).toEqual([
      ['pid', 'left'],
      ['comm', 'left'],
      ['lat_ms', 'right'],
      ['path', 'left'],
    ]);
  });

  test('a row is its formats with the separator between; JSON has all values', () => {
    const view = rows<'PID' | 'LAT(ms)'>({
      noun: 'x',
      columns: { PID: '%-7d', 'LAT(ms)': '%8.2f' },
      separator: '',
      header: ['own'],
      groups: ['PID'],
    });
    view.print({ PID: 5, 'LAT(ms)': 1.234, EXTRA: 'more' }, { time: 9, cpu: 1 });
    view.print({ PID: 6, 'LAT(ms)': 2 }, { lines: ['by hand'] });
    expect(view.header).toEqual(['own']);
    expect(view.count).toBe(2);
    expect(view.take()).toEqual([
      {
        time: 9,
        cpu: 1,
        groups: ['5'],
        cells: { pid: '5', lat_ms: '1.23' },
        lines: ['5          1.23'],
        json: { pid: 5, lat_ms: 1.234, extra: 'more' },
        source: undefined,
      },
      expect.objectContaining({ time: 77, cpu: 0, lines: ['by hand'] }),
    ]);
    expect(view.take()).toEqual([]);
  });

  test('the page of a row tells its values', () => {
    const view = rows({ noun: 'exec', columns: { PID: '%d' } });
    view.print({ PID: 5, ARGS: 'ls -l' });
    expect(view.detail(view.take()[0]!)).toEqual([{ title: 'exec', lines: ['pid   5', 'args  ls -l'] }]);
  });
});
