import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { errno, toHex } from '../../src/base/index.ts';
import { createMap, type StackTraceMap } from '../../src/maps/index.ts';
import { Memory } from '../../src/memory/index.ts';

/** What Linux answered; frames are what was left after the skipped ones, innermost first, empty when there were none. */
type Step =
  | ['get', flags: number, frames: string, answer: number]
  | ['lookup', id: number, answer: number, value: string | null]
  | ['delete', id: number, answer: number];

const { maps } = JSON.parse(readFileSync(new URL('./fixtures/stacks.json', import.meta.url), 'utf8')) as {
  maps: { valueSize: number; maxEntries: number; flags?: number; final: number[]; steps: Step[] }[];
};

function setUp(valueSize: number, maxEntries: number, flags = 0) {
  const memory = new Memory(24 << 20);
  const shape = { type: 'stack_trace', keySize: 4, valueSize, maxEntries, flags, name: 'stacks' } as const;
  const map = createMap(memory, 1, shape) as StackTraceMap;
  const stack = memory.allocate(512 * 8);
  const key = memory.allocate(8);
  const value = memory.allocate(2048);
  return {
    memory,
    map,
    key,
    value,
    /** get_stackid of these frames under those that the flags skip. */
    get: (frames: readonly bigint[], flags: number) => {
      const skip = flags & 0xff;
      memory.u64.fill(0xdeadn, stack >>> 3, (stack >>> 3) + skip);
      frames.forEach((address, i) => {
        memory.u64[(stack >>> 3) + skip + i] = address;
      });
      return map.getStackid(stack, skip + frames.length, flags);
    },
    at: (id: number) => {
      memory.view.setUint32(key, id, true);
      return key;
    },
  };
}

function parse(frames: string): bigint[] {
  return frames === '' ? [] : frames.split(' ').map((address) => BigInt(`0x${address}`));
}

describe('Linux gave the same ids', () => {
  test.each(maps.map((map) => [map.valueSize, map.maxEntries, map.flags ?? 0, map] as const))(
    'value %i, %i entries, flags %i',
    (size, max, flags, recorded) => {
      const { memory, map, key, value, get, at } = setUp(size, max, flags);
      recorded.steps.forEach((step, index) => {
        if (step[0] === 'get') expect([index, get(parse(step[2]), step[1])]).toEqual([index, step[3]]);
        if (step[0] === 'delete') expect([index, map.delete(at(step[1]))]).toEqual([index, step[2]]);
        if (step[0] !== 'lookup') return;
        memory.u8.fill(0xff, value, value + size);
        expect([index, map.userLookup(at(step[1]), value)]).toEqual([index, step[2]]);
        if (step[3] !== null) expect(toHex(memory.bytes(value, size))).toBe(step[3]);
      });
      const ids: number[] = [];
      for (let from = 0; map.nextKey(from, key) === 0; from = key) ids.push(memory.view.getUint32(key, true));
      expect(ids).toEqual(recorded.final);
      expect(map.count).toBe(ids.length);
    },
  );
});

describe('StackTraceMap', () => {
  test.each([0x800, 0x1000, 0x8000_0000, 0x1_0000_0000])('flags 0x%x are EINVAL', (flags) => {
    expect(setUp(64, 4).get([1n], flags)).toBe(-errno.EINVAL);
  });

  test.each([
    [64, 0, 8],
    [64, 3, 11],
    [1016, 0, 127],
    [1016, 5, 127],
    [64, 0x2ff, 127],
  ])('a value of %i bytes takes, with flags %i, %i frames', (valueSize, flags, depth) => {
    expect(setUp(valueSize, 1).map.depth(flags)).toBe(depth);
  });

  test('a stack that is gone restarts the walk, one beyond the buckets too', () => {
    const { memory, map, key, get, at } = setUp(64, 64);
    const ids = [1n, 2n, 3n].map((address) => get([address], 0)).sort((a, b) => a - b);
    expect(map.nextKey(at(ids[2] as number), key)).toBe(-errno.ENOENT);
    for (const gone of [64, ids[0] as number]) {
      if (gone < 64) map.delete(at(gone));
      expect(map.nextKey(at(gone), key)).toBe(0);
      expect(memory.view.getUint32(key, true)).toBe(gone < 64 ? ids[1] : ids[0]);
    }
  });

  test('only get_stackid writes', () => {
    const { map, at, value } = setUp(64, 4);
    expect([map.update(at(0), value, 0, 0), map.userUpdate(at(0), value, 0), map.lookup(at(0), 0)]).toEqual([
      -22, -22, 0,
    ]);
  });
});
