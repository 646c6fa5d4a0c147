/**
 * Packets from a description: each part appends its header, then lengths and checksums are put in from the inside
 * out, because the outer ones cover the inner ones.
 */
import { assertNever, InputError } from '../base/index.ts';
import { parseAddress, parseMac } from './address.ts';
import { finish16, pseudoSum, sum16 } from './checksum.ts';
import type { IcmpSpec, PacketSpec, TcpOption } from './layers.ts';
import { etherTypes, ipProtocols, type TcpFlag, tcpFlagBits } from './protocols.ts';

function u16(value: number): number[] {
  return [(value >>> 8) & 0xff, value & 0xff];
}

function u32(value: number): number[] {
  return [...u16(value >>> 16), ...u16(value)];
}

function store16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = (value >>> 8) & 0xff;
  bytes[offset + 1] = value & 0xff;
}

function payloadOf(spec: PacketSpec): Uint8Array {
  return typeof spec.payload === 'string' ? new TextEncoder().encode(spec.payload) : (spec.payload ?? new Uint8Array());
}

/** One TCP option: kind u8, then but for `end` and `nop` length u8 and data. */
function tcpOption(option: TcpOption): number[] {
  switch (option.kind) {
    case 'end':
      return [0];
    case 'nop':
      return [1];
    case 'mss':
      return [2, 4, ...u16(option.size)];
    case 'window-scale':
      return [3, 3, option.shift];
    case 'sack-permitted':
      return [4, 2];
    case 'timestamps':
      return [8, 10, ...u32(option.value), ...u32(option.echo)];
    case 'unknown':
      return [option.code, option.data.length + 2, ...option.data];
    default:
      return assertNever(option);
  }
}

/** The wire form of TCP options, padded with end-of-list to a multiple of 4. */
function encodeTcpOptions(options: readonly TcpOption[]): number[] {
  const bytes = options.flatMap(tcpOption);
  while (bytes.length % 4 !== 0) bytes.push(0);
  if (bytes.length > 40) throw new InputError(`TCP options take ${bytes.length} bytes`, { expected: 'at most 40' });
  return bytes;
}

/** source u16, destination u16, length u16, checksum u16 */
function udpHeader(udp: NonNullable<PacketSpec['udp']>, payload: number): number[] {
  return [...u16(udp.sourcePort), ...u16(udp.destinationPort), ...u16(udp.length ?? 8 + payload), 0, 0];
}

/** ports u16 ×2, sequence u32, acknowledgment u32, header words u4, reserved u4, flags u8, window, checksum, urgent u16 */
function tcpHeader(tcp: NonNullable<PacketSpec['tcp']>): number[] {
  const options = encodeTcpOptions(tcp.options ?? []);
  return [
    ...u16(tcp.sourcePort),
    ...u16(tcp.destinationPort),
    ...u32(tcp.sequence ?? 0),
    ...u32(tcp.acknowledgment ?? 0),
    ((20 + options.length) / 4) << 4,
    flagBits(tcp.flags ?? 0) & 0xff,
    ...u16(tcp.window ?? 64240),
    0,
    0,
    ...u16(tcp.urgent ?? 0),
    ...options,
  ];
}

function flagBits(flags: number | readonly TcpFlag[]): number {
  return typeof flags === 'number' ? flags : tcpFlagBits(flags);
}

/** type u8, code u8, checksum u16, rest u32 */
function icmpHeader(icmp: IcmpSpec): number[] {
  return [icmp.type, icmp.code ?? 0, 0, 0, ...u32(icmp.rest ?? 0)];
}

/** What stands above the network header: its protocol number, header, and where its checksum goes. */
interface Transport {
  readonly protocol: number;
  readonly header: number[];
  /** Offset of the checksum in the header, -1 for none. */
  readonly checksumAt: number;
  readonly checksum: number | undefined;
  /** Whether the sum covers the pseudo header. */
  readonly pseudo: boolean;
}

function transportOf(spec: PacketSpec, payload: number): Transport | undefined {
  const { TCP, UDP, ICMP, ICMPv6 } = ipProtocols;
  if (spec.tcp) {
    return { protocol: TCP, header: tcpHeader(spec.tcp), checksumAt: 16, checksum: spec.tcp.checksum, pseudo: true };
  }
  if (spec.udp) {
    const header = udpHeader(spec.udp, payload);
    return { protocol: UDP, header, checksumAt: 6, checksum: spec.udp.checksum, pseudo: true };
  }
  if (spec.icmp) {
    const header = icmpHeader(spec.icmp);
    return { protocol: ICMP, header, checksumAt: 2, checksum: spec.icmp.checksum, pseudo: false };
  }
  if (spec.icmpv6) {
    const header = icmpHeader(spec.icmpv6);
    return { protocol: ICMPv6, header, checksumAt: 2, checksum: spec.icmpv6.checksum, pseudo: true };
  }
  return undefined;
}

/** Transport header and payload with the checksum in place. */
function transportBytes(
  transport: Transport,
  payload: Uint8Array,
  source: Uint8Array,
  destination: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(transport.header.length + payload.length);
  bytes.set(transport.header);
  bytes.set(payload, transport.header.length);
  const pseudo = transport.pseudo ? pseudoSum(source, destination, transport.protocol, bytes.length) : 0;
  let checksum = transport.checksum ?? finish16(sum16(bytes, 0, bytes.length, pseudo));
  // RFC 768: a computed zero goes out as ones, because zero means that there is none.
  if (transport.checksum === undefined && checksum === 0 && transport.protocol === ipProtocols.UDP) checksum = 0xffff;
  store16(bytes, transport.checksumAt, checksum);
  return bytes;
}

