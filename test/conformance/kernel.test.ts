import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ProgramFacts } from '../../src/vm/index.ts';
import { factsFor, factsOf, randomPacket, ways } from '../vm/compare.ts';
import { type GeneratedProgram, generate, maps } from '../vm/generate.ts';
import { ProgramHost } from '../vm/program-host.ts';

/**
 * Random programs against the running kernel: its verifier takes them, and BPF_PROG_TEST_RUN gives the result, the
 * packet and the maps that both engines give. ORACLE is a script that answers JSON lines with what bpf(2) said (see
 * README.md beside this file); without it nothing is compared.
 */
const oracle = process.env.ORACLE;
const programs = Number(process.env.PROGRAMS ?? 5000);
const first = Number(process.env.SEED ?? 1_000_000);
const perTest = 250;

/** Program and map type numbers (include/uapi/linux/bpf.h). */
const schedCls = 3;
const mapTypeNumbers = { array: 2, hash: 1 } as const;

interface Answer {
  readonly id: number;
  readonly verdict?: 'accept' | 'reject';
  readonly log?: string;
  readonly run?: { readonly errno: string | null; readonly retval: number; readonly data_out: string };
  readonly maps?: readonly Readonly<Record<string, string>>[];
}

function question(program: GeneratedProgram): string {
  return JSON.stringify({
    id: program.seed,
    type: schedCls,
    insns: Buffer.from(program.code).toString('hex'),
    maps: maps.map(({ type, keySize, valueSize, maxEntries }, map) => {
      return { type: mapTypeNumbers[type], key: keySize, value: valueSize, max: maxEntries, at: program.mapSlots[map] };
    }),
    log_level: 0,
    data: Buffer.from(randomPacket(program.seed)).toString('hex'),
  });
}

function ask(script: string, all: readonly GeneratedProgram[]): Answer[] {
  const input = `${all.map(question).join('\n')}\n`;
  const output = execFileSync('python3', [script], { input, maxBuffer: 1 << 28, encoding: 'utf8' });
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
}

function outcome(program: GeneratedProgram, way: (typeof ways)[number], found: ProgramFacts | undefined): unknown {
  const host = new ProgramHost();
  const executable = way.engine().load(host.link(program, factsFor(way, found)), host);
  host.setPacket(randomPacket(program.seed));
  const low = executable.run(host.context) >>> 0;
  const packet = Buffer.from(host.packetBytes).toString('hex');
  return { seed: program.seed, way: way.name, trap: executable.trap, low, packet, maps: host.mapContents() };
}

function expected(answer: Answer, way: string): unknown {
  const contents = (answer.maps ?? []).map((map) =>
    Object.entries(map)
      .map(([key, value]) => `${key}=${value}`)
      .sort()
      .join(' '),
  );
  const { retval, data_out } = answer.run ?? {};
  return { seed: answer.id, way, trap: null, low: retval, packet: data_out, maps: contents };
}

describe.skipIf(!oracle || !existsSync(oracle))('engines agree with the kernel', () => {
  let accepted = 0;
  const parts = Array.from({ length: Math.ceil(programs / perTest) }, (_, part) => first + part * perTest);

  test.each(parts)(`on ${perTest} programs from seed %i on`, { timeout: 600_000 }, (from) => {
    const all = Array.from({ length: perTest }, (_, index) => generate(from + index, { kernel: true }));
    for (const [index, answer] of ask(oracle as string, all).entries()) {
      if (answer.verdict !== 'accept' || answer.run?.errno !== null) continue;
      accepted++;
      const found = factsOf(all[index]!);
      for (const way of ways) expect(outcome(all[index]!, way, found)).toEqual(expected(answer, way.name));
    }
  });

  test('most were accepted', () => {
    console.log(`${accepted} of ${parts.length * perTest} programs were accepted and gave the kernel's results`);
    expect(accepted).toBeGreaterThan(parts.length * perTest * 0.8);
  });
});
