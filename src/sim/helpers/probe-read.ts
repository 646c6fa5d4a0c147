import { errno } from '../../base/index.ts';
import { kernelSpace, type Memory, pageSize, userSpace } from '../../memory/index.ts';
import type { CallWindow } from '../../vm/index.ts';
import { isKernelThread } from '../objects/tasks.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/**
 * Reads of memory that may not be there (kernel/trace/bpf_trace.c, mm/maccess.c). A fault fills the target with
 * zeros and answers -EFAULT. `probe_read` and `probe_read_str` take the space from the address, as on x86.
 */
type Space = typeof kernelSpace | typeof userSpace | 'either';

export function probeReadHelpers({ memory, current, userTexts }: HelperEnvironment): HelperBodies {
  /** Into the memory of the task that is current; kernel threads have none. */
  function write(window: CallWindow): number {
    const target = window.low(1);
    const length = window.low(3);
    if (isKernelThread(current.task) || window.high(1) !== userSpace) return -errno.EPERM;
    if (!memory.isMapped(userSpace, target, length) || !memory.isMapped(window.high(2), window.low(2), length)) {
      return -errno.EFAULT;
    }
    // What stood there is another text from now on.
    userTexts.disown(target, length);
    memory.u8.copyWithin(target, window.low(2), window.low(2) + length);
    return 0;
  }

  return {
    probe_read: (window) => read(memory, window, 'either'),
    probe_read_kernel: (window) => read(memory, window, kernelSpace),
    probe_read_user: (window) => read(memory, window, userSpace),
    probe_read_str: (window) => readString(memory, window, 'either'),
    probe_read_kernel_str: (window) => readString(memory, window, kernelSpace),
    probe_read_user_str: (window) => readString(memory, window, userSpace),
    copy_from_user: (window) => read(memory, window, userSpace),
    copy_from_user_task(window) {
      if (!window.isZero(5)) window.answer(-errno.EINVAL);
      else if (window.low(2) === 0) window.answer(0);
      else read(memory, window, userSpace);
    },
    probe_write_user: (window) => window.answer(write(window)),
  };
}

function read(memory: Memory, window: CallWindow, space: Space): void {
  const target = window.low(1);
  const size = window.low(2);
  if (!memory.isWritable(window.high(1), target, size)) {
    window.answer(-errno.EFAULT);
    return;
  }
  const high = window.high(3);
  // A source of the wrong space is a fault as any other: address 0 is never mapped.
  if (space === 'either' || space === high) window.answer(memory.guardedCopy(target, high, window.low(3), size));
  else window.answer(memory.guardedCopy(target, 0, 0, size));
}

/** Answers the length with its NUL; a text that is too long is cut, and its last byte is the NUL. */
function readString(memory: Memory, window: CallWindow, space: Space): void {
  const target = window.low(1);
  const size = window.low(2);
  if (!memory.isWritable(window.high(1), target, size)) {
    window.answer(-errno.EFAULT);
    return;
  }
  if (size === 0) {
    window.answer(0);
    return;
  }
  const high = window.high(3);
  const length = space === 'either' || space === high ? copyString(memory, target, high, window.low(3), size) : 0;
  if (length === 0) memory.u8.fill(0, target, target + size);
  window.answer(length === 0 ? -errno.EFAULT : length);
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
