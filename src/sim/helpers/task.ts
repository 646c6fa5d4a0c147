import { errno } from '../../base/index.ts';
import { kernelSpace } from '../../memory/index.ts';
import type { Helper } from '../../vm/index.ts';
import { commSize } from '../objects/tasks.ts';
import { codeHigh } from '../symbols.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** The task that is current, and the function that is probed. */
export function taskHelpers({ memory, current, tasks }: HelperEnvironment): HelperBodies {
  const currentTask: Helper = (window) => window.answerHalves(kernelSpace | 0, tasks.address(current.task));
  return {
    get_current_pid_tgid: (window) => window.answerHalves(current.task.tgid, current.task.pid),
    get_current_uid_gid: (window) => window.answerHalves(current.task.gid, current.task.uid),
    get_current_task: currentTask,
    get_current_task_btf: currentTask,
    /** Cut to size - 1 bytes, padded with NULs: strscpy_pad. */
    get_current_comm(window) {
      const target = window.low(1);
      const size = window.low(2);
      if (size === 0 || !memory.isWritable(window.high(1), target, size)) {
        window.answer(-errno.EINVAL);
        return;
      }
      const { u8 } = memory;
      const length = Math.min(size - 1, commSize);
      u8.copyWithin(target, tasks.comm(current.task), tasks.comm(current.task) + length);
      u8.fill(0, target + length, target + size);
      window.answer(0);
    },
    /** The entry of the function that a kprobe or kretprobe is in; 0 for other programs. */
    get_func_ip: (window) => window.answerHalves(current.function === 0 ? 0 : codeHigh | 0, current.function),
  };
}
