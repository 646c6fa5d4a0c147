import { describe, expect, test } from 'vitest';
import { SysError, viewOf } from '../../../src/base/index.ts';
import type { Task } from '../../../src/events/index.ts';
import { registerOffsets } from '../../../src/sim/contexts/registers.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, bash, end, openOutput, storing, u32Bytes } from '../bench.ts';

const empty = 'r0 = 0\nexit';
const counting = storing('r0 = *(u64 *)(r7 + 0)\nr0 += 1');
/** Copies the 168 bytes of the context to the map. */
const copyContext = `${openOutput}
  r1 = r7
  r2 = 168
  r3 = r6
  call bpf_probe_read_kernel
${end}`;
/** A return address, as the kernel's unwinder would give it. */
const stack = ['tcp_v4_connect', '__inet_stream_connect+0x11c', 'inet_stream_connect+0x3a'];

describe.each(engines)('on the $name', (engine) => {
  test('programs on one point run in the order of attaching', () => {
    using bench = new Bench(engine);
    const out = bench.map({ type: 'array' });
    const appending = (digit: number) => storing(`r0 = *(u64 *)(r7 + 0)\nr0 *= 10\nr0 += ${digit}`);
    const target = { kind: 'kprobe', function: 'tcp_v4_connect' } as const;
    const links = [1, 2, 3].map((digit) => bench.attach(target, appending(digit), { out }));
    bench.entry('tcp_v4_connect');
    expect(bench.u64(out)).toBe(123n);
    bench.machine.close(links[1]!);
    bench.entry('tcp_v4_connect');
    expect(bench.u64(out)).toBe(12313n);
    expect(bench.machine.linkInfo(links[0]!)).toEqual({ target, hits: 2, missed: 0 });
  });

  test('a kprobe sees the registers of the calling convention', () => {
    using bench = new Bench(engine);
    const out = bench.map({ type: 'array', valueSize: 168 });
    bench.attach({ kind: 'kprobe', function: 'tcp_v4_connect' }, copyContext, { out });
    bench.entry('tcp_v4_connect', { sk: 0xffff888000001000n, uaddr: new Uint8Array(16), addr_len: -1 }, { stack });
    const registers = viewOf(bench.bytes(out));
    const register = (name: keyof typeof registerOffsets) => registers.getBigUint64(registerOffsets[name], true);
    const { symbols } = bench.machine;
    expect(register('di')).toBe(0xffff888000001000n);
    expect(register('si') >> 32n).toBe(0xffff8880n);
    expect(register('dx'), 'an int leaves the upper half zero').toBe(0xffffffffn);
    expect(register('cx')).toBe(0n);
    expect(symbols.format(register('ip'))).toBe('tcp_v4_connect+0x1');
    expect([register('cs'), register('ss'), register('orig_ax')]).toEqual([0x10n, 0x18n, 0xffffffffffffffffn]);
    const onStack = bench.machine.memory.u64[Number(register('sp') & 0xffffffffn) >>> 3] as bigint;
    expect(symbols.format(onStack), 'the return address').toBe('__inet_stream_connect+0x11c');
  });

  test('the seventh argument lies above the return address', () => {
    using bench = new Bench(engine);
    const out = bench.map({ type: 'array' });
    const name = [...bench.machine.functions()].find((candidate) => {
      const params = bench.machine.profile.btf.functionPrototype(candidate)?.params ?? [];
      const { btf } = bench.machine.profile;
      return (
        params.length === 7 && params.every(({ type }) => ['int', 'pointer'].includes(btf.type(btf.strip(type)).kind))
      );
    }) as string;
    const params = bench.machine.profile.btf.functionPrototype(name)!.params;
    bench.attach(
      { kind: 'kprobe', function: name },
      storing(
        'r3 = *(u64 *)(r6 + 152)\nr3 += 8\nr1 = r10\nr1 += -16\nr2 = 8\ncall bpf_probe_read_kernel\nr0 = *(u64 *)(r10 - 16)',
      ),
      { out },
    );
    bench.entry(name, { [params[6]!.name]: 77 });
    expect(bench.u64(out) & 0xffffn).toBe(77n);
  });

  test('a kretprobe sees the result, and the caller as ip', () => {
    using bench = new Bench(engine);
    const out = bench.map({ type: 'array', valueSize: 168 });
    bench.attach({ kind: 'kretprobe', function: 'tcp_v4_connect' }, copyContext, { out });
    bench.entry('tcp_v4_connect', {}, { stack });
    bench.exit('tcp_v4_connect', -111, { stack });
    const registers = viewOf(bench.bytes(out));
    expect(registers.getBigUint64(registerOffsets.ax, true)).toBe(0xffffff91n);
    const ip = registers.getBigUint64(registerOffsets.ip, true);
    expect(bench.machine.symbols.format(ip)).toBe('__inet_stream_connect+0x11c');
  });

  test('a task that ends gives back what its calls held', () => {
    const bench = new Bench(engine);
    const out = bench.map({ type: 'array' });
    const target = { kind: 'kretprobe', function: 'tcp_v4_connect', maxActive: 1 } as const;
    const link = bench.attach(target, counting, { out });
    bench.entry('tcp_v4_connect');
    bench.tracepoint('sched:sched_process_exit', { comm: 'bash', pid: bash.pid, prio: 120 });
    const other = { ...bash, pid: 77 };
    bench.entry('tcp_v4_connect', {}, { task: other });
    bench.exit('tcp_v4_connect', 0, { task: other });
    expect(bench.machine.linkInfo(link)).toMatchObject({ hits: 1, missed: 0 });
  });

  test('a call that was under way before the kretprobe returns unseen', () => {
    using bench = new Bench(engine);
    const out = bench.map({ type: 'array' });
    bench.entry('tcp_v4_connect');
    bench.attach({ kind: 'kretprobe', function: 'tcp_v4_connect' }, counting, { out });
    bench.exit('tcp_v4_connect');
    expect(bench.u64(out)).toBe(0n);
  });

  test('calls beyond maxActive are missed, and their returns go unseen', () => {
    using bench = new Bench(engine);
    const out = bench.map({ type: 'array' });
    const target = { kind: 'kretprobe', function: 'tcp_v4_connect', maxActive: 2 } as const;
    const link = bench.attach(target, counting, { out });
    const tasks: Task[] = [1, 2, 3].map((pid) => ({ ...bash, pid }));
    for (const task of tasks) bench.entry('tcp_v4_connect', {}, { task });
    expect(bench.machine.linkInfo(link)).toMatchObject({ hits: 0, missed: 1 });
    for (const task of [...tasks].reverse()) bench.exit('tcp_v4_connect', 0, { task });
    expect(bench.u64(out)).toBe(2n);
    expect(bench.machine.linkInfo(link)).toMatchObject({ hits: 2, missed: 1 });
    bench.entry('tcp_v4_connect', {}, { task: tasks[2]! });
    bench.exit('tcp_v4_connect', 0, { task: tasks[2]! });
    expect(bench.u64(out), 'instances are given back').toBe(3n);
  });

  test.each([
    [2, 10],
    [8, 16],
  ])('on %i CPUs the kernel keeps %i instances when nobody says how many', (cpus, instances) => {
    using bench = new Bench(engine, { cpus });
    const link = bench.attach({ kind: 'kretprobe', function: 'tcp_v4_connect' }, empty);
    for (let pid = 1; pid <= instances + 3; pid++) bench.entry('tcp_v4_connect', {}, { task: { ...bash, pid } });
    expect(bench.machine.linkInfo(link).missed).toBe(3);
  });

  test('a program that would nest on its CPU is skipped and counted', () => {
    using bench = new Bench(engine);
    const text = 'r1 = 65\n*(u64 *)(r10 - 8) = r1\nr1 = r10\nr1 += -8\nr2 = 8\ncall bpf_trace_printk\nr0 = 0\nexit';
    const nested = bench.attach({ kind: 'tracepoint', name: 'bpf_trace:bpf_trace_printk' }, text);
    const link = bench.attach({ kind: 'kprobe', function: 'tcp_v4_connect' }, text);
    bench.entry('tcp_v4_connect');
    expect(bench.machine.linkInfo(link)).toMatchObject({ hits: 1, missed: 0 });
    expect(bench.machine.linkInfo(nested)).toMatchObject({ hits: 0, missed: 1 });
    expect(bench.machine.ledger.lost(0)).toBe(1);
    // By itself it runs, and would nest in what it prints.
    bench.tracepoint('bpf_trace:bpf_trace_printk', { bpf_string: 'by itself' });
    expect(bench.machine.linkInfo(nested)).toMatchObject({ hits: 1, missed: 2 });
  });

  test('a system call by its own parameters, and by its registers, looks the same through the wrapper', () => {
    using bench = new Bench(engine);
    const out = bench.map({ type: 'array', valueSize: 64 });
    // The inner registers' si is the file name, in user memory; dx the flags.
    const text = `${openOutput}
      r8 = *(u64 *)(r6 + 112)
      r3 = r8
      r3 += 104
      r1 = r10
      r1 += -16
      r2 = 8
      call bpf_probe_read_kernel
      r3 = *(u64 *)(r10 - 16)
      r1 = r7
      r2 = 32
      call bpf_probe_read_user_str
      r3 = r8
      r3 += 96
      r1 = r7
      r1 += 32
      r2 = 8
      call bpf_probe_read_kernel
    ${end}`;
    bench.attach({ kind: 'kprobe', function: '__x64_sys_openat' }, text, { out });
    const seen = () => {
      const bytes = bench.bytes(out);
      return [new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0))), viewOf(bytes).getBigUint64(32, true)];
    };
    bench.entry('__x64_sys_openat', { dfd: -100, filename: '/etc/passwd', flags: 0x80000, mode: 0 });
    expect(seen()).toEqual(['/etc/passwd', 0x80000n]);
    const fields = { di: -100, si: { object: 'user', content: '/etc/group' } as const, dx: 0x241 };
    bench.entry('__x64_sys_openat', { regs: { object: 'struct', type: 'pt_regs', fields } });
    expect(seen()).toEqual(['/etc/group', 0x241n]);
  });

  test('each CPU runs on its own', () => {
    using bench = new Bench(engine);
    const out = bench.map({ type: 'percpu_array' });
    bench.attach({ kind: 'kprobe', function: 'tcp_v4_connect' }, counting, { out });
    bench.entry('tcp_v4_connect', {}, { cpu: 1 });
    bench.entry('tcp_v4_connect', {}, { cpu: 1 });
    bench.entry('tcp_v4_connect', {}, { cpu: 0 });
    expect(new BigUint64Array(bench.machine.mapLookup(out, u32Bytes(0)).buffer)).toEqual(new BigUint64Array([1n, 2n]));
  });
});

