import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadProfile } from '../../src/btf/index.ts';
import { type LostRecords, PerfBuffer } from '../../src/client/index.ts';
import type { Kernel } from '../../src/sys/index.ts';

const headAt = 1024;
const tailAt = 1032;

/** Rings that a test fills, behind the few calls that the reader makes. */
class Rings {
  readonly rings: Uint8Array[] = [];
  readonly put: [number, number][] = [];
  readonly closed: number[] = [];
  readonly kernel: Kernel;

  constructor(cpus: number) {
    this.kernel = {
      profile: loadProfile('6.18'),
      cpus,
      perfEventOpen: ({ cpu }: { cpu: number }) => 10 + cpu,
      mmap: (event: number, pages: number) => {
        const bytes = new Uint8Array((pages + 1) * 4096);
        new DataView(bytes.buffer).setBigUint64(1040, 4096n, true);
        this.rings[event - 10] = bytes;
        return bytes;
      },
      mapUpdate: (_map: number, key: Uint8Array, value: Uint8Array) => this.put.push([key[0]!, value[0]!]),
      close: (fd: number) => this.closed.push(fd),
    } as unknown as Kernel;
  }

  /** Puts both positions there, as if that much had been written and read. */
  at(cpu: number, position: number): void {
    const view = new DataView(this.rings[cpu]!.buffer);
    view.setBigUint64(headAt, BigInt(position), true);
    view.setBigUint64(tailAt, BigInt(position), true);
  }

  /** Writes a record as the kernel does: bytes at head, over the end, then the head. */
  write(cpu: number, type: number, body: Uint8Array): void {
    const ring = this.rings[cpu]!;
    const view = new DataView(ring.buffer);
    const head = Number(view.getBigUint64(headAt, true));
    const record = new Uint8Array(8 + body.length);
    new DataView(record.buffer).setUint32(0, type, true);
    new DataView(record.buffer).setUint16(6, record.length, true);
    record.set(body, 8);
    for (const [i, byte] of record.entries()) ring[4096 + ((head + i) % (ring.length - 4096))] = byte;
    view.setBigUint64(headAt, BigInt(head + record.length), true);
  }

  sample(cpu: number, data: readonly number[]): void {
    const raw = Math.ceil((data.length + 4) / 8) * 8 - 4;
    const body = new Uint8Array(4 + raw);
    new DataView(body.buffer).setUint32(0, raw, true);
    body.set(data, 4);
    this.write(cpu, 9, body);
  }

  lost(cpu: number, count: number): void {
    const body = new Uint8Array(16);
    new DataView(body.buffer).setBigUint64(8, BigInt(count), true);
    this.write(cpu, 2, body);
  }

  tail(cpu: number): number {
    return Number(new DataView(this.rings[cpu]!.buffer).getBigUint64(tailAt, true));
  }
}

const map = {
  fd: 3,
  spec: {
    name: 'events',
    type: 'perf_event_array',
    keySize: 4,
    valueSize: 4,
    maxEntries: 0,
    flags: 0,
    key: undefined,
    value: undefined,
  },
} as const;

interface Seen {
  readonly cpu: number;
  readonly time: number;
  readonly bytes: readonly number[];
}

function reader(rings: Rings, pages = 1) {
  const batches: (readonly Seen[])[] = [];
  const losses: LostRecords[] = [];
  const buffer = new PerfBuffer<Seen>(rings.kernel, map, {
    pages,
    decode: (view, offset, length, cpu) => ({
      cpu,
      time: view.getUint8(offset),
      bytes: Array.from({ length }, (_, i) => view.getUint8(offset + i)),
    }),
    time: ({ time }) => time,
  });
  buffer.records.subscribe((batch) => batches.push(batch));
  buffer.losses.subscribe((loss) => losses.push(loss));
  return { buffer, batches, losses };
}

describe('reading', () => {
  test('an event for each CPU in the map, closed in the end', () => {
    const rings = new Rings(3);
    const { buffer } = reader(rings);
    expect(rings.put).toEqual([
      [0, 10],
      [1, 11],
      [2, 12],
    ]);
    expect(buffer.events).toEqual([10, 11, 12]);
    buffer.close();
    buffer.close();
    expect(rings.closed).toEqual([10, 11, 12]);
  });

  test('all rings in one batch, in the order of time; equal times in the order of CPUs', () => {
    const rings = new Rings(2);
    const { buffer, batches } = reader(rings);
    rings.sample(0, [1]);
    rings.sample(0, [5]);
    rings.sample(1, [2]);
    rings.sample(1, [5]);
    expect(buffer.poll()).toBe(4);
    expect(batches.map((batch) => batch.map(({ cpu, time }) => [cpu, time]))).toEqual([
      [
        [0, 1],
        [1, 2],
        [0, 5],
        [1, 5],
      ],
    ]);
    expect(buffer.poll()).toBe(0);
    expect(batches).toHaveLength(1);
  });

  test('losses are counted by CPU and told', () => {
    const rings = new Rings(2);
    const { buffer, batches, losses } = reader(rings);
    rings.sample(1, [1]);
    rings.lost(1, 7);
    rings.sample(1, [2]);
    rings.lost(1, 2);
    buffer.poll();
    expect(batches[0]).toHaveLength(2);
    expect(losses).toEqual([{ cpu: 1, count: 9 }]);
    expect([buffer.lost, buffer.lostOn(0), buffer.lostOn(1)]).toEqual([9, 0, 9]);
  });

  test('any records at any position of the ring come out as they went in', () => {
    const record = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 700 });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 40 }),
        fc.array(record, { minLength: 1, maxLength: 5 }),
        (start, all) => {
          const rings = new Rings(1);
          const { buffer, batches } = reader(rings);
          const position = start - (start % 8);
          rings.at(0, position);
          for (const data of all) rings.sample(0, data);
          buffer.poll();
          const seen = batches.flat().map(({ bytes }, i) => bytes.slice(0, all[i]!.length));
          expect(seen).toEqual(all);
          expect(rings.tail(0)).toBe(
            all.reduce((sum, data) => sum + 8 + Math.ceil((data.length + 4) / 8) * 8, position),
          );
        },
      ),
      { numRuns: 60 },
    );
  });
});

test.each([0, 3, 1.5, -2])('%d pages are refused', (pages) => {
  expect(() => reader(new Rings(1), pages)).toThrow(expect.objectContaining({ exitCode: 2 }));
});
