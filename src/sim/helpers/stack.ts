import { errno, fromHex } from '../../base/index.ts';
import { identityOf } from '../../events/index.ts';
import { StackTraceMap } from '../../maps/index.ts';
import { kernelSpace } from '../../memory/index.ts';
import { stackFlags } from '../../uapi/index.ts';
import type { CallWindow } from '../../vm/index.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** What get_stack knows (kernel/bpf/stackmap.c); BPF_F_USER_BUILD_ID only goes with BPF_F_USER_STACK. */
const stackFlagsKnown = stackFlags.skipMask | stackFlags.user | stackFlags.buildId;

/**
 * struct bpf_stack_build_id: +0 s32 status   +4 u8 build_id[20]   +24 u64 offset in the file, or the address itself.
 * BPF_STACK_BUILD_ID_VALID, BPF_STACK_BUILD_ID_IP.
 */
const buildIdSize = 32;
const buildIdStatus = { valid: 1, address: 2 } as const;

/** Kernel and user stacks (kernel/bpf/stackmap.c). Without a user stack, as kernel threads are: -EFAULT. */
export function stackHelpers({ memory, maps, current, stacks, userSpace, tasks }: HelperEnvironment): HelperBodies {
  /** Writes at most `most` frames of the stack under way; returns how many. */
  function take(user: boolean, most: number): number {
    if (!user) return stacks.write(current.stack, current.stackFirst, current.stackSkip, most);
    const { userStack, userFirstLow, userFirstHigh, userSkip } = current;
    return userSpace.write(userStack, userFirstLow, userFirstHigh, userSkip, most);
  }

  function getStack(window: CallWindow): number {
    const target = window.low(2);
    const size = window.low(3);
    const flags = window.low(4);
    if (!window.isWritable(2, size)) return -errno.EFAULT;
    const user = (flags & stackFlags.user) !== 0;
    const buildId = (flags & stackFlags.buildId) !== 0;
    const element = buildId ? buildIdSize : 8;
    const bad = window.high(4) !== 0 || (flags & ~stackFlagsKnown) !== 0 || (buildId && !user) || size % element !== 0;
    const skip = flags & stackFlags.skipMask;
    const frames = bad ? 0 : take(user, size / element + skip);
    if (bad || frames < skip || (user && frames === 0)) {
      memory.u8.fill(0, target, target + size);
      return bad ? -errno.EINVAL : -errno.EFAULT;
    }
    const length = (frames - skip) * element;
    if (buildId) {
      for (let index = skip; index < frames; index++) {
        writeBuildId(target + (index - skip) * buildIdSize, stacks.frames + index * 8);
      }
    } else memory.u8.copyWithin(target, stacks.frames + skip * 8, stacks.frames + frames * 8);
    memory.u8.fill(0, target + length, target + size);
    return length;
  }

  /** The address that stands at `from` as build id and offset, where its binary is known. */
  function writeBuildId(at: number, from: number): void {
    const address = memory.view.getBigUint64(from, true);
    const place = userSpace.buildId(address);
    const id = place && fromHex(place.id);
    memory.u8.fill(0, at, at + buildIdSize);
    memory.view.setInt32(at, id ? buildIdStatus.valid : buildIdStatus.address, true);
    if (id) memory.u8.set(id.subarray(0, 20), at + 4);
    memory.view.setBigUint64(at + 24, id ? BigInt(place.offset) : address, true);
  }

  return {
    get_stackid(window) {
      const map = maps.get(window.low(2));
      const flags = window.low(3);
      if (!(map instanceof StackTraceMap) || window.high(3) !== 0) window.answer(-errno.EINVAL);
      else {
        const user = (flags & stackFlags.user) !== 0;
        const frames = take(user, map.depth(flags));
        window.answer(map.getStackid(stacks.frames, frames, flags, user ? writeBuildId : undefined));
      }
    },
    get_stack: (window) => window.answer(getStack(window)),
    /** Of the current task; where another stands nobody has told: as that of a task that is gone, -EFAULT. */
    get_task_stack(window) {
      const own = window.high(1) === kernelSpace && tasks.taskAt(window.low(1)) === identityOf(current.task);
      if (own) window.answer(getStack(window));
      else if (!window.isWritable(2, window.low(3))) window.answer(-errno.EFAULT);
      else {
        memory.u8.fill(0, window.low(2), window.low(2) + window.low(3));
        window.answer(-errno.EFAULT);
      }
    },
  };
}
