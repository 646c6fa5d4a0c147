import type { KernelProfile } from '../../btf/index.ts';
import {
  type Argument,
  type Arguments,
  type CodeAddress,
  DropForm,
  type FunctionEntry,
  type FunctionExit,
  type KernelEvent,
  type KernelStack,
  type PacketEvent,
  type SkBuff,
  skBuff,
  type TracepointEvent,
} from '../../events/index.ts';
import type { Memory } from '../../memory/index.ts';
import { xdpActions } from '../../uapi/index.ts';
import type { AttachPoints } from '../points/attach.ts';
import type { FunctionPoint, TracepointPoint } from '../points/points.ts';
import type { PacketBuffer } from './buffers.ts';
import type { Device } from './devices.ts';
import { skbAt, swap16 } from './skb.ts';

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

/** A tracepoint of this kernel: who waits at it, and which of the values given are its record's and its arguments. */
interface Watched {
  readonly name: string;
  readonly point: TracepointPoint;
  readonly fields: ReadonlySet<string>;
  readonly raw: ReadonlySet<string>;
}

/** Those whose fields a packet, its length and its device fill. */
type PacketMoment = 'arrives' | 'received' | 'queued' | 'startXmit' | 'xmit';

/** Where the kernel gives packets up, as recorded on 6.18. */
const dropPlaces = {
  tcIngress: { symbol: '__netif_receive_skb_core+0x4a1' },
  tcEgress: { symbol: '__dev_queue_xmit+0x318' },
  stolenIngress: { symbol: '__netif_receive_skb_core+0xdd6' },
  stolenEgress: { symbol: '__dev_queue_xmit+0x9ab' },
  redirect: { symbol: 'skb_do_redirect+0xd6' },
  xdpGeneric: { symbol: 'do_xdp_generic+0x284' },
  xdpRedirect: { symbol: 'do_xdp_generic+0x1e9' },
  packetSocket: { symbol: 'packet_rcv+0x2c4' },
  queue: { symbol: '__dev_queue_xmit+0x6a0' },
  backlog: { symbol: 'enqueue_to_backlog+0x1c8' },
} as const satisfies Record<string, CodeAddress>;
export type DropPlace = keyof typeof dropPlaces;

type Pass = (event: FunctionEntry | FunctionExit | TracepointEvent, outer: KernelEvent) => void;

export class PacketTracer {
  readonly #profile: KernelProfile;
  readonly #memory: Memory;
  readonly #points: AttachPoints;
  readonly #pass: Pass;
  readonly #drops: DropForm;
  /** By what is told; none where this kernel has no such tracepoint. Found when the first packet comes. */
  #watched: Partial<Record<Told, Watched>> = {};
  #isFound = false;
  #dropFunction: FunctionPoint | null = null;
  /** The stacks of drops, by the stack that the packet is handled on. */
  readonly #stacks = new WeakMap<KernelStack, Map<string, KernelStack>>();
  /** The packet event under way. */
  #outer: PacketEvent | null = null;
  /** The sk_buffs that tracers have seen of packets under way, and whether the bytes are still those. */
  readonly #shown = new WeakMap<PacketBuffer, { readonly skb: SkBuff; isChanged: boolean }>();

  constructor(profile: KernelProfile, memory: Memory, points: AttachPoints, pass: Pass) {
    this.#profile = profile;
    this.#memory = memory;
    this.#points = points;
    this.#pass = pass;
    this.#drops = new DropForm(profile);
  }

  begin(event: PacketEvent): void {
    this.#outer = event;
    if (this.#isFound) return;
    this.#isFound = true;
    this.#watched = Object.fromEntries(Object.entries(tracepoints).map(([told, name]) => [told, this.#find(name)]));
    const { function: name } = this.#drops;
    const isKnown = this.#profile.btf.functionPrototype(name) !== undefined;
    this.#dropFunction = isKnown ? this.#points.function(name) : null;
  }

  /** A program may have changed the packet. */
  changed(buffer: PacketBuffer): void {
    const shown = this.#shown.get(buffer);
    if (shown !== undefined) shown.isChanged = true;
  }

  /** The packet is no more: who looks next at the buffer sees another. */
  ended(buffer: PacketBuffer): void {
    this.#shown.delete(buffer);
  }

  #find(name: string): Watched | undefined {
    const format = this.#profile.tracepoint(name);
    if (format === undefined) return undefined;
    const iterator = `__traceiter_${name.slice(name.indexOf(':') + 1)}`;
    const params = this.#profile.btf.functionPrototype(iterator)?.params ?? [];
    return {
      name,
      point: this.#points.tracepoint(name),
      fields: new Set(format.fields.map((field) => field.name)),
      raw: new Set(params.map((param) => param.name)),
    };
  }

