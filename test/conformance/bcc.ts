import { readFileSync } from 'node:fs';
import { extendProfile, loadProfile } from '../../src/btf/index.ts';
import { type Compiled, compileC, renderDiagnostics } from '../../src/cc/index.ts';
import type { ObjectSpec } from '../../src/object/index.ts';
import { driveAll } from './bcc-drive.ts';
import {
  type KernelAnswer,
  mapDifferences,
  type Peer,
  questionOf,
  type Text,
  textsOf,
  typeOf,
  verified,
} from './bcc-texts.ts';
import { bccExtension } from './bcc-world.ts';
import { KernelScript } from './kernel-script.ts';

/**
 * Compiles every C text of a folder for the 6.1 profile and asks our verifier what it thinks of each program:
 *   npm run conformance:bcc -- DIR [ORACLE.py] [PEER.json] [NAME…]
 * With an oracle of the running kernel each program is loaded there too; with what real BCC made of the same texts
 * (bcc-peer.py) instructions and maps are compared. A row for each text, then what went wrong.
 */
interface Row {
  kernel: string;
  verifier: string;
  instructions: number;
  peer: number | undefined;
  ms: number;
}

const cpus = 128;
const [folder = '', ...rest] = process.argv.slice(2);
const oraclePath = rest[0]?.endsWith('.py') ? rest.shift() : undefined;
const peerPath = rest[0]?.endsWith('.json') ? rest.shift() : undefined;
const oracle = oraclePath ? new KernelScript<KernelAnswer>(oraclePath) : undefined;
const peers = (peerPath ? JSON.parse(readFileSync(peerPath, 'utf8')) : {}) as Record<string, Peer>;
const profile = loadProfile('6.1');
/** With the functions that tools name and no 6.1 for x86 has. */
const types = extendProfile(profile, bccExtension).btf;
const failures: string[] = [];

async function judge(text: Text, object: ObjectSpec): Promise<Pick<Row, 'kernel' | 'verifier'>> {
  let kernel = oracle ? 'accept' : '-';
  let verifier = 'accept';
  for (const program of object.programs) {
    const type = typeOf(program, text);
    const own = verified(object, program, types, type);
    if (own.verdict !== 'accept') {
      verifier = 'REJECT';
      failures.push(`${text.name}/${program.name}, our verifier: ${own.log.split('\n').slice(-9).join('\n')}`);
    }
    if (!oracle) continue;
    // Its target is one of the kernel's functions, which the script does not resolve.
    if (type === 'tracing' || type === 'lsm') {
      kernel = kernel === 'accept' ? 'unjudged' : kernel;
      continue;
    }
    const answer = await oracle.ask(questionOf(object, program, type));
    if (answer.verdict === 'accept') continue;
    kernel = 'REJECT';
    failures.push(
      `${text.name}/${program.name}, kernel: ${answer.error ?? answer.log?.split('\n').slice(-9).join('\n')}`,
    );
  }
  return { kernel, verifier };
}

function peerInstructions({ functions }: Peer): number | undefined {
  return functions && Object.values(functions).reduce((sum, code) => sum + code.length / 16, 0);
}

async function row(text: Text): Promise<Row | undefined> {
  const start = performance.now();
  let result: Compiled;
  try {
    result = compileC(text.text, { file: `${text.name}.c`, profile, defines: text.defines, cpus });
  } catch (fault) {
    failures.push(`${text.name}: CRASH ${(fault as Error).stack?.split('\n').slice(0, 6).join('\n')}`);
    return undefined;
  }
  const ms = performance.now() - start;
  const { object, diagnostics } = result;
  if (!object) {
    const errors = diagnostics.filter((one) => one.severity === 'error');
    failures.push(`${text.name}: ${errors.length} errors\n${renderDiagnostics(errors.slice(0, 2))}`);
    return undefined;
  }
  const peer = peers[text.name] ?? {};
  for (const one of mapDifferences(object, peer, cpus)) failures.push(`${text.name}: map ${one}`);
  const instructions = object.programs.reduce((sum, program) => sum + program.code.length / 8, 0);
  return { ...(await judge(text, object)), instructions, peer: peerInstructions(peer), ms };
}

const rows: Row[] = [];
let count = 0;
for (const text of textsOf(folder, rest)) {
  count++;
  const made = await row(text);
  if (!made) {
    console.log(`${text.name.padEnd(20)} not compiled`);
    continue;
  }
  rows.push(made);
  const { kernel, verifier, instructions, peer, ms } = made;
  const ratio = peer === undefined ? '' : `${String(peer).padStart(6)} ${(instructions / peer).toFixed(2)}`;
  console.log(
    `${text.name.padEnd(20)} ${verifier.padEnd(8)} ${kernel.padEnd(9)} ${ms.toFixed(1).padStart(7)} ms ${String(instructions).padStart(6)} ${ratio}`,
  );
}
oracle?.close();
for (const failure of failures) console.log(`\n${failure}`);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const shared = rows.filter((one) => one.peer !== undefined);
const times = rows.map((one) => one.ms).sort((a, b) => a - b);
console.log(`
${rows.length} of ${count} compile, median ${(times[times.length >> 1] ?? 0).toFixed(1)} ms
${rows.filter((one) => one.verifier === 'accept').length} pass our verifier, ${rows.filter((one) => one.kernel === 'accept').length} the kernel's
${sum(rows.map((one) => one.instructions))} instructions`);
if (shared.length > 0) {
  const [ours, theirs] = [sum(shared.map((one) => one.instructions)), sum(shared.map((one) => one.peer ?? 0))];
  console.log(`${ours} where BCC has ${theirs}: ${(ours / theirs).toFixed(3)} over ${shared.length} texts`);
}
driveAll(folder, rest, profile);
