import { InputError, viewOf } from '../../base/index.ts';
import type { UserMemory } from '../../events/index.ts';
import { kernelSpace, type Memory } from '../../memory/index.ts';
import { writeText } from './fields.ts';
import { Pool } from './pool.ts';

/**
 * Strings and bytes that a pointer argument points to: in the kernel's memory, or in that of a process. The same text,
 * array or object has the same address while it lives. A string ends with a NUL; bytes are as they are; an array of
 * pointers to others of the kind is 8 bytes for each. The rest of a place is zero.
 */
const classes = [
  { room: 256, count: 256 },
  { room: 4096, count: 64 },
  { room: 65536, count: 8 },
] as const;

/** Bytes of addresses that the texts of one memory may take. */
export const textsRange = classes.reduce((sum, { room, count }) => sum + room * count, 0);

/** Where texts lie. Addresses are low halves of pointers. */
export interface TextMemory {
  /** High half of a pointer to it. */
  readonly high: number;
  /** The address of a class's places: they follow each other. */
  reserve(bytes: number): number;
  /** Puts a text with its NUL, or bytes, at an address, and zeros behind it up to `room` bytes. */
  put(at: number, content: string | Uint8Array, room: number): void;
}

type Content = UserMemory['content'];
export type TextKey = string | Uint8Array | UserMemory;

export class Texts {
  readonly #memory: TextMemory;
  readonly #classes: readonly { readonly room: number; readonly pool: Pool<TextKey> }[];

  constructor(memory: TextMemory) {
    this.#memory = memory;
    this.#classes = classes.map(({ room, count }) => {
      // Reserved when the class is first used.
      let base = 0;
      return {
        room,
        pool: new Pool<TextKey>(count, (index) => {
          if (index === 0) base = memory.reserve(room * count);
          return base + index * room;
        }),
      };
    });
  }

  /** The address of the bytes of `content`, known by `key`. @throws InputError beyond 64 KiB */
  address(key: TextKey, content: Content): number {
    if (typeof content !== 'string' && !(content instanceof Uint8Array)) return this.#pointers(key, content);
    const most = typeof content === 'string' ? content.length * 3 + 1 : content.length;
    let bytes = most;
    if (typeof content === 'string' && most > classes[0].room) bytes = new TextEncoder().encode(content).length + 1;
    for (const { room, pool } of this.#classes) {
      if (bytes > room) continue;
      const known = pool.find(key);
      if (known !== 0) return known;
      const at = pool.take(key);
      this.#memory.put(at, content, room);
      return at;
    }
    throw new InputError(`${bytes} bytes behind one pointer are too many`, { expected: 'at most 65,536' });
  }

  /** A program writes there: whoever names that text again gets another place. */
  disown(address: number, length: number): void {
    for (const { room, pool } of this.#classes) pool.disown(address, length, room);
  }

  /** Written anew each time: what it points to may have another place by now. */
  #pointers(key: TextKey, content: readonly (UserMemory | null)[]): number {
    const bytes = new Uint8Array(content.length * 8);
    const view = viewOf(bytes);
    for (const [index, one] of content.entries()) {
      if (one === null) continue;
      view.setUint32(index * 8, this.address(one, one.content), true);
      view.setUint32(index * 8 + 4, this.#memory.high, true);
    }
    const at = this.address(key, bytes);
    this.#memory.put(at, bytes, bytes.length);
    return at;
  }
}

/** The kernel's own texts: an address is an offset in the linear memory. */
export function kernelTexts(memory: Memory): Texts {
  return new Texts({
    high: kernelSpace,
    reserve: (bytes) => memory.allocatePages(bytes),
    put: (at, content, room) => putText(memory, at, content, room),
  });
}

/** Puts a text with its NUL, or bytes, at an offset of the linear memory, and zeros behind it up to `room` bytes. */
export function putText({ u8 }: Memory, at: number, content: string | Uint8Array, room: number): void {
  if (typeof content === 'string') {
    writeText(u8, at, room, content);
    return;
  }
  u8.set(content, at);
  u8.fill(0, at + content.length, at + room);
}
