import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { CodecValue } from '../../src/client/index.ts';
import { call, kernelForEach, load, on } from './small-kernel.ts';

kernelForEach();

describe('tables', () => {
  const text = `
struct inner { u8 mac[6]; s16 low; };
struct key { u32 pid; char comm[16]; };
struct value { u64 count; s64 least; u64 address; struct inner in; u32 list[3]; u32 three : 3; s32 five : 5;
               union { u32 v4; u8 v6[16]; } to; };
BPF_HASH(pairs, struct key, struct value);
BPF_ARRAY(numbers, u64, 3);
BPF_PERCPU_ARRAY(each, u64, 2);
BPF_HASH(texts, u32, char[8]);
BPF_QUEUE(queue, u32, 4);
BPF_STACK_TRACE(stacks, 16);
BPF_PERF_OUTPUT(events);
int nothing(struct pt_regs *ctx) { return 0; }`;

  const value = {
    count: 12,
    least: -3,
    address: 0xffff888012345678n,
    in: { mac: Uint8Array.of(1, 2, 3, 4, 5, 6), low: -2 },
    list: [1, 2, 3],
    three: 5,
    five: -7,
    to: { v4: 0x0100007f, v6: Uint8Array.from([127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) },
  };

  test('keys and values are what the C says', () => {
    using bpf = load(text);
    const pairs = bpf.table('pairs');
    const key = { pid: 1, comm: 'bash' };
    pairs.set(key, { ...value, to: { v4: 0x0100007f } });
    expect(pairs.get(key)).toEqual(value);
    expect([...pairs.keys()]).toEqual([key]);
    expect(pairs.has({ pid: 2, comm: 'bash' })).toBe(false);
    expect(pairs.size).toBe(1);
    expect(pairs.delete(key)).toBe(true);
    expect(pairs.get(key)).toBeUndefined();
    bpf.table<number, string>('texts').set(1, 'seven c');
    expect(bpf.table('texts').get(1)).toBe('seven c');
  });

  test('64-bit integers always as bigints, text as bytes, where that is asked for', () => {
    using bpf = load(text, { codecs: { wide: 'bigint', chars: 'bytes' } });
    bpf.table('texts').set(1, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(bpf.table('texts').get(1)).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(bpf.table('numbers').get(0)).toBe(0n);
  });

  test('items, batches, clear and zero', () => {
    using bpf = load(text);
    const numbers = bpf.table<number, number>('numbers');
    numbers.itemsUpdateBatch([
      [0, 5],
      [2, 6],
    ]);
    expect([...numbers.values()]).toEqual([5, 0, 6]);
    expect(numbers.itemsLookupAndDeleteBatch()).toEqual([
      [0, 5],
      [1, 0],
      [2, 6],
    ]);
    expect([...numbers.values()]).toEqual([0, 0, 0]);
    const texts = bpf.table<number, string>('texts');
    texts.itemsUpdateBatch([
      [1, 'a'],
      [2, 'b'],
    ]);
    expect(new Map(texts.itemsLookupAndDeleteBatch())).toEqual(
      new Map([
        [1, 'a'],
        [2, 'b'],
      ]),
    );
    expect(texts.size).toBe(0);
    texts.set(3, 'c');
    texts.clear();
    expect(texts.size).toBe(0);
  });

  test('per-CPU values, their sum, largest and average', () => {
    using bpf = load(text);
    const each = bpf.table<number, number[]>('each');
    each.set(0, [4, 10]);
    expect([each.get(0), each.sum(0), each.max(0), each.average(0), each.sum(1)]).toEqual([[4, 10], 14, 10, 7, 0]);
  });

  test('a queue', () => {
    using bpf = load(text);
    const queue = bpf.table<never, number>('queue');
    queue.push(1);
    queue.push(2);
    expect([queue.peek(), queue.pop(), queue.pop(), queue.pop()]).toEqual([1, 1, 2, undefined]);
  });

  test('names in the order of the text', () => {
    using bpf = load(text);
    expect(bpf.tables()).toEqual(['pairs', 'numbers', 'each', 'texts', 'queue', 'stacks', 'events']);
    expect(bpf.funcs()).toEqual(['nothing']);
  });
});

describe('histograms as BCC prints them', () => {
  interface Case {
    readonly kind: 'log2' | 'linear';
    readonly key: 'disk' | 'pid';
    readonly rows: readonly [Record<string, CodecValue>, number][];
    readonly unit: string;
    readonly header: string;
    readonly strip: boolean | null;
    readonly sectionPrint: 'square' | null;
    readonly bucket: 'even' | null;
    readonly sort: 'down' | null;
    readonly lines: readonly string[];
  }
  /** What BCC 0.26's table.py printed for tables of these rows. */
  const cases: Case[] = JSON.parse(readFileSync(new URL('fixtures/bcc-sections.json', import.meta.url), 'utf8'));
  const text = `
struct by_disk { char disk[8]; u64 slot; };
struct by_pid { u32 pid; u64 slot; };
BPF_HISTOGRAM(disk, struct by_disk);
BPF_HISTOGRAM(pid, struct by_pid);
BPF_HISTOGRAM(plain);`;

  test.each(cases.map((one, i) => [i, one.kind, one.key, one] as const))(
    'sections, case %i: %s by %s',
    (_i, kind, key, one) => {
      using bpf = load(text);
      const table = bpf.table<Record<string, CodecValue>, number>(key);
      for (const [row, count] of one.rows) table.set(row, count);
      const lines = (kind === 'log2' ? table.printLog2Hist<number> : table.printLinearHist<number>).call(
        table,
        one.unit,
        {
          sectionHeader: one.header,
          ...(one.strip === null ? {} : { stripLeadingZero: one.strip }),
          ...(one.sectionPrint ? { sectionPrintFn: (bucket: number) => `[${bucket}]` } : {}),
          ...(one.bucket ? { bucketFn: (bucket: number) => Math.floor(bucket / 2) * 2 } : {}),
          // The order of a hash is the kernel's own: what has no order is compared without one.
          bucketSortFn: (buckets: number[]) => (one.sort ? buckets.sort((a, b) => b - a) : inOrderOf(one, buckets)),
        },
      );
      expect(lines).toEqual(one.lines);
    },
  );

  function inOrderOf({ rows, key, bucket }: Case, buckets: number[]): number[] {
    const order = rows.map(([row]) => (bucket ? Math.floor(Number(row[key]) / 2) * 2 : row[key]));
    return buckets.sort((a, b) => order.indexOf(a) - order.indexOf(b));
  }

  test('buckets that are put together have the counts of both', () => {
    using bpf = load(text);
    const pid = bpf.table<{ pid: number; slot: number }, number>('pid');
    pid.set({ pid: 4, slot: 2 }, 5);
    pid.set({ pid: 5, slot: 2 }, 7);
    const [bucket] = pid.histograms<number>({ bucketFn: (one) => one & ~1 });
    expect([bucket?.[0], bucket?.[1][2]]).toEqual([4, 12]);
  });

  test('a slot that is beyond the last is told, not dropped', () => {
    using bpf = load(text);
    bpf.table<number, number>('plain').set(60, 1);
    expect(bpf.table('plain').printLinearHist()).toHaveLength(62);
    expect(() => bpf.table('plain').histogram(32)).toThrow(/'plain' counts slot 60/);
  });

  test('one, without sections', () => {
    using bpf = load(text);
    bpf.table<number, number>('plain').set(2, 3);
    expect(bpf.table('plain').printLog2Hist('usecs')).toEqual([
      '     usecs               : count     distribution',
      '         0 -> 1          : 0        |                                        |',
      `         2 -> 3          : 3        |${'*'.repeat(40)}|`,
    ]);
  });
});

describe('pinned tables and tables of tables', () => {
  const pinned = 'BPF_TABLE_PINNED("hash", u32, u64, kept, 8, "/sys/fs/bpf/kept");';

  test('a pin outlives its text, and the next text has the same table', () => {
    {
      using first = load(pinned);
      first.table('kept').set(1, 11);
    }
    {
      using second = load(pinned);
      expect(second.table('kept').get(1)).toBe(11);
    }
    on.machine.unlink('/sys/fs/bpf/kept');
    using third = load(pinned);
    expect(third.table('kept').get(1)).toBeUndefined();
  });

  test.each([
    ['elsewhere', '"/var/kept"', /not in the BPF file system.*EPERM/],
    ['a folder', '"/sys/fs/bpf/"', /EPERM/],
  ])('%s is refused', (_what, path, form) => {
    expect(() => load(pinned.replace('"/sys/fs/bpf/kept"', path))).toThrow(form);
  });

  test('a table of tables', () => {
    using bpf = load('BPF_TABLE("hash", int, int, inner, 8); BPF_ARRAY_OF_MAPS(outer, "inner", 4);');
    bpf.table('outer').set(1, bpf.table('inner').fd);
    const inner = on.machine.mapFdById(Number(bpf.table('outer').get(1)));
    bpf.table('inner').set(5, 6);
    expect(on.machine.mapLookup(inner, Uint8Array.of(5, 0, 0, 0))).toEqual(Uint8Array.of(6, 0, 0, 0));
    on.machine.close(inner);
  });

  test('what has an fd goes into a table of such, and a held table is read by its types', () => {
    using bpf = load(`
struct at { u32 pid; u32 cpu; };
BPF_TABLE("hash", u32, struct at, inner, 8);
BPF_HASH_OF_MAPS(outer, u32, "inner", 4);
BPF_PROG_ARRAY(jumps, 2);
BPF_ARRAY(out, u64, 1);
int second(struct pt_regs *ctx) { int at = 0; u64 seen = 7; out.update(&at, &seen); return 0; }
int kprobe__tcp_v4_connect(struct pt_regs *ctx) { jumps.call(ctx, 1); return 0; }`);
    const jumps = bpf.table('jumps');
    jumps.set(1, bpf.loadFunc('second', 'kprobe'));
    expect(jumps.get(1)).toBe(on.machine.programInfo(bpf.loadFunc('second').fd).id);
    call('tcp_v4_connect');
    expect(bpf.table('out').get(0)).toBe(7);
    jumps.delete(1);
    const outer = bpf.table<number, number>('outer');
    expect(outer.inner(3)).toBeUndefined();
    outer.set(3, bpf.table('inner'));
    outer.inner(3)!.set(5, { pid: 1, cpu: 2 });
    expect(bpf.table('inner').get(5)).toEqual({ pid: 1, cpu: 2 });
    expect(() => bpf.table('inner').inner(1)).toThrow(/inner on table 'inner', which is of type hash/);
  });

  test('cleanup may be called twice, and nothing runs after it', () => {
    const bpf = load('BPF_ARRAY(n, u64, 1); int kprobe__tcp_v4_connect(void *ctx) { n.increment(0); return 0; }');
    const [link] = bpf.object.links;
    bpf.cleanup();
    bpf.cleanup();
    bpf.close();
    call('tcp_v4_connect');
    expect([link?.open, bpf.numOpenKprobes()]).toEqual([false, 0]);
    expect(() => bpf.table('n').get(0)).toThrow(/not open/);
    expect(() => bpf.detachKprobe('tcp_v4_connect')).toThrow(/nothing is attached to kprobe tcp_v4_connect/);
  });
});
