import { expect, test } from 'vitest';
import { assemble } from '../../../src/isa/index.ts';
import { kernelSpace } from '../../../src/memory/index.ts';
import type { Engine } from '../../../src/vm/index.ts';
import { engines } from '../engines.ts';
import { ProgramHost } from '../program-host.ts';

/**
 * Lookups and what programs do with their answers. The value of key k is 100 + k: keys 0 to 3 in the array, 0 to 5 in
 * the hash, whose elements are all in one chain. The key comes in the packet's first byte.
 */
const arrayPlace = '0x1111111111111111';
const hashPlace = '0x2222222222222222';
const begin = 'r3 = *(u64 *)(r1 + 0)\n r7 = *(u8 *)(r3 + 0)';

function lookup(map: 'array' | 'hash', key = 'r7'): string {
  const store = map === 'array' ? `*(u32 *)(r10 - 4) = ${key}` : `*(u64 *)(r10 - 8) = ${key}`;
  return `${store}
    r2 = r10
    r2 += ${map === 'array' ? -4 : -8}
    r1 = ${map === 'array' ? arrayPlace : hashPlace} ll
    call 1`;
}

const found = (key: number): bigint => BigInt(100 + key);

/** Text behind `begin`, and the answer for a key whose value is found or not in the first map looked at. */
const rows: readonly (readonly [
  name: string,
  text: (map: 'array' | 'hash') => string,
  answer: (key: number, isFound: boolean) => bigint,
])[] = [
  [
    'a test for NULL that leaves',
    (map) => `${lookup(map)}
      if r0 == 0 goto none
      r0 = *(u64 *)(r0 + 0)
      exit
      none: r0 = 7
      exit`,
    (key, isFound) => (isFound ? found(key) : 7n),
  ],
  [
    'a test for an element that leaves',
    (map) => `${lookup(map)}
      if r0 != 0 goto some
      r0 = 7
      exit
      some: r0 = *(u64 *)(r0 + 0)
      exit`,
    (key, isFound) => (isFound ? found(key) : 7n),
  ],
  [
    'NULL itself as the answer',
    (map) => `${lookup(map)}
      if r0 == 0 goto end
      r0 = *(u64 *)(r0 + 0)
      end: exit`,
    (key, isFound) => (isFound ? found(key) : 0n),
  ],
  [
    'a copy that is tested, its origin overwritten',
    (map) => `${lookup(map)}
      r6 = r0
      r8 = r6
      r0 = 5
      if r6 == 0 goto end
      r0 = *(u64 *)(r8 + 0)
      end: exit`,
    (key, isFound) => (isFound ? found(key) : 5n),
  ],
  [
    'a register that held the answer and holds another number',
    (map) => `${lookup(map)}
      r6 = r0
      r0 = r7
      if r0 == 0 goto end
      if r6 == 0 goto end
      r0 = *(u64 *)(r6 + 0)
      end: exit`,
    (key, isFound) => (isFound && key !== 0 ? found(key) : BigInt(key)),
  ],
  [
    'a first answer that is tested after a second lookup',
    (map) => `${lookup(map)}
      r6 = r0
      ${lookup('array', '1')}
      r8 = r0
      r0 = 5
      if r6 == 0 goto end
      if r8 == 0 goto end
      r0 = *(u64 *)(r6 + 0)
      r1 = *(u64 *)(r8 + 0)
      r0 += r1
      end: exit`,
    (key, isFound) => (isFound ? found(key) + 101n : 5n),
  ],
  [
    'an answer that nobody tests before the next block',
    (map) => `${lookup(map)}
      if r7 == 2 goto two
      if r0 == 0 goto end
      two: r1 = r0
      if r1 == 0 goto end
      r0 = *(u64 *)(r1 + 0)
      end: exit`,
    (key, isFound) => (isFound ? found(key) : 0n),
  ],
  [
    'a test with a number that is not 0',
    (map) => `${lookup(map)}
      if r0 == 1 goto end
      if r0 == 0 goto end
      r0 = *(u64 *)(r0 + 0)
      end: exit`,
    (key, isFound) => (isFound ? found(key) : 0n),
  ],
  [
    'a key that a mask keeps within the map',
    (map) => `r7 &= 3
      ${lookup(map)}
      if r0 == 0 goto end
      r0 = *(u64 *)(r0 + 0)
      end: exit`,
    (key) => found(key & 3),
  ],
  [
    'a key that leaves what a mask kept it in',
    (map) => `r7 &= 3
      r7 += 4
      ${lookup(map)}
      if r0 == 0 goto end
      r0 = *(u64 *)(r0 + 0)
      end: exit`,
    (key) => ((key & 3) < 2 ? -BigInt((key & 3) + 104) : 0n),
  ],
  [
    'a key whose upper bytes are stored after its lower ones',
    (map) => `r7 &= 3
      ${map === 'array' ? '*(u32 *)(r10 - 4) = r7\n *(u8 *)(r10 - 1) = 1' : '*(u64 *)(r10 - 8) = r7\n *(u8 *)(r10 - 1) = 1'}
      r2 = r10
      r2 += ${map === 'array' ? -4 : -8}
      r1 = ${map === 'array' ? arrayPlace : hashPlace} ll
      call 1
      if r0 == 0 goto end
      r0 = *(u64 *)(r0 + 0)
      end: exit`,
    () => 0n,
  ],
];

