import { binary, defineScenario, ms, sec, us } from 'tracebed';

/**
 * Two seconds of calls that can be counted by hand, the same in each second. On CPU 0 process 500 reads three times
 * (64, 128, 4096 bytes, of which the last takes 100 us, the others 10) and writes twice (512 bytes, then an error); on
 * CPU 1 process 600 reads once and forwards a request: a USDT probe, and two calls of malloc.
 */
const libc = binary('/usr/lib/x86_64-linux-gnu/libc.so.6', { functions: ['malloc', 'free', 'write'] });
const server = binary('/usr/bin/served', {
  functions: ['main', 'answer'],
  probes: [
    { provider: 'served', name: 'begin', in: 'answer', arguments: '-4@%edi 8@%rsi' },
    { provider: 'served', name: 'end', in: 'answer', arguments: '-4@%edi' },
  ],
});

export default defineScenario({
  name: 'counted-calls',
  summary: 'reads, writes, mallocs and probes of known number',
  cpus: 2,
  duration: sec(2),
  processes: [{ pid: 600, binaries: [server, libc] }],
  events: (script) => {
    const { on, task, after, concurrently, sequence } = script;
    const copier = on({ task: task({ pid: 501, tgid: 500, comm: 'copier', uid: 1000 }), cpu: 0 });
    const served = on({ task: task({ pid: 600, comm: 'served', uid: 33 }), cpu: 1 });
    const read = (context: typeof copier, count: number, takes: number) =>
      context.call('vfs_read', { count }, { takes, returns: count });
    const write = (returns: number) => copier.call('vfs_write', { count: 512 }, { takes: us(20), returns });
    const each = () =>
      concurrently(
        after(
          ms(100),
          sequence(
            read(copier, 64, us(10)),
            read(copier, 128, us(10)),
            read(copier, 4096, us(100)),
            write(512),
            write(-28),
          ),
        ),
        after(
          ms(200),
          sequence(
            read(served, 128, us(10)),
            served.userCall(server.path, 'answer', { takes: us(50) }, [
              (inside) => inside.usdt(server.path, 'served', 'begin', [7, { object: 'user', content: 'GET /' }]),
              served.userCall(libc.path, 'malloc', { args: [24], takes: us(1), returns: 0x5000 }),
              served.userCall(libc.path, 'malloc', { args: [100], takes: us(2), returns: 0x6000 }),
              served.userCall(libc.path, 'free', { args: [0x5000], takes: us(1) }),
            ]),
            served.open('/etc/hosts', { takes: us(20), returns: 3 }),
          ),
        ),
      );
    return concurrently(each(), after(sec(1), each()));
  },
});
