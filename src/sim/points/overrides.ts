import { identityOf, type KernelEvent, type Task, type TracepointEvent } from '../../events/index.ts';

/**
 * Calls whose result a program has set with override_return (kernel/trace/bpf_trace.c, lib/error-inject.c): the
 * function does not run, so nothing happens in it, and it returns what the program said. A scenario is written before
 * anyone overrides: what it says of the inside of such a call does not happen, and its result is replaced; so is that
 * of the system call that the function is the whole of.
 */
interface Call {
  function: string;
  /** Calls of the same function inside, which do not happen either. */
  inner: number;
  returns: bigint;
  /** The function has returned; its system call has not. */
  left: boolean;
}

/** Functions that may be overridden: ALLOW_ERROR_INJECTION in the sources of 6.18, and all system calls. */
const injectable: ReadonlySet<string> = new Set([
  '__add_to_page_cache_locked',
  '__filemap_add_folio',
  'btrfs_check_leaf_full',
  'btrfs_check_leaf_relaxed',
  'btrfs_check_node',
  'btrfs_cow_block',
  'btrfs_search_slot',
  'io_ctl_init',
  'open_ctree',
  'should_fail_alloc_page',
  'should_fail_bio',
  'should_fail_request',
  'should_failslab',
]);

/** Whether programs that override results may be attached to a function. */
export function isErrorInjectable(name: string): boolean {
  return injectable.has(name) || /^__(x64|ia32)_sys_\w+$/.test(name);
}

/** Whether a program may return in a function's place (check_attach_modify_return in kernel/bpf/verifier.c). */
export function isModifiable(name: string): boolean {
  return isErrorInjectable(name) || name.startsWith('security_') || name === 'update_socket_protocol';
}

export class Overrides {
  readonly #calls = new Map<Task, Call>();

  /** Whether any call is overridden: events need not ask otherwise. */
  get any(): boolean {
    return this.#calls.size > 0;
  }

  /** The function just entered returns this instead of running. */
  begin(task: Task, name: string, returns: bigint): void {
    this.#calls.set(identityOf(task), { function: name, inner: 0, returns, left: false });
  }

  /** What the call under way on a task is made to return, or undefined. */
  returnsOf(task: Task): bigint | undefined {
    return this.#calls.get(identityOf(task))?.returns;
  }

  /** The event as it happens, or null when it does not. */
  pass(event: KernelEvent): KernelEvent | null {
    const call = this.#calls.get(identityOf(event.task));
    if (call === undefined) return event;
    if (call.left) return this.#leave(event, call);
    const same = (event.kind === 'entry' || event.kind === 'exit') && event.function === call.function;
    if (!same) return null;
    if (event.kind === 'entry') {
      call.inner++;
      return null;
    }
    if (call.inner > 0) {
      call.inner--;
      return null;
    }
    if (call.function.includes('_sys_')) call.left = true;
    else this.#calls.delete(identityOf(event.task));
    return { ...event, returns: call.returns };
  }

  /** Behind the function: the tracepoints of the system call's exit tell its result; then it is over. */
  #leave(event: KernelEvent, { returns }: Call): KernelEvent {
    if (event.kind === 'tracepoint' && isSyscallExit(event)) {
      const raw = event.raw === undefined ? {} : { raw: { ...event.raw, ret: returns } };
      return { ...event, fields: { ...event.fields, ret: returns }, ...raw };
    }
    this.#calls.delete(identityOf(event.task));
    return event;
  }
}

function isSyscallExit(event: TracepointEvent): boolean {
  return event.name === 'raw_syscalls:sys_exit' || event.name.startsWith('syscalls:sys_exit_');
}
