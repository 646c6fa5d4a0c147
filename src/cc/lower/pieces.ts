import type { Size } from '../../isa/index.ts';
import type { Expression } from '../syntax/ast.ts';
import { alignOf } from '../types/types.ts';

/** In what pieces memory is accessed that must be aligned. */

/** Bytes that are copied word by word. */
export const mostCopied = 4096;

/** What the address of a place is a multiple of, as its types say. */
export function alignmentOf(place: Expression): number {
  if (place.kind === 'member') {
    const { offset } = place.member;
    const outer = alignmentOf(place.base);
    return offset === 0 ? outer : Math.min(outer, offset & -offset);
  }
  if (place.kind !== 'deref') return alignOf(place.type);
  let pointer = place.base;
  while (pointer.kind === 'binary') pointer = pointer.left;
  const own = Math.max(1, alignOf(place.type));
  return pointer.kind === 'address' ? Math.min(own, alignmentOf(pointer.base)) : own;
}

/** Where each piece of `size` bytes begins, and how wide it is. */
export function chunksOf(size: number, align: number): [at: number, chunk: Size][] {
  const chunks: [at: number, chunk: Size][] = [];
  for (let at = 0; at < size; ) {
    const chunk = chunkAt(at, size, align);
    chunks.push([at, chunk]);
    at += chunk;
  }
  return chunks;
}

export function chunkAt(at: number, size: number, align: number): Size {
  for (const chunk of [8, 4, 2] as const) if (chunk <= align && at % chunk === 0 && at + chunk <= size) return chunk;
  return 1;
}
