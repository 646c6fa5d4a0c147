import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { toHex } from '../../src/base/index.ts';
import { programTypes } from '../../src/uapi/index.ts';
import { codeOf, type LogCase, withoutTime } from '../verifier/read-log-cases.ts';

/**
 * Asks the running kernel again for what the tests of the verifier's log expect (as root, Linux 6.18):
 *   npm run fixtures:verifier
 */
const require = createRequire(import.meta.url);
const kernelScript = require.resolve('#root/test/conformance/kernel.py');

interface Answer {
  readonly errno: string | null;
  readonly log: string;
  readonly true_size: number;
}

function ask(cases: readonly object[]): Answer[] {
  const input = cases.map((one) => `${JSON.stringify(one)}\n`).join('');
  const output = execFileSync('python3', [kernelScript, '--log-level', '1'], { input, maxBuffer: 1 << 30 });
  return output
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
}

function renewLogs(): void {
  const file = require.resolve('#root/test/verifier/log/cases.json');
  const cases = JSON.parse(readFileSync(file, 'utf8')) as LogCase[];
  const answers = ask(
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

renewLogs();
