import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placeColumns, type TableColumn } from '../../src/tui/columns.ts';

const column = (key: string, least: number, width: number, longest: number, priority: number): TableColumn => ({
  key,
  title: key,
  align: 'left',
  width,
  least,
  longest,
  priority,
  sort: key,
});

const table = [column('name', 10, 20, 30, 100), column('count', 6, 6, 6, 90), column('last', 9, 9, 9, 10)];

describe('columns on a screen', () => {
  test.each([
    [60, 'name@0+30 count@31+6 last@38+9'],
    [40, 'name@0+23 count@24+6 last@31+9'],
    [27, 'name@0+10 count@11+6 last@18+9'],
    [26, 'name@0+19 count@20+6'],
    [17, 'name@0+10 count@11+6'],
    [16, 'name@0+16'],
    [4, 'name@0+4'],
  ])('in %i cells: %s', (cells, expected) => {
    const placed = placeColumns(table, cells, 1);
    expect(placed.map((part) => `${part.column.key}@${part.x}+${part.width}`).join(' ')).toBe(expected);
  });

  test('columns never overlap, never leave the screen, and the most important is there', () => {
    const size = fc.integer({ min: 1, max: 30 });
    const any = fc.array(fc.tuple(size, size, size, fc.nat(100)), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(any, fc.integer({ min: 1, max: 150 }), fc.integer({ min: 1, max: 2 }), (rows, cells, gap) => {
        const columns = rows.map(([least, width, longest, priority], i) =>
          column(String(i), Math.min(least, width), width, longest, priority),
        );
        const placed = placeColumns(columns, cells, gap);
        let free = 0;
        for (const part of placed) {
          expect(part.x).toBeGreaterThanOrEqual(free);
          free = part.x + part.width + gap;
        }
        expect(free - gap).toBeLessThanOrEqual(cells);
        const first = Math.max(...columns.map((one) => one.priority));
        expect(placed.map((part) => part.column.priority)).toContain(first);
      }),
    );
  });
});
