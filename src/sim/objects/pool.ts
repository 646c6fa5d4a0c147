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

  /** A place for a key that has none: a new one, or the one given out longest ago. Its bytes are what was there. */
  take(key: Key): number {
    const index = this.#next;
    this.#next = index + 1 === this.#capacity ? 0 : index + 1;
    if (index >= this.#offsets.length) this.#offsets.push(this.#make(index));
    else this.#places.delete(this.#keys[index] as Key);
    const offset = this.#offsets[index] as number;
    this.#keys[index] = key;
    this.#places.set(key, offset);
    return offset;
  }

  /** How many places hold a key. */
  get size(): number {
    return this.#places.size;
  }
}
