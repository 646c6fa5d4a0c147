import { describe, expect, test } from 'vitest';
import { errno } from '../../src/base/index.ts';
import { createMap, type PerfEventArray, PerfRing } from '../../src/maps/index.ts';
import { Memory } from '../../src/memory/index.ts';
import { currentCpu } from '../../src/uapi/index.ts';

const { E2BIG, EBADF, EINVAL, ENOENT, ENOSPC, ENOTSUPP, EOPNOTSUPP } = errno;

function setUp() {
  const memory = new Memory(1 << 20);
  const shape = {
    type: 'perf_event_array',
    keySize: 4,
    valueSize: 4,
    maxEntries: 4,
    flags: 0,
    name: 'events',
  } as const;
  const map = createMap(memory, 2, shape) as PerfEventArray;
  const rings = [0, 1].map((cpu) => new PerfRing(memory, { cpu, id: cpu + 1, wakeupEvents: 1 }));
  for (const ring of rings) ring.map(1);
  const key = memory.allocate(8);
  return {
    memory,
    map,
    key,
    rings: rings as [PerfRing, PerfRing],
    sample: memory.allocate(64),
    at: (index: number) => {
      memory.view.setUint32(key, index, true);
      return key;
    },
  };
}

describe('PerfEventArray', () => {
  // As the kernel answered a raw tracepoint program on CPU 0 or 1; slot 0 holds CPU 0's ring, slot 1 CPU 1's.
  test.each([
    ['the current CPU', currentCpu, 0, 0],
    ['the current CPU', currentCpu, 1, 0],
    ['its slot', 1, 1, 0],
    ["another CPU's", 1, 0, -EOPNOTSUPP],
    ['an empty slot', 2, 0, -ENOENT],
    ['the first beyond', 4, 0, -E2BIG],
    ['the last there is', 0xfffffffe, 0, -E2BIG],
  ])('output to %s (0x%x) on CPU %i: %i', (_name, index, cpu, answer) => {
    const { map, rings, sample } = setUp();
    for (const ring of rings) map.setEvent(ring.cpu, ring);
    expect(map.output(index, cpu, sample, 8)).toBe(answer);
    expect(rings.map((ring) => ring.accepted)).toEqual([0, 1].map((i) => (answer === 0 && i === cpu ? 1 : 0)));
  });

  test('a full ring passes its answer on', () => {
    const { map, rings, sample } = setUp();
    map.setEvent(0, rings[0]);
    const answers = Array.from({ length: 200 }, () => map.output(0, 0, sample, 20));
    expect(answers.indexOf(-ENOSPC)).toBe(127);
    expect([rings[0].accepted, rings[0].lost]).toEqual([127, 73]);
  });

  test('slots are filled and emptied as through bpf(2)', () => {
    const { map, rings, at } = setUp();
    expect(map.setEvent(4, rings[0])).toBe(-E2BIG);
    expect(map.setEvent(0, rings[0], 1)).toBe(-EINVAL);
    expect(map.setEvent(0, rings[0])).toBe(0);
    expect(map.setEvent(0, rings[1])).toBe(0);
    expect([map.count, map.ring(0), map.ring(1), map.ring(4)]).toEqual([1, rings[1], null, null]);
    expect([map.delete(at(0)), map.delete(at(0)), map.delete(at(9))]).toEqual([0, -ENOENT, -E2BIG]);
    expect(map.count).toBe(0);
  });

  test('neither programs nor bpf(2) read or write values', () => {
    const { map, at, sample } = setUp();
    expect(map.lookup(at(0), 0)).toBe(0);
    expect(map.update(at(0), sample, 0, 0)).toBe(-EINVAL);
    expect(map.userLookup(at(0), sample)).toBe(-ENOTSUPP);
    expect([0, 1, 4].map((flags) => map.userUpdate(at(0), sample, flags))).toEqual([-EBADF, -EINVAL, -EINVAL]);
    expect(map.userUpdate(at(9), sample, 0)).toBe(-E2BIG);
    expect(map.userValueSize).toBe(4);
  });

  test('keys are all indexes, used or not', () => {
    const { memory, map, key, at } = setUp();
    const seen: number[] = [];
    for (let from = 0; map.nextKey(from, key) === 0; from = key) seen.push(memory.view.getUint32(key, true));
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(map.nextKey(at(9), key)).toBe(0);
    expect(memory.view.getUint32(key, true)).toBe(0);
  });
});
