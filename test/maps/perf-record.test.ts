import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../src/base/index.ts';
import { readPerfRecords } from '../../src/maps/index.ts';

const sample = '0900000001001800 0c000000 616263646566676800000000';
const lost = '0200000000001800 0700000000000000 0300000000000001';

/** A data area of 64 bytes that begins with these. */
function area(hex: string): Uint8Array {
  const data = new Uint8Array(64);
  data.set(fromHex(hex) as Uint8Array);
  return data;
}

describe('readPerfRecords', () => {
  test('samples with their padding, losses with their counts', () => {
    const data = area(`${sample} ${lost}`);
    const records = readPerfRecords(data, 0n, 48n);
    expect(records.map((record) => record.kind)).toEqual(['sample', 'lost']);
    const [first, second] = records;
    expect(first?.kind === 'sample' && toHex(first.data)).toBe('616263646566676800000000');
    expect(second).toEqual({ kind: 'lost', id: 7n, lost: 0x0100000000000003n });
  });

  test.each([8, 16, 24])('a record that runs %i bytes before the end goes on at the start', (before) => {
    const record = area(sample).subarray(0, 24);
    const data = new Uint8Array(64);
    for (let i = 0; i < record.length; i++) data[(64 - before + i) % 64] = record[i] as number;
    const at = 2n ** 40n - BigInt(before);
    expect(readPerfRecords(data, at, at + 24n)).toEqual([{ kind: 'sample', data: record.slice(12) }]);
  });

  test('what is read is a copy', () => {
    const data = area(sample);
    const [record] = readPerfRecords(data, 0n, 24n);
    data.fill(0);
    expect(record?.kind === 'sample' && record.data[0]).toBe(0x61);
  });

  test.each([
    ['0900000001000000', 'a perf record of 0 bytes at 0, head 24'],
    ['0900000001002000', 'a perf record of 32 bytes at 0, head 24'],
    ['0300000001001800', 'a perf record of type 3 at 0'],
  ])('%s: %s', (start, message) => {
    expect(() => readPerfRecords(area(start), 0n, 24n)).toThrow(message);
  });
});
