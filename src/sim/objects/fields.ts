import { InputError, nearestHint } from '../../base/index.ts';
import type { Btf, MemberPlace, TypeId } from '../../btf/index.ts';
import { kernelSpace, type Memory, userSpace } from '../../memory/index.ts';

/** Where the members of one struct of the kernel's BTF lie, looked up once at boot. */
export class StructFields {
  readonly name: string;
  /** sizeof, bytes */
  readonly size: number;
  readonly btf: Btf;
  readonly id: TypeId;

  /** @throws InputError when this kernel's BTF has no such struct */
  constructor(btf: Btf, name: string) {
    const id = btf.find('struct', name) ?? btf.find('union', name);
    if (id === undefined) throw new InputError(`this kernel has no struct ${name}`);
    this.btf = btf;
    this.id = id;
    this.name = name;
    this.size = btf.sizeOf(id);
  }

  /** The offset of the first of these members that this kernel has, or -1: kernels differ. */
  offset(...paths: readonly string[]): number {
    for (const path of paths) {
      const place = this.btf.member(this.id, path);
      if (place) return place.offset;
    }
    return -1;
  }

  /** @throws InputError when there is no such member */
  member(path: string): MemberPlace {
    const place = this.btf.member(this.id, path);
    if (place) return place;
    const type = this.btf.type(this.id);
    const names = type.kind === 'struct' || type.kind === 'union' ? type.members.map((member) => member.name) : [];
    throw new InputError(`struct ${this.name} has no member '${path}'`, nearestHint(path, names.filter(Boolean)));
  }
}

/** Writes members of a struct at their offsets; one that this kernel does not have (offset -1) is left out. */
export class FieldWriter {
  readonly memory: Memory;
  readonly #view: DataView;

  constructor(memory: Memory) {
    this.memory = memory;
    this.#view = memory.view;
  }

  u8(base: number, offset: number, value: number): void {
    if (offset >= 0) this.memory.u8[base + offset] = value;
  }

  u16(base: number, offset: number, value: number): void {
    if (offset >= 0) this.#view.setUint16(base + offset, value, true);
  }

  /** Network byte order. */
  be16(base: number, offset: number, value: number): void {
    if (offset >= 0) this.#view.setUint16(base + offset, value, false);
  }

  u32(base: number, offset: number, value: number): void {
    if (offset >= 0) this.#view.setInt32(base + offset, value, true);
  }

  u64(base: number, offset: number, value: number): void {
    if (offset < 0) return;
    this.#view.setInt32(base + offset, value, true);
    this.#view.setInt32(base + offset + 4, Math.floor(value / 0x1_0000_0000), true);
  }

  /** A kernel pointer to an offset; NULL for 0. */
  pointer(base: number, offset: number, target: number): void {
    if (offset < 0) return;
    this.#view.setInt32(base + offset, target, true);
    this.#view.setInt32(base + offset + 4, target === 0 ? 0 : kernelSpace | 0, true);
  }

  /** A pointer into a process's memory, by its low half. */
  userPointer(base: number, offset: number, target: number): void {
    if (offset < 0) return;
    this.#view.setInt32(base + offset, target, true);
    this.#view.setInt32(base + offset + 4, userSpace, true);
  }

  bytes(base: number, offset: number, value: Uint8Array): void {
    if (offset >= 0) this.memory.u8.set(value, base + offset);
  }

  /** Text cut to `size - 1` bytes and padded with NULs to `size`. */
  text(base: number, offset: number, size: number, value: string): void {
    if (offset < 0) return;
    writeText(this.memory.u8, base + offset, size, value);
  }
}

const encoder = new TextEncoder();

/**
 * Writes text as UTF-8, cut to `size - 1` bytes, padded with NULs to `size`. Returns the bytes with the first NUL.
 * ASCII takes no detour over the encoder.
 */
export function writeText(target: Uint8Array, at: number, size: number, value: string): number {
  const most = Math.min(value.length, size - 1);
  let length = 0;
  while (length < most) {
    const code = value.charCodeAt(length);
    if (code > 0x7f) break;
    target[at + length++] = code;
  }
  if (length < most) length = encoder.encodeInto(value, target.subarray(at, at + size - 1)).written;
  target.fill(0, at + length, at + size);
  return length + 1;
}
