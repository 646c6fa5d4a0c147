import { defineScenario, minutes, ms, perSecond, sec, us } from 'tracebed';
import { causes } from './traffic/causes.ts';
import { dropper } from './traffic/dropper.ts';

/**
 * An hour at night: a stray packet or two a minute. In minute 41 a batch job starts, and for one minute its receiver
 * cannot keep up: buffers fill, queues overflow, then all is as before.
 */
export default defineScenario({
  name: 'quiet-night',
  summary: 'an hour in which almost nothing happens, and one bad minute in it',
  cpus: 2,
  duration: minutes(60),
  events: (script) => {
    const { concurrently, poisson, lasting, ramp, after, sequence, burst, repeat, random, task } = script;
    const senders = [task({ pid: 18_344, comm: 'backup.sh', uid: 34 }), task({ pid: 18_361, comm: 'rsync', uid: 34 })];
    const strays = causes.filter(({ reason }) => ['NO_SOCKET', 'NETFILTER_DROP', 'UNHANDLED_PROTO'].includes(reason));
    const losses = causes.filter(({ reason }) => ['SOCKET_RCVBUFF', 'QDISC_DROP', 'TCP_OLD_DATA'].includes(reason));
    const stray = dropper(script, strays, random.fork('stray'), { flows: 6, softirq: 'interrupt', senders });
    const loss = dropper(script, losses, random.fork('loss'), { flows: 12, softirq: 'ksoftirqd', senders });
    const badMinute = concurrently(
      sequence(ramp(5, 900, sec(15), loss), ramp(900, 1200, sec(30), loss), ramp(1200, 0, sec(15), loss)),
      lasting(
        sec(45),
        repeat(
          () => burst(random.int(50, 400), us(20), loss),
          () => ms(200) + random.exponential(sec(1)),
        ),
      ),
    );
    return concurrently(poisson(perSecond(1 / 35), stray), after(minutes(41), badMinute));
  },
});
