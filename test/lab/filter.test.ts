import { describe, expect, test } from 'vitest';
import { Filter } from '../../src/lab/index.ts';
import { levels, recordAt } from './records.ts';

const groups = ['NO_SOCKET', 'UDP 10.0.0.1:5 → 10.0.0.2:53'];
const record = recordAt(1, groups, { comm: 'named', dev: 'eth0', len: '88' });

describe('a filter', () => {
  test.each([
    ['', 'all', true],
    ['socket', 'all', true],
    ['SOCKET udp', 'all', true],
    ['!socket', 'none', false],
    ['reason=no_socket', 'all', true],
    ['reason=tcp', 'none', false],
    ['!reason=tcp', 'all', true],
    ['named', 'some', true],
    ['!named', 'some', false],
    ['!nginx', 'some', true],
    ['comm=named', 'some', true],
    ['comm=eth0', 'some', false],
    ['!dev=eth0', 'some', false],
    ['dev=eth0 reason=tcp', 'none', false],
    ['"udp 10.0.0.1"', 'all', true],
    ['flow="10.0.0.2:53"', 'all', true],
    ['"unclosed eth', 'some', false],
    ['nosuch=1', 'some', false],
    ['!nosuch=1', 'some', true],
  ] as const)('%j says %s of the groups and %s of the record', (text, ofGroups, ofRecord) => {
    const filter = new Filter(text, levels);
    expect(filter.ofGroups(groups)).toBe(ofGroups);
    expect(filter.ofRecord(record)).toBe(ofRecord);
    expect(filter.ofRecord(record)).toBe(ofRecord);
  });

  test('is undecided on a level that it is not told', () => {
    expect(new Filter('flow=udp', levels).ofGroups(['NO_SOCKET'])).toBe('some');
  });
});
