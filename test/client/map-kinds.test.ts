import { describe, expect, test } from 'vitest';
import { loadProfile } from '../../src/btf/index.ts';
import { BpfError, loadObject, u32Codec, u64Codec } from '../../src/client/index.ts';
import type { MapSpec } from '../../src/object/index.ts';
import { boot } from '../../src/sim/index.ts';

const profile = loadProfile('6.18');

function load(...maps: (Partial<MapSpec> & Pick<MapSpec, 'name' | 'type'>)[]) {
  const machine = boot({ profile, cpus: 2, memory: 8 << 20 });
  const base = { keySize: 4, valueSize: 8, maxEntries: 2, flags: 0, key: undefined, value: undefined };
  const specs = maps.map((map): MapSpec => ({ ...base, ...map }));
  return loadObject(machine, { license: 'GPL', maps: specs, programs: [], structs: [] });
}

describe('maps without keys', () => {
  test.each([
    ['queue', [1, 2]],
    ['stack', [2, 1]],
  ] as const)('%s: push, peek and pop', (type, order) => {
    using object = load({ name: 'list', type, keySize: 0 });
    const list = object.table('list', u32Codec, u64Codec);
    expect(list.pop()).toBeUndefined();
    list.push(1);
    list.push(2);
    expect(() => list.push(3)).toThrow(BpfError);
    expect(list.peek()).toBe(order[0]);
    expect([list.pop(), list.pop(), list.peek()]).toEqual([...order, undefined]);
  });

  test('a bloom filter holds what was pushed', () => {
    using object = load({ name: 'seen', type: 'bloom_filter', keySize: 0, maxEntries: 64 });
    const seen = object.table('seen', u32Codec, u64Codec);
    expect(seen.mayHold(5)).toBe(false);
    seen.push(5);
    expect(seen.mayHold(5)).toBe(true);
  });
});

describe('maps of maps', () => {
  test('are made like the map that they name, wherever it stands', () => {
    using object = load(
      { name: 'outer', type: 'hash_of_maps', valueSize: 4, innerMap: 'inner' },
      { name: 'inner', type: 'array' },
    );
    const outer = object.table('outer', u32Codec, u32Codec);
    outer.set(7, object.map('inner').fd);
    expect(outer.get(7), 'its id').toBeGreaterThan(0);
    expect(outer.delete(7)).toBe(true);
    expect(outer.get(7)).toBeUndefined();
  });

  test('a name that is no map is told with the nearest', () => {
    const wrong = () =>
      load({ name: 'outer', type: 'array_of_maps', valueSize: 4, innerMap: 'iner' }, { name: 'inner', type: 'array' });
    expect(wrong).toThrow(/no map 'iner'/);
  });
});

test('a ring buffer that nothing was written to has nothing', () => {
  using object = load({ name: 'ring', type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 });
  const ring = object.openRingBuffer('ring', { decode: (view, offset) => view.getUint8(offset) });
  expect(ring.poll()).toBe(0);
  expect(object.kernel.poll([ring.fd])).toEqual([]);
});
