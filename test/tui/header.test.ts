import { describe, expect, test } from 'vitest';
import { type HeaderModel, presentHeader } from '../../src/tui/header.ts';
import { plainText } from '../../src/tui/text.ts';

const row = { cpu: -1, produced: 1234, delivered: 1234, lost: 0, filtered: 0, pending: 0 };
const model: HeaderModel = {
  tool: 'drop-monitor',
  scenario: 'udp_closed_port',
  state: 'running',
  speed: 1,
  time: 12.345e9,
  duration: 60e9,
  noun: 'drop',
  count: 1234,
  rate: 12.3,
  trend: [1, 2, 3, 4, 2],
  bucket: 1e9,
  events: 45678,
  ledger: { total: row, cpus: [], balanced: true },
  warnings: [],
};

const draw = (change: Partial<HeaderModel>, cells: number, rows = 24): string[] =>
  presentHeader({ ...model, ...change }, cells, rows).lines.map((line) => plainText(line).trimEnd());

const lossy = { total: { ...row, produced: 1300, lost: 66 }, cpus: [], balanced: true };

describe('the header', () => {
  test('at 80 cells', () => {
    expect(draw({}, 80)).toEqual([
      ' tracebed  drop-monitor on udp_closed_port           ▸ 1× 00:12.345 / 01:00.000',
      ' 1,234 drops  12.3/s  ▃▅▆█                                        45,678 events',
      ' ledger 1,234 produced = 1,234 delivered + 0 lost + 0 filtered',
    ]);
  });

  test('on a low and narrow screen two lines, the loss still in them', () => {
    expect(draw({}, 40, 10)).toEqual([
      ' drop-monitor            ▸ 1× 00:12.345',
      ' 1,234 drops 12.3/s ▃▅▆█         0 lost',
    ]);
    expect(draw({ ledger: lossy }, 40, 10)[1]).toBe(' 1,234 drops 12.3/s ▃▅▆█        66 LOST');
  });

  test.each([
    [{ state: 'running', speed: 'max' }, '▸ max 00:12.345'],
    [{ state: 'running', speed: 0.25 }, '▸ 0.25× 00:12.345'],
    [{ state: 'paused' }, 'PAUSED 00:12.345'],
    [{ state: 'ended' }, 'ENDED 00:12.345'],
  ] as const)('%j shows %s', (change, expected) => {
    expect(draw(change, 80)[0]).toContain(expected);
  });

  test('a loss is written in capitals and in the style of a fault', () => {
    const lines = presentHeader({ ...model, ledger: lossy }, 100, 30).lines;
    expect(plainText(lines[2] ?? [])).toContain('1,300 produced = 1,234 delivered + 66 LOST + 0 filtered');
    expect(lines[2]?.find((part) => part.text === '66 LOST')?.style).toBe('bad');
  });

  test('a ledger that does not add up is called so', () => {
    expect(draw({ ledger: { ...lossy, balanced: false } }, 100)[2]).toContain('DOES NOT ADD UP');
  });

  test('records that wait in the rings are told', () => {
    const ledger = { total: { ...row, pending: 12 }, cpus: [], balanced: true };
    expect(draw({ ledger }, 120)[2]).toMatch(/12 in the rings$/);
  });

  test('a ledger too long for the screen gives up its words, not its numbers', () => {
    const big = { ...row, produced: 7_300_000, delivered: 7_234_000, lost: 66_000 };
    expect(draw({ ledger: { total: big, cpus: [], balanced: true } }, 50)[2]).toBe(
      ' 7,300,000 = 7,234,000 + 66,000 LOST + 0',
    );
  });

  test('warnings stand below', () => {
    expect(draw({ warnings: ['program x trapped once: y'] }, 80)[3]).toBe(' ! program x trapped once: y');
  });

  test('a tool of text counts events', () => {
    const [, second] = draw({ noun: 'event', count: 1, rate: 0.1 }, 80);
    expect(second).toBe(' 1 event  0.10/s  ▃▅▆█');
  });

  test.each([40, 41, 47, 60, 79, 80, 132])('every line is exactly %i cells wide', (cells) => {
    for (const line of presentHeader({ ...model, ledger: lossy }, cells, 24).lines) {
      expect(plainText(line)).toHaveLength(cells);
    }
  });
});
