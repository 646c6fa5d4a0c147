/**
 * The sk_buff of every buffer of a recording: one object for one life, in the state in which it was dropped or last
 * seen. Its bytes are those of the captured packet when one, and only one, can be it; else it has none and says why.
 */
import type { Nanoseconds } from '../base/index.ts';
import { headerPlaces, ipProtocols, type NetDevice, type SkBuff, skBuff } from '../events/index.ts';
import { type BufferHistory, type Death, followBuffers, type Hop, type Life } from './buffer-lives.ts';
import { type DropLine, type DropLines, withoutRecorder } from './drop-line.ts';
import { type DropPath, dataStart, dropPath, isHeld, isTrimmed } from './drop-place.ts';
import { joinCaptures, matchHops, matchMoments, PacketTimeline, type SeenPacket } from './packet-match.ts';
import type { Capture } from './pcap.ts';
import type { TraceClock } from './trace-clock.ts';
import type { TraceEntry, TraceText } from './trace-text.ts';

export interface RecordedPackets {
  /** The buffer that an entry's skbaddr names. */
  buffer(entry: TraceEntry): SkBuff | undefined;
  /** Drops whose packet bytes are known, and drops in all. */
  readonly matched: number;
  readonly drops: number;
  /** Why the others have none, with how many. */
  readonly missing: ReadonlyMap<string, number>;
}

/** A drop that no device event leads to: only time tells which packet it was. */
interface Unseen {
  readonly time: Nanoseconds;
  readonly death: Death;
  readonly path: DropPath;
  readonly fits: (seen: SeenPacket) => boolean;
}

/** How long a packet may be under way from its capture to its drop when nothing else tells, ns. */
const reach: Readonly<Record<'receive' | 'device', Nanoseconds>> = { receive: 1_000_000, device: 200_000 };

/** An unknown place follows the last sighting this soon, or the buffer may be another by then. */
const soon = 1_000_000;

class Matcher {
  readonly #history: BufferHistory;
  readonly #timeline: PacketTimeline;
  readonly #clock: TraceClock;
  readonly #captures: number;
  readonly #hops: ReturnType<typeof matchHops>;
  readonly #bySight = new Map<Death, SeenPacket>();
  readonly #byTime = new Map<Death, number>();
  readonly #devices = new Map<string, NetDevice>();
  readonly #paths = new Map<Death, DropPath>();

  constructor(history: BufferHistory, captures: readonly Capture[], clock: TraceClock) {
    this.#history = history;
    this.#clock = clock;
    this.#captures = captures.length;
    const { traceTime } = clock;
    this.#timeline = new PacketTimeline(traceTime ? joinCaptures(captures, traceTime) : []);
    this.#hops = matchHops(history.hops, this.#timeline, clock.slack);
    for (const death of history.deaths.values()) {
      this.#paths.set(death, dropPath(death.drop.location, withoutRecorder(death.drop.stack)));
    }
    this.#matchUnseen('receive');
    this.#matchUnseen('device');
  }

