/**
 * Packets to layers, from the outside in. Any bytes give layers: what is cut off ends in a `cut` layer that says so,
 * what is not known ends in a payload. Nothing throws.
 */
import { finish16, pseudoSum, sum16 } from './checksum.ts';
import type { ChecksumState, Layer, TcpOption } from './layers.ts';
import { etherTypes, ipProtocols } from './protocols.ts';

export interface DecodeOptions {
  /** What the bytes begin with: an Ethernet header, or (`none`) the network header. */
  readonly link: 'ethernet' | 'none';
  /** With link `none`: the EtherType; absent, the IP version in the first byte tells. */
  readonly etherType?: number;
}

/** Where the decoder stands: all bytes, and the layers so far. `end` is where the network layer says it ends. */
interface Cursor {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly layers: Layer[];
}

/** The addresses that a transport checksum covers; `whole` when every byte of the segment is there, in one piece. */
interface Segment {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** Offset of its last byte + 1, as the network header says. */
  readonly end: number;
  readonly whole: boolean;
}

function cut(cursor: Cursor, offset: number, what: string, wanted: number): void {
  const size = Math.max(0, cursor.bytes.length - offset);
  cursor.layers.push({ kind: 'cut', offset, size, what: `${what}: ${size} of ${wanted} bytes` });
}

/** Whether `size` bytes stand at `offset`; when not, a cut layer says what is missing. */
function has(cursor: Cursor, offset: number, size: number, what: string): boolean {
  if (offset + size <= cursor.bytes.length) return true;
  cut(cursor, offset, what, size);
  return false;
}

/** The bytes from `offset` up to `end` as payload; says so when fewer are there. */
function payload(cursor: Cursor, offset: number, end: number, what: string): void {
  const available = Math.min(end, cursor.bytes.length);
  if (available > offset) {
    const bytes = cursor.bytes.subarray(offset, available);
    cursor.layers.push({ kind: 'payload', offset, size: bytes.length, bytes });
  }
  if (end > cursor.bytes.length) cut(cursor, offset, what, end - offset);
}

function checksumState(cursor: Cursor, offset: number, protocol: number, segment: Segment): ChecksumState {
  if (!segment.whole) return 'unchecked';
  const length = segment.end - offset;
  const pseudo = protocol === ipProtocols.ICMP ? 0 : pseudoSum(segment.source, segment.destination, protocol, length);
  return finish16(sum16(cursor.bytes, offset, segment.end, pseudo)) === 0 ? 'right' : 'wrong';
}

function tcpOption(code: number, data: Uint8Array): TcpOption {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (code === 2 && data.length === 2) return { kind: 'mss', size: view.getUint16(0) };
  if (code === 3 && data.length === 1) return { kind: 'window-scale', shift: data[0]! };
  if (code === 4 && data.length === 0) return { kind: 'sack-permitted' };
  if (code === 8 && data.length === 8) return { kind: 'timestamps', value: view.getUint32(0), echo: view.getUint32(4) };
  return { kind: 'unknown', code, data };
}

function tcpOptions(bytes: Uint8Array): TcpOption[] {
  const options: TcpOption[] = [];
  for (let i = 0; i < bytes.length; ) {
    const code = bytes[i]!;
    if (code === 0) return options;
    if (code === 1) {
      options.push({ kind: 'nop' });
      i++;
      continue;
    }
    const length = bytes[i + 1] ?? 0;
    if (length < 2 || i + length > bytes.length) return options;
    options.push(tcpOption(code, bytes.subarray(i + 2, i + length)));
    i += length;
  }
  return options;
}

function decodeTcp(cursor: Cursor, offset: number, segment: Segment): void {
  if (!has(cursor, offset, 20, 'TCP header')) return;
  const { view, bytes, layers } = cursor;
  const size = Math.max(20, (view.getUint8(offset + 12) >>> 4) * 4);
  layers.push({
    kind: 'tcp',
    offset,
    size: Math.min(size, bytes.length - offset),
    sourcePort: view.getUint16(offset),
    destinationPort: view.getUint16(offset + 2),
    sequence: view.getUint32(offset + 4),
    acknowledgment: view.getUint32(offset + 8),
    flags: view.getUint8(offset + 13),
    window: view.getUint16(offset + 14),
    checksum: view.getUint16(offset + 16),
    checksumState: checksumState(cursor, offset, ipProtocols.TCP, segment),
    urgent: view.getUint16(offset + 18),
    options: tcpOptions(bytes.subarray(offset + 20, offset + size)),
  });
  if (has(cursor, offset, size, 'TCP options')) payload(cursor, offset + size, segment.end, 'TCP payload');
}

