import { InputError, viewOf } from '../../base/index.ts';
import type { UserMemory } from '../../events/index.ts';
import { kernelSpace, type Memory, type PageKind, pageKinds, userSpace } from '../../memory/index.ts';
import { writeText } from './fields.ts';
import { Pool } from './pool.ts';

/**
 * Strings and bytes that a pointer argument points to, in pages of one kind: user memory, or the kernel's. The same
 * text, array or object has the same address while it lives. A string ends with a NUL; bytes are as they are; an array
 * of pointers to others of the kind is 8 bytes for each. The rest of a place is zero.
 */
const sizes = [
  { room: 256, count: 256 },
  { room: 4096, count: 64 },
  { room: 65536, count: 8 },
] as const;

type Content = UserMemory['content'];
type Key = string | Uint8Array | UserMemory;

export class Texts {
  readonly #memory: Memory;
  /** High half of a pointer to this kind. */
  readonly #high: number;
  readonly #classes: readonly { readonly room: number; readonly pool: Pool<Key> }[];

  constructor(memory: Memory, kind: PageKind) {
    this.#memory = memory;
    this.#high = kind === pageKinds.user ? userSpace : kernelSpace;
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
    if (typeof content !== 'string' && !(content instanceof Uint8Array)) return this.#pointers(key, content);
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

  /** A program writes there: whoever names that text again gets another place. */
  disown(offset: number, length: number): void {
    for (const { room, pool } of this.#classes) pool.disown(offset, length, room);
  }

  /** Written anew each time: what it points to may have another place by now. */
  #pointers(key: Key, content: readonly (UserMemory | null)[]): number {
    const bytes = new Uint8Array(content.length * 8);
    const view = viewOf(bytes);
    for (const [index, one] of content.entries()) {
      if (one === null) continue;
      view.setUint32(index * 8, this.address(one, one.content), true);
      view.setUint32(index * 8 + 4, this.#high, true);
    }
    const at = this.address(key, bytes);
    this.#memory.u8.set(bytes, at);
    return at;
  }

  #fill(at: number, room: number, content: string | Uint8Array): number {
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
