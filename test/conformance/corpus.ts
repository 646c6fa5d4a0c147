import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createInterpreter } from '../../src/vm/index.ts';
import { runCode, runnable } from '../cc/run-c.ts';
import { input, type Snippet, snippets, snippetText } from '../cc/snippets.ts';
import { clangObject } from './clang-peer.ts';

/**
 * Asks gcc (native code) and clang (-target bpf, run on the interpreter) what each snippet of the corpus gives:
 *   npm run conformance:corpus -- [--record]
 * With --record, what both agree on is written beside the snippets that have no value yet.
 */
const corpus = pathToFileURL(
  `${join(createRequire(import.meta.url).resolve('#root/package.json'), '../test/cc/corpus')}/`,
);
const folder = mkdtempSync(join(tmpdir(), 'corpus-'));
const engine = createInterpreter();

function native(text: string): string {
  const words = input.map((word) => `0x${word.toString(16)}ull`).join(', ');
  const source = join(folder, 'native.c');
  const main = `#include <stdio.h>\nint main(void) { u64 in[8] = { ${words} }; printf("%llu", run(in)); return 0; }\n`;
  writeFileSync(source, `${text}${main}`);
  const flags = ['-w', '-std=gnu11', '-O1', '-fwrapv', '-fno-strict-aliasing', '-o', join(folder, 'native'), source];
  execFileSync('gcc', flags, { stdio: 'pipe' });
  return execFileSync(join(folder, 'native')).toString();
}

function answer(ask: () => string): string {
  try {
    return ask();
  } catch (fault) {
    const { stderr, message } = fault as Error & { stderr?: Buffer };
    return `fails: ${(stderr?.toString() || message).split('\n').find((line) => /error|unsupported|./.test(line)) ?? ''}`.slice(
      0,
      200,
    );
  }
}

const values = new Map<Snippet, string>();
let agreed = 0;
let unable = 0;
// Those of kernel.c mean macros and functions that only kernel headers have.
const all = snippets(corpus).filter((one) => one.feature !== 'kernel');
for (const snippet of all) {
  const text = snippetText(snippet, corpus);
  const gcc = answer(() => native(text));
  const clang = answer(() => runCode(runnable(clangObject(text)), input, engine).toString());
  if (clang.startsWith('fails')) unable++;
  if (snippet.expected === undefined && !gcc.startsWith('fails')) values.set(snippet, gcc);
  const wanted = snippet.expected?.toString() ?? gcc;
  if (gcc === wanted && clang === wanted) agreed++;
  else console.log(`${snippet.feature}/${snippet.name}: ${wanted}; gcc ${gcc}, clang ${clang}`);
}
rmSync(folder, { recursive: true });
console.log(
  `${all.length} snippets, ${agreed} with the same value from gcc and clang, ${unable} that clang's BPF cannot run`,
);
if (process.argv.includes('--record')) {
  for (const [{ feature, name }, value] of values) {
    const file = new URL(`${feature}.c`, corpus);
    writeFileSync(file, readFileSync(file, 'utf8').replace(`/* ${name} */`, `/* ${name}: ${value} */`));
  }
}