  /** The buffer of a life that ends in a drop. */
  dropped(death: Death): SkBuff {
    const { drop } = death;
    const path = this.#paths.get(death)!;
    const hop = this.#hopOf(death, path);
    const device = this.#device(path === 'device' ? hop?.sent?.device : (hop?.received?.device ?? hop?.sent?.device));
    const seen = this.#seenOf(death, hop);
    const start = dataStart(drop.location, path, drop.reason) ?? (hop?.received ? 'network' : 'mac');
    const facts = { dev: device, protocol: drop.protocol, recordedAddress: drop.address };
    if (seen) return this.#withBytes(seen, start, isTrimmed(drop.location), facts);
    const length = start === 'mac' ? (hop?.sent?.length ?? 0) : (hop?.received?.length ?? 0);
    return withoutBytes(length, this.#missing(death, path, hop, length), facts);
  }

  /** The buffer of a life that the trace does not end. */
  living(life: Life): SkBuff {
    const hop = life.hops.at(-1);
    const seen = hop && this.#hops.packets.get(hop);
    const dev = this.#device(hop?.received?.device ?? hop?.sent?.device);
    if (seen) {
      const facts = { dev, recordedAddress: life.address };
      return this.#withBytes(seen, hop.received ? 'network' : 'mac', false, facts);
    }
    const length = hop?.received?.length ?? hop?.sent?.length ?? 0;
    return withoutBytes(length, this.#noMatch(hop), { dev, protocol: 0, recordedAddress: life.address });
  }

  /** Whether a drop's packet is known. */
  isMatched(death: Death): boolean {
    return this.#seenOf(death, this.#hopOf(death, this.#paths.get(death)!)) !== undefined;
  }

  #withBytes(
    seen: SeenPacket,
    start: 'mac' | 'network' | 'transport' | 'payload',
    trimmed: boolean,
    facts: { dev: NetDevice | null; protocol?: number; recordedAddress: string },
  ): SkBuff {
    const { data, link, wireLength, protocol } = seen.packet;
    const length = trimmed ? Math.min(wireLength, ipEnd(data, link) ?? wireLength) : wireLength;
    const short = data.length < length ? { missing: `the capture kept ${data.length} of ${wireLength} bytes` } : {};
    const known = facts.protocol ?? (link === 'none' ? protocol : undefined);
    return skBuff({ data, link, start, wireLength: length, ...facts, ...short, ...(known ? { protocol: known } : {}) });
  }

  /** The hop that the dropped packet came by, undefined when none can be told. */
  #hopOf(death: Death, path: DropPath): Hop | undefined {
    const { life, drop } = death;
    const hop = life.hops.at(-1);
    if (!hop) return undefined;
    const packet = this.#hops.packets.get(hop)?.packet;
    // The buffer was freed and taken again for something else since it was seen.
    if (packet && packet.protocol > 0x5ff && !isTag(packet.protocol) && packet.protocol !== drop.protocol) {
      return undefined;
    }
    switch (path) {
      case 'receive':
        return hop.received || death.age <= soon ? hop : undefined;
      case 'device':
        return hop.received ? undefined : hop;
      case 'output':
        return undefined;
      case 'unknown':
        // What never left a device's queue is still in it, however long ago it came.
        if (!hop.left && hop.sent && this.#history.showsLeaving) return hop;
        // What waited in a receive queue was received last, and its address was not free meanwhile.
        if (hop.received && packet && isHeld(drop.reason, drop.location)) return hop;
        return death.age <= soon && death.sameCpu ? hop : undefined;
    }
  }

  #seenOf(death: Death, hop: Hop | undefined): SeenPacket | undefined {
    return hop ? this.#hops.packets.get(hop) : this.#bySight.get(death);
  }

