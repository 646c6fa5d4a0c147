/**
 * The run queue of a CPU: tasks that are woken wait for it in the order of their waking, run for a slice of time, and
 * wait again while there is more to do and others want to run too (kernel/sched/core.c, much simplified: all have the
 * same priority). What that makes happen is sched_waking, sched_wakeup, sched_switch, and activities that samples find.
 */
import { Observable, Subject } from 'rxjs';
import { ms, type Nanoseconds, us } from '../base/index.ts';
import type { KernelEvent, KernelStack } from '../events/index.ts';
import type { Context, Place } from './context.ts';
import type { Script } from './script.ts';

/** Where a task is while it is not on a CPU: what called `__schedule`, innermost first, and where it was in user space. */
export type Sleep = Pick<Place, 'stack' | 'userStack'>;

export interface TurnOptions {
  /** CPU time that it wants, ns. */
  readonly takes: Nanoseconds;
  /** Where it is meanwhile, asked once for each millisecond; where its context is when absent. */
  readonly where?: () => Place;
  /** What it does when it has had that time, before it gives up the CPU: system calls, say. */
  readonly course?: Observable<KernelEvent>;
  /** Where it sleeps until it is woken and when it is done; in epoll_wait(2) when absent. */
  readonly sleepsIn?: Sleep;
  /** Its first turn: it was made by fork(2), and the waker's wake_up_new_task. */
  readonly isNew?: boolean;
  /** It ends with this turn: `course` is its exit. */
  readonly ends?: boolean;
}

interface Turn extends TurnOptions {
  readonly context: Context;
  /** Where it is when it gets the CPU. */
  at: Sleep;
  left: Nanoseconds;
  readonly done: () => void;
}

/** A slice of the fair scheduler (sysctl kernel.sched_base_slice_ns), and how often a turn's place is asked for. */
const slice = ms(3);
const grain = ms(1);
/** The function that a task comes back in, under the name of its symbol. */
const taskSwitched = 'finish_task_switch.isra.0';
/** From a wake-up to the switch on a CPU that is idle. */
const idleExit = us(4);
/** TASK_RUNNING, TASK_INTERRUPTIBLE, TASK_DEAD as sched_switch shows them. */
const states = { running: 0, sleeping: 1, dead: 0x80 } as const;

/** Stacks in which tasks give up the CPU, as 6.18 has them. */
const usualSleep: Sleep = {
  stack: [
    'schedule+0x23',
    'schedule_hrtimeout_range_clock+0x10a',
    'do_epoll_wait+0x548',
    '__x64_sys_epoll_wait+0x6f',
    'do_syscall_64+0x71',
    'entry_SYSCALL_64_after_hwframe+0x76',
  ],
};
const preempted: KernelStack = [
  'schedule+0x23',
  'irqentry_exit_to_user_mode+0x110',
  'asm_sysvec_apic_timer_interrupt+0x16',
];
const died: KernelStack = [
  'do_task_dead+0x41',
  'do_exit+0x8f5',
  'do_group_exit+0x2c',
  '__x64_sys_exit_group+0x14',
  'do_syscall_64+0x71',
  'entry_SYSCALL_64_after_hwframe+0x76',
];
const forked: KernelStack = ['schedule_tail+0xe', 'ret_from_fork+0x1b', 'ret_from_fork_asm+0x1a'];
const idleStack: KernelStack = [
  'schedule_idle+0x1e',
  'cpu_startup_entry+0x25',
  'start_secondary+0xf8',
  'common_startup_64+0x13b',
];
const inSchedule = '__schedule+0x618';

export class RunQueue {
  readonly cpu: number;
  /** Its switches and what its tasks do: to be played beside those who wake them. */
  readonly events: Observable<KernelEvent>;
  readonly #script: Script;
  readonly #idle: Context;
  readonly #waiting: Turn[] = [];
  readonly #subject = new Subject<KernelEvent>();
  #running: Turn | undefined;
  /** Who was switched to last, and where it gives up the CPU. */
  #last: Context;

