import { describe, expect, test } from 'vitest';
import { detailLines, helpLines, ledgerLines, printedLines, textLines } from '../../src/tui/document.ts';
import { keyRows } from '../../src/tui/keys.ts';
import { type Line, plainText } from '../../src/tui/text.ts';

const drawn = (lines: readonly Line[]): string[] => lines.map(plainText);

test('a record page: sections with a blank line between, long lines broken under their text', () => {
  const sections = [
    { title: 'Why', lines: ['No socket listens for the packet: nobody has this port open.'] },
    { title: 'Bytes', lines: ['0000  45 00', '\x1b[0m'] },
  ];
  expect(drawn(detailLines(sections, 40))).toEqual([
    ' Why',
    '   No socket listens for the packet:',
    '     nobody has this port open.',
    '',
    ' Bytes',
    '   0000  45 00',
    '   ·[0m',
  ]);
});

test('a text keeps its lines', () => {
  expect(drawn(textLines(['  a : 1 |**|', '\tb']))).toEqual(['   a : 1 |**|', '         b']);
});

test('help has a line for every row of the key table', () => {
  const lines = drawn(helpLines('groups'));
  for (const row of keyRows) expect(lines.some((line) => line.endsWith(row.what))).toBe(true);
});

test('in help what does nothing on the page is dim', () => {
  const style = (page: 'groups' | 'detail', what: string): string | undefined =>
    helpLines(page).find((line) => plainText(line).endsWith(what))?.[0]?.style;
  expect(style('groups', 'the next record of the list')).toBe('dim');
  expect(style('detail', 'the next record of the list')).toBe('key');
});

describe('the ledger', () => {
  const row = { cpu: 0, produced: 1500, delivered: 1200, lost: 200, filtered: 100, pending: 3 };
  const none = { cpu: 1, produced: 0, delivered: 0, lost: 0, filtered: 0, pending: 0 };
  const ledger = { total: { ...row, cpu: -1 }, cpus: [row, none], balanced: true };

  test('a row a CPU and the sum, in columns', () => {
    expect(drawn(ledgerLines(ledger)).slice(1, 5)).toEqual([
      '  CPU   PRODUCED DELIVERED      LOST  FILTERED   PENDING',
      '  0        1,500     1,200       200       100         3',
      '  1            0         0         0         0         0',
      '  all      1,500     1,200       200       100         3',
    ]);
  });

  test('where something was lost the row stands out, and only there', () => {
    expect(
      ledgerLines(ledger)
        .slice(2, 5)
        .map((line) => line[0]?.style),
    ).toEqual(['bad', 'plain', 'bad']);
  });

  test.each([
    [true, 'produced = delivered + lost + filtered on every CPU.'],
    [false, 'THE LEDGER DOES NOT ADD UP'],
  ])('balanced: %s', (balanced, text) => {
    expect(drawn(ledgerLines({ ...ledger, balanced })).join('\n')).toContain(text);
  });
});

test('the trace pipe says when nothing came', () => {
  expect(drawn(printedLines([])).join()).toContain('Nothing printed yet');
  expect(drawn(printedLines(['a line']))).toEqual([' Trace pipe', ' a line']);
});