function decodeUdp(cursor: Cursor, offset: number, segment: Segment): void {
  if (!has(cursor, offset, 8, 'UDP header')) return;
  const { view } = cursor;
  const length = view.getUint16(offset + 4);
  const checksum = view.getUint16(offset + 6);
  // The sum covers what UDP says its length is, which may be less than what IP carries.
  const end = length >= 8 && offset + length <= segment.end ? offset + length : segment.end;
  const state = checksum === 0 ? 'unchecked' : checksumState(cursor, offset, ipProtocols.UDP, { ...segment, end });
  cursor.layers.push({
    kind: 'udp',
    offset,
    size: 8,
    sourcePort: view.getUint16(offset),
    destinationPort: view.getUint16(offset + 2),
    length,
    checksum,
    checksumState: state,
  });
  payload(cursor, offset + 8, segment.end, 'UDP payload');
}

function decodeIcmp(cursor: Cursor, offset: number, segment: Segment, kind: 'icmp' | 'icmpv6'): void {
  if (!has(cursor, offset, 8, kind === 'icmp' ? 'ICMP header' : 'ICMPv6 header')) return;
  const { view } = cursor;
  const protocol = kind === 'icmp' ? ipProtocols.ICMP : ipProtocols.ICMPv6;
  cursor.layers.push({
    kind,
    offset,
    size: 8,
    type: view.getUint8(offset),
    code: view.getUint8(offset + 1),
    checksum: view.getUint16(offset + 2),
    checksumState: checksumState(cursor, offset, protocol, segment),
    rest: view.getUint32(offset + 4),
  });
  payload(cursor, offset + 8, segment.end, 'ICMP payload');
}

function decodeTransport(cursor: Cursor, offset: number, protocol: number, segment: Segment): void {
  switch (protocol) {
    case ipProtocols.TCP:
      decodeTcp(cursor, offset, segment);
      return;
    case ipProtocols.UDP:
      decodeUdp(cursor, offset, segment);
      return;
    case ipProtocols.ICMP:
      decodeIcmp(cursor, offset, segment, 'icmp');
      return;
    case ipProtocols.ICMPv6:
      decodeIcmp(cursor, offset, segment, 'icmpv6');
      return;
    default:
      payload(cursor, offset, segment.end, 'payload');
      return;
  }
}

function decodeIpv4(cursor: Cursor, offset: number): void {
  if (!has(cursor, offset, 20, 'IPv4 header')) return;
  const { view, bytes } = cursor;
  const headerSize = Math.max(20, (view.getUint8(offset) & 0xf) * 4);
  const size = Math.min(headerSize, bytes.length - offset);
  const totalLength = view.getUint16(offset + 2);
  const fragment = view.getUint16(offset + 6);
  const source = bytes.subarray(offset + 12, offset + 16);
  const destination = bytes.subarray(offset + 16, offset + 20);
  const complete = size === headerSize;
  const right = complete && finish16(sum16(bytes, offset, offset + size)) === 0;
  const protocol = view.getUint8(offset + 9);
  cursor.layers.push({
    kind: 'ipv4',
    offset,
    size,
    tos: view.getUint8(offset + 1),
    totalLength,
    identification: view.getUint16(offset + 4),
    dontFragment: (fragment & 0x4000) !== 0,
    moreFragments: (fragment & 0x2000) !== 0,
    fragmentOffset: (fragment & 0x1fff) * 8,
    ttl: view.getUint8(offset + 8),
    protocol,
    checksum: view.getUint16(offset + 10),
    checksumState: complete ? (right ? 'right' : 'wrong') : 'unchecked',
    source,
    destination,
    options: bytes.subarray(offset + 20, offset + size),
  });
  if (!has(cursor, offset, headerSize, 'IPv4 options')) return;
  // A length of 0 is what a segmented packet carries before it is split: then all bytes count.
  const end = totalLength === 0 ? bytes.length : Math.max(offset + headerSize, offset + totalLength);
  const inPieces = (fragment & 0x3fff) !== 0;
  const segment = { source, destination, end, whole: end <= bytes.length && !inPieces };
  if ((fragment & 0x1fff) !== 0) payload(cursor, offset + headerSize, end, 'fragment');
  else decodeTransport(cursor, offset + headerSize, protocol, segment);
  padding(cursor, end);
}

/** Bytes behind the end that the network header names: padding of a short frame. */
function padding(cursor: Cursor, end: number): void {
  if (end < cursor.bytes.length) payload(cursor, end, cursor.bytes.length, 'padding');
}

const extensions: ReadonlySet<number> = new Set([
  ipProtocols.HOPOPT,
  ipProtocols.ROUTING,
  ipProtocols.FRAGMENT,
  ipProtocols.DSTOPTS,
]);

