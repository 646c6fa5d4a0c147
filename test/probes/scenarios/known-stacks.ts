import { binary, defineScenario, ms, sec } from 'tracebed';

/**
 * One second of CPU time, the same at 100, 200 … 900 ms and 5 ms. CPU 0: 30 ms of solver in its inner loop, then 20 ms
 * of its second thread reading (a kernel stack upon a user stack), else idle. CPU 1: 10 ms of a kernel thread, else
 * idle. At 100 Hertz, from 10 ms on, 10 ms are one sample.
 */
const solver = binary('/usr/bin/solver', { functions: ['main', 'solve', 'step<1>', 'load'] });

export default defineScenario({
  name: 'known-stacks',
  summary: 'CPU time of known stacks',
  cpus: 2,
  duration: sec(1),
  processes: [{ pid: 500, binaries: [solver] }],
  events: (script) => {
    const { on, task, every, concurrently, after } = script;
    const first = task({ pid: 500, comm: 'solver' });
    const main = `main+0x10 [${solver.path}]`;
    const solving = on({ cpu: 0, task: first, userStack: ['step<1>+0x8', 'solve+0x20'].map(inSolver).concat(main) });
    const loading = on({
      cpu: 0,
      task: task({ pid: 501, tgid: 500, comm: 'solver', leader: first }),
      userStack: [inSolver('load+0x30'), main],
      stack: ['filemap_read+0x211', 'vfs_read+0x9f', 'do_syscall_64+0x71'],
    });
    const flusher = on({
      cpu: 1,
      task: task({ pid: 70, comm: 'kworker/1:1' }),
      stack: ['wb_writeback+0x40', 'wb_workfn+0x80', 'process_one_work+0x171', 'kthread+0xd9', 'ret_from_fork+0x30'],
    });
    return every(ms(100), () =>
      concurrently(
        after(ms(5), () => [solving.runs(ms(30)), flusher.runs(ms(10))]),
        after(ms(35), () => loading.runs(ms(20))),
      ),
    );
  },
});

function inSolver(place: string): string {
  return `${place} [${solver.path}]`;
}
