import { expect, test } from 'vitest';
import { Progress } from '../../src/cli/progress.ts';
import type { Run } from '../../src/lab/index.ts';
import { Gathered } from './console.ts';

const run = { time: 15e9, duration: 60e9, events: 3000 } as Run;

/** What stands on the stream after looks at these milliseconds. */
function shownAt(times: readonly number[], terminal: boolean): { text: string; cleared: string } {
  const stream = new Gathered(terminal);
  let now = 0;
  const progress = new Progress(stream, run, () => now);
  for (now of times) progress.show();
  const { text } = stream;
  progress.clear();
  return { text, cleared: stream.text.slice(text.length) };
}

test('a run that is over within a second shows nothing', () => {
  expect(shownAt([10, 500, 999], true)).toEqual({ text: '', cleared: '' });
});

test('a terminal has one line, rewritten a few times a second, and taken away', () => {
  const line = (perSecond: number): string => `\r15s of 1m00s (25%), 3000 events, ${perSecond} a second\x1b[K`;
  expect(shownAt([1000, 1100, 1200, 2000], true)).toEqual({
    text: line(3000) + line(2500) + line(1500),
    cleared: '\r\x1b[K',
  });
});

test('elsewhere a line now and then', () => {
  const { text, cleared } = shownAt([1000, 4999, 5000, 9999, 10_000], false);
  expect(text.split('\n').map((row) => row.slice(0, 19))).toEqual(['15s of 1m00s (25%),', '15s of 1m00s (25%),', '']);
  expect(cleared).toBe('');
});
