import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadProfile } from '../../src/btf/index.ts';
import { verify } from '../../src/verifier/index.ts';
import { lastLine, programOf, readCases, withoutResult } from './read-cases.ts';

/** Every expectation in the case files is what Linux 6.18 answered. */
const folder = new URL('cases/', import.meta.url);
const kernel = loadProfile('6.18').btf;

describe.each(readdirSync(folder))('%s', (file) => {
  const cases = readCases(readFileSync(new URL(file, folder), 'utf8'));
  test.each(cases)('$name', (one) => {
    const { verdict, errno, log } = verify(programOf(one, kernel), { strictAlignment: one.strict });
    expect(verdict === 'accept' ? 'accept' : `reject ${errno} ${lastLine(log)}`.trim()).toBe(
      withoutResult(one.expected),
    );
  });
});

test('any bytes get a verdict', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 160 }), (bytes) => {
      const { verdict } = verify({ code: bytes.subarray(0, bytes.length & ~7), type: 'socket_filter' });
      expect(['accept', 'reject']).toContain(verdict);
    }),
    { numRuns: 2000 },
  );
});

test('a log that does not fit keeps its tail and says ENOSPC', () => {
  const [first] = readCases('# long\nsocket_filter\nr0 = 0\nr0 += 1\nr0 += 1\nexit\nexit');
  const { errno, log } = verify({ code: first?.code ?? new Uint8Array(8), type: 'socket_filter' }, { logSize: 16 });
  expect(errno).toBe('ENOSPC');
  expect(log).toHaveLength(15);
});
