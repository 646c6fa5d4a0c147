import { describe, expect, test } from 'vitest';
import { paint, paletteFor } from '../../src/tui/palette.ts';
import { span } from '../../src/tui/text.ts';

describe('colours by depth', () => {
  test.each([
    [1, '\x1b[0;1;4mLOST\x1b[0m x\x1b[0m'],
    [4, '\x1b[0;1;31mLOST\x1b[0m x\x1b[0m'],
    [8, '\x1b[0;1;38;5;203mLOST\x1b[0m x\x1b[0m'],
    [24, '\x1b[0;1;38;5;203mLOST\x1b[0m x\x1b[0m'],
  ])('%i bits', (depth, expected) => {
    expect(paint([span('LOST', 'bad'), span(' x')], paletteFor(depth))).toBe(expected);
  });

  test('with 8 colours no other is used', () => {
    for (const one of Object.values(paletteFor(4))) {
      expect(one.fg ?? 0).toBeLessThan(8);
      expect(one.bg ?? 0).toBeLessThan(8);
    }
  });

  test.each([1, 4, 8])('at %i bits a selection is inverse and a loss stands out without colour', (depth) => {
    const palette = paletteFor(depth);
    expect(palette.selected.inverse).toBe(true);
    expect(palette.bad.bold).toBe(true);
  });
});
