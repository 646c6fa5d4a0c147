import { describe, expect, test } from 'vitest';
import { errno, SysError } from '../../../src/base/index.ts';
import type { Task } from '../../../src/events/index.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, bash, end, openOutput, profile, storing } from '../bench.ts';

const argument = (index: number) => storing(`r0 = *(u64 *)(r6 + ${index * 8})`);
const next: Task = { pid: 77, tgid: 70, comm: 'next', uid: 1, gid: 2 };

/** A member, of 4 bytes, of the task_struct that an argument points to. */
const memberOf = (index: number, member: string) => {
  const place = profile.btf.member(profile.btf.find('struct', 'task_struct') as number, member);
  return storing(`r3 = *(u64 *)(r6 + ${index * 8})
    r3 += ${place?.offset}
    r1 = r10
    r1 += -16
    r2 = 4
    call bpf_probe_read_kernel
    r0 = *(u32 *)(r10 - 16)`);
};
const pidOf = (index: number) => memberOf(index, 'pid');

describe.each(engines)('on the $name', (engine) => {
  const raw = { kind: 'raw_tracepoint', name: 'sched_switch' } as const;
  const switched = { preempt: 0, prev: { object: 'task', task: bash }, next: { object: 'task', task: next } } as const;

  test.each(['raw_tracepoint', 'tracing'])('a %s program sees the arguments of the prototype', (type) => {
    using bench = new Bench(engine);
    const out = bench.map({ type: 'array' });
    if (type === 'tracing') bench.trace(raw, pidOf(2), { out });
    else bench.attach(raw, pidOf(2), { out });
    bench.tracepoint('sched:sched_switch', { next_pid: 77 }, { raw: switched });
    expect(bench.machine.traps).toEqual([]);
    expect(bench.u64(out)).toBe(77n);
    bench.fire({ kind: 'rawTracepoint', name: 'sched_switch', args: { ...switched, next: switched.prev } });
    expect(bench.u64(out)).toBe(4243n);
  });

  test('a task that goes to sleep has the state that sched_switch tells, until it is woken', () => {
    using bench = new Bench(engine);
    const [before, woken] = [bench.map({ type: 'array' }), bench.map({ type: 'array' })];
    bench.attach(raw, memberOf(1, '__state'), { out: before });
    bench.attach({ kind: 'raw_tracepoint', name: 'sched_wakeup' }, memberOf(0, '__state'), { out: woken });
    const sleeps = (prev_state: number) =>
      bench.tracepoint('sched:sched_switch', { prev_state }, { raw: switched, task: bash });
    sleeps(2);
    expect(bench.u64(before)).toBe(2n);
    bench.tracepoint('sched:sched_wakeup', {}, { raw: { p: switched.prev } });
    expect(bench.u64(woken)).toBe(0n);
    sleeps(0);
    expect(bench.u64(before)).toBe(0n);
  });

  test('without raw arguments the fields of the same name stand for them', () => {
    using bench = new Bench(engine);
    const out = bench.map({ type: 'array' });
    bench.attach({ kind: 'raw_tracepoint', name: 'kfree_skb' }, argument(0), { out });
    bench.tracepoint('skb:kfree_skb', { skbaddr: 0xffff888000001000n, reason: 'NO_SOCKET' });
    expect(bench.u64(out)).toBe(0xffff888000001000n);
  });

  test('an argument is widened with zeros', () => {
    using bench = new Bench(engine);
    const out = bench.map({ type: 'array' });
    bench.attach(raw, argument(3), { out });
    bench.fire({ kind: 'rawTracepoint', name: 'sched_switch', args: { prev_state: -1 } });
    expect(bench.u64(out)).toBe(0xffffffffn);
  });

  test('an unknown argument is refused', () => {
    using bench = new Bench(engine);
    bench.attach(raw, 'r0 = 0\nexit');
    const fire = () => bench.fire({ kind: 'rawTracepoint', name: 'sched_switch', args: { nxt: 1 } });
    expect(fire).toThrow(/sched_switch has no argument 'nxt'/);
  });

  const connect = { function: 'tcp_v4_connect' } as const;

  test('fentry sees the arguments, fexit the result behind them', () => {
    using bench = new Bench(engine);
    const entered = bench.map({ type: 'array' });
    const left = bench.map({ type: 'array', valueSize: 32 });
    bench.trace({ kind: 'fentry', ...connect }, argument(2), { out: entered });
    const copy = `${openOutput}r1 = r7\nr2 = 32\nr3 = r6\ncall bpf_probe_read_kernel\n${end}`;
    bench.trace({ kind: 'fexit', ...connect }, copy, { out: left });
    bench.entry('tcp_v4_connect', { sk: 0xffff888000001000n, addr_len: 16 });
    expect(bench.u64(entered)).toBe(16n);
    // A call on another task in between keeps its own arguments.
    bench.entry('tcp_v4_connect', { addr_len: 28 }, { task: next });
    bench.exit('tcp_v4_connect', -111);
    expect([bench.u64(left), bench.u64(left, 0, 16), bench.u64(left, 0, 24)]).toEqual([
      0xffff888000001000n,
      16n,
      0xffffff91n,
    ]);
    bench.exit('tcp_v4_connect', 0, { task: next });
    expect(bench.u64(left, 0, 16)).toBe(28n);
  });

  test('fexit does not see the end of a call that began before it', () => {
    using bench = new Bench(engine);
    bench.entry('tcp_v4_connect');
    const link = bench.trace({ kind: 'fexit', ...connect }, 'r0 = 0\nexit');
    bench.exit('tcp_v4_connect');
    expect(bench.machine.linkInfo(link)).toMatchObject({ hits: 0 });
  });

  test.each([
    ['get_func_arg_cnt', 'fentry', 'r1 = r6\ncall bpf_get_func_arg_cnt', 3n],
    ['get_func_arg', 'fentry', 'r1 = r6\nr2 = 2\nr3 = r7\ncall bpf_get_func_arg\nr0 = *(u64 *)(r7 + 0)', 16n],
    ['get_func_arg beyond', 'fentry', 'r1 = r6\nr2 = 3\nr3 = r7\ncall bpf_get_func_arg', -22n],
    ['get_func_ret', 'fexit', 'r1 = r6\nr2 = r7\ncall bpf_get_func_ret\nr0 = *(u64 *)(r7 + 0)', 0xffffff91n],
  ] as const)('%s', (_, kind, body, expected) => {
    using bench = new Bench(engine);
    const out = bench.map({ type: 'array' });
    bench.trace({ kind, ...connect }, storing(body), { out });
    bench.entry('tcp_v4_connect', { addr_len: 16 });
    bench.exit('tcp_v4_connect', -111);
    expect(bench.machine.traps).toEqual([]);
    expect(BigInt.asIntN(64, bench.u64(out))).toBe(expected);
  });

  test('get_func_ip and get_attach_cookie', () => {
    using bench = new Bench(engine);
    const ip = bench.map({ type: 'array' });
    const cookie = bench.map({ type: 'array' });
    bench.trace({ kind: 'fentry', ...connect }, storing('r1 = r6\ncall bpf_get_func_ip'), { out: ip });
    const target = { kind: 'kprobe', ...connect, cookie: 0xfedc_ba98_7654_3210n } as const;
    bench.attach(target, storing('r1 = r6\ncall bpf_get_attach_cookie'), { out: cookie });
    bench.entry('tcp_v4_connect');
    expect(bench.machine.symbols.format(bench.u64(ip))).toBe('tcp_v4_connect+0x0');
    expect(bench.u64(cookie)).toBe(0xfedc_ba98_7654_3210n);
  });

  describe('override_return', () => {
    const override = storing('r1 = r6\nr2 = -12\ncall bpf_override_return\nr0 = 1');
    const enter = { kind: 'kprobe', function: '__x64_sys_openat' } as const;

    test('nothing happens in the call, and it returns what the program said', () => {
      using bench = new Bench(engine);
      const out = bench.map({ type: 'array' });
      const inner = bench.attach({ kind: 'kprobe', function: 'tcp_v4_connect' }, 'r0 = 0\nexit');
      const result = bench.map({ type: 'array' });
      const told = bench.map({ type: 'array' });
      const ax = storing('r0 = *(u64 *)(r6 + 80)');
      bench.attach({ kind: 'kretprobe', function: '__x64_sys_openat' }, ax, { out: result });
      const exit = { kind: 'tracepoint', name: 'syscalls:sys_exit_openat' } as const;
      bench.attach(exit, storing('r0 = *(u64 *)(r6 + 16)'), { out: told });
      bench.attach(enter, override, { out });
      bench.entry('__x64_sys_openat');
      expect(bench.machine.overridden(bash)).toBe(-12n);
      bench.entry('tcp_v4_connect');
      bench.exit('tcp_v4_connect');
      bench.entry('tcp_v4_connect', {}, { task: next });
      bench.exit('__x64_sys_openat', 3);
      bench.tracepoint('syscalls:sys_exit_openat', { ret: 3 });
      bench.entry('tcp_v4_connect');
      expect(bench.machine.linkInfo(inner), 'another task goes on').toMatchObject({ hits: 2 });
      expect(BigInt.asIntN(64, bench.u64(result))).toBe(-12n);
      expect(BigInt.asIntN(64, bench.u64(told))).toBe(-12n);
      expect(bench.machine.overridden(bash)).toBeUndefined();
    });

    test.each([
      ['a function that does not allow it', { kind: 'kprobe', function: 'tcp_v4_connect' } as const],
      ['a return', { kind: 'kretprobe', function: '__x64_sys_openat' } as const],
    ])('is refused on %s', (_, target) => {
      using bench = new Bench(engine);
      const out = bench.map({ type: 'array' });
      expect(() => bench.attach(target, override, { out })).toThrow(/may be overridden/);
    });
  });
});

