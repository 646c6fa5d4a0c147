import { errno, InputError } from '../../base/index.ts';
import type { NetDevice, PacketEvent } from '../../events/index.ts';
import type { BpfMap } from '../../maps/index.ts';
import type { Memory } from '../../memory/index.ts';
import { redirectFlags, tcActions } from '../../uapi/index.ts';
import type { Current } from '../machine/current.ts';
import type { Ledger } from '../machine/ledger.ts';
import type { Runs } from '../points/runs.ts';
import { type PacketBuffer, PacketBuffers } from './buffers.ts';
import { cloneOf } from './clone.ts';
import { type Device, NetworkDevices } from './devices.ts';
import type { TcLink } from './links.ts';
import type { DropPlace, PacketTracer } from './packet-tracer.ts';
import { RedirectTarget } from './redirect-target.ts';
import { etherSize, Skbs, skbAt, swap16, vlanSize } from './skb.ts';
import { arriveSkb, fillSkb, fillSocket, packetTypes } from './skb-fill.ts';
import { Taps } from './taps.ts';
import { TcStage } from './tc-stage.ts';
import { setTag, vlanToPacket, vlanUntag } from './vlan.ts';
import { XdpStage } from './xdp-stage.ts';

/**
 * What became of a packet at a device: `passed` on to the protocol, `sent` by the device, `redirected` to another one,
 * `stolen` by a classifier, which the kernel counts as consumed, or `dropped`.
 */
export type PacketFate = 'passed' | 'sent' | 'redirected' | 'stolen' | 'dropped';

export interface NetworkParts {
  readonly memory: Memory;
  readonly current: Current;
  readonly ledger: Ledger;
  readonly runs: Runs;
  readonly devices: readonly NetDevice[];
  readonly mapId: (map: BpfMap) => number;
}

/** netdev_max_backlog, and how many of them one event may go on with (netdev_budget). */
const mostWaiting = 256;
const budget = 300;
/** XMIT_RECURSION_LIMIT */
const deepest = 8;
/** The longest IP packet, with its link header and two VLAN tags. */
const longestPacket = 65_535 + etherSize + 2 * vlanSize;

/**
 * The way of packets through devices, in the order of net/core/dev.c. In: the driver's XDP program, the tracepoint,
 * generic XDP, the VLAN tag taken out, packet sockets of every protocol, tc's ingress, packet sockets of one protocol,
 * the protocol. Out: tc's egress, the VLAN tag put in, packet sockets, the driver. A stage that takes a packet away
 * ends its way. What a driver hands over to another device waits until the packet in hand is done.
 */
export class Network {
  readonly devices: NetworkDevices;
  readonly packets: PacketBuffers;
  readonly redirect = new RedirectTarget();
  readonly taps: Taps;
  /** The id of a map, as tracepoints tell it. */
  readonly mapId: (map: BpfMap) => number;
  /** What became of the last event's packet. */
  fate: PacketFate = 'passed';
  readonly #skbs: Skbs;
  readonly #xdp: XdpStage;
  readonly #tc: TcStage;
  readonly #waiting: PacketBuffer[] = [];
  #tracer: PacketTracer | null = null;
  #depth = 0;

