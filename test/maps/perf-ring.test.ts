import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { errno, SysError, toHex } from '../../src/base/index.ts';
import { PerfRing, type PerfRingOptions, perfPage, readPerfRecords } from '../../src/maps/index.ts';
import { Memory } from '../../src/memory/index.ts';

/** `output2` is one of an skb: the program's bytes, then the packet's. Heads and tails are u64 as text. */
type Step =
  | ['output', length: number, sequence: number, answer: number, head: string, woken: boolean]
  | ['output2', length: number, length2: number, answer: number, head: string]
  | ['tail', position: string];

interface Recorded {
  readonly title: string;
  readonly id: number;
  readonly dataPages: number;
  readonly options: Partial<PerfRingOptions>;
  readonly steps: readonly Step[];
  /** The data area after the last step, hex. */
  readonly data: readonly string[];
}

const { rings } = JSON.parse(readFileSync(new URL('./fixtures/perf-rings.json', import.meta.url), 'utf8')) as {
  rings: Recorded[];
};

function setUp(options: Partial<PerfRingOptions>, dataPages = 1) {
  const memory = new Memory(1 << 20);
  const ring = new PerfRing(memory, { cpu: 0, id: 7, ...options });
  const page = ring.map(dataPages);
  const source = memory.allocatePages(70000);
  return {
    memory,
    ring,
    source,
    head: () => memory.view.getBigUint64(page + perfPage.head, true),
    tail: (position: bigint) => memory.view.setBigUint64(page + perfPage.tail, position, true),
    data: () => memory.bytes(page + 4096, ring.dataSize),
    /** Bytes that tell which sample they are of. */
    sample: (length: number, sequence: number) => {
      for (let i = 0; i < length; i++) memory.u8[source + i] = sequence * 31 + i;
      return ring.output(source, length);
    },
  };
}

describe('Linux wrote the same bytes', () => {
  const whole = rings.filter(({ steps }) => steps[0]?.[0] !== 'output2');

  test.each(whole.map((recorded) => [recorded.title, recorded] as const))('%s', (_title, recorded) => {
    const { ring, head, tail, data, sample } = setUp({ ...recorded.options, id: recorded.id }, recorded.dataPages);
    let accepted = 0;
    let refused = 0;
    for (const step of recorded.steps) {
      if (step[0] === 'tail') tail(BigInt(step[1]));
      if (step[0] !== 'output') continue;
      const [, length, sequence, answer, ...after] = step;
      expect([sequence, sample(length, sequence)]).toEqual([sequence, answer]);
      expect([sequence, String(head()), ring.poll()]).toEqual([sequence, ...after]);
      if (answer === 0) accepted++;
      else refused++;
    }
    expect(toHex(data())).toBe(recorded.data.join(''));
    expect([ring.accepted, ring.lost]).toEqual([accepted, refused]);
  });

  test('two parts', () => {
    const recorded = rings.find(({ title }) => title === 'two parts') as Recorded;
    const { memory, ring, source, head, data } = setUp({ ...recorded.options, id: recorded.id });
    const packet = source + 4096;
    for (let i = 0; i < 64; i++) memory.u8[source + i] = 200 - i;
    for (let i = 0; i < 200; i++) memory.u8[packet + i] = i * 5 + 1;
    for (const [, length, length2, answer, at] of recorded.steps as Extract<Step, ['output2', ...unknown[]]>[]) {
      // A part beyond the packet is refused by the helper, before the ring.
      if (length2 <= 200) expect(ring.output(source, length, packet, length2)).toBe(answer);
      expect(String(head())).toBe(at);
    }
    expect(toHex(data())).toBe(recorded.data.join(''));
  });
});

