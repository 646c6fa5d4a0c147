import type { Size } from '../../isa/index.ts';
import { limits } from '../../uapi/index.ts';
import { addressOf } from '../ir/decide.ts';
import { resolve, type Slot, Value } from '../ir/ir.ts';
import { mayBeStack, provenanceOf, readsDirectly } from '../ir/provenance.ts';
import { littleEndian, setConstant } from '../object/image.ts';
import type { Expression, Initializer, InitializerEntry, Variable } from '../syntax/ast.ts';
import { isUser } from '../syntax/typing.ts';
import { extentOf } from '../types/layout.ts';
import {
  alignOf,
  type BitField,
  type CType,
  isAggregate,
  isScalar,
  type Member,
  printCType,
  sizeOf,
} from '../types/types.ts';
import type { Lowering } from './lowering.ts';
import { alignmentOf, chunkAt, chunksOf, mostCopied } from './pieces.ts';

/** Places: where an lvalue is, in a register variable or in memory; reading, writing, copying and initialising. */
export type Place =
  | { readonly kind: 'variable'; readonly variable: Variable }
  | {
      readonly kind: 'memory';
      readonly address: Value;
      readonly offset: number;
      readonly type: CType;
      readonly bits: Member['bits'];
      /** Its address is a multiple of that, by the types on the way to it: less than its type's in a packed struct. */
      readonly align: number;
      readonly user: boolean;
      readonly volatile: boolean;
      /** Of a packet: the address is an offset in it. */
      readonly packet?: boolean;
    };
export type MemoryPlace = Extract<Place, { kind: 'memory' }>;

export class PlaceLowering {
  readonly #l: Lowering;

  constructor(lowering: Lowering) {
    this.#l = lowering;
  }

  /** The variable is kept in registers. */
  inRegister(variable: Variable): boolean {
    return !variable.inMemory && !variable.global && isScalar(variable.type);
  }

