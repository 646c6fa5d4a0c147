import { describe, expect, test } from 'vitest';
import { cString, errno, SysError } from '../../../src/base/index.ts';
import type { Task } from '../../../src/events/index.ts';
import { helpers } from '../../../src/uapi/index.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, bash, profile, storing, u32Bytes, u64Bytes } from '../bench.ts';

const target = { kind: 'kprobe', function: 'tcp_v4_connect' } as const;
const stack = ['tcp_v4_connect', '__inet_stream_connect+0x11c', 'inet_stream_connect+0x3a', 'do_syscall_64+0x71'];

describe.each(engines)('on the $name', (engine) => {
  /** What a helper answers, as a signed number; the value of the map `out` behind it. */
  function run(body: string, options: { value?: number; task?: Task; cpu?: number; args?: object } = {}) {
    const bench = new Bench(engine);
    const out = bench.map({ type: 'array', valueSize: 8 + (options.value ?? 64) });
    const hash = bench.map({ type: 'hash', keySize: 4, valueSize: 8, maxEntries: 1 });
    const perCpu = bench.map({ type: 'percpu_array', maxEntries: 6 });
    bench.attach(target, storing(body), { out, hash, perCpu });
    const { task = bash, cpu = 0, args = {} } = options;
    bench.entry('tcp_v4_connect', args as never, { time: 0x1_2345_6789, task, cpu, stack });
    expect(bench.machine.traps).toEqual([]);
    return { bench, answer: BigInt.asIntN(64, bench.u64(out)), bytes: bench.bytes(out).slice(8), hash };
  }

  const key = '*(u32 *)(r10 - 4) = 5\nr2 = r10\nr2 += -4\nr1 = hash ll\n';
  const perCpuKey = key.replace('hash', 'perCpu');
  const value = '*(u64 *)(r10 - 16) = 77\nr3 = r10\nr3 += -16\n';
  const update = (flags: number) => `${key}${value}r4 = ${flags}\ncall bpf_map_update_elem\n`;

  test.each([
    ['ktime_get_ns', 'call bpf_ktime_get_ns', 0x1_2345_6789n],
    ['ktime_get_boot_ns', 'call bpf_ktime_get_boot_ns', 0x1_2345_6789n],
    ['get_smp_processor_id', 'call bpf_get_smp_processor_id', 1n],
    ['get_numa_node_id', 'call bpf_get_numa_node_id', 0n],
    ['get_current_pid_tgid', 'call bpf_get_current_pid_tgid', (4242n << 32n) | 4243n],
    ['get_current_uid_gid', 'call bpf_get_current_uid_gid', (100n << 32n) | 1000n],
    ['map_lookup_elem of no key', `${key}call bpf_map_lookup_elem`, 0n],
    ['map_delete_elem of no key', `${key}call bpf_map_delete_elem`, -BigInt(errno.ENOENT)],
    ['map_update_elem', update(0), 0n],
    ['map_update_elem of an existing key, NOEXIST', `${update(0)}${update(1)}`, -BigInt(errno.EEXIST)],
    ['map_update_elem of no key, EXIST', update(2), -BigInt(errno.ENOENT)],
    ['map_update_elem with unknown flags', update(8), -BigInt(errno.EINVAL)],
    ['map_delete_elem', `${update(0)}${key}call bpf_map_delete_elem`, 0n],
    ['map_lookup_elem', `${update(0)}${key}call bpf_map_lookup_elem\nif r0 == 0 goto done\nr0 = *(u64 *)(r0 + 0)`, 77n],
    ['map_lookup_percpu_elem beyond the CPUs', `${perCpuKey}r3 = 9\ncall bpf_map_lookup_percpu_elem`, 0n],
  ])('%s', (_, body, expected) => {
    const { answer, bench } = run(body, { cpu: 1 });
    expect(answer).toBe(expected);
    bench[Symbol.dispose]();
  });

  test('get_prandom_u32 is a u32 and the same for the same seed', () => {
    const draw = (seed: number) => {
      using bench = new Bench(engine, { seed });
      const out = bench.map({ type: 'array' });
      bench.attach(target, storing('call bpf_get_prandom_u32'), { out });
      return [1, 2, 3].map(() => {
        bench.entry('tcp_v4_connect');
        return bench.u64(out);
      });
    };
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(6));
    expect(new Set(draw(5)).size).toBe(3);
    expect(draw(5).every((number) => number <= 0xffffffffn)).toBe(true);
  });

  test.each([
    [16, 'bash', 'bash', 0],
    [16, 'a very long name of a task', 'a very long nam', 0],
    [4, 'bash', 'bas', 0],
    [1, 'bash', '', 0],
    [32, 'bash', 'bash', 0],
  ])('get_current_comm into %i bytes of %s', (size, comm, expected, status) => {
    const fill = '*(u64 *)(r7 + 8) = -1\n*(u64 *)(r7 + 16) = -1\n';
    const { answer, bytes } = run(`${fill}r1 = r7\nr1 += 8\nr2 = ${size}\ncall bpf_get_current_comm`, {
      task: { ...bash, comm },
    });
    expect(answer).toBe(BigInt(status));
    expect(cString(bytes.subarray(0, size))).toBe(expected);
    if (size < 16) expect(bytes[size], 'no byte beyond').toBe(0xff);
  });

  test.each(['get_current_task', 'get_current_task_btf'])('%s is the task_struct', (name) => {
    const { btf } = profile;
    const place = btf.member(btf.find('struct', 'task_struct') as number, 'tgid');
    const { answer } = run(`call bpf_${name}
      r3 = r0
      r3 += ${place?.offset}
      r1 = r10
      r1 += -8
      r2 = 4
      call bpf_probe_read_kernel
      r0 = *(u32 *)(r10 - 8)`);
    expect(answer).toBe(4242n);
  });

  test('get_func_ip is the entry of the function', () => {
    const { answer, bench } = run('r1 = r6\ncall bpf_get_func_ip');
    expect(bench.machine.symbols.format(BigInt.asUintN(64, answer))).toBe('tcp_v4_connect+0x0');
  });

  /** `sk` is a kernel text, `uaddr` a user one, when the event names them so. */
  const readers = (name: string, source: string, size: number) => `
    *(u64 *)(r7 + 8) = -1
    *(u64 *)(r7 + 16) = -1
    r1 = r7
    r1 += 8
    r2 = ${size}
    ${source}
    call bpf_${name}`;
  const kernel = 'r3 = *(u64 *)(r6 + 112)';
  const user = 'r3 = *(u64 *)(r6 + 104)';
  const bad = 'r3 = 0';
  const rest = 'ÿ';

  test.each([
    ['probe_read_kernel', kernel, 4, 0, 'kern'],
    ['probe_read_kernel', kernel, 0, 0, ''],
    ['probe_read_kernel', user, 4, -errno.ERANGE, '\0\0\0\0'],
    ['probe_read_kernel', bad, 4, -errno.ERANGE, '\0\0\0\0'],
    ['probe_read_user', user, 4, 0, 'user'],
    ['probe_read_user', kernel, 4, -errno.EFAULT, '\0\0\0\0'],
    ['probe_read', kernel, 4, 0, 'kern'],
    ['probe_read', user, 4, 0, 'user'],
    ['probe_read', bad, 2, -errno.EFAULT, '\0\0'],
    ['probe_read_kernel_str', kernel, 12, 7, 'kernel\0'],
    ['probe_read_kernel_str', kernel, 7, 7, 'kernel\0'],
    ['probe_read_kernel_str', kernel, 4, 4, 'ker\0'],
    ['probe_read_kernel_str', kernel, 1, 1, '\0'],
    ['probe_read_kernel_str', kernel, 0, 0, ''],
    ['probe_read_kernel_str', user, 4, -errno.ERANGE, '\0\0\0\0'],
    ['probe_read_kernel_str', bad, 4, -errno.ERANGE, '\0\0\0\0'],
    ['probe_read_user_str', user, 12, 5, 'user\0'],
    ['probe_read_user_str', kernel, 4, -errno.EFAULT, '\0\0\0\0'],
    ['probe_read_str', user, 12, 5, 'user\0'],
    ['probe_read_str', kernel, 12, 7, 'kernel\0'],
  ])('%s with %s of %i bytes answers %i', (name, source, size, status, expected) => {
    const args = { sk: 'kernel', uaddr: { object: 'user', content: 'user' } };
    const { answer, bytes } = run(readers(name, source, size), { args });
    expect(answer).toBe(BigInt(status));
    const text = String.fromCharCode(...bytes.subarray(0, expected.length + 1));
    expect(text).toBe(status < 0 || expected.length < size ? expected + text.slice(expected.length) : expected + rest);
  });

  /** What Linux 6.18.44 answered to pointers where nothing is: those that no kernel address can be are -ERANGE. */
  const { EFAULT, ERANGE } = errno;
  test.each([
    ['NULL', 0n, ERANGE, EFAULT],
    ['the second page', 0x1000n, ERANGE, EFAULT],
    ['the last page of user space', 0x7fff_ffff_e000n, ERANGE, EFAULT],
    ['TASK_SIZE_MAX', 0x7fff_ffff_f000n, ERANGE, ERANGE],
    ['not canonical', 0x8000_0000_0000n, ERANGE, ERANGE],
    ['not canonical either', 0x1234_5678_1234_5678n, ERANGE, ERANGE],
    ['the lowest of the kernel', 0xffff_8000_0000_0000n, EFAULT, EFAULT],
    ['the vsyscall page', 0xffff_ffff_ff60_0000n, ERANGE, ERANGE],
    ['the last page', 0xffff_ffff_ffff_f000n, EFAULT, EFAULT],
  ])('%s cannot be read', (_, pointer, kernelFault, anyFault) => {
    const source = `r3 = ${pointer} ll`;
    const answers = (size: number) =>
      ['probe_read_kernel', 'probe_read_user', 'probe_read'].flatMap((name) =>
        [name, `${name}_str`].map((helper) => {
          const { answer, bytes } = run(readers(helper, source, size));
          expect(bytes.subarray(0, size + 1)).toEqual(Uint8Array.of(...new Uint8Array(size), 0xff));
          return Number(answer);
        }),
      );
    expect(answers(8)).toEqual([kernelFault, kernelFault, EFAULT, EFAULT, anyFault, anyFault].map((code) => -code));
  });

  test.each([
    ['NULL', 0n, [-ERANGE, 0, 0]],
    ['the last page of user space', 0x7fff_ffff_e000n, [-ERANGE, 0, 0]],
    ['TASK_SIZE_MAX', 0x7fff_ffff_f000n, [-ERANGE, 0, -ERANGE]],
    ['not canonical', 0x1234_5678_1234_5678n, [-ERANGE, -EFAULT, -ERANGE]],
    ['of the kernel', 0xffff_8880_0000_0000n, [0, -EFAULT, 0]],
  ])('nothing is read from %s', (_, pointer, expected) => {
    const answer = (name: string) => Number(run(readers(name, `r3 = ${pointer} ll`, 0)).answer);
    expect(['probe_read_kernel', 'probe_read_user', 'probe_read'].map(answer)).toEqual(expected);
    expect(['probe_read_kernel_str', 'probe_read_user_str', 'probe_read_str'].map(answer)).toEqual([0, 0, 0]);
  });

  test('a text that runs into an unmapped page is a fault', () => {
    using bench = new Bench(engine);
    const out = bench.map({ type: 'array', valueSize: 72 });
    bench.attach(target, storing(readers('probe_read_kernel_str', kernel, 16)), { out });
    const page = bench.machine.memory.allocatePages(4096);
    bench.machine.memory.u8.fill(0x41, page + 4088, page + 4096);
    const next = bench.machine.memory.isMapped(0xffff8880, page + 4096, 1);
    expect(next).toBe(false);
    bench.entry('tcp_v4_connect', { sk: bench.machine.memory.kernelPointer(page + 4088) });
    expect(BigInt.asIntN(64, bench.u64(out))).toBe(BigInt(-errno.EFAULT));
    expect(bench.u64(out, 0, 8)).toBe(0n);
  });

  describe('stacks', () => {
    const traced = (flags: string) => `r1 = r6\nr2 = stacks ll\nr3 = ${flags}\ncall bpf_get_stackid`;

    function stackOf(bench: Bench, stacks: number, id: bigint): string[] {
      const bytes = bench.machine.mapLookup(stacks, u32Bytes(Number(id)));
      const addresses = [...new BigUint64Array(bytes.buffer)].filter((address) => address !== 0n);
      return addresses.map((address) => bench.machine.symbols.format(address));
    }

    const callers = ['__inet_stream_connect+0x11c', 'inet_stream_connect+0x3a', 'do_syscall_64+0x71'];

    test.each([
      ['kprobe', '0', ['tcp_v4_connect+0x1', ...callers]],
      ['kprobe', '1', callers],
      ['kprobe', '0x203', ['do_syscall_64+0x71']],
      ['kretprobe', '0', callers],
      ['tracepoint', '0', ['tcp_v4_connect+0x0', ...callers]],
    ])('of a %s with flags %s', (kind, flags, expected) => {
      using bench = new Bench(engine);
      const out = bench.map({ type: 'array' });
      const stacks = bench.map({ type: 'stack_trace', valueSize: 8 * 16 });
      const point =
        kind === 'tracepoint'
          ? ({ kind, name: 'skb:kfree_skb' } as const)
          : ({ kind: kind as 'kprobe' | 'kretprobe', function: 'tcp_v4_connect' } as const);
      bench.attach(point, storing(traced(flags)), { out, stacks });
      bench.entry('tcp_v4_connect', {}, { stack });
      bench.tracepoint('skb:kfree_skb', {}, { stack });
      bench.exit('tcp_v4_connect', 0, { stack });
      expect(stackOf(bench, stacks, bench.u64(out))).toEqual(expected);
    });

    test.each([
      ['a user stack', '0x100', -errno.EFAULT],
      ['too many skipped', '9', -errno.EFAULT],
      ['unknown flags', '0x10000', -errno.EINVAL],
      ['flags beyond 32 bits', '0x100000000 ll', -errno.EINVAL],
    ])('%s', (_, flags, status) => {
      using bench = new Bench(engine);
      const out = bench.map({ type: 'array' });
      const stacks = bench.map({ type: 'stack_trace', valueSize: 8 * 16 });
      bench.attach(target, storing(traced(flags)), { out, stacks });
      bench.entry('tcp_v4_connect', {}, { stack });
      expect(BigInt.asIntN(64, bench.u64(out))).toBe(BigInt(status));
    });

    test('a stack deeper than the kernel looks is cut to 127 frames', () => {
      using bench = new Bench(engine);
      const out = bench.map({ type: 'array' });
      const stacks = bench.map({ type: 'stack_trace', valueSize: 8 * 127 });
      bench.attach(target, storing(traced('0')), { out, stacks });
      const deep = ['tcp_v4_connect', ...Array.from({ length: 200 }, (_, i) => `frame_${i}+0x10`)];
      bench.entry('tcp_v4_connect', {}, { stack: deep });
      const frames = stackOf(bench, stacks, bench.u64(out));
      expect(frames).toHaveLength(127);
      expect(frames[126]).toBe('frame_125+0x10');
    });

    test.each([
      ['all of it', 40, 0, 32, 4],
      ['what fits', 16, 0, 16, 2],
      ['all but the innermost', 40, 1, 24, 3],
      ['nothing after the last', 40, 4, 0, 0],
      ['skipped beyond the end', 40, 5, -errno.EFAULT, 0],
      ['an odd size', 12, 0, -errno.EINVAL, 0],
      ['a user stack', 40, 0x100, -errno.EFAULT, 0],
      ['unknown flags', 40, 0x10000, -errno.EINVAL, 0],
    ])('get_stack gives %s', (_, size, flags, status, frames) => {
      const body = `
        *(u64 *)(r7 + 8) = -1
        *(u64 *)(r7 + 48) = -1
        r1 = r6
        r2 = r7
        r2 += 8
        r3 = ${size}
        r4 = ${flags}
        call bpf_get_stack`;
      const { answer, bytes } = run(body);
      expect(answer).toBe(BigInt(status));
      const words = new BigUint64Array(bytes.buffer, 0, 6);
      expect([...words].slice(0, Math.floor(size / 8)).filter((word) => word !== 0n)).toHaveLength(frames);
      expect(words[5], 'nothing behind the buffer').toBe(0xffffffffffffffffn);
    });
  });

  describe('perf_event_output', () => {
    const output = (flags: string, size: string) => `
      r1 = r6
      r2 = events ll
      r3 = ${flags}
      r4 = r7
      r5 = ${size}
      call bpf_perf_event_output`;

    test.each([
      ['on this CPU', '0xffffffff ll', '8', 0],
      ['by index', '0', '8', 0],
      ['nothing at all', '0', '0', 0],
      ['an empty slot', '2', '8', -errno.ENOENT],
      ['a slot of another CPU', '1', '8', -errno.EOPNOTSUPP],
      ['beyond the map', '3', '8', -errno.E2BIG],
      ['unknown flags', '0x100000000 ll', '8', -errno.EINVAL],
      ['longer than a record can be', '0', '70000', -errno.E2BIG],
      ['longer than the ring', '0', '5000', -errno.ENOSPC],
    ])('%s', (_, flags, size, status) => {
      using bench = new Bench(engine);
      const events = bench.map({ type: 'perf_event_array', valueSize: 4, maxEntries: 3 });
      const out = bench.map({ type: 'array', valueSize: 70_000 });
      for (const cpu of [0, 1]) {
        const fd = bench.machine.perfEventOpen({ cpu });
        bench.machine.mmap(fd, 1);
        bench.machine.mapUpdate(events, u32Bytes(cpu), u32Bytes(fd));
      }
      bench.attach(target, storing(output(flags, size)), { out, events });
      bench.entry('tcp_v4_connect');
      expect(bench.machine.traps).toEqual([]);
      expect(BigInt.asIntN(64, bench.u64(out))).toBe(BigInt(status));
      expect(bench.machine.ledger.delivered(0)).toBe(status === 0 ? 1 : 0);
      expect(bench.machine.ledger.lost(0)).toBe(status === 0 ? 0 : 1);
    });
  });
});

