import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fromHex, toHex } from '../../src/base/index.ts';
import { assemble } from '../../src/isa/index.ts';
import { helperByName, mapTypes, programTypes } from '../../src/uapi/index.ts';
import { helperCases } from '../sim/packets/helper-cases.ts';
import { type HelperAnswer, type HelperCase, mostResults, resultsOf } from '../sim/packets/helper-program.ts';
import { askAll } from './kernel-script.ts';

/**
 * Asks the running kernel (6.18, as root) what the packet helpers answer in each case, and writes it into the fixture:
 *   npx tsc -p tsconfig.json && node dist/test/conformance/record-packets.js ORACLE_FOLDER
 * ORACLE_FOLDER holds bpf_oracle.py.
 */
const require = createRequire(import.meta.url);
const fixture = require.resolve('#root/test/sim/fixtures/packet-helpers.json');

interface Answer {
  readonly id: string;
  readonly log: string;
  readonly run?: { readonly errno: string | null; readonly retval: number; readonly data_out: string };
  readonly maps?: readonly Readonly<Record<string, string>>[];
}

function question({ name, type, text, data, context, flags = 0 }: HelperCase): object {
  const { code, relocations } = assemble(text, { helper: (helper) => helperByName(helper)?.id });
  const out = { type: mapTypes.array, key: 4, value: 8 * mostResults, max: 1, at: relocations.map(({ slot }) => slot) };
  const given = { data: toHex(data), ...(context === undefined ? {} : { ctx: toHex(context) }) };
  return { id: name, type: programTypes[type], insns: toHex(code), flags, maps: [out], ...given };
}

/** @throws Error for a case that the kernel refuses: it then says nothing of helpers */
function answerOf({ id, log, run, maps }: Answer): HelperAnswer {
  const test = helperCases.find(({ name }) => name === id) as HelperCase;
  const value = fromHex(maps?.[0]?.['00000000'] ?? '');
  if (!run || run.errno !== null || !value) throw new Error(`${id}: ${run?.errno ?? log}`);
  const data = run.data_out === toHex(test.data) ? 'same' : run.data_out;
  return { returned: run.retval, data, results: resultsOf(value, test.results) };
}

const [oracle] = process.argv.slice(2);
if (oracle === undefined) throw new Error('name the folder of bpf_oracle.py');
const script = require.resolve('#root/test/conformance/ask-packets.py');
const answers = askAll<Answer>([script, oracle], helperCases.map(question));
const entries = answers.map((answer) => [answer.id, answerOf(answer)]);
writeFileSync(fixture, `${JSON.stringify(Object.fromEntries(entries), null, 1)}\n`);
