import { Random } from '../../src/base/index.ts';
import { createInterpreter, createJit, type Engine, type Executable } from '../../src/vm/index.ts';
import { type GeneratedProgram, generate } from './generate.ts';
import { ProgramHost, packetSize } from './program-host.ts';

/** What can be seen of a program's runs: equal on every engine. */
export interface Outcome {
  readonly results: readonly string[];
  readonly traps: readonly unknown[];
  readonly retired: number;
  readonly packet: string;
  readonly maps: readonly string[];
}

/** The three ways to run a program: interpreted, compiled with all checks, compiled as verified. */
export const ways = [
  { name: 'interpreter', engine: createInterpreter, verified: false },
  { name: 'jit, checked', engine: createJit, verified: false },
  { name: 'jit, verified', engine: createJit, verified: true },
] as const satisfies readonly { name: string; engine: () => Engine; verified: boolean }[];

export function randomPacket(seed: number): Uint8Array {
  const random = new Random(seed ^ 0x5a5a);
  return Uint8Array.from({ length: packetSize }, () => random.u32());
}

/** Runs a generated program twice, each run on what the one before left; tail calls go to its neighbours. */
export function outcome(seed: number, way: (typeof ways)[number]): Outcome {
  const host = new ProgramHost({ count: seed % 2 === 0 });
  const engine = way.engine();
  const load = (program: GeneratedProgram): Executable => engine.load(host.link(program, way.verified), host);
  const executable = load(generate(seed));
  host.targets = [executable, load(generate(seed ^ 1))];
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
