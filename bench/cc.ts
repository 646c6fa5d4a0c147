import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadProfile } from '../src/btf/index.ts';
import { type CompileOptions, compileC } from '../src/cc/index.ts';
import { loadObject } from '../src/client/index.ts';
import { boot } from '../src/sim/index.ts';
import type { ProgramType } from '../src/uapi/index.ts';
import { createJit } from '../src/vm/index.ts';
import { type Peer, type Text, textsOf, typeOf } from '../test/conformance/bcc-texts.ts';

/**
 * Time from a text to its programs loaded (compiled, maps made, verified, linked, ready to be attached and run) in one
 * warm process: `npm run bench:cc -- [DIR [PEER.json]]`. A program is compiled to WebAssembly when it is hot; what a load
 * takes that does so at once is told beside it. DIR holds C texts in BCC's dialect; PEER.json what real BCC made of them,
 * with its times (test/conformance/bcc-peer.py). Where clang is installed, plain C of the sizes that tools have is
 * compiled by both: clang as the process that a tool would start, which only writes an object. No text is the same
 * twice; both take turns, and the median of each counts; the least of each is told too, for it says more where others
 * use the machine. Of a tool's text the best of a few counts.
 */
const [folder = '', peerPath] = process.argv.slice(2);
const profile = loadProfile('6.1');
const rounds = 3;
/** Turns of both at each of the plain texts; ours are several, for a process is warm when it has just done the same. */
const turns = 15;
const inARow = 10;
/** Compilations before anything is timed: V8 goes on making the compiler's own code faster for as many. */
const warmUps = 300;

const refused = new Set<string>();
const machine = boot({ profile, cpus: 2 });
const eager = boot({ profile, cpus: 2, engine: createJit() });

interface Times {
  readonly compile: number;
  readonly loaded: number;
  readonly instructions: number;
}

/** One text, from the text to its programs loaded. A program that the kernel refuses is told once. */
function timed(
  text: string,
  options: Omit<CompileOptions, 'profile'>,
  types: ReadonlyMap<string, ProgramType>,
  kernel = machine,
): Times {
  const start = performance.now();
  const { object } = compileC(text, { profile, ...options });
  const compile = performance.now() - start;
  if (!object) throw new Error(`${options.file ?? 'a text'} does not compile`);
  using loaded = loadObject(kernel, object, { lazy: true });
  for (const { name } of object.programs) {
    try {
      loaded.load(name, types.get(name));
    } catch (fault) {
      refused.add(`${options.file ?? ''} ${name}: ${(fault as Error).message.split('\n')[0]}`);
    }
  }
  const whole = performance.now() - start;
  const slots = object.programs.reduce((sum, program) => sum + program.code.length / 8, 0);
  return { compile, loaded: whole, instructions: slots };
}

