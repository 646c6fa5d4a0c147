import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prelude, randomInput, randomProgram, tableMacros } from '../cc/random-c/index.ts';

/** What gcc's code gives for random programs, many of them in one file. */

/** gcc turns -a / b into a / -b, which traps for the least number: such a program says so. */
const harness = `${tableMacros}#include <stdio.h>
#include <setjmp.h>
#include <signal.h>
static sigjmp_buf start;
static void trap(int number) { siglongjmp(start, 1); }
#define TRY(call) fflush(stdout); if (sigsetjmp(start, 1)) puts("trap"); else printf("%llu\\n", call)
`;

const plain = ['-w', '-O1', '-fwrapv', '-fno-strict-aliasing'];
/** Says what a program does that C leaves undefined, but for signed overflow, which wraps. */
const sanitizing = [...plain, '-fsanitize=undefined,address', '-fno-sanitize-recover=all'];

export interface Peer {
  readonly name: string;
  readonly command: string;
  readonly flags: readonly string[];
}

export const gcc: Peer = { name: 'gcc -O1', command: 'gcc', flags: plain };

/** Others who must agree with gcc about a program whose meaning C defines. */
export const witnesses: readonly Peer[] = [
  { name: 'gcc -O0', command: 'gcc', flags: [...plain, '-O0'] },
  { name: 'gcc -O3', command: 'gcc', flags: [...plain, '-O3'] },
  { name: 'gcc with sanitizers', command: 'gcc', flags: sanitizing },
  { name: 'clang -O2', command: 'clang', flags: [...plain, '-O2'] },
];

/** @returns what each program gives, in order */
export function peerResults(seeds: readonly number[], { command, flags }: Peer): string[] {
  const texts = seeds.map((seed) => ({ seed, text: randomProgram(seed), input: randomInput(seed) }));
  try {
    return resultsOf(texts, command, flags);
  } catch (fault) {
    // One of them is more than the compiler can take: find out which.
    if (!/internal compiler error/.test(String((fault as { stderr?: Buffer }).stderr)) || texts.length === 1)
      throw fault;
    return texts.map((one) => {
      try {
        return resultsOf([one], command, flags)[0] ?? 'trap';
      } catch {
        return 'trap';
      }
    });
  }
}

export interface NumberedText {
  readonly seed: number;
  readonly text: string;
  readonly input: readonly bigint[];
}

export function resultsOf(texts: readonly NumberedText[], command: string, flags: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'random-c-'));
  const calls: string[] = [];
  const parts = texts.map(({ seed, text, input }) => {
    const words = input.map((word) => `0x${word.toString(16)}ull`);
    calls.push(`  { u64 in[8] = { ${words.join(', ')} }; TRY(run_${seed}(in)); }`);
    return text.replaceAll(/\b(run|[a-z]{2}_\d+\w*)\b/g, `$1_${seed}`).replaceAll(/^ *#pragma unroll$/gm, '');
  });
  const main = `int main(void) {\n  signal(SIGFPE, trap);\n${calls.join('\n')}\n  return 0;\n}\n`;
  const [source, binary] = [join(folder, 'all.c'), join(folder, 'all')];
  try {
    writeFileSync(source, `${harness}${prelude}${parts.join('\n')}\n${main}`);
    execFileSync(command, [...flags, '-o', binary, source], { stdio: ['ignore', 'pipe', 'pipe'] });
    return execFileSync(binary, { maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'pipe'] })
      .toString()
      .trim()
      .split('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
