import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { loadProfile } from '../../src/btf/index.ts';
import { compileC, renderDiagnostics } from '../../src/cc/index.ts';
import type { ObjectSpec, ProgramSpec } from '../../src/object/index.ts';
import { mapTypes, programTypes } from '../../src/uapi/index.ts';
import { driveAll } from './bcc-drive.ts';

/**
 * Compiles every C text of a folder and, where an oracle of the running kernel is named, loads its programs there:
 * `npm run conformance:bcc -- DIR [ORACLE] [NAME…]`. Prints a row for each, then the first diagnostic or the end of the
 * verifier's log of what failed.
 */
interface Verdict {
  readonly verdict?: string;
  readonly error?: string;
  readonly log?: string;
}

class Oracle {
  readonly #process;
  readonly #waiting: ((answer: Verdict) => void)[] = [];

  constructor(path: string) {
    this.#process = spawn('python3', [path], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#process.stdout }).on('line', (line) =>
      this.#waiting.shift()?.(JSON.parse(line) as Verdict),
    );
  }

  ask(request: object): Promise<Verdict> {
    return new Promise((answer) => {
      this.#waiting.push(answer);
      this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    });
  }

  close(): void {
    this.#process.stdin.end();
  }
}

const kinds: Readonly<Record<string, keyof typeof programTypes>> = {
  kprobe: 'kprobe',
  kretprobe: 'kprobe',
  uprobe: 'kprobe',
  uretprobe: 'kprobe',
  tracepoint: 'tracepoint',
  raw_tracepoint: 'raw_tracepoint',
  perf_event: 'perf_event',
};

function request(object: ObjectSpec, program: ProgramSpec, type: keyof typeof programTypes): object {
  const maps = object.maps.map((map) => ({
    type: mapTypes[map.type],
    key: map.keySize,
    value: map.valueSize,
    max: map.maxEntries,
    flags: map.flags,
    at: program.relocations.filter((one) => one.map === map.name).map((one) => one.slot),
  }));
  const used = maps.filter((map) => map.at.length > 0);
  return { type: programTypes[type], insns: Buffer.from(program.code).toString('hex'), maps: used };
}

interface Facts {
  readonly attach?: readonly { readonly kind: string; readonly fn: string }[];
  readonly cflags?: readonly string[];
}

const [folder = '', ...rest] = process.argv.slice(2);
const oraclePath = rest[0]?.endsWith('.py') ? rest.shift() : undefined;
const oracle = oraclePath ? new Oracle(oraclePath) : undefined;
const profile = loadProfile('6.1');
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.c'))
  .map((name) => name.slice(0, -2));
const totals = { texts: 0, compiled: 0, loaded: 0, judged: 0, instructions: 0 };
const times: number[] = [];
const failures: string[] = [];

for (const name of names) {
  if (rest.length > 0 && !rest.includes(name)) continue;
  const text = readFileSync(join(folder, `${name}.c`), 'utf8');
  const factsFile = join(folder, `${name}.json`);
  const facts = (existsSync(factsFile) ? JSON.parse(readFileSync(factsFile, 'utf8')) : {}) as Facts;
  const defines: Record<string, string | true> = {};
  for (const flag of facts.cflags ?? []) {
    const match = /^-D(\w+)(?:=(.*))?$/.exec(flag);
    if (match) defines[match[1] as string] = match[2] ?? true;
  }
  totals.texts++;
  const start = performance.now();
  let result: ReturnType<typeof compileC>;
  try {
    result = compileC(text, { file: `${name}.c`, profile, defines });
  } catch (fault) {
    failures.push(`${name}: CRASH ${(fault as Error).stack?.split('\n').slice(0, 6).join('\n')}`);
    console.log(`${name.padEnd(20)} crash`);
    continue;
  }
  const ms = performance.now() - start;
  times.push(ms);
  const { object } = result;
  if (!object) {
    const errors = result.diagnostics.filter((one) => one.severity === 'error');
    failures.push(`${name}: ${errors.length} errors\n${renderDiagnostics(errors.slice(0, 2))}`);
    console.log(`${name.padEnd(20)} no   ${errors.length} errors`);
    continue;
  }
  totals.compiled++;
  const count = object.programs.reduce((sum, program) => sum + program.code.length / 8, 0);
  totals.instructions += count;
  let verdict = 'not asked';
  if (oracle) {
    verdict = 'accept';
    for (const program of object.programs) {
      const attached = facts.attach?.find((one) => one.fn === program.name);
      const type = (attached && kinds[attached.kind]) ?? program.type;
      if (type === 'tracing' || type === 'lsm') {
        verdict = verdict === 'accept' ? 'unjudged' : verdict;
        continue;
      }
      const answer = await oracle.ask(request(object, program, type));
      if (answer.verdict === 'accept') continue;
      verdict = 'REJECT';
      const log = answer.error ?? answer.log?.split('\n').slice(-14).join('\n') ?? '';
      failures.push(`${name}/${program.name}: ${log}`);
      break;
    }
    totals.judged++;
    if (verdict !== 'REJECT') totals.loaded++;
  }
  console.log(
    `${name.padEnd(20)} yes  ${verdict.padEnd(10)} ${String(count).padStart(6)} ${ms.toFixed(1).padStart(8)} ms`,
  );
}
oracle?.close();
for (const failure of failures) console.log(`\n${failure}`);
const median = times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
console.log(
  `\n${totals.compiled} of ${totals.texts} compile, ${totals.loaded} of ${totals.judged} load, ${totals.instructions} instructions, median ${median.toFixed(1)} ms`,
);
driveAll(folder, rest, profile);
