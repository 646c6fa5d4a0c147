import { errno } from '../../base/index.ts';
import { kernelSpace, type Memory } from '../../memory/index.ts';
import { type ContextName, contextField, type FieldPlace } from '../../uapi/index.ts';
import { type PacketContext, type PacketPointer, packetPointer } from '../programs/context-code.ts';

/**
 * A packet as a program's context in the linear memory shows it: `struct __sk_buff` and what lies behind it. The bytes
 * are linear, in an area with room before and behind, so that a program may make the packet longer at both ends; where
 * the room is too small the bytes move within the area, as pskb_expand_head gives them a new head. All offsets; a
 * context's own offset is its first argument everywhere.
 */
export const etherSize = 14;
export const macSize = 6;
/** Bytes of an IP header without options. */
export const ipSizes = { ip4: 20, ip6: 40 } as const;
export const vlanSize = 4;
/** h_proto as a little-endian machine reads it. */
export const wireProtocols = {
  ip4: 0x0008,
  ip6: 0xdd86,
  vlan: 0x0081,
  qinq: 0xa888,
  raw8023: 0x0100,
  llc8022: 0x0400,
} as const;
/** SKB_MAX_ALLOC less the shared info (net/core/filter.c: BPF_SKB_MAX_LEN). */
export const longestSkb = 4 * 4096 - 320;
/** CHECKSUM_NONE, CHECKSUM_UNNECESSARY (include/linux/skbuff.h); no device here has more to say. */
export const checksums = { none: 0, unnecessary: 1 } as const;
/** Bits of `hash_kind`. */
export const hashKinds = { software: 1, transport: 2 } as const;

/** Offset of a field of the user's struct. */
export function fieldPlace(context: ContextName, field: string): number {
  return (contextField(context, field) as FieldPlace)[0];
}

const placesOf = (context: PacketContext) => {
  const pointer = (name: PacketPointer): number => packetPointer(context, name);
  return {
    data: pointer('data'),
    dataEnd: pointer('data_end'),
    dataMeta: pointer('data_meta'),
    mac: pointer('mac_header'),
    network: pointer('network_header'),
    transport: pointer('transport_header'),
    head: pointer('head'),
    limit: pointer('limit'),
    frameEnd: pointer('frame_end'),
    summed: pointer('ip_summed'),
    checksumLevel: pointer('csum_level'),
    hashKind: pointer('hash_kind'),
    encapsulation: pointer('encapsulation'),
    metaSize: pointer('meta_len'),
  } as const;
};

const field = (name: string): number => fieldPlace('__sk_buff', name);
export const skbAt = {
  ...placesOf('__sk_buff'),
  len: field('len'),
  packetType: field('pkt_type'),
  mark: field('mark'),
  protocol: field('protocol'),
  vlanPresent: field('vlan_present'),
  vlanTci: field('vlan_tci'),
  vlanProtocol: field('vlan_proto'),
  priority: field('priority'),
  queue: field('queue_mapping'),
  ingressIfindex: field('ingress_ifindex'),
  ifindex: field('ifindex'),
  tcIndex: field('tc_index'),
  hash: field('hash'),
  classid: field('tc_classid'),
  cb: field('cb'),
  timestamp: field('tstamp'),
  wireLength: field('wire_len'),
  family: field('family'),
  socket: field('sk'),
} as const;
export const xdpAt = {
  ...placesOf('xdp_md'),
  ingressIfindex: fieldPlace('xdp_md', 'ingress_ifindex'),
  queue: fieldPlace('xdp_md', 'rx_queue_index'),
} as const;

/** Reads and changes packets; answers are lengths, or 0 and negative errnos as the kernel's functions give. */
export class Skbs {
  readonly memory: Memory;

  constructor(memory: Memory) {
    this.memory = memory;
  }

  get(skb: number, place: number): number {
    return this.memory.u32[(skb + place) >>> 2] as number;
  }

  set(skb: number, place: number, value: number): void {
    this.memory.u32[(skb + place) >>> 2] = value;
  }

  /** A kernel pointer; NULL for 0. */
  setPointer(context: number, place: number, to: number): void {
    const at = (context + place) >>> 2;
    this.memory.u32[at] = to;
    this.memory.u32[at + 1] = to === 0 ? 0 : kernelSpace;
  }

  length(skb: number): number {
    return this.get(skb, skbAt.len);
  }

  /** Bytes from `data` to the network header, which may be behind it. */
  networkOffset(skb: number): number {
    return this.get(skb, skbAt.network) - this.get(skb, skbAt.data);
  }

  /** skb_mac_header_len */
  macLength(skb: number): number {
    return this.get(skb, skbAt.network) - this.get(skb, skbAt.mac);
  }

  /** __skb_push: `data` begins so much earlier. There is room. */
  push(skb: number, bytes: number): void {
    this.#begin(skb, this.get(skb, skbAt.data) - bytes);
  }

  /** __skb_pull */
  pull(skb: number, bytes: number): void {
    this.#begin(skb, this.get(skb, skbAt.data) + bytes);
  }

