import { errno } from '../../base/index.ts';
import type { Helper } from '../../vm/index.ts';
import { namespaceDevice } from '../objects/namespaces.ts';
import { commSize } from '../objects/tasks.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** sizeof(struct bpf_pidns_info): u32 pid, u32 tgid. */
const namespaceIds = 8;

/** The task that is current. */
export function taskHelpers({ memory, current, tasks }: HelperEnvironment): HelperBodies {
  const currentTask: Helper = (window) => window.answerPointer(tasks.address(current.task));
  return {
    get_current_pid_tgid: (window) => window.answerHalves(current.task.tgid, current.task.pid),
    get_current_uid_gid: (window) => window.answerHalves(current.task.gid, current.task.uid),
    get_current_task: currentTask,
    get_current_task_btf: currentTask,
    /** Cut to size - 1 bytes, padded with NULs: strscpy_pad. */
    get_current_comm(window) {
      const target = window.low(1);
      const size = window.low(2);
      if (size === 0 || !window.isWritable(1, size)) {
        window.answer(-errno.EINVAL);
        return;
      }
      const { u8 } = memory;
      const length = Math.min(size - 1, commSize);
      u8.copyWithin(target, tasks.comm(current.task), tasks.comm(current.task) + length);
      u8.fill(0, target + length, target + size);
      window.answer(0);
    },
    /** Ids in the pid namespace of that device and inode: the one that the task is in. */
    get_ns_current_pid_tgid(window) {
      const target = window.low(3);
      const size = window.low(4);
      if (!window.isWritable(3, size)) {
        window.answer(-errno.EFAULT);
        return;
      }
      const { pid, tgid, namespace } = tasks.inside(current.task);
      const asked = window.high(1) === 0 && window.low(1) === namespaceDevice && window.high(2) === 0;
      if (size !== namespaceIds || !asked || window.low(2) !== namespace) {
        memory.u8.fill(0, target, target + size);
        window.answer(-errno.EINVAL);
        return;
      }
      memory.view.setInt32(target, pid, true);
      memory.view.setInt32(target + 4, tgid, true);
      window.answer(0);
    },
  };
}
