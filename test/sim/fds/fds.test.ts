import { describe, expect, test } from 'vitest';
import { type ErrnoName, SysError, viewOf } from '../../../src/base/index.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, storing, u32Bytes, u64Bytes } from '../bench.ts';

const engine = engines[0]!;
const target = { kind: 'kprobe', function: 'tcp_v4_connect' } as const;
const empty = 'r0 = 0\nexit';

function errnoOf(call: () => unknown): ErrnoName | undefined {
  try {
    call();
  } catch (fault) {
    if (fault instanceof SysError) return fault.errno;
    throw fault;
  }
  return undefined;
}

describe('file descriptors', () => {
  test('are the lowest free numbers from 3 on', () => {
    using bench = new Bench(engine);
    const fds = [0, 1, 2].map(() => bench.map({ type: 'array' }));
    expect(fds).toEqual([3, 4, 5]);
    bench.machine.close(4);
    expect(bench.map({ type: 'hash' })).toBe(4);
  });

  test('a closed one is EBADF, and so is one of another kind', () => {
    using bench = new Bench(engine);
    const { machine } = bench;
    const map = bench.map({ type: 'array' });
    const program = bench.load('kprobe', empty);
    machine.close(map);
    expect(errnoOf(() => machine.close(map))).toBe('EBADF');
    expect(errnoOf(() => machine.mapLookup(map, u32Bytes(0)))).toBe('EBADF');
    expect(errnoOf(() => machine.mapLookup(program, u32Bytes(0)))).toBe('EBADF');
    expect(errnoOf(() => machine.attach(map, target))).toBe('EBADF');
    expect(errnoOf(() => machine.linkInfo(program))).toBe('EBADF');
    expect(errnoOf(() => machine.mmap(program, 1))).toBe('EBADF');
    expect(errnoOf(() => machine.poll([program]))).toBe('EBADF');
    expect(errnoOf(() => machine.close(-1))).toBe('EBADF');
  });

  test('a link keeps its program, and a program its maps', () => {
    using bench = new Bench(engine);
    const { machine } = bench;
    const out = bench.map({ type: 'array' });
    const program = bench.load('kprobe', storing('r0 = *(u64 *)(r7 + 0)\nr0 += 1'), { out });
    const link = machine.attach(program, target);
    const used = machine.memory.used;
    machine.close(program);
    machine.close(out);
    bench.entry('tcp_v4_connect');
    expect(machine.traps).toEqual([]);
    expect(machine.linkInfo(link).hits).toBe(1);
    expect(machine.ledger.filtered(0)).toBe(1);
    machine.close(link);
    bench.entry('tcp_v4_connect');
    expect(machine.ledger.produced(0), 'nothing is attached any more').toBe(1);
    expect(machine.memory.used).toBeLessThanOrEqual(used);
  });

  test('a map that nobody holds gives its memory back', () => {
    using bench = new Bench(engine);
    const make = () => bench.map({ type: 'array', valueSize: 4096, maxEntries: 64 });
    bench.machine.close(make());
    const used = bench.machine.memory.used;
    for (let i = 0; i < 10; i++) bench.machine.close(make());
    expect(bench.machine.memory.used).toBe(used);
  });

  const output = `
    r2 = events ll
    r3 = 0xffffffff ll
    r4 = r10
    r4 += -8
    r5 = 8
    call bpf_perf_event_output
    r6 = r0
    *(u32 *)(r10 - 4) = 0
    r2 = r10
    r2 += -4
    r1 = out ll
    call bpf_map_lookup_elem
    if r0 == 0 goto done
    *(u64 *)(r0 + 0) = r6
  done:
    r0 = 0
    exit`;

  test('an event lives while its array holds it; the slot is empty once the map is closed or the event deleted', () => {
    using bench = new Bench(engine);
    const { machine } = bench;
    const events = bench.map({ type: 'perf_event_array', valueSize: 4, maxEntries: 2 });
    const out = bench.map({ type: 'array' });
    bench.attach(target, output, { events, out });
    const status = () => {
      bench.entry('tcp_v4_connect');
      return BigInt.asIntN(64, bench.u64(out));
    };
    const put = () => {
      const fd = machine.perfEventOpen({ cpu: 0, wakeupEvents: 1 });
      machine.mmap(fd, 1);
      machine.mapUpdate(events, u32Bytes(0), u32Bytes(fd));
      return fd;
    };
    expect(status(), 'ENOENT').toBe(-2n);
    const fd = put();
    expect(machine.poll([fd])).toEqual([]);
    expect(status()).toBe(0n);
    expect(machine.poll([fd])).toEqual([fd]);
    expect(machine.poll([fd])).toEqual([]);
    machine.close(fd);
    expect(status(), 'the array holds it').toBe(0n);
    machine.mapDelete(events, u32Bytes(0));
    expect(status()).toBe(-2n);
    put();
    expect(status()).toBe(0n);
    machine.close(events);
    expect(status(), 'the program holds the map, not what the process put in').toBe(-2n);
  });

  test.each([
    ['a CPU that is not there', 'ENODEV', (bench: Bench) => bench.machine.perfEventOpen({ cpu: 2 })],
    ['three data pages', 'EINVAL', (bench: Bench) => bench.machine.mmap(bench.machine.perfEventOpen({ cpu: 0 }), 3)],
    ['no data page', 'EINVAL', (bench: Bench) => bench.machine.mmap(bench.machine.perfEventOpen({ cpu: 0 }), 0)],
    [
      'a map in an event array',
      'EBADF',
      (bench: Bench) => {
        const events = bench.map({ type: 'perf_event_array', valueSize: 4 });
        bench.machine.mapUpdate(events, u32Bytes(0), u32Bytes(events));
      },
    ],
    [
      'an event beyond its array',
      'E2BIG',
      (bench: Bench) => {
        const events = bench.map({ type: 'perf_event_array', valueSize: 4, maxEntries: 1 });
        bench.machine.mapUpdate(events, u32Bytes(1), u32Bytes(bench.machine.perfEventOpen({ cpu: 0 })));
      },
    ],
  ] as const)('%s is %s', (_, errno, call) => {
    using bench = new Bench(engine);
    expect(errnoOf(() => call(bench))).toBe(errno);
  });
});

