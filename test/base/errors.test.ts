import { describe, expect, test } from 'vitest';
import {
  errno,
  errnoName,
  formatFault,
  formatPosition,
  InputError,
  SysError,
  UsageError,
} from '../../src/base/index.ts';

describe('positions', () => {
  test.each([
    [{ file: 'a.s', line: 3, column: 7 }, 'a.s:3:7'],
    [{ file: 'a.s', line: 3 }, 'a.s:3'],
    [{ file: 'a.pcap', offset: 24 }, 'a.pcap: byte 24'],
    [{ offset: 0 }, 'byte 0'],
    [{}, ''],
    [undefined, ''],
  ])('%j prints %s', (at, text) => expect(formatPosition(at)).toBe(text));
});

describe('faults as people read them', () => {
  test('position, line with a caret under the column, expectation and hint', () => {
    const fault = new InputError('unknown register', {
      at: { file: 'p.s', line: 2, column: 4, text: '\tr1 = r12' },
      expected: 'r0 to r10',
      hint: 'there are eleven',
    });
    expect(formatFault(fault)).toBe(
      [
        'p.s:2:4: unknown register',
        '  \tr1 = r12',
        '  \t  ^',
        '  expected: r0 to r10',
        '  hint: there are eleven',
      ].join('\n'),
    );
  });

  test('what stands in a file does not steer the terminal; tabs stay', () => {
    const at = { file: 'a\x1b.c', line: 1, column: 3, text: '\t\x1b[2J\0\x9b' };
    expect(formatFault(new InputError('no \x07', { at }))).toBe('a?.c:1:3: no ?\n  \t?[2J??\n  \t ^');
    expect(formatFault(new Error('\x1b'))).toBe('?');
  });

  test('anything else is its message alone', () => {
    expect(formatFault(new TypeError('odd'))).toBe('odd');
    expect(formatFault('text')).toBe('text');
  });

  test('exit codes: 1 for a run, 2 for usage', () => {
    expect([
      new InputError('').exitCode,
      new UsageError('').exitCode,
      new SysError('ENOENT', 'open', 'x').exitCode,
    ]).toEqual([1, 2, 1]);
  });

  test('a system call names its errno and its number', () => {
    const fault = new SysError('ENOSPC', 'perf_event_output', 'the ring is full');
    expect(fault.message).toBe('perf_event_output: ENOSPC: the ring is full');
    expect(fault.code).toBe(28);
  });
});

test('errno names, of either sign', () => {
  for (const [name, value] of Object.entries(errno)) {
    expect(errnoName(value)).toBe(name);
    expect(errnoName(-value)).toBe(name);
  }
  expect(errnoName(-9999)).toBe('9999');
});