  /** Each copy of an unrolled body has its own: the bytes of the last one's may be another's by now. */
  slotOf(variable: Variable): Slot {
    const { slots } = this.#l.frame;
    let slot = slots.get(variable);
    if (!slot?.scope.open) {
      slot = this.#l.builder.slot(
        variable.name,
        sizeOf(variable.type),
        Math.max(alignOf(variable.type), variable.align),
      );
      slots.set(variable, slot);
    }
    return slot;
  }

  memory(address: Value, type: CType, offset = 0, user = false): MemoryPlace {
    return { kind: 'memory', address, offset, type, bits: undefined, align: alignOf(type), user, volatile: false };
  }

  /** Where an expression's object is; a value that has none is put into a temporary. */
  place(value: Expression): Place {
    const { builder } = this.#l;
    switch (value.kind) {
      case 'variable': {
        const { variable } = value;
        if (this.inRegister(variable)) return { kind: 'variable', variable };
        return this.memory(this.addressOf(variable), variable.type);
      }
      case 'deref': {
        const address = this.#l.expressions.value(value.base);
        const pointer = value.base.type;
        const volatile = pointer.kind === 'pointer' && pointer.volatile;
        return { ...this.memory(address, value.type, 0, isUser(value)), align: alignmentOf(value), volatile };
      }
      case 'member': {
        const base = this.memoryPlace(value.base);
        const { type } = value.base;
        const packet = base.packet === true || (type.kind === 'struct' && type.packet);
        const { offset, bits } = value.member;
        const place = { ...base, offset: base.offset + offset, type: value.type, bits, align: alignmentOf(value) };
        return packet ? { ...place, packet } : place;
      }
      case 'literal': {
        const { variable } = value;
        const slot = this.slotOf(variable);
        if (variable.initial) this.initialize(builder.stack(slot), variable.type, variable.initial);
        return this.memory(builder.stack(slot), variable.type);
      }
      case 'string': {
        if (value.bytes.length > limits.stack) {
          const message = `this string takes ${value.bytes.length} bytes of the stack, and a program has ${limits.stack}`;
          this.#l.diagnostics.error(value.at, message, 'keep it in a global: static const char text[] = …');
          return this.memory(builder.constant(0n, 64), value.type);
        }
        const slot = builder.slot('', value.bytes.length, 1);
        this.#storeBytes(builder.stack(slot), value.bytes);
        return this.memory(builder.stack(slot), value.type);
      }
      default:
        return this.#temporary(value);
    }
  }

  /** As `place`, for what lies in memory in any case. */
  memoryPlace(value: Expression): MemoryPlace {
    const place = this.place(value);
    if (place.kind === 'memory') return place;
    return this.#temporary(value);
  }

  #temporary(value: Expression): MemoryPlace {
    const { builder, expressions } = this.#l;
    if (isAggregate(value.type) && value.type.kind === 'struct') return this.#l.aggregates.place(value);
    const slot = builder.slot('', sizeOf(value.type), alignOf(value.type));
    const place = this.memory(builder.stack(slot), value.type);
    if (value.type.kind === 'int' && value.type.size === 16) this.writeWide(place, this.#l.wide.value(value));
    else this.write(place, value.type, expressions.value(value));
    return place;
  }

  addressOf(variable: Variable): Value {
    const { builder, data } = this.#l;
    if (!variable.global) return builder.stack(this.slotOf(variable));
    const { section, offset } = data.place(variable);
    return builder.emit('data', 64, [], { section, offset, imm: offset + sizeOf(variable.type) });
  }

  /** The value of a scalar place. */
  read(place: Place, type: CType): Value {
    const { builder } = this.#l;
    const width = sizeOf(type) === 8 ? 64 : 32;
    if (place.kind === 'variable') return builder.read(place.variable, width);
    if (place.packet) return this.#l.packets.read(place, type);
    if (place.bits) return this.#readBits(place, type, place.bits);
    const size = sizeOf(type) as Size;
    const value = this.#load(place, size);
    return this.#l.expressions.extend(value, type);
  }

  #readBits(place: MemoryPlace, type: CType, bits: BitField): Value {
    const { builder } = this.#l;
    const signed = type.kind === 'int' && type.signed;
    const split = bits.storage === undefined;
    let value = bits.storage === undefined ? this.#readPieces(place, bits) : this.#load(place, bits.storage);
    const shift = split ? 0 : bits.shift;
    const { width } = value;
    const constant = (n: number): Value => builder.constant(BigInt(n), width);
    if (signed) {
      value = builder.binary('lsh', value, constant(width - shift - bits.width));
      value = builder.binary('arsh', value, constant(width - bits.width));
    } else {
      value = builder.binary('rsh', value, constant(shift));
      value = builder.binary('and', value, builder.constant((1n << BigInt(bits.width)) - 1n, width));
    }
    if (sizeOf(type) === 8) return width === 64 ? value : signed ? builder.sext(value) : builder.zext(value);
    return width === 64 ? builder.trunc(value) : value;
  }

  /** The field in the low bits, put together of its bytes. */
  #readPieces(place: MemoryPlace, { shift, width }: BitField): Value {
    const { builder } = this.#l;
    let value = builder.constant(0n, 64);
    for (let i = 0, at = -shift; at < width; i++, at += 8) {
      const { user, volatile } = place;
      const byte = builder.zext(builder.load(place.address, place.offset + i, 1, { user, volatile }));
      const by = builder.constant(BigInt(Math.abs(at)), 64);
      value = builder.binary('or', value, builder.binary(at < 0 ? 'rsh' : 'lsh', byte, by));
    }
    return value;
  }

  /** Writes a scalar that has the place's type already. */
  write(place: Place, type: CType, value: Value): void {
    const { builder } = this.#l;
    if (place.kind === 'variable') builder.write(place.variable, value);
    else if (place.packet) this.#l.packets.write(place, type, value);
    else if (place.bits?.storage) this.#writeBits(place, place.bits, place.bits.storage, value);
    else if (place.bits) this.#writePieces(place, place.bits, value);
    else this.#store(place, sizeOf(type) as Size, value);
  }

  #writeBits(place: MemoryPlace, bits: BitField, storage: Size, value: Value): void {
    const { builder } = this.#l;
    const old = this.#load(place, storage);
    const { width } = old;
    const fresh = width === value.width ? value : width === 64 ? builder.zext(value) : builder.trunc(value);
    const ones = (1n << BigInt(bits.width)) - 1n;
    const shift = BigInt(bits.shift);
    const kept = builder.binary('and', old, builder.constant(~(ones << shift), width));
    const masked = builder.binary('and', fresh, builder.constant(ones, width));
    const moved = builder.binary('lsh', masked, builder.constant(shift, width));
    this.#store(place, storage, builder.binary('or', kept, moved));
  }

  #writePieces(place: MemoryPlace, { shift, width }: BitField, value: Value): void {
    const { builder } = this.#l;
    const wide = value.width === 64 ? value : builder.zext(value);
    for (let i = 0, at = -shift; at < width; i++, at += 8) {
      const ones = ((1n << BigInt(shift + width)) - (1n << BigInt(shift))) >> BigInt(i * 8);
      const by = builder.constant(BigInt(Math.abs(at)), 64);
      const moved = builder.trunc(builder.binary(at < 0 ? 'lsh' : 'rsh', wide, by));
      const old = builder.load(place.address, place.offset + i, 1);
      const kept = builder.binary('and', old, builder.constant(~ones & 0xffn, 32));
      const fresh = builder.binary('and', moved, builder.constant(ones & 0xffn, 32));
      builder.store(place.address, place.offset + i, 1, builder.binary('or', kept, fresh));
    }
  }

  /** A load in one piece, or in as many as the stack's alignment asks for: members of packed structs. */
  #load(place: MemoryPlace, size: Size): Value {
    const { builder } = this.#l;
    const { address, offset, user, volatile } = place;
    const piece = this.#pieceOnStack(place, size);
    if (piece === size) return builder.load(address, offset, size, { user, volatile });
    const width = size === 8 ? 64 : 32;
    let value = builder.constant(0n, width);
    for (let at = 0; at < size; at += piece) {
      const part = builder.load(address, offset + at, piece, { volatile });
      const wide = width === 64 ? builder.zext(part) : part;
      value = builder.binary('or', value, builder.binary('lsh', wide, builder.constant(BigInt(at * 8), width)));
    }
    return value;
  }

  #store(place: MemoryPlace, size: Size, value: Value): void {
    const { builder } = this.#l;
    const piece = this.#pieceOnStack(place, size);
    for (let at = 0; at < size; at += piece) {
      const part = builder.binary('rsh', value, builder.constant(BigInt(at * 8), value.width));
      builder.store(place.address, place.offset + at, piece, part);
    }
  }

  #pieceOnStack(place: MemoryPlace, size: Size): Size {
    const address = resolve(place.address);
    if (address.op === 'stack') return Math.min(size, this.#alignment(place)) as Size;
    return place.align < size && mayBeStack(address, this.#l.origin) ? (place.align as Size) : size;
  }

  readWide(place: MemoryPlace): readonly [low: Value, high: Value] {
    const { builder } = this.#l;
    const options = { user: place.user };
    return [
      builder.load(place.address, place.offset, 8, options),
      builder.load(place.address, place.offset + 8, 8, options),
    ];
  }

  writeWide(place: MemoryPlace, value: readonly [low: Value, high: Value]): void {
    const { builder } = this.#l;
    builder.store(place.address, place.offset, 8, value[0]);
    builder.store(place.address, place.offset + 8, 8, value[1]);
  }

  /** What takes an instruction or two a word. */
  #isTooLarge(size: number): boolean {
    const message = `this copies ${size} bytes, more than ${mostCopied}`;
    const hint = 'copy what is needed, or use bpf_probe_read_kernel()';
    if (size > mostCopied) this.#l.diagnostics.error(this.#l.builder.at, message, hint);
    return size > mostCopied;
  }

  /** Copies bytes; out of memory that only a probe read may follow, with one. */
  copy(to: MemoryPlace, from: MemoryPlace, size: number): void {
    const { builder, calls, origin } = this.#l;
    if (size === 0) return;
    const source = provenanceOf(from.address, origin, 'unknown');
    const align = Math.min(this.#alignment(to), source === 'unknown' ? alignOf(from.type) : this.#alignment(from));
    if (from.user || (source === 'unknown' && !this.#readsInWords(from, size))) {
      const length = builder.constant(BigInt(size), 64);
      const helper = from.user ? 'probe_read_user' : 'probe_read_kernel';
      calls.helper(helper, [this.pointer(to), length, this.pointer(from)], 32);
      return;
    }
    if (this.#isTooLarge(size)) return;
    const chunks = chunksOf(size, align);
    // Upwards within one object: from the end, so that nothing is read after it was written.
    const [target, start] = [addressOf(to.address), addressOf(from.address)];
    const ahead = target.offset - start.offset + BigInt(to.offset - from.offset);
    if (target.object === start.object && ahead > 0n) chunks.reverse();
    for (const [at, chunk] of chunks) {
      builder.store(to.address, to.offset + at, chunk, builder.load(from.address, from.offset + at, chunk));
    }
  }

  /** A few words behind a kernel pointer whose type the verifier knows are read one by one. */
  #readsInWords(from: MemoryPlace, size: number): boolean {
    const { address, offset } = from;
    const chunks = chunksOf(size, alignOf(from.type));
    return (
      chunks.length <= 4 && chunks.every(([at, chunk]) => readsDirectly(address, offset + at, chunk, this.#l.origin))
    );
  }

  /** The address of a place, as a value. */
  pointer(place: MemoryPlace): Value {
    const { builder } = this.#l;
    return builder.binary('add', place.address, builder.constant(BigInt(place.offset), 64));
  }

  /** How wide memory may be accessed there: the stack must be aligned, other memory need not on x86. */
  #alignment(place: MemoryPlace): number {
    const address = resolve(place.address);
    if (address.op === 'stack' && address.slot) {
      const at = (address.offset + place.offset) | address.slot.align;
      return at & -at;
    }
    const origin = provenanceOf(address, this.#l.origin, 'unknown');
    // The context is read at its own alignment, and only some kinds of it in other pieces than its members.
    if (origin === 'context' && this.#l.origin.anyWidth) {
      const { object, offset } = addressOf(address);
      const at = (Number(offset) + place.offset) | 8;
      if (object instanceof Value && object.op === 'parameter') return at & -at;
    }
    return origin === 'direct' && !mayBeStack(address, this.#l.origin) ? 8 : place.align;
  }

  fill(to: MemoryPlace, size: number, byte: number): void {
    const { builder } = this.#l;
    const align = this.#alignment(to);
    for (let at = 0; at < size; ) {
      const chunk = chunkAt(at, size, align);
      const word = BigInt(`0x${byte.toString(16).padStart(2, '0').repeat(chunk)}`);
      builder.store(to.address, to.offset + at, chunk, builder.constant(word, chunk === 8 ? 64 : 32));
      at += chunk;
    }
  }

  #storeBytes(address: Value, bytes: Uint8Array): void {
    const { builder } = this.#l;
    const place = this.memory(address, { kind: 'void' });
    const align = this.#alignment(place);
    for (let at = 0; at < bytes.length; ) {
      const chunk = chunkAt(at, bytes.length, align);
      builder.store(address, at, chunk, builder.constant(littleEndian(bytes, at, chunk), chunk === 8 ? 64 : 32));
      at += chunk;
    }
  }

  /**
   * Initialises an object in memory: its constant bytes, padding included, in words; what is not constant after them.
   * A word that the rest covers wholly is not written twice.
   */
  initialize(address: Value, type: CType, initial: Initializer): void {
    const size = sizeOf(type);
    const image = new Uint8Array(size);
    const covered = new Uint8Array(size);
    const rest: InitializerEntry[] = [];
    for (const entry of initial.entries) {
      const length = extentOf(entry.type, entry.bits);
      if (entry.offset + length > size) continue;
      const range = [entry.offset, entry.offset + length] as const;
      // A constant within what is not one comes behind it.
      if (covered.subarray(...range).includes(1) || !setConstant(image, entry)) {
        rest.push(entry);
        if (!entry.bits) covered.fill(1, ...range);
      }
    }
    // Values first: they may read what is being initialised.
    const { expressions, builder } = this.#l;
    const ready = rest.map((entry) => ({
      entry,
      value: isAggregate(entry.type) ? undefined : expressions.value(entry.value),
    }));
    const place = this.memory(address, type);
    const align = this.#alignment(place);
    for (let at = 0; at < size; ) {
      const chunk = chunkAt(at, size, align);
      if (!covered.subarray(at, at + chunk).every((one) => one === 1)) {
        builder.store(address, at, chunk, builder.constant(littleEndian(image, at, chunk), chunk === 8 ? 64 : 32));
      }
      at += chunk;
    }
    for (const { entry, value } of ready) {
      const to: MemoryPlace = { ...this.memory(address, entry.type, entry.offset), bits: entry.bits };
      if (value) this.write(to, entry.type, value);
      else this.assignAggregate(to, entry.value);
    }
  }

  /** Writes a struct or 128-bit value to a place. */
  assignAggregate(to: MemoryPlace, value: Expression): void {
    if (value.type.kind === 'int') this.writeWide(to, this.#l.wide.value(value));
    else if (value.type.kind === 'struct') this.copy(to, this.#l.aggregates.place(value), sizeOf(to.type));
    else this.#l.diagnostics.error(value.at, `a '${printCType(value.type)}' cannot be copied`);
  }
}
