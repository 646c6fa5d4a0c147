/**
 * Finds the captured packet of a buffer: by time on one clock, by length, by protocol. A match must be the only one
 * that fits, or all that fit must be the same bytes; otherwise there is none, and the reason is told.
 */
import type { Nanoseconds } from '../base/index.ts';
import type { Hop } from './buffer-lives.ts';
import type { Capture, CapturedPacket } from './pcap.ts';

/** One packet as captured at one or several places. */
export interface SeenPacket {
  /** The copy to read the bytes of: the longest. */
  readonly packet: CapturedPacket;
  /** Trace time, ns, of each capture of it. */
  readonly times: Nanoseconds[];
  readonly files: string[];
}

/** The same bytes at the other end within this time are the same packet on its way. */
const travel = 20_000_000;

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A key that equal packets share: wire length and the first bytes. */
function keyOf(packet: CapturedPacket): string {
  let hash = 0x811c9dc5;
  const length = Math.min(64, packet.data.length);
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ packet.data[i]!, 0x01000193);
  return `${packet.wireLength} ${hash}`;
}

/** All packets of all captures in order of time, those of several captures joined. `traceTime` puts them on the trace's clock. */
export function joinCaptures(captures: readonly Capture[], traceTime: (realtime: bigint) => Nanoseconds): SeenPacket[] {
  const joined: SeenPacket[] = [];
  const byKey = new Map<string, SeenPacket[]>();
  for (const capture of captures) {
    for (const packet of capture.packets) {
      const time = traceTime(packet.time);
      const key = keyOf(packet);
      const twins = byKey.get(key) ?? [];
      const twin = twins.find(
        (one) =>
          !one.files.includes(packet.file) &&
          Math.abs(one.times[0]! - time) <= travel &&
          sameBytes(one.packet.data, packet.data),
      );
      if (twin) {
        twin.times.push(time);
        twin.files.push(packet.file);
        continue;
      }
      const seen: SeenPacket = { packet, times: [time], files: [packet.file] };
      joined.push(seen);
      byKey.set(key, [...twins, seen]);
    }
  }
  return joined.sort((a, b) => a.times[0]! - b.times[0]!);
}

/** What a packet must fit. */
export interface Wanted {
  readonly low: Nanoseconds;
  readonly high: Nanoseconds;
  /** Bytes on the wire that are possible; undefined for any. */
  readonly lengths: ReadonlySet<number> | undefined;
  /** EtherType, undefined for any. */
  readonly protocol: number | undefined;
  /** Whether it may have been captured at more than one place. */
  readonly mayArrive: boolean;
}

function fits(seen: SeenPacket, wanted: Wanted): boolean {
  if (wanted.lengths && !wanted.lengths.has(seen.packet.wireLength)) return false;
  if (!wanted.mayArrive && seen.files.length > 1) return false;
  if (wanted.protocol !== undefined && !hasProtocol(seen.packet, wanted.protocol)) return false;
  return seen.times.some((time) => time >= wanted.low && time <= wanted.high);
}

/** Whether skb->protocol may be this for the packet: the EtherType, or that behind VLAN tags. */
function hasProtocol(packet: CapturedPacket, protocol: number): boolean {
  if (packet.protocol === protocol || packet.protocol === 0) return true;
  return packet.protocol === 0x8100 || packet.protocol === 0x88a8;
}

/** Packets in order of time, searched by time. */
export class PacketTimeline {
  readonly #packets: readonly SeenPacket[];

  constructor(packets: readonly SeenPacket[]) {
    this.#packets = packets;
  }

  get size(): number {
    return this.#packets.length;
  }

  /** All packets that fit. */
  find(wanted: Wanted): SeenPacket[] {
    const found: SeenPacket[] = [];
    for (let i = this.#from(wanted.low - travel); i < this.#packets.length; i++) {
      const seen = this.#packets[i]!;
      if (seen.times[0]! > wanted.high + travel) break;
      if (fits(seen, wanted)) found.push(seen);
    }
    return found;
  }

