import { InputError, roundUp, viewOf } from '../../base/index.ts';
import type { Btf } from '../../btf/index.ts';
import type { NetDevice, SkBuff, Sock } from '../../events/index.ts';
import type { Memory } from '../../memory/index.ts';
import { FieldWriter, StructFields } from './fields.ts';
import { Pool } from './pool.ts';

/**
 * Packets as struct sk_buff with their data area (include/linux/skbuff.h, net/core/skbuff.c), at the offsets of the
 * kernel's BTF.
 *
 *   head              data            tail             end
 *   +----------+------+---------------+----------------+------------------------+
 *   | headroom | pulled headers       | linear part    | room | skb_shared_info |
 *   +----------+------+---------------+----------------+------------------------+
 *
 * tail and end are offsets from head, as are the u16 header places; 0xffff is a header that is not set. What the
 * recording did not hold is said the kernel's way: len counts it, data_len counts it as not linear, and there are no
 * bytes. So a packet of which nothing is known has len = data_len, an empty linear part and no headers.
 */
const headroom = 64;
/** sizeof(struct skb_shared_info) aligned to a cache line, as SKB_DATA_ALIGN does. */
const cacheLine = 64;
const unset = 0xffff;
/** IPPROTO_TCP */
const tcpProtocol = 6;

/** Room for packet bytes behind the headroom, and how many packets of that size live at once. */
const sizes = [
  { room: 384, count: 256 },
  { room: 1792, count: 256 },
  { room: 16384, count: 32 },
  { room: 65536, count: 16 },
] as const;

interface SizeClass {
  readonly room: number;
  /** head to end, bytes */
  readonly end: number;
  /** By identity, where a packet has one. */
  readonly pool: Pool<object>;
}

function skBuffOffsets(fields: StructFields) {
  return {
    len: fields.offset('len'),
    dataLen: fields.offset('data_len'),
    macLen: fields.offset('mac_len'),
    protocol: fields.offset('protocol'),
    mark: fields.offset('mark'),
    dev: fields.offset('dev'),
    sk: fields.offset('sk'),
    head: fields.offset('head'),
    data: fields.offset('data'),
    tail: fields.offset('tail'),
    end: fields.offset('end'),
    macHeader: fields.offset('mac_header'),
    networkHeader: fields.offset('network_header'),
    transportHeader: fields.offset('transport_header'),
    truesize: fields.offset('truesize'),
    users: fields.offset('users.refs.counter', 'users.counter'),
    cb: fields.offset('cb'),
  };
}

export class Packets {
  readonly #memory: Memory;
  readonly #write: FieldWriter;
  readonly #size: number;
  readonly #at: ReturnType<typeof skBuffOffsets>;
  readonly #dataReference: number;
  readonly #classes: readonly SizeClass[];
  /** By identity: the packet as it was last looked at. */
  readonly #latest = new WeakMap<object, SkBuff>();
  readonly #addressOf: (object: NetDevice | Sock) => number;

