import type { Memory } from '../memory/index.ts';

/** Up to here a loop over words is faster than the call of copyWithin (about 30 ns). */
const loopLimit = 256;

/** Copies bytes within the memory. The two ranges do not overlap, or are the same. */
export function copyBytes(memory: Memory, target: number, source: number, length: number): void {
  if (((target | source) & 3) !== 0 || length > loopLimit) {
    memory.u8.copyWithin(target, source, source + length);
    return;
  }
  const words = memory.i32;
  let to = target >>> 2;
  let from = source >>> 2;
  const end = from + (length >>> 2);
  while (from + 4 <= end) {
    words[to] = words[from] as number;
    words[to + 1] = words[from + 1] as number;
    words[to + 2] = words[from + 2] as number;
    words[to + 3] = words[from + 3] as number;
    to += 4;
    from += 4;
  }
  while (from < end) words[to++] = words[from++] as number;
  const rest = length & 3;
  if (rest === 0) return;
  const bytes = memory.u8;
  const at = target + length - rest;
  const of = source + length - rest;
  for (let i = 0; i < rest; i++) bytes[at + i] = bytes[of + i] as number;
}
