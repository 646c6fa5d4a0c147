import { sizeOf } from '../types/types.ts';
import type { InitializerEntry } from './ast.ts';

/** Bits of the object that share a list. */
const bucketBits = 2048;

/**
 * The entries of an initialiser in the order in which they were read, and by where they lie: a designator may go back to
 * any place, and what was said of it before is forgotten.
 */
export class Entries {
  /** How many were added, those forgotten since among them. */
  added = 0;
  readonly #all = new Set<InitializerEntry>();
  #buckets: Map<number, Set<InitializerEntry>> | undefined;

  add(entry: InitializerEntry): void {
    this.added++;
    this.#all.add(entry);
    if (this.#buckets) putInto(this.#buckets, entry);
  }

  list(): InitializerEntry[] {
    return [...this.#all];
  }

  /** Those that lie wholly between two bits of the object, the second not among them. */
  within(from: number, to: number): InitializerEntry[] {
    const found: InitializerEntry[] = [];
    for (const bucket of this.#bucketsOf(from, to)) {
      for (const entry of bucket) {
        const first = firstBit(entry);
        if (first >= from && first + (entry.bits?.width ?? sizeOf(entry.type) * 8) <= to) found.push(entry);
      }
    }
    return found;
  }

  /** As `within`; these are not said any more. */
  forget(from: number, to: number): void {
    for (const entry of this.within(from, to)) {
      const key = keyOf(entry);
      const bucket = this.#buckets?.get(key);
      bucket?.delete(entry);
      if (bucket?.size === 0) this.#buckets?.delete(key);
      this.#all.delete(entry);
    }
  }

  #bucketsOf(from: number, to: number): Set<InitializerEntry>[] {
    if (!this.#buckets) {
      this.#buckets = new Map();
      for (const entry of this.#all) putInto(this.#buckets, entry);
    }
    const [first, last] = [Math.floor(from / bucketBits), Math.floor((to - 1) / bucketBits)];
    const buckets = this.#buckets;
    if (last - first > buckets.size) {
      return [...buckets].filter(([key]) => key >= first && key <= last).map(([, bucket]) => bucket);
    }
    const found: Set<InitializerEntry>[] = [];
    for (let key = first; key <= last; key++) {
      const bucket = buckets.get(key);
      if (bucket) found.push(bucket);
    }
    return found;
  }
}

function putInto(buckets: Map<number, Set<InitializerEntry>>, entry: InitializerEntry): void {
  const key = keyOf(entry);
  const bucket = buckets.get(key);
  if (bucket) bucket.add(entry);
  else buckets.set(key, new Set([entry]));
}

function keyOf(entry: InitializerEntry): number {
  return Math.floor(firstBit(entry) / bucketBits);
}

function firstBit({ offset, bits }: InitializerEntry): number {
  return offset * 8 + (bits?.shift ?? 0);
}
