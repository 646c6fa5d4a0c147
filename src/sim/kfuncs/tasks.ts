import type { Task } from '../../events/index.ts';
import { kernelSpace } from '../../memory/index.ts';
import type { CallWindow } from '../../vm/index.ts';
import type { HelperEnvironment } from '../helpers/index.ts';
import type { KfuncBodies } from './index.ts';

/** Tasks by their pid and what they belong to (kernel/bpf/helpers.c). A task's struct lives on: references are not counted. */
export function taskKfuncs({ current, tasks, cgroups, cgroupObjects }: HelperEnvironment): KfuncBodies {
  const answer = (window: CallWindow, task: Task | undefined): void => {
    window.answerPointer(task === undefined ? 0 : tasks.address(task));
  };
  const taskAt = (window: CallWindow, argument: number): Task | undefined =>
    window.high(argument) === kernelSpace ? tasks.taskAt(window.low(argument)) : undefined;

  return {
    bpf_task_acquire: (window) => answer(window, taskAt(window, 1)),
    bpf_task_release: (window) => window.answer(0),
    /** A task that ran since boot and has not ended. */
    bpf_task_from_pid: (window) => answer(window, current.known.get(window.low(1) | 0)),
    /** By the number that the current task's pid namespace has for it. */
    bpf_task_from_vpid(window) {
      const wanted = window.low(1) | 0;
      const { namespace } = tasks.inside(current.task);
      for (const task of current.known.values()) {
        const inside = tasks.inside(task);
        if (inside.namespace === namespace && inside.pid === wanted) {
          answer(window, task);
          return;
        }
      }
      answer(window, undefined);
    },
    bpf_task_under_cgroup(window) {
      const task = taskAt(window, 1);
      const cgroup = window.high(2) === kernelSpace ? cgroupObjects.cgroupAt(window.low(2)) : undefined;
      const isUnder = task !== undefined && cgroup !== undefined && cgroups.of(task).line.includes(cgroup);
      window.answer(isUnder ? 1 : 0);
    },
    /** No task is in a hierarchy of version 1. */
    bpf_task_get_cgroup1: (window) => window.answer(0),
  };
}
