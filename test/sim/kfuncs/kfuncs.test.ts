import { describe, expect, test } from 'vitest';
import { cString, errno, viewOf } from '../../../src/base/index.ts';
import type { Task } from '../../../src/events/index.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, bash, end, openOutput, profile } from '../bench.ts';

const begin = { kind: 'fentry', function: 'tcp_v4_connect' } as const;
const gone: Task = { pid: 78, tgid: 78, comm: 'gone', uid: 0, gid: 0 };
const { EINVAL, ENOENT, E2BIG, ERANGE } = errno;

describe.each(engines)('kernel functions on the $name', (engine) => {
  /** Runs an fentry program; calls of functions by name, `call kfunc NAME`, and what it leaves in r0 is the answer. */
  function run(body: string, { task = bash, before = [] as Task[], text = '', other = '' } = {}) {
    const bench = new Bench(engine);
    const out = bench.map({ type: 'array', valueSize: 256 });
    const texts = { text: bench.text(text), other: bench.text(other) };
    for (const one of [...before, gone]) bench.entry('vfs_read', {}, { task: one });
    bench.tracepoint('sched:sched_process_exit', {}, { task: gone });
    const named: number[] = [];
    const program = `${openOutput}${body}\n*(u64 *)(r7 + 0) = r0${end}`.replace(
      /call kfunc (\w+)/g,
      (_, name: string) => {
        named.push(profile.btf.find('function', name) as number);
        return `call bpf_get_numa_node_id // ${named.length}`;
      },
    );
    const code = bench.code(program.replace(/ \/\/ \d+/g, ''), { out, ...texts });
    const view = viewOf(code);
    // Helper 42 stands where kernel functions are called: the assembler knows only helpers.
    for (let at = 0; at < code.length; at += 8) {
      if (code[at] === 0x18) at += 8;
      else if (code[at] === 0x85 && code[at + 1] === 0 && view.getInt32(at + 4, true) === 42) {
        code[at + 1] = 0x20;
        view.setInt32(at + 4, named.shift() as number, true);
      }
    }
    const { machine } = bench;
    const attachBtfId = profile.btf.find('function', begin.function) as number;
    const load = { type: 'tracing', license: 'GPL', expectedAttachType: 'trace_fentry', attachBtfId } as const;
    machine.attach(machine.programLoad({ ...load, code }), begin);
    bench.entry(begin.function, {}, { task });
    expect(machine.traps).toEqual([]);
    // Most of them return an int: its upper half is zero.
    return { answer: Number(BigInt.asIntN(32, bench.u64(out))), bytes: bench.bytes(out) };
  }

  const nginx: Task = { pid: 77, tgid: 77, comm: 'nginx', uid: 0, gid: 0, cgroup: '/system.slice/nginx.service' };
  const commOf = (register: string, name = 'comm') => {
    const at = profile.btf.member(profile.btf.find('struct', 'task_struct')!, name)!.offset;
    return `r1 = r7\nr1 += 64\nr2 = 16\nr3 = ${register}\nr3 += ${at}\ncall bpf_probe_read_kernel`;
  };
  const fromPid = (pid: number) => `
    r1 = ${pid}
    call kfunc bpf_task_from_pid
    if r0 == 0 goto none
    r8 = r0
    ${commOf('r8')}
    r1 = r8
    call kfunc bpf_task_release
    r0 = 1
    goto over
    none:
    r0 = 0
    over:`;

  test.each([
    ['one that ran before', 77, 'nginx', 1],
    ['the current one', bash.pid, 'bash', 1],
    ['one that nobody has seen', 4, '', 0],
    ['one that has ended', gone.pid, '', 0],
  ])('bpf_task_from_pid: %s', (_, pid, comm, answer) => {
    const seen = run(fromPid(pid), { before: [nginx] });
    expect([seen.answer, cString(seen.bytes.subarray(64))]).toEqual([answer, comm]);
  });

  test('a task is under the cgroups that lead to its own', () => {
    const under = (id: number) => `
      r1 = ${id}
      call kfunc bpf_cgroup_from_id
      if r0 == 0 goto none
      r8 = r0
      call bpf_get_current_task_btf
      r1 = r0
      r2 = r8
      call kfunc bpf_task_under_cgroup
      r9 = r0
      r1 = r8
      call kfunc bpf_cgroup_release
      r0 = r9
      goto over
      none:
      r0 = -1
      over:`;
    const other: Task = { ...bash, cgroup: '/user.slice' };
    const answers = [1, 2, 3, 99].map((id) => run(under(id), { task: nginx, before: [nginx, other] }).answer);
    expect(answers).toEqual([1, -1, -1, -1]);
  });

  test('bpf_for over numbers', () => {
    const loop = (from: number, to: number) => `
      r1 = r10
      r1 += -8
      r2 = ${from}
      r3 = ${to}
      call kfunc bpf_iter_num_new
      *(u64 *)(r7 + 8) = r0
      r8 = 0
      next:
      r1 = r10
      r1 += -8
      call kfunc bpf_iter_num_next
      if r0 == 0 goto last
      r1 = *(s32 *)(r0 + 0)
      r8 += r1
      r8 &= 0xffff
      goto next
      last:
      r1 = r10
      r1 += -8
      call kfunc bpf_iter_num_destroy
      r0 = r8`;
    expect(run(loop(1, 5)).answer).toBe(10);
    expect(run(loop(5, 5)).answer).toBe(0);
    const backwards = run(loop(5, 1));
    expect([backwards.answer, Number(viewOf(backwards.bytes).getInt32(8, true))]).toEqual([0, -EINVAL]);
    expect(Number(viewOf(run(loop(0, 9_000_000)).bytes).getInt32(8, true))).toBe(-E2BIG);
  });

  test.each([
    ['processes', 0, 0, 4],
    ['threads', 1, 0, 6],
    ['threads of the current process', 2, 1, 2],
    ['what is none', 3, 0, 0],
  ])('bpf_iter_task over %s', (_, flags, own, count) => {
    const threads: Task[] = [
      nginx,
      { ...bash, pid: bash.tgid },
      { ...bash, pid: 4300, tgid: 4299 },
      { ...bash, pid: 4299, tgid: 4299 },
    ];
    const body = `
      call kfunc bpf_rcu_read_lock
      call bpf_get_current_task_btf
      r2 = r0
      if r2 == 0 goto over
      ${own === 1 ? '' : 'r2 = 0'}
      r1 = r10
      r1 += -24
      r3 = ${flags}
      call kfunc bpf_iter_task_new
      r8 = 0
      next:
      r1 = r10
      r1 += -24
      call kfunc bpf_iter_task_next
      if r0 == 0 goto last
      r8 += 1
      r8 &= 0xffff
      goto next
      last:
      r1 = r10
      r1 += -24
      call kfunc bpf_iter_task_destroy
      call kfunc bpf_rcu_read_unlock
      r0 = r8
      goto leave
      over:
      call kfunc bpf_rcu_read_unlock
      r0 = 0
      leave:`;
    expect(run(body, { before: threads }).answer).toBe(count);
  });

  const string = (name: string, ...args: (string | number)[]) =>
    `${args.map((arg, index) => `r${index + 1} = ${arg}`).join('\n')}\ncall kfunc bpf_${name}`;

  test.each<[string, string, string, number]>([
    [string('strlen', 'text ll'), 'abc', '', 3],
    [string('strnlen', 'text ll', 2), 'abc', '', 2],
    [string('strchr', 'text ll', 99), 'abc', '', 2],
    [string('strchr', 'text ll', 120), 'abc', '', -ENOENT],
    [string('strchr', 'text ll', 0), 'abc', '', 3],
    [string('strchrnul', 'text ll', 120), 'abc', '', 3],
    [string('strnchr', 'text ll', 2, 99), 'abc', '', -ENOENT],
    [string('strrchr', 'text ll', 97), 'abca', '', 3],
    [string('strcmp', 'text ll', 'other ll'), 'abc', 'abd', -1],
    [string('strcmp', 'text ll', 'other ll'), 'abc', 'ab', 1],
    [string('strcasecmp', 'text ll', 'other ll'), 'aBc', 'AbC', 0],
    [string('strspn', 'text ll', 'other ll'), 'aabbc', 'ab', 4],
    [string('strcspn', 'text ll', 'other ll'), 'aabbc', 'cb', 2],
    [string('strstr', 'text ll', 'other ll'), 'kernel', 'ne', 3],
    [string('strstr', 'text ll', 'other ll'), 'kernel', 'nn', -ENOENT],
    [string('strnstr', 'text ll', 'other ll', 4), 'kernel', 'ne', -ENOENT],
    [string('strnstr', 'text ll', 'other ll', 5), 'kernel', 'ne', 3],
  ])('%s of %s and %s', (body, text, other, answer) => {
    expect(run(body, { text, other }).answer).toBe(answer);
  });

  test('sections leave no trace', () => {
    const body =
      'call kfunc bpf_rcu_read_lock\ncall kfunc bpf_rcu_read_unlock\ncall kfunc bpf_preempt_disable\ncall kfunc bpf_preempt_enable\nr0 = 5';
    expect(run(body).answer).toBe(5);
  });

  test.each<[string, number, number, number]>([
    ['within', 10, 20, 10],
    ['backwards', 20, 10, -EINVAL],
    ['beyond the end', 0, 101, -ERANGE],
  ])('bpf_dynptr_adjust and bpf_dynptr_size: %s', (_, from, to, answer) => {
    const body = `r1 = r7
      r1 += 64
      r2 = 100
      r3 = 0
      r4 = r10
      r4 += -16
      call bpf_dynptr_from_mem
      r1 = r10
      r1 += -16
      r2 = ${from}
      r3 = ${to}
      call kfunc bpf_dynptr_adjust
      if r0 != 0 goto over
      r1 = r10
      r1 += -16
      call kfunc bpf_dynptr_size
      over:`;
    expect(run(body).answer).toBe(answer);
  });

  test('what has no body is refused by its name', () => {
    expect(() =>
      run(
        'call kfunc bpf_cpumask_create\nif r0 == 0 goto over\nr1 = r0\ncall kfunc bpf_cpumask_release\nover:\nr0 = 0',
      ),
    ).toThrow(/ENOSYS.*bpf_cpumask_create/);
  });
});
