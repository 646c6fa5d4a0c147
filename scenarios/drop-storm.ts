import { defineScenario, ms, perSecond, sec, us } from 'tracebed';
import { causes } from './traffic/causes.ts';
import { dropper } from './traffic/dropper.ts';

/**
 * A host under fire: seventeen causes of loss, hundreds of flows, a steady rain of 16,000 drops a second, and on top
 * of it scans, floods and overruns that come and go. It never ends; a million events take about 16 seconds of it.
 */
export default defineScenario({
  name: 'drop-storm',
  summary: 'a host under fire: some 20,000 drops a second in bursts, many flows and reasons, without end',
  cpus: 4,
  events: (script) => {
    const { concurrently, burst, ramp, sequence, repeat, quiet, poisson, random, task } = script;
    const senders = [
      task({ pid: 4210, comm: 'iperf3', uid: 1000 }),
      task({ pid: 2873, comm: 'fluent-bit', uid: 998 }),
      task({ pid: 991, comm: 'systemd-resolve', uid: 101 }),
      task({ pid: 5120, tgid: 5101, comm: 'node', uid: 1001 }),
    ];
    const of = (...reasons: string[]) => causes.filter((cause) => reasons.includes(cause.reason));
    const rain = dropper(script, causes, random.fork('rain'), { flows: 40, softirq: 'interrupt', senders });
    const make = (name: string, reasons: string[], flows: number) =>
      dropper(script, of(...reasons), random.fork(name), { flows, softirq: 'ksoftirqd', senders });
    const scan = make('scan', ['NO_SOCKET'], 200);
    const flood = make('flood', ['NETFILTER_DROP', 'IP_RPFILTER'], 100);
    const overrun = make('overrun', ['SOCKET_RCVBUFF', 'QDISC_DROP'], 20);
    const pauses = random.fork('pauses');
    const pause = (mean: number) => () => ms(50) + pauses.exponential(mean);
    return concurrently(
      poisson(perSecond(16_000), rain),
      repeat(() => burst(pauses.int(400, 3000), us(4), scan), pause(ms(900))),
      repeat(() => ramp(500, 12_000, ms(700), flood), pause(sec(2))),
      repeat(() => sequence(burst(800, us(12), overrun), quiet(ms(30)), burst(1500, us(8), overrun)), pause(sec(1.5))),
    );
  },
});
