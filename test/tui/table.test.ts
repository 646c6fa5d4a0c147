import { describe, expect, test } from 'vitest';
import type { GroupRow } from '../../src/lab/index.ts';
import { presentGroups, presentRecords, squeeze } from '../../src/tui/table.ts';
import { plainText } from '../../src/tui/text.ts';
import { drop, dropView } from './fake-run.ts';

const row = (key: string, count: number, more: Partial<GroupRow> = {}): GroupRow => ({
  key,
  count,
  exact: true,
  share: count / 1000,
  rate: count / 10,
  trend: [1, 4, 8],
  firstSeen: 1e9,
  lastSeen: 2.5e9,
  ...more,
});

const level = { key: 'reason', title: 'reason' };
const clock = { now: 2.9e9, bucket: 1e9, duration: 60e9, open: false };
const sort = { key: 'count', reverse: false };
const rows = [row('NO_SOCKET', 600), row('NETFILTER_DROP', 399), row('', 1, { share: 0.0001 })];
const model = { rows, index: 1, offset: 0, sort };

const draw = (cells: number, height = 6, table = model): string[] =>
  presentGroups(table, level, clock, cells, height).lines.map((line) => plainText(line).trimEnd());

describe('a table of groups', () => {
  test('at 120 cells it has all columns', () => {
    expect(draw(120)).toEqual([
      '  REASON                       ↓COUNT   SHARE                  RATE  TREND                             FIRST       LAST',
      '  NO_SOCKET                       600   60.0%  ██████        60.0/s  ▂▅█                            1.000000   2.500000',
      '› NETFILTER_DROP                  399   39.9%  ████          39.9/s  ▂▅█                            1.000000   2.500000',
      '  (none)                            1   <0.1%                0.10/s  ▂▅█                            1.000000   2.500000',
    ]);
  });

  test('at 40 cells what matters least has gone', () => {
    expect(draw(40)).toEqual([
      '  REASON                  ↓COUNT  SHARE',
      '  NO_SOCKET                  600  60.0%',
      '› NETFILTER_DROP             399  39.9%',
      '  (none)                       1  <0.1%',
    ]);
  });

  test('a window of rows, its first the offset', () => {
    expect(draw(40, 2, { ...model, offset: 2, index: 2 })).toEqual([
      '  REASON                  ↓COUNT  SHARE',
      '› (none)                       1  <0.1%',
    ]);
  });

  test('the selected row is one span in the style of a selection', () => {
    const line = presentGroups(model, level, clock, 80, 6).lines[2] ?? [];
    expect(line.map((part) => part.style)).toEqual(['selected']);
  });

  test('a long name pushes columns away before it is cut', () => {
    const long = row('UDP 10.77.0.1:42104 → 10.77.0.2:9999', 5);
    expect(draw(80, 3, { ...model, rows: [long], index: -1 })[1]).toContain('UDP 10.77.0.1:42104 → 10.77.0.2:9999 ');
  });

  test('folded groups and counts that are not exact say so', () => {
    const [, others, some] = draw(60, 3, {
      ...model,
      index: -1,
      rows: [row('(others)', 12, { folded: 7 }), row('x', 5, { exact: false })],
    });
    expect(others).toContain('(others) 7 groups');
    expect(some).toContain('≥5');
  });

  test('names from data cannot move the cursor', () => {
    expect(draw(40, 2, { ...model, rows: [row('\x1b[2Jx\n', 1)], index: -1 })[1]).toContain('·[2Jx·');
  });

  test('a click on a title sorts, on a row selects', () => {
    const { targets } = presentGroups(model, level, clock, 120, 6);
    const titles = targets.filter((target) => target.y === 0);
    expect(titles.map(({ from, hit }) => [from, hit.kind === 'sort' && hit.key])).toEqual([
      [2, 'name'],
      [28, 'count'],
      [39, 'count'],
      [47, 'count'],
      [59, 'rate'],
      [69, 'rate'],
      [99, 'first'],
      [110, 'last'],
    ]);
    const indices = targets.filter((target) => target.y > 0).map(({ y, hit }) => [y, hit.kind === 'row' && hit.index]);
    expect(indices).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
    ]);
  });
});

describe('a table of records', () => {
  const records = [
    drop(1.5e9, [], { comm: '日本語' }),
    drop(2e9, [], { comm: 'a-very-long-command-name', device: '{red-fg}' }),
  ];
  const table = { rows: records, index: 0, offset: 0, sort: { key: 'time', reverse: false } };
  const drawn = (cells: number): string[] =>
    presentRecords(table, dropView.columns, cells, 6).lines.map((line) => plainText(line).trimEnd());

  test('wide, a long text has its room', () => {
    expect(drawn(100)).toEqual([
      '  TIME↓         CPU  TASK                         LEN  DEVICE',
      '› 1.500000        0  日本語                        98  kva',
      '  2.000000        0  a-very-long-command-name      98  {red-fg}',
    ]);
  });

  test('narrow, texts are cut and columns dropped, wide signs and all', () => {
    expect(drawn(40)).toEqual([
      '  TIME↓      TASK          LEN DEVICE',
      '› 1.500000   日本語         98 kva',
      '  2.000000   a-very-long…   98 {red-fg}',
    ]);
  });
});

describe('a trend in few cells', () => {
  test('a value that has just begun when the run ends is left out', () => {
    expect(squeeze([1, 2, 0], 5, { now: 2e9, bucket: 1e9, open: false })).toEqual([1, 2]);
  });

  test.each([
    ['fits', [1, 2, 3], 5, 2, [1, 2, 3]],
    ['is halved', [1, 2, 3, 4], 2, 3, [3, 7]],
    ['pairs stay pairs when time moves on', [1, 2, 3, 4, 5], 3, 4, [3, 7, 5]],
    ['a window that does not begin on a pair', [2, 3, 4, 5], 3, 4, [2, 7, 5]],
  ])('%s', (_, trend, cells, now, expected) => {
    expect(squeeze(trend, cells, { now: now * 1e9 + 1, bucket: 1e9, open: false })).toEqual(expected);
  });

  test.each([
    ['the newest value', [1, 2, 3], 5, 2, [1, 2]],
    ['the newest sum', [1, 2, 3, 4], 2, 3, [3]],
    ['not the only one', [1], 5, 0, [1]],
  ])('while the run goes on %s is left out', (_, trend, cells, now, expected) => {
    expect(squeeze(trend, cells, { now: now * 1e9, bucket: 1e9, open: true })).toEqual(expected);
  });
});
