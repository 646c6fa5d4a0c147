import { Disk, defineScenario, ms, sec, us } from 'tracebed';

/**
 * Two seconds of known block I/O: on one disk cat reads 4 KiB and the 8 KiB behind them, and the journal writes
 * elsewhere; on the other the flusher writes 64 KiB that wait for 2 ms, and a flush takes 20 ms.
 */
export default defineScenario({
  name: 'five-requests',
  summary: 'two reads, two writes and a flush, on two disks',
  cpus: 1,
  duration: sec(2),
  events: (script) => {
    const { on, task, after, concurrently, quiet } = script;
    const fast = new Disk(script, { name: 'nvme0n1', major: 259, minor: 0 });
    const slow = new Disk(script, { name: 'sda', major: 8, minor: 0 });
    const cat = on({ task: task({ pid: 501, tgid: 500, comm: 'cat', uid: 1000 }), cpu: 0 });
    const flusher = on({ task: task({ pid: 60, comm: 'kworker/u2:1', kernelThread: true }), cpu: 0 });
    const journal = on({ task: task({ pid: 70, comm: 'jbd2/nvme0n1p2', kernelThread: true }), cpu: 0 });
    return concurrently(
      quiet(sec(2)),
      after(ms(100), () => fast.submit(cat, { operation: 'read', sector: 1000, bytes: 4096, takes: us(100) })),
      after(ms(200), () =>
        fast.submit(cat, { operation: 'read', flags: ['ahead'], sector: 1008, bytes: 8192, takes: us(300) }),
      ),
      after(ms(300), () =>
        slow.submit(flusher, { operation: 'write', sector: 5000, bytes: 65_536, queued: ms(2), takes: ms(15) }),
      ),
      after(ms(1500), () =>
        fast.submit(journal, {
          operation: 'write',
          flags: ['sync', 'meta'],
          sector: 2000,
          bytes: 16_384,
          takes: us(50),
        }),
      ),
      after(ms(1600), () =>
        slow.submit(journal, { operation: 'flush', flags: ['preflush'], sector: 0, bytes: 0, takes: ms(20) }),
      ),
    );
  },
});
