import { InputError } from '../../base/index.ts';
import type { UserMemory } from '../../events/index.ts';
import type { Memory, PageKind } from '../../memory/index.ts';
import { writeText } from './fields.ts';
import { Pool } from './pool.ts';

/**
 * Strings and bytes that a pointer argument points to, in pages of one kind: user memory, or the kernel's. The same
 * text, array or object has the same address while it lives. A string ends with a NUL; bytes are as they are. The
 * rest of a place is zero.
 */
const sizes = [
  { room: 256, count: 256 },
  { room: 4096, count: 64 },
  { room: 65536, count: 8 },
] as const;

type Content = string | Uint8Array;
type Key = Content | UserMemory;

export class Texts {
  readonly #memory: Memory;
  readonly #classes: readonly { readonly room: number; readonly pool: Pool<Key> }[];

  constructor(memory: Memory, kind: PageKind) {
    this.#memory = memory;
    this.#classes = sizes.map(({ room, count }) => {
      // One run of pages for a class, made when the class is first used.
      let base = 0;
      return {
        room,
        pool: new Pool<Key>(count, (index) => {
          if (index === 0) base = memory.allocatePages(room * count, kind);
          return base + index * room;
        }),
      };
    });
  }

  /** The offset of the bytes of `content`, known by `key`. @throws InputError beyond 64 KiB */
  address(key: Key, content: Content): number {
    const most = typeof content === 'string' ? content.length * 3 + 1 : content.length;
    let bytes = most;
    if (typeof content === 'string' && most > sizes[0].room) bytes = new TextEncoder().encode(content).length + 1;
    for (const { room, pool } of this.#classes) {
      if (bytes > room) continue;
      const known = pool.find(key);
      return known !== 0 ? known : this.#fill(pool.take(key), room, content);
    }
    throw new InputError(`${bytes} bytes behind one pointer are too many`, { expected: 'at most 65,536' });
  }

  #fill(at: number, room: number, content: Content): number {
    const { u8 } = this.#memory;
    if (typeof content === 'string') {
      writeText(u8, at, room, content);
    } else {
      u8.set(content, at);
      u8.fill(0, at + content.length, at + room);
    }
    return at;
  }
}
