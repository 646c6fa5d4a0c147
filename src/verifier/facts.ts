import { factRegisters, type RegisterFacts, registerFacts } from '../isa/index.ts';
import type { Environment } from './environment.ts';
import type { MapShape } from './program.ts';
import { flag, type Kind, type Register } from './register.ts';
import type { Scalar } from './scalar.ts';
import type { State } from './state.ts';
import { type Tnum, unionTnum } from './tnum.ts';

/**
 * What holds of each register whenever control reaches an instruction: what all visits of all paths to it have in
 * common, in whatever frame. Only of registers that are still read there, since the others are not compared when a
 * path is stopped. Numbers that do not matter to the verdict are not compared either: what they may hold is carried on
 * after the verdict (facts-completion.ts).
 */

/** What a register is known to hold. Offsets in bytes from the start of the region; a stack's start is its end. */
export type RegisterFact =
  | { readonly kind: 'unknown' }
  | ({ readonly kind: 'scalar' } & ScalarFact)
  | {
      readonly kind: 'pointer';
      readonly region: Kind;
      /** May also be 0. */
      readonly orNull: boolean;
      readonly least: bigint;
      readonly most: bigint;
      /** Of a map's value or key. */
      readonly map?: MapShape;
      /** Of the stack: the frame's number, 0 for the first. */
      readonly frame?: number;
    };

/** Bits and ranges of a number; u64, s64, u32 and s32. */
export interface ScalarFact {
  readonly bits: Tnum;
  readonly umin: bigint;
  readonly umax: bigint;
  readonly smin: bigint;
  readonly smax: bigint;
  readonly umin32: number;
  readonly umax32: number;
  readonly smin32: number;
  readonly smax32: number;
}

export interface Facts extends RegisterFacts {
  /** A byte a slot: 1 where a load or store goes through the context, whose layout is the kernel's own affair. */
  readonly throughContext: Uint8Array;
  /** A byte a slot: 1 where some path goes. What none reaches is dead and never runs. */
  readonly reached: Uint8Array;
  /** The whole of what is known of r0–r9 at a slot; undefined where only the bytes were asked for. */
  at(slot: number, register: number): RegisterFact | undefined;
}

/** What a register was seen to be, as bits that add up. */
const seen = { low: 1, zero: 2, pointer: 4, other: 8 } as const;

/** By what was seen. A number and a pointer have nothing in common, but NULL goes with either. */
const factOf: readonly number[] = Array.from({ length: 16 }, (_, bits) => {
  if (bits === 0 || bits & seen.other) return registerFacts.unknown;
  if (bits === seen.pointer) return registerFacts.pointer;
  if (bits === (seen.pointer | seen.zero)) return registerFacts.pointerOrNull;
  return bits & seen.pointer ? registerFacts.unknown : registerFacts.below2to32;
});

/**
 * Pointers to memory of the kernel's space. Not among them: functions, which are no memory; pointers to kernel
 * objects, which may be NULL or stale; per-CPU offsets, and whatever belongs to user space.
 */
const addresses: ReadonlySet<Kind> = new Set<Kind>([
  'context',
  'map',
  'mapValue',
  'mapKey',
  'stack',
  'packet',
  'packetMeta',
  'packetEnd',
  'flowKeys',
  'socket',
  'socketCommon',
  'tcpSocket',
  'xdpSocket',
  'traceBuffer',
  'memory',
  'buffer',
]);
const elsewhere = flag.user | flag.perCpu | flag.untrusted;

/** Nothing lies in the memory's first page, and no pointer further than this behind its object keeps its high half. */
const leastOffset = -4096;
const mostOffset = 2 ** 29;

function seenAs(register: Register): number {
  const { kind, scalar, offset } = register;
  if (kind === 'scalar') {
    if (scalar.umaxHigh !== 0) return seen.other;
    return scalar.umaxLow === 0 ? seen.zero : scalar.hasZero ? seen.low | seen.zero : seen.low;
  }
  if (!addresses.has(kind) || (register.flags & elsewhere) !== 0) return seen.other;
  if (offset + scalar.sminNumber < leastOffset || offset + scalar.smaxNumber >= mostOffset) return seen.other;
  return register.maybeNull ? seen.pointer | seen.zero : seen.pointer;
}

/** Loads through these read 0 where nothing is. */
function mayFault(register: Register): boolean {
  return register.kind === 'btf' || register.kind === 'arena' || (register.flags & flag.untrusted) !== 0;
}

/** r0–r9 as a mask: r10 never changes. */
const keptRegisters = (1 << factRegisters) - 1;

/** Gathers the facts while paths are walked. */
export class FactCollector {
  readonly #seen: Uint8Array;
  readonly mayFault: Uint8Array;
  readonly throughContext: Uint8Array;
  /** Paths that stopped at a stored state, which need not hold all that they may bring. */
  readonly stopped: { readonly old: State; readonly now: State }[] = [];
  /** What is said of numbers may be untrue. */
  #distrusts = false;
  readonly #merged: (RegisterFact | undefined)[] | undefined;

  /** @param full ranges and regions too, not only a byte a register */
  constructor(slots: number, full: boolean) {
    this.#seen = new Uint8Array(slots * factRegisters);
    this.mayFault = new Uint8Array(slots);
    this.throughContext = new Uint8Array(slots);
    this.#merged = full ? new Array(slots * factRegisters) : undefined;
  }

