import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadProfile } from '../src/btf/index.ts';
import { compileC } from '../src/cc/index.ts';

/**
 * Time from text to code in one warm process: `npm run bench:cc -- DIR [PEER.json]`. DIR holds C texts in BCC's
 * dialect; PEER.json what real BCC made of them with its times (test/conformance/bcc-peer.py). Where clang is
 * installed, plain C of the sizes that tools have is compiled by both, clang as the process that a tool would start.
 */
const [folder = '', peerPath] = process.argv.slice(2);
const profile = loadProfile('6.1');
const rounds = 5;

function best(run: () => void, times = rounds): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    run();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** A program of `blocks` blocks that reads a word, mixes it and branches: as long as small, middle and large tools. */
function plainText(blocks: number): string {
  const body = Array.from(
    { length: blocks },
    (_, i) =>
      `  if (in[${i % 8}] > h) { h ^= in[${(i * 3) % 8}] * ${i * 2 + 3}u; n += h >> ${(i % 30) + 1}; } else h += n;\n`,
  );
  return `typedef unsigned long long u64;\nu64 run(u64 *in) {\n  u64 h = 1, n = 0;\n${body.join('')}  return h + n;\n}\n`;
}

function againstClang(): void {
  const work = mkdtempSync(join(tmpdir(), 'bench-cc-'));
  for (const [name, blocks] of [
    ['small', 4],
    ['median', 8],
    ['large', 60],
  ] as const) {
    const text = plainText(blocks);
    const source = join(work, `${name}.c`);
    writeFileSync(source, text);
    let instructions = 0;
    const own = best(() => {
      const { object } = compileC(text, { profile });
      const [program] = object?.programs ?? [];
      instructions = (program?.code.length ?? 0) / 8;
    });
    const flags = ['-O2', '-target', 'bpf', '-mcpu=v3', '-g', '-c', source, '-o', join(work, 'out.o')];
    const clang = best(() => execFileSync('clang', flags), 3);
    console.log(
      `${name.padEnd(7)} ${String(instructions).padStart(5)} instructions  ours ${own.toFixed(2)} ms  clang ${clang.toFixed(1)} ms  ${(clang / own).toFixed(0)} times`,
    );
  }
  rmSync(work, { recursive: true });
}

function tools(): void {
  const peers = (peerPath ? JSON.parse(readFileSync(peerPath, 'utf8')) : {}) as Record<
    string,
    { readonly ms?: number }
  >;
  const own: number[] = [];
  const ratios: number[] = [];
  for (const file of readdirSync(folder)) {
    if (!file.endsWith('.c')) continue;
    const text = readFileSync(join(folder, file), 'utf8');
    const ms = best(() => compileC(text, { file, profile }));
    own.push(ms);
    const peer = peers[file.slice(0, -2)]?.ms;
    if (peer !== undefined) ratios.push(peer / ms);
  }
  console.log(`${own.length} tools: median ${median(own).toFixed(1)} ms, most ${Math.max(...own).toFixed(1)} ms`);
  if (ratios.length > 0)
    console.log(`real BCC takes ${median(ratios).toFixed(0)} times as long (median of ${ratios.length})`);
}

if (folder !== '') tools();
try {
  againstClang();
} catch (fault) {
  if ((fault as NodeJS.ErrnoException).code !== 'ENOENT') throw fault;
  console.log('clang is not installed');
}
