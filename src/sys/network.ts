import type { Nanoseconds } from '../base/index.ts';

/** What a process may ask of a kernel about the network: rtnetlink, tc and packet sockets (packet(7)). */

/**
 * An XDP program on a device, as netlink's IFLA_XDP attaches it. It takes the place of one that is there, unless the
 * flags ask it not to: its link then stands and runs nothing.
 */
export interface XdpTarget {
  readonly kind: 'xdp';
  readonly ifindex: number;
  /** A sum of `xdpFlags` of uapi: which mode, and whether another may be there. The driver's mode when 0. */
  readonly flags?: number;
}

/** A classifier of a device's clsact qdisc, which is made when it is first needed. */
export interface TcTarget {
  readonly kind: 'tc';
  readonly ifindex: number;
  readonly direction: 'ingress' | 'egress';
  /** The program's result is what happens to the packet; true when absent. Without, it is a class, and nothing happens. */
  readonly directAction?: boolean;
  /** Lower ones run first; 49152, or the next below the lowest that is there, when absent. */
  readonly priority?: number;
  /** Among those of one priority; the next free one when absent. */
  readonly handle?: number;
}

/** What `ip link` tells of a device. */
export interface DeviceInfo {
  readonly name: string;
  readonly ifindex: number;
  readonly mtu: number;
  readonly up: boolean;
  /** `02:00:00:00:00:01` */
  readonly mac: string;
  /** Packets that its driver took off the wire, sent, and those dropped at it. */
  readonly received: number;
  readonly sent: number;
  readonly dropped: number;
  /** Id of the XDP program on it; 0 for none. */
  readonly xdp: number;
}

export interface PacketSocketOpen {
  /** The device that it is bound to; all when 0 or absent. */
  readonly ifindex?: number;
  /** ETH_P_*; 3, ETH_P_ALL, when absent. */
  readonly protocol?: number;
  /** SOCK_RAW, packets with their link header, when absent. */
  readonly type?: 'raw' | 'datagram';
}

/** A packet as a packet socket gets it: struct sockaddr_ll and tpacket_auxdata beside its bytes. */
export interface ReceivedPacket {
  /** As many bytes as the filter asked for. */
  readonly data: Uint8Array;
  /** Bytes of the whole packet. */
  readonly length: number;
  readonly ifindex: number;
  /** EtherType. */
  readonly protocol: number;
  /** PACKET_HOST 0, BROADCAST 1, MULTICAST 2, OTHERHOST 3, OUTGOING 4. */
  readonly packetType: number;
  readonly time: Nanoseconds;
  /** TCI of a VLAN tag that the kernel took out of the packet. */
  readonly vlan?: number;
}

export interface SocketStatistics {
  /** Packets that its filter let through. */
  readonly packets: number;
  /** Of them, those that found its queue full. */
  readonly drops: number;
}
