import { describe, expect, test } from 'vitest';
import { cString, errno, viewOf } from '../../../src/base/index.ts';
import { binary, type FunctionEntry, type SkBuff, sock, type Task } from '../../../src/events/index.ts';
import { mapFlags } from '../../../src/uapi/index.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, bash, end, openOutput, profile, storing } from '../bench.ts';

const target = { kind: 'kprobe', function: 'tcp_v4_connect' } as const;
const user = (content: string) => ({ object: 'user', content }) as const;
const { E2BIG, EINVAL, ENOENT, ENAMETOOLONG, EPERM, EFAULT } = errno;

describe.each(engines)('on the $name', (engine) => {
  /** Runs at an entry of tcp_v4_connect; what `body` leaves in r0 is the answer. */
  function run(
    body: string,
    { task = bash, ring = 4096, args = {} }: { task?: Task; ring?: number; args?: FunctionEntry['args'] } = {},
  ) {
    const bench = new Bench(engine);
    const out = bench.map({ type: 'array', valueSize: 256 });
    const records = bench.map({ type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: ring });
    const stored = bench.map({ type: 'cgrp_storage', maxEntries: 0, flags: mapFlags.noPrealloc });
    bench.attach(target, storing(body), { out, records, stored });
    bench.entry('tcp_v4_connect', args, { task });
    expect(bench.machine.traps).toEqual([]);
    return { bench, out, records, bytes: bench.bytes(out), answer: Number(BigInt.asIntN(64, bench.u64(out))) };
  }

  /** A dynptr at r10 - 16 of `size` bytes of the output behind its first 64. */
  const made = (size = 100, flags = '0') => `
    r1 = r7
    r1 += 64
    r2 = ${size}
    r3 = ${flags}
    r4 = r10
    r4 += -16
    call bpf_dynptr_from_mem
    r8 = r0`;
  const call = (name: string, ...values: (number | string)[]) =>
    `${values.map((value, index) => assign(index + 1, value)).join('\n')}\ncall bpf_${name}\n`;
  const assign = (register: number, value: number | string) => {
    if (typeof value === 'number') return `r${register} = ${value}`;
    const [base, plus] = value.split('+');
    return `r${register} = ${base}${plus === undefined ? '' : `\nr${register} += ${plus}`}`;
  };
  const dynptr = 'r10+-16';

  test.each<[string, string, number]>([
    ['is made', `${made()}\nr0 = r8`, 0],
    ['is not made with flags', `${made(100, '1')}\nr0 = r8`, -EINVAL],
    ['reads within', `${made()}\n${call('dynptr_read', 'r7+8', 8, dynptr, 92, 0)}`, 0],
    ['reads nothing at its end', `${made()}\n${call('dynptr_read', 'r7+8', 0, dynptr, 100, 0)}`, 0],
    ['reads beyond its end', `${made()}\n${call('dynptr_read', 'r7+8', 8, dynptr, 93, 0)}`, -E2BIG],
    ['reads with flags', `${made()}\n${call('dynptr_read', 'r7+8', 8, dynptr, 0, 1)}`, -EINVAL],
    ['that is NULL reads nothing', `${made(8, '1')}\n${call('dynptr_read', 'r7+8', 8, dynptr, 0, 0)}`, -EINVAL],
    ['writes within', `${made()}\n${call('dynptr_write', dynptr, 92, 'r7+8', 8, 0)}`, 0],
    ['writes beyond its end', `${made()}\n${call('dynptr_write', dynptr, 93, 'r7+8', 8, 0)}`, -E2BIG],
    ['writes with flags', `${made()}\n${call('dynptr_write', dynptr, 0, 'r7+8', 8, 1)}`, -EINVAL],
  ])('a dynptr %s', (_, body, answer) => {
    expect(run(body).answer).toBe(answer);
  });

  test('dynptr_data gives a piece, or NULL beyond the end', () => {
    const piece = (offset: number) => `${made()}
      ${call('dynptr_data', dynptr, offset, 8)}
      if r0 == 0 goto none
      *(u64 *)(r0 + 0) = 77
      r0 = 1
      none:`;
    const within = run(piece(92));
    expect(within.answer).toBe(1);
    expect(viewOf(within.bytes).getBigUint64(64 + 92, true)).toBe(77n);
    expect(run(piece(93)).answer).toBe(0);
  });

  const reserved = (size: number, then: string) => `
    ${call('ringbuf_reserve_dynptr', 'records ll', size, 0, dynptr)}
    *(u64 *)(r7 + 8) = r0
    *(u64 *)(r7 + 16) = 0x1122334455667788 ll
    ${call('dynptr_write', dynptr, 8, 'r7+16', 8, 0)}
    *(u64 *)(r7 + 24) = r0
    ${call(`ringbuf_${then}_dynptr`, dynptr, 0)}
    r0 = 0`;

  test.each<[string, number, string, number[], number[]]>([
    ['submitted', 16, 'submit', [0, 0], [1, 0, 0]],
    ['discarded', 16, 'discard', [0, 0], [0, 1, 0]],
    ['too large', 5000, 'submit', [-EINVAL, -EINVAL], [0, 0, 1]],
  ])('a record of a dynptr, %s', (_, size, then, answers, [delivered, filtered, lost]) => {
    const body = reserved(size, then).replace(
      '*(u64 *)(r7 + 16) = 0x1122334455667788 ll',
      'r1 = 0x1122334455667788 ll\n*(u64 *)(r7 + 16) = r1',
    );
    const { bench, records, bytes } = run(body);
    const view = viewOf(bytes);
    expect([8, 24].map((at) => Number(view.getBigInt64(at, true)))).toEqual(answers);
    const { ledger } = bench.machine;
    expect([ledger.delivered(0), ledger.filtered(0), ledger.lost(0)]).toEqual([delivered, filtered, lost]);
    if (then !== 'submit' || delivered === 0) return;
    const ring = viewOf(bench.machine.mapMmap(records));
    expect([ring.getUint32(8192, true), ring.getBigUint64(8192 + 16, true)]).toEqual([16, 0x1122334455667788n]);
  });

  test.each<[string, string, number]>([
    ['TAI', 'call bpf_ktime_get_tai_ns', 0],
    ['the class of net_cls', call('get_cgroup_classid', 'r6'), 0],
    ['branches', call('get_branch_snapshot', 'r7', 48, 0), -ENOENT],
    ['branches with flags', call('get_branch_snapshot', 'r7', 48, 1), -EINVAL],
  ])('%s', (_, body, answer) => {
    expect(run(body).answer).toBe(answer);
  });

  const writing = `r1 = *(u64 *)(r6 + 104)
    *(u64 *)(r7 + 8) = r1
    r2 = 0x444342 ll
    *(u64 *)(r7 + 16) = r2
    ${call('probe_write_user', 'r1+1', 'r7+16', 3)}`.replace('r1 = r1\n', '');

  test('user memory is written, and the text is again what it was for the next', () => {
    const bench = new Bench(engine);
    const out = bench.map({ type: 'array', valueSize: 256 });
    const read = `r3 = *(u64 *)(r6 + 104)\nr1 = r7\nr1 += 32\nr2 = 16\ncall bpf_probe_read_user_str`;
    bench.attach(target, storing(writing), { out });
    bench.attach(target, storing(read), { out });
    const text = () => cString(bench.bytes(out).subarray(32));
    bench.entry('tcp_v4_connect', { uaddr: user('abcdef') });
    expect(text()).toBe('aBCDef');
    expect(bench.machine.traps).toEqual([]);
  });

  test.each<[string, FunctionEntry['args'], Task, number]>([
    ['a kernel thread has none', { uaddr: user('abc') }, { ...bash, kernelThread: true }, -EPERM],
    [
      'a kernel address',
      {
        uaddr: sock({ protocol: 'tcp', source: '1.1.1.1', destination: '1.1.1.1', sourcePort: 1, destinationPort: 2 }),
      },
      bash,
      -EPERM,
    ],
    ['nothing there', { uaddr: 0x7f0000000000n }, bash, -EFAULT],
  ])('user memory is not written: %s', (_, args, task, answer) => {
    expect(run(writing, { args, task }).answer).toBe(answer);
  });

  test('a task leads to its cgroup, and the cgroup has storage', () => {
    const { btf } = profile;
    const offset = (struct: string, path: string) => btf.member(btf.find('struct', struct)!, path)!.offset;
    const follow = (...offsets: number[]) =>
      offsets
        .map(
          (each) =>
            `r3 = r9\nr3 += ${each}\nr1 = r10\nr1 += -32\nr2 = 8\ncall bpf_probe_read_kernel\nr9 = *(u64 *)(r10 - 32)`,
        )
        .join('\n');
    const body = `call bpf_get_current_task
      r9 = r0
      ${follow(offset('task_struct', 'cgroups'), offset('css_set', 'dfl_cgrp'), offset('cgroup', 'kn'))}
      *(u64 *)(r7 + 8) = r9
      ${follow(offset('kernfs_node', 'name'))}
      r1 = r7
      r1 += 64
      r2 = 32
      r3 = r9
      call bpf_probe_read_kernel_str
      r9 = *(u64 *)(r7 + 8)
      ${follow(offset('kernfs_node', 'id'))}
      *(u64 *)(r7 + 16) = r9
      call bpf_get_current_cgroup_id
      r1 = *(u64 *)(r7 + 16)
      r0 -= r1`;
    const { answer, bytes } = run(body, { task: { ...bash, cgroup: '/system.slice/ssh.service' } });
    expect(answer).toBe(0);
    expect(cString(bytes.subarray(64))).toBe('ssh.service');
  });

  test.each<[string, string, object, number, bigint]>([
    ["a system call's arguments", '__x64_sys_openat', { dfd: -100, filename: 0, flags: 64, mode: 0 }, 96, 64n],
    ['where user space stands', 'vfs_read', {}, 128, 0x5555_0000_1010n],
  ])('task_pt_regs: %s', (_, name, args, at, value) => {
    const processes = [{ pid: bash.tgid, binaries: [binary('/usr/bin/app', { functions: ['main'] })] }];
    const bench = new Bench(engine, { processes });
    const out = bench.map({ type: 'array', valueSize: 64 });
    const body = `call bpf_get_current_task_btf
      r1 = r0
      call bpf_task_pt_regs
      r3 = r0
      r3 += ${at}
      r1 = r7
      r1 += 8
      r2 = 8
      call bpf_probe_read_kernel
      r0 = *(u64 *)(r7 + 8)`;
    bench.attach({ kind: 'kprobe', function: name }, storing(body), { out });
    bench.entry(name, args as FunctionEntry['args'], { userStack: ['main+0x10 [/usr/bin/app]'] });
    expect(bench.machine.traps).toEqual([]);
    expect(bench.u64(out)).toBe(value);
  });

  const socket = (more: object) =>
    sock({ protocol: 'tcp', source: '10.0.0.1', sourcePort: 1, destination: '10.0.0.2', destinationPort: 2, ...more });
  const six = { source: '::1', destination: '::2' };

  test.each<[string, object, boolean]>([
    ['skc_to_tcp_sock', {}, true],
    ['skc_to_tcp_sock', { protocol: 'udp' }, false],
    ['skc_to_tcp_sock', { state: 6 }, false],
    ['skc_to_tcp6_sock', {}, false],
    ['skc_to_tcp6_sock', six, true],
    ['skc_to_udp6_sock', { ...six, protocol: 'udp' }, true],
    ['skc_to_udp6_sock', { protocol: 'udp' }, false],
    ['skc_to_tcp_timewait_sock', { state: 6 }, true],
    ['skc_to_tcp_timewait_sock', {}, false],
    ['skc_to_tcp_request_sock', { state: 12 }, true],
    ['skc_to_unix_sock', {}, false],
  ])('%s of %j', (helper, more, is) => {
    const bench = new Bench(engine);
    const out = bench.map({ type: 'array', valueSize: 64 });
    const body = `${openOutput}
      r8 = *(u64 *)(r6 + 0)
      r1 = r8
      call bpf_${helper}
      if r0 == 0 goto none
      r0 = 1
      none:
      *(u64 *)(r7 + 0) = r0${end}`;
    bench.trace({ kind: 'fentry', function: 'tcp_v4_connect' }, body, { out });
    bench.entry('tcp_v4_connect', { sk: socket(more) });
    expect(bench.u64(out)).toBe(is ? 1n : 0n);
    expect(bench.machine.traps).toEqual([]);
  });

  const directory = (name: string, above: object | null) =>
    ({ object: 'struct', type: 'dentry', fields: { 'd_name.name': name, d_parent: above } }) as const;
  const root = directory('/', null);
  const file = {
    object: 'struct',
    type: 'file',
    fields: { 'f_path.dentry': directory('passwd', directory('etc', root)) },
  } as const;

  test.each<[number, string, number]>([
    [32, '/etc/passwd', 12],
    [12, '/etc/passwd', 12],
    [11, '', -ENAMETOOLONG],
  ])('d_path into %i bytes', (size, path, answer) => {
    const bench = new Bench(engine);
    const out = bench.map({ type: 'array', valueSize: 64 });
    const { btf } = profile;
    const at = btf.member(btf.find('struct', 'file')!, 'f_path')!.offset;
    const body = `${openOutput}
      r1 = *(u64 *)(r6 + 0)
      r1 += ${at}
      r2 = r7
      r2 += 8
      r3 = ${size}
      call bpf_d_path
      *(u64 *)(r7 + 0) = r0${end}`;
    bench.trace({ kind: 'fentry', function: 'security_file_open' }, body, { out });
    bench.entry('security_file_open', { file: file as unknown as SkBuff });
    expect(Number(BigInt.asIntN(64, bench.u64(out)))).toBe(answer);
    expect(cString(bench.bytes(out).subarray(8))).toBe(path);
  });
});

