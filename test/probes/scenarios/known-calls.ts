import { type Context, defineScenario, ms, sec, us } from 'tracebed';

/**
 * Two seconds of system calls. First: node's two threads read three times, 10 us each, and one write of theirs fails
 * with EPIPE (-32) after 50 us; sh, a child of bash, has openat fail with ENOENT twice, 4 us each, and then kill with
 * ESRCH, 1 us. Then one getpid of sh, 500 ns.
 */
export default defineScenario({
  name: 'known-calls',
  summary: 'reads, a write, opens and a kill that fail',
  cpus: 1,
  duration: sec(2),
  events: ({ on, task, after, quiet, concurrently, sequence }) => {
    const bash = task({ pid: 400, comm: 'bash' });
    const leader = task({ pid: 500, comm: 'node' });
    const main = on({ task: leader, cpu: 0 });
    const worker = on({ task: task({ pid: 501, tgid: 500, comm: 'worker', leader }), cpu: 0 });
    const shell = on({ task: task({ pid: 600, comm: 'sh', parent: bash }), cpu: 0 });
    const call = (who: Context, name: string, takes: number, returns: number) =>
      who.syscall(name, {}, { takes, returns });
    return concurrently(
      quiet(sec(2)),
      after(
        ms(100),
        sequence(
          call(main, 'read', us(10), 100),
          call(worker, 'read', us(10), 100),
          call(worker, 'read', us(10), 0),
          call(worker, 'write', us(50), -32),
          call(shell, 'openat', us(4), -2),
          call(shell, 'openat', us(4), -2),
          call(shell, 'kill', us(1), -3),
        ),
      ),
      after(ms(1100), call(shell, 'getpid', 500, 600)),
    );
  },
});
