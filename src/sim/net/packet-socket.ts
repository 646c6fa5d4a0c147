import type { Nanoseconds } from '../../base/index.ts';
import type { PacketSocketOpen, ReceivedPacket } from '../../sys/index.ts';
import { Resource } from '../fds/fds.ts';
import type { LinkResource } from '../points/points.ts';
import type { Device } from './devices.ts';

/** net.core.rmem_default; SO_RCVBUF as the kernel starts with it. */
const defaultReceiveBuffer = 212_992;
/** What is taken when the buffer is all but full is taken whole; no packet is longer than 128 KiB. */
const ringSize = defaultReceiveBuffer + 131_072;
/** Aligned sizes of struct sk_buff and skb_shared_info, the room before a packet's bytes, and the least allocation. */
const sizes = { skb: 256, shared: 320, headroom: 64, least: 512 } as const;
/** How many packets a queue has places for: as many as can fit its buffer, and the one that fills it. */
const places = Math.ceil(defaultReceiveBuffer / (sizes.skb + sizes.least)) + 1;
/** Numbers kept of each packet. */
const columns = {
  start: 0,
  kept: 1,
  length: 2,
  ifindex: 3,
  protocol: 4,
  type: 5,
  time: 6,
  vlan: 7,
  weight: 8,
  count: 9,
} as const;

/** What a socket takes of a packet, as struct sockaddr_ll and tpacket_auxdata tell it. */
export interface Arrival {
  readonly kept: number;
  readonly length: number;
  readonly ifindex: number;
  readonly protocol: number;
  readonly type: number;
  readonly time: Nanoseconds;
  /** TCI of a tag that the kernel took out, or -1. */
  readonly vlan: number;
}

/**
 * A packet socket (net/packet/af_packet.c): its filter, and the queue of what the filter let through. The queue is a
 * ring of bytes and a ring of numbers, made with the socket, so that a packet allocates nothing; its size counts as the
 * kernel's sk_rmem_alloc does, and a packet that finds it full is counted and gone.
 */
export class PacketSocket extends Resource {
  override readonly kind = 'socket';
  readonly device: Device | null;
  /** ETH_P_*, host order; 3 is ETH_P_ALL. */
  readonly protocol: number;
  readonly isRaw: boolean;
  /** The filter: a list of one at most, as links leave lists by themselves. */
  readonly filters: LinkResource[] = [];
  /** tp_packets, tp_drops */
  packets = 0;
  drops = 0;
  readonly #bytes = new Uint8Array(ringSize);
  readonly #rows = new Float64Array(places * columns.count);
  readonly #taps: PacketSocket[];
  #first = 0;
  #count = 0;
  #head = 0;
  #weight = 0;

  /** @param taps where the kernel keeps it: of its device, or of all */
  constructor(spec: PacketSocketOpen, device: Device | null, taps: PacketSocket[]) {
    super();
    this.device = device;
    this.protocol = spec.protocol ?? allProtocols;
    this.isRaw = spec.type !== 'datagram';
    this.#taps = taps;
    taps.unshift(this);
  }

  /** Takes a packet whose bytes begin at `at` in `memory`; false when the queue is full. */
  take(memory: Uint8Array, at: number, arrival: Arrival): boolean {
    const { kept } = arrival;
    const weight = trueSize(arrival.length);
    if (this.#weight >= defaultReceiveBuffer) {
      this.drops++;
      return false;
    }
    this.packets++;
    this.#copyIn(memory, at, kept);
    const row = ((this.#first + this.#count) % places) * columns.count;
    const rows = this.#rows;
    rows[row + columns.start] = this.#head;
    rows[row + columns.kept] = kept;
    rows[row + columns.length] = arrival.length;
    rows[row + columns.ifindex] = arrival.ifindex;
    rows[row + columns.protocol] = arrival.protocol;
    rows[row + columns.type] = arrival.type;
    rows[row + columns.time] = arrival.time;
    rows[row + columns.vlan] = arrival.vlan;
    rows[row + columns.weight] = weight;
    this.#head = (this.#head + kept) % ringSize;
    this.#count++;
    this.#weight += weight;
    return true;
  }

  #copyIn(memory: Uint8Array, at: number, length: number): void {
    const head = this.#head;
    const first = Math.min(length, ringSize - head);
    for (let index = 0; index < first; index++) this.#bytes[head + index] = memory[at + index] as number;
    for (let index = first; index < length; index++) this.#bytes[index - first] = memory[at + index] as number;
  }

  /** recvfrom(2): the oldest packet that waits, or null. */
  receive(): ReceivedPacket | null {
    if (this.#count === 0) return null;
    const row = this.#first * columns.count;
    const at = (column: number): number => this.#rows[row + column] as number;
    const start = at(columns.start);
    const data = new Uint8Array(at(columns.kept));
    for (let index = 0; index < data.length; index++) {
      data[index] = this.#bytes[(start + index) % ringSize] as number;
    }
    this.#first = (this.#first + 1) % places;
    this.#count--;
    this.#weight -= at(columns.weight);
    const vlan = at(columns.vlan);
    return {
      data,
      length: at(columns.length),
      ifindex: at(columns.ifindex),
      protocol: at(columns.protocol),
      packetType: at(columns.type),
      time: at(columns.time),
      ...(vlan < 0 ? {} : { vlan }),
    };
  }

  /** Whether a packet waits. */
  poll(): boolean {
    return this.#count > 0;
  }

  get waiting(): number {
    return this.#count;
  }

  protected override release(): void {
    this.#taps.splice(this.#taps.indexOf(this), 1);
    for (const filter of [...this.filters]) filter.detach();
  }
}

/** skb->truesize: kmalloc gives a packet's bytes, with their rooms, a power of two. */
function trueSize(length: number): number {
  let allocated: number = sizes.least;
  while (allocated < length + sizes.headroom + sizes.shared) allocated *= 2;
  return allocated + sizes.skb;
}

/** ETH_P_ALL */
export const allProtocols = 3;
