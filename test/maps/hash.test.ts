import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { errno } from '../../src/base/index.ts';
import { createMap, mapHeader } from '../../src/maps/index.ts';
import { Memory } from '../../src/memory/index.ts';
import type { MapType } from '../../src/uapi/index.ts';

const { E2BIG, ENOENT } = errno;

function setUp(type: MapType, keySize: number, valueSize: number, maxEntries: number, cpus = 2) {
  const memory = new Memory(4 << 20);
  const map = createMap(memory, cpus, { type, keySize, valueSize, maxEntries, flags: 0, name: 'm' });
  const keyAt = memory.allocate(64);
  const next = memory.allocate(64);
  const value = memory.allocate(256);
  const key = (n: number) => {
    for (let i = 0; i < keySize; i++) memory.u8[keyAt + i] = i < 4 ? n >>> (8 * i) : i;
    return keyAt;
  };
  const put = (n: number, content: number, flags = 0, cpu = 0) => {
    memory.u8.fill(content, value, value + valueSize);
    return map.update(key(n), value, flags, cpu);
  };
  const field = (name: keyof typeof mapHeader) => memory.u32[(map.address + mapHeader[name]) >>> 2] as number;
  const keys = () => {
    const found: number[] = [];
    for (let from = 0; map.nextKey(from, next) === 0; from = next) found.push(memory.view.getUint32(next, true));
    return found;
  };
  return { memory, map, key, put, field, keys, next };
}

describe('HashMap', () => {
  test('a held pointer goes on reading the old value after an update, as in Linux', () => {
    const { memory, map, key, put } = setUp('hash', 4, 8, 4);
    put(1, 0x11);
    const held = map.lookup(key(1), 0);
    put(1, 0x22);
    expect([memory.u8[held], memory.u8[map.lookup(key(1), 0)]]).toEqual([0x11, 0x22]);
    put(1, 0x33);
    expect([memory.u8[held], map.lookup(key(1), 0)]).toEqual([0x33, held]);
    expect(map.count).toBe(1);
  });

  test('a per-CPU value is updated in place', () => {
    const { memory, map, key, put } = setUp('percpu_hash', 4, 8, 4);
    put(1, 0x11, 0, 1);
    const held = map.lookup(key(1), 1);
    put(1, 0x22, 0, 1);
    expect(map.lookup(key(1), 1)).toBe(held);
    expect([memory.u8[held], memory.u8[map.lookup(key(1), 0)]]).toEqual([0x22, 0]);
  });

  test('every element can be used, and used again', () => {
    const { map, key, put, keys } = setUp('hash', 7, 3, 100);
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 100; n++) expect(put(n + round, n)).toBe(0);
      expect(put(1000, 1)).toBe(-E2BIG);
      expect(put(round, 9)).toBe(0);
      expect(keys().sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n + round));
      expect(map.delete(key(round))).toBe(0);
      expect(map.delete(key(round))).toBe(-ENOENT);
    }
  });

  test('a key that is gone restarts the walk from the first', () => {
    const { memory, map, key, put, keys, next } = setUp('hash', 4, 4, 16);
    for (let n = 0; n < 10; n++) put(n, n);
    const [first, second] = keys();
    map.delete(key(first as number));
    expect(map.nextKey(key(first as number), next)).toBe(0);
    expect(memory.view.getUint32(next, true)).toBe(second);
  });

  test('values are aligned to 8 bytes, and apart', () => {
    const { map, key, put } = setUp('percpu_hash', 5, 12, 20, 3);
    const places: number[] = [];
    for (let n = 0; n < 20; n++) {
      put(n, n);
      for (let cpu = 0; cpu < 3; cpu++) places.push(map.lookup(key(n), cpu));
    }
    places.sort((a, b) => a - b);
    expect(places.every((place) => place % 8 === 0)).toBe(true);
    expect(places.every((place, i) => i === 0 || place - (places[i - 1] as number) >= 16)).toBe(true);
  });

  test.each(['hash', 'percpu_hash'] as const)('a %s behaves as a JS Map of bounded size', (type) => {
    const operation = fc.record({
      kind: fc.constantFrom('update', 'delete', 'lookup'),
      key: fc.nat(30),
      value: fc.integer({ min: 0, max: 255 }),
      flags: fc.constantFrom(0, 0, 0, 1, 2),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const { memory, map, key, put, keys } = setUp(type, 6, 5, 12);
        const model = new Map<number, number>();
        for (const { kind, key: n, value, flags } of operations) {
          if (kind === 'update') {
            const fault = model.has(n) ? (flags === 1 ? -17 : 0) : flags === 2 ? -2 : model.size === 12 ? -7 : 0;
            expect(put(n, value, flags)).toBe(fault);
            if (fault === 0) model.set(n, value);
          } else if (kind === 'delete') {
            expect(map.delete(key(n))).toBe(model.delete(n) ? 0 : -2);
          }
          const found = map.lookup(key(n), 0);
          expect(found === 0 ? undefined : memory.u8[found + 4]).toBe(model.get(n));
        }
        expect(keys().sort((a, b) => a - b)).toEqual([...model.keys()].sort((a, b) => a - b));
        expect(map.count).toBe(model.size);
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  test.each([
    ['hash', 16],
    ['hash', 3],
    ['percpu_hash', 8],
  ] as const)('the drawn layout of a %s with keys of %i bytes is enough to look up', (type, keySize) => {
    const { memory, map, key, put, field } = setUp(type, keySize, 12, 300);
    const lookUp = (at: number, cpu: number) => {
      const words = Math.ceil(keySize / 4);
      const padded = new Uint8Array(words * 4);
      padded.set(memory.bytes(at, keySize));
      const wanted = new Int32Array(padded.buffer);
      let hash = words;
      for (const word of wanted) {
        hash = Math.imul(hash ^ word, 0x9e3779b1);
        hash ^= hash >>> 15;
      }
      hash = Math.imul(hash, 0x85ebca6b);
      hash ^= hash >>> 13;
      let element = memory.u32[(field('buckets') >>> 2) + (hash & field('bucketMask'))] as number;
      for (; element !== 0; element = memory.u32[element >>> 2] as number) {
        const same = wanted.every((word, i) => memory.i32[(element >>> 2) + 2 + i] === word);
        if (same && memory.i32[(element >>> 2) + 1] === hash) {
          return element + field('valueOffset') + cpu * field('cpuStride');
        }
      }
      return 0;
    };
    for (let n = 0; n < 300; n++) put(n * 7, n);
    for (let n = 0; n < 2100; n++) {
      const at = key(n);
      for (const cpu of type === 'hash' ? [0] : [0, 1]) expect(lookUp(at, cpu)).toBe(map.lookup(at, cpu));
    }
    const chains = Array.from({ length: field('bucketMask') + 1 }, (_, i) => {
      let length = 0;
      for (let at = memory.u32[(field('buckets') >>> 2) + i] as number; at !== 0; at = memory.u32[at >>> 2] as number) {
        length++;
      }
      return length;
    });
    expect(Math.max(...chains)).toBeLessThanOrEqual(6);
  });
});