describe.each(engines)('a drain on the $name', (engine) => {
  test('hands what user space wrote to a function of the program, as a dynptr', () => {
    const bench = new Bench(engine);
    const out = bench.map({ type: 'array', valueSize: 64 });
    const user = bench.map({ type: 'user_ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 });
    const program = `${openOutput}
      r1 = user ll
      r2 = sum ll
      r3 = 0
      r4 = 0
      call bpf_user_ringbuf_drain
      *(u64 *)(r7 + 0) = r0${end}
    sum:
      r6 = r1
      *(u64 *)(r10 - 8) = r2
      r1 = r10
      r1 += -16
      r2 = 8
      r3 = r6
      r4 = 0
      r5 = 0
      call bpf_dynptr_read
      *(u32 *)(r10 - 20) = 0
      r2 = r10
      r2 += -20
      r1 = out ll
      call bpf_map_lookup_elem
      if r0 == 0 goto none
      r1 = *(u64 *)(r10 - 16)
      r2 = *(u64 *)(r0 + 8)
      r2 += r1
      *(u64 *)(r0 + 8) = r2
    none:
      r0 = 0
      exit`;
    bench.attach(target, program, { out, user });
    const view = viewOf(bench.machine.mapMmap(user));
    for (const [index, number] of [5n, 7n, 30n].entries()) {
      view.setUint32(8192 + index * 16, 8, true);
      view.setBigUint64(8192 + index * 16 + 8, number, true);
    }
    view.setUint32(4096, 48, true);
    bench.entry('tcp_v4_connect');
    expect(bench.machine.traps).toEqual([]);
    expect([bench.u64(out), bench.u64(out, 0, 8), view.getUint32(0, true)]).toEqual([3n, 42n, 48]);
  });
});