  /** Looks by time for the packets of drops on one path that no device event leads to. */
  #matchUnseen(path: 'receive' | 'device'): void {
    // Where the trace shows what devices receive, a packet that it does not show was not received.
    const unseen: Unseen[] = [];
    for (const death of this.#history.deaths.values()) {
      if (this.#paths.get(death) !== path || this.#hopOf(death, path) || !death.drop.isDrop) continue;
      if (this.#history.showsDevices && path === 'receive') continue;
      const fits = (seen: SeenPacket) =>
        !this.#hops.taken.has(seen) && fitsDrop(seen, death.drop) && fitsTransport(seen, death.drop.stack);
      unseen.push({ time: death.drop.entry.time, death, path, fits });
    }
    const wanted = { lengths: undefined, protocol: undefined, mayArrive: path === 'receive' || this.#captures < 2 };
    const found = matchMoments(unseen, this.#timeline, wanted, reach[path], this.#clock.slack);
    for (const one of unseen) this.#byTime.set(one.death, found.candidates.get(one) ?? 0);
    for (const [one, seen] of found.packets) this.#bySight.set(one.death, seen);
  }

  #missing(death: Death, path: DropPath, hop: Hop | undefined, length: number): string {
    const general = this.#noCapture();
    if (general) return general;
    const tail = length > 0 ? '' : '; its length is not known either';
    if (path === 'output') {
      return `dropped on its way out, before it reached a device, where captures are taken${tail}`;
    }
    if (hop) return this.#noMatch(hop);
    const count = this.#byTime.get(death);
    if (count !== undefined && count > 0) return `${count} captured packets fit its time equally well${tail}`;
    if (death.life.hops.length > 0) return `the buffer was last seen as another packet${tail}`;
    return `no captured packet fits its time${tail}`;
  }

  #noCapture(): string | undefined {
    if (this.#captures === 0) return 'the recording has no capture';
    if (this.#clock.traceTime) return undefined;
    return 'the trace has no marker with realtime_ns and mono_ns, so its captures cannot be put on its clock';
  }

  #noMatch(hop: Hop | undefined): string {
    const general = this.#noCapture();
    if (general) return general;
    const length = hop?.sent?.length ?? hop?.received?.length;
    const count = hop ? (this.#hops.candidates.get(hop) ?? 0) : 0;
    if (count > 1) return `${count} captured packets of ${length} bytes fit its time equally well`;
    if (length === undefined) return 'it was not seen at a device';
    return `no captured packet of ${length} bytes fits its time`;
  }

  #device(name: string | undefined): NetDevice | null {
    if (name === undefined || name === '') return null;
    let device = this.#devices.get(name);
    if (!device) {
      // The trace gives no interface index: 0, which no device has.
      device = { object: 'net_device', name, ifindex: 0 };
      this.#devices.set(name, device);
    }
    return device;
  }
}

/** A VLAN tag, single or outer: skb->protocol is that behind it once the kernel has taken it off. */
function isTag(protocol: number): boolean {
  return protocol === 0x8100 || protocol === 0x88a8;
}

function fitsDrop(seen: SeenPacket, drop: DropLine): boolean {
  const { protocol } = seen.packet;
  return protocol === drop.protocol || isTag(protocol) || protocol === 0;
}

/** Receive functions that only packets of one IP protocol come to. */
const handlers: readonly (readonly [RegExp, number])[] = [
  [/^(__udp[46]_lib_rcv|udpv?6?_(queue_)?rcv)/, ipProtocols.UDP],
  [/^tcp_v[46]_(rcv|do_rcv)/, ipProtocols.TCP],
  [/^icmp_rcv/, ipProtocols.ICMP],
  [/^icmpv6_rcv/, ipProtocols.ICMPv6],
];

function fitsTransport(seen: SeenPacket, stack: readonly string[]): boolean {
  const wanted = stack.map((frame) => handlers.find(([pattern]) => pattern.test(frame))?.[1]).find(Boolean);
  if (wanted === undefined) return true;
  const { data, link } = seen.packet;
  const { network, protocol } = headerPlaces(data, link);
  if (protocol !== 0x0800 || network < 0) return true;
  return data[network + 9] === wanted;
}

/** Where IP says that its packet ends: bytes from the start of `data`. */
function ipEnd(data: Uint8Array, link: 'ethernet' | 'none'): number | undefined {
  const { network, protocol } = headerPlaces(data, link);
  if (network < 0 || network + 6 > data.length) return undefined;
  if (protocol === 0x0800) return network + ((data[network + 2]! << 8) | data[network + 3]!);
  if (protocol === 0x86dd) return network + 40 + ((data[network + 4]! << 8) | data[network + 5]!);
  return undefined;
}

function withoutBytes(
  length: number,
  missing: string,
  facts: { dev: NetDevice | null; protocol: number; recordedAddress: string },
): SkBuff {
  return {
    object: 'sk_buff',
    data: null,
    mac: -1,
    network: -1,
    transport: -1,
    start: 0,
    length,
    sk: null,
    missing,
    ...facts,
  };
}

/** Finds the buffers of a recording. */
export function recordedPackets(
  trace: TraceText,
  lines: DropLines,
  captures: readonly Capture[],
  clock: TraceClock,
): RecordedPackets {
  const history = followBuffers(trace.entries, lines.drops);
  const matcher = new Matcher(history, captures, clock);
  const buffers = new Map<Life, SkBuff>();
  const missing = new Map<string, number>();
  let matched = 0;
  let drops = 0;
  for (const death of history.deaths.values()) {
    const buffer = matcher.dropped(death);
    buffers.set(death.life, buffer);
    if (!death.drop.isDrop) continue;
    drops++;
    if (matcher.isMatched(death)) matched++;
    else missing.set(buffer.missing!, (missing.get(buffer.missing!) ?? 0) + 1);
  }
  return {
    matched,
    drops,
    missing,
    buffer: (entry) => {
      const life = history.lifeOf.get(entry);
      if (!life) return undefined;
      const known = buffers.get(life) ?? matcher.living(life);
      buffers.set(life, known);
      return known;
    },
  };
}
