import { Random, toHex } from '../../src/base/index.ts';
import { assemble, factRegisters, registerFacts } from '../../src/isa/index.ts';
import { kernelSpace } from '../../src/memory/index.ts';
import { helperByName } from '../../src/uapi/index.ts';
import { type Facts, type MapShape, type RegisterFact, type Verdict, verify } from '../../src/verifier/index.ts';
import {
  createInterpreter,
  createJit,
  type Executable,
  type Helper,
  type LinkedProgram,
  type Step,
} from '../../src/vm/index.ts';
import { maps as mapShapes } from '../vm/generate.ts';
import { ProgramHost, packetSize } from '../vm/program-host.ts';

/**
 * Runs a program that the verifier accepted on both engines, with several inputs, and looks before each instruction of
 * the interpreter's whether every register holds what the verifier said that it holds.
 */
const mapNames = ['ARRAY', 'HASH'];
const runs = 3;
/** A program that runs away is as wrong as one that traps. */
const budget = 2_000_000;

export interface Judged {
  readonly text: string;
  readonly code: Uint8Array;
  readonly verdict: Verdict;
  readonly mapSlots: readonly (readonly number[])[];
  readonly contextLoads: readonly (readonly [slot: number, offset: number])[];
}

export function judge(text: string): Judged {
  const { code, relocations } = assemble(text, { helper: (helper) => helperByName(helper)?.id });
  const named = code.slice();
  const view = new DataView(named.buffer);
  const mapSlots: number[][] = mapNames.map(() => []);
  for (const { slot, map } of relocations) {
    view.setUint8(slot * 8 + 1, (view.getUint8(slot * 8 + 1) & 15) | 16);
    view.setInt32(slot * 8 + 4, 1 + mapNames.indexOf(map), true);
    mapSlots[mapNames.indexOf(map)]?.push(slot);
  }
  const contextLoads: [number, number][] = [];
  for (let slot = 0; slot < code.length / 8; slot++) {
    const offset = view.getInt16(slot * 8 + 2, true);
    const isPacket = view.getUint8(slot * 8) === 0x61 && view.getUint8(slot * 8 + 1) >>> 4 === 6;
    if (isPacket && (offset === 76 || offset === 80)) contextLoads.push([slot, offset === 76 ? 0 : 8]);
  }
  const shapes = new Map<number, MapShape>(mapShapes.map((shape, index) => [index + 1, shape]));
  const verdict = verify({ code: named, type: 'sched_cls', maps: shapes }, { facts: 'full', logLevel: 0 });
  return { text, code, verdict, mapSlots, contextLoads };
}

/** A host that remembers which map values a program was given. */
class WatchedHost extends ProgramHost {
  readonly values: Set<number>[] = mapShapes.map(() => new Set());

  override helper(id: number): Helper | undefined {
    const helper = super.helper(id);
    if (id !== 1 || !helper) return helper;
    return (window, executable) => {
      const map = this.maps.findIndex(({ address }) => address === window.low(1));
      helper(window, executable);
      const answer = window.low(6);
      if (answer !== 0) this.values[map]?.add(answer);
    };
  }
}

/** What was found wrong with a run; undefined when nothing was. */
export function runChecked({ code, verdict, mapSlots, contextLoads }: Judged, seed: number): string | undefined {
  const facts = verdict.facts;
  if (!facts) throw new Error('not an accepted program');
  const outcomes: string[] = [];
  for (const isJit of [false, true]) {
    const host = new WatchedHost({ budget });
    const watch = new Watch(host, facts, code.length / 8);
    const step: Step = (_program, slot, registers, depth) => watch.look(slot, registers, depth);
    const engine = isJit ? createJit() : createInterpreter({ step });
    const plain = host.link({ seed, code, mapSlots, contextLoads }, undefined);
    const { registers, mayFault } = facts;
    const linked: LinkedProgram = isJit ? { ...plain, facts: { verified: true, registers, mayFault } } : plain;
    const executable = engine.load(linked, host);
    outcomes.push(outcome(executable, host, seed));
    if (watch.fault !== undefined) return watch.fault;
    if (executable.trap) return `${engine.name}: ${executable.trap.message} at ${executable.trap.instruction}`;
  }
  return outcomes[0] === outcomes[1] ? undefined : `engines differ:\n${outcomes.join('\n')}`;
}

function outcome(executable: Executable, host: ProgramHost, seed: number): string {
  const random = new Random(seed ^ 0x1234);
  const results: string[] = [];
  for (let run = 0; run < runs && !executable.trap; run++) {
    host.setPacket(Uint8Array.from({ length: packetSize }, () => byte(random)));
    for (let at = 16; at < 192; at += 4) host.memory.u32[(host.context + at) >>> 2] = word(random);
    executable.run(host.context);
    results.push(executable.result.toString(16));
  }
  return `${results.join(' ')} ${toHex(host.packetBytes)} ${host.mapContents().join(' | ')}`;
}

