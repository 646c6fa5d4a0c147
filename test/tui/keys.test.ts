import { describe, expect, test } from 'vitest';
import { actionOf, keyRows, type PageKind } from '../../src/tui/keys.ts';

const pages: readonly PageKind[] = ['groups', 'records', 'detail', 'text', 'overlay'];

describe('the key table', () => {
  test.each(pages)('no key has two meanings on %s', (page) => {
    const keys = keyRows.filter((row) => row.on.includes(page)).flatMap((row) => row.keys);
    expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
  });

  test('every action has one row, and every row a page', () => {
    const actions = keyRows.map((row) => row.action);
    expect(new Set(actions).size).toBe(actions.length);
    expect(keyRows.filter((row) => row.on.length === 0)).toEqual([]);
  });

  test.each([
    ['?', 'groups', 'help'],
    ['f1', 'detail', 'help'],
    ['enter', 'groups', 'open'],
    ['enter', 'detail', undefined],
    ['backspace', 'records', 'back'],
    ['/', 'text', 'filter'],
    ['/', 'detail', undefined],
    ['s', 'records', 'sort'],
    ['S', 'groups', 'reverse'],
    ['space', 'text', 'pause'],
    ['n', 'detail', 'next'],
    ['n', 'groups', undefined],
    ['e', 'overlay', undefined],
    ['q', 'overlay', 'quit'],
    ['x', 'groups', undefined],
  ] as const)('%s on %s: %s', (key, page, action) => {
    expect(actionOf(key, page)).toBe(action);
  });

  test.each(pages)('quit and help have a place in the footer of %s', (page) => {
    const foot = keyRows.filter((row) => row.foot && row.on.includes(page)).map((row) => row.action);
    expect(foot).toContain('quit');
    expect(foot).toContain('help');
  });
});
