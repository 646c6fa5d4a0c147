/**
 * Kernel objects from what an author knows: a packet's bytes and the layer that has it in hand give an sk_buff; an
 * address pair a sock. The objects are plain data; identity is that of the JS object.
 */
import { type Address, parseAddress } from './address.ts';
import type { NetDevice, Program, SkBuff, Sock, StructObject, Task } from './event.ts';
import { etherTypes, ipProtocols } from './protocols.ts';

/** Which header skb->data points at: what the layer in charge still sees. */
export type DataStart = 'mac' | 'network' | 'transport' | 'payload';

export interface SkBuffSpec {
  readonly data: Uint8Array;
  /** `ethernet` when absent. */
  readonly link?: 'ethernet' | 'none';
  /** `network` when absent: the IP receive path. */
  readonly start?: DataStart;
  /** Bytes of the real packet, link header included; those of `data` when absent. */
  readonly wireLength?: number;
  readonly dev?: NetDevice | null;
  readonly sk?: Sock | null;
  readonly mark?: number;
  /** skb->protocol when it is not what the headers say. */
  readonly protocol?: number;
  readonly missing?: string;
  readonly recordedAddress?: string;
}

/** Where the headers of a packet lie: offsets in its bytes, -1 for one that is not there or is cut off. */
export interface HeaderPlaces {
  readonly mac: number;
  readonly network: number;
  readonly transport: number;
  /** Behind the transport header. */
  readonly payload: number;
  /** EtherType of the network layer, 0 when unknown. */
  readonly protocol: number;
}

function read16(bytes: Uint8Array, offset: number): number {
  return offset + 1 < bytes.length ? (bytes[offset]! << 8) | bytes[offset + 1]! : 0;
}

/** Where the network header of a packet lies and what it is, link header and VLAN tags passed. */
function findNetwork(bytes: Uint8Array, link: 'ethernet' | 'none'): { network: number; protocol: number } {
  if (link === 'none') {
    const version = (bytes[0] ?? 0) >>> 4;
    return { network: 0, protocol: version === 4 ? etherTypes.IPv4 : version === 6 ? etherTypes.IPv6 : 0 };
  }
  if (bytes.length < 14) return { network: -1, protocol: 0 };
  let network = 14;
  let protocol = read16(bytes, 12);
  while ((protocol === etherTypes.VLAN || protocol === etherTypes.QinQ) && network + 4 <= bytes.length) {
    protocol = read16(bytes, network + 2);
    network += 4;
  }
  return { network, protocol };
}

/** Size of the network header and the protocol above; size 0 when it has none or is cut. */
function networkHeader(bytes: Uint8Array, network: number, protocol: number): { size: number; above: number } {
  if (protocol === etherTypes.IPv4 && network + 20 <= bytes.length) {
    return { size: Math.max(20, (bytes[network]! & 0xf) * 4), above: bytes[network + 9]! };
  }
  if (protocol === etherTypes.IPv6 && network + 40 <= bytes.length) return ipv6Headers(bytes, network);
  return { size: 0, above: -1 };
}

/** The fixed IPv6 header and the extension headers behind it, as far as they are there. */
function ipv6Headers(bytes: Uint8Array, network: number): { size: number; above: number } {
  const { HOPOPT, ROUTING, DSTOPTS, FRAGMENT } = ipProtocols;
  let size = 40;
  let above: number = bytes[network + 6]!;
  while (above === HOPOPT || above === ROUTING || above === DSTOPTS || above === FRAGMENT) {
    if (network + size + 8 > bytes.length) return { size: 0, above: -1 };
    const length = above === FRAGMENT ? 8 : (bytes[network + size + 1]! + 1) * 8;
    above = bytes[network + size]!;
    size += length;
  }
  return { size, above };
}

function transportHeaderSize(bytes: Uint8Array, transport: number, protocol: number): number {
  if (protocol === ipProtocols.TCP) return Math.max(20, ((bytes[transport + 12] ?? 0x50) >>> 4) * 4);
  if (protocol === ipProtocols.UDP || protocol === ipProtocols.ICMP || protocol === ipProtocols.ICMPv6) return 8;
  return 0;
}

/** Finds the headers as the kernel's receive path does. */
export function headerPlaces(bytes: Uint8Array, link: 'ethernet' | 'none'): HeaderPlaces {
  const { network, protocol } = findNetwork(bytes, link);
  const mac = link === 'ethernet' ? 0 : -1;
  const { size, above } = network < 0 ? { size: 0, above: -1 } : networkHeader(bytes, network, protocol);
  const transport = size > 0 && network + size <= bytes.length ? network + size : -1;
  const payload = transport < 0 ? -1 : transport + transportHeaderSize(bytes, transport, above);
  return { mac, network, transport, payload, protocol };
}

