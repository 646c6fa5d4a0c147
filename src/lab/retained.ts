import type { TracedRecord } from './tool.ts';

/**
 * The newest records, within bounds: so many for one group, so many in all. Every record kept is a link in two lists,
 * one of all by age and one of its group by age. What is dropped is always the oldest, of the group that is full or
 * of all; its link is used again, so a storm allocates nothing here.
 */
export class Retained {
  readonly #most: number;
  readonly #mostPerShelf: number;
  /** Both ends of the list of all: its `newer` is the oldest link, its `older` the newest. */
  readonly #ends = new Link();
  #size = 0;

  constructor(most: number, mostPerShelf: number) {
    this.#most = most;
    this.#mostPerShelf = mostPerShelf;
  }

  /** Records kept now. */
  get size(): number {
    return this.#size;
  }

  keep(record: TracedRecord, shelf: Shelf): void {
    if (this.#most === 0 || this.#mostPerShelf === 0) return;
    const link = this.#linkFor(shelf);
    link.record = record;
    link.shelf = shelf;
    link.newerOnShelf = undefined;
    if (shelf.newest) shelf.newest.newerOnShelf = link;
    else shelf.oldest = link;
    shelf.newest = link;
    shelf.size++;
    link.older = this.#ends.older;
    link.newer = this.#ends;
    this.#ends.older.newer = link;
    this.#ends.older = link;
    this.#size++;
  }

  #linkFor(shelf: Shelf): Link {
    if (shelf.size >= this.#mostPerShelf) return this.#dropOldest(shelf);
    if (this.#size >= this.#most) return this.#dropOldest(this.#ends.newer.shelf as Shelf);
    return new Link();
  }

  #dropOldest(shelf: Shelf): Link {
    const link = shelf.oldest as Link;
    shelf.oldest = link.newerOnShelf;
    if (!shelf.oldest) shelf.newest = undefined;
    shelf.size--;
    link.older.newer = link.newer;
    link.newer.older = link.older;
    this.#size--;
    return link;
  }

  /** Lets go of a whole group's records. */
  clear(shelf: Shelf): void {
    while (shelf.oldest) this.#dropOldest(shelf);
  }
}

/** One group's records. */
export class Shelf {
  oldest: Link | undefined = undefined;
  newest: Link | undefined = undefined;
  size = 0;

  /** Oldest first. */
  *[Symbol.iterator](): Generator<TracedRecord> {
    for (let link = this.oldest; link; link = link.newerOnShelf) yield link.record as TracedRecord;
  }
}

class Link {
  record: TracedRecord | undefined = undefined;
  shelf: Shelf | undefined = undefined;
  newerOnShelf: Link | undefined = undefined;
  older: Link = this;
  newer: Link = this;
}
