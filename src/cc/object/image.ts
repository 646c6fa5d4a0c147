import type { InitializerEntry } from '../syntax/ast.ts';
import { extentOf } from '../types/layout.ts';

/** The bytes of an object before the program runs. */
type Bytes = Uint8Array | number[];

export function littleEndian(bytes: Bytes, at: number, size: number): bigint {
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i] as number);
  return value;
}

/** Puts a constant entry into the image of an object that starts at `start`; false when it is none. */
export function setConstant(image: Bytes, entry: InitializerEntry, start = 0): boolean {
  const { value, bits } = entry;
  if (value.kind !== 'number') return false;
  const at = start + entry.offset;
  const length = extentOf(entry.type, bits);
  const shift = BigInt(bits?.shift ?? 0);
  const mask = ((1n << BigInt(bits ? bits.width : length * 8)) - 1n) << shift;
  const word = (littleEndian(image, at, length) & ~mask) | ((value.value << shift) & mask);
  for (let i = 0; i < length; i++) image[at + i] = Number((word >> BigInt(i * 8)) & 0xffn);
  return true;
}
