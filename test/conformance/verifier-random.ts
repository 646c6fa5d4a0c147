import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { toHex } from '../../src/base/index.ts';
import { mapTypes, programTypes } from '../../src/uapi/index.ts';
import { type MapShape, verify } from '../../src/verifier/index.ts';
import { kernelScript } from './kernel-script.ts';
import { mapFixtures } from './verifier/map-fixtures.ts';
import { programOf, type RandomCase, randomCase } from './verifier/random-case.ts';

/**
 * Holds the verifier's verdicts on random programs against the running kernel's (as root):
 *   npm run conformance:verifier:random -- [COUNT] [FIRST_SEED] [--list]
 *   npm run conformance:verifier:random -- --show SEED        one program with both logs' last words
 */

interface Answer {
  readonly id: number;
  readonly errno: string | null;
  readonly last: string;
  readonly processed: number;
}

/** A map as kernel.py makes it. */
function numbered(shape: MapShape): object {
  return { ...shape, type: mapTypes[shape.type], ...(shape.inner ? { inner: numbered(shape.inner) } : {}) };
}

/** Hands programs to the kernel, and each answer to `take`, in order. */
async function askKernel(seeds: Iterable<number>, take: (asked: RandomCase, answer: Answer) => void): Promise<void> {
  const kernel = spawn('python3', [kernelScript, '--batch'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const maps = Object.fromEntries(Object.entries(mapFixtures).map(([name, shape]) => [name, numbered(shape)]));
  kernel.stdin.write(`${JSON.stringify({ maps })}\n`);
  const asked: RandomCase[] = [];
  const answered = (async () => {
    for await (const line of createInterface({ input: kernel.stdout })) {
      take(asked.shift() as RandomCase, JSON.parse(line) as Answer);
    }
  })();
  for (const seed of seeds) {
    const one = randomCase(seed);
    asked.push(one);
    const { type, attach, code, at } = one;
    const line = { id: seed, prog_type: programTypes[type], expected_attach_type: attach, insns: toHex(code), at };
    if (!kernel.stdin.write(`${JSON.stringify(line)}\n`)) {
      await new Promise((resolve) => kernel.stdin.once('drain', resolve));
    }
  }
  kernel.stdin.end();
  await answered;
}

function lastLine(log: string): string {
  return log.split('\n').findLast((line) => line !== '' && !line.startsWith('processed ')) ?? '';
}

/** A message with its numbers taken out: the cause by which differences are counted. */
function cause(message: string): string {
  return message
    .replace(/0x[0-9a-f]+/g, 'N')
    .replace(/-?\d+/g, 'N')
    .slice(0, 90);
}

class Tally {
  judged = 0;
  accepted = 0;
  agreed = 0;
  unsafe = 0;
  refusedByBoth = 0;
  sameWords = 0;
  sameErrno = 0;
  sameCount = 0;
  readonly causes = new Map<string, number[]>();

  take(asked: RandomCase, answer: Answer): void {
    // Refused without a word: by what comes behind the verifier, as a program array of another type.
    if (answer.errno !== null && answer.last === '') {
      this.note(`not judged, ${answer.errno} behind the verifier`, asked.seed);
      return;
    }
    const own = verify(programOf(asked), { logLevel: answer.errno === null ? 0 : 1 });
    this.judged++;
    const isAccepted = answer.errno === null;
    if (isAccepted) this.accepted++;
    const agrees = (own.verdict === 'accept') === isAccepted;
    if (agrees) this.agreed++;
    if (isAccepted && agrees && own.statistics.processed === answer.processed) this.sameCount++;
    if (!isAccepted && own.verdict === 'accept') {
      this.unsafe++;
      this.note(`ACCEPTED HERE, refused there: ${cause(answer.last)}`, asked.seed);
    } else if (isAccepted && !agrees) this.note(`refused here, accepted there: ${cause(own.message)}`, asked.seed);
    else if (!isAccepted) {
      this.refusedByBoth++;
      if (own.errno === answer.errno) this.sameErrno++;
      else this.note(`errno ${own.errno}, there ${answer.errno}: ${cause(answer.last)}`, asked.seed);
      if (lastLine(own.log) === answer.last) this.sameWords++;
      else this.note(`words: ${cause(lastLine(own.log))} <> ${cause(answer.last)}`, asked.seed);
    }
  }

  note(text: string, seed: number): void {
    const seeds = this.causes.get(text) ?? [];
    if (seeds.length === 0) this.causes.set(text, seeds);
    seeds.push(seed);
  }
}

function percent(part: number, whole: number): string {
  return `${part} of ${whole} (${((100 * part) / Math.max(whole, 1)).toFixed(2)} %)`;
}

function report(tally: Tally, listed: boolean): void {
  console.log(`accepted by the kernel              ${percent(tally.accepted, tally.judged)}`);
  console.log(`verdicts as the kernel gives them   ${percent(tally.agreed, tally.judged)}`);
  console.log(`accepted here, refused there        ${tally.unsafe}`);
  console.log(`errno as the kernel's               ${percent(tally.sameErrno, tally.refusedByBoth)}`);
  console.log(`last line word for word             ${percent(tally.sameWords, tally.refusedByBoth)}`);
  console.log(`instructions processed, the same    ${percent(tally.sameCount, tally.accepted)}`);
  const rows = [...tally.causes].sort(([, a], [, b]) => b.length - a.length);
  for (const [text, seeds] of rows) {
    if (listed || !text.startsWith('words'))
      console.log(`${String(seeds.length).padStart(6)}  ${text}  seed ${seeds[0]}`);
  }
}

async function show(seed: number): Promise<void> {
  const one = randomCase(seed);
  console.log(`${one.text}\n${toHex(one.code)}\n${one.type} ${one.attach}`);
  await askKernel([seed], (_, answer) => console.log(`kernel: ${answer.errno} ${answer.last} (${answer.processed})`));
  const own = verify(programOf(one));
  console.log(`here:   ${own.errno} ${lastLine(own.log)} (${own.statistics.processed})`);
  console.log(own.log.split('\n').slice(-12).join('\n'));
}

const words = process.argv.slice(2);
const numbers = words.filter((word) => /^\d+$/.test(word)).map(Number);
if (words.includes('--show')) await show(numbers[0] ?? 1);
else {
  const [count = 50_000, first = 1] = numbers;
  const tally = new Tally();
  const seeds = Array.from({ length: count }, (_, index) => first + index);
  await askKernel(seeds, (asked, answer) => tally.take(asked, answer));
  report(tally, words.includes('--list'));
  if (tally.unsafe > 0) process.exitCode = 1;
}
