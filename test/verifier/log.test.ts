import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { verify } from '../../src/verifier/index.ts';
import { codeOf, type LogCase, withoutTime } from './read-log-cases.ts';

/** Every answer in the cases is Linux 6.18's. */
const cases = JSON.parse(readFileSync(new URL('log/cases.json', import.meta.url), 'utf8')) as LogCase[];

test.each(cases)('$name', (one) => {
  const options = { logLevel: one.level, ...(one.size === undefined ? {} : { logSize: one.size }) };
  const program = { code: codeOf(one), type: one.type, ...(one.lines ? { lines: one.lines } : {}) };
  const { errno, log, logTrueSize } = verify(program, options);
  expect({ errno, trueSize: logTrueSize, log: withoutTime(log) }).toEqual(one.answer);
});

describe('the time of level 4', () => {
  test('comes from the clock that is handed in', () => {
    let now = 5_000;
    const clock = (): number => {
      now += 1_234_567;
      return now;
    };
    const { log } = verify({ code: codeOf(cases[0] as LogCase), type: 'socket_filter' }, { logLevel: 4, now: clock });
    expect(log).toContain('verification time 1234 usec\nstack depth 8\n');
  });
});