describe('what cannot be', () => {
  const engine = engines[0]!;
  const kprobe = (name: string) => ({ kind: 'kprobe', function: name }) as const;

  test.each([
    ['an unknown function', kprobe('tcp_v4_conect'), 'kprobe', 'ENOENT', 'tcp_v4_connect'],
    [
      'an unknown tracepoint',
      { kind: 'tracepoint', name: 'skb:kfree_skv' } as const,
      'tracepoint',
      'ENOENT',
      'skb:kfree_skb',
    ],
    ['a pattern', kprobe('tcp_v4_*'), 'kprobe', 'ENOENT', ''],
    [
      'a kprobe program on a tracepoint',
      { kind: 'tracepoint', name: 'skb:kfree_skb' } as const,
      'kprobe',
      'EINVAL',
      '',
    ],
    ['a tracepoint program on a function', kprobe('tcp_v4_connect'), 'tracepoint', 'EINVAL', ''],
    ['an offset', { kind: 'kprobe', function: 'tcp_v4_connect', offset: 4 } as const, 'kprobe', 'EINVAL', 'without'],
  ] as const)('%s', (_, target, type, errno, hint) => {
    using bench = new Bench(engine);
    const program = bench.load(type, empty);
    let fault: unknown;
    try {
      bench.machine.attach(program, target);
    } catch (thrown) {
      fault = thrown;
    }
    expect(fault).toBeInstanceOf(SysError);
    expect((fault as SysError).errno).toBe(errno);
    expect((fault as SysError).hint ?? '').toContain(hint);
  });

  test.each([
    ['an unknown function', { function: 'tcp_v4_conect' }, /no function 'tcp_v4_conect'/],
    ['a CPU that is not there', { cpu: 2 }, /on CPU 2/],
    ['a CPU that is no number', { cpu: 0.5 }, /on CPU 0.5/],
    ['the past', { time: 5 }, /before the clock/],
    ['an unknown argument', { args: { skk: 1 } }, /has no argument 'skk'/],
    ['a text for a number', { args: { addr_len: 'long' } }, /'addr_len' of tcp_v4_connect cannot be 'long'/],
    ['a fraction', { args: { addr_len: 1.5 } }, /not a whole number/],
    ['a stack frame that is no symbol', { stack: ['tcp_v4_connect', 'a b c'] }, /'a b c' is no symbol/],
  ])('%s', (_, more, message) => {
    using bench = new Bench(engine);
    bench.attach(kprobe('tcp_v4_connect'), empty);
    bench.machine.advanceTo(10);
    const { function: name = 'tcp_v4_connect', args = {}, ...rest } = more as { function?: string; args?: object };
    expect(() => bench.entry(name, args as never, rest)).toThrow(message);
  });

  test('an unknown tracepoint or field', () => {
    using bench = new Bench(engine);
    bench.attach({ kind: 'tracepoint', name: 'skb:kfree_skb' }, empty);
    expect(() => bench.tracepoint('skb:kfree_skv')).toThrow(/no tracepoint 'skb:kfree_skv'/);
    expect(() => bench.tracepoint('skb:kfree_skb', { raison: 2 })).toThrow(
      expect.objectContaining({ message: "skb:kfree_skb has no field 'raison'", hint: 'did you mean reason?' }),
    );
    expect(() => bench.tracepoint('skb:kfree_skb', { reason: 'NO_SOCKS' })).toThrow(/has no value 'NO_SOCKS'/);
  });
});
