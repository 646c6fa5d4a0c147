import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadProfile } from '../../src/btf/index.ts';
import { diagnosed, readClangCases } from '../cc/clang-cases.ts';

/**
 * Asks clang again what it says of the mistakes in test/cc/fixtures/clang.txt, and writes that and what differs from it
 * there: `npm run conformance:diagnostics`. Read the difference before keeping it.
 */
const root = createRequire(import.meta.url);
const fixture = root.resolve('#root/test/cc/fixtures/clang.txt');
const header = root.resolve('#root/test/cc/fixtures/clang-kernel.h');
const profile = loadProfile('6.18');
const folder = mkdtempSync(join(tmpdir(), 'tracebed-clang-'));
const flags =
  '-target bpf -fsyntax-only -ferror-limit=0 -fno-caret-diagnostics -Wuninitialized -Wsometimes-uninitialized';

function clangSays(text: string): string[] {
  writeFileSync(join(folder, 'tool.c'), text);
  const run = spawnSync('clang', [...flags.split(' '), '-include', header, 'tool.c'], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (run.error) throw run.error;
  return run.stderr.split('\n').flatMap((line) => {
    const [, place, said] = /^[^: ]+:(\d+:\d+): ((?:fatal )?(?:error|warning): .*)$/.exec(line) ?? [];
    return place && said ? [`${place}: ${said.replace(/^fatal /, '').replace(/ \[-W[^\]]*\]$/, '')}`] : [];
  });
}

let same = 0;
const cases = readClangCases(pathToFileURL(fixture));
const written = cases.map(({ name, text }) => {
  const clang = clangSays(text);
  const own = diagnosed(text, profile);
  const block = (what: string, lines: readonly string[]): string => [`--- ${what}`, ...lines, ''].join('\n');
  const alike = clang.join('\n') === own.join('\n');
  if (alike) same++;
  return `=== ${name}\n${text}${block('clang', clang)}${alike ? '' : block('tracebed', own)}`;
});
writeFileSync(fixture, written.join(''));
rmSync(folder, { recursive: true });
console.log(`${same} of ${cases.length} as clang says it`);
