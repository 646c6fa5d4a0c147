import { InputError } from '../../base/index.ts';
import type { KernelProfile, MemberPlace } from '../../btf/index.ts';
import type { Argument, Arguments } from '../../events/index.ts';
import type { Memory } from '../../memory/index.ts';
import { type Slot, typeSlot } from '../contexts/slots.ts';
import { unknownName, type Values } from '../contexts/values.ts';
import { type StructFields, writeText } from './fields.ts';

/**
 * Writes members of a struct by their dotted names, whatever their types. Several structs are one where each begins
 * with the next (a tcp_sock with an inet_connection_sock): a name means the member of the first that has it. A member
 * is looked up once.
 */
export class Members {
  readonly #structs: readonly StructFields[];
  readonly #memory: Memory;
  readonly #profile: KernelProfile;
  readonly #values: Values;
  readonly #known = new Map<string, { readonly place: MemberPlace; readonly slot: Slot }>();

  constructor(memory: Memory, profile: KernelProfile, values: Values, structs: readonly StructFields[]) {
    this.#memory = memory;
    this.#profile = profile;
    this.#values = values;
    this.#structs = structs;
  }

  /** @throws InputError for an unknown member, or a value that does not fit its type */
  write(at: number, fields: Arguments): void {
    for (const path in fields) this.#write(at, path, fields[path] as Argument);
  }

  #member(path: string) {
    let member = this.#known.get(path);
    if (member === undefined) {
      const fields = this.#structs.find((one) => one.offset(path) >= 0) ?? this.#structs[0];
      if (fields === undefined) throw unknownName('this kernel', 'struct with a member', path, []);
      const place = fields.member(path);
      member = { place, slot: typeSlot(this.#profile, place.type, `${fields.name}.${path}`, false) };
      this.#known.set(path, member);
    }
    return member;
  }

  #write(base: number, path: string, argument: Argument): void {
    const { place, slot } = this.#member(path);
    const at = base + place.offset;
    if (argument instanceof Uint8Array && slot.kind !== 'pointer') {
      this.#memory.u8.set(argument.subarray(0, place.size), at);
    } else if (typeof argument === 'string' && slot.kind === 'bytes') {
      writeText(this.#memory.u8, at, place.size, argument);
    } else {
      this.#values.take(slot, argument);
      if (place.bitSize > 0) this.#writeBits(at, place, this.#values.low, slot);
      else writeHalves(this.#memory.view, at, place.size, this.#values.high, this.#values.low);
    }
  }

  /** A bit-field of up to 32 bits: byte by byte, as it may lie anywhere. */
  #writeBits(at: number, place: MemberPlace, value: number, slot: Slot): void {
    if (place.bitSize > 32) throw new InputError(`${slot.what} is a bit-field of more than 32 bits`);
    for (let bit = 0; bit < place.bitSize; bit++) {
      const index = place.bitShift + bit;
      const byte = at + (index >>> 3);
      const mask = 1 << (index & 7);
      const on = ((value >>> bit) & 1) === 1;
      this.#memory.u8[byte] = on ? this.#memory.u8[byte]! | mask : this.#memory.u8[byte]! & ~mask;
    }
  }
}

/** Writes the low `size` bytes of a value, little-endian. */
function writeHalves(view: DataView, at: number, size: number, high: number, low: number): void {
  if (size === 8) {
    view.setInt32(at, low, true);
    view.setInt32(at + 4, high, true);
  } else if (size === 4) view.setInt32(at, low, true);
  else if (size === 2) view.setInt16(at, low, true);
  else if (size === 1) view.setInt8(at, low);
}
