import { describe, expect, test } from 'vitest';
import { assemble } from '../../src/isa/index.ts';
import { type MapShape, verify } from '../../src/verifier/index.ts';

/** Programs that nobody writes: a verdict soon, however many slots, jumps and maps. */
const many = (count: number, one: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => one(i)).join('\n');
const map: MapShape = { type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 };

function judged(text: string): string {
  const { code } = assemble(text);
  const { verdict, message, statistics } = verify({ code, type: 'socket_filter', maps: new Map([[1, map]]) });
  return verdict === 'accept' ? `accept ${statistics.processed}` : message;
}

describe('a verdict soon', () => {
  test.each([
    [
      'blocks that stand in the reverse of their order, and what the last reads',
      `r6 = 1\nr7 = 0\ngoto b15999\n${many(16_000, (i) => `b${i}:\nr7 += 1\ngoto ${i === 0 ? 'end' : `b${i - 1}`}`)}\nend:\nr0 = r6\nexit`,
      'accept 32005',
    ],
    [
      'a map that is named thirty thousand times',
      `${many(30_000, () => 'r1 = map[fd:1] ll')}\nr0 = 0\nexit`,
      'accept 30002',
    ],
  ])('%s', (_what, text, verdict) => {
    expect(judged(text)).toBe(verdict);
  });
});