  /** The present path stands before an instruction. */
  visit(env: Environment): void {
    const { slot, slots } = env;
    const { registers } = env.state.frame;
    const start = slot * factRegisters;
    for (let live = (env.liveRegisters[slot] as number) & keptRegisters; live !== 0; live &= live - 1) {
      const number = 31 - Math.clz32(live & -live);
      const register = registers[number] as Register;
      // A register that stands in a state never changes.
      if (register.seenAs === 0) register.seenAs = seenAs(register);
      const at = start + number;
      this.#seen[at] = (this.#seen[at] as number) | register.seenAs;
      if (this.#merged) this.#merged[at] = join(this.#merged[at], describe(register));
    }
    const operation = (slots.opcode[slot] as number) & 7;
    if (operation === 0 || operation > 3) return;
    const isLoad = operation === 1;
    const base = registers[(isLoad ? slots.src[slot] : slots.dst[slot]) as number];
    if (base?.kind === 'context') this.throughContext[slot] = 1;
    else if (isLoad && base && mayFault(base)) this.mayFault[slot] = 1;
  }

  /** A path stopped at a stored state. */
  stop(old: State, now: State): void {
    this.stopped.push({ old, now });
  }

  /** From here on nothing is said of numbers. */
  distrust(): void {
    this.#distrusts = true;
  }

  /** As an engine wants it (RegisterFacts). */
  registers(): Uint8Array {
    return this.#seen.map((bits) =>
      this.#distrusts && bits !== seen.pointer ? registerFacts.unknown : (factOf[bits] as number),
    );
  }

  at(slot: number, register: number): RegisterFact | undefined {
    if (!this.#merged) return undefined;
    const fact = this.#merged[slot * factRegisters + register] ?? unknown;
    return this.#distrusts && (fact.kind !== 'pointer' || fact.orNull) ? unknown : fact;
  }
}

/**
 * What was gathered. Kinds of pointers are final with the verdict; what is said of numbers is made true of all paths
 * when it is first asked for. A class: an object literal with getters gets a hidden class of its own each time, which
 * keeps what they refer to alive until the next full collection (a third of the time of a load went there).
 */
export class ProvedFacts implements Facts {
  readonly reached: Uint8Array;
  readonly mayFault: Uint8Array;
  readonly throughContext: Uint8Array;
  readonly #collector: FactCollector;
  #complete: (() => void) | undefined;
  #registers: Uint8Array | undefined;

  /** @param reached the slots that were walked over */
  constructor(collector: FactCollector, reached: Uint8Array, complete: () => void) {
    this.reached = reached;
    this.mayFault = collector.mayFault;
    this.throughContext = collector.throughContext;
    this.#collector = collector;
    this.#complete = complete;
  }

  get registers(): Uint8Array {
    this.complete();
    this.#registers ??= this.#collector.registers();
    return this.#registers;
  }

  at(slot: number, register: number): RegisterFact | undefined {
    this.complete();
    return this.#collector.at(slot, register);
  }

  complete(): void {
    this.#complete?.();
    this.#complete = undefined;
  }
}

const unknown: RegisterFact = { kind: 'unknown' };

function describe(register: Register): RegisterFact {
  const { kind, scalar } = register;
  if (kind === 'uninitialised') return unknown;
  if (kind === 'scalar') return scalarFact(scalar);
  const fixed = BigInt(register.offset);
  const ofMap = kind === 'map' || kind === 'mapValue' || kind === 'mapKey';
  return {
    kind: 'pointer',
    region: kind,
    orNull: register.maybeNull,
    least: fixed + scalar.smin,
    most: fixed + scalar.smax,
    ...(ofMap && register.shape ? { map: register.shape } : {}),
    ...(kind === 'stack' ? { frame: register.frame } : {}),
  };
}

function scalarFact(scalar: Scalar): RegisterFact {
  const { bits, umin, umax, smin, smax, umin32, umax32, smin32, smax32 } = scalar;
  return { kind: 'scalar', bits, umin, umax, smin, smax, umin32, umax32, smin32, smax32 };
}

/** What two facts have in common; `a` is undefined before anything was seen. */
function join(a: RegisterFact | undefined, b: RegisterFact): RegisterFact {
  if (a === undefined) return b;
  if (a.kind === 'scalar' && b.kind === 'scalar') return joinScalars(a, b);
  if (a.kind === 'pointer' && isNull(b)) return { ...a, orNull: true };
  if (b.kind === 'pointer' && isNull(a)) return { ...b, orNull: true };
  if (a.kind !== 'pointer' || b.kind !== 'pointer') return unknown;
  if (a.region !== b.region || a.map !== b.map || a.frame !== b.frame) return unknown;
  return {
    ...a,
    orNull: a.orNull || b.orNull,
    least: a.least < b.least ? a.least : b.least,
    most: a.most > b.most ? a.most : b.most,
  };
}

function isNull(fact: RegisterFact): boolean {
  return fact.kind === 'scalar' && fact.umax === 0n;
}

function joinScalars(a: ScalarFact, b: ScalarFact): RegisterFact {
  return {
    kind: 'scalar',
    bits: unionTnum(a.bits, b.bits),
    umin: a.umin < b.umin ? a.umin : b.umin,
    umax: a.umax > b.umax ? a.umax : b.umax,
    smin: a.smin < b.smin ? a.smin : b.smin,
    smax: a.smax > b.smax ? a.smax : b.smax,
    umin32: Math.min(a.umin32, b.umin32),
    umax32: Math.max(a.umax32, b.umax32),
    smin32: Math.min(a.smin32, b.smin32),
    smax32: Math.max(a.smax32, b.smax32),
  };
}
