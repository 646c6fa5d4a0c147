/**
 * Why packets are dropped on a busy host: each cause with its reason, its place in the kernel, what its packets look
 * like, and how often it comes. All reasons exist in every kernel profile.
 */
import {
  buildPacket,
  type DataStart,
  etherTypes,
  type NetDevice,
  netDevice,
  type PacketSpec,
  type Random,
  type Sock,
  sock,
  tcpFlags,
} from 'tracebed';
import { receiveStacks, type Softirq, sendStacks } from './stacks.ts';

export const devices = {
  eth0: netDevice('eth0', 2),
  eth1: netDevice('eth1', 3, { mtu: 9000 }),
  veth1a2b: netDevice('veth1a2b', 17),
  br0: netDevice('br0', 9),
} as const;

/** One flow's packet, and the socket that it is for where there is one. */
export interface FlowPacket {
  readonly packet: Uint8Array;
  readonly sk?: Sock;
}

export interface Cause {
  readonly reason: string;
  readonly location: string;
  /** In a softirq, by how that runs; or in the process that sends. */
  readonly stacks: Readonly<Record<Softirq, readonly string[]>> | { readonly process: readonly string[] };
  readonly device: NetDevice;
  readonly start: DataStart;
  /** How often, beside the others. */
  readonly weight: number;
  /** The n-th flow of this cause. */
  readonly flow: (n: number, random: Random) => FlowPacket;
}

const ours = '10.20.0.5';
const ours6 = '2001:db8:20::5';
const ourMac = '52:54:00:20:00:05';
const gatewayMac = '52:54:00:20:00:01';
const incoming = { source: gatewayMac, destination: ourMac };
const outgoing = { source: ourMac, destination: gatewayMac };

/** A client somewhere in the world, the same for the same n. */
function client(n: number): string {
  return `${20 + ((n * 37) % 180)}.${(n * 91) % 256}.${(n * 13) % 256}.${1 + ((n * 7) % 254)}`;
}

function client6(n: number): string {
  return `2001:db8:${(0x100 + n).toString(16)}::${(1 + n * 3).toString(16)}`;
}

function neighbour(n: number): string {
  return `10.20.${(n >> 7) & 255}.${10 + (n % 120)}`;
}

function port(random: Random): number {
  return random.int(32_768, 60_999);
}

function text(random: Random, least: number, most: number): Uint8Array {
  return new Uint8Array(random.int(least, most)).fill(0x61);
}

function packet(spec: PacketSpec): FlowPacket {
  return { packet: buildPacket({ ethernet: incoming, ...spec }) };
}

function udp(source: string, destination: string, sourcePort: number, destinationPort: number, payload: Uint8Array) {
  return packet({
    ipv4: { source, destination, identification: sourcePort },
    udp: { sourcePort, destinationPort },
    payload,
  });
}

function syn(random: Random, destinationPort: number) {
  const mss = { kind: 'mss', size: 1460 } as const;
  return { sourcePort: port(random), destinationPort, sequence: random.u32(), flags: tcpFlags.SYN, options: [mss] };
}

function segment(n: number, random: Random, destinationPort: number): FlowPacket {
  const source = client(n);
  const sourcePort = port(random);
  const flags = tcpFlags.ACK | tcpFlags.PSH;
  const given = packet({
    ipv4: { source, destination: ours, dontFragment: true },
    tcp: { sourcePort, destinationPort, sequence: random.u32(), acknowledgment: random.u32(), flags, window: 501 },
    payload: text(random, 100, 1400),
  });
  const sk = sock({
    protocol: 'tcp',
    source: ours,
    sourcePort: destinationPort,
    destination: source,
    destinationPort: sourcePort,
  });
  return { ...given, sk };
}

