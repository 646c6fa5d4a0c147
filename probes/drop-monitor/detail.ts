import {
  type ChecksumState,
  type DetailSection,
  errnoName,
  etherTypeName,
  formatAddress,
  formatMac,
  icmpTypeName,
  icmpv6TypeName,
  ipProtocolName,
  type Layer,
  type TcpOption,
  tcpFlagNames,
} from 'tracebed';
import { reasonAdvice } from './reasons.ts';
import type { Drop } from './record.ts';

/** All about one drop, section by section: what happened, what it means, the packet decoded and in hex, the stack. */
export interface DetailContext {
  /** Drops of this reason at this place that the kernel counted up to now. */
  readonly count: number;
  /** Real time of virtual time 0, ns since 1970. */
  readonly epoch: bigint | undefined;
}

export function detailSections(drop: Drop, context: DetailContext): readonly DetailSection[] {
  const advice = reasonAdvice(drop.reason);
  const layers = drop.layers();
  return [
    { title: 'Drop', lines: dropLines(drop, context) },
    { title: `Why: ${drop.reason}`, lines: [advice.meaning, `Next: ${advice.next}`] },
    { title: 'Packet', lines: packetLines(drop, layers) },
    ...(drop.captured > 0 ? [{ title: 'Bytes', lines: hexLines(drop) }] : []),
    { title: 'Kernel stack', lines: stackLines(drop) },
  ];
}

function dropLines(drop: Drop, { count, epoch }: DetailContext): string[] {
  const real = epoch === undefined ? '' : `, ${realTime(epoch + BigInt(drop.time))}`;
  const device = drop.device === '' ? 'none: the skb had left its device' : drop.device;
  const index = drop.ifindex === 0 ? '' : ` (ifindex ${drop.ifindex})`;
  return [
    `time      ${(drop.time / 1e9).toFixed(9)} s${real}`,
    `task      ${drop.comm}, pid ${drop.pid}, process ${drop.tgid}, on CPU ${drop.cpu}`,
    `device    ${device}${index}`,
    `location  ${drop.location}`,
    `skb       0x${drop.skbAddress.toString(16)}, length ${drop.length}`,
    `flow      ${drop.flow}`,
    `counted   ${count} ${count === 1 ? 'drop' : 'drops'} of this reason at this location so far`,
  ];
}