  #begin(skb: number, data: number): void {
    this.set(skb, skbAt.data, data);
    this.set(skb, skbAt.dataMeta, data - this.get(skb, skbAt.metaSize));
    this.set(skb, skbAt.len, this.get(skb, skbAt.dataEnd) - data);
  }

  /** The packet ends so many bytes behind `data`. There is room. */
  setLength(skb: number, length: number): void {
    this.set(skb, skbAt.dataEnd, this.get(skb, skbAt.data) + length);
    this.set(skb, skbAt.len, length);
  }

  /** skb_cow: room for so many bytes before the packet. 0 or -ENOMEM. */
  headroom(skb: number, bytes: number): number {
    if (this.#first(skb) - bytes >= this.get(skb, skbAt.head)) return 0;
    return this.#move(skb, bytes, 0);
  }

  /** Room for so many bytes behind it. 0 or -ENOMEM. */
  tailroom(skb: number, bytes: number): number {
    if (this.get(skb, skbAt.dataEnd) + bytes <= this.get(skb, skbAt.limit)) return 0;
    return this.#move(skb, 0, bytes);
  }

  /** Where the bytes begin that move along: headers that were pulled are still the packet's. */
  #first(skb: number): number {
    const data = this.get(skb, skbAt.dataMeta);
    const mac = this.get(skb, skbAt.mac);
    return mac !== 0 && mac < data ? mac : data;
  }

  /** Puts the packet into the middle of what is free. */
  #move(skb: number, before: number, behind: number): number {
    const first = this.#first(skb);
    const size = this.get(skb, skbAt.dataEnd) - first;
    const head = this.get(skb, skbAt.head);
    const free = this.get(skb, skbAt.limit) - head - size - before - behind;
    if (free < 0) return -errno.ENOMEM;
    const to = head + before + (free >>> 1);
    this.memory.u8.copyWithin(to, first, first + size);
    const shift = to - first;
    for (const place of movable) {
      const at = this.get(skb, place);
      if (at !== 0) this.set(skb, place, at + shift);
    }
    return 0;
  }

  /** bpf_skb_generic_push: `bytes` zeros at `offset`, what is before moves down; the headers' places follow. */
  insert(skb: number, offset: number, bytes: number): number {
    const status = this.headroom(skb, bytes);
    if (status !== 0) return status;
    this.push(skb, bytes);
    const data = this.get(skb, skbAt.data);
    const { u8 } = this.memory;
    u8.copyWithin(data, data + bytes, data + bytes + offset);
    u8.fill(0, data + offset, data + offset + bytes);
    this.#moveHeaders(skb, -bytes);
    return 0;
  }

  /** bpf_skb_generic_pop: takes `bytes` at `offset` out. 0 or -ENOMEM when there are not so many. */
  remove(skb: number, offset: number, bytes: number): number {
    if (offset + bytes > this.length(skb)) return -errno.ENOMEM;
    const data = this.get(skb, skbAt.data);
    this.memory.u8.copyWithin(data + bytes, data, data + offset);
    this.pull(skb, bytes);
    this.#moveHeaders(skb, bytes);
    return 0;
  }

  #moveHeaders(skb: number, by: number): void {
    const network = this.get(skb, skbAt.network);
    if (this.get(skb, skbAt.transport) === network) this.set(skb, skbAt.transport, network + by);
    this.set(skb, skbAt.mac, this.get(skb, skbAt.mac) + by);
    this.set(skb, skbAt.network, network + by);
  }

  isIp(skb: number): boolean {
    const protocol = this.get(skb, skbAt.protocol);
    return protocol === wireProtocols.ip4 || protocol === wireProtocols.ip6;
  }

  /** skb_clear_hash */
  clearHash(skb: number): void {
    this.set(skb, skbAt.hash, 0);
    this.set(skb, skbAt.hashKind, 0);
  }

  /** __skb_reset_checksum_unnecessary */
  resetChecksum(skb: number): void {
    if (this.get(skb, skbAt.summed) !== checksums.unnecessary) return;
    this.set(skb, skbAt.summed, checksums.none);
    this.set(skb, skbAt.checksumLevel, 0);
  }

  /** eth_type_trans's last step: the protocol of an Ethernet header, as it stands in memory. */
  protocolAt(mac: number): number {
    const { u8 } = this.memory;
    const high = u8[mac + 12] as number;
    const low = u8[mac + 13] as number;
    if (high >= 6) return high | (low << 8);
    return this.#afterHeader(mac + etherSize);
  }

  /** A frame of 802.3, by the two bytes behind its length. */
  #afterHeader(at: number): number {
    const { u8 } = this.memory;
    return u8[at] === 0xff && u8[at + 1] === 0xff ? wireProtocols.raw8023 : wireProtocols.llc8022;
  }
}

const movable = [
  skbAt.data,
  skbAt.dataEnd,
  skbAt.dataMeta,
  skbAt.mac,
  skbAt.network,
  skbAt.transport,
  skbAt.frameEnd,
] as const;

/** eth_type_vlan */
export function isVlan(protocol: number): boolean {
  return protocol === wireProtocols.vlan || protocol === wireProtocols.qinq;
}

/** A number of two bytes in the order of the other end. */
export function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}
