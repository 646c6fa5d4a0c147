import { InputError } from '../../base/index.ts';
import type { KernelProfile, MemberPlace } from '../../btf/index.ts';
import type { Argument, StructObject } from '../../events/index.ts';
import type { Memory } from '../../memory/index.ts';
import { type Slot, typeSlot } from '../slots.ts';
import type { Values } from '../values.ts';
import { StructFields, writeText } from './fields.ts';
import { Pool } from './pool.ts';

/** Any struct of the kernel's BTF, with the members that the event gives and zeros elsewhere. */
const live = 128;

interface Member {
  readonly place: MemberPlace;
  readonly slot: Slot;
}

class StructKind {
  readonly fields: StructFields;
  readonly pool: Pool<StructObject>;
  readonly members = new Map<string, Member>();

  constructor(memory: Memory, fields: StructFields) {
    this.fields = fields;
    this.pool = new Pool<StructObject>(live, () => memory.allocate(Math.max(8, fields.size)));
  }
}

export class Structs {
  readonly #memory: Memory;
  readonly #profile: KernelProfile;
  readonly #kinds = new Map<string, StructKind>();

  constructor(memory: Memory, profile: KernelProfile) {
    this.#memory = memory;
    this.#profile = profile;
  }

  /**
   * The offset of an object's struct: the same while it lives.
   * @throws InputError for an unknown struct or member, or a value that does not fit its type
   */
  address(object: StructObject, values: Values): number {
    const kind = this.#kind(object.type);
    const known = kind.pool.find(object);
    if (known !== 0) return known;
    const at = kind.pool.take(object);
    this.#memory.u8.fill(0, at, at + kind.fields.size);
    for (const path in object.fields) {
      this.#write(at, this.#member(kind, path), object.fields[path] as Argument, values);
    }
    return at;
  }

  #kind(type: string): StructKind {
    let kind = this.#kinds.get(type);
    if (kind === undefined) {
      const name = type.replace(/^(struct|union) /, '');
      kind = new StructKind(this.#memory, new StructFields(this.#profile.btf, name));
      this.#kinds.set(type, kind);
    }
    return kind;
  }

  #member(kind: StructKind, path: string): Member {
    let member = kind.members.get(path);
    if (member === undefined) {
      const place = kind.fields.member(path);
      member = { place, slot: typeSlot(this.#profile, place.type, `${kind.fields.name}.${path}`, false) };
      kind.members.set(path, member);
    }
    return member;
  }

  #write(at: number, { place, slot }: Member, argument: Argument, values: Values): void {
    const target = at + place.offset;
    if (argument instanceof Uint8Array && slot.kind !== 'pointer') {
      this.#memory.u8.set(argument.subarray(0, place.size), target);
    } else if (typeof argument === 'string' && slot.kind === 'bytes') {
      writeText(this.#memory.u8, target, place.size, argument);
    } else {
      values.take(slot, argument);
      if (place.bitSize > 0) this.#writeBits(target, place, values.low, slot);
      else writeHalves(this.#memory.view, target, place.size, values.high, values.low);
    }
  }

  /** A bit-field of up to 32 bits: byte by byte, as it may lie anywhere. */
  #writeBits(target: number, place: MemberPlace, value: number, slot: Slot): void {
    if (place.bitSize > 32) throw new InputError(`${slot.what} is a bit-field of more than 32 bits`);
    for (let bit = 0; bit < place.bitSize; bit++) {
      const index = place.bitShift + bit;
      const byte = target + (index >>> 3);
      const mask = 1 << (index & 7);
      const on = ((value >>> bit) & 1) === 1;
      this.#memory.u8[byte] = on ? this.#memory.u8[byte]! | mask : this.#memory.u8[byte]! & ~mask;
    }
  }
}

/** Writes the low `size` bytes of a value, little-endian. */
export function writeHalves(view: DataView, at: number, size: number, high: number, low: number): void {
  if (size === 8) {
    view.setInt32(at, low, true);
    view.setInt32(at + 4, high, true);
  } else if (size === 4) view.setInt32(at, low, true);
  else if (size === 2) view.setInt16(at, low, true);
  else if (size === 1) view.setInt8(at, low);
}
