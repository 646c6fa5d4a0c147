import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatFault, ms } from '../../src/base/index.ts';
import { type BtfType, type KernelProfile, loadProfile, profileFromBtf, writeBtf } from '../../src/btf/index.ts';
import { BPF, type BpfOptions, type CodecValue, CompileError, type StackFrame, USDT } from '../../src/client/index.ts';
import { binary, type KernelEvent, type Task } from '../../src/events/index.ts';
import { boot, type Machine } from '../../src/sim/index.ts';

const profile = loadProfile('6.18');
const task: Task = { pid: 43, tgid: 42, comm: 'curl', uid: 0, gid: 0 };
const app = binary('/usr/bin/app', {
  functions: ['main', 'serve', 'serve_one'],
  probes: [{ provider: 'app', name: 'got', in: 'serve', arguments: '-4@%edi 8@%rsi' }],
});

let machine: Machine;
beforeEach(() => {
  machine = boot({ profile, cpus: 2, processes: [{ pid: 7, binaries: [app] }] });
});
afterEach(() => machine[Symbol.dispose]());

const load = (text: string, options: Partial<BpfOptions> = {}): BPF => new BPF(machine, { text, ...options });

let clock = 0;
const call = (name: string, cpu = 0, args = {}): void => {
  const at = { cpu, task, stack: [] as string[], function: name };
  machine.fire({ ...at, kind: 'entry', time: ++clock, args } as KernelEvent);
  machine.fire({ ...at, kind: 'exit', time: ++clock, returns: 0 } as KernelEvent);
};
beforeEach(() => {
  clock = ms(1);
});

describe('what attaches by itself', () => {
  test.each([
    ['int kprobe__tcp_v4_connect(struct pt_regs *ctx) { return 0; }', 'kprobe', 'tcp_v4_connect'],
    ['int kretprobe__tcp_v4_connect(struct pt_regs *ctx) { return 0; }', 'kretprobe', 'tcp_v4_connect'],
    ['int kprobe__sys_openat(struct pt_regs *ctx) { return 0; }', 'kprobe', '__x64_sys_openat'],
    ['TRACEPOINT_PROBE(sched, sched_switch) { return 0; }', 'tracepoint', 'sched:sched_switch'],
    ['RAW_TRACEPOINT_PROBE(sched_switch) { return 0; }', 'raw_tracepoint', 'sched_switch'],
    ['KFUNC_PROBE(tcp_v4_connect, struct sock *sk) { return 0; }', 'fentry', 'tcp_v4_connect'],
    [
      'KRETFUNC_PROBE(tcp_v4_connect, struct sock *sk, struct sockaddr *a, int n, int ret) { return 0; }',
      'fexit',
      'tcp_v4_connect',
    ],
  ])('%s', (text, kind, name) => {
    using bpf = load(text);
    expect(bpf.object.links.map(({ target }) => target)).toEqual([
      kind.endsWith('tracepoint') ? { kind, name } : { kind, function: name },
    ]);
  });

  test.each([
    'int syscall__openat(struct pt_regs *ctx, int dfd) { return 0; }',
    'int on_switch(struct tracepoint__sched__sched_switch *args) { return 0; }',
    'int anything(struct pt_regs *ctx) { return 0; }',
  ])('%s does not, and is not loaded', (text) => {
    using bpf = load(text);
    expect(bpf.object.links).toEqual([]);
    expect(bpf.object.programs.size).toBe(0);
  });
});

const counter = `
BPF_HASH(counts, u64, u64);
int count(struct pt_regs *ctx) { counts.increment(PT_REGS_IP(ctx)); return 0; }
int here(void *ctx) { counts.increment(0); return 0; }`;