describe('map commands', () => {
  test('copy bytes in and out', () => {
    using bench = new Bench(engine);
    const { machine } = bench;
    const map = bench.map({ type: 'hash', keySize: 8, valueSize: 12 });
    const value = Uint8Array.from({ length: 12 }, (_, i) => i);
    machine.mapUpdate(map, u64Bytes(7n), value);
    const read = machine.mapLookup(map, u64Bytes(7n));
    expect(read).toEqual(value);
    read[0] = 99;
    expect(machine.mapLookup(map, u64Bytes(7n))).toEqual(value);
    expect(machine.mapNextKey(map, null)).toEqual(u64Bytes(7n));
    expect(machine.mapNextKey(map, u64Bytes(7n))).toBeNull();
    machine.mapDelete(map, u64Bytes(7n));
    expect(machine.mapNextKey(map, null)).toBeNull();
  });

  test('a per-CPU value is all CPUs, 8 bytes aligned', () => {
    using bench = new Bench(engine, { cpus: 3 });
    const map = bench.map({ type: 'percpu_hash', valueSize: 4 });
    const value = new Uint8Array(24);
    for (let cpu = 0; cpu < 3; cpu++) viewOf(value).setUint32(cpu * 8, cpu + 1, true);
    bench.machine.mapUpdate(map, u32Bytes(1), value);
    expect(bench.machine.mapLookup(map, u32Bytes(1))).toEqual(value);
  });

  test.each([
    ['no such key', 'ENOENT', (bench: Bench) => bench.machine.mapLookup(bench.map({ type: 'hash' }), u32Bytes(1))],
    ['no key to delete', 'ENOENT', (bench: Bench) => bench.machine.mapDelete(bench.map({ type: 'hash' }), u32Bytes(1))],
    [
      'a short key',
      'EINVAL',
      (bench: Bench) => bench.machine.mapLookup(bench.map({ type: 'hash' }), new Uint8Array(3)),
    ],
    [
      'a long value',
      'EINVAL',
      (bench: Bench) => bench.machine.mapUpdate(bench.map({ type: 'hash' }), u32Bytes(1), new Uint8Array(9)),
    ],
    [
      'a key that is there already',
      'EEXIST',
      (bench: Bench) => {
        const map = bench.map({ type: 'hash' });
        for (let i = 0; i < 2; i++) bench.machine.mapUpdate(map, u32Bytes(1), u64Bytes(1n), 1);
      },
    ],
    ['no entries', 'EINVAL', (bench: Bench) => bench.map({ type: 'hash', maxEntries: 0 })],
    [
      'more than the machine has',
      'ENOMEM',
      (bench: Bench) => bench.map({ type: 'array', valueSize: 1 << 20, maxEntries: 64 }),
    ],
  ] as const)('%s is %s', (_, errno, call) => {
    using bench = new Bench(engine);
    expect(errnoOf(() => call(bench))).toBe(errno);
  });
});
