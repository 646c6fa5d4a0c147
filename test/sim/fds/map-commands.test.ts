import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type ErrnoName, SysError, viewOf } from '../../../src/base/index.ts';
import { isMapOfMaps } from '../../../src/maps/index.ts';
import { type MapType, mapFlags } from '../../../src/uapi/index.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, u32Bytes, u64Bytes } from '../bench.ts';

const engine = engines[0]!;
const empty = 'r0 = 0\nexit';
const none = new Uint8Array(0);

function errnoOf(call: () => unknown): ErrnoName | null {
  try {
    call();
  } catch (fault) {
    if (fault instanceof SysError) return fault.errno;
    throw fault;
  }
  return null;
}

/** What bpf(2) of Linux answered for the elements of a fresh map of each kind; the columns are named in the file. */
type Row = [
  MapType,
  number,
  number,
  number,
  number,
  key: number,
  lookup: string | null,
  remove: string | null,
  first: string | null,
  next: string | null,
  found: string,
  take: string | null,
  takeWithFlags: string,
  updates: (string | null)[],
];
const { rows } = JSON.parse(readFileSync(new URL('../fixtures/elements.json', import.meta.url), 'utf8')) as {
  rows: Row[];
};
const updateFlags = [0, 1, 2, 3, 4, 8];

describe('elements as Linux answered', () => {
  test.each(rows)('%s, key %i, value %i, entries %i, flags %i, at %i', (...row) => {
    const [type, keySize, valueSize, maxEntries, flags, at, lookup, remove, first, next, found, take, , updates] = row;
    using bench = new Bench(engine);
    const { machine } = bench;
    const innerMap = bench.map({ type: 'array', maxEntries: 4 });
    const map = bench.map({ type, keySize, valueSize, maxEntries, flags, ...(isMapOfMaps(type) ? { innerMap } : {}) });
    /** Stands for the standard input of the process that was recorded: an fd of nothing that a map takes. */
    const other = type === 'cgroup_array' ? innerMap : machine.cgroupOpen('/other');
    const holdsFds = ['prog_array', 'cgroup_array', 'perf_event_array', 'array_of_maps', 'hash_of_maps'].includes(type);
    const key = new Uint8Array([at, 0, 0, 0, 0, 0, 0, 0]).slice(0, keySize);
    const size = type.includes('percpu') ? Math.ceil(valueSize / 8) * 16 : valueSize;
    const answers: (string | null)[] = [];
    for (const value of [holdsFds ? other : 0, 0xffffffff]) {
      const bytes = new Uint8Array(Math.max(size, 4));
      viewOf(bytes).setUint32(0, value, true);
      for (const flag of updateFlags) {
        answers.push(errnoOf(() => machine.mapUpdate(map, key, bytes.slice(0, size), flag)));
        errnoOf(() => machine.mapDelete(map, key));
      }
    }
    expect(answers).toEqual(updates);
    const wanted = type === 'bloom_filter' ? new Uint8Array(8) : undefined;
    expect(errnoOf(() => machine.mapLookup(map, key, wanted))).toBe(lookup);
    expect(errnoOf(() => machine.mapDelete(map, key))).toBe(remove);
    const keyAfter = (from: Uint8Array | null) => {
      let key: Uint8Array | null = null;
      const fault = errnoOf(() => {
        key = machine.mapNextKey(map, from);
      });
      return [fault ?? (key === null ? 'ENOENT' : null), key ?? none] as const;
    };
    expect(keyAfter(null)[0]).toBe(first);
    const [fault, then] = keyAfter(key);
    expect(fault).toBe(next);
    if (fault === null) expect(Buffer.from(then).toString('hex')).toBe(found);
    expect(errnoOf(() => machine.mapLookupAndDelete(map, key))).toBe(take);
  });
});

describe('maps of maps', () => {
  const inner = { type: 'hash', keySize: 4, valueSize: 8 } as const;

  test.each(['array_of_maps', 'hash_of_maps'] as const)('%s holds its maps and tells their ids', (type) => {
    using bench = new Bench(engine);
    const { machine } = bench;
    const one = bench.map(inner);
    const outer = bench.map({ type, valueSize: 4, innerMap: one });
    machine.mapUpdate(outer, u32Bytes(2), u32Bytes(one));
    const id = viewOf(machine.mapLookup(outer, u32Bytes(2))).getUint32(0, true);
    machine.mapUpdate(one, u32Bytes(7), u64Bytes(70n));
    machine.close(one);
    const again = machine.mapFdById(id);
    expect(machine.mapLookup(again, u32Bytes(7))).toEqual(u64Bytes(70n));
    machine.close(again);
    machine.mapDelete(outer, u32Bytes(2));
    expect(
      errnoOf(() => machine.mapFdById(id)),
      'nobody holds it',
    ).toBe('ENOENT');
    expect(errnoOf(() => machine.mapLookup(outer, u32Bytes(2)))).toBe('ENOENT');
  });

  test('another shape is refused, and so is a map of no inner map', () => {
    using bench = new Bench(engine);
    const outer = bench.map({ type: 'array_of_maps', valueSize: 4, innerMap: bench.map(inner) });
    const wide = bench.map({ ...inner, valueSize: 16 });
    expect(errnoOf(() => bench.machine.mapUpdate(outer, u32Bytes(0), u32Bytes(wide)))).toBe('EINVAL');
    expect(errnoOf(() => bench.map({ type: 'array_of_maps', valueSize: 4 }))).toBe('EBADF');
  });
});

describe('prog_array', () => {
  test('takes programs of one type, tells their ids, and lets them go with its last fd', () => {
    using bench = new Bench(engine);
    const { machine } = bench;
    const array = bench.map({ type: 'prog_array', valueSize: 4, maxEntries: 2 });
    const probe = bench.load('kprobe', empty);
    machine.mapUpdate(array, u32Bytes(1), u32Bytes(probe));
    const id = viewOf(machine.mapLookup(array, u32Bytes(1))).getUint32(0, true);
    expect(errnoOf(() => machine.mapUpdate(array, u32Bytes(0), u32Bytes(bench.load('tracepoint', empty))))).toBe(
      'EINVAL',
    );
    const call = 'r2 = jumps ll\nr3 = 0\ncall bpf_tail_call\nr0 = 0\nexit';
    expect(errnoOf(() => bench.load('tracepoint', call, { jumps: array }))).toBe('EINVAL');
    machine.close(probe);
    const again = machine.programFdById(id);
    machine.close(array);
    machine.close(again);
    expect(errnoOf(() => machine.programFdById(id))).toBe('ENOENT');
  });
});

describe('mmap of a map', () => {
  test('an array with BPF_F_MMAPABLE shows its values', () => {
    using bench = new Bench(engine);
    const map = bench.map({ type: 'array', maxEntries: 3, flags: mapFlags.mmapable });
    const view = bench.machine.mapMmap(map);
    expect(view.length).toBe(4096);
    bench.machine.mapUpdate(map, u32Bytes(2), u64Bytes(5n));
    expect(view[16]).toBe(5);
    view[0] = 9;
    expect(bench.u64(map)).toBe(9n);
  });

  test('others cannot be mapped', () => {
    using bench = new Bench(engine);
    expect(errnoOf(() => bench.machine.mapMmap(bench.map({ type: 'array' })))).toBe('EINVAL');
    expect(errnoOf(() => bench.machine.mapMmap(bench.map({ type: 'hash' })))).toBe('ENOTSUPP');
  });
});