  /** @param addressOf the offset of a packet's device or socket */
  constructor(memory: Memory, btf: Btf, addressOf: (object: NetDevice | Sock) => number) {
    const fields = new StructFields(btf, 'sk_buff');
    const shared = new StructFields(btf, 'skb_shared_info');
    this.#memory = memory;
    this.#write = new FieldWriter(memory);
    this.#addressOf = addressOf;
    this.#at = skBuffOffsets(fields);
    this.#size = roundUp(fields.size, 8);
    this.#dataReference = shared.offset('dataref.counter');
    this.#classes = sizes.map(({ room, count }) => {
      const end = headroom + room;
      const bytes = this.#size + end + roundUp(shared.size, cacheLine);
      return { room, end, pool: new Pool<object>(count, () => memory.allocate(bytes)) };
    });
  }

  /** Of an sk_buff at an offset: where its bytes begin, and how many are linear (skb_headlen). */
  dataOf(skb: number): number {
    return this.#memory.u32[(skb + this.#at.data) >>> 2] as number;
  }

  linearOf(skb: number): number {
    const { view } = this.#memory;
    return view.getUint32(skb + this.#at.len, true) - view.getUint32(skb + this.#at.dataLen, true);
  }

  /** The offset of a packet's sk_buff: the same while it lives and its bytes fit there. @throws InputError for a packet beyond 64 KiB */
  address(packet: SkBuff): number {
    const size = this.#sizeOf(packet);
    const { identity } = packet;
    const key = identity === undefined ? packet : identity;
    const known = size.pool.find(key);
    if (known !== 0 && (identity === undefined || this.#latest.get(identity) === packet)) return known;
    const skb = known === 0 ? size.pool.take(key) : known;
    if (identity !== undefined) this.#latest.set(identity, packet);
    this.#fill(skb, packet, size.end);
    return skb;
  }

  #sizeOf(packet: SkBuff): SizeClass {
    const bytes = Math.max(packet.data === null ? 0 : packet.data.length, packet.start);
    for (const size of this.#classes) if (bytes <= size.room) return size;
    throw new InputError(`a packet of ${bytes} bytes is too long`, { expected: 'at most 65,536 bytes of packet data' });
  }

  #fill(skb: number, packet: SkBuff, end: number): void {
    const { u8 } = this.#memory;
    const write = this.#write;
    const at = this.#at;
    const head = skb + this.#size;
    const content = packet.data;
    const available = content === null ? 0 : Math.max(0, content.length - packet.start);
    const linear = Math.min(available, packet.length);
    const data = headroom + packet.start;
    u8.fill(0, skb, skb + this.#size);
    u8.fill(0, head, head + headroom);
    if (content !== null) u8.set(content, head + headroom);
    u8.fill(0, head + headroom + (content === null ? 0 : content.length), head + end);
    write.u32(skb, at.len, packet.length);
    write.u32(skb, at.dataLen, packet.length - linear);
    write.be16(skb, at.protocol, packet.protocol);
    write.u32(skb, at.mark, packet.mark ?? 0);
    write.pointer(skb, at.dev, packet.dev === null ? 0 : this.#addressOf(packet.dev));
    write.pointer(skb, at.sk, packet.sk === null ? 0 : this.#addressOf(packet.sk));
    write.pointer(skb, at.head, head);
    write.pointer(skb, at.data, head + data);
    write.u32(skb, at.tail, data + linear);
    write.u32(skb, at.end, end);
    write.u32(skb, at.truesize, this.#size + end + cacheLine * 5);
    write.u32(skb, at.users, 1);
    write.u32(head + end, this.#dataReference, 1);
    this.#fillHeaders(skb, packet);
    this.#fillTcp(skb, packet);
  }

  #fillHeaders(skb: number, packet: SkBuff): void {
    const write = this.#write;
    const at = this.#at;
    const known = packet.data !== null;
    const { mac, network, transport } = packet;
    write.u16(skb, at.macHeader, known && mac >= 0 ? headroom + mac : unset);
    write.u16(skb, at.networkHeader, known && network >= 0 ? headroom + network : unset);
    write.u16(skb, at.transportHeader, known && transport >= 0 ? headroom + transport : unset);
    write.u16(skb, at.macLen, known && mac >= 0 && network >= mac ? network - mac : 0);
  }

  /** While TCP has a segment, its control block begins with the sequence numbers (struct tcp_skb_cb, net/tcp.h). */
  #fillTcp(skb: number, { data, network, transport, start }: SkBuff): void {
    if (data === null || transport < 0 || start < transport || transport + 20 > data.length) return;
    const version = (data[network] as number) >>> 4;
    if (data[network + (version === 4 ? 9 : 6)] !== tcpProtocol) return;
    const view = viewOf(data);
    const sequence = view.getUint32(transport + 4);
    const flags = data[transport + 13] as number;
    const payload = data.length - transport - ((data[transport + 12] as number) >>> 4) * 4;
    const length = payload + (flags & 1) + ((flags >>> 1) & 1);
    this.#write.u32(skb, this.#at.cb, sequence);
    this.#write.u32(skb, this.#at.cb + 4, sequence + length);
  }
}
