import { Random, sec } from '../../src/base/index.ts';
import type { KernelProfile, TracepointField, TracepointFormat } from '../../src/btf/index.ts';
import type { KernelEvent } from '../../src/events/index.ts';
import { createScheduler, type Scenario, type Stage } from '../../src/scenario/index.ts';

function format(name: string, names: string[]): TracepointFormat {
  const fields = names.map((field, index): TracepointField => {
    return { name: field, type: 'long', offset: 8 + index * 8, size: 8, signed: true, length: 0, dynamic: false };
  });
  return { name, id: 1, fields, print: '', size: 8 + names.length * 8 };
}

/** A kernel that knows what these tests name, and nothing else. */
export function smallProfile(options: { dropFunction?: string; reasons?: Record<string, number> } = {}): KernelProfile {
  const dropFunction = options.dropFunction ?? 'sk_skb_reason_drop';
  const drop = ['skbaddr', 'location', ...(dropFunction === 'sk_skb_reason_drop' ? ['rx_sk'] : []), 'protocol'];
  const formats = new Map(
    [
      format('skb:kfree_skb', dropFunction === 'kfree_skb' ? drop : [...drop, 'reason']),
      format('sched:sched_switch', ['prev_pid', 'next_pid']),
      format('raw_syscalls:sys_enter', ['id', 'args']),
      format('raw_syscalls:sys_exit', ['id', 'ret']),
      format('syscalls:sys_enter_openat', ['__syscall_nr', 'dfd', 'filename', 'flags', 'mode']),
      format('syscalls:sys_exit_openat', ['__syscall_nr', 'ret']),
    ].map((one) => [one.name, one]),
  );
  const reasons = options.reasons ?? { NO_SOCKET: 3, NETFILTER_DROP: 12 };
  const unused = (): never => {
    throw new Error('not known to the small profile');
  };
  return {
    name: 'small',
    release: '0.0.0',
    btf: {
      count: 0,
      type: unused,
      find: () => undefined,
      strip: unused,
      sizeOf: unused,
      print: unused,
      member: () => undefined,
      functionPrototype: (name) => (name === dropFunction ? { name, params: [], returns: 0 } : undefined),
      functionNames: () => [dropFunction],
      enumerator: () => undefined,
    },
    tracepoint: (name) => formats.get(name),
    tracepointNames: () => formats.keys(),
    constant: () => undefined,
    constantNames: () => [],
    dropReasonName: (value) => Object.entries(reasons).find(([, number]) => number === value)?.[0],
    dropReasonValue: (name) => reasons[name],
  };
}

export function stage(options: Partial<Stage> = {}): Stage {
  return {
    profile: options.profile ?? smallProfile(),
    random: options.random ?? new Random(1),
    cpus: options.cpus ?? 2,
    duration: options.duration ?? sec(60),
    scheduler: options.scheduler ?? createScheduler(),
    ...(options.passed === undefined ? {} : { passed: options.passed }),
  };
}

/** All events up to the stage's end. */
export function play(scenario: Scenario, on: Stage = stage()): KernelEvent[] {
  const events: KernelEvent[] = [];
  let failure: unknown;
  const playing = scenario.events(on).subscribe({
    next: (event) => events.push(event),
    error: (error: unknown) => {
      failure = error;
    },
  });
  on.scheduler.advanceTo(on.duration);
  playing.unsubscribe();
  if (failure !== undefined) throw failure;
  return events;
}
