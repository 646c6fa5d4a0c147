import type { Nanoseconds } from '../../base/index.ts';
import { contexts } from '../../uapi/index.ts';
import type { Current } from '../machine/current.ts';
import type { Ledger } from '../machine/ledger.ts';
import type { LinkResource } from '../points/points.ts';
import type { Runs } from '../points/runs.ts';
import type { PacketBuffer, PacketBuffers } from './buffers.ts';
import type { Device } from './devices.ts';
import { type Arrival, allProtocols, type PacketSocket } from './packet-socket.ts';
import { type Skbs, skbAt, swap16 } from './skb.ts';
import { hasTag } from './vlan.ts';

export interface TapParts {
  readonly skbs: Skbs;
  readonly packets: PacketBuffers;
  readonly runs: Runs;
  readonly current: Current;
  readonly ledger: Ledger;
}

const cbSize = contexts.__sk_buff.fields.cb[1];

/**
 * Packet sockets at devices (net/packet/af_packet.c: packet_rcv): each runs its filter on the packet and keeps as much
 * of it as the filter answered. In the ledger such a run ends as its packet does: delivered to the socket's reader,
 * lost when the queue is full, filtered when the filter wants none of it.
 */
export class Taps {
  /** Sockets that are bound to no device, the newest first. */
  readonly everywhere: PacketSocket[] = [];
  readonly #parts: TapParts;
  /** One for all packets: a packet allocates nothing. */
  readonly #arrival: { -readonly [Key in keyof Arrival]: Arrival[Key] } = {
    kept: 0,
    length: 0,
    ifindex: 0,
    protocol: 0,
    type: 0,
    time: 0,
    vlan: -1,
  };

  constructor(parts: TapParts) {
    this.#parts = parts;
  }

  /**
   * The sockets that want every packet, or with `protocol` those that want packets of it alone.
   * @param type how they see it: PACKET_OUTGOING for one that is sent
   * @returns whether a queue was full
   */
  deliver(buffer: PacketBuffer, device: Device, type: number, protocol = allProtocols): boolean {
    const isFull = this.#deliverTo(this.everywhere, buffer, device, type, protocol);
    return this.#deliverTo(device.taps, buffer, device, type, protocol) || isFull;
  }

  #deliverTo(
    sockets: readonly PacketSocket[],
    buffer: PacketBuffer,
    device: Device,
    type: number,
    protocol: number,
  ): boolean {
    let isFull = false;
    for (let index = 0; index < sockets.length; index++) {
      const socket = sockets[index] as PacketSocket;
      if (socket.protocol === protocol && !this.#give(socket, buffer, device, type)) isFull = true;
    }
    return isFull;
  }

  /** One socket: false when its queue was full. */
  #give(socket: PacketSocket, buffer: PacketBuffer, device: Device, type: number): boolean {
    const { skbs, ledger, current, runs } = this.#parts;
    const { skb } = buffer;
    const data = skbs.get(skb, skbAt.data);
    const start = skbs.get(skb, socket.isRaw ? skbAt.mac : skbAt.network);
    skbs.pull(skb, start - data);
    const length = skbs.length(skb);
    const filter = socket.filters[0];
    const wanted = filter === undefined ? length : this.#filter(filter, buffer, length);
    let isTaken = true;
    if (filter === undefined || runs.records > 0) ledger.countProduced(current.cpu);
    if (wanted === 0) {
      if (filter !== undefined && filter.program.executable.trap === null) ledger.countFiltered(current.cpu);
    } else {
      const arrival = this.#arrival;
      arrival.kept = wanted;
      arrival.length = length;
      arrival.ifindex = device.ifindex;
      arrival.protocol = swap16(skbs.get(skb, skbAt.protocol));
      arrival.type = type;
      arrival.time = current.now as Nanoseconds;
      arrival.vlan = hasTag(skbs, skb) ? skbs.get(skb, skbAt.vlanTci) : -1;
      isTaken = socket.take(skbs.memory.u8, start, arrival);
      if (isTaken) ledger.countDelivered(current.cpu);
      else ledger.countUnsent(current.cpu);
    }
    skbs.pull(skb, data - start);
    return isTaken;
  }

  /** run_filter: how many bytes of the packet's `length` it wants. */
  #filter(filter: LinkResource, buffer: PacketBuffer, length: number): number {
    const { skbs, packets, runs } = this.#parts;
    const { skb } = buffer;
    skbs.memory.u8.fill(0, skb + skbAt.cb, skb + skbAt.cb + cbSize);
    const outer = packets.running;
    packets.running = buffer;
    buffer.kind = 'skb';
    const wanted = runs.runPacket(filter, skb, false) >>> 0;
    packets.running = outer;
    return wanted < length ? wanted : length;
  }
}
