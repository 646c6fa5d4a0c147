import { InputError, nearestHint, SysError } from '../../base/index.ts';
import { type NetDevice, netDevice, parseMac } from '../../events/index.ts';
import type { DeviceInfo } from '../../sys/index.ts';
import type { LinkResource } from '../points/points.ts';
import type { TcLink, XdpLink } from './links.ts';
import type { PacketSocket } from './packet-socket.ts';
import { etherSize, macSize } from './skb.ts';

/** ARPHRD_ETHER, ARPHRD_LOOPBACK: the devices whose packets begin with an Ethernet header. */
const types = { ethernet: 1, loopback: 772 } as const;
const defaultMtu = 1500;
const loopbackMtu = 65536;
/** What a device has when nobody says. */
const noMac = new Uint8Array(macSize);

/** A network device: what it is, and what is attached to it. */
export class Device {
  readonly spec: NetDevice;
  readonly name: string;
  readonly ifindex: number;
  readonly mtu: number;
  readonly mac: Uint8Array;
  readonly up: boolean;
  /** Bytes of the link header: 14, or 0 where packets begin with IP. */
  readonly header: 0 | 14;
  readonly isLoopback: boolean;
  /** The XDP program, if any; a list of one at most, as links leave lists by themselves. */
  readonly xdp: XdpLink[] = [];
  readonly ingress: TcLink[] = [];
  readonly egress: TcLink[] = [];
  /** Packet sockets that are bound to it, the newest first. */
  readonly taps: PacketSocket[] = [];
  /** Whose driver the packets that it sends arrive at. */
  peer: Device | null = null;
  received = 0;
  sent = 0;
  dropped = 0;

  constructor(spec: NetDevice) {
    const type = spec.type ?? types.ethernet;
    this.spec = spec;
    this.name = spec.name;
    this.ifindex = spec.ifindex;
    this.isLoopback = type === types.loopback;
    this.mtu = spec.mtu ?? (this.isLoopback ? loopbackMtu : defaultMtu);
    this.up = spec.up ?? true;
    this.header = type === types.ethernet || this.isLoopback ? etherSize : 0;
    this.mac = spec.mac === undefined ? noMac : parseMac(spec.mac);
  }

  /** Whether its driver runs XDP programs, as those of Ethernet devices do. */
  get hasNativeXdp(): boolean {
    return this.header > 0 && !this.isLoopback;
  }

  info(): DeviceInfo {
    const { name, ifindex, mtu, up, received, sent, dropped } = this;
    const links: LinkResource[] = this.xdp;
    const mac = [...this.mac].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
    return { name, ifindex, mtu, up, mac, received, sent, dropped, xdp: links[0]?.program.id ?? 0 };
  }
}

/** The devices of the machine; the loopback device is always there. */
export class NetworkDevices {
  readonly all: readonly Device[];
  readonly #byIndex = new Map<number, Device>();

  /** @throws InputError for two of one name or index, or a peer that is not there */
  constructor(specs: readonly NetDevice[]) {
    const loopback = netDevice('lo', 1, { type: types.loopback, mtu: loopbackMtu });
    const all = specs.some(({ ifindex }) => ifindex === loopback.ifindex) ? specs : [loopback, ...specs];
    for (const spec of all) this.#add(spec);
    this.all = [...this.#byIndex.values()];
    for (const device of this.all) device.peer = this.#peerOf(device);
  }

  #add(spec: NetDevice): void {
    const known = [...this.#byIndex.values()].find(
      ({ name, ifindex }) => name === spec.name || ifindex === spec.ifindex,
    );
    if (known !== undefined) {
      throw new InputError(`device ${spec.name} (${spec.ifindex}) clashes with ${known.name} (${known.ifindex})`, {
        expected: 'a name and an ifindex of its own for each device',
      });
    }
    if (!Number.isInteger(spec.ifindex) || spec.ifindex < 1 || spec.name === '' || spec.name.length > 15) {
      throw new InputError(`device '${spec.name}' with ifindex ${spec.ifindex}`, {
        expected: 'a name of 1 to 15 characters, and an ifindex from 1 on',
      });
    }
    this.#byIndex.set(spec.ifindex, new Device(spec));
  }

  #peerOf(device: Device): Device | null {
    if (device.isLoopback) return device;
    const { peer } = device.spec;
    if (peer === undefined) return null;
    const found = this.named(peer);
    if (found !== undefined && found !== device) return found;
    throw new InputError(`device ${device.name} has no peer '${peer}'`, nearestHint(peer, this.names()));
  }

  named(name: string): Device | undefined {
    return this.all.find((device) => device.name === name);
  }

  at(ifindex: number): Device | undefined {
    return this.#byIndex.get(ifindex);
  }

  /** @throws SysError ENODEV */
  get(ifindex: number, op: string): Device {
    const device = this.#byIndex.get(ifindex);
    if (device !== undefined) return device;
    throw new SysError('ENODEV', op, `no device has the index ${ifindex}`, {
      expected: this.all.map(({ name, ifindex: index }) => `${index} (${name})`).join(', '),
    });
  }

  /** The device that an event names. @throws InputError */
  of(spec: NetDevice): Device {
    const device = this.#byIndex.get(spec.ifindex);
    if (device?.name === spec.name) return device;
    throw new InputError(`this machine has no device ${spec.name} with ifindex ${spec.ifindex}`, {
      hint: 'declare it among the devices of the scenario, or of boot',
    });
  }

  *names(): Generator<string> {
    for (const { name } of this.all) yield name;
  }

  infos(): DeviceInfo[] {
    return this.all.map((device) => device.info());
  }
}
