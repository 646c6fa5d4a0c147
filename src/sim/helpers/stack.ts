import { errno } from '../../base/index.ts';
import { StackTraceMap } from '../../maps/index.ts';
import { stackFlags } from '../../uapi/index.ts';
import type { CallWindow } from '../../vm/index.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** What get_stack knows (kernel/bpf/stackmap.c); BPF_F_USER_BUILD_ID only goes with BPF_F_USER_STACK. */
const stackFlagsKnown = stackFlags.skipMask | stackFlags.user | stackFlags.buildId;

/** Kernel stacks (kernel/bpf/stackmap.c). Tasks have no user stack here, as kernel threads have none: -EFAULT. */
export function stackHelpers({ memory, maps, current, stacks }: HelperEnvironment): HelperBodies {
  /** Writes at most `most` frames of the stack under way; returns how many. */
  function take(most: number): number {
    return stacks.write(current.stack, current.stackFirst, current.stackSkip, most);
  }

  function getStack(window: CallWindow): number {
    const target = window.low(2);
    const size = window.low(3);
    const flags = window.low(4);
    if (!memory.isWritable(window.high(2), target, size)) return -errno.EFAULT;
    const user = (flags & stackFlags.user) !== 0;
    const buildId = (flags & stackFlags.buildId) !== 0;
    const bad = window.high(4) !== 0 || (flags & ~stackFlagsKnown) !== 0 || (buildId && !user) || size % 8 !== 0;
    const skip = flags & stackFlags.skipMask;
    const frames = bad || user ? 0 : take(size / 8 + skip);
    if (bad || user || frames < skip) {
      memory.u8.fill(0, target, target + size);
      return bad ? -errno.EINVAL : -errno.EFAULT;
    }
    const length = (frames - skip) * 8;
    memory.u8.copyWithin(target, stacks.frames + skip * 8, stacks.frames + frames * 8);
    memory.u8.fill(0, target + length, target + size);
    return length;
  }

  return {
    get_stackid(window) {
      const map = maps.get(window.low(2));
      const flags = window.low(3);
      if (!(map instanceof StackTraceMap) || window.high(3) !== 0) window.answer(-errno.EINVAL);
      else {
        const frames = (flags & stackFlags.user) === 0 ? take(map.depth(flags)) : 0;
        window.answer(map.getStackid(stacks.frames, frames, flags));
      }
    },
    get_stack: (window) => window.answer(getStack(window)),
  };
}