describe('attaching', () => {
  test('by name, by expression, and counted', () => {
    using bpf = load(counter);
    bpf.attachKprobe({ event: 'tcp_v4_connect', fnName: 'count' });
    bpf.attachKprobe({ eventRe: 'tcp_v[46]_connect', fnName: 'count' });
    bpf.attachKretprobe({ eventRe: /^tcp_v6_connect$/, fnName: 'count' });
    expect(bpf.numOpenKprobes()).toBe(4);
    bpf.detachKprobe('tcp_v4_connect');
    expect(bpf.numOpenKprobes()).toBe(2);
    call('tcp_v4_connect');
    call('tcp_v6_connect');
    expect([...bpf.table<number | bigint, number>('counts').values()].reduce((a, b) => a + b, 0)).toBe(2);
  });

  test('one program as what the attachment makes it', () => {
    using bpf = load(counter);
    bpf.attachTracepoint({ tpRe: 'sched:sched_switch$', fnName: 'here' });
    expect(bpf.loadFunc('here').spec.type).toBe('tracepoint');
    expect(bpf.numOpenTracepoints()).toBe(1);
    expect(() => bpf.attachKprobe({ event: 'tcp_v4_connect', fnName: 'here' })).toThrow(
      /loaded as tracepoint, not kprobe/,
    );
    bpf.detachTracepoint('sched:sched_switch');
    expect(bpf.numOpenTracepoints()).toBe(0);
  });

  test('user functions by symbol, expression and address', () => {
    using bpf = load(counter);
    bpf.attachUprobe({ name: '/usr/bin/app', sym: 'main', fnName: 'count' });
    bpf.attachUprobe({ name: 'app', symRe: 'serve', fnName: 'count', pid: 7 });
    bpf.attachUretprobe({ name: 'app', addr: 0x1400, fnName: 'count' });
    expect(bpf.numOpenUprobes()).toBe(4);
    bpf.detachUprobe({ name: 'app', sym: 'main' });
    expect(bpf.numOpenUprobes()).toBe(3);
    expect(bpf.getUserFunctions('app', 'serve')).toEqual(['serve', 'serve_one']);
  });

  test('samples on every CPU', () => {
    using bpf = load('BPF_ARRAY(n, u64, 1); int sample(struct bpf_perf_event_data *ctx) { n.increment(0); return 0; }');
    const links = bpf.attachPerfEvent({ evType: 1, evConfig: 0, fnName: 'sample', sampleFreq: 100 });
    expect(links.map(({ target }) => target)).toEqual([
      { kind: 'perf_event', event: 'cpu-clock', cpu: 0, frequency: 100 },
      { kind: 'perf_event', event: 'cpu-clock', cpu: 1, frequency: 100 },
    ]);
    bpf.detachPerfEvent('cpu-clock');
    expect(links.map((link) => link.open)).toEqual([false, false]);
  });

  test('samples by perf_event_attr', () => {
    using bpf = load('int sample(struct bpf_perf_event_data *ctx) { return 0; }');
    const by = (attr: object) =>
      bpf.attachPerfEventRaw({ attr: { type: 0, config: 1, ...attr }, fnName: 'sample', cpu: 1 }).map((l) => l.target);
    const place = { kind: 'perf_event', event: 'instructions', cpu: 1 };
    expect(by({ samplePeriod: 1000 })).toEqual([{ ...place, period: 1000 }]);
    expect(by({ freq: true, samplePeriod: 99 })).toEqual([{ ...place, frequency: 99 }]);
    expect(by({ sampleFreq: 49 })).toEqual([{ ...place, frequency: 49 }]);
    bpf.detachPerfEvent({ evType: 0, evConfig: 1 });
    expect(() => bpf.detachPerfEvent({ evType: 0, evConfig: 1 })).toThrow(/nothing is attached/);
  });

  test('counters of each CPU, as programs read them', () => {
    using bpf = load(
      `
BPF_PERF_ARRAY(cycles, NUM_CPUS);
BPF_PERF_ARRAY(clock, NUM_CPUS);
BPF_HASH(seen, u32, u64);
BPF_HASH(enabled, u32, u64);
int kprobe__tcp_v4_connect(struct pt_regs *ctx) {
    u32 cpu = bpf_get_smp_processor_id();
    u64 count = cycles.perf_read(CUR_CPU_IDENTIFIER);
    struct bpf_perf_event_value value = {};
    if (clock.perf_counter_value(CUR_CPU_IDENTIFIER, &value, sizeof(value)) < 0) return 0;
    seen.update(&cpu, &count);
    enabled.update(&cpu, &value.enabled);
    return 0;
}`,
      { cflags: ['-DNUM_CPUS=2'] },
    );
    bpf.table('cycles').openPerfEvent({ event: 'cpu-cycles' });
    bpf.table('clock').openPerfEvent({ evType: 1, evConfig: 0 });
    const activity = {
      kind: 'activity',
      cpu: 1,
      task,
      stack: [],
      duration: 1000,
      counts: { 'cpu-cycles': 3000 },
    } as const;
    machine.fire({ ...activity, time: clock });
    clock += 400;
    call('tcp_v4_connect', 1);
    expect(bpf.table('seen').get(1)).toBe(1203);
    expect(bpf.table('enabled').get(1)).toBe(clock - 1);
    call('tcp_v4_connect', 0);
    expect(bpf.table('seen').get(0), 'idle').toBe(0);
  });

  test('user stacks as build ids and offsets', () => {
    using bpf = load(`
BPF_STACK_TRACE_BUILDID(stacks, 16);
BPF_ARRAY(id, int, 1);
int kprobe__tcp_v4_connect(struct pt_regs *ctx) {
    int at = 0, stack = stacks.get_stackid(ctx, BPF_F_USER_STACK);
    id.update(&at, &stack);
    return 0;
}`);
    const userStack = ['serve+0x10 [/usr/bin/app]', 'main+0x4 [/usr/bin/app]'];
    const of = { ...task, pid: 7, tgid: 7 };
    machine.fire({
      kind: 'entry',
      time: clock,
      cpu: 0,
      task: of,
      stack: [],
      userStack,
      function: 'tcp_v4_connect',
      args: {},
    });
    const id = bpf.table<number, number>('id').get(0)!;
    const file = machine.binary('/usr/bin/app')!;
    const address = (name: string) => file.symbols.find((symbol) => symbol.name === name)!.address;
    expect(bpf.table('stacks').walk(id)).toEqual([
      { buildId: file.buildId, offset: address('serve') + 0x10 },
      { buildId: file.buildId, offset: address('main') + 4 },
    ]);
    const names = bpf
      .table('stacks')
      .walk(id, (frame: StackFrame) => bpf.sym(frame, -1, { showModule: true, showOffset: true }));
    expect(names).toEqual(['serve+0x10 [app]', 'main+0x4 [app]']);
    expect(bpf.sym({ buildId: '00'.repeat(20), offset: 4 }, -1, { showModule: true })).toBe('[unknown]');
    expect(bpf.table('stacks').walk(-14)).toEqual([]);
  });

  test('a USDT probe, and its arguments where its note says', () => {
    const usdt = new USDT(machine, { pid: 7 }).enableProbe({ probe: 'got', fnName: 'on_got' });
    expect(usdt.enumerateProbes()).toEqual(['app:got']);
    using bpf = load(
      `BPF_HASH(seen, s64, u64);
       int on_got(struct pt_regs *ctx) {
         int first = 0; u64 second = 0;
         bpf_usdt_readarg(1, ctx, &first);
         bpf_usdt_readarg(2, ctx, &second);
         s64 key = first;
         seen.update(&key, &second);
         return 0;
       }`,
      { usdt },
    );
    expect(bpf.numOpenUprobes()).toBe(1);
    const probe = { binary: '/usr/bin/app', provider: 'app', probe: 'got', args: [-5, 77] };
    machine.fire({ ...probe, kind: 'userMarker', time: ms(2), cpu: 0, task: { ...task, pid: 7, tgid: 7 }, stack: [] });
    expect([...bpf.table<number, number>('seen').items()]).toEqual([[-5, 77]]);
  });
});

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

