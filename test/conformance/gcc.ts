import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadProfile } from '../../src/btf/index.ts';
import { prelude, randomInput, randomProgram } from '../cc/random-c/index.ts';
import { compiledObject, runCode, runnable } from '../cc/run-c.ts';
import { engines } from '../vm/engines.ts';
import { verified } from './bcc-texts.ts';
import { gcc, type Peer, peerResults, witnesses } from './gcc-peer.ts';
import { Kernel } from './kernel-runs.ts';

/**
 * Random C programs, compiled here and by gcc: both engines must give what gcc's code gives, and the verifier must take
 * what it is shown.
 *
 *   npm run conformance:gcc -- FIRST COUNT [--verify EVERY] [--kernel EVERY] [--witness] [--fixture FILE]
 *
 * `--verify 4` shows every fourth program to our verifier, `--kernel 50` has the running one judge and run every fiftieth
 * (as root), `--witness` asks gcc at other levels, its sanitizers and clang whether the programs are defined at all.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    verify: { type: 'string', default: '4' },
    kernel: { type: 'string', default: '0' },
    witness: { type: 'boolean', default: false },
    fixture: { type: 'string' },
  },
});
const [first = '1', count = '1000'] = positionals;
const profile = loadProfile('6.1');
const batch = 200;
const every = { verify: Number(values.verify), kernel: Number(values.kernel) };
const totals = {
  programs: 0,
  trapped: 0,
  differ: 0,
  refused: 0,
  verified: 0,
  kernelRefused: 0,
  kernelRan: 0,
};
const refusals = new Map<string, { times: number; seeds: number[] }>();
/** Programs that take more stack, or that inlining makes larger, than BPF has room for. */
const tooLarge: number[] = [];
const kept: object[] = [];
const kernel = every.kernel > 0 ? new Kernel() : undefined;
let shown = 0;

function tell(line: string): void {
  if (shown++ < 40) console.log(line);
}

function refused(by: string, seed: number, log: string): void {
  const words =
    log.split('\n').findLast((line) => line !== '' && !/^(processed|verification time|stack depth)/.test(line)) ?? '';
  const key = `${by}: ${words.replace(/-?\d+/g, 'N')}`;
  const known = refusals.get(key) ?? { times: 0, seeds: [] };
  refusals.set(key, { times: known.times + 1, seeds: [...known.seeds, seed].slice(0, 8) });
}

async function judge(seed: number, expected: string | undefined): Promise<void> {
  totals.programs++;
  if (expected === 'trap') {
    totals.trapped++;
    return;
  }
  try {
    const object = compiledObject(prelude + randomProgram(seed), profile);
    const code = runnable(object);
    const input = randomInput(seed);
    for (const engine of engines) {
      const answer = runCode(code, input, engine).toString();
      if (answer === expected) continue;
      totals.differ++;
      return tell(`seed ${seed}, ${engine.name}: ${answer}, gcc says ${expected}`);
    }
    if (kept.length < 150) kept.push({ seed, result: expected });
    const [program] = object.programs;
    if (every.verify > 0 && seed % every.verify === 0 && program) {
      totals.verified++;
      const { verdict, log } = verified(object, program, profile.btf, 'raw_tracepoint');
      if (verdict !== 'accept') {
        totals.refused++;
        refused('ours', seed, log);
      }
    }
    if (kernel && seed % every.kernel === 0) {
      const { verdict, log, result } = await kernel.run(object, input);
      if (verdict !== 'accept') {
        totals.kernelRefused++;
        refused('kernel', seed, log);
      } else {
        totals.kernelRan++;
        // The kernel gives the low half of r0 back.
        const low = BigInt.asUintN(32, BigInt(expected ?? 0)).toString();
        if (result !== low) tell(`seed ${seed}: the kernel gives ${result}, gcc says ${low}`);
      }
    }
  } catch (fault) {
    const text = (fault as Error).stack ?? '';
    if (/bytes of stack|too large|too much code/.test(text)) {
      tooLarge.push(seed);
      return;
    }
    totals.differ++;
    tell(`seed ${seed}: ${text.split('\n').slice(0, 6).join('\n')}`);
  }
}

/** Programs about which other compilers disagree mean nothing. */
function disagreements(seeds: readonly number[], expected: readonly string[], peer: Peer): number {
  let different = 0;
  try {
    for (const [i, answer] of peerResults(seeds, peer).entries()) {
      if (answer === expected[i] || answer === 'trap' || expected[i] === 'trap') continue;
      different++;
      tell(`seed ${seeds[i]}: ${peer.name} says ${answer}, gcc -O1 ${expected[i]}`);
    }
  } catch (fault) {
    const { stderr, message } = fault as Error & { stderr?: Buffer };
    different++;
    tell(
      `${peer.name}, seeds ${seeds[0]} to ${seeds.at(-1)}: ${(stderr?.toString() || message).split('\n').slice(0, 12).join('\n')}`,
    );
  }
  return different;
}

const doubts = new Map<string, number>();
for (let start = Number(first); start < Number(first) + Number(count); start += batch) {
  const seeds = Array.from({ length: Math.min(batch, Number(first) + Number(count) - start) }, (_, i) => start + i);
  const expected = peerResults(seeds, gcc);
  for (const peer of values.witness ? witnesses : []) {
    doubts.set(peer.name, (doubts.get(peer.name) ?? 0) + disagreements(seeds, expected, peer));
  }
  for (const [i, seed] of seeds.entries()) await judge(seed, expected[i]);
}
kernel?.close();

const rows: [string, number][] = [
  ['programs', totals.programs],
  ['  that trap in gcc', totals.trapped],
  ['  too large for BPF', tooLarge.length],
  ['  whose result differs on an engine', totals.differ],
  ['shown to our verifier', totals.verified],
  ['  refused', totals.refused],
  ['run in the kernel', totals.kernelRan],
  ['  refused by it', totals.kernelRefused],
  ...[...doubts].map(([name, times]): [string, number] => [`${name} disagrees`, times]),
];
for (const [what, number] of rows) console.log(`${what.padEnd(40)}${String(number).padStart(8)}`);
if (tooLarge.length > 0) console.log(`too large: ${tooLarge.join(' ')}`);
for (const [message, { times, seeds }] of [...refusals].sort((a, b) => b[1].times - a[1].times)) {
  console.log(`${times}\t${message}\t${seeds.join(' ')}`);
}
if (values.fixture) writeFileSync(values.fixture, `${kept.map((one) => JSON.stringify(one)).join('\n')}\n`);
