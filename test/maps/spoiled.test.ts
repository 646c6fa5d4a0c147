import { expect, test } from 'vitest';
import { Random } from '../../src/base/index.ts';
import { type BpfMap, createMap, type MapShape } from '../../src/maps/index.ts';
import { Memory, pageKinds, pageSize } from '../../src/memory/index.ts';

/**
 * A program that no verifier saw may write anything into the memory that maps live in. What a map then answers is
 * open, but every operation ends, throws nothing, and leaves the page table as it was.
 */
const kinds: readonly Omit<MapShape, 'name' | 'flags'>[] = [
  { type: 'hash', keySize: 4, valueSize: 8, maxEntries: 8 },
  { type: 'percpu_hash', keySize: 4, valueSize: 8, maxEntries: 8 },
  { type: 'lru_hash', keySize: 4, valueSize: 8, maxEntries: 8 },
  { type: 'lru_percpu_hash', keySize: 4, valueSize: 8, maxEntries: 8 },
  { type: 'lpm_trie', keySize: 8, valueSize: 8, maxEntries: 8 },
  { type: 'array', keySize: 4, valueSize: 8, maxEntries: 8 },
  { type: 'queue', keySize: 0, valueSize: 8, maxEntries: 8 },
  { type: 'stack', keySize: 0, valueSize: 8, maxEntries: 8 },
];

function operate(map: BpfMap, random: Random, key: number, value: number, memory: Memory): void {
  memory.u32[key >>> 2] = map.shape.type === 'lpm_trie' ? random.int(0, 32) : random.int(0, 12);
  memory.u32[(key >>> 2) + 1] = random.u32();
  const cpu = random.int(0, 1);
  if (map.shape.keySize === 0) {
    random.pick([() => map.push(value, 0), () => map.pop(value), () => map.peek(value)])();
    return;
  }
  random.pick([
    () => map.lookup(key, cpu),
    () => map.update(key, value, random.int(0, 2), cpu),
    () => map.delete(key),
    () => map.nextKey(key, key),
    () => map.userLookup(key, value),
    () => map.forEach(cpu, () => 0),
  ])();
}

/** Writes links that may lead in circles, and anything else, over everything that programs could write. */
function spoil(memory: Memory, random: Random, pages: readonly number[], apart: number): void {
  for (let times = random.int(1, 60); times > 0; times--) {
    const word = (random.pick(pages) * pageSize + random.int(0, pageSize / 4 - 1) * 4) >>> 2;
    if (word >>> 10 === apart) continue;
    const near = random.pick(pages) * pageSize + random.int(0, pageSize / 8 - 1) * 8;
    memory.u32[word] = random.pick([near, near, random.int(0, 20), random.u32()]);
  }
}

test.each(kinds)('operations on a spoiled $type end', (kind) => {
  for (let seed = 1; seed <= 150; seed++) {
    const random = new Random(seed);
    const memory = new Memory(1 << 17);
    const key = memory.allocatePages(pageSize);
    const value = key + 256;
    const map = createMap(memory, 2, { ...kind, flags: kind.type === 'lpm_trie' ? 1 : 0, name: 'm' });
    for (let count = 0; count < 30; count++) operate(map, random, key, value, memory);
    const pages = [...memory.pages.keys()].filter((page) => memory.pages[page] === pageKinds.kernel);
    for (let round = 0; round < 5; round++) {
      spoil(memory, random, pages, key / pageSize);
      for (let count = 0; count < 20; count++) operate(map, random, key, value, memory);
    }
  }
  expect.assertions(0);
});
