import { expect, test } from 'vitest';
import { binary } from '../../src/events/index.ts';

test('probes of one function stand at places of their own', () => {
  const { symbols, probes } = binary('/usr/bin/served', {
    functions: ['main', 'answer'],
    probes: [
      { provider: 'served', name: 'begin', in: 'answer' },
      { provider: 'served', name: 'middle', in: 'answer', offset: 0x48 },
      { provider: 'served', name: 'end', in: 'answer' },
      { provider: 'served', name: 'begin', in: 'main' },
    ],
  });
  const [main, answer] = symbols.map(({ address }) => address) as [number, number];
  expect(probes.map(({ address }) => address)).toEqual([answer + 0x20, answer + 0x48, answer + 0x68, main + 0x20]);
});
