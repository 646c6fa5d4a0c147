import { describe, expect, test } from 'vitest';
import { createMap, mapHeader } from '../../src/maps/index.ts';
import { Memory } from '../../src/memory/index.ts';

describe('ArrayMap', () => {
  test.each([
    ['array', 1],
    ['percpu_array', 3],
  ] as const)('the drawn layout of a %s, %i copies, is enough to look up', (type, copies) => {
    const memory = new Memory(1 << 20);
    const map = createMap(memory, 3, { type, keySize: 4, valueSize: 12, maxEntries: 5, flags: 0, name: 'm' });
    const field = (name: keyof typeof mapHeader) => memory.u32[(map.address + mapHeader[name]) >>> 2] as number;
    const key = memory.allocate(8);
    const places = new Set<number>();
    for (const index of [0, 1, 4, 5, 0xffffffff]) {
      memory.view.setUint32(key, index, true);
      for (let cpu = 0; cpu < copies; cpu++) {
        const expected = index < 5 ? field('data') + index * field('stride') + cpu * field('cpuStride') : 0;
        expect(map.lookup(key, cpu)).toBe(expected);
        if (expected !== 0) places.add(expected);
      }
    }
    expect(places.size).toBe(3 * copies);
    expect([field('stride'), field('data') % 8]).toEqual([16, 0]);
  });

  test('one that can be mapped has pages of its own', () => {
    const memory = new Memory(1 << 20);
    const shape = { type: 'array', keySize: 4, valueSize: 8, maxEntries: 3, flags: 1 << 10, name: 'm' } as const;
    const map = createMap(memory, 1, shape);
    expect((memory.u32[(map.address + mapHeader.data) >>> 2] as number) % 4096).toBe(0);
    const used = memory.used;
    map.close();
    expect(memory.used).toBe(used - 4096);
  });
});
