import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cString, viewOf } from '../../../src/base/index.ts';
import type { Task } from '../../../src/events/index.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, bash, profile, storing } from '../bench.ts';

const target = { kind: 'kprobe', function: 'tcp_v4_connect' } as const;

/** Helper, text, flags, length, answer and number, as Linux 6.18 gave them. */
type Row = readonly [helper: string, text: string, flags: number, length: number, answer: string, value: string];
const rows: readonly Row[] = readFileSync(new URL('../fixtures/strtol.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

describe.each(engines)('on the $name', (engine) => {
  /** @param text what `text ll` is the address of */
  function run(body: string, task: Task = bash, time = 0, text = '') {
    const bench = new Bench(engine);
    const out = bench.map({ type: 'array', valueSize: 128 });
    bench.attach(target, storing(body), { out, text: bench.text(text) });
    bench.entry('tcp_v4_connect', { sk: 'kernel' }, { task, time });
    expect(bench.machine.traps).toEqual([]);
    return { bench, out, answer: BigInt.asIntN(64, bench.u64(out)), bytes: bench.bytes(out) };
  }

  /** Writes a text at r7 + offset. */
  const put = (text: string, offset: number) =>
    [...new TextEncoder().encode(`${text}\0`)].map((byte, i) => `*(u8 *)(r7 + ${offset + i}) = ${byte}`).join('\n');

  test('strtol and strtoul answer as Linux 6.18 does', () => {
    using bench = new Bench(engine);
    for (const [helper, text, flags, length, answer, value] of rows) {
      const out = bench.map({ type: 'array', valueSize: 128 });
      const body = `${put(text, 16)}
        r1 = r7
        r1 += 16
        r2 = ${length}
        r3 = ${flags}
        r4 = r7
        r4 += 8
        call bpf_${helper}`;
      const link = bench.attach(target, storing(body), { out });
      bench.entry('tcp_v4_connect');
      const seen = [bench.u64(out), bench.u64(out, 0, 8)].map((number) => BigInt.asIntN(64, number).toString());
      expect(seen, JSON.stringify([helper, text, flags, length])).toEqual([answer, value]);
      bench.machine.close(link);
    }
    expect(rows.length).toBeGreaterThan(200);
  });

  test.each([
    ['abc', 'abc', 3, 0n],
    ['abc', 'abd', 3, -1n],
    ['abd', 'abc', 3, 1n],
    ['abc', 'abd', 2, 0n],
    ['ab', 'abc', 3, -1n],
    ['a', 'a', 8, 0n],
  ])('strncmp of %s and %s in %i bytes', (one, other, length, expected) => {
    const body = `${put(one, 16)}
      r1 = r7
      r1 += 16
      r2 = ${length}
      r3 = text ll
      call bpf_strncmp`;
    const { answer } = run(body, bash, 0, other);
    expect(answer).toBe(expected);
  });

  test.each([
    ['%d of %s', 32, '-7 of kernel', 13n],
    ['%d of %s', 6, '-7 of', 13n],
    ['%d of %s', 0, '', 13n],
  ])('snprintf of %s into %i bytes', (format, size, expected, status) => {
    const body = `
      *(u64 *)(r7 + 96) = -7
      r1 = *(u64 *)(r6 + 112)
      *(u64 *)(r7 + 104) = r1
      r1 = r7
      r1 += 8
      r2 = ${size}
      r3 = text ll
      r4 = r7
      r4 += 96
      r5 = 16
      call bpf_snprintf`;
    const { answer, bytes } = run(body, bash, 0, format);
    expect(answer).toBe(status);
    expect(cString(bytes.subarray(8, 40))).toBe(expected);
  });

  test('jiffies64 begins five minutes before it wraps', () => {
    expect(run('call bpf_jiffies64', bash, 9_000_000).answer).toBe(2n ** 32n - 75_000n + 2n);
  });

  const inside: Task = {
    ...bash,
    cgroup: '/web',
    container: { pidNamespace: 0xf0000100, pids: { 4242: 1, 4243: 9 }, hostname: 'web' },
  };
  const ids = (device: number, inode: number, size: number) => `*(u64 *)(r7 + 8) = -1
    r1 = ${device}
    r2 = ${inode} ll
    r3 = r7
    r3 += 8
    r4 = ${size}
    call bpf_get_ns_current_pid_tgid`;

  test.each([
    ['the machine’s', bash, 4, 0xeffffffc, 8, 0n, [4243, 4242]],
    ['a container’s', inside, 4, 0xf0000100, 8, 0n, [9, 1]],
    ['another', inside, 4, 0xeffffffc, 8, -22n, [0, 0]],
    ['another device', bash, 3, 0xeffffffc, 8, -22n, [0, 0]],
    ['half the size', bash, 4, 0xeffffffc, 4, -22n, [0, 0xffffffff]],
  ] as const)('get_ns_current_pid_tgid of %s', (_, task, device, inode, size, status, expected) => {
    const { answer, bytes } = run(ids(device, inode, size), task);
    const view = viewOf(bytes);
    expect(answer).toBe(status);
    expect([view.getUint32(8, true), view.getUint32(12, true)]).toEqual(expected);
  });

  test.each([
    ['call bpf_get_current_cgroup_id', bash, 1n],
    ['call bpf_get_current_cgroup_id', inside, 2n],
    ['r1 = 0\ncall bpf_get_current_ancestor_cgroup_id', inside, 1n],
    ['r1 = 1\ncall bpf_get_current_ancestor_cgroup_id', inside, 2n],
    ['r1 = 1\ncall bpf_get_current_ancestor_cgroup_id', bash, 0n],
  ])('%s', (body, task, expected) => {
    expect(run(body, task).answer).toBe(expected);
  });

  test.each([
    [9, bash, 0n, 1],
    [0, bash, 0n, 0],
    [65, bash, -22n, 0],
    [9, { ...bash, pid: 1, tgid: 1 }, -1n, 0],
    [9, { ...bash, kernelThread: true }, -1n, 0],
  ])('send_signal %i', (signal, task, status, sent) => {
    const { answer, bench } = run(`r1 = ${signal}\ncall bpf_send_signal`, task, 5);
    expect(answer).toBe(status);
    expect(bench.machine.signals).toEqual(sent === 0 ? [] : [{ time: 5, task, signal, thread: false }]);
  });

  /** Follows members from the current task, dereferencing each; the last is a u32. */
  function follow(...path: readonly (readonly [struct: string, member: string])[]): string {
    const steps = path.map(([struct, member], index) => {
      const place = profile.btf.member(profile.btf.find('struct', struct) as number, member);
      const size = index === path.length - 1 ? 4 : 8;
      return `r3 = r0
        r3 += ${place?.offset}
        *(u64 *)(r10 - 16) = 0
        r1 = r10
        r1 += -16
        r2 = ${size}
        call bpf_probe_read_kernel
        r0 = *(u64 *)(r10 - 16)`;
    });
    return `call bpf_get_current_task\n${steps.join('\n')}`;
  }

  const sshd: Task = { pid: 800, tgid: 800, comm: 'sshd', uid: 0, gid: 0 };
  const child: Task = { ...inside, parent: sshd, startTime: 123_456 };
  const t = (member: string) => ['task_struct', member] as const;
  test.each([
    ['its parent', [t('real_parent'), t('tgid')], 800n],
    ['its parent’s parent', [t('real_parent'), t('real_parent'), t('tgid')], 1n],
    ['its leader', [t('group_leader'), t('pid')], 4242n],
    [
      'its pid namespace',
      [t('nsproxy'), ['nsproxy', 'pid_ns_for_children'], ['pid_namespace', 'ns.inum']],
      0xf0000100n,
    ],
    ['its mount namespace', [t('nsproxy'), ['nsproxy', 'mnt_ns'], ['mnt_namespace', 'ns.inum']], 0xeffffff8n],
    ['its pid inside', [t('thread_pid'), ['pid', 'numbers[1].nr']], 9n],
    ['its begin', [t('start_time')], 123_456n],
    ['its user', [t('cred'), ['cred', 'uid.val']], 1000n],
  ] as const)('the current task leads to %s', (_, path, expected) => {
    expect(run(follow(...path), child).answer).toBe(expected);
  });
});
