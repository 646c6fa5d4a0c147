import { errno } from '../../base/index.ts';
import type { Task } from '../../events/index.ts';
import { pageSize, userSpace } from '../../memory/index.ts';
import type { CallWindow } from '../../vm/index.ts';
import { isKernelThread } from '../objects/tasks.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/**
 * Reads of memory that may not be there (kernel/trace/bpf_trace.c, mm/maccess.c). What cannot be read fills the target
 * with zeros. A pointer is looked at before it is followed: each kind of read has a rule for it, which answers 0 where
 * something may be, -ERANGE for what is no address of the kernel, -EFAULT for what is none of user space.
 */
type Rule = (high: number, low: number, size: number) => number;

/** Bits 47 to 63 of a canonical address of the kernel. */
const kernelTop = 0x1ffff;
/** TASK_SIZE_MAX: the last page of user space's half belongs to nobody. */
const taskSize = { high: 0x7fff, low: 0xffff_f000 } as const;
/** VSYSCALL_ADDR: user space's, though it lies among the kernel's. */
const vsyscall = { high: -1, low: -0xa0_0000 } as const;

/** copy_from_kernel_nofault_allowed (arch/x86/mm/maccess.c) */
const fromKernel: Rule = (high, low) => {
  const isVsyscall = (high | 0) === vsyscall.high && (low & -pageSize) === vsyscall.low;
  return high >>> 15 === kernelTop && !isVsyscall ? 0 : -errno.ERANGE;
};
/** access_ok: nothing is read from any address up to the last. */
const fromUser: Rule = (high, low, size) => {
  const isSome = size === 0 ? isBelow(high, low, taskSize.low + 1) : high >>> 0 === userSpace;
  return isSome ? 0 : -errno.EFAULT;
};
/** bpf_probe_read_compat: the address tells. */
const fromEither: Rule = (high, low, size) =>
  isBelow(high, low, taskSize.low) ? fromUser(high, low, size) : fromKernel(high, low, size);

function isBelow(high: number, low: number, lowEnd: number): boolean {
  const top = high >>> 0;
  return top < taskSize.high || (top === taskSize.high && low >>> 0 < lowEnd);
}

export function probeReadHelpers(environment: HelperEnvironment): HelperBodies {
  const { current, tasks, userMemory } = environment;

  /** Into the memory of the task that is current; kernel threads have none. */
  function write(window: CallWindow): number {
    const length = window.low(3);
    if (isKernelThread(current.task) || window.high(1) !== userSpace) return -errno.EPERM;
    return window.isMapped(2, length) ? userMemory.write(window.low(1), window.low(2), length) : -errno.EFAULT;
  }

  return {
    probe_read: (window) => read(environment, window, fromEither),
    probe_read_kernel: (window) => read(environment, window, fromKernel),
    probe_read_user: (window) => read(environment, window, fromUser),
    probe_read_str: (window) => readString(environment, window, fromEither),
    probe_read_kernel_str: (window) => readString(environment, window, fromKernel),
    probe_read_user_str: (window) => readString(environment, window, fromUser),
    copy_from_user: (window) => read(environment, window, fromUser),
    copy_from_user_task(window) {
      if (!window.isZero(5)) window.answer(-errno.EINVAL);
      else if (window.low(2) === 0) window.answer(0);
      else read(environment, window, fromUser, tasks.taskAt(window.low(4)));
    },
    probe_write_user: (window) => window.answer(write(window)),
  };
}

/** @param whose the task in whose memory user addresses lie */
function read(
  { memory, userMemory, current }: HelperEnvironment,
  window: CallWindow,
  rule: Rule,
  whose: Task | undefined = current.task,
): void {
  const target = window.low(1);
  const size = window.low(2);
  if (!window.isWritable(1, size)) {
    window.answer(-errno.EFAULT);
    return;
  }
  // As an int32: a number beyond 2^31 is made anew for each call that it is handed to.
  const high = window.high(3) | 0;
  const fault = rule(high, window.low(3) | 0, size);
  if (fault === 0 && high === userSpace) window.answer(userMemory.read(whose, target, window.low(3), size));
  else if (fault === 0) window.answer(memory.guardedCopy(target, high, window.low(3), size));
  else {
    memory.u8.fill(0, target, target + size);
    window.answer(fault);
  }
}

/** Answers the length with its NUL; a text that is too long is cut, and its last byte is the NUL. */
function readString(environment: HelperEnvironment, window: CallWindow, rule: Rule): void {
  const { memory } = environment;
  const target = window.low(1);
  const size = window.low(2);
  if (!window.isWritable(1, size)) {
    window.answer(-errno.EFAULT);
    return;
  }
  if (size === 0) {
    window.answer(0);
    return;
  }
  const high = window.high(3) | 0;
  const fault = rule(high, window.low(3) | 0, size);
  const length = fault === 0 ? copyString(environment, target, high, window.low(3), size) : 0;
  if (length > 0) window.answer(length);
  else {
    memory.u8.fill(0, target, target + size);
    window.answer(fault === 0 ? -errno.EFAULT : fault);
  }
}

/** Returns the bytes written, or 0 when a byte before the NUL is not mapped. */
function copyString(environment: HelperEnvironment, to: number, high: number, low: number, size: number): number {
  const { memory, userMemory } = environment;
  const { u8 } = memory;
  let from = -1;
  for (let length = 0; length < size; length++) {
    const address = low + length;
    if (from < 0 || (address & (pageSize - 1)) === 0) {
      from = high === userSpace ? userMemory.at(address) : memory.isMapped(high, address, 1) ? address : -1;
      if (from < 0) return 0;
    }
    const byte = u8[from++] as number;
    u8[to + length] = byte;
    if (byte === 0) return length + 1;
  }
  u8[to + size - 1] = 0;
  return size;
}
