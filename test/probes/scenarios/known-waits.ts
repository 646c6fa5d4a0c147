import { defineScenario, ms, sec, us } from 'tracebed';

/**
 * Two seconds of one CPU. Thread 501 of node is woken and waits 5 us; it is put aside for 502 of a container, which is
 * woken 2 ms before; 501 waits 3 ms for the CPU to come back. Then a new process waits 100 us, and sleeps.
 */
export default defineScenario({
  name: 'known-waits',
  summary: 'three tasks that wait 5 us, 2 ms, 3 ms and 100 us for the CPU',
  cpus: 1,
  duration: sec(2),
  events: ({ idle, on, task, after, quiet, concurrently }) => {
    const container = { pidNamespace: 4026532300, pids: { 502: 7 } };
    const thread = task({ pid: 501, tgid: 500, comm: 'node' });
    const boxed = task({ pid: 502, comm: 'boxed', container });
    const fresh = task({ pid: 503, comm: 'fresh' });
    const asleep = 1;
    const canRun = 0;
    const asThread = on({ task: thread, cpu: 0 });
    const asBoxed = on({ task: boxed, cpu: 0 });
    const asFresh = on({ task: fresh, cpu: 0 });
    return concurrently(
      quiet(sec(2)),
      after(ms(100), () => idle.wakeup(thread)),
      after(ms(100) + us(5), () => idle.switchTo(thread, canRun)),
      after(ms(101), () => asThread.wakeup(boxed)),
      after(ms(103), () => asThread.switchTo(boxed, canRun)),
      after(ms(106), () => asBoxed.switchTo(thread, asleep)),
      after(ms(107), () => asThread.switchTo(idle.task, asleep)),
      after(ms(1100), () => idle.wakeupNew(fresh)),
      after(ms(1100) + us(100), () => idle.switchTo(fresh, canRun)),
      after(ms(1101), () => asFresh.switchTo(idle.task, asleep)),
    );
  },
});
