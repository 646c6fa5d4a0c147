import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SysError } from '../../src/base/index.ts';
import {
  createMap,
  isMapOfMaps,
  type MapShape,
  mapHeader,
  mayReplace,
  simulatedMapTypes,
} from '../../src/maps/index.ts';
import { Memory } from '../../src/memory/index.ts';
import { type MapType, mapFlags, mapTypes } from '../../src/uapi/index.ts';

type Row = [MapType, number, number, number, number, string | null];

function load<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(`./fixtures/${file}`, import.meta.url), 'utf8')) as T;
}

/** What Linux answered to MAP_CREATE with these attributes; the second file is of the kinds that came later. */
const { rows } = load<{ rows: Row[] }>('creation.json');
const more = load<{
  rows: Row[];
  inner: ['array_of_maps' | 'hash_of_maps', MapType, string | null][];
  replacements: [MapType, InnerShape, InnerShape, string | null][];
}>('creation-kinds.json');
type InnerShape = [MapType, number, number, number, number];

/** Maps of maps were asked with this one as inner map. */
const array: MapShape = { type: 'array', keySize: 4, valueSize: 8, maxEntries: 4, flags: 0, name: 'inner' };

function outcome(memory: Memory, shape: MapShape, inner = array): string | null {
  try {
    createMap(memory, 2, shape, isMapOfMaps(shape.type) ? inner : undefined).close();
    return null;
  } catch (fault) {
    if (fault instanceof SysError) return fault.errno;
    throw fault;
  }
}

describe('createMap', () => {
  const memory = new Memory(64 << 20);

  test.each(rows)(
    '%s key %i value %i entries %i flags %i: %s',
    (type, keySize, valueSize, maxEntries, flags, errno) => {
      const answer = outcome(memory, { type, keySize, valueSize, maxEntries, flags, name: 'm' });
      // What Linux has the memory for, a small machine may not.
      if (errno === null && valueSize > 1 << 26) expect(answer).toBe('ENOMEM');
      else expect(answer).toBe(errno);
    },
  );

  test('a type that is not there is EINVAL, and is named', () => {
    const shape = { type: 'arena', keySize: 4, valueSize: 8, maxEntries: 1, flags: 0, name: 'pages' } as const;
    expect(() => createMap(memory, 1, shape)).toThrow("map_create: EINVAL: arena map 'pages': this kernel has no such");
  });

  const kinds = [...new Set(more.rows.map(([type]) => type))];
  test.each(kinds)('%s as Linux answered', (type) => {
    const large = new Memory(128 << 20);
    for (const row of more.rows.filter((each) => each[0] === type)) {
      const [, keySize, valueSize, maxEntries, flags, errno] = row;
      const answer = outcome(large, { type, keySize, valueSize, maxEntries, flags, name: 'm' });
      if (answer !== 'ENOMEM') expect([...row.slice(0, 5), answer]).toEqual([...row.slice(0, 5), errno]);
      else expect([errno, keySize + valueSize > 1 << 15 || maxEntries > 1 << 15, row]).toEqual([null, true, row]);
    }
    expect(large.used).toBeLessThan(1 << 20);
  });

  test.each(more.inner)('%s of %s: %s', (outer, type, errno) => {
    const shape = { type: outer, keySize: 4, valueSize: 4, maxEntries: 4, flags: 0, name: 'm' };
    expect(outcome(memory, shape, { ...array, type })).toBe(errno);
  });

  test.each(more.replacements)('%s like %j takes %j: %s', (_outer, template, inner, errno) => {
    const shape = ([type, keySize, valueSize, maxEntries, flags]: InnerShape): MapShape => {
      return { type, keySize, valueSize, maxEntries, flags, name: 'm' };
    };
    expect(mayReplace(shape(template), shape(inner))).toBe(errno === null);
  });

  test.each([
    [0, null],
    [1, null],
    [15, null],
    [16, 'EINVAL'],
  ] as const)('map_extra %i of a bloom filter: %s', (extra, errno) => {
    const shape = {
      type: 'bloom_filter',
      keySize: 0,
      valueSize: 8,
      maxEntries: 4,
      flags: 0,
      name: 'm',
      extra,
    } as const;
    expect(outcome(memory, shape)).toBe(errno);
    expect(outcome(memory, { ...array, extra })).toBe(extra === 0 ? null : 'EINVAL');
  });

  /** A shape of each kind that it can have. */
  const sizes: Partial<Record<MapType, Partial<MapShape>>> = {
    lpm_trie: { keySize: 8, flags: mapFlags.noPrealloc },
    queue: { keySize: 0 },
    stack: { keySize: 0 },
    bloom_filter: { keySize: 0 },
    ringbuf: { keySize: 0, valueSize: 0, maxEntries: 4096 },
    user_ringbuf: { keySize: 0, valueSize: 0, maxEntries: 4096 },
  };
  const base = (type: MapType): MapShape => {
    const storage = type.endsWith('_storage');
    const known = more.rows.find((row) => row[0] === type && row[5] === null);
    const valueSize = known?.[2] ?? (type === 'perf_event_array' ? 4 : 32);
    const plain: MapShape = { type, keySize: 4, valueSize, maxEntries: 5, flags: 0, name: 'm' };
    if (storage) return { ...plain, maxEntries: 0, flags: mapFlags.noPrealloc };
    return { ...plain, ...sizes[type] };
  };

  test.each(simulatedMapTypes)('%s gives its memory back, also when there is too little', (type) => {
    const small = new Memory(1 << 20);
    const shape = base(type);
    expect(outcome(small, shape)).toBeNull();
    const used = small.used;
    for (let i = 0; i < 100; i++) expect(outcome(small, shape)).toBeNull();
    const huge = { ...shape, maxEntries: 1 << 22 };
    if (['hash', 'array', 'queue', 'ringbuf', 'stack_trace', 'lru_hash', 'prog_array'].includes(type)) {
      expect(outcome(small, huge)).toBe('ENOMEM');
    }
    expect(small.used).toBe(used);
  });

  test.each(simulatedMapTypes)('the header of a %s tells its shape', (type) => {
    const shape = base(type);
    const map = createMap(memory, 3, shape, array);
    const field = (name: keyof typeof mapHeader) => memory.u32[(map.address + mapHeader[name]) >>> 2];
    expect(map.address % 8).toBe(0);
    expect([field('type'), field('keySize'), field('valueSize')]).toEqual([
      mapTypes[type],
      shape.keySize,
      shape.valueSize,
    ]);
    expect([field('maxEntries'), field('cpus'), field('count')]).toEqual([shape.maxEntries, 3, map.count]);
    map.close();
    map.close();
  });
});
