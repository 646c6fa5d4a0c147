/**
 * Follows packet buffers through a trace. A hashed skb address is one buffer from its first sighting to its end; ends
 * other than drops are not in the trace, so a sighting that cannot follow the one before begins a new life. Each pass
 * of a device in a life is a hop: what a capture at that device could have seen.
 */
import type { Nanoseconds } from '../base/index.ts';
import type { DropLine } from './drop-line.ts';
import { plainName, type TraceEntry } from './trace-text.ts';

/** One pass of a buffer by a device, sent or received, as the net tracepoints tell it. */
export interface Hop {
  readonly life: Life;
  /** Where it was sent, if it was: with the link header in its length. */
  sent?: { readonly device: string; readonly length: number; readonly time: Nanoseconds };
  /** Where it was received: without a link header. */
  received?: { readonly device: string; readonly length: number; readonly time: Nanoseconds; readonly cpu: number };
  /** It left the queue of the device that it was sent by. */
  left: boolean;
  /** The capture points of this hop lie between: trace times, ns. */
  low: Nanoseconds;
  high: Nanoseconds;
}

/** One buffer from its allocation to its end, as far as the trace shows. */
export interface Life {
  readonly address: string;
  readonly hops: Hop[];
  /** The last sighting of any kind. */
  last: { readonly time: Nanoseconds; readonly cpu: number };
  dropped: boolean;
}

/** A drop with the buffer that it ends. */
export interface Death {
  readonly drop: DropLine;
  readonly life: Life;
  /** How long after the last sighting before it, ns, and whether on the same CPU. */
  readonly age: Nanoseconds;
  readonly sameCpu: boolean;
}

export interface BufferHistory {
  readonly hops: readonly Hop[];
  readonly deaths: ReadonlyMap<TraceEntry, Death>;
  /** The life that an entry's skbaddr belongs to. */
  readonly lifeOf: ReadonlyMap<TraceEntry, Life>;
  /** Whether the trace has events that show buffers at devices, and leaving their queues: then not being seen tells. */
  readonly showsDevices: boolean;
  readonly showsLeaving: boolean;
}

/** A later stage of the same pass, or the next device of a chain, follows within this time on one CPU. */
const chained = 50_000;

type Stage = 'queued' | 'sent' | 'backlog' | 'received';

/** Tracepoints that show a buffer at a device, by what has happened to it then (include/trace/events/net.h). */
const stages: ReadonlyMap<string, Stage> = new Map([
  ['net_dev_queue', 'queued'],
  ['net_dev_start_xmit', 'sent'],
  ['net_dev_xmit', 'sent'],
  ['netif_rx', 'backlog'],
  ['netif_rx_entry', 'backlog'],
  ['netif_receive_skb', 'received'],
  ['netif_receive_skb_entry', 'received'],
  ['netif_receive_skb_list_entry', 'received'],
  ['napi_gro_receive_entry', 'received'],
  ['napi_gro_frags_entry', 'received'],
]);

const nowhere = /^0*$/;

class Follower {
  readonly hops: Hop[] = [];
  readonly deaths = new Map<TraceEntry, Death>();
  readonly lifeOf = new Map<TraceEntry, Life>();
  showsDevices = false;
  showsLeaving = false;
  readonly #lives = new Map<string, Life>();

  follow(entry: TraceEntry, drop: DropLine | undefined): void {
    const address = /\bskbaddr=(?:0x)?([0-9a-fA-F]+)/.exec(entry.text)?.[1];
    if (address === undefined || (nowhere.test(address) && !drop)) return;
    const name = plainName(entry.name);
    const stage = stages.get(name);
    const life = stage ? this.#seen(entry, address, stage) : this.#current(entry, address);
    const before = life.last;
    this.lifeOf.set(entry, life);
    const hop = life.hops.at(-1);
    if (name === 'qdisc_dequeue' && hop && !hop.received) hop.low = entry.time;
    if (drop) {
      this.deaths.set(entry, { drop, life, age: entry.time - before.time, sameCpu: before.cpu === entry.cpu });
      if (drop.isDrop) {
        life.dropped = true;
        if (hop && !hop.received) hop.high = Math.max(hop.high, entry.time);
      }
    }
    // Both are traced when the last reference goes: the address is free.
    if (drop?.isDrop || name === 'consume_skb') this.#lives.delete(address);
    life.last = entry;
  }

  #current(entry: TraceEntry, address: string): Life {
    let life = this.#lives.get(address);
    if (!life) {
      life = { address, hops: [], last: entry, dropped: false };
      this.#lives.set(address, life);
    }
    return life;
  }

  #begin(entry: TraceEntry, address: string): Life {
    this.#lives.delete(address);
    return this.#current(entry, address);
  }

  /** A sighting at a device: goes on with the hop under way, adds one to the life, or begins a new life. */
  #seen(entry: TraceEntry, address: string, stage: Stage): Life {
    this.showsDevices = true;
    if (stage === 'sent') this.showsLeaving = true;
    const device = /\bdev=(\S+)/.exec(entry.text)?.[1] ?? '';
    const length = Number(/\blen=(\d+)/.exec(entry.text)?.[1] ?? 0);
    const known = this.#lives.get(address);
    const hop = known?.hops.at(-1);
    if (known && hop && this.#continues(hop, stage, device, length)) {
      this.#advance(hop, entry, stage, device, length);
      return known;
    }
    // A device on top of another returns from its transmit after the one below.
    if (known && stage === 'sent' && known.hops.some(({ sent }) => sent?.device === device && sent.length === length)) {
      return known;
    }
    const follows =
      known !== undefined &&
      (hop === undefined || (known.last.cpu === entry.cpu && entry.time - known.last.time <= chained));
    const life = follows ? known : this.#begin(entry, address);
    const added: Hop = { life, left: false, low: entry.time, high: entry.time };
    life.hops.push(added);
    this.hops.push(added);
    this.#advance(added, entry, stage, device, length);
    return life;
  }

  /** Whether a sighting belongs to the pass that this hop describes: sent here, then received at the other end. */
  #continues(hop: Hop, stage: Stage, device: string, length: number): boolean {
    switch (stage) {
      case 'queued':
        return false;
      case 'sent':
        // The return of a transmit may be seen after the other end has the packet already.
        return hop.sent?.device === device && hop.sent.length === length;
      case 'backlog':
        return hop.received === undefined && hop.sent !== undefined && hop.sent.length >= length;
      case 'received': {
        if (hop.received) return hop.received.device === device && hop.received.length === length;
        return hop.sent === undefined || hop.sent.length >= length;
      }
    }
  }

  #advance(hop: Hop, entry: TraceEntry, stage: Stage, device: string, length: number): void {
    hop.high = Math.max(hop.high, entry.time);
    if (stage !== 'queued') hop.left = true;
    if (stage === 'queued' || (stage === 'sent' && !hop.sent)) hop.sent = { device, length, time: entry.time };
    if (stage === 'received') hop.received = { device, length, time: entry.time, cpu: entry.cpu };
  }
}

/** The lives of all buffers of a trace. `drops` are its kfree_skb lines. */
export function followBuffers(entries: readonly TraceEntry[], drops: ReadonlyMap<TraceEntry, DropLine>): BufferHistory {
  const follower = new Follower();
  for (const entry of entries) follower.follow(entry, drops.get(entry));
  return follower;
}