  constructor({ memory, current, ledger, runs, devices, mapId }: NetworkParts) {
    this.mapId = mapId;
    this.devices = new NetworkDevices(devices);
    this.packets = new PacketBuffers(memory);
    this.#skbs = new Skbs(memory);
    const { packets } = this;
    this.taps = new Taps({ skbs: this.#skbs, packets, runs, current, ledger });
    this.#xdp = new XdpStage(this.#skbs, packets, runs, this.redirect, this);
    this.#tc = new TcStage(packets, runs, this.redirect);
  }

  /** Who tells tracers; given once all parts are there. */
  set tracer(tracer: PacketTracer) {
    this.#tracer = tracer;
  }

  get tracer(): PacketTracer {
    return this.#tracer as PacketTracer;
  }

  /** @throws InputError for a device that is not there, or bytes that are no packet */
  play(event: PacketEvent): void {
    const device = this.devices.of(event.device);
    const { length } = event.data;
    if (length < Math.max(1, device.header) || length > longestPacket) {
      throw new InputError(`a packet of ${length} bytes at ${device.name}`, {
        expected: `${Math.max(1, device.header)} to ${longestPacket} bytes, link header included`,
      });
    }
    this.tracer.begin(event);
    const buffer = this.packets.take(length);
    if (buffer !== null) buffer.driven = true;
    if (buffer === null) {
      device.dropped++;
      this.fate = 'dropped';
    } else {
      this.#skbs.memory.u8.set(event.data, buffer.origin);
      this.fate =
        event.direction === 'receive'
          ? this.#arrive(buffer, device, buffer.origin, length, event.queue ?? 0, event.mark ?? 0, event.priority ?? 0)
          : this.#send(buffer, device, length, event);
    }
    this.#goOn();
  }

  // ------------------------------------------------------------------------------------------------------- receive

  /** A driver has a packet: its bytes lie in the buffer. */
  #arrive(
    buffer: PacketBuffer,
    device: Device,
    start: number,
    length: number,
    queue: number,
    mark: number,
    priority: number,
  ): PacketFate {
    buffer.device = device;
    if (!device.up) return this.#end(buffer, device, 'dropped');
    device.received++;
    const { skb } = buffer;
    // What the stack hands from device to device keeps the tag that stands beside it.
    const hasTag = !buffer.driven && this.#skbs.get(skb, skbAt.vlanPresent) !== 0;
    const tci = this.#skbs.get(skb, skbAt.vlanTci);
    const protocol = this.#skbs.get(skb, skbAt.vlanProtocol);
    fillSkb(this.#skbs, buffer, device, start, length);
    if (hasTag) setTag(this.#skbs, skb, protocol, tci);
    this.#skbs.set(skb, skbAt.mark, mark);
    this.#skbs.set(skb, skbAt.priority, priority);
    this.#skbs.set(skb, skbAt.queue, queue === 0 ? 0 : queue + 1);
    const native = device.xdp[0];
    if (native?.mode === 'native' && buffer.driven) {
      const fate = this.#xdp.run(native, buffer, device, queue);
      if (fate !== 'passed') return fate;
    }
    arriveSkb(this.#skbs, skb, device);
    this.#skbs.pull(skb, device.header);
    return this.#receive(buffer, device, queue);
  }

  /** __netif_receive_skb_core: `data` begins with the network header. */
  #receive(buffer: PacketBuffer, device: Device, queue: number): PacketFate {
    const skbs = this.#skbs;
    const { skb } = buffer;
    this.tracer.tell('received', buffer, device);
    const generic = device.xdp[0];
    if (generic?.mode === 'generic') {
      skbs.push(skb, device.header);
      const fate = this.#xdp.run(generic, buffer, device, queue);
      if (fate !== 'passed') return fate;
      arriveSkb(skbs, skb, device);
      skbs.pull(skb, device.header);
    }
    if (device.header > 0) {
      skbs.push(skb, device.header);
      if (vlanUntag(skbs, skb)) this.tracer.changed(buffer);
      skbs.pull(skb, skbs.macLength(skb));
    }
    skbs.set(skb, skbAt.wireLength, skbs.length(skb));
    const type = skbs.get(skb, skbAt.packetType);
    this.taps.deliver(buffer, device, type);
    if (device.ingress.length > 0) {
      skbs.push(skb, skbs.macLength(skb));
      const action = this.#classify(device.ingress, buffer);
      if (action === tcActions.redirect) return this.#redirectSkb(buffer, device, true);
      skbs.pull(skb, skbs.macLength(skb));
      if (action === tcActions.shot) return this.drop(buffer, device, 'tcIngress', 'TC_INGRESS');
      if (isTaken(action)) return this.#consume(buffer, device, 'stolenIngress');
    }
    this.taps.deliver(buffer, device, type, swap16(skbs.get(skb, skbAt.protocol)));
    return this.#end(buffer, device, 'passed');
  }

  // ---------------------------------------------------------------------------------------------------------- send

  #send(buffer: PacketBuffer, device: Device, length: number, event: PacketEvent): PacketFate {
    const { mark = 0, priority = 0, queue = 0, sk = null } = event;
    const { skb } = buffer;
    buffer.device = device;
    buffer.socket = sk;
    fillSkb(this.#skbs, buffer, device, buffer.origin, length);
    fillSocket(this.#skbs, buffer);
    this.#skbs.set(skb, skbAt.mark, mark);
    this.#skbs.set(skb, skbAt.priority, priority);
    this.#skbs.set(skb, skbAt.queue, queue);
    return this.#transmit(buffer, device);
  }

  /** __dev_queue_xmit: `data` begins with the link header. */
  #transmit(buffer: PacketBuffer, device: Device): PacketFate {
    const skbs = this.#skbs;
    const { skb } = buffer;
    buffer.device = device;
    // Without a queue of its own a device that is down has the one that drops.
    if (!device.up) return this.drop(buffer, device, 'queue', 'QDISC_DROP');
    skbs.set(skb, skbAt.mac, skbs.get(skb, skbAt.data));
    skbs.set(skb, skbAt.ifindex, device.ifindex);
    skbs.set(skb, skbAt.wireLength, skbs.length(skb));
    if (device.egress.length > 0) {
      const action = this.#classify(device.egress, buffer);
      if (action === tcActions.redirect) return this.#redirectSkb(buffer, device, false);
      if (action === tcActions.shot) return this.drop(buffer, device, 'tcEgress', 'TC_EGRESS');
      if (isTaken(action)) return this.#consume(buffer, device, 'stolenEgress');
    }
    this.tracer.tell('queued', buffer, device);
    if (vlanToPacket(skbs, skb)) this.tracer.changed(buffer);
    if (this.taps.deliver(buffer, device, packetTypes.outgoing)) {
      this.tracer.drop(buffer, device, 'packetSocket', 'PACKET_SOCK_ERROR');
    }
    this.tracer.tell('startXmit', buffer, device);
    const isThere = this.#hand(buffer, device);
    if (isThere) this.tracer.tell('xmit', buffer, device);
    if (device.peer === null) this.release(buffer);
    return 'sent';
  }

  /** A driver sends what XDP has given it: no stage behind the driver sees it. */
  leave(buffer: PacketBuffer, device: Device): PacketFate {
    this.#hand(buffer, device);
    if (device.peer === null) this.release(buffer);
    return 'sent';
  }

  /** The driver has it: it is on the wire, or waits at the other end. @returns false when there it was dropped */
  #hand(buffer: PacketBuffer, device: Device): boolean {
    device.sent++;
    if (device.peer === null) return true;
    buffer.driven = true;
    return this.#forward(buffer, device.peer);
  }

  /** netif_rx, or the ring of a veth device: it waits for its turn at another device. False when it is dropped. */
  #forward(buffer: PacketBuffer, device: Device): boolean {
    if (!device.up || this.#waiting.length >= mostWaiting) {
      this.drop(buffer, device, 'backlog', device.up ? 'CPU_BACKLOG' : 'DEV_READY');
      return false;
    }
    const isRing = buffer.driven && device.xdp[0]?.mode === 'native';
    if (!isRing) this.#tellArrival(buffer, device);
    buffer.device = device;
    this.#waiting.push(buffer);
    return true;
  }

  /** trace_netif_rx, which sees it behind the link header. */
  #tellArrival(buffer: PacketBuffer, device: Device): void {
    this.#skbs.pull(buffer.skb, device.header);
    this.tracer.tell('arrives', buffer, device);
    this.#skbs.push(buffer.skb, device.header);
  }

