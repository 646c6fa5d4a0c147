import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sec } from '../../src/base/index.ts';
import { GroupTree, others, type RowQuery } from '../../src/lab/index.ts';
import { levels, recordAt } from './records.ts';

function filled(limits = {}): GroupTree {
  const tree = new GroupTree({ levels }, limits);
  return tree.add([
    recordAt(sec(1), ['A', 'x'], { comm: 'one' }),
    recordAt(sec(2), ['B', 'y'], { comm: 'two' }),
    recordAt(sec(3), ['B', 'x'], { comm: 'one' }),
    recordAt(sec(4), ['B', 'x'], { comm: 'two' }),
  ]);
}

function keys(tree: GroupTree, path: readonly string[], query: RowQuery = {}): string[] {
  return tree.rows(path, sec(10), query).map((row) => `${row.key} ${row.count}${row.exact ? '' : '~'}`);
}

describe('a tree of groups', () => {
  test('counts, times and shares', () => {
    const tree = filled();
    expect(tree.rows([], sec(5))).toMatchObject([
      { key: 'B', count: 3, share: 0.75, firstSeen: sec(2), lastSeen: sec(4), exact: true },
      { key: 'A', count: 1, share: 0.25, firstSeen: sec(1), lastSeen: sec(1) },
    ]);
    expect(tree.rows([], sec(5))[0]?.trend).toEqual([0, 0, 1, 1, 1, 0]);
    expect(tree.rows(['B'], sec(5)).map((row) => [row.key, row.count, row.share])).toEqual([
      ['x', 2, 0.5],
      ['y', 1, 0.25],
    ]);
    expect(tree.row([], sec(5))).toMatchObject({ count: 4, share: 1 });
    expect(tree.row(['B', 'y'], sec(5))).toMatchObject({ key: 'y', count: 1 });
    expect(tree.row(['C'], sec(5))).toBeUndefined();
    expect(tree.rows(['B', 'x'], sec(5))).toEqual([]);
  });

  test('keeps records of any path, newest first', () => {
    const tree = filled();
    expect(tree.records([]).map((record) => record.time)).toEqual([4, 3, 2, 1].map(sec));
    expect(tree.records(['B', 'x']).map((record) => record.time)).toEqual([4, 3].map(sec));
    expect(tree.records([], { limit: 1, filter: tree.filter('comm=one') })).toMatchObject([{ time: sec(3) }]);
    expect(tree.records(['C'])).toEqual([]);
  });

  test.each([
    ['count', false, ['B 3', 'A 1']],
    ['count', true, ['A 1', 'B 3']],
    ['name', false, ['A 1', 'B 3']],
    ['name', true, ['B 3', 'A 1']],
    ['first', false, ['B 3', 'A 1']],
    ['last', true, ['A 1', 'B 3']],
    ['rate', false, ['B 3', 'A 1']],
  ] as const)('sorted by %s, reverse %s', (sort, reverse, expected) => {
    expect(keys(filled(), [], { sort, reverse })).toEqual(expected);
  });

  test('a window of the rows', () => {
    expect(keys(filled(), [], { offset: 1, limit: 1 })).toEqual(['A 1']);
  });

  test.each([
    ['x', [], ['B 2', 'A 1']],
    ['flow=y', [], ['B 1']],
    ['!reason=b', [], ['A 1']],
    ['comm=two', [], ['B 2']],
    ['comm=two', ['B'], ['x 1', 'y 1']],
    ['nothing', [], []],
  ])('filter %s below %j', (text, path, expected) => {
    const tree = filled();
    expect(keys(tree, path, { filter: tree.filter(text) })).toEqual(expected);
  });

  test('a filtered count that had to look at records says when some are gone', () => {
    const tree = filled({ recordsPerGroup: 1 });
    expect(keys(tree, ['B'], { filter: tree.filter('comm=two') })).toEqual(['x 1~', 'y 1']);
    expect(tree.row([], sec(5), tree.filter('comm=two'))).toMatchObject({ count: 2, exact: false });
  });

  test('folds the group seen least recently and keeps its count', () => {
    const tree = filled({ groupsPerLevel: 2 });
    expect(keys(tree, ['A'])).toEqual([`${others} 1`]);
    expect(keys(tree, ['B'])).toEqual(['x 2', 'y 1']);
    tree.add([recordAt(sec(5), ['C', 'z']), recordAt(sec(6), ['C', 'w'])]);
    expect(keys(tree, [])).toEqual(['B 3', 'C 2', `${others} 1`]);
    expect(tree.rows([], sec(6)).at(-1)).toMatchObject({ key: others, folded: 1, firstSeen: sec(1) });
    expect(keys(tree, ['B'])).toEqual([`${others} 3`]);
    expect(keys(tree, ['B', others])).toEqual([]);
    expect(tree.count).toBe(6);
    expect(tree.size).toEqual({ records: 2, groups: [2, 2] });
    expect(keys(tree, [], { filter: tree.filter('reason=b') })).toEqual(['B 3']);
  });

  test('with no levels it is a log within the limit of all', () => {
    const tree = new GroupTree({ levels: [] }, { records: 3 });
    tree.add([1, 2, 3, 4].map((time) => recordAt(time, [])));
    expect(tree.records([]).map((record) => record.time)).toEqual([4, 3, 2]);
    expect(tree.count).toBe(4);
    expect(tree.row([], 4)).toMatchObject({ count: 4, firstSeen: 1, lastSeen: 4 });
  });

  test('after clear it counts anew', () => {
    const tree = filled();
    tree.clear();
    expect(tree.row([], sec(5))).toMatchObject({ count: 0, share: 0 });
    expect(tree.records([])).toEqual([]);
    expect(keys(tree.add([recordAt(sec(6), ['A', 'x'])]), [])).toEqual(['A 1']);
  });

  test('no order of records breaks a count or a limit', () => {
    const record = fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 9 }));
    const limits = fc.record({
      records: fc.integer({ min: 0, max: 20 }),
      recordsPerGroup: fc.integer({ min: 0, max: 4 }),
      groupsPerLevel: fc.integer({ min: 1, max: 8 }),
    });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 120 }), limits, (list, bounds) => {
        const tree = new GroupTree({ levels }, bounds);
        list.forEach(([reason, flow], time) => {
          tree.add([recordAt(time, [`r${reason}`, `f${flow}`])]);
          const size = tree.size;
          expect(size.records).toBeLessThanOrEqual(bounds.records);
          for (const groups of size.groups) expect(groups).toBeLessThanOrEqual(bounds.groupsPerLevel);
        });
        const rows = tree.rows([], list.length);
        expect(rows.reduce((sum, row) => sum + row.count, 0)).toBe(list.length);
        for (const row of rows.filter((row) => row.key !== others)) {
          const below = tree.rows([row.key], list.length).reduce((sum, child) => sum + child.count, 0);
          expect(below).toBe(row.count);
          const kept = tree.records([row.key]);
          expect(kept.map((one) => one.time)).toEqual([...kept.map((one) => one.time)].sort((a, b) => b - a));
        }
        expect(tree.records([]).length).toBe(tree.size.records);
        const trend = tree.row([], list.length)?.trend ?? [];
        expect(trend.reduce((sum, value) => sum + value, 0)).toBe(list.length);
      }),
    );
  });
});