/** UTC with nanoseconds. */
function realTime(time: bigint): string {
  const seconds = new Date(Number(time / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${String(time % 1_000_000_000n).padStart(9, '0')}Z`;
}

function packetLines(drop: Drop, layers: readonly Layer[]): string[] {
  const lines = layers.flatMap(layerLines);
  if (drop.missing !== null) lines.push(`not known: ${drop.missing}`);
  else if (drop.captured < drop.length) lines.push(`${drop.captured} bytes were captured (--snaplen)`);
  return lines;
}

function layerLines(layer: Layer): string[] {
  switch (layer.kind) {
    case 'ethernet':
      return [
        `Ethernet  ${formatMac(layer.source)} → ${formatMac(layer.destination)}, ${etherTypeName(layer.etherType)}`,
      ];
    case 'vlan':
      return [`VLAN      id ${layer.id}, priority ${layer.priority}, ${etherTypeName(layer.etherType)}`];
    case 'arp':
      return [`ARP       ${arpText(layer)}`];
    case 'ipv4':
      return ipv4Lines(layer);
    case 'ipv6':
      return [
        `IPv6      ${formatAddress(layer.source)} → ${formatAddress(layer.destination)}`,
        `          ${ipProtocolName(layer.nextHeader)}, hop limit ${layer.hopLimit}, payload ${layer.payloadLength}, flow label 0x${layer.flowLabel.toString(16)}`,
      ];
    case 'ipv6-extension':
      return [`IPv6 ext  ${ipProtocolName(layer.header)}, next ${ipProtocolName(layer.nextHeader)}`];
    case 'icmp':
    case 'icmpv6': {
      const v6 = layer.kind === 'icmpv6';
      const type = v6 ? icmpv6TypeName(layer.type) : icmpTypeName(layer.type);
      const name = v6 ? 'ICMPv6' : 'ICMP';
      return [`${name.padEnd(9)} ${type}, code ${layer.code}, ${checksum(layer)}`];
    }
    case 'tcp':
      return tcpLines(layer);
    case 'udp':
      return [
        `UDP       port ${layer.sourcePort} → ${layer.destinationPort}, length ${layer.length}, ${checksum(layer)}`,
      ];
    case 'payload':
      return [`payload   ${layer.size} bytes`];
    case 'cut':
      return [`cut       ${layer.what}`];
  }
}

function arpText(layer: Extract<Layer, { kind: 'arp' }>): string {
  const sender = formatAddress(layer.senderAddress);
  const target = formatAddress(layer.targetAddress);
  if (layer.operation === 1) return `who has ${target}? tell ${sender} at ${formatMac(layer.senderMac)}`;
  if (layer.operation === 2) return `${sender} is at ${formatMac(layer.senderMac)}, to ${target}`;
  return `operation ${layer.operation}, ${sender} → ${target}`;
}

function ipv4Lines(layer: Extract<Layer, { kind: 'ipv4' }>): string[] {
  const fragment =
    layer.moreFragments || layer.fragmentOffset > 0
      ? `, fragment at ${layer.fragmentOffset}${layer.moreFragments ? ', more follow' : ', the last'}`
      : '';
  const bits = layer.dontFragment ? ', DF' : '';
  return [
    `IPv4      ${formatAddress(layer.source)} → ${formatAddress(layer.destination)}`,
    `          ${ipProtocolName(layer.protocol)}, ttl ${layer.ttl}, total ${layer.totalLength}, id 0x${layer.identification.toString(16)}${bits}${fragment}, ${checksum(layer)}`,
  ];
}

function tcpLines(layer: Extract<Layer, { kind: 'tcp' }>): string[] {
  const flags = tcpFlagNames(layer.flags).join(',') || 'no flags';
  const lines = [
    `TCP       port ${layer.sourcePort} → ${layer.destinationPort}, ${flags}`,
    `          seq ${layer.sequence}, ack ${layer.acknowledgment}, window ${layer.window}, ${checksum(layer)}`,
  ];
  const options = layer.options.map(optionText).filter((text) => text !== '');
  if (options.length > 0) lines.push(`          ${options.join(', ')}`);
  return lines;
}

function optionText(option: TcpOption): string {
  switch (option.kind) {
    case 'mss':
      return `MSS ${option.size}`;
    case 'window-scale':
      return `window scale ${option.shift}`;
    case 'sack-permitted':
      return 'SACK permitted';
    case 'timestamps':
      return `timestamps ${option.value} ${option.echo}`;
    case 'unknown':
      return `option ${option.code}`;
    default:
      return '';
  }
}

function checksum(layer: { readonly checksum: number; readonly checksumState: ChecksumState }): string {
  const value = `checksum 0x${layer.checksum.toString(16).padStart(4, '0')}`;
  return layer.checksumState === 'unchecked' ? value : `${value} ${layer.checksumState}`;
}

/** `0000  45 00 00 54 …  E..T`: 16 bytes a line, from the first byte captured. */
function hexLines(drop: Drop): string[] {
  const { packet, network, transport } = drop;
  const lines: string[] = [];
  for (let at = 0; at < packet.length; at += 16) {
    const row = packet.subarray(at, at + 16);
    const hex = Array.from(row, (byte) => byte.toString(16).padStart(2, '0'));
    const pairs = `${hex.slice(0, 8).join(' ')}  ${hex.slice(8).join(' ')}`;
    const text = Array.from(row, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(4, '0')}  ${pairs.padEnd(48)}  ${text}`);
  }
  const places = [
    network === undefined ? '' : `network header at ${network.toString(16).padStart(4, '0')}`,
    transport === undefined ? '' : `transport header at ${transport.toString(16).padStart(4, '0')}`,
  ].filter((place) => place !== '');
  return places.length > 0 ? [...lines, places.join(', ')] : lines;
}

function stackLines(drop: Drop): readonly string[] {
  if (drop.stack.length > 0) return drop.stack;
  switch (errnoName(drop.stackError)) {
    case 'EEXIST':
      return ['not kept: another stack has its place in the map (-EEXIST)'];
    case 'ENOENT':
      return ['not kept: stacks were not asked for (--no-stack)'];
    case '0':
      return ['empty'];
    default:
      return [`not kept: bpf_get_stackid gave -${errnoName(drop.stackError)}`];
  }
}
