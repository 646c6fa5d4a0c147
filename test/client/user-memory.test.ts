import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { errno, ms } from '../../src/base/index.ts';
import { BPF } from '../../src/client/index.ts';
import { type KernelEvent, type Task, taskOf } from '../../src/events/index.ts';
import { boot, type Machine } from '../../src/sim/index.ts';
import { engines } from '../vm/engines.ts';
import { profile } from './small-kernel.ts';

/** What programs find in the memory of each process. */
const shell = taskOf({ pid: 100, comm: 'sh', uid: 1000 });
const other = taskOf({ pid: 200, comm: 'cat', uid: 1000 });
const thread = taskOf({ pid: 101, tgid: 100, comm: 'sh', uid: 1000 });

/** Reads the text at the pointer of openat, and at the one that openat had first, and writes where read tells it. */
const reader = `
struct seen { u64 pointer; s64 answer; s64 first_answer; char text[16]; char first[16]; };
BPF_HASH(seen, u32, struct seen);
BPF_ARRAY(first, u64, 1);
int kprobe__do_sys_openat2(struct pt_regs *ctx, int dfd, const char __user *filename) {
  u32 tid = bpf_get_current_pid_tgid();
  int at = 0;
  u64 *known = first.lookup(&at);
  if (!known) return 0;
  if (!*known) *known = (u64)filename;
  struct seen s = { .pointer = (u64)filename };
  s.answer = bpf_probe_read_user_str(s.text, sizeof(s.text), filename);
  s.first_answer = bpf_probe_read_user_str(s.first, sizeof(s.first), (void *)*known);
  seen.update(&tid, &s);
  return 0;
}
int kprobe__vfs_write(struct pt_regs *ctx) {
  int at = 0;
  u64 *known = first.lookup(&at);
  char text[] = "changed";
  if (known) bpf_probe_write_user((void *)*known, text, sizeof(text));
  return 0;
}`;

interface Seen {
  readonly pointer: bigint | number;
  readonly answer: number;
  readonly first_answer: number;
  readonly text: string;
  readonly first: string;
}

describe.each(engines)('on the $name', (engine) => {
  let machine: Machine;
  let clock: number;
  beforeEach(() => {
    machine = boot({ profile, cpus: 2, engine });
    clock = ms(1);
  });
  afterEach(() => machine[Symbol.dispose]());

  const fire = (task: Task, event: object): void => {
    clock += ms(1);
    machine.fire({ time: clock, cpu: 0, task, stack: [], ...event } as unknown as KernelEvent);
  };
  const open = (task: Task, filename: string): void =>
    fire(task, { kind: 'entry', function: 'do_sys_openat2', args: { dfd: -100, filename } });
  const fork = (parent: Task, child: Task): void =>
    fire(parent, {
      kind: 'tracepoint',
      name: 'sched:sched_process_fork',
      fields: { parent_comm: parent.comm, parent_pid: parent.pid, child_comm: child.comm, child_pid: child.pid },
      raw: { parent: { object: 'task', task: parent }, child: { object: 'task', task: child } },
    });

  function stage(): { readonly seen: (task: Task) => Seen } {
    const bpf = new BPF(machine, { text: reader });
    const table = bpf.table<number, Seen>('seen');
    return { seen: (task) => table.get(task.pid) as Seen };
  }

  test('the same address holds the bytes of the process that looks', () => {
    const { seen } = stage();
    open(shell, '/etc/passwd');
    open(other, '/etc/hosts');
    expect(seen(other).pointer).toEqual(seen(shell).pointer);
    expect([seen(shell).text, seen(other).text, seen(other).first]).toEqual([
      '/etc/passwd',
      '/etc/hosts',
      '/etc/hosts',
    ]);
  });

  test('threads share it', () => {
    const { seen } = stage();
    open(shell, '/etc/passwd');
    open(thread, '/etc/hosts');
    expect(seen(thread)).toMatchObject({ text: '/etc/hosts', first: '/etc/passwd' });
    expect(seen(thread).pointer).not.toEqual(seen(shell).pointer);
  });

  test('fork copies it: what either writes later the other does not see', () => {
    const { seen } = stage();
    const child = taskOf({ pid: 102, comm: 'sh', uid: 1000, parent: shell });
    open(shell, '/etc/passwd');
    fork(shell, child);
    fire(child, { kind: 'entry', function: 'vfs_write', args: {} });
    open(shell, '/tmp/later');
    open(child, '/tmp/own');
    expect(seen(shell)).toMatchObject({ text: '/tmp/later', first: '/etc/passwd' });
    expect(seen(child)).toMatchObject({ text: '/tmp/own', first: 'changed' });
  });

  test('exec replaces it: an address of before is nobody’s', () => {
    const { seen } = stage();
    open(shell, '/etc/passwd');
    open(shell, '/etc/group');
    const later = taskOf({ ...shell, comm: 'ls', identity: shell, program: { path: '/bin/ls', argv: ['ls', '-l'] } });
    fire(shell, { kind: 'change', object: { object: 'task', task: later } });
    fire(later, { kind: 'entry', function: 'do_sys_openat2', args: { dfd: -100, filename: 0 } });
    expect(seen(later)).toMatchObject({ answer: -errno.EFAULT, first_answer: -errno.EFAULT, first: '' });
  });

  test('mm tells where arguments and environment lie, as execve(2) leaves them', () => {
    const bpf = new BPF(machine, {
      text: `
      struct area { s64 arguments, environment; char argv[32]; char envp[64]; char path[16]; };
      BPF_HASH(areas, u32, struct area);
      int kprobe__vfs_read(struct pt_regs *ctx) {
        u32 tid = bpf_get_current_pid_tgid();
        struct task_struct *task = (struct task_struct *)bpf_get_current_task();
        struct mm_struct *mm = task->mm;
        struct area a = {};
        a.arguments = mm->arg_end - mm->arg_start;
        a.environment = mm->env_end - mm->env_start;
        bpf_probe_read_user(a.argv, sizeof(a.argv), (void *)mm->arg_start);
        bpf_probe_read_user(a.envp, a.environment & 63, (void *)mm->arg_end);
        bpf_probe_read_user_str(a.path, sizeof(a.path), (void *)mm->env_end);
        areas.update(&tid, &a);
        return 0;
      }`,
      codecs: { chars: 'bytes' },
    });
    const envp = ['PATH=/usr/bin:/bin', 'LANG=C'];
    const program = { path: '/usr/bin/curl', argv: ['curl', '-s', 'http://example.org/'], envp };
    const curl = taskOf({ pid: 300, comm: 'curl', program });
    const worker = taskOf({ pid: 301, tgid: 300, comm: 'curl', leader: curl });
    for (const task of [curl, worker, shell]) fire(task, { kind: 'entry', function: 'vfs_read', args: {} });
    const area = (task: Task) => bpf.table<number, Record<string, Uint8Array>>('areas').get(task.pid);
    const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();
    expect(area(curl)).toMatchObject({ arguments: 28, environment: 26 });
    expect(text(area(curl)?.argv).slice(0, 28)).toBe('curl\0-s\0http://example.org/\0');
    expect(text(area(curl)?.envp).slice(0, 26)).toBe('PATH=/usr/bin:/bin\0LANG=C\0');
    expect(text(area(curl)?.path).slice(0, 14)).toBe('/usr/bin/curl\0');
    expect(area(worker)).toEqual(area(curl));
    expect(area(shell)).toMatchObject({ arguments: 3, environment: 0 });
  });
});
