import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SysError } from '../../src/base/index.ts';
import { createMap, type MapShape, mapHeader, simulatedMapTypes } from '../../src/maps/index.ts';
import { Memory } from '../../src/memory/index.ts';
import { type MapType, mapFlags, mapTypes } from '../../src/uapi/index.ts';

/** What Linux answered to MAP_CREATE with these attributes. */
const { rows } = JSON.parse(readFileSync(new URL('./fixtures/creation.json', import.meta.url), 'utf8')) as {
  rows: [MapType, number, number, number, number, string | null][];
};

function outcome(memory: Memory, shape: MapShape): string | null {
  try {
    createMap(memory, 2, shape).close();
    return null;
  } catch (fault) {
    if (fault instanceof SysError) return fault.errno;
    throw fault;
  }
}

describe('createMap', () => {
  const memory = new Memory(64 << 20);

  // Build ids are of the files behind user stacks, which this kernel does not have.
  const known = rows.filter(([type, , , , flags]) => type !== 'stack_trace' || flags !== mapFlags.stackBuildId);

  test.each(known)(
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

  test.each(simulatedMapTypes)('%s gives its memory back, also when there is too little', (type) => {
    const small = new Memory(1 << 20);
    const valueSize = type === 'perf_event_array' ? 4 : 32;
    const shape = { type, keySize: 4, valueSize, maxEntries: 500, flags: 0, name: 'm' } as const;
    outcome(small, shape);
    const used = small.used;
    for (let i = 0; i < 200; i++) expect(outcome(small, shape)).toBeNull();
    if (type !== 'perf_event_array') expect(outcome(small, { ...shape, maxEntries: 1 << 20 })).toBe('ENOMEM');
    expect(small.used).toBe(used);
  });

  test.each(simulatedMapTypes)('the header of a %s tells its shape', (type) => {
    const valueSize = type === 'perf_event_array' ? 4 : 24;
    const map = createMap(memory, 3, { type, keySize: 4, valueSize, maxEntries: 5, flags: 0, name: 'm' });
    const field = (name: keyof typeof mapHeader) => memory.u32[(map.address + mapHeader[name]) >>> 2];
    expect(map.address % 8).toBe(0);
    expect([field('type'), field('keySize'), field('valueSize')]).toEqual([mapTypes[type], 4, valueSize]);
    expect([field('maxEntries'), field('cpus'), field('count')]).toEqual([5, 3, map.count]);
    map.close();
    map.close();
  });
});
