import { errno } from '../../base/index.ts';
import type { Task } from '../../events/index.ts';
import { kernelSpace } from '../../memory/index.ts';
import type { HelperEnvironment } from '../helpers/index.ts';
import { parentOf } from '../objects/tasks.ts';
import type { KfuncBodies } from './index.ts';

/** BPF_MAX_LOOPS (include/linux/bpf.h) */
const mostLoops = 8 << 20;
/** BPF_TASK_ITER_ALL_PROCS, _ALL_THREADS, _PROC_THREADS (kernel/bpf/task_iter.c) */
const taskFlags = { processes: 0, threads: 1, threadsOfOne: 2 } as const;

/**
 * Iterators that lie on a program's stack (kernel/bpf/bpf_iter.c, task_iter.c).
 *
 *   bpf_iter_num: +0 s32 current +4 s32 end; what next gives is a pointer to the first
 *   bpf_iter_task: +0 u64 how many were given, for the walk that is kept here
 */
export function iteratorKfuncs({ memory, tasks, current }: HelperEnvironment): KfuncBodies {
  /** Walks over tasks by the place of their iterator; one that is never destroyed is one of a program that trapped. */
  const walks = new Map<number, readonly Task[]>();

  function listed(flags: number, of: Task | undefined): Task[] | undefined {
    const known = [swapper(current.task), ...current.known.values()];
    if (flags === taskFlags.threads) return known;
    if (flags === taskFlags.processes) return known.filter(({ pid, tgid }) => pid === tgid);
    if (flags !== taskFlags.threadsOfOne || of === undefined) return undefined;
    const threads = known.filter(({ tgid }) => tgid === of.tgid);
    return threads.includes(of) ? threads : [of, ...threads];
  }

  return {
    bpf_iter_num_new(window) {
      const at = window.low(1) >>> 2;
      const start = window.low(2) | 0;
      const end = window.low(3) | 0;
      const status = start > end ? -errno.EINVAL : end - start > mostLoops ? -errno.E2BIG : 0;
      memory.i32[at] = status === 0 ? start - 1 : 0;
      memory.i32[at + 1] = status === 0 ? end : 0;
      window.answer(status);
    },
    bpf_iter_num_next(window) {
      const at = window.low(1) >>> 2;
      const next = (memory.i32[at] as number) + 1;
      const isOver = next >= (memory.i32[at + 1] as number);
      memory.i32[at] = isOver ? 0 : next;
      if (isOver) memory.i32[at + 1] = 0;
      window.answerPointer(isOver ? 0 : window.low(1));
    },
    bpf_iter_num_destroy(window) {
      memory.setNumber(window.low(1), 0);
      window.answer(0);
    },
    bpf_iter_task_new(window) {
      const of = window.high(2) === kernelSpace ? tasks.taskAt(window.low(2)) : undefined;
      const list = listed(window.low(3), of);
      memory.setNumber(window.low(1), 0);
      walks.set(window.low(1), list ?? []);
      window.answer(list === undefined ? -errno.EINVAL : 0);
    },
    bpf_iter_task_next(window) {
      const at = window.low(1);
      const index = memory.u32[at >>> 2] as number;
      const task = walks.get(at)?.[index];
      memory.setNumber(at, index + 1);
      window.answerPointer(task === undefined ? 0 : tasks.address(task));
    },
    bpf_iter_task_destroy(window) {
      walks.delete(window.low(1));
      window.answer(0);
    },
  };
}

/** The first task of all, from which every line of parents comes. */
function swapper(task: Task): Task {
  let first = task;
  while (parentOf(first) !== first) first = parentOf(first);
  return first;
}
