import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { toHex } from '../../src/base/index.ts';
import { createMap, type RingBufferMap, ringPage, ringRecord } from '../../src/maps/index.ts';
import { Memory, pageSize } from '../../src/memory/index.ts';
import { ringbufFlags } from '../../src/uapi/index.ts';

/** What programs did in one run on Linux, with what the helpers answered: of a reserve the header that it wrote. */
type Action =
  | readonly ['output', length: number, flags: number]
  | readonly ['reserve', name: string, length: number]
  | readonly ['submit' | 'discard', name: string, flags: number]
  | readonly ['query', what: number];
type Step =
  | readonly ['consume', position: number]
  | readonly [
      'run',
      seed: number,
      actions: readonly Action[],
      answers: readonly (number | string | null)[],
      consumer: number,
      producer: number,
      pending: number,
      woken: boolean,
    ];

const { rings } = JSON.parse(readFileSync(new URL('./fixtures/ringbufs.json', import.meta.url), 'utf8')) as {
  rings: { title: string; size: number; steps: Step[]; data: string[] }[];
};

class Replay {
  readonly memory = new Memory(1 << 20);
  readonly ring: RingBufferMap;
  readonly #source: number;
  readonly #held = new Map<string, number>();

  constructor(size: number) {
    const shape = { type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: size, flags: 0, name: 'ring' } as const;
    this.ring = createMap(this.memory, 2, shape) as RingBufferMap;
    this.#source = this.memory.allocate(16384);
  }

  position(place: keyof typeof ringPage): number {
    return Number(this.memory.view.getBigUint64(this.ring.pages + ringPage[place], true));
  }

  consume(position: number): void {
    this.memory.view.setBigUint64(this.ring.pages + ringPage.consumer, BigInt(position), true);
  }

  /** Each action takes its bytes 16 further on. */
  run(seed: number, actions: readonly Action[]): (number | string | null)[] {
    for (let i = 0; i < 16384; i++) this.memory.u8[this.#source + i] = seed * 31 + i + (i >> 8) * 7;
    return actions.map((action, index) => this.#apply(action, this.#source + index * 16));
  }

  #apply(action: Action, source: number): number | string | null {
    const { ring, memory } = this;
    switch (action[0]) {
      case 'output':
        return ring.output(source, action[1], action[2]);
      case 'query':
        return ring.query(action[1]);
      case 'reserve': {
        const sample = ring.reserve(action[2]);
        this.#held.set(action[1], sample);
        if (sample === 0) return null;
        memory.u8.copyWithin(sample, source, source + action[2]);
        return toHex(memory.bytes(sample - ringRecord.header, ringRecord.header));
      }
      default: {
        const sample = this.#held.get(action[1]) as number;
        if (sample !== 0) ring.commit(sample, action[2], action[0] === 'discard');
        return 0;
      }
    }
  }
}

describe('Linux did the same', () => {
  test.each(rings)('$title', ({ size, steps, data }) => {
    const replay = new Replay(size);
    for (const [index, step] of steps.entries()) {
      if (step[0] === 'consume') {
        replay.consume(step[1]);
        continue;
      }
      const [, seed, actions, answers, consumer, producer, pending, woken] = step;
      expect([index, ...replay.run(seed, actions)]).toEqual([index, ...answers]);
      const positions = [replay.position('consumer'), replay.position('producer'), replay.position('pending')];
      expect([index, ...positions, replay.ring.poll()]).toEqual([index, consumer, producer, pending, woken]);
    }
    expect(toHex(replay.memory.bytes(replay.ring.pages + ringPage.data, size))).toBe(data.join(''));
  });
});

test('a record over the end lies in one piece, and its end at the start of the data too', () => {
  const { ring, memory } = new Replay(pageSize);
  const first = ring.reserve(4000);
  ring.commit(first, 0, false);
  memory.view.setBigUint64(ring.pages + ringPage.consumer, 4008n, true);
  const sample = ring.reserve(200);
  memory.u8.fill(7, sample, sample + 200);
  ring.commit(sample, ringbufFlags.noWakeup, false);
  const data = ring.pages + ringPage.data;
  expect(sample).toBe(data + 4016);
  expect([...memory.bytes(data, 120)]).toEqual(new Array(120).fill(7));
});

test('a reserved place holds what was in the ring, as in the kernel', () => {
  const { ring, memory } = new Replay(pageSize);
  const old = ring.reserve(4000);
  memory.u8.fill(9, old, old + 4000);
  ring.commit(old, 0, false);
  memory.view.setBigUint64(ring.pages + ringPage.consumer, 4008n, true);
  const sample = ring.reserve(200);
  expect(memory.u8[sample + 150]).toBe(9);
});
