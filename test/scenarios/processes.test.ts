import { describe, expect, test } from 'vitest';
import { ms, sec, us } from '../../src/base/index.ts';
import type { KernelEvent, UserMemory } from '../../src/events/index.ts';
import { play } from './play.ts';

async function playAll(kernel: string): Promise<KernelEvent[]> {
  const events: KernelEvent[] = [];
  await play('processes', { duration: sec(5), kernel }, (event) => events.push(event));
  return events;
}

const all = await playAll('6.18');
const passes = (name: string) =>
  all.flatMap((event) => (event.kind === 'tracepoint' && event.name === name ? [event] : []));
const content = (value: unknown) => (value as UserMemory).content;

describe('processes', () => {
  test('forks, executes with arguments in user memory, and exits', () => {
    const lines = passes('syscalls:sys_enter_execve').map(({ fields }) => {
      const argv = content(fields.argv) as readonly (UserMemory | null)[];
      expect(argv.at(-1)).toBeNull();
      return argv.flatMap((one) => (one === null ? [] : [one.content])).join(' ');
    });
    expect(lines).toEqual(
      expect.arrayContaining(['ls -l --color=auto', 'git status', 'run-parts --report /etc/cron.hourly']),
    );
    const results = new Set(passes('syscalls:sys_exit_execve').map(({ fields }) => fields.ret));
    expect([...results].sort()).toEqual([-2, 0]);
    const forked = passes('sched:sched_process_fork').map(({ fields }) => fields.child_pid);
    const ended = passes('sched:sched_process_exit').map(({ fields }) => fields.pid);
    expect(forked).toEqual(expect.arrayContaining(ended));
    expect(ended.length).toBeGreaterThan(20);
  });

  test('has a task under its new name from within execve on, at the same task_struct', () => {
    const entered = all.find((event) => event.kind === 'entry' && event.function === '__x64_sys_execve')!;
    const left = all.find(
      (event) =>
        event.kind === 'exit' &&
        event.function === '__x64_sys_execve' &&
        event.task.pid === entered.task.pid &&
        event.returns === 0,
    )!;
    expect(left.task.comm).not.toBe(entered.task.comm);
    expect(left.task.identity).toBe(entered.task);
  });

  test('opens by three system calls, with and without success', () => {
    const results = new Map<string, Set<unknown>>();
    for (const by of ['openat', 'openat2']) {
      results.set(by, new Set(passes(`syscalls:sys_exit_${by}`).map(({ fields }) => fields.ret)));
    }
    expect([...results.get('openat')!]).toEqual(expect.arrayContaining([-2, -13, 3]));
    expect(results.get('openat2')!.size).toBeGreaterThan(3);
    const paths = new Set(passes('syscalls:sys_enter_openat').map(({ fields }) => content(fields.filename)));
    expect([...paths]).toEqual(expect.arrayContaining(['/etc/ld.so.cache', '/etc/shadow', 'config/local.json']));
  });

  test('sends signals: one that is not heard, one that kills, one to nobody', () => {
    const sent = passes('syscalls:sys_enter_kill').map(({ fields }) => fields.sig);
    expect(sent.slice(0, 3)).toEqual([15, 9, 0]);
    const results = new Set(passes('syscalls:sys_exit_kill').map(({ fields }) => fields.ret));
    expect([...results].sort()).toEqual([-3, 0]);
    const codes = all.flatMap((event) =>
      event.kind === 'change' && event.object.object === 'task' ? [event.object.task.fields?.exit_code] : [],
    );
    expect(codes).toEqual(expect.arrayContaining([9, 0x100, 0]));
  });

  test('switches each CPU from one task to the next without a gap', () => {
    const current = new Map<number, unknown>();
    for (const { cpu, fields, raw } of passes('sched:sched_switch')) {
      const before = current.get(cpu);
      if (before !== undefined) expect(fields.prev_pid).toBe(before);
      current.set(cpu, fields.next_pid);
      expect(raw?.next).toMatchObject({ task: { pid: fields.next_pid } });
    }
    expect(current.size).toBe(2);
  });

  test('keeps tasks waiting for a CPU: most for microseconds, some for milliseconds', () => {
    const woken = new Map<unknown, number>();
    const waits: number[] = [];
    for (const event of all) {
      if (event.kind !== 'tracepoint') continue;
      if (event.name === 'sched:sched_wakeup') woken.set(event.fields.pid, event.time);
      const since = event.name === 'sched:sched_switch' ? woken.get(event.fields.next_pid) : undefined;
      if (since === undefined) continue;
      waits.push(event.time - since);
      woken.delete(event.fields.next_pid);
    }
    waits.sort((a, b) => a - b);
    expect(waits.length).toBeGreaterThan(500);
    expect(waits[Math.floor(waits.length * 0.05)]).toBeLessThan(us(20));
    expect(waits[Math.floor(waits.length * 0.9)]).toBeGreaterThan(ms(1));
  });

  test('runs on both CPUs, in user space and in the kernel', () => {
    const activities = all.flatMap((event) => (event.kind === 'activity' ? [event] : []));
    expect(new Set(activities.map(({ cpu }) => cpu)).size).toBe(2);
    expect(activities.filter(({ stack }) => stack.length > 0).length).toBeGreaterThan(100);
    expect(activities.filter(({ stack }) => stack.length === 0).length).toBeGreaterThan(300);
  });

  test('has on kernel 6.1 what that has', async () => {
    const names = new Set((await playAll('6.1')).flatMap((event) => ('function' in event ? [event.function] : [])));
    for (const name of ['__x64_sys_execve', 'do_sys_openat2', 'try_to_wake_up', 'do_exit', '__x64_sys_kill']) {
      expect(names).toContain(name);
    }
  });
});
