import { expect, test } from 'vitest';
import { ms } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import type { KernelEvent } from '../../src/events/index.ts';
import { defineScenario, RunQueue, type Script, type TurnOptions } from '../../src/scenario/index.ts';
import { play, stage } from './stage.ts';

const profile = loadProfile('6.18');
const working = { userStack: ['work+0x10 [/usr/bin/app]'] };
const asleep = { stack: ['schedule+0x23', 'pipe_read+0x2c1'], userStack: ['read+0x19 [/usr/bin/app]'] };

interface Turns {
  readonly [comm: string]: TurnOptions;
}

/** What one CPU does when tasks of these names are woken at once. */
function played(turns: Turns): KernelEvent[] {
  const events = (script: Script) => {
    const queue = new RunQueue(script, 0);
    const woken = Object.entries(turns).map(([comm, options], index) =>
      queue.turn(queue.idle, script.on({ task: script.task({ pid: 10 + index, comm }) }), options),
    );
    return script.concurrently(queue.events, ...woken);
  };
  return play(defineScenario({ name: 'test', summary: 'A test.', events }), stage({ profile, duration: ms(50) }));
}

/** A line for each switch and each return from one: who, and what called it. */
function switches(events: readonly KernelEvent[]): string[] {
  return events.flatMap((event) => {
    const frames = [...(event.stack ?? []), ...(event.userStack ?? [])].map((frame) => frame.replace(/\+0x\S+/, ''));
    if (event.kind === 'tracepoint' && event.name === 'sched:sched_switch')
      return [`${event.task.comm} leaves as ${event.fields.prev_state}: ${frames.join(' < ')}`];
    if (event.kind === 'entry' && event.function.startsWith('finish_task_switch'))
      return [`${event.task.comm} is back: ${frames.slice(1).join(' < ')}`];
    return [];
  });
}

const idle = '__schedule < schedule_idle < cpu_startup_entry < start_secondary < common_startup_64';

test('a task comes back where it went to sleep, and sleeps there again', () => {
  expect(switches(played({ app: { takes: ms(1), where: () => working, sleepsIn: asleep } }))).toEqual([
    `swapper/0 leaves as 0: ${idle}`,
    'app is back: __schedule < schedule < pipe_read < read [/usr/bin/app]',
    'app leaves as 1: __schedule < schedule < pipe_read < read [/usr/bin/app]',
    `swapper/0 is back: ${idle}`,
  ]);
});

test('a task that is made to wait comes back out of the interrupt that took its CPU away', () => {
  const turn = { takes: ms(4), where: () => working, sleepsIn: asleep };
  const waiting = '__schedule < schedule < irqentry_exit_to_user_mode < asm_sysvec_apic_timer_interrupt';
  const lines = switches(played({ a: turn, b: turn }));
  expect(lines.filter((line) => line.startsWith('a '))).toEqual([
    'a is back: __schedule < schedule < pipe_read < read [/usr/bin/app]',
    `a leaves as 0: ${waiting} < work [/usr/bin/app]`,
    `a is back: ${waiting} < work [/usr/bin/app]`,
    'a leaves as 1: __schedule < schedule < pipe_read < read [/usr/bin/app]',
  ]);
});

test('a new task begins in ret_from_fork, and one that ends is seen last in its exit', () => {
  expect(switches(played({ child: { takes: ms(1), isNew: true, ends: true } })).slice(1, 3)).toEqual([
    'child is back: schedule_tail < ret_from_fork < ret_from_fork_asm',
    'child leaves as 128: __schedule < do_task_dead < do_exit < do_group_exit < __x64_sys_exit_group < do_syscall_64 < entry_SYSCALL_64_after_hwframe',
  ]);
});