/** Fills both maps, and puts all elements of the hash in one chain, which every bucket leads to. */
function makeHost(): ProgramHost {
  const host = new ProgramHost();
  const { memory } = host;
  const [array, hash] = [host.maps[0]!, host.maps[1]!];
  const key = memory.allocate(8);
  const value = memory.allocate(64);
  for (let index = 0; index < 6; index++) {
    memory.u64[key >>> 3] = BigInt(index);
    memory.u64[value >>> 3] = found(index);
    if (index < 4) array.update(key, value, 0, 0);
    expect(hash.update(key, value, 0, 0)).toBe(0);
  }
  const { u32 } = memory;
  const [data, stride] = [u32[(hash.address + 24) >>> 2]!, u32[(hash.address + 28) >>> 2]!];
  const [buckets, mask] = [u32[(hash.address + 40) >>> 2]!, u32[(hash.address + 44) >>> 2]!];
  // The first element is the spare.
  for (let index = 1; index <= 6; index++) {
    u32[(data + index * stride) >>> 2] = index === 6 ? 0 : data + (index + 1) * stride;
  }
  for (let bucket = 0; bucket <= mask; bucket++) u32[(buckets >>> 2) + bucket] = data + stride;
  return host;
}

function answers(engine: Engine, text: string, verified: boolean): bigint[] {
  const host = makeHost();
  const { code } = assemble(`${begin}\n${text}`);
  const view = new DataView(code.buffer);
  for (let slot = 0; slot < code.length / 8; slot++) {
    if (view.getUint8(slot * 8) !== 0x18) continue;
    const map = host.maps[view.getUint32(slot * 8 + 4, true) === 0x11111111 ? 0 : 1]!;
    view.setUint32(slot * 8 + 4, map.address, true);
    view.setUint32(slot * 8 + 12, kernelSpace, true);
  }
  const program = engine.load({ name: 'lookup', code, facts: { verified } }, host);
  return Array.from({ length: 9 }, (_, key) => {
    host.setPacket(Uint8Array.of(key));
    program.run(host.context);
    expect(program.trap).toBeNull();
    return program.result;
  });
}

const cases = rows.flatMap((row) =>
  (['array', 'hash'] as const).flatMap((map) => engines.map((engine) => [...row, map, engine] as const)),
);

test.each(cases)('%s', (_, text, answer, map, engine) => {
  const entries = map === 'array' ? 4 : 6;
  const expected = Array.from({ length: 9 }, (_, key) => answer(key, key < entries)).map((value) =>
    // Only the hash holds the keys of such an answer.
    value < 0n ? (map === 'hash' ? -value : 0n) : value,
  );
  for (const verified of [true, false]) expect(answers(engine, text(map), verified)).toEqual(expected);
});
