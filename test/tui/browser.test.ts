import { describe, expect, test } from 'vitest';
import { GroupTree } from '../../src/lab/index.ts';
import { Browser, isGroup } from '../../src/tui/browser.ts';
import { drop, dropView, logView, someDrops } from './fake-run.ts';

const now = 3e9;

function browse(view = dropView, limits = {}): Browser {
  const tree = new GroupTree(view, { bucket: 1e9, ...limits });
  return new Browser(view, tree.add(someDrops));
}

const names = (browser: Browser): string[] => browser.groups(now).map((row) => row.key);
const chosen = (browser: Browser): string => {
  const row = browser.selected(now);
  if (!row) return '';
  return isGroup(row) ? row.key : String(row.time / 1e8);
};

describe('going in and out', () => {
  test('each level is below the one selected, and keeps its place', () => {
    const browser = browse();
    browser.move(1, now);
    expect(browser.open(now)).toBe(true);
    expect(browser.path).toEqual(['NETFILTER_DROP']);
    expect(browser.open(now) && browser.open(now)).toBe(true);
    expect(browser.level).toBeUndefined();
    expect(browser.records().map((record) => record.time)).toEqual([9e8, 8e8, 7e8]);
    expect(browser.open(now)).toBe(false);
    expect(browser.close()).toBe(true);
    expect(browser.close(0)).toBe(true);
    expect(browser.close()).toBe(false);
    expect(chosen(browser)).toBe('NETFILTER_DROP');
  });

  test('folded groups do not open', () => {
    const browser = browse(dropView, { groupsPerLevel: 1 });
    expect(names(browser)).toEqual(['UNHANDLED_PROTO', '(others)']);
    browser.move(1, now);
    expect(browser.open(now)).toBe(false);
    expect(browser.path).toEqual([]);
  });

  test('nothing opens where nothing is', () => {
    const browser = new Browser(dropView, new GroupTree(dropView));
    browser.move(1, now);
    expect(browser.open(now)).toBe(false);
    expect(chosen(browser)).toBe('');
  });
});

describe('the selection', () => {
  test('stays within the rows', () => {
    const browser = browse();
    browser.move(Number.POSITIVE_INFINITY, now);
    expect(chosen(browser)).toBe('UNHANDLED_PROTO');
    browser.move(5, now);
    browser.move(-1, now);
    expect(chosen(browser)).toBe('NETFILTER_DROP');
    browser.move(Number.NEGATIVE_INFINITY, now);
    expect(chosen(browser)).toBe('NO_SOCKET');
  });

  test('of a row that a filter takes away goes to the row at its place', () => {
    const browser = browse();
    browser.move(1, now);
    browser.setFilter('!reason=NETFILTER_DROP');
    expect(chosen(browser)).toBe('UNHANDLED_PROTO');
    browser.setFilter('');
    expect(chosen(browser)).toBe('NETFILTER_DROP');
  });

  test('at the newest record stays with the newest', () => {
    const browser = browse();
    for (let i = 0; i < 3; i++) browser.open(now);
    expect(chosen(browser)).toBe('5');
    browser.tree.add([drop(8e8, someDrops[0]?.groups ?? [])]);
    expect(chosen(browser)).toBe('8');
    browser.move(1, now);
    browser.tree.add([drop(9e8, someDrops[0]?.groups ?? [])]);
    expect(chosen(browser)).toBe('5');
  });

  test('in a log the newest is the last', () => {
    const browser = browse(logView);
    expect(browser.records().map((record) => record.time)).toEqual(someDrops.map((record) => record.time));
    expect(chosen(browser)).toBe('20');
  });
});

describe('the window of rows', () => {
  test('moves only as far as the selection needs', () => {
    const browser = browse(logView);
    const rows = browser.rows(now);
    expect(browser.offset(rows, 4)).toBe(6);
    browser.move(-2, now);
    expect(browser.offset(rows, 4)).toBe(6);
    browser.move(-3, now);
    expect(browser.offset(rows, 4)).toBe(4);
    browser.move(1, now);
    expect(browser.offset(rows, 4)).toBe(4);
    expect(browser.offset(rows, 20)).toBe(0);
  });
});

describe('orders', () => {
  test('groups go through all of theirs, records through their columns', () => {
    const browser = browse();
    const seen = [browser.sort.key];
    for (let i = 0; i < 5; i++) {
      browser.sortNext();
      seen.push(browser.sort.key);
    }
    expect(seen).toEqual(['count', 'rate', 'last', 'first', 'name', 'count']);
    for (let i = 0; i < 3; i++) browser.open(now);
    expect(browser.sortKeys()).toEqual(['time', 'cpu', 'comm', 'length', 'device']);
  });

  test('by a column: numbers as numbers, then turned round', () => {
    const browser = browse(logView);
    browser.tree.add([drop(21e8, [], { length: '9' })]);
    browser.sortBy('length');
    const lengths = (): string[] => browser.records().map((record) => record.cells.length ?? '');
    expect(lengths()[0]).toBe('9');
    browser.sortBy('length');
    expect(lengths().at(-1)).toBe('9');
    expect(browser.sort).toEqual({ key: 'length', reverse: true });
  });

  test('what the groups say is no column of their records', () => {
    const view = {
      ...dropView,
      columns: [...dropView.columns, { key: 'reason', title: 'reason', align: 'left', width: 9, priority: 1 } as const],
    };
    expect(browse(view).columns.map((column) => column.key)).toEqual(dropView.columns.map((column) => column.key));
  });
});

test('a reset forgets all, and records of before do not come back', () => {
  const browser = browse(logView);
  browser.records();
  browser.reset();
  expect(browser.records()).toEqual([]);
  browser.tree.add(someDrops.slice(0, 1));
  expect(browser.records()).toHaveLength(1);
  browser.reset();
  browser.tree.add(someDrops.slice(1, 2));
  expect(browser.records().map((record) => record.time)).toEqual([2e8]);
});
