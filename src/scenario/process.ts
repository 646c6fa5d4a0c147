/**
 * The life of a process as tracers see it: fork, exec, opens, signals, exit (kernel/fork.c, fs/exec.c, fs/open.c,
 * kernel/signal.c, kernel/exit.c).
 */
import { type Nanoseconds, us } from '../base/index.ts';
import { type Argument, type KernelEvent, type Task, taskOf, type UserMemory } from '../events/index.ts';
import type { CallTree, Inside } from './call.ts';
import type { Context } from './context.ts';
import { syscallStack } from './syscall.ts';

/** CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD: what fork() of glibc asks for. */
const forkFlags = 0x01200011;
const currentDirectory = -100;

export interface ExecOptions {
  readonly argv: readonly string[];
  /** The environment, as `NAME=value`; PATH alone when absent. */
  readonly envp?: readonly string[];
  /** The name that the task has from then on; the last part of the path when absent. */
  readonly comm?: string;
  /** ns; 600 us when absent. */
  readonly takes?: Nanoseconds;
  /** A negative errno when it fails: the task stays what it was. */
  readonly returns?: number;
}

export interface OpenOptions {
  /** The system call; openat when absent. */
  readonly by?: 'open' | 'openat' | 'openat2';
  /** O_*, 0 is O_RDONLY. */
  readonly flags?: number;
  /** Of a file that is made. */
  readonly mode?: number;
  /** A descriptor or a negative errno; 3 when absent. */
  readonly returns?: number;
  /** ns; 6 us when absent. */
  readonly takes?: Nanoseconds;
}

function user(content: UserMemory['content']): UserMemory {
  return { object: 'user', content };
}

/** clone(2) as fork(3) calls it: the child is made and woken. */
export function fork(context: Context, child: Task, takes: Nanoseconds = us(180)): CallTree {
  const { task, world } = context;
  const made: Inside = (inside) => {
    const names = { parent_comm: task.comm, parent_pid: task.pid, child_comm: child.comm, child_pid: child.pid };
    const raw = { parent: world.reference(task), child: world.reference(child) };
    return [
      ...inside.tracepointKnown('task:task_newtask', {
        pid: child.pid,
        comm: child.comm,
        clone_flags: forkFlags,
        oom_score_adj: 0,
      }),
      inside.tracepoint('sched:sched_process_fork', names, {}, raw),
    ];
  };
  const wake = context.call('wake_up_new_task', { p: world.reference(child) }, { takes: us(3) }, [
    (inside) => inside.wakeupNew(child),
  ]);
  return context.syscall('clone', { clone_flags: forkFlags }, { takes, returns: child.pid }, [made, wake]);
}

/** execve(2): the task becomes another program, under another name. @returns the call, and the task as it then is */
export function exec(
  context: Context,
  path: string,
  options: ExecOptions,
): { readonly call: CallTree; readonly task: Task } {
  const { task, world } = context;
  const { argv, envp: environment = ['PATH=/usr/bin:/bin'], takes = us(600), returns = 0 } = options;
  const filename = user(path);
  const args = { filename, argv: user([...argv.map(user), null]), envp: user([...environment.map(user), null]) };
  if (returns !== 0) return { call: context.syscall('execve', args, { takes, returns }), task };
  const comm = options.comm ?? path.slice(path.lastIndexOf('/') + 1);
  const program = { path, argv, envp: environment };
  const later = taskOf({ ...task, comm, program, identity: task.identity ?? task });
  const bprm = { object: 'struct', type: 'linux_binprm', fields: { filename: path } } as const;
  const become: Inside = (inside) => {
    const own = inside.on({ task: later });
    return [
      inside.tracepoint('task:task_rename', { pid: task.pid, oldcomm: task.comm, newcomm: later.comm }),
      own.change(later),
      own.tracepoint(
        'sched:sched_process_exec',
        { filename: path, pid: task.pid, old_pid: task.pid },
        {},
        {
          p: world.reference(later),
          old_pid: task.pid,
          bprm,
        },
      ),
    ];
  };
  const checked = context.callKnown('bpf_lsm_bprm_check_security', { bprm }, { after: 0 });
  const call = context.syscall('execve', args, { takes, returnsIn: later }, [...checked, become]);
  return { call, task: later };
}

