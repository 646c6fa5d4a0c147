import fc from 'fast-check';
import { expect, test } from 'vitest';
import { copyBytes } from '../../src/maps/copy.ts';
import { Memory } from '../../src/memory/index.ts';

test('copies exactly the bytes, however they are aligned', () => {
  const memory = new Memory(65536);
  const whole = 2048;
  const target = 8192;
  const source = 16384;
  for (let i = 0; i < whole; i++) memory.u8[source + i] = i * 7 + (i >> 8);
  fc.assert(
    fc.property(fc.nat(9), fc.nat(9), fc.nat(600), (to, from, length) => {
      memory.u8.fill(0xee, target, target + whole);
      copyBytes(memory, target + to, source + from, length);
      const expected = new Uint8Array(whole).fill(0xee);
      expected.set(memory.u8.subarray(source + from, source + from + length), to);
      expect(Buffer.compare(memory.u8.subarray(target, target + whole), expected)).toBe(0);
    }),
    { seed: 1 },
  );
});