describe('records', () => {
  const text = `
struct data_t { u64 time; u32 pid; char comm[16]; };
BPF_PERF_OUTPUT(perf);
BPF_RINGBUF_OUTPUT(ring, 1);
static inline void fill(struct data_t *data) {
    data->time = bpf_ktime_get_ns();
    data->pid = bpf_get_current_pid_tgid() >> 32;
    bpf_get_current_comm(&data->comm, sizeof(data->comm));
}
int kprobe__tcp_v4_connect(struct pt_regs *ctx) {
    struct data_t data = {};
    fill(&data);
    perf.perf_submit(ctx, &data, sizeof(data));
    struct data_t *place = ring.ringbuf_reserve(sizeof(struct data_t));
    if (place) {
        fill(place);
        ring.ringbuf_submit(place, 0);
    }
    return 0;
}`;

  test('through a perf buffer and a ring buffer, by callback', () => {
    using bpf = load(text);
    const seen: unknown[] = [];
    bpf.get('perf').openPerfBuffer((cpu, data, size) => seen.push([cpu, size, bpf.get('perf').event(data)]));
    bpf.get('ring').openRingBuffer((data, size) => seen.push([size, bpf.get('ring').event(data)]));
    call('tcp_v4_connect', 1);
    expect(bpf.perfBufferPoll()).toBe(1);
    expect(bpf.ringBufferPoll()).toBe(1);
    const event = { time: expect.any(Number), pid: 42, comm: 'curl' };
    expect(seen).toEqual([
      [1, 36, event],
      [32, event],
    ]);
    expect(bpf.fds).toHaveLength(3);
  });

  test('as an Observable', () => {
    using bpf = load(text);
    const seen: unknown[] = [];
    bpf.events<{ pid: number }>('perf').subscribe((event) => seen.push(event.pid));
    bpf.events<{ pid: number }>('ring').subscribe((event) => seen.push(event.pid));
    call('tcp_v4_connect');
    expect(bpf.poll()).toBe(2);
    expect(seen).toEqual([42, 42]);
  });

  test('what a ring had no room for', () => {
    using bpf = load(text);
    const lost: [number, number][] = [];
    bpf.get('perf').openPerfBuffer(() => {}, { pageCnt: 1, lostCb: (count, cpu) => lost.push([count, cpu]) });
    for (let i = 0; i < 100; i++) call('tcp_v4_connect');
    bpf.perfBufferPoll();
    call('tcp_v4_connect');
    bpf.perfBufferPoll();
    expect(lost).toEqual([[bpf.lost, 0]]);
    expect(bpf.lost).toBeGreaterThan(10);
  });

  test('bpf_trace_printk', () => {
    using bpf = load('int kprobe__tcp_v4_connect(void *ctx) { bpf_trace_printk("to %d\\n", 443); return 0; }');
    call('tcp_v4_connect');
    expect(bpf.traceFields()).toMatchObject([{ task: 'curl', pid: 43, message: 'to 443' }]);
    call('tcp_v4_connect');
    expect(bpf.tracePrint('{1} {5}')).toEqual(['43 to 443']);
    expect(bpf.tracePrint()).toEqual([]);
  });
});

