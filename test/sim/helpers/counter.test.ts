import { describe, expect, test } from 'vitest';
import { errno } from '../../../src/base/index.ts';
import type { PerfEventOpen } from '../../../src/sys/index.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, bash, storing, u32Bytes } from '../bench.ts';

const target = { kind: 'kprobe', function: 'tcp_v4_connect' } as const;
const { EINVAL, ENOENT, E2BIG } = errno;
const current = 0xffffffff;

/** perf_event_read of a slot; and bpf_perf_event_read_value, whose three numbers it stores behind its answer. */
const read = (slot: number) => storing(`r1 = events ll\nr2 = ${slot} ll\ncall bpf_perf_event_read`);
const readValue = (slot: number, size = 24) =>
  storing(`r1 = events ll\nr2 = ${slot} ll\nr3 = r7\nr3 += 8\nr4 = ${size}\ncall bpf_perf_event_read_value`);

describe.each(engines)('on the $name', (engine) => {
  function begin(...events: (PerfEventOpen | null)[]) {
    const bench = new Bench(engine);
    const out = bench.map({ type: 'array', valueSize: 32 });
    const array = bench.map({ type: 'perf_event_array', valueSize: 4, maxEntries: 2 });
    for (const [slot, event] of events.entries()) {
      if (event) bench.machine.mapUpdate(array, u32Bytes(slot), u32Bytes(bench.machine.perfEventOpen(event)));
    }
    return { bench, out, maps: { out, events: array } };
  }
  const run = (program: string, more: object, ...events: (PerfEventOpen | null)[]) => {
    const { bench, out, maps } = begin(...events);
    bench.attach(target, program, maps);
    bench.fire({ kind: 'activity', duration: 1000, counts: { 'cpu-cycles': 2500 } });
    bench.entry('tcp_v4_connect', {}, { time: 400, ...more });
    expect(bench.machine.traps).toEqual([]);
    return [0, 8, 16, 24].map((offset) => BigInt.asIntN(64, bench.u64(out, 0, offset)));
  };
  const cycles: PerfEventOpen = { cpu: 0, counter: 'cpu-cycles' };

  test.each<[string, string, object, bigint, ...(PerfEventOpen | null)[]]>([
    ['cycles of an activity', read(current), {}, 1000n, cycles],
    ['cycles when it is over', read(current), { time: 5000 }, 2500n, cycles],
    ['the clock', read(0), {}, 400n, { cpu: 0, counter: 'cpu-clock' }],
    ['the clock of the task', read(0), {}, 400n, { cpu: 0, counter: 'task-clock', pid: bash.tgid }],
    ['the clock of another', read(0), {}, -BigInt(EINVAL), { cpu: 0, counter: 'task-clock', pid: 77 }],
    ['BPF output, which counts nothing', read(0), {}, 0n, { cpu: 0 }],
    ["another CPU's", read(1), {}, -BigInt(EINVAL), cycles, { ...cycles, cpu: 1 }],
    ['an empty slot', read(1), {}, -BigInt(ENOENT), cycles],
    ['no slot', read(2), {}, -BigInt(E2BIG), cycles],
    ['flags', read(0x1_0000_0000), {}, -BigInt(EINVAL), cycles],
    ['flags of a value', readValue(0x1_0000_0000), {}, -BigInt(EINVAL), cycles],
    ['a value of another size', readValue(0, 16), {}, -BigInt(EINVAL), cycles],
  ])('%s', (_, program, more, answer, ...events) => {
    expect(run(program, more, ...events)[0]).toBe(answer);
  });

  test('a value tells for how long it has counted', () => {
    expect(run(readValue(current), {}, cycles)).toEqual([0n, 1000n, 400n, 400n]);
  });

  test('a counter is no place for output, and has no ring', () => {
    const { bench, out, maps } = begin(cycles);
    const send = 'r1 = r6\nr2 = events ll\nr3 = 0\nr4 = r7\nr5 = 8\ncall bpf_perf_event_output';
    bench.attach(target, storing(send), maps);
    bench.entry('tcp_v4_connect');
    expect(BigInt.asIntN(64, bench.u64(out))).toBe(-BigInt(EINVAL));
    const { machine } = bench;
    expect(() => machine.mmap(machine.perfEventOpen(cycles), 1)).toThrow(/EINVAL.*counter/);
    expect(() => machine.poll([machine.perfEventOpen(cycles)])).toThrow(/EBADF/);
    expect(() => machine.perfEventOpen({ cpu: 0, counter: 'cycles' as never })).toThrow(/ENOENT.*no counter 'cycles'/);
  });
});