function decodeIpv6(cursor: Cursor, offset: number): void {
  if (!has(cursor, offset, 40, 'IPv6 header')) return;
  const { view, bytes } = cursor;
  const first = view.getUint32(offset);
  const payloadLength = view.getUint16(offset + 4);
  const source = bytes.subarray(offset + 8, offset + 24);
  const destination = bytes.subarray(offset + 24, offset + 40);
  const nextHeader = view.getUint8(offset + 6);
  cursor.layers.push({
    kind: 'ipv6',
    offset,
    size: 40,
    trafficClass: (first >>> 20) & 0xff,
    flowLabel: first & 0xfffff,
    payloadLength,
    nextHeader,
    hopLimit: view.getUint8(offset + 7),
    source,
    destination,
  });
  const end = offset + 40 + payloadLength;
  decodeBehindIpv6(cursor, offset + 40, nextHeader, { source, destination, end, whole: end <= bytes.length });
  padding(cursor, end);
}

function decodeBehindIpv6(cursor: Cursor, start: number, first: number, segment: Segment): void {
  const { view, layers } = cursor;
  let offset = start;
  let header = first;
  let whole = segment.whole;
  while (extensions.has(header)) {
    if (!has(cursor, offset, 8, 'IPv6 extension header')) return;
    const fragment = header === ipProtocols.FRAGMENT;
    const size = fragment ? 8 : (view.getUint8(offset + 1) + 1) * 8;
    if (!has(cursor, offset, size, 'IPv6 extension header')) return;
    const nextHeader = view.getUint8(offset);
    const fragmentOffset = fragment ? view.getUint16(offset + 2) & 0xfff8 : 0;
    layers.push({ kind: 'ipv6-extension', offset, size, header, nextHeader, fragmentOffset });
    if (fragment && view.getUint16(offset + 2) > 7) whole = false;
    offset += size;
    header = nextHeader;
    if (fragmentOffset > 0) {
      payload(cursor, offset, segment.end, 'fragment');
      return;
    }
  }
  if (header === ipProtocols.NONE) {
    payload(cursor, offset, segment.end, 'payload');
    return;
  }
  decodeTransport(cursor, offset, header, { ...segment, whole });
}

function decodeArp(cursor: Cursor, offset: number): void {
  if (!has(cursor, offset, 28, 'ARP')) return;
  const { view, bytes } = cursor;
  // Only Ethernet and IPv4: other address sizes lie elsewhere.
  if (view.getUint16(offset + 4) !== 0x0604) {
    payload(cursor, offset, bytes.length, 'ARP');
    return;
  }
  cursor.layers.push({
    kind: 'arp',
    offset,
    size: 28,
    operation: view.getUint16(offset + 6),
    senderMac: bytes.subarray(offset + 8, offset + 14),
    senderAddress: bytes.subarray(offset + 14, offset + 18),
    targetMac: bytes.subarray(offset + 18, offset + 24),
    targetAddress: bytes.subarray(offset + 24, offset + 28),
  });
  payload(cursor, offset + 28, bytes.length, 'padding');
}

function decodeNetwork(cursor: Cursor, offset: number, etherType: number): void {
  switch (etherType) {
    case etherTypes.IPv4:
      decodeIpv4(cursor, offset);
      return;
    case etherTypes.IPv6:
      decodeIpv6(cursor, offset);
      return;
    case etherTypes.ARP:
      decodeArp(cursor, offset);
      return;
    default:
      payload(cursor, offset, cursor.bytes.length, 'payload');
      return;
  }
}

function decodeEthernet(cursor: Cursor): void {
  if (!has(cursor, 0, 14, 'Ethernet header')) return;
  const { view, bytes, layers } = cursor;
  let etherType = view.getUint16(12);
  let offset = 14;
  const destination = bytes.subarray(0, 6);
  layers.push({ kind: 'ethernet', offset: 0, size: 14, destination, source: bytes.subarray(6, 12), etherType });
  while (etherType === etherTypes.VLAN || etherType === etherTypes.QinQ) {
    if (!has(cursor, offset, 4, 'VLAN tag')) return;
    const control = view.getUint16(offset);
    etherType = view.getUint16(offset + 2);
    const dropEligible = (control & 0x1000) !== 0;
    layers.push({
      kind: 'vlan',
      offset,
      size: 4,
      id: control & 0xfff,
      priority: control >>> 13,
      dropEligible,
      etherType,
    });
    offset += 4;
  }
  decodeNetwork(cursor, offset, etherType);
}

function guessEtherType(bytes: Uint8Array): number {
  const version = (bytes[0] ?? 0) >>> 4;
  return version === 4 ? etherTypes.IPv4 : version === 6 ? etherTypes.IPv6 : 0;
}

/** The layers of a packet, outermost first. Byte fields are views of `bytes`. */
export function decodePacket(bytes: Uint8Array, options: DecodeOptions): Layer[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const cursor: Cursor = { bytes, view, layers: [] };
  if (options.link === 'ethernet') decodeEthernet(cursor);
  else decodeNetwork(cursor, 0, options.etherType ?? guessEtherType(bytes));
  return cursor.layers;
}
