import { errno } from '../../base/index.ts';
import { type BpfMap, FdArray } from '../../maps/index.ts';
import { type Cgroup, CgroupResource } from '../processes/cgroups.ts';
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
    current_task_under_cgroup: (window) =>
      window.answer(isUnder(cgroups.of(current.task), maps.get(window.low(1)), window.low(2))),
  };
}

/** Whether a cgroup is, or lies below, the one that an element of a cgroup_array is: 1, 0, or a negative errno. */
export function isUnder(cgroup: Cgroup, array: BpfMap | undefined, index: number): number {
  if (!(array instanceof FdArray)) return -errno.EINVAL;
  if (index >= array.shape.maxEntries) return -errno.E2BIG;
  const item = array.item(index);
  if (!(item instanceof CgroupResource)) return -errno.EAGAIN;
  return cgroup.line.includes(item.cgroup) ? 1 : 0;
}