/** open(2), openat(2) or openat2(2). */
export function open(context: Context, path: string, options: OpenOptions = {}): CallTree {
  const { by = 'openat', flags = 0, mode = 0, returns = 3, takes = us(6) } = options;
  const filename = user(path);
  const how = user(howBytes(flags, mode));
  const opening = context.call(
    'do_sys_openat2',
    { dfd: currentDirectory, filename, how: { object: 'struct', type: 'open_how', fields: { flags, mode } } },
    { takes: Math.max(0, takes - us(0.4)), returns },
    context.callKnown(
      'do_filp_open',
      { dfd: currentDirectory },
      { takes: Math.max(0, takes - us(1.4)) },
      asked(context, path, returns),
    ),
  );
  const args: Record<string, Argument> = { filename };
  if (by !== 'open') args.dfd = currentDirectory;
  if (by === 'openat2') {
    args.how = how;
    args.usize = 24;
  } else {
    args.flags = flags;
    args.mode = mode;
  }
  return context.syscall(by, args, { takes, returns }, [opening]);
}

/** The security modules are asked about a file that is there. */
function asked(context: Context, path: string, returns: number): CallTree[] {
  if (returns < 0) return [];
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dentry = {
    object: 'struct',
    type: 'dentry',
    fields: { 'd_name.name': name, 'd_name.len': name.length },
  } as const;
  const file = { object: 'struct', type: 'file', fields: { 'f_path.dentry': dentry } } as const;
  return context.callKnown('bpf_lsm_file_open', { file });
}

/** struct open_how (include/uapi/linux/openat2.h): u64 flags, u64 mode, u64 resolve. */
function howBytes(flags: number, mode: number): Uint8Array {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, flags, true);
  view.setUint32(8, mode, true);
  return bytes;
}

/** kill(2). With a negative errno nothing is sent: -3 ESRCH, -1 EPERM. */
export function kill(context: Context, target: Task, signal: number, returns = 0): CallTree {
  const sent: Inside = (inside) => {
    const fields = { sig: signal, errno: 0, code: 0, comm: target.comm, pid: target.pid, group: 1, result: 0 };
    return inside.tracepoint('signal:signal_generate', fields);
  };
  const allowed = context.callKnown(
    'bpf_lsm_task_kill',
    { p: context.world.reference(target), sig: signal },
    { after: 0 },
  );
  const nested = returns !== 0 ? [] : [...allowed, ...(signal !== 0 ? [sent] : [])];
  return context.syscall('kill', { pid: target.pid, sig: signal }, { takes: us(4), returns }, nested);
}

/** How a process ends: with a code of its own, or by a signal. */
export type ExitCause = { readonly code: number } | { readonly signal: number };

/** exit_group(2), or a signal that kills: the task's last events. Its call does not return. */
export function exitProcess(context: Context, cause: ExitCause = { code: 0 }): readonly KernelEvent[] {
  const { task, world } = context;
  const exitCode = 'code' in cause ? (cause.code & 0xff) << 8 : cause.signal;
  const later: Task = { ...task, identity: task.identity ?? task, fields: { ...task.fields, exit_code: exitCode } };
  const call = context.stack.length > 0 ? context : context.on({ stack: syscallStack });
  const inside = call.on({ task: later, stack: world.stacks.push(call.stack, '__x64_sys_exit_group+0x18') });
  const entered =
    'code' in cause
      ? [
          ...context.tracepointKnown('raw_syscalls:sys_enter', { id: world.syscall('exit_group').number }),
          ...context.tracepointKnown('syscalls:sys_enter_exit_group', {
            __syscall_nr: world.syscall('exit_group').number,
            error_code: cause.code,
          }),
          call.entry('__x64_sys_exit_group', { error_code: cause.code }),
        ]
      : [];
  const whole = world.exitTellsGroup ? { group_dead: 1 } : {};
  return [
    ...entered,
    inside.entry('do_exit', { code: exitCode }),
    inside.change(later),
    ...inside.tracepointKnown(
      'sched:sched_process_exit',
      { comm: task.comm, pid: task.pid, prio: 120, ...whole },
      {},
      {
        p: world.reference(later),
        ...whole,
      },
    ),
  ];
}
