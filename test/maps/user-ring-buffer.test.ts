import { describe, expect, test } from 'vitest';
import { errno } from '../../src/base/index.ts';
import { createMap, ringPage, type UserRingBuffer } from '../../src/maps/index.ts';
import { Memory } from '../../src/memory/index.ts';

const size = 4096;
const discarded = 2 ** 30;
const busy = 2 ** 31;

/** A ring and the producer of user space. */
class Producer {
  readonly memory = new Memory(1 << 20);
  readonly ring: UserRingBuffer;
  #position = 0;

  constructor() {
    const shape = { type: 'user_ringbuf', keySize: 0, valueSize: 0, maxEntries: size, flags: 0, name: 'user' } as const;
    this.ring = createMap(this.memory, 1, shape) as UserRingBuffer;
  }

  /** Writes a record of `length` bytes that begin with a number. */
  push(number: number, length = 8, bits = 0): void {
    const at = this.ring.pages + ringPage.data + (this.#position % size);
    this.memory.view.setUint32(at, length + bits, true);
    this.memory.view.setUint32(at + 8, number, true);
    this.moveTo(this.#position + ((length + 8 + 7) & ~7));
  }

  moveTo(position: number): void {
    this.#position = position;
    this.memory.setNumber(this.ring.pages + ringPage.producer, position);
  }

  /** What a drain answers, and the numbers and lengths that it showed. */
  drain(flags = 0, stopAt = Number.NaN): [number, ...(readonly [number, number])[]] {
    const seen: (readonly [number, number])[] = [];
    const answer = this.ring.drain(flags, (sample, length) => {
      const number = this.memory.view.getUint32(sample, true);
      seen.push([number, length]);
      return number === stopAt ? 1 : 0;
    });
    return [answer, ...seen];
  }
}

describe('a ring that user space writes', () => {
  test('shows what was written since the last drain', () => {
    const user = new Producer();
    expect(user.drain()).toEqual([0]);
    user.push(1);
    user.push(2, 20);
    expect(user.drain()).toEqual([2, [1, 8], [2, 20]]);
    expect(user.drain()).toEqual([0]);
  });

  test('passes over what is discarded, and waits for what is still written', () => {
    const user = new Producer();
    user.push(1, 8, discarded);
    user.push(2);
    user.push(3, 8, busy);
    user.push(4);
    expect(user.drain()).toEqual([1, [2, 8]]);
    expect(user.drain()).toEqual([0]);
  });

  test('ends where the callback says so; what it has seen is taken', () => {
    const user = new Producer();
    for (const number of [1, 2, 3]) user.push(number);
    expect(user.drain(0, 2)).toEqual([2, [1, 8], [2, 8]]);
    expect(user.drain(3)).toEqual([1, [3, 8]]);
  });

  test('goes over its end', () => {
    const user = new Producer();
    for (let number = 0; number < 100; number++) {
      user.push(number, 1000);
      expect(user.drain()).toEqual([1, [number, 1000]]);
    }
  });

  test.each<[string, (user: Producer) => void, number, number]>([
    ['flags that are none', () => {}, 4, -errno.EINVAL],
    ['a position that is not a multiple of 8', (user) => user.moveTo(4), 0, -errno.EINVAL],
    [
      'a record that is longer than what was written',
      (user) => {
        user.push(1, 40);
        user.moveTo(16);
      },
      0,
      -errno.EINVAL,
    ],
    ['a record that is longer than the ring', (user) => user.push(1, 5000), 0, -errno.E2BIG],
  ])('refuses %s', (_, spoil, flags, answer) => {
    const user = new Producer();
    spoil(user);
    expect(user.drain(flags)).toEqual([answer]);
  });

  test('is not drained from within a drain', () => {
    const user = new Producer();
    user.push(1);
    let inner = 0;
    user.ring.drain(0, () => {
      inner = user.ring.drain(0, () => 0);
      return 0;
    });
    expect(inner).toBe(-errno.EBUSY);
  });
});
