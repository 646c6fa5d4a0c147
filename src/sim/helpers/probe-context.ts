import { errno } from '../../base/index.ts';
import { identityOf } from '../../events/index.ts';
import { kernelSpace, type Memory } from '../../memory/index.ts';
import type { CallWindow } from '../../vm/index.ts';
import { registerOffsets, userCode, userData, usualFlags } from '../contexts/registers.ts';
import { argumentsHead, type CpuMemory, registersSize } from '../machine/current.ts';
import { SamplingLink } from '../points/sampling.ts';
import { counterValueSize, writeCounterValue } from './counter.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** BPF_F_GET_BRANCH_RECORDS_SIZE */
const branchRecordsSize = 1;

/** What a probe's program asks of its own context and link (kernel/trace/bpf_trace.c). */
export function probeContextHelpers(environment: HelperEnvironment): HelperBodies {
  const { memory, current, tasks, userSpace } = environment;
  /** Of a task that does not run: nothing is known of them. */
  const resting = memory.allocate(registersSize);

  /** With which the current task came into the kernel: a system call's, or where its user stack stands. */
  function userRegisters(): number {
    const at = (current.cpus[current.cpu] as CpuMemory).userRegisters;
    if (current.systemCall) return at;
    memory.u8.fill(0, at, at + registersSize);
    const [low = 0, high = 0] = current.userStack.length > 0 ? userSpace.resolve(current.userStack) : [];
    memory.i32[(at + registerOffsets.ip) >>> 2] = low;
    memory.i32[((at + registerOffsets.ip) >>> 2) + 1] = high;
    memory.i32[(at + registerOffsets.cs) >>> 2] = userCode;
    memory.i32[(at + registerOffsets.ss) >>> 2] = userData;
    memory.i32[(at + registerOffsets.flags) >>> 2] = usualFlags;
    return at;
  }

  return {
    /** The entry of the function that a probe is in; 0 for other programs. */
    get_func_ip: (window) =>
      window.answerHalves(current.function === 0 ? 0 : current.functionHigh | 0, current.function),

    get_attach_cookie: (window) => window.answerHalves(current.link?.cookieHigh ?? 0, current.link?.cookieLow ?? 0),

    get_func_arg_cnt: (window) => window.answer(argumentCount(memory, window)),

    get_func_arg(window) {
      const count = argumentCount(memory, window);
      if (window.high(2) !== 0 || window.low(2) >= count) window.answer(-errno.EINVAL);
      else window.answer(copyArgument(memory, window, window.low(2), 3));
    },

    /** There is no result yet at an entry (kernel/bpf/verifier.c: do_misc_fixups). */
    get_func_ret(window) {
      const isEntry = current.link?.program.attachment?.type === 'trace_fentry';
      window.answer(isEntry ? -errno.EOPNOTSUPP : copyArgument(memory, window, argumentCount(memory, window), 2));
    },

    override_return(window) {
      const registers = window.low(1);
      const at = (registers + registerOffsets.ax) >>> 2;
      current.overrides = true;
      current.overrideLow = window.low(2) | 0;
      current.overrideHigh = window.high(2) | 0;
      memory.i32[at] = current.overrideLow;
      memory.i32[at + 1] = current.overrideHigh;
      window.answer(0);
    },

    task_pt_regs(window) {
      const own = window.high(1) === kernelSpace && tasks.taskAt(window.low(1)) === identityOf(current.task);
      window.answerPointer(own ? userRegisters() : resting);
    },

    /** No CPU here records its branches: the sample has none (perf_snapshot_branch_stack gives none either). */
    read_branch_records: (window) =>
      window.answer(window.high(4) === 0 && window.low(4) <= branchRecordsSize ? -errno.ENOENT : -errno.EINVAL),
    get_branch_snapshot: (window) => window.answer(window.isZero(3) ? -errno.ENOENT : -errno.EINVAL),

    /** The counter that the sample comes from, and for how long it has counted. */
    perf_prog_read_value(window) {
      const target = window.low(2);
      const size = window.low(3);
      const { link } = current;
      if (!window.isWritable(2, size)) window.answer(-errno.EFAULT);
      else if (size !== counterValueSize || !(link instanceof SamplingLink)) {
        memory.u8.fill(0, target, target + size);
        window.answer(-errno.EINVAL);
      } else {
        const { counter } = link;
        writeCounterValue(memory, target, counter.read(current.now), current.now - counter.began);
        window.answer(0);
      }
    },
  };
}

/** The trampoline keeps it right before the arguments. */
function argumentCount(memory: Memory, window: CallWindow): number {
  return memory.u32[(window.low(1) - argumentsHead + 8) >>> 2] as number;
}

/** Copies a u64 of the context to where an argument of the helper points. */
function copyArgument(memory: Memory, window: CallWindow, index: number, target: number): number {
  if (!window.isWritable(target, 8)) return -errno.EFAULT;
  return memory.guardedCopy(window.low(target), kernelSpace, window.low(1) + index * 8, 8);
}
