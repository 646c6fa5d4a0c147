import { errno } from '../../base/index.ts';
import { type Memory, pageSize, userSpace } from '../../memory/index.ts';
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

export function probeReadHelpers({ memory, current, userTexts }: HelperEnvironment): HelperBodies {
  /** Into the memory of the task that is current; kernel threads have none. */
  function write(window: CallWindow): number {
    const target = window.low(1);
    const length = window.low(3);
    if (isKernelThread(current.task) || window.high(1) !== userSpace) return -errno.EPERM;
    if (!memory.isMapped(userSpace, target, length) || !window.isMapped(2, length)) {
      return -errno.EFAULT;
    }
    // What stood there is another text from now on.
    userTexts.disown(target, length);
    memory.u8.copyWithin(target, window.low(2), window.low(2) + length);
    return 0;
  }

  return {
    probe_read: (window) => read(memory, window, fromEither),
    probe_read_kernel: (window) => read(memory, window, fromKernel),
    probe_read_user: (window) => read(memory, window, fromUser),
    probe_read_str: (window) => readString(memory, window, fromEither),
    probe_read_kernel_str: (window) => readString(memory, window, fromKernel),
    probe_read_user_str: (window) => readString(memory, window, fromUser),
    copy_from_user: (window) => read(memory, window, fromUser),
    copy_from_user_task(window) {
      if (!window.isZero(5)) window.answer(-errno.EINVAL);
      else if (window.low(2) === 0) window.answer(0);
      else read(memory, window, fromUser);
    },
    probe_write_user: (window) => window.answer(write(window)),
  };
}

function read(memory: Memory, window: CallWindow, rule: Rule): void {
  const target = window.low(1);
  const size = window.low(2);
  if (!window.isWritable(1, size)) {
    window.answer(-errno.EFAULT);
    return;
  }
  // As an int32: a number beyond 2^31 is made anew for each call that it is handed to.
  const high = window.high(3) | 0;
  const fault = rule(high, window.low(3) | 0, size);
  if (fault === 0) window.answer(memory.guardedCopy(target, high, window.low(3), size));
  else {
    memory.u8.fill(0, target, target + size);
    window.answer(fault);
  }
}

/** Answers the length with its NUL; a text that is too long is cut, and its last byte is the NUL. */
function readString(memory: Memory, window: CallWindow, rule: Rule): void {
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
  const length = fault === 0 ? copyString(memory, target, high, window.low(3), size) : 0;
  if (length > 0) window.answer(length);
  else {
    memory.u8.fill(0, target, target + size);
    window.answer(fault === 0 ? -errno.EFAULT : fault);
  }
}

/** Returns the bytes written, or 0 when a byte before the NUL is not mapped. */
function copyString(memory: Memory, target: number, high: number, source: number, size: number): number {
  const { u8 } = memory;
  let mapped = source;
  for (let length = 0; length < size; length++) {
    const at = source + length;
    if (at >= mapped) {
      if (!memory.isMapped(high, at, 1)) return 0;
      mapped = (Math.floor(at / pageSize) + 1) * pageSize;
    }
    const byte = u8[at] as number;
    u8[target + length] = byte;
    if (byte === 0) return length + 1;
  }
  u8[target + size - 1] = 0;
  return size;
}