  /** The tracepoint where somebody waits at it. */
  #watchedAt(told: Told): Watched | null {
    const watched = this.#watched[told];
    if (watched === undefined) return null;
    const { links, raw } = watched.point;
    return links.length > 0 || (raw !== null && raw.links.length > 0) ? watched : null;
  }

  tell(moment: PacketMoment, buffer: PacketBuffer, device: Device): void {
    const watched = this.#watchedAt(moment);
    if (watched === null) return;
    const skb = this.#show(buffer, device);
    const length = this.#memory.u32[(buffer.skb + skbAt.len) >>> 2] as number;
    const fields = { skbaddr: skb, len: length, name: device.name, protocol: skb.protocol };
    this.#tracepoint(watched, fields, { skb, dev: device.spec, skb_len: length });
  }

  /** trace_xdp_exception: a program aborted, or answered with what is no action. */
  exception(program: number, action: number, device: Device): void {
    const watched = this.#watchedAt('exception');
    if (watched === null) return;
    const { ifindex, spec } = device;
    this.#tracepoint(watched, { prog_id: program, act: action, ifindex }, { dev: spec, act: action });
  }

  /** trace_xdp_redirect and its error form. */
  redirect(program: number, device: Device, to: number, error: number, map: number, key: number): void {
    const watched = this.#watchedAt(error === 0 ? 'redirected' : 'redirectError');
    if (watched === null) return;
    const fields = {
      prog_id: program,
      act: xdpActions.redirect,
      ifindex: device.ifindex,
      err: error,
      to_ifindex: to,
      map_id: map,
      map_index: key,
    };
    this.#tracepoint(watched, fields, { dev: device.spec, err: error, map_id: map, index: key });
  }

  /** consume_skb: a packet has come to a good end. */
  consume(buffer: PacketBuffer, device: Device, place: DropPlace): void {
    const watched = this.#watchedAt('consumed');
    if (watched === null) return;
    const location = dropPlaces[place];
    this.#tracepoint(watched, { skbaddr: this.#show(buffer, device), location }, undefined);
  }

  /** A packet is given up. @param reason the kernel's name; NOT_SPECIFIED where this kernel has none such */
  drop(buffer: PacketBuffer, device: Device, place: DropPlace, reason: string): void {
    const point = this.#dropFunction;
    const entered = point !== null && isAttached(point);
    const watched = this.#watchedAt('dropped');
    if (!entered && watched === null) return;
    const drops = this.#drops;
    const outer = this.#outer as PacketEvent;
    const skb = this.#show(buffer, device);
    const number = this.#profile.dropReasonValue(reason) ?? this.#profile.dropReasonValue('NOT_SPECIFIED') ?? 0;
    const location = dropPlaces[place];
    const { time, cpu, task } = outer;
    const inside = this.#stack(outer.stack, location.symbol, `${drops.function}+0x1`);
    const args = drops.arguments(skb, null, number);
    const at = { time, cpu, task, stack: inside } as const;
    if (entered) this.#pass({ kind: 'entry', ...at, function: drops.function, args }, outer);
    const stack = this.#stack(outer.stack, location.symbol, drops.site);
    const fields = drops.fields(skb, null, number, location);
    if (watched !== null) {
      this.#pass({ kind: 'tracepoint', time, cpu, task, stack, name: tracepoints.dropped, fields }, outer);
    }
    if (entered) this.#pass({ kind: 'exit', ...at, function: drops.function, returns: 0 }, outer);
  }

  #tracepoint(watched: Watched, given: Arguments, raw: Arguments | undefined): void {
    const outer = this.#outer as PacketEvent;
    const { time, cpu, task, stack } = outer;
    const { name, fields, raw: parameters } = watched;
    const event = { kind: 'tracepoint', time, cpu, task, stack, name, fields: only(given, fields) } as const;
    this.#pass(raw === undefined ? event : { ...event, raw: only(raw, parameters) }, outer);
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

  /** As the stack has it in hand: while a tag is in the packet, the stack knows of nothing behind it. */
  #show(buffer: PacketBuffer, device: Device): SkBuff {
    const known = this.#shown.get(buffer);
    const word = (place: number): number => this.#memory.u32[(buffer.skb + place) >>> 2] as number;
    const mac = word(skbAt.mac);
    const start = word(skbAt.data) - mac;
    const length = word(skbAt.len);
    const before = known?.skb;
    const isThere = before?.start === start && before.length === length && before.dev === device.spec;
    if (known?.isChanged === false && isThere) return known.skb;
    const packet = skBuff({
      data: this.#memory.u8.slice(mac, word(skbAt.dataEnd)),
      link: device.header === 0 ? 'none' : 'ethernet',
      dev: device.spec,
      sk: buffer.socket,
      mark: word(skbAt.mark),
      protocol: swap16(word(skbAt.protocol)),
    });
    const identity = before?.identity ?? {};
    const skb = { ...packet, start, length, network: word(skbAt.network) - mac, identity };
    this.#shown.set(buffer, { skb, isChanged: false });
    return skb;
  }
}

/** Of values by name those that this kernel's tracepoint has: kernels differ in what they tell. */
function only(given: Arguments, names: ReadonlySet<string>): Arguments {
  const own: Record<string, Argument> = {};
  for (const name in given) if (names.has(name)) own[name] = given[name] as Argument;
  return own;
}

function isAttached({ entries, exits, fentries, fexits, modifiers }: FunctionPoint): boolean {
  return entries.length + exits.length + fentries.length + fexits.length + modifiers.length > 0;
}
