import { describe, expect, test } from 'vitest';
import { call, kernelForEach, load, on } from './small-kernel.ts';

kernelForEach();

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
    expect(() => on.machine.mapUpdate(fd, new Uint8Array(4), new Uint8Array(spec.valueSize))).toThrow(/EPERM/);
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