/**
 * An sk_buff of a packet: header offsets found in the bytes, `start` where the layer in charge sees it. A start that
 * the packet does not have falls back to the next header outwards.
 */
export function skBuff(spec: SkBuffSpec): SkBuff {
  const places = headerPlaces(spec.data, spec.link ?? 'ethernet');
  const wanted = places[spec.start ?? 'network'];
  const start = wanted >= 0 ? wanted : Math.max(0, places.network);
  const wire = spec.wireLength ?? spec.data.length;
  return {
    object: 'sk_buff',
    data: spec.data,
    mac: places.mac,
    network: places.network,
    transport: places.transport,
    start,
    length: Math.max(0, wire - start),
    protocol: spec.protocol ?? places.protocol,
    dev: spec.dev ?? null,
    sk: spec.sk ?? null,
    ...(spec.mark === undefined ? {} : { mark: spec.mark }),
    ...(spec.missing === undefined ? {} : { missing: spec.missing }),
    ...(spec.recordedAddress === undefined ? {} : { recordedAddress: spec.recordedAddress }),
  };
}

/** A network device; mtu 1500 and Ethernet when absent. */
export function netDevice(name: string, ifindex: number, more: NetDeviceSpec = {}): NetDevice {
  return { ...more, object: 'net_device', name, ifindex, mtu: more.mtu ?? 1500, type: more.type ?? 1 };
}

export type NetDeviceSpec = Omit<NetDevice, 'object' | 'name' | 'ifindex'>;

export interface SockSpec {
  /** `tcp`, `udp`, or an IP protocol number. */
  readonly protocol: 'tcp' | 'udp' | number;
  readonly source: Address;
  readonly sourcePort: number;
  readonly destination: Address;
  readonly destinationPort: number;
  /** TCP_ESTABLISHED 1 when absent. */
  readonly state?: number;
  readonly netNamespace?: number;
  readonly fields?: Sock['fields'];
}

/** A struct sock; the family follows from the addresses. @throws InputError for an address that is none */
export function sock(spec: SockSpec): Sock {
  const saddr = parseAddress(spec.source);
  const numbers = { tcp: ipProtocols.TCP, udp: ipProtocols.UDP } as const;
  return {
    object: 'sock',
    family: saddr.length === 16 ? 10 : 2,
    protocol: typeof spec.protocol === 'number' ? spec.protocol : numbers[spec.protocol],
    state: spec.state ?? 1,
    saddr,
    daddr: parseAddress(spec.destination),
    sport: spec.sourcePort,
    dport: spec.destinationPort,
    ...(spec.netNamespace === undefined ? {} : { netNamespace: spec.netNamespace }),
    ...(spec.fields === undefined ? {} : { fields: spec.fields }),
  };
}

/** What a thing is known by while it changes: what it was first. */
export function identityOf<Thing extends { readonly identity?: Thing }>(thing: Thing): Thing {
  return thing.identity ?? thing;
}

/** What of an object may change; `fields` are those that change, the others stay. */
export type Changes<Thing extends Sock | StructObject> = Partial<Omit<Thing, 'object' | 'type' | 'identity'>>;

/** The same kernel object after the kernel has written into it: at the same address, with these contents. */
export function later<Thing extends Sock | StructObject>(object: Thing, changes: Changes<Thing>): Thing {
  const fields = changes.fields === undefined ? {} : { fields: { ...object.fields, ...changes.fields } };
  return { ...object, ...changes, ...fields, identity: identityOf<Sock | StructObject>(object) };
}

/** What a task was executed with: as it tells, or its name without arguments. A kernel thread was never executed. */
export function programOf(task: Task): Program {
  if (task.program !== undefined) return task.program;
  return { path: `/usr/bin/${task.comm}`, argv: task.kernelThread === true ? [] : [task.comm] };
}

/** What a task is made of; tgid is the pid, uid and gid are 0 when absent. */
export interface TaskSpec extends Partial<Omit<Task, 'pid' | 'comm'>> {
  readonly pid: number;
  readonly comm: string;
}

/** A task. comm is cut to the kernel's 15 bytes. */
export function taskOf(spec: TaskSpec): Task {
  const bytes = new TextEncoder().encode(spec.comm);
  const comm = bytes.length <= 15 ? spec.comm : new TextDecoder().decode(bytes.subarray(0, 15));
  return { ...spec, tgid: spec.tgid ?? spec.pid, comm, uid: spec.uid ?? 0, gid: spec.gid ?? spec.uid ?? 0 };
}
