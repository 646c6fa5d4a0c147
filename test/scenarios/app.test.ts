import { expect, test } from 'vitest';
import { ms, Random } from '../../src/base/index.ts';
import { expandTarget, type Target } from '../../src/client/index.ts';
import { createScheduler, loadScenario } from '../../src/scenario/index.ts';
import { boot } from '../../src/sim/index.ts';
import type { ProgramType } from '../../src/uapi/index.ts';
import { profile } from '../sim/bench.ts';

const code = new Uint8Array(new BigUint64Array([0xb7n, 0x95n]).buffer);
const scenario = await loadScenario('app');

test.each<[ProgramType, Target]>([
  ['kprobe', { kind: 'usdt', binary: 'shopd', provider: 'shop', probe: 'request__done' }],
  ['kprobe', { kind: 'uprobe', binary: 'ssl', function: 'SSL_write' }],
  ['kprobe', { kind: 'uretprobe', binary: 'c', function: 'malloc' }],
  ['kprobe', { kind: 'uretprobe', binary: '/usr/bin/bash', function: 'readline' }],
  ['raw_tracepoint', { kind: 'raw_tracepoint', name: 'sched_switch' }],
  ['raw_tracepoint', { kind: 'raw_tracepoint', name: 'sys_enter' }],
  ['perf_event', { kind: 'perf_event', event: 'cpu-clock', cpu: 0, frequency: 99 }],
  ['perf_event', { kind: 'perf_event', event: 'cache-misses', cpu: 1, period: 100 }],
])('a %s program on %o has something to see', (type, target) => {
  using machine = boot({ profile, cpus: 2, processes: scenario.processes ?? [] });
  const program = machine.programLoad({ type, code, license: 'GPL' });
  const links = expandTarget(machine, target).map((point) => machine.attach(program, point));
  const scheduler = createScheduler();
  const duration = ms(3000);
  const stage = { profile, random: new Random(1), cpus: 2, duration, scheduler };
  const playing = scenario.events(stage).subscribe((event) => machine.fire(event));
  scheduler.advanceTo(duration);
  playing.unsubscribe();
  machine.advanceTo(duration);
  for (const link of links) expect(machine.linkInfo(link).hits).toBeGreaterThan(0);
});