  /** The first packet captured at `time` or later. */
  #from(time: Nanoseconds): number {
    let low = 0;
    let high = this.#packets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#packets[middle]!.times[0]! < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The one packet of several that fit, when there is one: alone, or all with the same bytes. */
export function only(found: readonly SeenPacket[]): SeenPacket | undefined {
  const [first, ...rest] = found;
  if (!first) return undefined;
  const same = rest.every(
    (one) => one.packet.wireLength === first.packet.wireLength && sameBytes(one.packet.data, first.packet.data),
  );
  return same ? first : undefined;
}

/** The wire lengths that a hop's packet may have: a link header of 14 bytes, VLAN tags outside of skb->len, or none. */
function hopLengths(hop: Hop): ReadonlySet<number> {
  const { sent, received } = hop;
  if (sent) return new Set([sent.length, sent.length + 4]);
  const length = received?.length ?? 0;
  return new Set([length, length + 14, length + 18]);
}

/** A hop and the packets that fit it. */
interface OpenHop {
  readonly hop: Hop;
  readonly found: readonly SeenPacket[];
}

/** Hops that compete for packets, in groups that have none in common. */
function competing(open: readonly OpenHop[]): OpenHop[][] {
  const groups = new Map<SeenPacket, OpenHop[]>();
  for (const one of open) {
    const joined = [one];
    for (const seen of one.found)
      for (const other of groups.get(seen) ?? []) if (!joined.includes(other)) joined.push(other);
    for (const { found } of joined) for (const seen of found) groups.set(seen, joined);
  }
  return [...new Set(groups.values())];
}

/**
 * As many packets as hops, and each hop over before the next begins: the first packet is the first hop's and so on,
 * because both clocks tell the same order, however far they are apart.
 */
function inOrder(group: readonly OpenHop[]): Map<Hop, SeenPacket> {
  const hops = [...group].sort((a, b) => a.hop.low - b.hop.low);
  const packets = [...new Set(hops.flatMap(({ found }) => found))].sort((a, b) => a.times[0]! - b.times[0]!);
  const apart = hops.every(({ hop }, index) => index === 0 || hops[index - 1]!.hop.high <= hop.low);
  const fit = hops.every(({ found }, index) => packets[index] && found.includes(packets[index]));
  if (!apart || !fit || hops.length !== packets.length) return new Map();
  return new Map(hops.map(({ hop }, index) => [hop, packets[index]!]));
}

/**
 * Whether a hop passes on the same bytes as the one before it in a life: up from a device to the one on top of it
 * (bridge, VLAN, bond), or down from one to that below. What was received and is then sent was forwarded: other bytes.
 */
function isStacked(below: Hop, above: Hop): boolean {
  if (!above.sent) return below.received !== undefined && below.received.length === above.received?.length;
  return below.sent !== undefined && !below.received && below.sent.length === above.sent.length;
}

/** Gives hops without a packet that of the neighbour that they are stacked on. */
function shareStacked(hops: readonly Hop[], packets: Map<Hop, SeenPacket>, candidates: Map<Hop, number>): void {
  for (const life of new Set(hops.map((hop) => hop.life))) {
    for (let i = 1; i < life.hops.length; i++) {
      const [below, above] = [life.hops[i - 1]!, life.hops[i]!];
      if (!isStacked(below, above)) continue;
      const [from, to] = packets.has(below) ? [below, above] : [above, below];
      const seen = packets.get(from);
      if (seen && !packets.has(to) && candidates.get(to) === 0) packets.set(to, seen);
    }
  }
}

/**
 * Gives each hop its packet: hops that only one packet fits take it, which may leave only one to others.
 * @param slack how far the two clocks may be apart, ns
 */
export function matchHops(
  hops: readonly Hop[],
  timeline: PacketTimeline,
  slack: Nanoseconds,
): { packets: Map<Hop, SeenPacket>; candidates: Map<Hop, number>; taken: Set<SeenPacket> } {
  const packets = new Map<Hop, SeenPacket>();
  const candidates = new Map<Hop, number>();
  const taken = new Set<SeenPacket>();
  let open: OpenHop[] = hops.map((hop) => {
    const wanted = { low: hop.low - slack, high: hop.high + slack, lengths: hopLengths(hop), protocol: undefined };
    return { hop, found: timeline.find({ ...wanted, mayArrive: true }) };
  });
  for (let before = -1; before !== packets.size; ) {
    before = packets.size;
    const still: OpenHop[] = [];
    for (const { hop, found } of open) {
      const left = found.filter((seen) => !taken.has(seen));
      candidates.set(hop, left.length);
      const match = only(left);
      if (match) {
        packets.set(hop, match);
        taken.add(match);
      } else if (left.length > 0) still.push({ hop, found: left });
    }
    open = still;
    if (before !== packets.size) continue;
    for (const group of competing(open)) {
      for (const [hop, seen] of inOrder(group)) {
        packets.set(hop, seen);
        taken.add(seen);
      }
    }
    open = open.filter(({ hop }) => !packets.has(hop));
  }
  shareStacked(hops, packets, candidates);
  return { packets, candidates, taken };
}

/** A moment that wants a packet seen shortly before. */
export interface Moment {
  readonly time: Nanoseconds;
  readonly fits: (seen: SeenPacket) => boolean;
}

/**
 * Packets for moments that no device event leads to. Moments whose time windows touch are looked at together: when as
 * many packets fit as there are moments, the first is the first's and so on, because they pass one after the other.
 * @param reach how long before the moment the packet may have been seen, ns
 */
export function matchMoments<M extends Moment>(
  moments: readonly M[],
  timeline: PacketTimeline,
  wanted: Omit<Wanted, 'low' | 'high'>,
  reach: Nanoseconds,
  slack: Nanoseconds,
): { packets: Map<M, SeenPacket>; candidates: Map<M, number> } {
  const packets = new Map<M, SeenPacket>();
  const candidates = new Map<M, number>();
  const sorted = [...moments].sort((a, b) => a.time - b.time);
  for (let from = 0; from < sorted.length; ) {
    let to = from + 1;
    while (to < sorted.length && sorted[to]!.time - reach <= sorted[to - 1]!.time + slack) to++;
    const group = sorted.slice(from, to);
    const low = group[0]!.time - reach;
    const found = timeline.find({ ...wanted, low, high: group.at(-1)!.time + slack });
    const fitting = found.filter((seen) => group.some((moment) => moment.fits(seen)));
    for (const [index, moment] of group.entries()) {
      candidates.set(moment, fitting.length);
      const seen = fitting[index];
      const inTime = seen?.times.some((time) => time >= moment.time - reach && time <= moment.time + slack);
      if (seen && fitting.length === group.length && inTime && moment.fits(seen)) packets.set(moment, seen);
    }
    from = to;
  }
  return { packets, candidates };
}