/** version and header words, tos, total length, id, flags and fragment offset, ttl, protocol, checksum, addresses */
function ipv4Header(ipv4: NonNullable<PacketSpec['ipv4']>, protocol: number, payload: number): Uint8Array {
  const given = ipv4.options ?? new Uint8Array();
  const optionBytes = Math.ceil(given.length / 4) * 4;
  if (optionBytes > 40) throw new InputError(`IPv4 options take ${optionBytes} bytes`, { expected: 'at most 40' });
  const size = 20 + optionBytes;
  const fragment =
    (ipv4.dontFragment ? 0x4000 : 0) | (ipv4.moreFragments ? 0x2000 : 0) | ((ipv4.fragmentOffset ?? 0) >>> 3);
  const bytes = new Uint8Array(size);
  bytes.set([((ipv4.version ?? 4) << 4) | (size / 4), ipv4.tos ?? 0, ...u16(ipv4.totalLength ?? size + payload)]);
  bytes.set([...u16(ipv4.identification ?? 0), ...u16(fragment), ipv4.ttl ?? 64, ipv4.protocol ?? protocol], 4);
  bytes.set(parseAddress(ipv4.source), 12);
  bytes.set(parseAddress(ipv4.destination), 16);
  bytes.set(given, 20);
  store16(bytes, 10, ipv4.checksum ?? finish16(sum16(bytes, 0, size)));
  return bytes;
}

/** version u4, traffic class u8, flow label u20, payload length u16, next header u8, hop limit u8, addresses */
function ipv6Header(ipv6: NonNullable<PacketSpec['ipv6']>, protocol: number, payload: number): Uint8Array {
  const bytes = new Uint8Array(40);
  const trafficClass = ipv6.trafficClass ?? 0;
  const flowLabel = ipv6.flowLabel ?? 0;
  bytes.set([0x60 | (trafficClass >>> 4), ((trafficClass & 0xf) << 4) | (flowLabel >>> 16), ...u16(flowLabel)]);
  bytes.set([...u16(ipv6.payloadLength ?? payload), ipv6.nextHeader ?? protocol, ipv6.hopLimit ?? 64], 4);
  bytes.set(parseAddress(ipv6.source), 8);
  bytes.set(parseAddress(ipv6.destination), 24);
  return bytes;
}

/** hardware type 1, protocol 0x0800, sizes 6 and 4, operation, sender and target */
function arpBytes(arp: NonNullable<PacketSpec['arp']>): Uint8Array {
  const operation = typeof arp.operation === 'number' ? arp.operation : arp.operation === 'request' ? 1 : 2;
  return Uint8Array.from([
    ...[0, 1, 8, 0, 6, 4, ...u16(operation)],
    ...parseMac(arp.senderMac),
    ...parseAddress(arp.senderAddress),
    ...parseMac(arp.targetMac ?? '00:00:00:00:00:00'),
    ...parseAddress(arp.targetAddress),
  ]);
}

/** The network layer and all above it, with the EtherType that announces it. */
function networkBytes(spec: PacketSpec): { etherType: number; parts: Uint8Array[] } {
  const payload = payloadOf(spec);
  if (spec.arp) return { etherType: etherTypes.ARP, parts: [arpBytes(spec.arp), payload] };
  const ip = spec.ipv4 ?? spec.ipv6;
  if (!ip) return { etherType: spec.ethernet?.etherType ?? 0, parts: [payload] };
  const transport = transportOf(spec, payload.length);
  const body = transport
    ? transportBytes(transport, payload, parseAddress(ip.source), parseAddress(ip.destination))
    : payload;
  if (spec.ipv4) {
    const header = ipv4Header(spec.ipv4, transport?.protocol ?? ipProtocols.RAW, body.length);
    return { etherType: etherTypes.IPv4, parts: [header, body] };
  }
  const header = ipv6Header(spec.ipv6!, transport?.protocol ?? ipProtocols.NONE, body.length);
  return { etherType: etherTypes.IPv6, parts: [header, body] };
}

/** destination, source, then a tag (0x8100 and its control word) for each VLAN, then the EtherType */
function linkBytes(spec: PacketSpec, etherType: number): Uint8Array {
  if (!spec.ethernet) return new Uint8Array();
  const tags = (spec.vlans ?? []).flatMap((vlan) => [
    ...u16(etherTypes.VLAN),
    ...u16(((vlan.priority ?? 0) << 13) | (vlan.dropEligible ? 0x1000 : 0) | (vlan.id & 0xfff)),
  ]);
  return Uint8Array.from([
    ...parseMac(spec.ethernet.destination),
    ...parseMac(spec.ethernet.source),
    ...tags,
    ...u16(spec.ethernet.etherType ?? etherType),
  ]);
}

/**
 * The bytes of a packet, with the right lengths and checksums where the spec does not give others.
 * @throws InputError for an address that is none, or options that are too long
 */
export function buildPacket(spec: PacketSpec): Uint8Array {
  const { etherType, parts } = networkBytes(spec);
  const all = [linkBytes(spec, etherType), ...parts];
  const bytes = new Uint8Array(all.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of all) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
