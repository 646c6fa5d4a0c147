import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadProfile } from '../../src/btf/index.ts';
import { createInterpreter } from '../../src/vm/index.ts';
import { prelude, randomInput, randomProgram } from '../cc/random-c.ts';
import { compiled, runCode } from '../cc/run-c.ts';

/**
 * Random C programs, compiled here and by gcc: the results must be the same. `FIRST COUNT [FIXTURE]`; the first
 * programs with gcc's results are written to the fixture that the tests read.
 */
const [first = '1', count = '1000', fixture] = process.argv.slice(2);
const profile = loadProfile('6.1');
const engine = createInterpreter();
const batch = 200;
let wrong = 0;
const kept: object[] = [];

/** gcc turns -a / b into a / -b, which traps for the least number: such a program says so. */
const harness = `#include <stdio.h>
#include <setjmp.h>
#include <signal.h>
static sigjmp_buf start;
static void trap(int number) { siglongjmp(start, 1); }
#define TRY(call) if (sigsetjmp(start, 1)) puts("trap"); else printf("%llu\\n", call)
`;

function gccResults(seeds: readonly number[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'random-c-'));
  const parts = seeds.map((seed) => {
    const text = randomProgram(seed)
      .replaceAll(/\b(run|mix|pair)\b/g, `$1_${seed}`)
      .replaceAll(/^ *#pragma unroll$/gm, '');
    const words = randomInput(seed).map((word) => `0x${word.toString(16)}ull`);
    return { text, call: `  { u64 in[8] = { ${words.join(', ')} }; TRY(run_${seed}(in)); }` };
  });
  const main = `int main(void) {\n  signal(SIGFPE, trap);\n${parts.map((one) => one.call).join('\n')}\n  return 0;\n}\n`;
  writeFileSync(join(folder, 'all.c'), `${harness}${prelude}${parts.map((one) => one.text).join('\n')}\n${main}`);
  execFileSync('gcc', [
    '-w',
    '-O1',
    '-fwrapv',
    '-fno-strict-aliasing',
    '-o',
    join(folder, 'all'),
    join(folder, 'all.c'),
  ]);
  const output = execFileSync(join(folder, 'all')).toString().trim().split('\n');
  rmSync(folder, { recursive: true });
  return output;
}

for (let start = Number(first); start < Number(first) + Number(count); start += batch) {
  const seeds = Array.from({ length: Math.min(batch, Number(first) + Number(count) - start) }, (_, i) => start + i);
  const expected = gccResults(seeds);
  for (const [i, seed] of seeds.entries()) {
    let answer: string;
    try {
      const code = compiled(prelude + randomProgram(seed), profile);
      answer = runCode(code, randomInput(seed), engine).toString();
    } catch (fault) {
      answer = (fault as Error).stack?.split('\n').slice(0, 5).join('\n') ?? '';
    }
    if (expected[i] === 'trap') continue;
    if (answer !== expected[i]) {
      if (wrong++ < 10) console.log(`seed ${seed}: ${answer}, gcc says ${expected[i]}`);
    } else if (kept.length < 150) kept.push({ seed, result: expected[i] });
  }
}
console.log(`${count} programs, ${wrong} differ`);
if (fixture) writeFileSync(fixture, `${kept.map((one) => JSON.stringify(one)).join('\n')}\n`);
