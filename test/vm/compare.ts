import { Random } from '../../src/base/index.ts';
import { type MapShape, verify } from '../../src/verifier/index.ts';
import { createInterpreter, createJit, type Engine, type Executable, type ProgramFacts } from '../../src/vm/index.ts';
import { type GeneratedProgram, type GenerateOptions, generate, maps } from './generate.ts';
import { ProgramHost, packetSize } from './program-host.ts';

/** What can be seen of a program's runs: equal on every engine. */
export interface Outcome {
  readonly results: readonly string[];
  readonly traps: readonly unknown[];
  readonly retired: number;
  readonly packet: string;
  readonly maps: readonly string[];
}

/**
 * The ways to run a program: interpreted, compiled with all checks, compiled as verified, and with what the verifier
 * says of its registers, on both engines.
 */
export const ways = [
  { name: 'interpreter', engine: createInterpreter, facts: 'none' },
  { name: 'jit, checked', engine: createJit, facts: 'none' },
  { name: 'jit, verified', engine: createJit, facts: 'verified' },
  { name: 'interpreter, with facts', engine: createInterpreter, facts: 'registers' },
  { name: 'jit, with facts', engine: createJit, facts: 'registers' },
] as const satisfies readonly { name: string; engine: () => Engine; facts: 'none' | 'verified' | 'registers' }[];

type Way = (typeof ways)[number];

/** What the verifier finds in a generated program; undefined when it refuses it. */
export function factsOf(program: GeneratedProgram): ProgramFacts | undefined {
  const code = program.code.slice();
  const view = new DataView(code.buffer);
  program.mapSlots.forEach((slots, map) => {
    for (const slot of slots) {
      view.setUint8(slot * 8 + 1, (view.getUint8(slot * 8 + 1) & 15) | (1 << 4));
      view.setInt32(slot * 8 + 4, map + 1, true);
    }
  });
  const shapes = new Map<number, MapShape>(maps.map((shape, index) => [index + 1, shape]));
  const { facts } = verify({ code, type: 'sched_cls', maps: shapes }, { facts: 'bytes', logLevel: 0 });
  return facts && { verified: true, registers: facts.registers, mayFault: facts.mayFault };
}

/** The facts that a program is given in a way; `found` are the verifier's. */
export function factsFor(way: Way, found: ProgramFacts | undefined): ProgramFacts | undefined {
  if (way.facts === 'none') return undefined;
  return way.facts === 'verified' ? { verified: true } : found;
}

export function randomPacket(seed: number): Uint8Array {
  const random = new Random(seed ^ 0x5a5a);
  return Uint8Array.from({ length: packetSize }, () => random.u32());
}

/** Every other pair of programs is such that the verifier takes it: without tail calls and callbacks. */
export function optionsOf(seed: number): GenerateOptions {
  return { kernel: (seed & 2) === 0 };
}

/** Runs a generated program twice, each run on what the one before left; tail calls go to its neighbours. */
export function outcome(seed: number, way: Way, found?: readonly [ProgramFacts?, ProgramFacts?]): Outcome {
  const host = new ProgramHost({ count: seed % 2 === 0 });
  const engine = way.engine();
  const load = (of: number, facts: ProgramFacts | undefined): Executable =>
    engine.load(host.link(generate(of, optionsOf(of)), factsFor(way, facts)), host);
  const executable = load(seed, found?.[0]);
  host.targets = [executable, load(seed ^ 1, found?.[1])];
  host.setPacket(randomPacket(seed));
  const results: string[] = [];
  const traps: unknown[] = [];
  for (let run = 0; run < 2; run++) {
    executable.run(host.context);
    results.push(executable.result.toString(16));
    traps.push(executable.trap);
  }
  const packet = Buffer.from(host.packetBytes).toString('hex');
  return { results, traps, retired: executable.retired, packet, maps: host.mapContents() };
}