describe('data of a program', () => {
  const text = `
static const u32 wanted[4] = { 41, 42, 43, 44 };
static u64 hits = 1;
static u64 others;
BPF_ARRAY(out, u64, 2);
int kprobe__tcp_v4_connect(struct pt_regs *ctx) {
    if (bpf_get_current_pid_tgid() >> 32 == wanted[hits & 3]) hits++; else others++;
    int at = 0;
    out.update(&at, &hits);
    return 0;
}`;

  test('globals keep their values between runs, and begin with what the text says', () => {
    using bpf = load(text);
    call('tcp_v4_connect');
    call('tcp_v4_connect');
    expect(bpf.table('out').get(0)).toBe(2);
  });

  test('what is constant cannot be written from outside', () => {
    using bpf = load(text);
    const { fd, spec } = bpf.object.map('.rodata');
    expect(() => machine.mapUpdate(fd, new Uint8Array(4), new Uint8Array(spec.valueSize))).toThrow(/EPERM/);
  });

  test('an extern table is that of another text', () => {
    using bpf = load('BPF_TABLE_PUBLIC("hash", u32, u64, shared, 16);');
    using other = load(
      'BPF_TABLE("extern", u32, u64, shared, 16); int kprobe__tcp_v4_connect(void *ctx) { u32 k = 1; shared.increment(k); return 0; }',
      { extern: bpf },
    );
    call('tcp_v4_connect');
    expect(bpf.table('shared').get(1)).toBe(1);
    expect(other.table('shared').get(1)).toBe(1);
  });
});

