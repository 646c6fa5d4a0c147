import { expect, test } from 'vitest';
import { jhash2 } from '../../src/maps/index.ts';
import { Memory } from '../../src/memory/index.ts';

// From a second implementation of lookup3's hashword; that it is the kernel's is shown by the recorded stack ids.
test.each([
  [0, 0, 0xdeadbeef],
  [0, 0xdeadbeef, 0xbd5b7dde],
  [1, 0, 0xec5b1971],
  [1, 0x1234, 0xfe5f661c],
  [2, 0, 0x7d9f9502],
  [3, 0, 0x6c07eea8],
  [4, 0, 0x4aa647c0],
  [5, 0, 0x8653d3b5],
  [6, 0x1234, 0x74b6d152],
  [7, 0, 0x6b104285],
])('%i words with seed %i', (count, seed, hash) => {
  const memory = new Memory(65536);
  const offset = memory.allocate(64);
  for (let i = 0; i < count; i++) memory.u32[(offset >>> 2) + i] = 0x01020304 * (i + 1);
  expect(jhash2(memory, offset, count, seed)).toBe(hash);
});
