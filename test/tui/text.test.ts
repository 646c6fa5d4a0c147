import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { clip, fitLine, justify, lineWidth, pad, plainText, printable, span, width, wrap } from '../../src/tui/text.ts';

describe('width and padding by cells', () => {
  test.each([
    ['abc', 3],
    ['日本', 4],
    ['a → b', 5],
    ['▁▂█', 3],
    ['', 0],
  ])('%s takes %i cells', (text, cells) => {
    expect(width(text)).toBe(cells);
  });

  test.each([
    ['abcdef', 4, 'left', 'abc…'],
    ['abc', 5, 'left', 'abc  '],
    ['abc', 5, 'right', '  abc'],
    ['日本語', 4, 'left', '日… '],
    ['日本語', 5, 'right', '日本…'],
    ['abc', 0, 'left', ''],
    ['abc', 1, 'left', '…'],
  ] as const)('%s in %i cells, %s: "%s"', (text, cells, align, expected) => {
    expect(pad(text, cells, align)).toBe(expected);
  });

  test('a padded text takes exactly its cells, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(30), (text, cells) => {
        expect(width(pad(printable(text), cells))).toBe(cells);
      }),
    );
  });

  test('the quick measure agrees with string-width', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...' ~aZ…·→›↓↑▸×─│▁█▏░日') }), (text) => {
        expect(width(text)).toBe(stringWidth(text));
      }),
    );
  });
});

describe('text made safe', () => {
  test.each([
    ['plain text', 'plain text'],
    ['tab\there', 'tab     here'],
    ['\x1b[31mred\x07', '·[31mred·'],
    ['bell\u0085', 'bell·'],
    ['{bold}brace{/bold}', '{bold}brace{/bold}'],
    ['e\u0301', 'é'],
    ['a\u200db', 'ab'],
    ['😀 !', '\ufffd !'],
    ['日本', '日本'],
    ['\ud800', '·'],
  ])('%j is drawn as %j', (text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  test('nothing that moves a cursor is left of any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(/\p{Cc}/u);
        expect(printable(printable(text))).toBe(printable(text));
      }),
    );
  });
});

describe('lines of spans', () => {
  test('a line is cut within a span and keeps its styles', () => {
    expect(fitLine([span('abc', 'bad'), span('defgh', 'good')], 6)).toEqual([span('abc', 'bad'), span('de…', 'good')]);
  });

  test('a short line is filled', () => {
    expect(fitLine([span('ab', 'bar')], 4, 'bar')).toEqual([span('ab', 'bar'), span('  ', 'bar')]);
  });

  test.each([
    [10, 'left right'],
    [14, 'left     right'],
    [9, 'left     '],
    [3, 'le…'],
  ])('both ends in %i cells', (cells, expected) => {
    const line = justify([span('left')], [span('right')], cells);
    expect(plainText(line)).toBe(expected);
    expect(lineWidth(line)).toBe(cells);
  });
});

describe('breaking long lines', () => {
  test.each([
    ['one two three four', 14, ['one two three', '  four']],
    ['  some deep words here', 15, ['  some deep', '    words here']],
    ['short', 10, ['short']],
    ['', 10, ['']],
    ['an_unbreakable_long_word', 14, ['an_unbreakable', '  _long_word']],
    ['too narrow to indent', 8, ['too', 'narrow', 'to', 'indent']],
  ])('%j in %i cells', (text, cells, expected) => {
    expect(wrap(text, cells)).toEqual(expected);
  });

  test('every piece fits and no word is lost', () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '日'), minLength: 1, maxLength: 20 }));
    fc.assert(
      fc.property(words, fc.integer({ min: 12, max: 40 }), (parts, cells) => {
        const lines = wrap(parts.join(' '), cells);
        for (const line of lines) expect(width(line)).toBeLessThanOrEqual(cells);
        expect(lines.join('').replaceAll(' ', '')).toBe(parts.join(''));
      }),
    );
  });

  test('clip marks what is missing', () => {
    expect(clip('abcdef', 6)).toBe('abcdef');
    expect(clip('abcdef', 5)).toBe('abcd…');
  });
});
