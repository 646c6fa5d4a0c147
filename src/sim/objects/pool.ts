/**
 * Places for objects of one kind, given out first in, first out: the same key has the same place until so many others
 * came that it is reused. So memory stays bounded however long a run lasts, and a pointer that a program kept goes
 * stale the way it does in a kernel whose slab was reused.
 */
export class Pool<Key> {
  readonly #capacity: number;
  readonly #make: (index: number) => number;
  readonly #offsets: number[] = [];
  readonly #keys: (Key | undefined)[] = [];
  readonly #places = new Map<Key, number>();
  readonly #indexes = new Map<number, number>();
  #next = 0;

  /** @param make allocates the place of that index and returns its offset; called once a place, when first needed */
  constructor(capacity: number, make: (index: number) => number) {
    this.#capacity = capacity;
    this.#make = make;
  }

  /** The offset of a key's place, or 0 when it has none. */
  find(key: Key): number {
    return this.#places.get(key) ?? 0;
  }

  /** The key whose place begins at an offset. */
  keyAt(offset: number): Key | undefined {
    const index = this.#indexes.get(offset);
    return index === undefined ? undefined : this.#keys[index];
  }

  /** A place for a key that has none: a new one, or the one given out longest ago. Its bytes are what was there. */
  take(key: Key): number {
    const index = this.#next;
    this.#next = index + 1 === this.#capacity ? 0 : index + 1;
    if (index >= this.#offsets.length) {
      this.#offsets.push(this.#make(index));
      this.#indexes.set(this.#offsets[index] as number, index);
    } else this.#places.delete(this.#keys[index] as Key);
    const offset = this.#offsets[index] as number;
    this.#keys[index] = key;
    this.#places.set(key, offset);
    return offset;
  }

  /** What lies in places that overlap so many bytes from an offset on is no key's any more; each place has `room` bytes. */
  disown(offset: number, length: number, room: number): void {
    for (const [at, index] of this.#indexes) {
      if (at + room <= offset || at >= offset + length) continue;
      this.#places.delete(this.#keys[index] as Key);
      this.#keys[index] = undefined;
    }
  }

  /** How many places hold a key. */
  get size(): number {
    return this.#places.size;
  }
}
