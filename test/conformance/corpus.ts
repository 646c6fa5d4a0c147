import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createInterpreter } from '../../src/vm/index.ts';
import { readElf } from '../cc/read-elf.ts';
import { type Runnable, runCode } from '../cc/run-c.ts';
import { input, type Snippet, snippets, snippetText } from '../cc/snippets.ts';

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

/** The program of clang's object: its section and the functions of .text behind it, as one piece. */
function linkedByClang(text: string): Runnable {
  const source = join(folder, 'bpf.c');
  writeFileSync(source, text.replace(/^u64 run\(/m, '__attribute__((section("prog"))) $&'));
  const object = join(folder, 'bpf.o');
  const flags = [
    '-w',
    '-std=gnu11',
    '-O2',
    '-target',
    'bpf',
    '-mcpu=v3',
    '-fno-builtin-memset',
    '-fwrapv',
    '-c',
    source,
  ];
  execFileSync('clang', [...flags, '-o', object], { stdio: 'pipe' });
  const elf = readElf(readFileSync(object));
  const has = (name: string): boolean => elf.names.includes(name);
  const sections = ['prog', '.text'].filter((name) => has(name) && elf.section(name).length > 0);
  const code = new Uint8Array(Buffer.concat(sections.map((name) => elf.section(name))));
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const data = new Map(
    elf.names.filter((name) => /^\.(ro)?data|^\.bss/.test(name)).map((name) => [name, elf.section(name)]),
  );
  const relocations: { slot: number; map: string; offset: number }[] = [];
  let start = 0;
  for (const name of sections) {
    for (const { offset, type, symbol, section, value } of has(`.rel${name}`) ? elf.relocations(name) : []) {
      const slot = (start + offset) / 8;
      if (type === 1) relocations.push({ slot, map: section, offset: value + view.getInt32(slot * 8 + 4, true) });
      else if (section === '.text') {
        const target = elf.section('prog').length / 8 + value / 8 + view.getInt32(slot * 8 + 4, true) + 1;
        view.setInt32(slot * 8 + 4, target - slot - 1, true);
      } else throw new Error(`clang calls ${symbol}`);
    }
    start += elf.section(name).length;
  }
  return { code, relocations, data };
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
  const clang = answer(() => runCode(linkedByClang(text), input, engine).toString());
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
