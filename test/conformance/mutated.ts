import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Random } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import { compileC, type IncludeFile } from '../../src/cc/index.ts';
import { snippets, snippetText } from '../cc/snippets.ts';
import { type Text, textsOf, verified } from './bcc-texts.ts';
import { type Mutation, mutations } from './mutations.ts';

/**
 * Mutated C texts: each must give a diagnostic with a position, or programs that our verifier takes; never a crash,
 * never a hang: `npm run conformance:mutated -- DIR [COUNT] [SEED]`. What the verifier refuses is counted by message.
 */
const [folder = '', count = '10000', first = '1'] = process.argv.slice(2);
const profile = loadProfile('6.1');
/** The folder's texts, and the corpus, a snippet of each eight. */
const place = pathToFileURL(`${createRequire(import.meta.url).resolve('#root/test/cc/corpus/shared.h')}/..`);
const corpus = snippets(new URL(`${place}/`))
  .filter((_, i) => i % 8 === 0)
  .map((one): Text => ({ name: one.name, text: snippetText(one, new URL(`${place}/`)), defines: {}, attach: [] }));
const texts = [...textsOf(folder, [])]
  .filter((one) => one.text.length > 100 && one.text.length < 12_000)
  .concat(corpus);
const slowest = { ms: 0, seed: 0, name: '' };
const totals = {
  compiled: 0,
  diagnosed: 0,
  accepted: 0,
  refused: 0,
  crashed: 0,
  hung: 0,
  nowhere: 0,
  refusedNowhere: 0,
};
/** ms; what takes longer counts as hung. */
const longest = 2000;
const whole = texts.map((one) => one.text);
const refusals = new Map<string, { count: number; example: string }>();

function judge(seed: number): void {
  const random = new Random(seed);
  const { name, text, defines } = random.pick(texts);
  const kind = random.pick(Object.keys(mutations));
  const mutated = (mutations[kind] as Mutation)(text, random, whole);
  const self = (path: string): IncludeFile | undefined =>
    path === 'self.h' ? { name: path, text: mutated } : undefined;
  const start = performance.now();
  try {
    const { object, diagnostics } = compileC(mutated, { file: `${name}.c`, profile, defines, includes: self });
    const ms = performance.now() - start;
    if (ms > slowest.ms) Object.assign(slowest, { ms, seed, name: `${name}, ${kind}` });
    if (ms > longest) totals.hung++;
    if (!object) {
      totals.diagnosed++;
      if (!diagnostics.some((one) => (one.at.line ?? 0) > 0)) totals.nowhere++;
      return;
    }
    totals.compiled++;
    for (const program of object.programs) {
      const verdict = verified(object, program, profile.btf);
      if (verdict.verdict === 'accept') {
        totals.accepted++;
        continue;
      }
      totals.refused++;
      if (!/^; .* @ .*\.[ch]:\d+/m.test(verdict.log)) totals.refusedNowhere++;
      const key = verdict.message.replace(/\d+/g, 'N').replace(/-?0x[0-9a-f]+/g, 'N');
      const known = refusals.get(key);
      if (known) known.count++;
      else refusals.set(key, { count: 1, example: `${name} seed ${seed} ${program.name}` });
    }
  } catch (fault) {
    if (totals.crashed++ < 5)
      console.log(`seed ${seed}, ${name}: ${(fault as Error).stack?.split('\n').slice(0, 4).join('\n')}`);
  }
}

for (let seed = Number(first); seed < Number(first) + Number(count); seed++) judge(seed);
console.log(totals, `slowest ${slowest.ms.toFixed(0)} ms (${slowest.name}, seed ${slowest.seed})`);
for (const [message, { count: times, example }] of [...refusals].sort((a, b) => b[1].count - a[1].count).slice(0, 40)) {
  console.log(`${times}\t${message}\t${example}`);
}
