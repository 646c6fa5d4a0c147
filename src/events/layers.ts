/**
 * What a packet is made of, from the outside in. A layer names its place in the bytes, so that a view can mark them;
 * addresses are bytes in network order, numbers are in host order.
 */
import type { Address } from './address.ts';
import type { TcpFlag } from './protocols.ts';

/** Whether a checksum fits its bytes; `unchecked` where the bytes to sum are not all there, or none was sent. */
export type ChecksumState = 'right' | 'wrong' | 'unchecked';

interface Place {
  /** Bytes from the start of the packet. */
  readonly offset: number;
  /** Bytes of this layer's header (of the data, for a payload). */
  readonly size: number;
}

export interface EthernetLayer extends Place {
  readonly kind: 'ethernet';
  readonly destination: Uint8Array;
  readonly source: Uint8Array;
  /** The EtherType behind it; 1500 or less is an IEEE 802.3 length. */
  readonly etherType: number;
}

export interface VlanLayer extends Place {
  readonly kind: 'vlan';
  readonly id: number;
  readonly priority: number;
  readonly dropEligible: boolean;
  readonly etherType: number;
}

export interface ArpLayer extends Place {
  readonly kind: 'arp';
  /** 1 asks, 2 answers. */
  readonly operation: number;
  readonly senderMac: Uint8Array;
  readonly senderAddress: Uint8Array;
  readonly targetMac: Uint8Array;
  readonly targetAddress: Uint8Array;
}

export interface Ipv4Layer extends Place {
  readonly kind: 'ipv4';
  readonly tos: number;
  /** As the header says, in bytes, header included. */
  readonly totalLength: number;
  readonly identification: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** In bytes. */
  readonly fragmentOffset: number;
  readonly ttl: number;
  readonly protocol: number;
  readonly checksum: number;
  readonly checksumState: ChecksumState;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly options: Uint8Array;
}

export interface Ipv6Layer extends Place {
  readonly kind: 'ipv6';
  readonly trafficClass: number;
  readonly flowLabel: number;
  /** As the header says, in bytes behind the fixed header. */
  readonly payloadLength: number;
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

/** Hop-by-hop, routing, destination options or fragment header. */
export interface Ipv6ExtensionLayer extends Place {
  readonly kind: 'ipv6-extension';
  /** Which it is: 0, 43, 44 or 60. */
  readonly header: number;
  readonly nextHeader: number;
  /** Of a fragment header, in bytes; 0 for the others. */
  readonly fragmentOffset: number;
}

export interface IcmpLayer extends Place {
  readonly kind: 'icmp' | 'icmpv6';
  readonly type: number;
  readonly code: number;
  readonly checksum: number;
  readonly checksumState: ChecksumState;
  /** The four bytes behind the checksum: identifier and sequence of an echo. */
  readonly rest: number;
}

export type TcpOption =
  | { readonly kind: 'end' }
  | { readonly kind: 'nop' }
  | { readonly kind: 'mss'; readonly size: number }
  | { readonly kind: 'window-scale'; readonly shift: number }
  | { readonly kind: 'sack-permitted' }
  | { readonly kind: 'timestamps'; readonly value: number; readonly echo: number }
  | { readonly kind: 'unknown'; readonly code: number; readonly data: Uint8Array };

export interface TcpLayer extends Place {
  readonly kind: 'tcp';
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  /** The flags byte, bits of `tcpFlags`. */
  readonly flags: number;
  readonly window: number;
  readonly checksum: number;
  readonly checksumState: ChecksumState;
  readonly urgent: number;
  readonly options: readonly TcpOption[];
}

export interface UdpLayer extends Place {
  readonly kind: 'udp';
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** As the header says, in bytes, header included. */
  readonly length: number;
  readonly checksum: number;
  readonly checksumState: ChecksumState;
}

/** Bytes that no header above describes. */
export interface PayloadLayer extends Place {
  readonly kind: 'payload';
  readonly bytes: Uint8Array;
}

/** The end of what is there, before the end of what should be there. */
export interface CutLayer extends Place {
  readonly kind: 'cut';
  /** `TCP header: 12 of 20 bytes`, `UDP payload: 86 of 1008 bytes`. */
  readonly what: string;
}

export type Layer =
  | EthernetLayer
  | VlanLayer
  | ArpLayer
  | Ipv4Layer
  | Ipv6Layer
  | Ipv6ExtensionLayer
  | IcmpLayer
  | TcpLayer
  | UdpLayer
  | PayloadLayer
  | CutLayer;

/**
 * A packet to build. Lengths, checksums, EtherType and protocol follow from what is there; give one to have it wrong
 * on purpose.
 */
export interface PacketSpec {
  readonly ethernet?: { readonly source: Address; readonly destination: Address; readonly etherType?: number };
  /** The outermost first. */
  readonly vlans?: readonly { readonly id: number; readonly priority?: number; readonly dropEligible?: boolean }[];
  readonly arp?: {
    readonly operation: 'request' | 'reply' | number;
    readonly senderMac: Address;
    readonly senderAddress: Address;
    readonly targetMac?: Address;
    readonly targetAddress: Address;
  };
  readonly ipv4?: {
    readonly source: Address;
    readonly destination: Address;
    /** 64 when absent. */
    readonly ttl?: number;
    readonly tos?: number;
    readonly identification?: number;
    readonly dontFragment?: boolean;
    readonly moreFragments?: boolean;
    /** In bytes, a multiple of 8. */
    readonly fragmentOffset?: number;
    /** Padded with zero to a multiple of 4; at most 40 bytes. */
    readonly options?: Uint8Array;
    readonly protocol?: number;
    readonly version?: number;
    readonly totalLength?: number;
    readonly checksum?: number;
  };
  readonly ipv6?: {
    readonly source: Address;
    readonly destination: Address;
    /** 64 when absent. */
    readonly hopLimit?: number;
    readonly trafficClass?: number;
    readonly flowLabel?: number;
    readonly nextHeader?: number;
    readonly payloadLength?: number;
  };
  readonly icmp?: IcmpSpec;
  readonly icmpv6?: IcmpSpec;
  readonly tcp?: {
    readonly sourcePort: number;
    readonly destinationPort: number;
    readonly sequence?: number;
    readonly acknowledgment?: number;
    /** Their names, or the byte. */
    readonly flags?: number | readonly TcpFlag[];
    /** 64240 when absent. */
    readonly window?: number;
    readonly urgent?: number;
    readonly options?: readonly TcpOption[];
    readonly checksum?: number;
  };
  readonly udp?: {
    readonly sourcePort: number;
    readonly destinationPort: number;
    readonly length?: number;
    readonly checksum?: number;
  };
  /** A string is its UTF-8. */
  readonly payload?: Uint8Array | string;
}

export interface IcmpSpec {
  readonly type: number;
  readonly code?: number;
  readonly rest?: number;
  readonly checksum?: number;
}