  constructor(script: Script, cpu: number) {
    this.#script = script;
    this.cpu = cpu;
    this.#idle = script.on({ cpu, task: script.task({ pid: 0, comm: `swapper/${cpu}` }), stack: idleStack });
    this.#last = this.#idle;
    this.events = this.#subject;
  }

  /** Tasks that wait for the CPU. */
  get length(): number {
    return this.#waiting.length;
  }

  /** The idle task of the CPU: who wakes others when an interrupt does. */
  get idle(): Context {
    return this.#idle;
  }

  /** The waker wakes a task, which gets the CPU when its turn comes. Completes when it has given it up again. */
  turn(waker: Context, context: Context, options: TurnOptions): Observable<KernelEvent> {
    return new Observable((subscriber) => {
      const own = context.on({ cpu: this.cpu });
      const at = options.isNew ? { stack: forked } : (options.sleepsIn ?? usualSleep);
      for (const event of this.#wake(waker, own, options.isNew ?? false)) subscriber.next(event);
      const done = () => subscriber.complete();
      this.#waiting.push({ ...options, context: own, at, left: options.takes, done });
      if (this.#running === undefined && this.#waiting.length === 1)
        this.#later(idleExit, () => this.#next(states.running));
    });
  }

  #wake(waker: Context, woken: Context, isNew: boolean): KernelEvent[] {
    const { task } = woken;
    if (isNew) return [waker.wakeupNew(task, this.cpu)];
    const args = { p: waker.world.reference(task), state: 3, wake_flags: 0 };
    const inside = waker.on({ stack: waker.world.stacks.push(waker.stack, 'try_to_wake_up+0x1f5') });
    return [
      waker.entry('try_to_wake_up', args),
      inside.waking(task, this.cpu),
      inside.wakeup(task, {}, this.cpu),
      waker.exit('try_to_wake_up', 1),
    ];
  }

  /** The next that waits gets the CPU, or the idle task does. */
  #next(state: number): void {
    const turn = this.#waiting.shift();
    this.#running = turn;
    this.#switchTo(turn?.context.on(turn.at) ?? this.#idle, state);
    if (turn !== undefined) this.#run(turn, 0);
  }

  #switchTo(next: Context, state: number): void {
    const before = this.#last;
    if (before.task === next.task) return;
    this.#last = next;
    const { world } = next;
    this.#subject.next(before.on({ stack: world.stacks.push(before.stack, inSchedule) }).switchTo(next.task, state));
    if (!next.has(taskSwitched)) return;
    // A new task has not called schedule: the kernel made it a stack that returns through schedule_tail.
    const stack = next.stack === forked ? forked : world.stacks.push(next.stack, inSchedule);
    const inside = next.on({ stack });
    this.#subject.next(inside.entry(taskSwitched, { prev: world.reference(before.task) }));
    this.#subject.next(inside.exit(taskSwitched, 0));
  }

  /** A grain of its time. `spent` is how much of its slice is gone. */
  #run(turn: Turn, spent: Nanoseconds): void {
    if (turn.left <= 0) {
      this.#finish(turn);
      return;
    }
    if (spent >= slice && this.#waiting.length > 0) {
      this.#last = turn.context.on(turn.at);
      this.#waiting.push(turn);
      this.#next(states.running);
      return;
    }
    const span = Math.min(grain, turn.left);
    const place = turn.where?.() ?? {};
    turn.at = { ...place, stack: preempted };
    this.#subject.next(turn.context.on({ stack: [], ...place }).runs(span));
    this.#later(span, () => {
      turn.left -= span;
      this.#run(turn, spent >= slice ? span : spent + span);
    });
  }

  #finish(turn: Turn): void {
    const leave = () => {
      this.#last = turn.context.on(turn.ends === true ? { stack: died } : (turn.sleepsIn ?? usualSleep));
      this.#next(turn.ends === true ? states.dead : states.sleeping);
      turn.done();
    };
    if (turn.course === undefined) leave();
    else {
      turn.course.subscribe({
        next: (event) => this.#subject.next(event),
        error: (fault: unknown) => this.#subject.error(fault),
        complete: leave,
      });
    }
  }

  #later(delay: Nanoseconds, work: () => void): void {
    this.#script.scheduler.schedule(work, delay);
  }
}
