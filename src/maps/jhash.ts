import type { Memory } from '../memory/index.ts';

/** JHASH_INITVAL (include/linux/jhash.h): an arbitrary number. */
const start = 0xdeadbeef;

function rotate(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}

/**
 * The kernel's jhash2 (include/linux/jhash.h; Bob Jenkins' lookup3): the hash of `count` u32 words.
 * @param offset of the first word, a multiple of 4
 * @returns a u32
 */
export function jhash2(memory: Memory, offset: number, count: number, seed = 0): number {
  const words = memory.i32;
  let at = offset >>> 2;
  let a = (start + (count << 2) + seed) | 0;
  let b = a;
  let c = a;
  let rest = count;
  for (; rest > 3; rest -= 3, at += 3) {
    a = (a + words[at]!) | 0;
    b = (b + words[at + 1]!) | 0;
    c = (c + words[at + 2]!) | 0;
    a = ((a - c) | 0) ^ rotate(c, 4);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotate(a, 6);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotate(b, 8);
    b = (b + a) | 0;
    a = ((a - c) | 0) ^ rotate(c, 16);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotate(a, 19);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotate(b, 4);
    b = (b + a) | 0;
  }
  if (rest === 0) return c >>> 0;
  a = (a + words[at]!) | 0;
  if (rest > 1) b = (b + words[at + 1]!) | 0;
  if (rest > 2) c = (c + words[at + 2]!) | 0;
  c = ((c ^ b) - rotate(b, 14)) | 0;
  a = ((a ^ c) - rotate(c, 11)) | 0;
  b = ((b ^ a) - rotate(a, 25)) | 0;
  c = ((c ^ b) - rotate(b, 16)) | 0;
  a = ((a ^ c) - rotate(c, 4)) | 0;
  b = ((b ^ a) - rotate(a, 14)) | 0;
  c = ((c ^ b) - rotate(b, 24)) | 0;
  return c >>> 0;
}
