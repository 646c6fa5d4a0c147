/**
 * The numbers that packet headers carry, and their names: EtherTypes (IEEE 802), IP protocols (IANA), TCP flags
 * (RFC 9293), ICMP types. One table each; names, types and look-ups derive from it.
 */

/** EtherType by name, host order. */
export const etherTypes = {
  IPv4: 0x0800,
  ARP: 0x0806,
  RARP: 0x8035,
  VLAN: 0x8100,
  IPv6: 0x86dd,
  PPPoE: 0x8864,
  MPLS: 0x8847,
  EAPOL: 0x888e,
  QinQ: 0x88a8,
  LLDP: 0x88cc,
  PTP: 0x88f7,
} as const;

/** IP protocol numbers by name (the next header of IPv6 too). */
export const ipProtocols = {
  HOPOPT: 0,
  ICMP: 1,
  IGMP: 2,
  IPIP: 4,
  TCP: 6,
  UDP: 17,
  IPv6: 41,
  ROUTING: 43,
  FRAGMENT: 44,
  GRE: 47,
  ESP: 50,
  AH: 51,
  ICMPv6: 58,
  NONE: 59,
  DSTOPTS: 60,
  SCTP: 132,
  UDPLITE: 136,
  RAW: 255,
} as const;

/** Bits of the TCP flags byte, in the order in which they are written. */
export const tcpFlags = {
  FIN: 0x01,
  SYN: 0x02,
  RST: 0x04,
  PSH: 0x08,
  ACK: 0x10,
  URG: 0x20,
  ECE: 0x40,
  CWR: 0x80,
} as const;

export type TcpFlag = keyof typeof tcpFlags;

/** ICMP types (RFC 792 and others). */
export const icmpTypes = {
  'echo reply': 0,
  'destination unreachable': 3,
  'source quench': 4,
  redirect: 5,
  'echo request': 8,
  'router advertisement': 9,
  'router solicitation': 10,
  'time exceeded': 11,
  'parameter problem': 12,
  'timestamp request': 13,
  'timestamp reply': 14,
} as const;

/** ICMPv6 types (RFC 4443, RFC 4861). */
export const icmpv6Types = {
  'destination unreachable': 1,
  'packet too big': 2,
  'time exceeded': 3,
  'parameter problem': 4,
  'echo request': 128,
  'echo reply': 129,
  'router solicitation': 133,
  'router advertisement': 134,
  'neighbour solicitation': 135,
  'neighbour advertisement': 136,
  redirect: 137,
} as const;

function namesOf(table: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(table).map(([name, value]) => [value, name]));
}

const etherTypeNames = namesOf(etherTypes);
const ipProtocolNames = namesOf(ipProtocols);
const icmpNames = namesOf(icmpTypes);
const icmpv6Names = namesOf(icmpv6Types);

/** `IPv4` of 0x0800; an unknown one as `0x88b5`. */
export function etherTypeName(value: number): string {
  return etherTypeNames.get(value) ?? `0x${value.toString(16).padStart(4, '0')}`;
}

/** `UDP` of 17; an unknown one as `IP protocol 200`. */
export function ipProtocolName(value: number): string {
  return ipProtocolNames.get(value) ?? `IP protocol ${value}`;
}

/** `echo request` of 8; an unknown one as `type 200`. */
export function icmpTypeName(value: number): string {
  return icmpNames.get(value) ?? `type ${value}`;
}

/** `echo request` of 128; an unknown one as `type 200`. */
export function icmpv6TypeName(value: number): string {
  return icmpv6Names.get(value) ?? `type ${value}`;
}

/** The names of the flags set, lowest bit first: `['SYN', 'ACK']` of 0x12. */
export function tcpFlagNames(flags: number): TcpFlag[] {
  return (Object.keys(tcpFlags) as TcpFlag[]).filter((name) => (flags & tcpFlags[name]) !== 0);
}

/** The flags byte of a list of names. */
export function tcpFlagBits(names: readonly TcpFlag[]): number {
  return names.reduce((bits, name) => bits | tcpFlags[name], 0);
}