function least(a: Times | undefined, b: Times): Times {
  if (!a) return b;
  return { ...b, compile: Math.min(a.compile, b.compile), loaded: Math.min(a.loaded, b.loaded) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

/**
 * A program of `blocks` blocks that tests a word, mixes it and goes on, as long as small, middle and large tools. The
 * tests are of bits: comparing what was computed would have the verifier follow each way apart.
 * @param salt makes it another text of the same size
 */
function plainText(blocks: number, salt: number): string {
  const body = Array.from(
    { length: blocks },
    (_, i) =>
      `  if (in[${i % 8}] & ${2 ** (i % 30)}) { h ^= in[${(i * 3) % 8}] * ${i * 2 + 3 + salt * 1024}u; n += h >> ${(i % 30) + 1}; } else h += n;\n`,
  );
  return [
    'typedef unsigned long long u64;\n',
    '__attribute__((section("kprobe/vfs_read"), used)) int run(u64 *in) {\n  u64 h = 1, n = 0;\n',
    ...body,
    '  return h + n;\n}\n',
    'char _license[] __attribute__((section("license"), used)) = "GPL";\n',
  ].join('');
}

function againstClang(): void {
  const work = mkdtempSync(join(tmpdir(), 'bench-cc-'));
  try {
    for (const [name, blocks] of [
      ['small', 4],
      ['median', 8],
      ['large', 60],
    ] as const) {
      const source = join(work, `${name}.c`);
      writeFileSync(source, plainText(blocks, 0));
      const flags = ['-O2', '-target', 'bpf', '-mcpu=v3', '-g', '-c', source, '-o', join(work, 'out.o')];
      let salt = 1;
      const once = (kernel = machine): Times => timed(plainText(blocks, salt++), {}, new Map(), kernel);
      for (let i = 0; i < warmUps; i++) once(i % 2 === 0 ? machine : eager);
      const [own, atOnce, clang]: [Times[], number[], number[]] = [[], [], []];
      for (let i = 0; i < turns; i++) {
        for (let j = 0; j < inARow; j++) own.push(once());
        for (let j = 0; j < inARow; j++) atOnce.push(once(eager).loaded);
        const start = performance.now();
        execFileSync('clang', flags);
        clang.push(performance.now() - start);
      }
      const instructions = own[0]?.instructions ?? 0;
      const compile = median(own.map((times) => times.compile));
      const loaded = median(own.map((times) => times.loaded));
      const theirs = median(clang);
      console.log(
        `${name.padEnd(7)} ${String(instructions).padStart(5)} instructions  compiled ${compile.toFixed(2)} ms, loaded ${loaded.toFixed(2)} ms (to WebAssembly at once ${median(atOnce).toFixed(2)})  clang's object ${theirs.toFixed(1)} ms  ${(theirs / loaded).toFixed(0)} times (compile alone ${(theirs / compile).toFixed(0)})`,
      );
      const least = [own.map((times) => times.compile), own.map((times) => times.loaded), clang].map((all) =>
        Math.min(...all),
      );
      const [leastCompile = 0, leastLoaded = 0, leastClang = 0] = least;
      console.log(
        `${' '.repeat(20)} at least  compiled ${leastCompile.toFixed(2)} ms, loaded ${leastLoaded.toFixed(2)} ms  clang's object ${leastClang.toFixed(1)} ms  ${(leastClang / leastLoaded).toFixed(0)} times`,
      );
    }
  } finally {
    rmSync(work, { recursive: true });
  }
}

function tools(): void {
  const peers = (peerPath ? JSON.parse(readFileSync(peerPath, 'utf8')) : {}) as Record<string, Peer>;
  const first: number[] = [];
  const best = new Map<Text, Times>();
  const texts = [...textsOf(folder, [])];
  const types = new Map(texts.map((one) => [one, typesOf(one)] as const));
  for (let round = 0; round <= rounds; round++) {
    for (const one of texts) {
      // What takes seconds is not asked again.
      if ((best.get(one)?.loaded ?? 0) > 2000) continue;
      const { name, text, defines } = one;
      const times = timed(text, { file: `${name}.c`, defines }, types.get(one) as ReadonlyMap<string, ProgramType>);
      if (round === 0) first.push(times.loaded);
      if (round > 0 || times.loaded > 2000) best.set(one, least(best.get(one), times));
    }
  }
  const loaded = [...best.values()].map((one) => one.loaded);
  const [slowest] = [...best].sort(([, a], [, b]) => b.loaded - a.loaded);
  const compile = median([...best.values()].map((one) => one.compile));
  console.log(
    `${loaded.length} tools, text to loaded: median ${median(loaded).toFixed(1)} ms (of which compile ${compile.toFixed(1)}), most ${Math.max(...loaded).toFixed(1)} ms (${slowest?.[0].name}); first in a new process: median ${median(first).toFixed(1)} ms`,
  );
  const ratios = [...best].flatMap(([{ name }, times]) => {
    const ms = peers[name]?.ms;
    return ms === undefined ? [] : [ms / times.loaded];
  });
  if (ratios.length > 0)
    console.log(`real BCC takes ${median(ratios).toFixed(0)} times as long to code (median of ${ratios.length})`);
  for (const one of refused) console.log(`refused: ${one}`);
}

/** What each of a text's programs is loaded as, by how its tool attaches it. */
function typesOf(text: Text): ReadonlyMap<string, ProgramType> {
  const { object, diagnostics } = compileC(text.text, { profile, file: `${text.name}.c`, defines: text.defines });
  if (!object) throw new Error(`${text.name} does not compile: ${diagnostics[0]?.message}`);
  return new Map(object.programs.map((program) => [program.name, typeOf(program, text)] as const));
}

if (folder !== '') tools();
try {
  againstClang();
} catch (fault) {
  if ((fault as NodeJS.ErrnoException).code !== 'ENOENT') throw fault;
  console.log('clang is not installed');
}
