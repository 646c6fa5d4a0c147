import { kernelSpace, pageSize } from '../../memory/index.ts';
import { contexts } from '../../uapi/index.ts';
import { contextSize } from '../programs/context-code.ts';
import type { PacketBuffer } from './buffers.ts';
import type { Device } from './devices.ts';
import { type Skbs, skbAt, swap16, wireProtocols, xdpAt } from './skb.ts';

/** PACKET_HOST … PACKET_OUTGOING (include/uapi/linux/if_packet.h). */
export const packetTypes = { host: 0, broadcast: 1, multicast: 2, otherHost: 3, outgoing: 4 } as const;
/** XDP_PACKET_HEADROOM, sizeof(struct xdp_frame), and the tail room that skb_shared_info takes of a page. */
export const xdpRooms = { head: 256, frame: 40, tail: 320 } as const;

const wholeFields = [skbAt.data, skbAt.dataEnd, skbAt.dataMeta, skbAt.mac, skbAt.network, skbAt.transport] as const;
const frameFields = [xdpAt.data, xdpAt.dataEnd, xdpAt.dataMeta] as const;

/**
 * The contexts of a packet as the kernel has it in hand: nothing is known but its bytes, its device, and where its
 * headers begin. `data` begins with the link header.
 */
export function fillSkb(
  skbs: Skbs,
  buffer: PacketBuffer,
  device: Pick<Device, 'header' | 'ifindex'>,
  start: number,
  length: number,
): void {
  const { skb } = buffer;
  const { memory } = skbs;
  memory.u8.fill(0, skb, skb + contextSize('__sk_buff'));
  for (const place of wholeFields) memory.u32[(skb + place + 4) >>> 2] = kernelSpace;
  skbs.set(skb, skbAt.head, buffer.start);
  skbs.set(skb, skbAt.limit, buffer.end);
  skbs.set(skb, skbAt.data, start);
  skbs.set(skb, skbAt.dataMeta, start);
  skbs.setLength(skb, length);
  skbs.set(skb, skbAt.mac, start);
  skbs.set(skb, skbAt.network, start + device.header);
  skbs.set(skb, skbAt.ifindex, device.ifindex);
  skbs.set(skb, skbAt.protocol, protocolOf(skbs, device, start));
}

/** What eth_type_trans finds out about a packet that comes in. */
export function arriveSkb(skbs: Skbs, skb: number, device: Device): void {
  const start = skbs.get(skb, skbAt.data);
  skbs.set(skb, skbAt.ingressIfindex, device.ifindex);
  skbs.set(skb, skbAt.protocol, protocolOf(skbs, device, start));
  skbs.set(skb, skbAt.packetType, device.header === 0 ? packetTypes.host : packetType(skbs, device, start));
  skbs.set(skb, skbAt.network, start + device.header);
}

function protocolOf(skbs: Skbs, { header }: Pick<Device, 'header'>, start: number): number {
  if (header > 0) return skbs.protocolAt(start);
  return (skbs.memory.u8[start] as number) >>> 4 === 6 ? wireProtocols.ip6 : wireProtocols.ip4;
}

/** eth_skb_pkt_type, by the address that a frame goes to. The loopback device has no address for all. */
export function packetType(skbs: Skbs, { mac, isLoopback }: Pick<Device, 'mac' | 'isLoopback'>, start: number): number {
  const { u8 } = skbs.memory;
  let isOwn = true;
  let isAll = true;
  for (let index = 0; index < mac.length; index++) {
    const byte = u8[start + index];
    if (byte !== mac[index]) isOwn = false;
    if (byte !== 0xff) isAll = false;
  }
  if (isOwn) return packetTypes.host;
  if (isAll && !isLoopback) return packetTypes.broadcast;
  return ((u8[start] as number) & 1) === 1 ? packetTypes.multicast : packetTypes.otherHost;
}

/** The socket that sends a packet, as `skb->sk` shows it; nothing for a packet without one. */
export function fillSocket(skbs: Skbs, buffer: PacketBuffer): void {
  const { socket, sock, skb } = buffer;
  if (socket === null) return;
  const { u8, view } = skbs.memory;
  const at = (field: keyof typeof contexts.bpf_sock.fields): number => sock + contexts.bpf_sock.fields[field][0];
  u8.fill(0, sock, sock + contexts.bpf_sock.size);
  skbs.setPointer(skb, skbAt.socket, sock);
  skbs.set(skb, skbAt.family, socket.family);
  view.setUint32(at('family'), socket.family, true);
  view.setUint32(at('protocol'), socket.protocol, true);
  view.setUint32(at('type'), socket.protocol === tcp ? streamSocket : datagramSocket, true);
  view.setUint32(at('state'), socket.state ?? established, true);
  view.setUint32(at('src_port'), socket.sport, true);
  view.setUint16(at('dst_port'), socket.dport, false);
  const isIp6 = socket.saddr.length === 16;
  copy(u8, at(isIp6 ? 'src_ip6' : 'src_ip4'), socket.saddr);
  copy(u8, at(isIp6 ? 'dst_ip6' : 'dst_ip4'), socket.daddr);
  const { fields } = contexts.__sk_buff;
  copy(u8, skb + fields[isIp6 ? 'local_ip6' : 'local_ip4'][0], socket.saddr);
  copy(u8, skb + fields[isIp6 ? 'remote_ip6' : 'remote_ip4'][0], socket.daddr);
  view.setUint32(skb + fields.local_port[0], socket.sport, true);
  view.setUint32(skb + fields.remote_port[0], swap16(socket.dport), true);
}

const tcp = 6;
const streamSocket = 1;
const datagramSocket = 2;
const established = 1;

function copy(target: Uint8Array, at: number, bytes: Uint8Array): void {
  for (let index = 0; index < bytes.length; index++) target[at + index] = bytes[index] as number;
}

/** An XDP frame of bytes that lie in the buffer; as many pages as they take, less the rooms. */
export function fillXdp(skbs: Skbs, buffer: PacketBuffer, start: number, length: number): void {
  const { xdp } = buffer;
  const { memory } = skbs;
  memory.u8.fill(0, xdp, xdp + contextSize('xdp_md'));
  for (const place of frameFields) memory.u32[(xdp + place + 4) >>> 2] = kernelSpace;
  const first = start - xdpRooms.head;
  memory.u8.fill(0, first, start);
  const pages = Math.ceil((xdpRooms.head + length + xdpRooms.tail) / pageSize);
  skbs.set(xdp, xdpAt.head, first + xdpRooms.frame);
  skbs.set(xdp, xdpAt.limit, first + pages * pageSize - xdpRooms.tail);
  skbs.set(xdp, xdpAt.data, start);
  skbs.set(xdp, xdpAt.dataMeta, start);
  skbs.set(xdp, xdpAt.dataEnd, start + length);
  skbs.set(xdp, xdpAt.frameEnd, start + length);
}
