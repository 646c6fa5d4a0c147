import type { KernelProfile } from '../../btf/index.ts';
import {
  type Arguments,
  type CodeAddress,
  DropForm,
  type FunctionEntry,
  type FunctionExit,
  type KernelEvent,
  type KernelStack,
  type PacketEvent,
  type SkBuff,
  type Sock,
  skBuff,
  type TracepointEvent,
} from '../../events/index.ts';
import type { Memory } from '../../memory/index.ts';
import type { AttachPoints } from '../points/attach.ts';
import type { FunctionPoint, TracepointPoint } from '../points/points.ts';
import type { PacketBuffer } from './buffers.ts';
import type { Device } from './devices.ts';
import { skbAt } from './skb.ts';

/**
 * What tracers see of packets at devices: the tracepoints that the network stack passes, and the function that gives a
 * packet up. Events are made only where something is attached to them.
 */
const tracepoints = {
  arrives: 'net:netif_rx',
  received: 'net:netif_receive_skb',
  queued: 'net:net_dev_queue',
  startXmit: 'net:net_dev_start_xmit',
  xmit: 'net:net_dev_xmit',
  consumed: 'skb:consume_skb',
  dropped: 'skb:kfree_skb',
  exception: 'xdp:xdp_exception',
  redirected: 'xdp:xdp_redirect',
  redirectError: 'xdp:xdp_redirect_err',
} as const;
type Told = keyof typeof tracepoints;
/** Those whose fields a packet, its length and its device fill. */
export type PacketMoment = 'arrives' | 'received' | 'queued' | 'startXmit' | 'xmit';

/** Where the kernel gives packets up, as recorded on 6.18. */
export const dropPlaces = {
  tcIngress: '__netif_receive_skb_core+0x4a1',
  tcEgress: '__dev_queue_xmit+0x318',
  stolenIngress: '__netif_receive_skb_core+0xdd6',
  stolenEgress: '__dev_queue_xmit+0x9ab',
  redirect: 'skb_do_redirect+0xd6',
  xdpGeneric: 'do_xdp_generic+0x284',
  xdpRedirect: 'do_xdp_generic+0x1e9',
  packetSocket: 'packet_rcv+0x2c4',
  queue: '__dev_queue_xmit+0x6a0',
  backlog: 'enqueue_to_backlog+0x1c8',
} as const;
export type DropPlace = keyof typeof dropPlaces;

export type Pass = (event: FunctionEntry | FunctionExit | TracepointEvent, outer: KernelEvent) => void;

export class PacketTracer {
  readonly #profile: KernelProfile;
  readonly #memory: Memory;
  readonly #points: AttachPoints;
  readonly #pass: Pass;
  readonly #drops: DropForm;
  /** By what is told; null where this kernel has no such tracepoint. Found when the first packet comes. */
  readonly #watched = new Map<Told, TracepointPoint | null>();
  #dropFunction: FunctionPoint | null = null;
  readonly #locations = new Map<DropPlace, CodeAddress>();
  /** The stacks of drops, by the stack that the packet is handled on. */
  readonly #stacks = new WeakMap<KernelStack, Map<string, KernelStack>>();
  /** The packet event under way. */
  #outer: PacketEvent | null = null;
  /** The sk_buffs that tracers have seen of packets under way, until a program may have changed one. */
  readonly #shown = new WeakMap<PacketBuffer, SkBuff>();

  constructor(profile: KernelProfile, memory: Memory, points: AttachPoints, pass: Pass) {
    this.#profile = profile;
    this.#memory = memory;
    this.#points = points;
    this.#pass = pass;
    this.#drops = new DropForm(profile);
  }

  begin(event: PacketEvent): void {
    this.#outer = event;
    if (this.#watched.size > 0) return;
    for (const [told, name] of Object.entries(tracepoints)) {
      const point = this.#profile.tracepoint(name) === undefined ? null : this.#points.tracepoint(name);
      this.#watched.set(told as Told, point);
    }
    const { function: name } = this.#drops;
    const isKnown = this.#profile.btf.functionPrototype(name) !== undefined;
    this.#dropFunction = isKnown ? this.#points.function(name) : null;
  }

  /** A program may have changed the packet: who looks next sees another sk_buff. */
  changed(buffer: PacketBuffer): void {
    this.#shown.delete(buffer);
  }

  #isWatched(told: Told): boolean {
    const point = this.#watched.get(told);
    return point !== null && point !== undefined && (point.links.length > 0 || (point.raw?.links.length ?? 0) > 0);
  }