  /** net_rx_action: what waits, and what comes of it. What goes round and round goes on with the next event. */
  #goOn(): void {
    const skbs = this.#skbs;
    for (let done = 0; done < budget && this.#waiting.length > 0; done++) {
      const buffer = this.#waiting.shift() as PacketBuffer;
      const { skb } = buffer;
      const device = buffer.device as Device;
      buffer.socket = null;
      const start = skbs.get(skb, skbAt.data);
      this.#arrive(buffer, device, start, skbs.length(skb), 0, skbs.get(skb, skbAt.mark), 0);
    }
  }

  // ------------------------------------------------------------------------------------------------------------ tc

  #classify(links: readonly TcLink[], buffer: PacketBuffer): number {
    const action = this.#tc.classify(links, buffer);
    this.tracer.changed(buffer);
    return action;
  }

  /** skb_do_redirect: `data` begins with the link header. */
  #redirectSkb(buffer: PacketBuffer, device: Device, isIngress: boolean): PacketFate {
    const { ifindex, flags, peer } = this.redirect;
    this.redirect.clear();
    const target = this.devices.at(ifindex);
    // A peer that packets may go to straight stands in another network namespace; all devices here are in one.
    if (target === undefined || peer) {
      if (isIngress) this.#skbs.pull(buffer.skb, device.header);
      return this.drop(buffer, device, 'redirect', 'NOT_SPECIFIED');
    }
    this.#sendOn(buffer, target, (flags & redirectFlags.ingress) !== 0);
    return 'redirected';
  }

  /** __bpf_redirect. @returns what clone_redirect answers */
  #sendOn(buffer: PacketBuffer, target: Device, isIngress: boolean): number {
    const skbs = this.#skbs;
    const { skb } = buffer;
    // Where packets begin with IP the link header goes, and one without it cannot go where they have one.
    if (target.header === 0) skbs.pull(skb, skbs.macLength(skb));
    else if (skbs.macLength(skb) === 0) {
      this.drop(buffer, target, 'redirect', 'NOT_SPECIFIED');
      return -errno.ERANGE;
    }
    if (isIngress) {
      buffer.driven = false;
      return this.#forward(buffer, target) ? 0 : 1;
    }
    if (this.#depth > deepest) {
      this.drop(buffer, target, 'redirect', 'NOT_SPECIFIED');
      return -errno.ENETDOWN;
    }
    this.#depth++;
    const fate = this.#transmit(buffer, target);
    this.#depth--;
    return fate === 'dropped' ? 1 : 0;
  }

  /** bpf_clone_redirect. */
  cloneTo(buffer: PacketBuffer, ifindex: number, isIngress: boolean): number {
    const target = this.devices.at(ifindex);
    if (target === undefined) return -errno.EINVAL;
    const clone = cloneOf(this.#skbs, this.packets, buffer);
    if (clone === null) return -errno.ENOMEM;
    // In a test run there is no event that the clone could be part of: it leaves the machine.
    if (buffer.device === null) {
      this.release(clone);
      return 0;
    }
    return this.#sendOn(clone, target, isIngress);
  }

  // --------------------------------------------------------------------------------------------------------- the end

  drop(buffer: PacketBuffer, device: Device, place: DropPlace, reason: string): PacketFate {
    this.tracer.drop(buffer, device, place, reason);
    return this.#end(buffer, device, 'dropped');
  }

  #consume(buffer: PacketBuffer, device: Device, place: DropPlace): PacketFate {
    this.tracer.consume(buffer, device, place);
    return this.#end(buffer, device, 'stolen');
  }

  #end(buffer: PacketBuffer, device: Device, fate: PacketFate): PacketFate {
    if (fate === 'dropped') device.dropped++;
    this.release(buffer);
    return fate;
  }

  /** It has left the machine, or gone on as clones. */
  release(buffer: PacketBuffer): void {
    this.tracer.ended(buffer);
    this.packets.give(buffer);
  }

  /** A packet that only the driver has known: nobody is told. */
  discard(buffer: PacketBuffer, device: Device): PacketFate {
    return this.#end(buffer, device, 'dropped');
  }
}

function isTaken(action: number): boolean {
  return action === tcActions.stolen || action === tcActions.trap;
}
