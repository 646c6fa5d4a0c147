import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Random } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import { compileC, type IncludeFile } from '../../src/cc/index.ts';
import { BpfError, loadObject } from '../../src/client/index.ts';
import { boot } from '../../src/sim/index.ts';
import { snippets, snippetText } from '../cc/snippets.ts';
import { type Text, textsOf } from './bcc-texts.ts';
import { type Mutation, mutations } from './mutations.ts';

/**
 * Mutated C texts: each must give a diagnostic with a position, or programs that our verifier takes; never a crash,
 * never a hang: `npm run conformance:mutated -- DIR [COUNT] [SEED]`. What the verifier refuses is counted by message.
 */
const flags = process.argv.slice(2).filter((one) => one.startsWith('--'));
const [folder = '', count = '10000', first = '1'] = process.argv.slice(2).filter((one) => !one.startsWith('--'));
const list = flags.includes('--list');
const show = flags.includes('--show');
const profile = loadProfile('6.1');
/** The folder's texts, and the corpus, a snippet of each eight. */
const place = pathToFileURL(`${createRequire(import.meta.url).resolve('#root/test/cc/corpus/shared.h')}/..`);
const corpus = snippets(new URL(`${place}/`))
  .filter((_, i) => i % 8 === 0)
  .map((one): Text => ({ name: one.name, text: snippetText(one, new URL(`${place}/`)), defines: {}, attach: [] }));
const texts = [...textsOf(folder, [])]
  .filter((one) => one.text.length > 100 && one.text.length < 12_000)
  .concat(corpus);
const slowest = { compile: { ms: 0, what: '' }, load: { ms: 0, what: '' } };
const totals = {
  compiled: 0,
  diagnosed: 0,
  loaded: 0,
  refusedAtLine: 0,
  refusedNowhere: 0,
  nowhere: 0,
  crashed: 0,
  hung: 0,
};
/** ms of CPU; what takes longer counts as hung. The verifier looks at up to a million instructions, as the kernel's. */
const longest = { compile: 1000, load: 5000 } as const;
const whole = texts.map((one) => one.text);
const refusals = new Map<string, { count: number; example: string }>();

/** A kernel for some texts: what they leave behind goes with it. */
const textsOfOneKernel = 250;
let machine = boot({ profile, cpus: 2 });
let texted = 0;

function mutatedText(seed: number): { text: Text; kind: string; mutated: string } {
  const random = new Random(seed);
  const text = random.pick(texts);
  const kind = random.pick(Object.keys(mutations));
  return { text, kind, mutated: (mutations[kind] as Mutation)(text.text, random, whole) };
}

function judge(seed: number): void {
  const { text, kind, mutated } = mutatedText(seed);
  if (++texted % textsOfOneKernel === 0) machine = boot({ profile, cpus: 2 });
  try {
    compileAndLoad(seed, text, kind, mutated);
  } catch (fault) {
    if (totals.crashed++ < 20)
      console.log(`seed ${seed}, ${text.name}, ${kind}: ${(fault as Error).stack?.split('\n').slice(0, 5).join('\n')}`);
  }
}

/** What a step costs in CPU, whoever else uses the machine; told when it is more than it may be. */
function timed<T>(step: keyof typeof longest, what: string, run: () => T): T {
  const start = process.cpuUsage();
  try {
    return run();
  } finally {
    const { user, system } = process.cpuUsage(start);
    const ms = (user + system) / 1000;
    if (ms > slowest[step].ms) slowest[step] = { ms, what };
    if (ms > longest[step]) {
      totals.hung++;
      console.log(`${what}: ${step} took ${ms.toFixed(0)} ms`);
    }
  }
}

/** As `new BPF({ text })` does it, and every program is loaded. */
function compileAndLoad(seed: number, { name, defines }: Text, kind: string, mutated: string): void {
  const what = `seed ${seed}, ${name}, ${kind}`;
  const self = (path: string): IncludeFile | undefined =>
    path === 'self.h' ? { name: path, text: mutated } : undefined;
  const { object, diagnostics } = timed('compile', what, () =>
    compileC(mutated, { file: `${name}.c`, profile, defines, includes: self }),
  );
  if (!object) {
    totals.diagnosed++;
    if (!diagnostics.some((one) => one.severity === 'error' && (one.at.line ?? 0) > 0)) totals.nowhere++;
    return;
  }
  totals.compiled++;
  try {
    timed('load', what, () => loadObject(machine, object).close());
    totals.loaded++;
  } catch (fault) {
    if (!(fault instanceof BpfError)) throw fault;
    const { at } = fault;
    const told = at?.file !== undefined && (at.line ?? 0) > 0 && (at.column ?? 0) > 0;
    totals[told ? 'refusedAtLine' : 'refusedNowhere']++;
    if (list)
      console.log(
        `${seed} ${told ? '' : 'NOWHERE '}${fault.message.split('\n')[0]} ${at?.file}:${at?.line}:${at?.column} ${at?.text?.trim()}`,
      );
    const key = `${told ? '' : 'told nowhere: '}${fault.message.replace(/program \w+/, 'program').replace(/\d+/g, 'N')}`;
    const known = refusals.get(key);
    if (known) known.count++;
    else refusals.set(key, { count: 1, example: `${name} seed ${seed}` });
  }
}

if (show) process.stdout.write(mutatedText(Number(first)).mutated);
else run();

function run(): void {
  const start = performance.now();
  for (let seed = Number(first); seed < Number(first) + Number(count); seed++) judge(seed);
  const minutes = ((performance.now() - start) / 60_000).toFixed(1);
  const worst = Object.entries(slowest).map(([step, { ms, what }]) => `slowest ${step} ${ms.toFixed(0)} ms (${what})`);
  console.log(totals, `${worst.join(', ')}; ${minutes} minutes`);
  for (const [message, { count: times, example }] of [...refusals].sort((a, b) => b[1].count - a[1].count)) {
    console.log(`${times}\t${message}\t${example}`);
  }
  const { crashed, hung, nowhere, refusedNowhere } = totals;
  if (crashed + hung + nowhere + refusedNowhere > 0) process.exitCode = 1;
}
