import { describe, expect, test } from 'vitest';
import { type SysError, viewOf } from '../../../src/base/index.ts';
import { binary } from '../../../src/events/index.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, end, openOutput, storing } from '../bench.ts';

const app = binary('/usr/bin/app', { functions: ['main', 'spin'] });
const processes = [{ pid: 4242, binaries: [app] }];
const counting = storing('r0 = *(u64 *)(r7 + 0)\nr0 += 1');
const clock = { kind: 'perf_event', event: 'cpu-clock', cpu: 0 } as const;
const userStack = ['spin+0x10 [/usr/bin/app]', 'main+0x4 [/usr/bin/app]'];

describe.each(engines)('on the $name', (engine) => {
  const begin = () => new Bench(engine, { processes });

  test.each([
    ['a frequency', { frequency: 1000 }, 1_000_000, 1n],
    ['a frequency, up to later', { frequency: 1000 }, 9_999_999, 9n],
    ['a period', { period: 20_000 }, 100_000, 5n],
    ['a period below 10 us', { period: 1 }, 100_000, 10n],
  ])('a clock with %s samples an idle CPU too', (_, rate, until, times) => {
    using bench = begin();
    const out = bench.map({ type: 'array' });
    bench.attach({ ...clock, ...rate }, counting, { out });
    bench.machine.advanceTo(until);
    expect(bench.u64(out)).toBe(times);
    expect(bench.machine.clock()).toBe(until);
  });

  test('a sample finds the task that the CPU runs, and when it is over none', () => {
    using bench = begin();
    const out = bench.map({ type: 'array' });
    bench.attach({ ...clock, frequency: 1000 }, storing('call bpf_get_current_pid_tgid'), { out });
    bench.fire({ kind: 'activity', time: 500_000, duration: 1_000_000, userStack });
    bench.machine.advanceTo(1_000_000);
    expect(bench.u64(out)).toBe((4242n << 32n) | 4243n);
    bench.machine.advanceTo(2_000_000);
    expect(bench.u64(out)).toBe(0n);
  });

  test('a sample that is due when an activity begins finds it; one due at its end what comes next', () => {
    using bench = begin();
    const out = bench.map({ type: 'array' });
    bench.attach({ ...clock, frequency: 1000 }, storing('call bpf_get_current_pid_tgid'), { out });
    bench.fire({ kind: 'activity', time: 1_000_000, duration: 1_000_000, userStack });
    expect(bench.u64(out)).toBe(0n);
    bench.machine.advanceTo(1_000_000);
    expect(bench.u64(out)).toBe((4242n << 32n) | 4243n);
    const next = { pid: 9, tgid: 8, comm: 'next', uid: 0, gid: 0 };
    bench.fire({ kind: 'activity', time: 2_000_000, task: next, duration: 500_000, userStack });
    bench.machine.advanceTo(2_000_000);
    expect(bench.u64(out)).toBe((8n << 32n) | 9n);
  });

  test('the last event of an activity counts in it, though the next begins at that time', () => {
    using bench = begin();
    const out = bench.map({ type: 'array' });
    const misses = { ...clock, event: 'cache-misses', period: 100 } as const;
    bench.attach(misses, storing('call bpf_get_current_pid_tgid'), { out });
    bench.fire({ kind: 'activity', time: 0, duration: 1000, counts: { 'cache-misses': 100 } });
    const next = { pid: 9, tgid: 8, comm: 'next', uid: 0, gid: 0 };
    bench.fire({ kind: 'activity', time: 1000, task: next, duration: 1000, counts: { 'cache-misses': 50 } });
    expect(bench.u64(out)).toBe((4242n << 32n) | 4243n);
  });

  test.each([
    ['in the kernel', ['vfs_read+0x12'], 0x10n],
    ['in user space', [], 0x33n],
  ])('the registers of what was interrupted %s, the period and the stacks', (_, stack, cs) => {
    using bench = begin();
    const out = bench.map({ type: 'array', valueSize: 192 });
    const body = `${openOutput}
      r1 = r7
      r2 = 184
      r3 = r6
      call bpf_probe_read_kernel
      r1 = r6
      r2 = r10
      r2 += -64
      r3 = 32
      r4 = 0x100
      call bpf_get_stack
      *(u64 *)(r7 + 184) = r0
    ${end}`;
    bench.attach({ ...clock, frequency: 100 }, body, { out });
    bench.fire({ kind: 'activity', duration: 1e9, stack, userStack });
    bench.machine.advanceTo(10_000_000);
    const view = viewOf(bench.bytes(out));
    expect(view.getBigUint64(136, true)).toBe(cs);
    expect(view.getBigUint64(168, true)).toBe(10_000_000n);
    const start = bench.machine.mappings(4242)[0]!.start + BigInt(app.symbols[1]!.address + 0x10);
    const ip = view.getBigUint64(128, true);
    if (stack.length > 0) expect(bench.machine.symbols.format(ip)).toBe('vfs_read+0x12');
    else expect(ip).toBe(start);
    expect(view.getBigUint64(184, true), 'two user frames').toBe(16n);
  });

  test('a hardware counter samples every so many events', () => {
    using bench = begin();
    const out = bench.map({ type: 'array' });
    bench.attach({ kind: 'perf_event', event: 'cache-misses', cpu: 1, period: 100 }, counting, { out });
    bench.fire({ kind: 'activity', cpu: 1, duration: 1000, counts: { 'cache-misses': 250 } });
    bench.machine.advanceTo(5000);
    expect(bench.u64(out)).toBe(2n);
    bench.fire({ kind: 'activity', cpu: 1, duration: 1000, counts: { 'cache-misses': 50 } });
    bench.machine.advanceTo(9000);
    expect(bench.u64(out), 'what was left counts on').toBe(3n);
  });

  test('only one process, and no more once closed', () => {
    using bench = begin();
    const out = bench.map({ type: 'array' });
    const link = bench.attach({ ...clock, frequency: 1000, pid: 4242 }, counting, { out });
    bench.machine.advanceTo(5_000_000);
    expect(bench.u64(out)).toBe(0n);
    bench.fire({ kind: 'activity', duration: 3_500_000, userStack });
    bench.machine.advanceTo(10_000_000);
    expect(bench.u64(out)).toBe(3n);
    expect(bench.machine.linkInfo(link)).toMatchObject({ hits: 3, missed: 0 });
    bench.machine.close(link);
    expect(bench.machine.nextDue).toBe(Number.POSITIVE_INFINITY);
  });

  test('perf_prog_read_value tells the count and the time', () => {
    using bench = begin();
    const out = bench.map({ type: 'array', valueSize: 32 });
    const body = storing('r1 = r6\nr2 = r7\nr2 += 8\nr3 = 24\ncall bpf_perf_prog_read_value');
    bench.attach({ kind: 'perf_event', event: 'cpu-cycles', cpu: 0, period: 3000 }, body, { out });
    bench.fire({ kind: 'activity', duration: 1000, counts: { 'cpu-cycles': 3000 } });
    bench.machine.advanceTo(1000);
    expect([0, 8, 16, 24].map((offset) => bench.u64(out, 0, offset))).toEqual([0n, 3000n, 1000n, 1000n]);
  });

  test.each([
    ['a CPU that is not there', { ...clock, cpu: 2, period: 1 }, 'ENODEV'],
    ['no rate', clock, 'EINVAL'],
    ['two rates', { ...clock, period: 1, frequency: 1 }, 'EINVAL'],
    ['too high a frequency', { ...clock, frequency: 200_000 }, 'EINVAL'],
    ['an unknown counter', { ...clock, event: 'cpu-clocks', period: 1 }, 'ENOENT'],
  ])('refuses %s', (_, target, errno) => {
    using bench = begin();
    let fault: unknown;
    try {
      bench.attach(target as never, 'r0 = 0\nexit');
    } catch (thrown) {
      fault = thrown;
    }
    expect((fault as SysError | undefined)?.errno).toBe(errno);
  });
});