describe('PerfRing', () => {
  test('the control page tells where the data are', () => {
    const { memory, ring } = setUp({}, 4);
    const { view } = memory;
    expect(view.getBigUint64(ring.page + perfPage.dataOffset, true)).toBe(4096n);
    expect(view.getBigUint64(ring.page + perfPage.dataSize, true)).toBe(16384n);
    expect(view.getBigUint64(ring.page + perfPage.capabilities, true)).toBe(2n);
    expect(view.getUint32(ring.page + perfPage.size, true)).toBe(96);
  });

  test.each([0, 3, 1.5, -1])('%d data pages are no ring', (pages) => {
    const ring = new PerfRing(new Memory(1 << 20), { cpu: 0, id: 1 });
    expect(() => ring.map(pages)).toThrow(SysError);
    expect(ring.page).toBe(0);
  });

  test('a second mapping is the same one, of another size it is EINVAL', () => {
    const ring = new PerfRing(new Memory(1 << 20), { cpu: 0, id: 1 });
    const page = ring.map(2);
    expect(ring.map(2)).toBe(page);
    expect(() => ring.map(4)).toThrow('a perf ring of 4 data pages');
  });

  test('without a mapping a sample is lost', () => {
    const ring = new PerfRing(new Memory(1 << 20), { cpu: 0, id: 1 });
    expect(ring.output(0, 8)).toBe(-errno.ENOSPC);
    expect([ring.accepted, ring.lost, ring.untold, ring.pending]).toEqual([0, 1, 0, 0]);
  });

  test('close gives the pages back', () => {
    const { memory, ring, sample } = setUp({}, 2);
    const used = memory.used;
    ring.close();
    ring.close();
    expect(memory.used).toBe(used - 3 * 4096);
    expect(sample(8, 0)).toBe(-errno.ENOSPC);
  });

  test('head runs past 2^32', () => {
    const { ring, head, tail, sample } = setUp({}, 16);
    const each = 65512n;
    const rounds = 2n ** 32n / each + 2n;
    for (let i = 0n; i < rounds; i++) {
      tail(head());
      if (sampleOnce() !== 0) throw new Error(`refused at ${i}`);
    }
    expect(head()).toBe(rounds * each);
    expect(ring.pending).toBe(1);
    expect(sample(4, 0)).toBe(0);

    function sampleOnce(): number {
      return ring.output(8192, 65500);
    }
  });

  const actions = fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.record({ output: fc.nat(1500) }) },
      { weight: 1, arbitrary: fc.record({ read: fc.nat(5) }) },
    ),
    { maxLength: 80 },
  );

  test('what is written, read, waiting and lost adds up at any moment', () => {
    fc.assert(
      fc.property(actions, (list) => {
        const { ring, head, tail, data, sample } = setUp({});
        let at = 0n;
        let produced = 0;
        let readSamples = 0;
        let told = 0n;
        const expected: number[] = [];
        for (const action of list) {
          if ('output' in action) {
            if (sample(action.output, produced) === 0) expected.push(produced);
            produced++;
          } else {
            for (const record of readPerfRecords(data(), at, head()).slice(0, action.read)) {
              if (record.kind === 'lost') {
                expect(record.id).toBe(7n);
                told += record.lost;
                at += 24n;
                continue;
              }
              const sequence = expected.shift() as number;
              if (record.data.length > 4) expect(record.data[0]).toBe((sequence * 31) & 0xff);
              readSamples++;
              at += BigInt(record.data.length + 12);
            }
            tail(at);
          }
          const waiting = readPerfRecords(data(), at, head());
          expect(ring.accepted + ring.lost).toBe(produced);
          expect(ring.accepted).toBe(readSamples + ring.pending);
          expect(waiting.filter(({ kind }) => kind === 'sample').length).toBe(ring.pending);
          const inRing = waiting.reduce((sum, record) => sum + (record.kind === 'lost' ? record.lost : 0n), 0n);
          expect(BigInt(ring.lost)).toBe(told + inRing + BigInt(ring.untold));
        }
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  test('backwards head runs below 2^64 - 2^32', () => {
    const { ring, head, sample } = setUp({ writeBackward: true }, 16);
    while (head() === 0n || head() > 2n ** 64n - 2n ** 32n) ring.output(8192, 65500);
    expect(ring.pending).toBe(1);
    expect(sample(4, 0)).toBe(0);
    expect(head()).toBe(2n ** 64n - (2n ** 32n / 65512n + 1n) * 65512n - 16n);
    expect(ring.pending).toBe(2);
  });

  test('forwards overwriting is counted as long as nothing was overwritten', () => {
    const { ring, sample } = setUp({ overwrite: true });
    for (let i = 0; i < 36; i++) sample(100, i);
    expect(ring.pending).toBe(36);
    sample(100, 36);
    expect([ring.pending, ring.accepted, ring.lost]).toEqual([0, 37, 0]);
  });

  test('backwards the newest are kept, and counted', () => {
    const { ring, head, data, sample } = setUp({ writeBackward: true });
    for (let i = 0; i < 100; i++) expect(sample(100, i)).toBe(0);
    const kept = Math.floor(4096 / 112);
    expect(ring.pending).toBe(kept);
    const records = readPerfRecords(data(), head(), head() + BigInt(kept * 112));
    const first = records.map((record) => (record.kind === 'sample' ? record.data[0] : -1));
    expect(first).toEqual(Array.from({ length: kept }, (_, i) => ((99 - i) * 31) & 0xff));
  });
});
