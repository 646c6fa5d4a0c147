import { errno } from '../../base/index.ts';
import { FdArray } from '../../maps/index.ts';
import { CgroupResource } from '../processes/cgroups.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** The cgroup of the current task, in the hierarchy of version 2 (kernel/bpf/helpers.c, kernel/trace/bpf_trace.c). */
export function cgroupHelpers({ maps, current, cgroups }: HelperEnvironment): HelperBodies {
  return {
    get_current_cgroup_id: (window) => window.answer(cgroups.of(current.task).id),
    /** net_cls of version 1, which no task is in. */
    get_cgroup_classid: (window) => window.answer(0),
    /** 0 for a level that it does not reach down to; the root has level 0. */
    get_current_ancestor_cgroup_id(window) {
      const level = window.low(1) | 0;
      window.answer(cgroups.of(current.task).line[level]?.id ?? 0);
    },
    current_task_under_cgroup(window) {
      const array = maps.get(window.low(1));
      const index = window.low(2);
      if (!(array instanceof FdArray)) window.answer(-errno.EINVAL);
      else if (index >= array.shape.maxEntries) window.answer(-errno.E2BIG);
      else {
        const item = array.item(index);
        if (!(item instanceof CgroupResource)) window.answer(-errno.EAGAIN);
        else window.answer(cgroups.of(current.task).line.includes(item.cgroup) ? 1 : 0);
      }
    },
  };
}
