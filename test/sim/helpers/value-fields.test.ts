import { describe, expect, test } from 'vitest';
import { errno, ms } from '../../../src/base/index.ts';
import { BtfBuilder, readBtf } from '../../../src/btf/index.ts';
import type { MapCreate } from '../../../src/sys/index.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, u32Bytes } from '../bench.ts';

/** struct element { struct bpf_timer timer; u64 fired, key, cpu, status; } */
function types(): NonNullable<MapCreate['types']> {
  const builder = new BtfBuilder();
  const u64 = builder.int('u64', 8);
  const key = builder.int('u32', 4);
  const timer = builder.struct('bpf_timer', [
    { name: 'a', type: u64 },
    { name: 'b', type: u64 },
  ]);
  const members = ['fired', 'key', 'cpu', 'status'].map((name) => ({ name, type: u64 }));
  const value = builder.struct('element', [{ name: 'timer', type: timer }, ...members]);
  return { btf: readBtf(builder.encode()), key, value };
}
const element = { fired: 16, key: 24, cpu: 32, status: 40 };
const begin = { kind: 'fentry', function: 'tcp_v4_connect' } as const;
const cancel = { kind: 'fentry', function: 'tcp_v6_connect' } as const;

const withElement = (body: string) => `
  *(u32 *)(r10 - 4) = 2
  r2 = r10
  r2 += -4
  r1 = elements ll
  call bpf_map_lookup_elem
  if r0 == 0 goto done
  r6 = r0
  ${body}
done:
  r0 = 0
  exit`;
const status = `*(u64 *)(r6 + ${element.status}) = r0`;
const arm = (name = 'fire') => `
  r1 = r6
  r2 = ${name} ll
  call bpf_timer_set_callback
  r1 = r6
  r2 = 1000000
  r3 = 0
  call bpf_timer_start`;
const starting = (body = '', clock = 1) => `${withElement(`
  r1 = r6
  r2 = elements ll
  r3 = ${clock}
  call bpf_timer_init
  ${status}
  ${arm()}`)}
fire:
  r6 = r3
  r0 = *(u64 *)(r6 + ${element.fired})
  r0 += 1
  *(u64 *)(r6 + ${element.fired}) = r0
  r0 = *(u32 *)(r2 + 0)
  *(u64 *)(r6 + ${element.key}) = r0
  call bpf_get_smp_processor_id
  *(u64 *)(r6 + ${element.cpu}) = r0
  ${body}
  r0 = 0
  exit`;
const cancelling = withElement(`r1 = r6\ncall bpf_timer_cancel\n${status}`);

describe.each(engines)('timers on the $name', (engine) => {
  function setUp(body = '', type: MapCreate['type'] = 'array', clock = 1) {
    const bench = new Bench(engine);
    const elements = bench.map({ type, valueSize: 48, types: types() });
    if (type !== 'array') bench.machine.mapUpdate(elements, u32Bytes(2), new Uint8Array(48));
    bench.trace(begin, starting(body, clock), { elements });
    bench.trace(cancel, cancelling, { elements });
    const enter = (time: number, name: string = begin.function) => bench.entry(name, {}, { time, cpu: 1 });
    const read = (field: keyof typeof element) => Number(BigInt.asIntN(64, bench.u64(elements, 2, element[field])));
    return { bench, machine: bench.machine, elements, enter, read };
  }

  test.each(['array', 'hash', 'lru_hash'] as const)(
    'one in an %s fires when it is due, where it was started',
    (type) => {
      const { machine, enter, read } = setUp('', type);
      enter(ms(3));
      expect(machine.nextDue).toBe(ms(4));
      machine.advanceTo(ms(4) - 1);
      expect([read('fired'), read('status')]).toEqual([0, 0]);
      machine.advanceTo(ms(9));
      expect([read('fired'), read('key'), read('cpu')]).toEqual([1, 2, 1]);
      expect([machine.nextDue, machine.clock(), machine.traps]).toEqual([Number.POSITIVE_INFINITY, ms(9), []]);
      expect(machine.ledger.produced(1)).toBe(machine.ledger.filtered(1));
    },
  );

  test('an event finds done what was due before it', () => {
    const { machine, enter, read } = setUp();
    enter(0);
    enter(ms(2), 'tcp_v6_connect');
    expect([read('fired'), read('status')]).toEqual([1, 0]);
    expect(machine.traps).toEqual([]);
  });

  test('one that starts itself anew fires until it is cancelled; made twice it is busy', () => {
    const { machine, enter, read } = setUp(arm());
    enter(0);
    machine.advanceTo(ms(50));
    expect(read('fired')).toBe(50);
    enter(ms(50));
    expect(read('status')).toBe(-errno.EBUSY);
    enter(ms(50), 'tcp_v6_connect');
    expect(read('status')).toBe(1);
    machine.advanceTo(ms(60));
    enter(ms(60), 'tcp_v6_connect');
    expect([read('fired'), read('status')]).toEqual([50, 0]);
    expect(machine.traps).toEqual([]);
  });

  test.each([
    ['cancelled from its own callback', `r1 = r6\ncall bpf_timer_cancel\n${status}`, -errno.EDEADLK, 1],
    ['started with a flag that is none', `r1 = r6\nr2 = 1\nr3 = 8\ncall bpf_timer_start\n${status}`, -errno.EINVAL, 1],
    [
      'started for a time since boot',
      `r1 = *(u64 *)(r6 + 16)\nif r1 > 2 goto over\nr1 = r6\nr2 = 40000000\nr3 = 1\ncall bpf_timer_start\n${status}\nover:`,
      0,
      3,
    ],
  ])('%s', (_, body, answer, fired) => {
    const { machine, enter, read } = setUp(body);
    enter(0);
    machine.advanceTo(ms(60));
    expect([read('status'), read('fired')]).toEqual([answer, fired]);
  });

  test('a clock that is none', () => {
    const { enter, machine, read } = setUp('', 'array', 2);
    enter(0);
    expect([read('status'), machine.nextDue]).toEqual([-errno.EINVAL, Number.POSITIVE_INFINITY]);
  });

  test('it goes with its element, with the value that is written over it, and with the last fd', () => {
    const { bench, machine, elements, enter } = setUp('', 'hash');
    const none = Number.POSITIVE_INFINITY;
    enter(0);
    expect(machine.nextDue).toBe(ms(1));
    machine.mapUpdate(elements, u32Bytes(2), new Uint8Array(48).fill(7));
    expect(machine.nextDue).toBe(none);
    expect(bench.u64(elements, 2), 'what the kernel keeps is not shown').toBe(0n);
    enter(0);
    expect(machine.nextDue).toBe(ms(1));
    machine.mapDelete(elements, u32Bytes(2));
    expect(machine.nextDue).toBe(none);
    machine.mapUpdate(elements, u32Bytes(2), new Uint8Array(48));
    enter(0);
    expect(machine.nextDue).toBe(ms(1));
    machine.close(elements);
    expect(machine.nextDue).toBe(none);
    enter(0);
    expect(machine.nextDue, 'nobody has it open').toBe(none);
  });
});
