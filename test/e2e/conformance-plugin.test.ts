import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineNames } from '../../src/cli/engines.ts';
import { runConformancePlugin } from '../../src/cli/index.ts';
import { Gathered } from '../cli/console.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Case {
  readonly name: string;
  readonly mem: string;
  readonly r0: string;
  readonly insns: string;
}

const cases = JSON.parse(readFileSync(join(root, 'test/conformance/bpf_conformance.json'), 'utf8')) as Case[];

/** As the suite calls it: no argument where there is no memory. */
const memoryOf = ({ mem }: Case): string[] => (mem === '' ? [] : [mem]);

async function plugin(argv: readonly string[], input: string): Promise<{ code: number; out: string; err: string }> {
  const stdin = new PassThrough();
  stdin.end(input);
  const [stdout, stderr] = [new Gathered(), new Gathered()];
  const code = await runConformancePlugin(argv, { stdin, stdout, stderr });
  return { code, out: stdout.text, err: stderr.text };
}

describe.each(engineNames)('the plugin on the %s', (engine) => {
  test('all cases', async () => {
    const wrong: unknown[] = [];
    for (const one of cases) {
      const { code, out, err } = await plugin([...memoryOf(one), '--engine', engine], `${one.insns}\n`);
      if (code !== 0 || BigInt(`0x${out.trim()}`) !== BigInt(one.r0) || err !== '')
        wrong.push([one.name, code, out, err]);
    }
    expect(wrong).toEqual([]);
  });

  test.each([
    [
      'a trap',
      [],
      '79000000000000009500000000000000',
      1,
      'instruction 0: unmapped-address: access to 8 bytes at 0x0, which is not mapped',
    ],
    ['no program', [], '95000000', 1, 'byte 0: 4 bytes are no whole instructions'],
    ['no hex', [], 'exit', 1, 'the program on standard input is no hex'],
    ['no hex in the memory', ['0g'], '9500000000000000', 1, 'the memory is no hex'],
    ['nothing', [], '\n', 2, 'no program on standard input'],
  ])('%s', async (_, argv, input, code, message) => {
    const outcome = await plugin([...argv, '--engine', engine], input);
    expect(outcome).toMatchObject({ code, out: '' });
    expect(outcome.err).toContain(`bpf-conformance-plugin: ${message}`);
  });
});

test('an engine that there is not', async () => {
  const { code, err } = await plugin(['--engine', 'ubpf'], '9500000000000000');
  expect([code, err]).toEqual([
    2,
    `bpf-conformance-plugin: --engine cannot be 'ubpf'\n  expected: ${engineNames.join(', ')}\n`,
  ]);
});

describe('the process', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tracebed-plugin-'));
    mkdirSync(join(folder, 'bin'));
    for (const file of ['package.json', 'bin/bpf-conformance-plugin.js']) cpSync(join(root, file), join(folder, file));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
    // The build without its types, which are another test's.
    const options = ['-p', 'tsconfig.build.json', '--noCheck', '--outDir', join(folder, 'dist')];
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...options], { cwd: root });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const spawn = (argv: readonly string[], input: string): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [join(folder, 'bin/bpf-conformance-plugin.js'), ...argv], { input, encoding: 'utf8' });

  test.each(cases.filter((_, index) => index % 80 === 0))('$name', (one) => {
    const { status, stdout, stderr } = spawn(memoryOf(one), `${one.insns}\n`);
    expect([status, BigInt(`0x${stdout.trim()}`), stderr]).toEqual([0, BigInt(one.r0), '']);
  });

  test('a trap', () => {
    const { status, stdout, stderr } = spawn([], '79000000000000009500000000000000');
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain('unmapped-address');
  });
});
