import type { Value } from '../ir/ir.ts';
import { type BitField, type CType, sizeOf } from '../types/types.ts';
import type { Lowering } from './lowering.ts';
import type { MemoryPlace } from './places.ts';

/**
 * Members of packet headers that are reached through a cursor (`<bcc/proto.h>`): the pointer is an offset in the packet
 * of the function's first parameter. A load is of as many bytes as hold the bits, big-endian, shifted and masked; a
 * store reads them, puts the bits in and writes them back, as BCC's bpf_dext_pkt and bpf_dins_pkt do.
 */
export class PacketLowering {
  readonly #l: Lowering;

  constructor(lowering: Lowering) {
    this.#l = lowering;
  }

  read(place: MemoryPlace, type: CType): Value {
    const { builder } = this.#l;
    const { bytes, shift, width } = bitsOf(place, type);
    let value = this.#load(place, bytes);
    if (shift > 0) value = builder.binary('rsh', value, builder.constant(BigInt(shift), 64));
    if (width < bytes * 8) value = builder.binary('and', value, builder.constant((1n << BigInt(width)) - 1n, 64));
    return sizeOf(type) === 8 ? value : builder.trunc(value);
  }

  write(place: MemoryPlace, type: CType, value: Value): void {
    const { builder, calls } = this.#l;
    const { bytes, shift, width } = bitsOf(place, type);
    const ones = (1n << BigInt(width)) - 1n;
    const wide = value.width === 64 ? value : builder.zext(value);
    let whole = builder.binary('and', wide, builder.constant(ones, 64));
    if (width < bytes * 8) {
      const kept = builder.constant(~(ones << BigInt(shift)), 64);
      whole = builder.binary('lsh', whole, builder.constant(BigInt(shift), 64));
      whole = builder.binary('or', whole, builder.binary('and', this.#load(place, bytes), kept));
    }
    const slot = builder.slot('', bytes, bytes);
    const swapped = bytes === 1 ? whole : builder.swap(whole, bytes * 8);
    builder.store(builder.stack(slot), 0, bytes, bytes === 8 ? swapped : builder.trunc(swapped));
    const size = builder.constant(BigInt(bytes), 64);
    const flags = builder.constant(0n, 64);
    calls.helper('skb_store_bytes', [this.packet(), this.#at(place, 0), builder.stack(slot), size, flags], 32);
  }

  #load(place: MemoryPlace, bytes: 1 | 2 | 4 | 8): Value {
    const { builder } = this.#l;
    if (bytes < 8) return builder.emit('packet', 64, [this.packet(), this.#at(place, 0)], { size: bytes });
    const high = builder.emit('packet', 64, [this.packet(), this.#at(place, 0)], { size: 4 });
    const low = builder.emit('packet', 64, [this.packet(), this.#at(place, 4)], { size: 4 });
    return builder.binary('or', builder.binary('lsh', high, builder.constant(32n, 64)), low);
  }

  /** The offset in the packet of the byte in which the place begins. */
  #at(place: MemoryPlace, behind: number): Value {
    const { builder } = this.#l;
    const offset = place.offset + ((place.bits?.shift ?? 0) >>> 3) + behind;
    return builder.binary('add', place.address, builder.constant(BigInt(offset), 64));
  }

  /** The packet: the function's first parameter, as in BCC. */
  packet(): Value {
    const { builder, diagnostics, expressions, frame } = this.#l;
    const [variable] = frame.function.parameters;
    const target = variable?.type.kind === 'pointer' ? variable.type.target : undefined;
    if (variable !== undefined && target?.kind === 'struct' && target.tag === '__sk_buff') {
      return expressions.value({ kind: 'variable', variable, type: variable.type, at: frame.function.at });
    }
    diagnostics.error(
      frame.function.at,
      `'${frame.function.name}' reads a packet header, and its first parameter is no packet`,
      'give it a struct __sk_buff * as its first parameter',
    );
    return builder.constant(0n, 64);
  }
}

/** The bytes that hold a member's bits, and how far from their end it lies in them. */
function bitsOf({ bits }: MemoryPlace, type: CType): { bytes: 1 | 2 | 4 | 8; shift: number; width: number } {
  const { shift: first, width }: Pick<BitField, 'shift' | 'width'> = bits ?? { shift: 0, width: sizeOf(type) * 8 };
  const end = (first & 7) + width;
  const bytes = end <= 8 ? 1 : end <= 16 ? 2 : end <= 32 ? 4 : 8;
  return { bytes, shift: bytes * 8 - end, width };
}
