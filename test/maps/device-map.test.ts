import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { errnoName, toHex } from '../../src/base/index.ts';
import { createMap, DeviceMap } from '../../src/maps/index.ts';
import { Memory } from '../../src/memory/index.ts';

/** Operations of bpf(2) on maps of 4 devices, and what Linux 6.18 answered; `lo`, ifindex 1, is the one device. */
type Row =
  | readonly ['update', key: number, ifindex: number, flags: number, answer: string | null]
  | readonly ['lookup' | 'delete', key: number, answer: string | null]
  | readonly ['next', key: number | null, answer: string | number];
const path = new URL('fixtures/device-maps.json', import.meta.url);
const recorded: Readonly<Record<string, readonly Row[]>> = JSON.parse(readFileSync(path, 'utf8'));

describe.each(Object.entries(recorded))('a %s', (name, rows) => {
  const memory = new Memory(1 << 20);
  const type = name.startsWith('devmap_hash') ? 'devmap_hash' : 'devmap';
  const valueSize = name.includes('8 bytes') ? 8 : 4;
  const shape = { type, keySize: 4, valueSize, maxEntries: 4, flags: 0, name: 'ports' } as const;
  const map = createMap(memory, 1, shape) as DeviceMap;
  map.isDevice = (ifindex) => ifindex === 1;
  const key = memory.allocate(8);
  const value = memory.allocate(16);
  const named = (status: number): string | null => (status === 0 ? null : (errnoName(status) ?? String(status)));

  function answer(row: Row): string | number | null {
    memory.view.setUint32(key, row[1] ?? 0, true);
    switch (row[0]) {
      case 'update':
        memory.u8.fill(0, value, value + 8);
        memory.view.setUint32(value, row[2], true);
        return named(map.userUpdate(key, value, row[3]));
      case 'delete':
        return named(map.delete(key));
      case 'lookup': {
        const status = map.userLookup(key, value);
        return named(status) ?? toHex(memory.u8.slice(value, value + valueSize));
      }
      default: {
        const status = map.nextKey(row[1] === null ? 0 : key, value);
        return named(status) ?? memory.view.getUint32(value, true);
      }
    }
  }

  test.each(rows.map((row, index) => [row.slice(0, -1).join(' '), index] as const))('%s', (_, index) => {
    const row = rows[index] as Row;
    expect(answer(row)).toBe(row.at(-1));
  });

  test('tells programs where its devices are', () => {
    expect(map).toBeInstanceOf(DeviceMap);
    expect([map.device(1), map.device(77), map.holdsDevice(1), map.holdsDevice(2)]).toEqual([1, 0, true, false]);
  });
});
