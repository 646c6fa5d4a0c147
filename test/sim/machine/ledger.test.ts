import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { viewOf } from '../../../src/base/index.ts';
import type { Fd } from '../../../src/sys/index.ts';
import type { Engine } from '../../../src/vm/index.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, u32Bytes } from '../bench.ts';

/** Writes as many records of 64 bytes as tcp_v4_connect's addr_len says, at most 3. */
const output = `
  r6 = r1
  r7 = *(u64 *)(r6 + 96)
  r7 &= 3
again:
  if r7 == 0 goto done
  r7 += -1
  r1 = r6
  r2 = events ll
  r3 = 0xffffffff ll
  r4 = r10
  r4 += -64
  r5 = 64
  call bpf_perf_event_output
  goto again
done:
  r0 = 0
  exit`;

function ring(bench: Bench, events: Fd, cpu: number, pages = 1): { fd: Fd; pages: Uint8Array } {
  const fd = bench.machine.perfEventOpen({ cpu, wakeupEvents: 1 });
  const mapping = bench.machine.mmap(fd, pages);
  bench.machine.mapUpdate(events, u32Bytes(cpu), u32Bytes(fd));
  return { fd, pages: mapping };
}

function rows(bench: Bench): number[][] {
  const { ledger } = bench.machine;
  return Array.from({ length: ledger.cpus }, (_, cpu) => [
    ledger.produced(cpu),
    ledger.delivered(cpu),
    ledger.lost(cpu),
    ledger.filtered(cpu),
  ]);
}

function expectBalance(bench: Bench): void {
  for (const [produced, delivered, lost, filtered] of rows(bench)) {
    expect(produced).toBe(delivered! + lost! + filtered!);
  }
}

describe.each(engines)('the ledger on the $name', (engine) => {
  const target = { kind: 'kprobe', function: 'tcp_v4_connect' } as const;
  const start = () => {
    const bench = new Bench(engine);
    const events = bench.map({ type: 'perf_event_array', valueSize: 4, maxEntries: 2 });
    return { bench, events, link: bench.attach(target, output, { events }) };
  };

  test('a run without a record is filtered, one with three is three', () => {
    const { bench, events } = start();
    ring(bench, events, 0);
    bench.entry('tcp_v4_connect', { addr_len: 0 });
    expect(rows(bench)[0]).toEqual([1, 0, 0, 1]);
    bench.entry('tcp_v4_connect', { addr_len: 3 });
    expect(rows(bench)[0]).toEqual([4, 3, 0, 1]);
    expect(bench.machine.ledger.pending(0)).toBe(3);
  });

  test('a ring of one page is overrun on purpose, and what is lost is counted and told', () => {
    const { bench, events } = start();
    const { fd, pages } = ring(bench, events, 0);
    for (let i = 0; i < 100; i++) {
      bench.entry('tcp_v4_connect', { addr_len: 1 });
      expectBalance(bench);
    }
    // A record of 64 bytes takes 80; one byte of the page stays free.
    expect(rows(bench)[0]).toEqual([100, 51, 49, 0]);
    expect(bench.machine.ledger.pending(0)).toBe(51);
    const view = viewOf(pages);
    view.setBigUint64(1032, view.getBigUint64(1024, true), true);
    bench.entry('tcp_v4_connect', { addr_len: 1 });
    expect(rows(bench)[0]).toEqual([101, 52, 49, 0]);
    const lost = 4096 + 51 * 80 - 4096;
    expect(view.getUint32(4096 + (lost % 4096), true), 'PERF_RECORD_LOST').toBe(2);
    expect(view.getBigUint64(4096 + ((lost + 16) % 4096), true)).toBe(49n);
    bench.machine.close(fd);
    bench.machine.close(events);
    expect(rows(bench)[0], 'closing forgets nothing').toEqual([101, 52, 49, 0]);
  });

  test('a record for an empty slot is lost', () => {
    const { bench } = start();
    bench.entry('tcp_v4_connect', { addr_len: 2 }, { cpu: 1 });
    expect(rows(bench)).toEqual([
      [0, 0, 0, 0],
      [2, 0, 2, 0],
    ]);
  });

  test('a run that traps before its record is lost, and the trap is kept', () => {
    // A verified program does nothing that traps, so its time is cut short.
    const hasty: Engine = { ...engine, load: (program, host) => engine.load(program, { ...host, budget: 1 }) };
    using bench = new Bench(hasty);
    bench.attach(target, 'r0 = 0\nexit');
    bench.entry('tcp_v4_connect');
    bench.entry('tcp_v4_connect');
    expect(rows(bench)[0]).toEqual([2, 0, 2, 0]);
    expect(bench.machine.traps).toEqual([{ program: 'test', message: expect.any(String), count: 2 }]);
  });

  test('a call beyond maxActive is lost', () => {
    using bench = new Bench(engine);
    bench.attach({ kind: 'kretprobe', function: 'tcp_v4_connect', maxActive: 1 }, 'r0 = 0\nexit');
    bench.entry('tcp_v4_connect');
    bench.entry('tcp_v4_connect');
    bench.exit('tcp_v4_connect');
    bench.exit('tcp_v4_connect');
    expect(rows(bench)[0]).toEqual([2, 0, 1, 1]);
  });

  test('it adds up whatever happens', () => {
    const step = fc.record({ cpu: fc.nat(1), records: fc.nat(3), read: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const { bench, events } = start();
        const { pages } = ring(bench, events, 0);
        const view = viewOf(pages);
        for (const { cpu, records, read } of steps) {
          bench.entry('tcp_v4_connect', { addr_len: records }, { cpu });
          if (read) view.setBigUint64(1032, view.getBigUint64(1024, true), true);
          expectBalance(bench);
        }
        const sum = steps.reduce((all, { records }) => all + Math.max(1, records), 0);
        expect(rows(bench)[0]![0]! + rows(bench)[1]![0]!).toBe(sum);
        bench[Symbol.dispose]();
      }),
      { numRuns: 30 },
    );
  });
});
