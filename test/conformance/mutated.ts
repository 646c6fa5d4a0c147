import { Random } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import { compileC } from '../../src/cc/index.ts';
import { textsOf, verified } from './bcc-texts.ts';

/**
 * Mutated C texts: each must give a diagnostic with a position, or programs that our verifier takes; never a crash,
 * never a hang: `npm run conformance:mutated -- DIR [COUNT] [SEED]`. What the verifier refuses is counted by message.
 */
const [folder = '', count = '10000', first = '1'] = process.argv.slice(2);
const profile = loadProfile('6.1');
const texts = [...textsOf(folder, [])].filter((one) => one.text.length > 100 && one.text.length < 12_000);
const slowest = { ms: 0, seed: 0, name: '' };
const totals = { compiled: 0, diagnosed: 0, accepted: 0, refused: 0, crashed: 0, nowhere: 0 };
const refusals = new Map<string, { count: number; example: string }>();

function mutate(text: string, random: Random): string {
  const pieces = text.match(/\w+|\s+|[^\w\s]/g) ?? [];
  const from = [...pieces];
  for (let n = random.int(1, 4); n > 0; n--) {
    const at = random.int(0, pieces.length - 1);
    const kind = random.int(0, 3);
    if (kind === 0) pieces.splice(at, random.int(1, 3));
    else if (kind === 1) pieces.splice(at, 0, random.pick(from));
    else if (kind === 2) pieces[at] = random.pick(from);
    else if (/^\d+$/.test(pieces[at] ?? '')) pieces[at] = random.pick(['0', '-1', '65536', '0xffffffffffffffff', '1u']);
  }
  return pieces.join('');
}

function judge(seed: number): void {
  const random = new Random(seed);
  const { name, text, defines } = random.pick(texts);
  const mutated = mutate(text, random);
  const start = performance.now();
  try {
    const { object, diagnostics } = compileC(mutated, { file: `${name}.c`, profile, defines });
    const ms = performance.now() - start;
    if (ms > slowest.ms) Object.assign(slowest, { ms, seed, name });
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