describe('PROG_LOAD', () => {
  const engine = engines[0]!;
  const code = (...words: bigint[]) => new Uint8Array(new BigUint64Array(words).buffer);
  const exit = 0x95n;
  const returnZero = [0xb7n, exit] as const;
  const call = (id: number) => 0x85n | (BigInt(id) << 32n);

  test.each([
    ['no instruction', code(), 'GPL', 'E2BIG', /0 instructions/],
    ['half an instruction', new Uint8Array(12), 'GPL', 'EINVAL', /12 bytes/],
    ['a bad opcode', code(0xffn, ...returnZero), 'GPL', 'EINVAL', /./],
    ['a map that is no fd', code(0x1118n | (99n << 32n), 0n, ...returnZero), 'GPL', 'EBADF', /fd 99/],
    ['half a ld_imm64', code(0xb7n, exit, 0x1118n), 'GPL', 'EINVAL', /last insn is not an exit or jmp/],
    ['a helper that no kernel has', code(call(9999), exit), 'GPL', 'EINVAL', /invalid func unknown#9999/],
    [
      'a helper of other program types',
      code(call(helpers.skb_load_bytes.id), exit),
      'GPL',
      'EINVAL',
      /program of this type cannot use helper bpf_skb_load_bytes#26/,
    ],
    [
      'a GPL helper under another license',
      code(call(helpers.probe_read_kernel.id), exit),
      'MIT',
      'EINVAL',
      /cannot call GPL-restricted function from non-GPL compatible program/,
    ],
  ] as const)('refuses %s', (_, bytes, license, name, message) => {
    using bench = new Bench(engine);
    const load = () => bench.machine.programLoad({ type: 'kprobe', code: bytes, license });
    expect(load).toThrow(message);
    try {
      load();
    } catch (fault) {
      expect((fault as SysError).errno).toBe(name);
    }
  });

  test('refuses a million and one instructions', () => {
    using bench = new Bench(engine);
    const load = () => bench.machine.programLoad({ type: 'kprobe', code: new Uint8Array(8_000_008), license: 'GPL' });
    expect(load).toThrow(SysError);
    expect(load).toThrow(/E2BIG/);
  });

  test('takes a GPL helper under a license that the kernel counts as compatible', () => {
    using bench = new Bench(engine);
    const bytes = code(call(helpers.get_current_task.id), ...returnZero);
    for (const license of ['GPL', 'Dual BSD/GPL', 'Dual MIT/GPL']) {
      expect(bench.machine.programLoad({ type: 'kprobe', code: bytes, license })).toBeGreaterThan(2);
    }
  });

  test('leaves the caller’s code as it is', () => {
    using bench = new Bench(engine);
    const map = bench.map({ type: 'array' });
    const bytes = code(0x1118n | (BigInt(map) << 32n), 0n, ...returnZero);
    const before = bytes.slice();
    bench.machine.programLoad({ type: 'kprobe', code: bytes, license: 'GPL' });
    expect(bytes).toEqual(before);
  });

  test('a direct value of an array is its first element', () => {
    using bench = new Bench(engine);
    const map = bench.map({ type: 'array', valueSize: 16, maxEntries: 1 });
    bench.machine.mapUpdate(map, u32Bytes(0), new Uint8Array(16).fill(1));
    // r1 = value + 8; *(u64 *)(r1 + 0) = 7
    const bytes = code(0x2118n | (BigInt(map) << 32n), 8n << 32n, 0x7_0000_017an, ...returnZero);
    const program = bench.machine.programLoad({ type: 'kprobe', code: bytes, license: 'GPL' });
    bench.machine.attach(program, target);
    bench.entry('tcp_v4_connect');
    expect(bench.machine.traps).toEqual([]);
    expect(bench.bytes(map).subarray(8)).toEqual(u64Bytes(7n));
  });
});