/** The bundled BTF has no hooks: one more function, as security_file_open is. */
function withHook(): KernelProfile {
  const { btf } = profile;
  const types = Array.from({ length: btf.count - 1 }, (_, i) => btf.type(i + 1));
  const like = btf.type(btf.find('function', 'security_file_open')!) as BtfType & { kind: 'function' };
  return profileFromBtf(writeBtf([...types, { ...like, name: 'bpf_lsm_file_open' }]), 'with-hook');
}

describe('programs that answer for a function', () => {
  const fire = (name: string, returns: number): void => {
    const at = { cpu: 0, task, stack: [] as string[], function: name };
    machine.fire({ ...at, kind: 'entry', time: ++clock, args: {} });
    machine.fire({ ...at, kind: 'exit', time: ++clock, returns });
  };
  const seen = (name: string): string => `
BPF_ARRAY(out, s64, 2);
int kretprobe__${name}(struct pt_regs *ctx) { int at = 0; s64 ret = (int)PT_REGS_RC(ctx); out.update(&at, &ret); return 0; }`;

  test('fmod_ret: what is not 0 is returned, and the function does not run', () => {
    using bpf = load(
      `${seen('security_file_open')}
       KMOD_RET(security_file_open, struct file *file) { return -13; }`,
    );
    fire('security_file_open', 0);
    expect(bpf.table('out').get(0)).toBe(-13);
    bpf.object.links.find(({ target }) => target.kind === 'fmod_ret')!.close();
    fire('security_file_open', 7);
    expect(bpf.table('out').get(0)).toBe(7);
  });

  test('lsm: the same on a hook; 0 lets it go on', () => {
    using hooked = boot({ profile: withHook(), cpus: 1 });
    const fireHook = (): void => {
      const at = { cpu: 0, task, stack: [] as string[], function: 'bpf_lsm_file_open' };
      hooked.fire({ ...at, kind: 'entry', time: ++clock, args: {} });
      hooked.fire({ ...at, kind: 'exit', time: ++clock, returns: 0 });
    };
    using bpf = new BPF(hooked, {
      text: `${seen('bpf_lsm_file_open')}
       BPF_ARRAY(deny, s64, 1);
       LSM_PROBE(file_open, struct file *file) { int at = 0; s64 *answer = deny.lookup(&at); return answer ? *answer : 0; }`,
    });
    fireHook();
    expect(bpf.table('out').get(0)).toBe(0);
    bpf.table('deny').set(0, -1);
    fireHook();
    expect(bpf.table('out').get(0)).toBe(-1);
    bpf.detachLsm({ fnName: 'file_open' });
    fireHook();
    expect(bpf.table('out').get(0)).toBe(0);
  });

  test.each([
    ['KMOD_RET(vfs_read, struct file *file) { return 0; }', /vfs_read\(\) is not modifiable/],
    ['LSM_PROBE(no_such_hook, void *x) { return 0; }', /no function 'bpf_lsm_no_such_hook'/],
  ])('%s is refused', (text, form) => {
    expect(() => load(text)).toThrow(form);
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
    machine.unlink('/sys/fs/bpf/kept');
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
    const inner = machine.mapFdById(Number(bpf.table('outer').get(1)));
    bpf.table('inner').set(5, 6);
    expect(machine.mapLookup(inner, Uint8Array.of(5, 0, 0, 0))).toEqual(Uint8Array.of(6, 0, 0, 0));
    machine.close(inner);
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
    expect(jumps.get(1)).toBe(machine.programInfo(bpf.loadFunc('second').fd).id);
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

describe('symbols and what the kernel has', () => {
  test('names of addresses, addresses of names', () => {
    using bpf = load(counter);
    const address = bpf.ksymname('tcp_v4_connect') as bigint;
    expect(bpf.ksym(address + 4n)).toBe('tcp_v4_connect');
    expect(bpf.ksym(address + 4n, { showOffset: true, showModule: true })).toBe('tcp_v4_connect+0x4 [kernel]');
    expect(bpf.ksym(1)).toBe('[unknown]');
    expect(bpf.ksymname('no_such')).toBeUndefined();
    const start = machine.mappings(7)[0]!.start;
    expect(bpf.sym(start + 0x1404n, 7, { showOffset: true })).toBe('serve+0x4');
  });

  test('system calls, fields, tracepoints, functions', () => {
    using bpf = load(counter);
    expect(bpf.getSyscallPrefix()).toBe('__x64_sys_');
    expect(bpf.getSyscallFnname('openat')).toBe('__x64_sys_openat');
    expect(bpf.fixSyscallFnname('sys_read')).toBe('__x64_sys_read');
    expect(bpf.fixSyscallFnname('vfs_read')).toBe('vfs_read');
    expect(bpf.kernelStructHasField('sk_buff', 'len')).toBe(true);
    expect(bpf.kernelStructHasField('sk_buff', 'length')).toBe(false);
    expect(bpf.tracepointExists('skb', 'kfree_skb')).toBe(true);
    expect(bpf.tracepointExists('skb', 'kfree')).toBe(false);
    expect(bpf.getKprobeFunctions('tcp_v4_connec')).toEqual(['tcp_v4_connect']);
  });
});

describe('misuse is told', () => {
  test('C that does not compile, as a compiler tells it', () => {
    let fault: unknown;
    try {
      load('int f(struct pt_regs *ctx) {\n    return bpf_ktime_get_nz();\n}', {});
    } catch (caught) {
      fault = caught;
    }
    expect(fault).toBeInstanceOf(CompileError);
    const text = formatFault(fault);
    expect(text).toContain('text.c:2:12: error:');
    expect(text).toContain('\n      return bpf_ktime_get_nz();\n             ^~~~~~~~~~~~~~~~\n');
    expect(text).toContain('bpf_ktime_get_ns');
    expect(text.endsWith('text.c was not compiled: 1 error')).toBe(true);
  });

  test.each<[string, (bpf: BPF) => unknown, RegExp]>([
    ['an unknown table', (bpf) => bpf.table('count'), /has no map 'count'.*did you mean counts/s],
    ['an unknown program', (bpf) => bpf.loadFunc('cuont'), /has no program 'cuont'.*did you mean count/s],
    ['an unknown struct', (bpf) => bpf.struct('pare'), /no struct 'pare'.*did you mean pair/s],
    [
      'an unknown function',
      (bpf) => bpf.attachKprobe({ event: 'tcp_v4_conect', fnName: 'count' }),
      /tcp_v4_conect.*did you mean tcp_v4_connect/s,
    ],
    [
      'an unknown tracepoint',
      (bpf) => bpf.attachTracepoint({ tp: 'skb:kfree_skp', fnName: 'any' }),
      /kfree_skp.*did you mean skb:kfree_skb/s,
    ],
    [
      'an unknown raw tracepoint',
      (bpf) => bpf.attachRawTracepoint({ tp: 'sched_swich', fnName: 'any' }),
      /sched_swich.*did you mean sched_switch/s,
    ],
    [
      'an unknown symbol',
      (bpf) => bpf.attachUprobe({ name: 'app', sym: 'mian', fnName: 'count' }),
      /no function 'mian'.*did you mean main/s,
    ],
    [
      'an unknown binary',
      (bpf) => bpf.attachUprobe({ name: '/usr/bin/ap', sym: 'main', fnName: 'count' }),
      /'\/usr\/bin\/ap'.*did you mean \/usr\/bin\/app/s,
    ],
    [
      'nothing that matches',
      (bpf) => bpf.attachKprobe({ eventRe: 'nothing_like_it', fnName: 'count' }),
      /no function that matches nothing_like_it/,
    ],
    ['no expression', (bpf) => bpf.attachKprobe({ eventRe: '(', fnName: 'count' }), /not a regular expression/],
    ['no place', (bpf) => bpf.attachKprobe({ fnName: 'count' }), /not told where.*event or eventRe/s],
    ['nothing to detach', (bpf) => bpf.detachKprobe('tcp_v4_connect'), /nothing is attached to kprobe tcp_v4_connect/],
    [
      'no such perf event',
      (bpf) => bpf.attachPerfEvent({ evType: 9, evConfig: 9, fnName: 'any', samplePeriod: 1 }),
      /type 9 and config 9/,
    ],
    ['a key of another form', (bpf) => bpf.table('pairs').set('x', 1), /"x" cannot be struct pair.*a, b/s],
    ['a field too many', (bpf) => bpf.table('pairs').set({ a: 1, b: 2, bb: 3 }, 1), /no field 'bb'.*a, b/s],
    ['a field too few', (bpf) => bpf.table('pairs').set({ a: 1 }, 1), /lacks its field 'b'/],
    ['a text for a number', (bpf) => bpf.table('counts').set('one', 1), /"one" cannot be a u64.*whole number/s],
    ['a fraction', (bpf) => bpf.table('counts').set(0.5, 1), /0.5 cannot be a u64/],
    [
      'a histogram of no slots',
      (bpf) => bpf.table('counts').histograms(),
      /histograms on table 'counts'.*bucket and a slot/s,
    ],
    ['a sum over no CPUs', (bpf) => bpf.table('counts').sum(1), /sum on table 'counts', which is of type hash/],
    [
      'a perf buffer of a hash',
      (bpf) => bpf.table('counts').openPerfBuffer(() => {}),
      /of type hash.*BPF_PERF_OUTPUT/s,
    ],
    [
      'a ring buffer of a hash',
      (bpf) => bpf.table('counts').openRingBuffer(() => {}),
      /of type hash.*BPF_RINGBUF_OUTPUT/s,
    ],
    ['a walk through a hash', (bpf) => bpf.table('counts').walk(1), /of type hash.*BPF_STACK_TRACE/s],
    [
      'a counter in a hash',
      (bpf) => bpf.table('counts').openPerfEvent({ event: 'cpu-cycles' }),
      /of type hash.*BPF_PERF_ARRAY/s,
    ],
    [
      'an unknown counter',
      (bpf) => bpf.table('out').openPerfEvent({ event: 'cpu-cycle' as never }),
      /no perf event 'cpu-cycle'.*did you mean cpu-cycles/s,
    ],
    [
      'pages that are no power of two',
      (bpf) => bpf.table('out').openPerfBuffer(() => {}, { pageCnt: 3 }),
      /3 pages.*power of two/s,
    ],
    [
      'a record of unknown type',
      (bpf) => bpf.table('out').event(new DataView(new ArrayBuffer(8))),
      /event on table 'out'/,
    ],
  ])('%s', (_what, misuse, form) => {
    using bpf = load(`${counter}
struct pair { u32 a; u32 b; };
BPF_HASH(pairs, struct pair, u64);
BPF_PERF_OUTPUT(out);
BPF_STACK_TRACE_BUILDID(ids, 16);
int any(void *ctx) { return 0; }`);
    let fault: unknown;
    try {
      misuse(bpf);
    } catch (caught) {
      fault = caught;
    }
    expect(formatFault(fault)).toMatch(form);
    expect((fault as Error).name).toMatch(/^(Bpf|Usage)Error$/);
  });

  test.each<[string, Partial<BpfOptions>, RegExp]>([
    ['neither text nor file', {}, /needs its C/],
    ['both', { text: '', srcFile: 'x.c' }, /one of text and srcFile/],
    ['a file that is not there', { srcFile: 'no/such.c' }, /cannot read no\/such\.c/],
    ['a flag that is none', { text: '', cflags: ['--target=x86'] }, /cflags: '--target=x86' is not known/],
  ])('%s', (_what, options, form) => {
    let fault: unknown;
    try {
      new BPF(machine, options);
    } catch (caught) {
      fault = caught;
    }
    expect(formatFault(fault)).toMatch(form);
  });

  test('flags that a C compiler takes', () => {
    using bpf = load('BPF_ARRAY(n, u64, SIZE); int f(void *ctx) { return OTHER; }', {
      cflags: ['-DSIZE=7', '-D', 'OTHER', '-DGONE', '-UGONE', '-Wno-unused', '-O2', '-I', '/nowhere'],
    });
    expect(bpf.spec.maps[0]?.maxEntries).toBe(7);
  });
});
