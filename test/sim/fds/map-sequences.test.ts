import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type ErrnoName, fromHex, SysError, toHex } from '../../../src/base/index.ts';
import { BtfBuilder, readBtf } from '../../../src/btf/index.ts';
import { boot, type Machine } from '../../../src/sim/index.ts';
import type { Fd, MapBatch, MapCreate } from '../../../src/sys/index.ts';
import { profile, u32Bytes } from '../bench.ts';

/**
 * Random map commands as Linux answered them (test/conformance/map-sequences.py). Of maps of maps a value is the number of
 * an inner map. What a hash gives in an order of its own is sorted.
 */
type Value = string | number;
type Errno = ErrnoName | null;
type Pairs = readonly (readonly [key: string, value: Value | null])[];
type Row =
  | readonly ['update', key: string, flags: number, value: Value, Errno]
  | readonly ['delete', key: string, Errno]
  | readonly ['lookup' | 'take', key: string, Errno, Value | null]
  | readonly ['walk', Pairs]
  | readonly ['lookupBatch' | 'takeBatch', most: number, Errno, number, Pairs]
  | readonly ['updateBatch', keys: readonly string[], values: readonly Value[], flags: number, Errno, number]
  | readonly ['deleteBatch', keys: readonly string[], Errno, number];
interface Run {
  readonly shape: Omit<MapCreate, 'name'>;
  readonly locked: boolean;
  readonly rows: readonly Row[];
}
const { cpus, runs } = JSON.parse(readFileSync(new URL('../fixtures/map-sequences.json', import.meta.url), 'utf8')) as {
  cpus: number;
  runs: Run[];
};

/** struct { struct bpf_spin_lock lock; u32 a; u64 b; } */
function lockedValue(): NonNullable<MapCreate['types']> {
  const builder = new BtfBuilder();
  const key = builder.int('u32', 4);
  const lock = builder.struct('bpf_spin_lock', [{ name: 'val', type: key }]);
  const members = [lock, key, builder.int('u64', 8)].map((type, index) => ({ name: `m${index}`, type }));
  const value = builder.struct('held', members);
  return { btf: readBtf(builder.encode()), key, value };
}

class Replay {
  readonly #machine: Machine;
  readonly #map: Fd;
  readonly #inner: Fd[] = [];
  readonly #ids = new Map<number, number>();
  readonly #isOrdered: boolean;

  constructor({ shape, locked }: Run) {
    const machine = boot({ profile, cpus, memory: 8 << 20 });
    this.#machine = machine;
    const isOfMaps = shape.type.endsWith('of_maps');
    const like = { type: 'array', keySize: 4, valueSize: 8, maxEntries: 2, name: 'inner' } as const;
    for (let index = 0; isOfMaps && index < 3; index++) this.#inner.push(machine.mapCreate(like));
    const [first] = this.#inner;
    this.#map = machine.mapCreate({
      ...shape,
      name: 'map',
      ...(first === undefined ? {} : { innerMap: first }),
      ...(locked ? { types: lockedValue() } : {}),
    });
    // Ids are given in the order in which maps are made.
    for (const index of this.#inner.keys()) this.#ids.set(index + 1, index);
    this.#isOrdered = shape.type.includes('array') || shape.type === 'lpm_trie';
  }

  answer(row: Row): readonly unknown[] {
    const machine = this.#machine;
    const map = this.#map;
    switch (row[0]) {
      case 'update':
        return [attempt(() => machine.mapUpdate(map, bytes(row[1]), this.#given(row[3]), row[2]))[0]];
      case 'delete':
        return [attempt(() => machine.mapDelete(map, bytes(row[1])))[0]];
      case 'lookup':
        return this.#found(() => machine.mapLookup(map, bytes(row[1])));
      case 'take':
        return this.#found(() => machine.mapLookupAndDelete(map, bytes(row[1])));
      case 'walk':
        return [this.#walk()];
      case 'lookupBatch':
      case 'takeBatch':
        return this.#batch(() => machine.mapLookupBatch(map, row[0] === 'takeBatch', null, row[1]), row[1], true);
      case 'updateBatch': {
        const values = row[2].map((value) => this.#given(value));
        return this.#batch(() => machine.mapUpdateBatch(map, row[1].map(bytes), values, row[3]), row[1].length, false);
      }
      default:
        return this.#batch(() => machine.mapDeleteBatch(map, row[1].map(bytes)), row[1].length, false);
    }
  }

  /** A call that is refused leaves the count as it was asked. */
  #batch(work: () => MapBatch, asked: number, shows: boolean): unknown[] {
    const [errno, batch] = attempt(work);
    if (batch === undefined) return shows ? [errno, asked, []] : [errno, asked];
    const pairs = batch.keys.map((key, index): [string, Value] => [
      toHex(key),
      this.#shown(batch.values[index] as Uint8Array),
    ]);
    return shows ? [batch.errno, batch.count, this.#ordered(pairs)] : [batch.errno, batch.count];
  }

  #walk(): Pairs {
    const pairs: [string, Value | null][] = [];
    let key = this.#machine.mapNextKey(this.#map, null);
    while (key !== null) {
      const [, value] = attempt(() => this.#machine.mapLookup(this.#map, key as Uint8Array));
      pairs.push([toHex(key), value === undefined ? null : this.#shown(value)]);
      key = this.#machine.mapNextKey(this.#map, key);
    }
    return this.#ordered(pairs);
  }

  #ordered<T extends readonly [string, unknown]>(pairs: T[]): T[] {
    return this.#isOrdered ? pairs : pairs.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  #found(work: () => Uint8Array): unknown[] {
    const [errno, value] = attempt(work);
    return [errno, value === undefined ? null : this.#shown(value)];
  }

  #given(value: Value): Uint8Array {
    return typeof value === 'number' ? u32Bytes(this.#inner[value] as Fd) : bytes(value);
  }

  #shown(value: Uint8Array): Value {
    if (this.#inner.length === 0) return toHex(value);
    return this.#ids.get(new DataView(value.buffer, value.byteOffset).getUint32(0, true)) as number;
  }
}

function bytes(hex: string): Uint8Array {
  return fromHex(hex) as Uint8Array;
}

function attempt<T>(work: () => T): [Errno, T | undefined] {
  try {
    return [null, work()];
  } catch (fault) {
    if (!(fault instanceof SysError)) throw fault;
    return [fault.errno, undefined];
  }
}

/** What Linux answered: what a row ends in. */
function recorded(row: Row): readonly unknown[] {
  return row.slice(
    { update: 4, delete: 2, lookup: 2, take: 2, walk: 1, lookupBatch: 2, takeBatch: 2, updateBatch: 4, deleteBatch: 2 }[
      row[0]
    ],
  );
}

describe('Linux answered the same to map commands', () => {
  const named = runs.map(
    (run) => [run.shape.type, run.locked ? ' with a lock' : '', run.shape.maxEntries, run] as const,
  );
  test.each(named)('%s%s of %i', (_type, _locked, _entries, run) => {
    const replay = new Replay(run);
    run.rows.forEach((row, index) => {
      expect([index, row[0], ...replay.answer(row)]).toEqual([index, row[0], ...recorded(row)]);
    });
    expect(run.rows.length).toBeGreaterThan(50);
  });
});