  tell(moment: PacketMoment, buffer: PacketBuffer, device: Device): void {
    if (!this.#isWatched(moment)) return;
    const skb = this.#show(buffer, device);
    const length = this.#memory.u32[(buffer.skb + skbAt.len) >>> 2] as number;
    const fields = { skbaddr: skb, len: length, name: device.name, protocol: skb.protocol };
    this.#tracepoint(moment, fields, { skb, dev: device.spec, skb_len: length });
  }

  /** trace_xdp_exception: a program aborted, or answered with what is no action. */
  exception(program: number, action: number, device: Device): void {
    if (!this.#isWatched('exception')) return;
    const { ifindex, spec } = device;
    this.#tracepoint('exception', { prog_id: program, act: action, ifindex }, { dev: spec, act: action });
  }

  /** trace_xdp_redirect and its error form. */
  redirect(program: number, device: Device, to: number, error: number, map: number, key: number): void {
    const told = error === 0 ? 'redirected' : 'redirectError';
    if (!this.#isWatched(told)) return;
    const fields = {
      prog_id: program,
      act: redirectAction,
      ifindex: device.ifindex,
      err: error,
      to_ifindex: to,
      map_id: map,
      map_index: key,
    };
    this.#tracepoint(told, fields, { dev: device.spec, err: error, map_id: map, index: key });
  }

  /** consume_skb: a packet has come to a good end. */
  consume(buffer: PacketBuffer, device: Device, place: DropPlace): void {
    if (!this.#isWatched('consumed')) return;
    const location = this.#location(place);
    this.#tracepoint('consumed', { skbaddr: this.#show(buffer, device), location }, undefined);
  }

  /** A packet is given up. @param reason the kernel's name; NOT_SPECIFIED where this kernel has none such */
  drop(buffer: PacketBuffer, device: Device, place: DropPlace, reason: string): void {
    const point = this.#dropFunction;
    const entered = point !== null && isAttached(point);
    if (!entered && !this.#isWatched('dropped')) return;
    const drops = this.#drops;
    const outer = this.#outer as PacketEvent;
    const skb = this.#show(buffer, device);
    const number = this.#profile.dropReasonValue(reason) ?? this.#profile.dropReasonValue('NOT_SPECIFIED') ?? 0;
    const location = this.#location(place);
    const { time, cpu, task } = outer;
    const inside = this.#stack(outer.stack, location.symbol, `${drops.function}+0x1`);
    const args = drops.arguments(skb, null, number);
    const at = { time, cpu, task, stack: inside } as const;
    if (entered) this.#pass({ kind: 'entry', ...at, function: drops.function, args }, outer);
    const stack = this.#stack(outer.stack, location.symbol, drops.site);
    const fields = drops.fields(skb, null, number, location);
    if (this.#isWatched('dropped')) {
      this.#pass({ kind: 'tracepoint', time, cpu, task, stack, name: tracepoints.dropped, fields }, outer);
    }
    if (entered) this.#pass({ kind: 'exit', ...at, function: drops.function, returns: 0 }, outer);
  }

  #tracepoint(told: Told, fields: Arguments, raw: Arguments | undefined): void {
    const outer = this.#outer as PacketEvent;
    const { time, cpu, task, stack } = outer;
    const name = tracepoints[told];
    const known = this.#profile.tracepoint(name)?.fields ?? [];
    const own = Object.fromEntries(
      Object.entries(fields).filter(([field]) => known.some((each) => each.name === field)),
    );
    const event = { kind: 'tracepoint', time, cpu, task, stack, name, fields: own } as const;
    this.#pass(raw === undefined ? event : { ...event, raw: this.#rawOf(name, raw) }, outer);
  }

  /** Of the arguments given those that this kernel's raw tracepoint has. */
  #rawOf(name: string, given: Arguments): Arguments {
    const short = name.slice(name.indexOf(':') + 1);
    const params = this.#profile.btf.functionPrototype(`__traceiter_${short}`)?.params ?? [];
    return Object.fromEntries(Object.entries(given).filter(([arg]) => params.some(({ name: param }) => param === arg)));
  }

  #location(place: DropPlace): CodeAddress {
    const known = this.#locations.get(place);
    if (known !== undefined) return known;
    const location = { symbol: dropPlaces[place] };
    this.#locations.set(place, location);
    return location;
  }

  /** One array for one stack: it is resolved once. */
  #stack(outer: KernelStack, location: string, innermost: string): KernelStack {
    let stacks = this.#stacks.get(outer);
    if (stacks === undefined) {
      stacks = new Map();
      this.#stacks.set(outer, stacks);
    }
    const key = `${innermost} ${location}`;
    const known = stacks.get(key);
    if (known !== undefined) return known;
    const stack = [innermost, location, ...outer];
    stacks.set(key, stack);
    return stack;
  }

  #show(buffer: PacketBuffer, device: Device): SkBuff {
    const known = this.#shown.get(buffer);
    if (known !== undefined) return known;
    const word = (place: number): number => this.#memory.u32[(buffer.skb + place) >>> 2] as number;
    const mac = word(skbAt.mac);
    const skb = skBuff({
      data: this.#memory.u8.slice(mac, word(skbAt.dataEnd)),
      link: device.header === 0 ? 'none' : 'ethernet',
      start: word(skbAt.data) > mac ? 'network' : 'mac',
      dev: device.spec,
      sk: buffer.socket as Sock | null,
      mark: word(skbAt.mark),
    });
    this.#shown.set(buffer, skb);
    return skb;
  }
}

/** XDP_REDIRECT */
const redirectAction = 4;

function isAttached({ entries, exits, fentries, fexits, modifiers }: FunctionPoint): boolean {
  return entries.length + exits.length + fentries.length + fexits.length + modifiers.length > 0;
}
