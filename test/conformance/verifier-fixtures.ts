import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { toHex } from '../../src/base/index.ts';
import { type MapType, mapTypes, programTypes } from '../../src/uapi/index.ts';
import { codeOf, type LogCase, withoutTime } from '../verifier/read-log-cases.ts';
import { askAll, kernelScript } from './kernel-script.ts';
import { type ClangObject, readClangObject } from './verifier/elf-programs.ts';

/**
 * Asks the running kernel again for what the tests of the verifier expect of the log, and of what clang makes of the
 * texts in test/verifier/clang (as root, Linux 6.18, clang 14):
 *   npm run fixtures:verifier && npx biome check --write test/verifier
 */
const require = createRequire(import.meta.url);

interface Answer {
  readonly errno: string | null;
  readonly log: string;
  readonly true_size: number;
}

function renewLogs(): void {
  const file = require.resolve('#root/test/verifier/log/cases.json');
  const cases = JSON.parse(readFileSync(file, 'utf8')) as LogCase[];
  const answers = askAll<Answer>(
    [kernelScript, '--log-level', '1'],
    cases.map((one, id) => ({
      id,
      prog_type: programTypes[one.type],
      insns: toHex(codeOf(one)),
      log_level: one.level,
      ...(one.size === undefined ? {} : { log_size: one.size }),
      ...(one.lines ? { lines: one.lines } : {}),
    })),
  );
  const renewed = cases.map((one, index) => {
    const { errno, log, true_size } = answers[index] as Answer;
    const timeless = withoutTime(log);
    return { ...one, answer: { errno, trueSize: true_size - (log.length - timeless.length), log: timeless } };
  });
  writeFileSync(file, `${JSON.stringify(renewed, null, 1)}\n`);
  console.log(`${renewed.length} logs`);
}

interface Words {
  readonly errno: string | null;
  readonly last: string;
  readonly processed: number;
}

function judged({ maps, programs }: ClangObject): object[] {
  const numbered = Object.entries(maps).map(([name, map]) => [name, { ...map, type: mapTypes[map.type as MapType] }]);
  const lines = programs.map(({ type, code, at }, id) => ({
    id,
    prog_type: programTypes[type],
    expected_attach_type: 0,
    insns: code,
    at,
  }));
  const answers = askAll<Words>([kernelScript, '--batch'], [{ maps: Object.fromEntries(numbered) }, ...lines]);
  return programs.map((program, index) => {
    const { errno, last, processed } = answers[index] as Words;
    return { ...program, answer: { errno, last, processed } };
  });
}

function renewClang(): void {
  const folder = dirname(require.resolve('#root/test/verifier/clang/bpf.h'));
  const made = mkdtempSync(join(tmpdir(), 'verifier-clang-'));
  const texts = readdirSync(folder).filter((name) => name.endsWith('.c'));
  for (const text of texts) {
    const name = text.replace(/\.c$/, '');
    const out = join(made, `${name}.o`);
    execFileSync('clang', [
      '-O2',
      '-target',
      'bpf',
      '-mcpu=v3',
      '-Wall',
      '-Wno-unused',
      '-c',
      join(folder, text),
      '-o',
      out,
    ]);
    const object = readClangObject(readFileSync(out));
    const fixture = { name, maps: object.maps, programs: judged(object) };
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(fixture, null, 1)}\n`);
  }
  rmSync(made, { recursive: true });
  console.log(`${texts.length} texts compiled and judged`);
}

renewLogs();
renewClang();
