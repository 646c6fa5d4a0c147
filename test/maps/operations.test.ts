import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../src/base/index.ts';
import { type BpfMap, createMap, type MapShape } from '../../src/maps/index.ts';
import { Memory } from '../../src/memory/index.ts';

/**
 * Random operations as Linux answered them: `u` through bpf(2), `p` by a program on a CPU through the helper. An
 * operation ends in the answer; a value that a program gives is padded to 8 bytes, as the kernel may read the padding.
 * What pads a per-CPU hash value after a program wrote it is left from an older element, so it is 0 in those runs.
 */
type Operation =
  | ['u', 'update', key: string, flags: number, value: string, answer: number]
  | ['u', 'delete', key: string, answer: number]
  | ['u', 'lookup' | 'next' | 'take', key: string, answer: number, found: string | null]
  | ['p', 'update', cpu: number, key: string, flags: number, value: string, answer: number]
  | ['p', 'delete', cpu: number, key: string, answer: number]
  | ['p', 'lookup', cpu: number, key: string, found: string | null]
  | ['p', 'push', flags: number, value: string, answer: number]
  | ['p', 'pop' | 'peek', answer: number, value: string];

interface Run {
  readonly shape: Omit<MapShape, 'name'>;
  readonly operations: readonly Operation[];
  /** Every key with its value, by key; of a trie in its order. */
  readonly final?: readonly (readonly [key: string, value: string])[];
}

function load(file: string): { cpus: number; runs: Run[] } {
  return JSON.parse(readFileSync(new URL(`./fixtures/${file}`, import.meta.url), 'utf8'));
}

/** Of hashes and arrays; and of the other kinds, where `u` runs on CPU 0. */
const files = ['operations.json', 'kinds.json'].map(load);
const cpus = 2;

/** A map with scratch places for a key and a value at `misalign` bytes past a multiple of 8. */
class Replay {
  readonly memory = new Memory(1 << 20);
  readonly map: BpfMap;
  readonly key: number;
  readonly value: number;

  constructor(shape: MapShape, misalign: number) {
    this.map = createMap(this.memory, cpus, shape);
    this.key = this.memory.allocate(64) + misalign;
    this.value = this.memory.allocate(256) + misalign;
  }

  put(offset: number, hex: string): number {
    this.memory.u8.set(fromHex(hex) as Uint8Array, offset);
    return offset;
  }

  read(offset: number, length: number): string {
    return toHex(this.memory.bytes(offset, length));
  }

  /** The answer in the form in which it was recorded. */
  apply(operation: Operation): readonly (number | string | null)[] {
    const { map, value } = this;
    const { keySize, valueSize } = map.shape;
    if (operation[1] === 'push') return [map.push(this.put(value, operation[3]), operation[2])];
    if (operation[1] === 'pop' || operation[1] === 'peek') {
      const status = operation[1] === 'pop' ? map.pop(value) : map.peek(value);
      return [status, this.read(value, valueSize)];
    }
    if (operation[0] === 'p') {
      const cpu = operation[2];
      const key = this.put(this.key, operation[3]);
      if (operation[1] === 'update') return [map.update(key, this.put(value, operation[5]), operation[4], cpu)];
      if (operation[1] === 'delete') return [map.delete(key)];
      const found = map.lookup(key, cpu);
      return [found === 0 ? null : this.read(found, valueSize)];
    }
    const key = this.put(this.key, operation[2]);
    if (operation[1] === 'update') return [map.userUpdate(key, this.put(value, operation[4]), operation[3])];
    if (operation[1] === 'delete') return [map.delete(key)];
    const answer = this.#read(operation[1], key);
    const size = operation[1] === 'next' ? keySize : map.userValueSize;
    return [answer, answer === 0 ? this.read(value, size) : null];
  }

  #read(name: 'lookup' | 'next' | 'take', key: number): number {
    const { map, value } = this;
    if (name === 'next') return map.nextKey(key, value);
    return name === 'take' ? map.userTake(key, value) : map.userLookup(key, value);
  }

  /** Every key with its value, as next_key finds them. */
  contents(): [string, string][] {
    const found: [string, string][] = [];
    const { map, key, value } = this;
    for (let at = 0; map.nextKey(at, key) === 0; at = key) {
      expect(map.userLookup(key, value)).toBe(0);
      found.push([this.read(key, map.shape.keySize), this.read(value, map.userValueSize)]);
    }
    return map.shape.type === 'lpm_trie' ? found : found.sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

function recordedAnswer(operation: Operation): readonly (number | string | null)[] {
  if (operation[1] === 'pop' || operation[1] === 'peek') return operation.slice(-2) as never;
  return operation.slice(operation[0] === 'u' && ['lookup', 'next', 'take'].includes(operation[1]) ? -2 : -1) as never;
}

const runs = files
  .flatMap(({ runs }) => runs)
  .map((run) => {
    const { type, keySize, valueSize, maxEntries, flags } = run.shape;
    return [`${type} of ${maxEntries}, key ${keySize}, value ${valueSize}, flags ${flags}`, run] as const;
  });

describe.each([0, 1])('Linux answered the same, keys and values %i bytes off alignment', (misalign) => {
  test.each(runs)('%s', (_name, run) => {
    const replay = new Replay({ ...run.shape, name: 'm' }, misalign);
    run.operations.forEach((operation, index) => {
      expect([index, ...replay.apply(operation)]).toEqual([index, ...recordedAnswer(operation)]);
    });
    if (run.final === undefined) return;
    expect(replay.contents()).toEqual(run.final);
    expect(replay.map.count).toBe(run.final.length);
  });
});