function byte(random: Random): number {
  return random.chance(0.3) ? random.pick([0, 1, 0x7f, 0x80, 0xff]) : random.u32() & 0xff;
}

function word(random: Random): number {
  if (random.chance(0.4)) return random.pick([0, 1, 2, 7, 31, 63, 255, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff8]);
  return random.chance(0.5) ? random.u32() & 0x7f : random.u32();
}

/** Holds registers against facts. */
class Watch {
  /** The first thing that was wrong. */
  fault: string | undefined = undefined;
  readonly #host: WatchedHost;
  readonly #facts: Facts;
  readonly #full: (RegisterFact | undefined)[];
  readonly #frames: bigint[] = [];

  constructor(host: WatchedHost, facts: Facts, slots: number) {
    this.#host = host;
    this.#facts = facts;
    this.#full = [];
    for (let slot = 0; slot < slots; slot++) {
      for (let register = 0; register < factRegisters; register++) {
        const fact = facts.at(slot, register);
        this.#full.push(fact?.kind === 'unknown' ? undefined : fact);
      }
    }
  }

  look(slot: number, registers: ArrayLike<number>, depth: number): void {
    if (this.fault !== undefined) return;
    this.#frames[depth] = whole(registers, 10);
    for (let register = 0; register < factRegisters; register++) {
      const at = slot * factRegisters + register;
      const isTrue =
        agreesByte(this.#facts.registers[at] as number, registers, register) &&
        this.#agrees(this.#full[at], registers, register);
      if (isTrue) continue;
      const fact = { byte: this.#facts.registers[at], ...this.#full[at] };
      const shown = JSON.stringify(fact, (_, value) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value));
      this.fault = `r${register} = 0x${whole(registers, register).toString(16)} at ${slot}, said to be ${shown}`;
      return;
    }
  }

  #agrees(fact: RegisterFact | undefined, registers: ArrayLike<number>, register: number): boolean {
    if (fact === undefined || fact.kind === 'unknown') return true;
    const value = whole(registers, register);
    if (fact.kind === 'pointer') return this.#agreesPointer(fact, value);
    const signed = BigInt.asIntN(64, value);
    const low = registers[register * 2] as number;
    return (
      value >= fact.umin &&
      value <= fact.umax &&
      signed >= fact.smin &&
      signed <= fact.smax &&
      low >>> 0 >= fact.umin32 &&
      low >>> 0 <= fact.umax32 &&
      (low | 0) >= fact.smin32 &&
      (low | 0) <= fact.smax32 &&
      (value & ~fact.bits.mask) === fact.bits.value
    );
  }

  #agreesPointer(fact: RegisterFact & { kind: 'pointer' }, value: bigint): boolean {
    if (value === 0n) return fact.orNull;
    return this.#bases(fact).some((base) => value >= base + fact.least && value <= base + fact.most);
  }

  #bases(fact: RegisterFact & { kind: 'pointer' }): readonly bigint[] {
    const host = this.#host;
    const map = mapShapes.indexOf(fact.map as (typeof mapShapes)[number]);
    switch (fact.region) {
      case 'context':
        return [address(host.context)];
      case 'stack':
        return [this.#frames[fact.frame ?? 0] as bigint];
      case 'packet':
        return [address(host.packetStart)];
      case 'packetEnd':
        return [address(host.packetStart + packetSize)];
      case 'map':
        return [address(host.maps[map]?.address ?? 0)];
      case 'mapValue':
        return [...(host.values[map] ?? [])].map(address);
      default:
        throw new Error(`no such region: ${fact.region}`);
    }
  }
}

function agreesByte(fact: number, registers: ArrayLike<number>, register: number): boolean {
  const low = registers[register * 2] as number;
  const high = (registers[register * 2 + 1] as number) >>> 0;
  switch (fact) {
    case registerFacts.below2to32:
      return high === 0;
    case registerFacts.pointer:
      return high === kernelSpace;
    case registerFacts.pointerOrNull:
      return high === kernelSpace || (high | low) === 0;
    default:
      return true;
  }
}

function address(offset: number): bigint {
  return (BigInt(kernelSpace) << 32n) | BigInt(offset);
}

function whole(registers: ArrayLike<number>, register: number): bigint {
  const high = (registers[register * 2 + 1] as number) >>> 0;
  return (BigInt(high) << 32n) | BigInt((registers[register * 2] as number) >>> 0);
}