describe('what cannot be', () => {
  const engine = engines[0]!;
  const empty = 'r0 = 0\nexit';
  const errnoOf = (act: () => unknown): string => {
    try {
      act();
    } catch (fault) {
      if (fault instanceof SysError) return fault.errno;
    }
    return 'none';
  };

  test('an unknown raw tracepoint', () => {
    using bench = new Bench(engine);
    const attach = () => bench.attach({ kind: 'raw_tracepoint', name: 'sched_swtch' }, empty);
    expect(errnoOf(attach)).toBe('ENOENT');
    expect(attach).toThrow(expect.objectContaining({ hint: expect.stringContaining('sched_switch') }));
  });

  const load = { expectedAttachType: 'trace_fentry', attachBtfId: profile.btf.find('function', 'tcp_v4_connect') ?? 0 };
  test.each([
    ['a tracing program for nothing', {}],
    ['for a type that is no function', { ...load, attachBtfId: profile.btf.find('struct', 'sock') ?? 0 }],
    ['for a function as a raw tracepoint', { ...load, expectedAttachType: 'trace_raw_tp' }],
    ['of a kind that there is not', { ...load, expectedAttachType: 'modify_return' }],
  ])('%s', (_, more) => {
    using bench = new Bench(engine);
    expect(errnoOf(() => bench.load('tracing', empty, {}, 'GPL', more as never))).toBe('EINVAL');
  });

  test('a tracing program on another function than it was loaded for', () => {
    using bench = new Bench(engine);
    const program = bench.load('tracing', empty, {}, 'GPL', load as never);
    const attach = (target: Parameters<typeof bench.machine.attach>[1]) => () => bench.machine.attach(program, target);
    expect(errnoOf(attach({ kind: 'fentry', function: 'tcp_v6_connect' }))).toBe('EINVAL');
    expect(errnoOf(attach({ kind: 'fexit', function: 'tcp_v4_connect' }))).toBe('EINVAL');
    expect(errnoOf(attach({ kind: 'fentry', function: 'tcp_v4_connect' }))).toBe('none');
  });

  test('a helper of arguments at a raw tracepoint', () => {
    using bench = new Bench(engine);
    const text = 'r2 = r10\nr2 += -8\ncall bpf_get_func_ret\nr0 = 0\nexit';
    const attachBtfId = profile.btf.find('typedef', 'btf_trace_kfree_skb') ?? 0;
    const raw = { expectedAttachType: 'trace_raw_tp', attachBtfId } as const;
    expect(errnoOf(() => bench.load('tracing', text, {}, 'GPL', raw))).toBe('EINVAL');
  });

  test('an entry has no result to ask for', () => {
    using bench = new Bench(engine);
    const out = bench.map({ type: 'array' });
    const ask = 'r2 = r10\nr2 += -8\nr1 = r6\ncall bpf_get_func_ret';
    bench.trace({ kind: 'fentry', function: 'tcp_v4_connect' }, storing(ask), { out });
    bench.entry('tcp_v4_connect');
    expect(BigInt.asIntN(64, bench.u64(out))).toBe(BigInt(-errno.EOPNOTSUPP));
  });
});