export const causes: readonly Cause[] = [
  {
    reason: 'NO_SOCKET',
    location: '__udp4_lib_rcv+0x4bc',
    stacks: receiveStacks.transport4,
    device: devices.eth0,
    start: 'transport',
    weight: 20,
    flow: (n, random) => udp(client(n), ours, port(random), 27_015 + (n % 5), text(random, 20, 300)),
  },
  {
    reason: 'NO_SOCKET',
    location: 'tcp_v4_rcv+0x91',
    stacks: receiveStacks.transport4,
    device: devices.eth0,
    start: 'transport',
    weight: 14,
    flow: (n, random) =>
      packet({ ipv4: { source: client(n), destination: ours, dontFragment: true }, tcp: syn(random, 1 + n * 11) }),
  },
  {
    reason: 'NO_SOCKET',
    location: '__udp6_lib_rcv+0x3a1',
    stacks: receiveStacks.transport6,
    device: devices.eth1,
    start: 'transport',
    weight: 6,
    flow: (n, random) =>
      packet({
        ipv6: { source: client6(n), destination: ours6 },
        udp: { sourcePort: port(random), destinationPort: 5353 },
        payload: text(random, 30, 200),
      }),
  },
  {
    reason: 'NO_SOCKET',
    location: 'tcp_v6_rcv+0x8e',
    stacks: receiveStacks.transport6,
    device: devices.eth1,
    start: 'transport',
    weight: 4,
    flow: (n, random) =>
      packet({ ipv6: { source: client6(n), destination: ours6 }, tcp: syn(random, n % 2 === 0 ? 8443 : 23) }),
  },
  {
    reason: 'NETFILTER_DROP',
    location: 'nft_do_chain+0x3e8 [nf_tables]',
    stacks: receiveStacks.firewall,
    device: devices.eth0,
    start: 'network',
    weight: 22,
    flow: (n, random) => udp(client(n), ours, port(random), [53, 123, 1900, 11_211][n % 4]!, text(random, 40, 120)),
  },
  {
    reason: 'SOCKET_RCVBUFF',
    location: 'udp_queue_rcv_one_skb+0x1f5',
    stacks: receiveStacks.udpSocket,
    device: devices.br0,
    start: 'payload',
    weight: 12,
    flow: (n, random) => {
      const sourcePort = port(random);
      const source = neighbour(n);
      const sk = sock({ protocol: 'udp', source: ours, sourcePort: 8125, destination: '0.0.0.0', destinationPort: 0 });
      return { ...udp(source, ours, sourcePort, 8125, text(random, 30, 900)), sk };
    },
  },
  {
    reason: 'TCP_OLD_DATA',
    location: 'tcp_data_queue+0x4f2',
    stacks: receiveStacks.tcpSocket,
    device: devices.eth0,
    start: 'payload',
    weight: 7,
    flow: (n, random) => segment(n, random, 443),
  },
  {
    reason: 'TCP_INVALID_SEQUENCE',
    location: 'tcp_validate_incoming+0x2d1',
    stacks: receiveStacks.tcpSocket,
    device: devices.eth0,
    start: 'transport',
    weight: 3,
    flow: (n, random) => segment(n, random, 5432),
  },
  {
    reason: 'TCP_CSUM',
    location: 'tcp_v4_rcv+0x91',
    stacks: receiveStacks.transport4,
    device: devices.eth0,
    start: 'transport',
    weight: 1,
    flow: (n, random) =>
      packet({
        ipv4: { source: client(n), destination: ours },
        tcp: { sourcePort: port(random), destinationPort: 443, flags: tcpFlags.ACK, checksum: 0xbad0 },
      }),
  },
  {
    reason: 'ICMP_CSUM',
    location: 'icmp_rcv+0x1ff',
    stacks: receiveStacks.transport4,
    device: devices.eth0,
    start: 'transport',
    weight: 1,
    flow: (n) =>
      packet({
        ipv4: { source: client(n), destination: ours },
        icmp: { type: 8, rest: n, checksum: 1 },
        payload: 'ping',
      }),
  },
  {
    reason: 'IP_RPFILTER',
    location: 'ip_rcv_finish_core+0x25b',
    stacks: receiveStacks.route,
    device: devices.eth1,
    start: 'network',
    weight: 4,
    flow: (n, random) => udp(`192.0.2.${n % 256}`, ours, port(random), 53, text(random, 20, 60)),
  },
  {
    reason: 'IP_INHDR',
    location: 'ip_rcv_core+0x22c',
    stacks: receiveStacks.ip,
    device: devices.eth0,
    start: 'network',
    weight: 1,
    flow: (n, random) =>
      packet({
        ipv4: { source: client(n), destination: ours, version: 5 },
        udp: { sourcePort: port(random), destinationPort: 1 },
      }),
  },
  {
    reason: 'UNHANDLED_PROTO',
    location: '__netif_receive_skb_core.constprop.0+0x7e6',
    stacks: receiveStacks.link,
    device: devices.eth0,
    start: 'network',
    weight: 2,
    flow: (n) => ({
      packet: buildPacket({
        ethernet: { source: gatewayMac, destination: '01:80:c2:00:00:0e', etherType: n % 2 ? etherTypes.LLDP : 0x88b5 },
        payload: 'chassis and port'.repeat(3),
      }),
    }),
  },
  {
    reason: 'NOT_SPECIFIED',
    location: 'arp_process+0x3d4',
    stacks: receiveStacks.link,
    device: devices.br0,
    start: 'network',
    weight: 3,
    flow: (n) => ({
      packet: buildPacket({
        ethernet: { source: gatewayMac, destination: 'ff:ff:ff:ff:ff:ff' },
        arp: {
          operation: 'request',
          senderMac: gatewayMac,
          senderAddress: '10.20.0.1',
          targetAddress: neighbour(n + 60),
        },
        payload: new Uint8Array(18),
      }),
    }),
  },
  {
    reason: 'QDISC_DROP',
    location: '__dev_queue_xmit+0xd01',
    stacks: { process: sendStacks.queue },
    device: devices.eth1,
    start: 'mac',
    weight: 10,
    flow: (n, random) =>
      packet({
        ethernet: outgoing,
        ipv4: { source: ours, destination: neighbour(n) },
        udp: { sourcePort: port(random), destinationPort: 5201 },
        payload: text(random, 1000, 1400),
      }),
  },
  {
    reason: 'NOT_SPECIFIED',
    location: 'veth_xmit+0x2e3 [veth]',
    stacks: { process: sendStacks.device },
    device: devices.veth1a2b,
    start: 'mac',
    weight: 6,
    flow: (n, random) =>
      packet({
        ethernet: outgoing,
        ipv4: { source: ours, destination: `172.18.0.${2 + (n % 6)}` },
        udp: { sourcePort: port(random), destinationPort: 9000 },
        payload: text(random, 60, 500),
      }),
  },
  {
    reason: 'NEIGH_FAILED',
    location: 'neigh_invalidate+0x7e',
    stacks: { process: sendStacks.neighbour },
    device: devices.br0,
    start: 'network',
    weight: 2,
    flow: (n, random) => ({
      packet: buildPacket({
        ipv4: { source: ours, destination: neighbour(n + 90) },
        udp: { sourcePort: port(random), destinationPort: 514 },
        payload: text(random, 60, 200),
      }),
    }),
  },
];
