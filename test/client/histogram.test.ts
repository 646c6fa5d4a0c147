import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { log2Range, printLinearHist, printLog2Hist } from '../../src/client/index.ts';

interface Case {
  readonly kind: 'log2' | 'linear';
  readonly slots: number[];
  readonly unit: string;
  readonly strip: boolean;
  readonly lines: string[];
}

/** What BCC 0.26's table.py printed for these slots. */
const cases: Case[] = JSON.parse(readFileSync(new URL('fixtures/bcc-histograms.json', import.meta.url), 'utf8'));

describe('as BCC prints', () => {
  test.each(cases.map((one, index) => [index, one.kind, one.slots.length, one] as const))(
    'case %i: %s of %i slots',
    (_index, _kind, _length, { kind, slots, unit, strip, lines }) => {
      const print = kind === 'log2' ? printLog2Hist : printLinearHist;
      expect(print(slots, { unit, stripLeadingZero: strip })).toEqual(lines);
    },
  );
});

test.each([
  [1, 0n, 1n],
  [2, 2n, 3n],
  [10, 512n, 1023n],
  [64, 1n << 63n, (1n << 64n) - 1n],
])('slot %i counts %i to %i', (slot, low, high) => {
  expect(log2Range(slot)).toEqual({ low, high });
});
