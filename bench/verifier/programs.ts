/**
 * Programs for the verifier's bench, as assembly: each kind makes the verifier process about as many instructions as it
 * is asked for, in another way.
 */
export interface BenchProgram {
  readonly name: string;
  readonly text: string;
}

export const sizes = [1_000, 10_000, 100_000] as const;

/** 64-bit and 32-bit arithmetic in one straight line; nothing to prune. */
function straight(size: number): string {
  const block = ['r1 += r2', 'w3 ^= w1', 'r2 <<= 3', 'r4 = r3', 'w2 &= 255', 'r4 *= r1', 'r3 -= r4', 'r1 >>= 1'];
  const lines = ['r2 = *(u32 *)(r1 + 0)', 'r1 = 7', 'r3 = 9', 'r4 = 1'];
  for (let index = lines.length; index < size - 2; index++) lines.push(block[index % block.length] as string);
  return [...lines, 'r0 = 0', 'exit'].join('\n');
}

/** Forks that come together again, each pruned at its end. */
function forks(size: number): string {
  const lines = ['r6 = r1', 'r7 = 0'];
  for (let index = 0; lines.length < size / 1.2; index++) {
    lines.push('r1 = *(u32 *)(r6 + 0)', `if r1 > ${index % 60} goto +2`, 'r2 = r1', 'r2 += 1');
    for (let each = 0; each < 4; each++) lines.push('r3 = r1', 'r3 &= 15', 'r4 = r3', 'r4 *= r3');
  }
  return [...lines, 'r0 = 0', 'exit'].join('\n');
}

/** One loop whose counter is known, walked round by round. */
function counted(size: number): string {
  const rounds = Math.floor(size / 8);
  const body = [
    'again:',
    'r2 += r7',
    'r3 = r2',
    'r3 &= 63',
    '*(u64 *)(r10 - 8) = r3',
    'r4 = *(u64 *)(r10 - 8)',
    'w5 = w4',
    'r7 += 1',
  ];
  return ['r2 = *(u32 *)(r1 + 0)', 'r7 = 0', ...body, `if r7 < ${rounds} goto again`, 'r0 = 0', 'exit'].join('\n');
}

/** A loop over a map value with an index that is checked each time. */
function indexed(size: number): string {
  const rounds = Math.floor(size / 10);
  return [
    'r6 = r1',
    '*(u32 *)(r10 - 4) = 0',
    'r2 = r10',
    'r2 += -4',
    'r1 = VALUES ll',
    'call bpf_map_lookup_elem',
    'if r0 == 0 goto out',
    'r7 = 0',
    'again:',
    'r1 = *(u32 *)(r6 + 0)',
    'r1 &= 31',
    'r2 = r0',
    'r2 += r1',
    'r3 = *(u8 *)(r2 + 0)',
    'r3 += r7',
    '*(u8 *)(r2 + 1) = r3',
    'r7 += 1',
    `if r7 < ${rounds} goto again`,
    'out:',
    'r0 = 0',
    'exit',
  ].join('\n');
}

/** Branches on what was loaded within a loop: states differ, and many are kept. */
function parser(size: number): string {
  const rounds = Math.max(2, Math.floor(size / 40));
  return [
    'r6 = r1',
    'r7 = 0',
    'r8 = 0',
    'again:',
    'r1 = *(u32 *)(r6 + 0)',
    'if r1 == 6 goto six',
    'if r1 == 17 goto seventeen',
    'if r1 > 1000 goto out',
    'r8 |= 1',
    'goto next',
    'six:',
    'r8 |= 2',
    'goto next',
    'seventeen:',
    'r8 |= 4',
    'next:',
    'r8 &= 7',
    '*(u64 *)(r10 - 16) = r8',
    'r2 = r1',
    'r2 &= 7',
    'r3 = *(u64 *)(r10 - 16)',
    'r3 += r2',
    'r7 += 1',
    `if r7 < ${rounds} goto again`,
    'out:',
    'r0 = 0',
    'exit',
  ].join('\n');
}

/** Functions called again and again. */
function calls(size: number): string {
  const rounds = Math.floor(size / 13);
  return [
    'r6 = 0',
    'again:',
    'r1 = r6',
    'r2 = 5',
    'call mix',
    'r7 = r0',
    'r6 += 1',
    `if r6 < ${rounds} goto again`,
    'r0 = 0',
    'exit',
    'mix:',
    'r3 = r1',
    'r3 ^= r2',
    'r3 <<= 2',
    '*(u64 *)(r10 - 8) = r3',
    'r0 = *(u64 *)(r10 - 8)',
    'exit',
  ].join('\n');
}

export const kindsOfPrograms = { straight, forks, counted, indexed, parser, calls } as const;
