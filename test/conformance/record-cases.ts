import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { toHex } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import { attachTypes, mapTypes, programFlags, programTypes } from '../../src/uapi/index.ts';
import { verify } from '../../src/verifier/index.ts';
import { caseMapRows, contents } from '../verifier/case-maps.ts';
import {
  functionRows,
  lastLine,
  programOf,
  readCases,
  types,
  type VerifierCase,
  withoutResult,
} from '../verifier/read-cases.ts';
import { askAll } from './kernel-script.ts';

/**
 * Asks the running kernel (6.18, as root) what it says of the verifier's cases, and writes it into their files:
 *   npx tsc -p tsconfig.json && node dist/test/conformance/record-cases.js ORACLE_FOLDER [--check] [FILE …]
 * ORACLE_FOLDER holds bpf_oracle.py. --check writes nothing, and prints where this verifier says something else.
 */
const require = createRequire(import.meta.url);
const script = require.resolve('#root/test/conformance/ask-cases.py');
const folderPath = script.replace(/conformance\/[^/]*$/, 'verifier/cases/');

interface Answer {
  readonly error?: string;
  readonly errno?: string | null;
  readonly log?: string;
  readonly run?: { readonly errno: string | null; readonly retval: number };
}

const runnable: ReadonlySet<string> = new Set(['socket_filter', 'xdp', 'sched_cls', 'sched_act']);

function question(test: VerifierCase): object {
  const used = [
    ...new Set(test.places.filter(({ kind }) => kind === 'map' || kind === 'value').map(({ name }) => name)),
  ];
  const hasBtf = !test.plain;
  return {
    type: programTypes[test.type],
    code: toHex(test.code),
    license: test.license,
    flags: (test.sleepable ? programFlags.sleepable : 0) | (test.strict ? programFlags.strictAlignment : 0),
    attach: test.attach ? attachTypes[test.attach] : 0,
    to: test.to,
    btf: toHex(types.bytes),
    functions: hasBtf ? functionRows(test) : undefined,
    maps: used.map((name) => ({
      name,
      ...mapOf(name),
      at: test.places.filter((place) => place.name === name).map(({ slot }) => slot),
    })),
    places: test.places
      .filter(({ kind }) => kind === 'function' || kind === 'symbol' || kind === 'type')
      .map(({ slot, kind, name }) => ({
        slot,
        name,
        kind: kind === 'symbol' ? 'variable' : kind === 'type' ? 'struct' : kind,
      })),
    runs: runnable.has(test.type) && !used.some((name) => name === 'PROGS'),
  };
}

function mapOf(name: string): object {
  const row = caseMapRows[name];
  if (!row) throw new RangeError(`no map ${name}`);
  return {
    type: mapTypes[row.type],
    key: row.key ?? 4,
    value: row.value ?? 8,
    max: row.max ?? 1,
    flags: row.flags ?? 0,
    ...(row.struct ? { struct: types.ids.get(row.struct), keyStruct: types.ids.get('int') } : {}),
    ...(row.frozen === undefined ? {} : { frozen: toHex(contents(row)) }),
    ...(row.inner ? { inner: mapOf(row.inner) } : {}),
  };
}

function expectation({ error, errno, log = '', run }: Answer): string {
  if (error !== undefined) return `error ${error}`;
  // The C library has no name for what only the kernel knows.
  if (errno !== null) return `reject ${errno === '524' ? 'ENOTSUPP' : errno} ${lastLine(log)}`.trim();
  return run && run.errno === null ? `accept ${run.retval}` : 'accept';
}

function main(): void {
  const words = process.argv.slice(2);
  const [oracle, ...files] = words.filter((word) => !word.startsWith('--'));
  if (oracle === undefined) throw new Error('usage: record-cases.js ORACLE_FOLDER [--check] [FILE …]');
  const check = words.includes('--check');
  const kernel = loadProfile('6.18').btf;
  let count = 0;
  let differ = 0;
  for (const file of files.length > 0 ? files : readdirSync(folderPath)) {
    const path = `${folderPath}${file}`;
    const cases = readCases(readFileSync(path, 'utf8'));
    const answers = askAll<Answer>([script, oracle], cases.map(question));
    const blocks = cases.map((one, index) => {
      const expected = expectation(answers[index] as Answer);
      const { verdict, errno, log } = verify(programOf(one, kernel), { strictAlignment: one.strict });
      const ours = verdict === 'accept' ? 'accept' : `reject ${errno} ${lastLine(log)}`.trim();
      count++;
      if (ours !== withoutResult(expected)) {
        differ++;
        console.log(`${file}: ${one.name}\n  kernel: ${expected}\n  ours:   ${ours}`);
      }
      return `${one.text}\n=> ${expected}`;
    });
    if (!check) writeFileSync(path, `${blocks.join('\n\n')}\n`);
  }
  console.log(`${count} cases, ${differ} of which this verifier judges otherwise`);
}

main();
