import type { TypeId } from './types.ts';

/**
 * An index of names over the string section of a BTF blob: an open-addressed table of type ids, keyed by the bytes of
 * the name and by a group of kinds that share a name space. It is built without making a string for any name, which
 * keeps the opening of a whole vmlinux (some 100,000 names) to a few milliseconds. The first type of a name wins.
 */
export class NameIndex {
  readonly #strings: Uint8Array;
  readonly #ids: Int32Array;
  readonly #hashes: Int32Array;
  readonly #names: Uint32Array;
  readonly #mask: number;

  /** @param strings the string section; @param capacity how many names will be added at most */
  constructor(strings: Uint8Array, capacity: number) {
    let size = 16;
    while (size < capacity * 2) size *= 2;
    this.#strings = strings;
    this.#ids = new Int32Array(size);
    this.#hashes = new Int32Array(size);
    this.#names = new Uint32Array(size);
    this.#mask = size - 1;
  }

  add(group: number, name: number, id: TypeId): void {
    const strings = this.#strings;
    let hash = start(group);
    for (let at = name; strings[at] !== 0; at++) hash = Math.imul(hash ^ (strings[at] as number), 0x01000193);
    let slot = spread(hash) & this.#mask;
    while (this.#ids[slot] !== 0) {
      if (this.#hashes[slot] === hash && this.#same(this.#names[slot] as number, name)) return;
      slot = (slot + 1) & this.#mask;
    }
    this.#ids[slot] = id;
    this.#hashes[slot] = hash;
    this.#names[slot] = name;
  }

  find(group: number, name: string): TypeId | undefined {
    const bytes = Buffer.from(name);
    let hash = start(group);
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
    let slot = spread(hash) & this.#mask;
    while (this.#ids[slot] !== 0) {
      if (this.#hashes[slot] === hash && this.#equals(this.#names[slot] as number, bytes)) return this.#ids[slot];
      slot = (slot + 1) & this.#mask;
    }
    return undefined;
  }

  #same(a: number, b: number): boolean {
    const strings = this.#strings;
    for (let i = 0; ; i++) {
      if (strings[a + i] !== strings[b + i]) return false;
      if (strings[a + i] === 0) return true;
    }
  }

  #equals(at: number, bytes: Uint8Array): boolean {
    for (let i = 0; i < bytes.length; i++) if (this.#strings[at + i] !== bytes[i]) return false;
    return this.#strings[at + bytes.length] === 0;
  }
}

/** FNV-1a's start, a different one for each group: equal hashes then mean the same group but for a rare collision. */
function start(group: number): number {
  return (0x811c9dc5 ^ Math.imul(group + 1, 0x9e3779b1)) | 0;
}

function spread(hash: number): number {
  return (hash ^ (hash >>> 15)) >>> 0;
}
