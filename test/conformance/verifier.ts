import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fromHex } from '../../src/base/index.ts';
import { type Btf, loadProfile, readBtf } from '../../src/btf/index.ts';
import { type ProgramType, programFlags, programTypes } from '../../src/uapi/index.ts';
import { type MapShape, type ProgramText, verify } from '../../src/verifier/index.ts';
import { kernelScript } from './kernel-script.ts';
import { type Run, type RunCase, Runner } from './verifier/runs.ts';

/**
 * Holds the verifier against the running kernel on a dump of the kernel's selftests that the user brings:
 *   npm run conformance:verifier -- DUMP.json [VERDICTS.jsonl] [--list]
 * The kernel's answers are kept beside the dump, and asked for once (kernel.py, as root).
 */

interface Case {
  readonly id: number;
  readonly file: string;
  readonly descr: string;
  readonly prog_type: number;
  readonly expected_attach_type: number;
  readonly flags: number;
  readonly insns: string;
  readonly fixups: Readonly<Record<string, readonly number[]>>;
  readonly kfunc_fixups: readonly { readonly kfunc: string; readonly insn: number }[];
  readonly attach_to: string | null;
  readonly func_info?: readonly (readonly [slot: number, type: number])[];
  readonly btf_types?: string;
  readonly btf_strings?: string;
  readonly result: string;
  /** How often it is run; once when 0, not at all when -1. */
  readonly runs?: number | null;
  readonly retvals?: readonly Run[] | null;
}

interface Answer {
  readonly id: number;
  readonly verdict?: 'accept' | 'reject';
  readonly errno?: string | null;
  readonly log?: string;
}

const shapes: Readonly<Record<string, MapShape>> = {
  fixup_map_hash_8b: { type: 'hash', keySize: 8, valueSize: 8, maxEntries: 1 },
  fixup_map_hash_48b: { type: 'hash', keySize: 8, valueSize: 48, maxEntries: 1 },
  fixup_map_hash_16b: { type: 'hash', keySize: 8, valueSize: 16, maxEntries: 1 },
  fixup_map_array_48b: { type: 'array', keySize: 4, valueSize: 48, maxEntries: 1 },
  fixup_map_sockmap: { type: 'sockmap', keySize: 4, valueSize: 4, maxEntries: 1 },
  fixup_map_sockhash: { type: 'sockhash', keySize: 4, valueSize: 4, maxEntries: 1 },
  fixup_map_xskmap: { type: 'xskmap', keySize: 4, valueSize: 4, maxEntries: 1 },
  fixup_map_stacktrace: { type: 'stack_trace', keySize: 4, valueSize: 8, maxEntries: 1 },
  fixup_prog1: { type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 4 },
  fixup_prog2: { type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 8 },
  fixup_map_in_map: {
    type: 'array_of_maps',
    keySize: 4,
    valueSize: 4,
    maxEntries: 1,
    inner: { type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 },
  },
  fixup_cgroup_storage: { type: 'cgroup_storage', keySize: 16, valueSize: 64, maxEntries: 0 },
  fixup_percpu_cgroup_storage: { type: 'percpu_cgroup_storage', keySize: 16, valueSize: 64, maxEntries: 0 },
  fixup_map_spin_lock: { type: 'array', keySize: 4, valueSize: 8, maxEntries: 1, spinLock: 4 },
  fixup_map_array_ro: { type: 'array', keySize: 4, valueSize: 48, maxEntries: 1, flags: 128 },
  fixup_map_array_wo: { type: 'array', keySize: 4, valueSize: 48, maxEntries: 1, flags: 256 },
  fixup_map_array_small: { type: 'array', keySize: 4, valueSize: 1, maxEntries: 1 },
  fixup_sk_storage_map: { type: 'sk_storage', keySize: 4, valueSize: 8, maxEntries: 0, spinLock: 4 },
  fixup_map_event_output: { type: 'perf_event_array', keySize: 4, valueSize: 4, maxEntries: 1 },
  fixup_map_reuseport_array: { type: 'reuseport_sockarray', keySize: 4, valueSize: 8, maxEntries: 1 },
  fixup_map_ringbuf: { type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 },
  fixup_map_timer: { type: 'array', keySize: 4, valueSize: 16, maxEntries: 1, timer: 0 },
};

const typeNames = Object.entries(programTypes) as [ProgramType, number][];

function programOf(test: Case): ProgramText {
  const code = fromHex(test.insns) as Uint8Array;
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const maps = new Map<number, MapShape>();
  for (const [fixup, slots] of Object.entries(test.fixups)) {
    const fd = maps.size + 1000;
    const shape = shapes[fixup];
    if (shape) maps.set(fd, shape);
    for (const slot of slots) view.setInt32(slot * 8 + 4, fd, true);
  }
  const type = typeNames.find(([, number]) => number === test.prog_type)?.[0] ?? 'socket_filter';
  for (const { kfunc, insn } of test.kfunc_fixups) {
    view.setInt32(insn * 8 + 4, kernel.find('function', kfunc) ?? 0x7fff_ffff, true);
  }
  const btf = test.btf_types ? btfOf(fromHex(test.btf_types), fromHex(test.btf_strings ?? '')) : undefined;
  return {
    code,
    type,
    attachType: test.expected_attach_type,
    maps,
    kernel,
    sleepable: (test.flags & 16) !== 0,
    ...(test.attach_to ? { attachTo: test.attach_to } : {}),
    ...(btf ? { btf } : {}),
    ...(test.func_info ? { functions: test.func_info.map(([slot, id]) => ({ slot, type: id })) } : {}),
  };
}

const kernel = loadProfile('6.18').btf;

/** The two halves of a BTF as one. */
function btfOf(
  types: Uint8Array | undefined,
  strings: Uint8Array | undefined,
): (Btf & { bytes: Uint8Array }) | undefined {
  if (!types || !strings) return undefined;
  const bytes = new Uint8Array(24 + types.length + strings.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xeb9f, true);
  view.setUint8(2, 1);
  const header = [24, 0, types.length, types.length, strings.length];
  for (const [index, word] of header.entries()) view.setUint32(4 + index * 4, word, true);
  bytes.set(types, 24);
  bytes.set(strings, 24 + types.length);
  return Object.assign(readBtf(bytes), { bytes });
}

/** As a program of the simulated kernel; undefined when the selftests do not run it, or expect it to be refused. */
function runCaseOf(test: Case): RunCase | undefined {
  if (!test.retvals || test.result !== 'ACCEPT' || (test.runs ?? 0) < 0 || test.kfunc_fixups.length > 0)
    return undefined;
  const btf = test.btf_types ? btfOf(fromHex(test.btf_types), fromHex(test.btf_strings ?? '')) : undefined;
  return {
    type: typeNames.find(([, number]) => number === test.prog_type)?.[0] ?? 'socket_filter',
    attachType: test.expected_attach_type,
    flags: (test.flags & ~3) | ((test.flags & 2) !== 0 ? programFlags.strictAlignment : 0),
    code: fromHex(test.insns) as Uint8Array,
    fixups: test.fixups,
    btf,
    functions: test.func_info?.map(([slot, type]) => ({ slot, name: `function_${slot}`, type })),
    runs: test.retvals.slice(0, Math.max(1, test.runs ?? 0)),
  };
}

function lastLine(log: string): string {
  const lines = log.split('\n').filter((line) => line !== '' && !line.startsWith('processed '));
  return lines.at(-1) ?? '';
}

function main(): void {
  const [dumpPath, answersPath = `${dumpPath}.verdicts`] = process.argv
    .slice(2)
    .filter((word) => !word.startsWith('--'));
  if (dumpPath === undefined) throw new Error('usage: verifier.ts DUMP.json [VERDICTS.jsonl] [--list]');
  if (!existsSync(answersPath)) {
    execFileSync('python3', [kernelScript, dumpPath, answersPath]);
  }
  const listed = process.argv.includes('--list');
  const dump = JSON.parse(readFileSync(dumpPath, 'utf8')) as { tests: Case[]; pointer_value: number };
  const { tests, pointer_value } = dump;
  const answers = readFileSync(answersPath, 'utf8').trim().split('\n');
  const byId = new Map(answers.map((line) => JSON.parse(line) as Answer).map((answer) => [answer.id, answer]));
  const counts = { judged: 0, agreed: 0, unsafe: 0, refused: 0, lines: 0, crashed: 0, gated: 0 };
  const runner = new Runner(shapes, pointer_value);
  const runs = { agreed: 0, differed: 0 };
  const notRun = new Map<string, number>();
  for (const test of tests) {
    const answer = byId.get(test.id);
    if (answer?.verdict === undefined) continue;
    // bpf(2) refuses what attaches to functions on a kernel without function tracing, before the verifier sees it.
    if (answer.errno === 'EPERM' && answer.log === '') {
      counts.gated++;
      continue;
    }
    counts.judged++;
    const began = performance.now();
    let verdict = 'crash';
    let last = '';
    try {
      const own = verify(programOf(test), {
        logSize: 1 << 24,
        strictAlignment: (test.flags & 2) !== 0,
        testStateFrequency: (test.flags & 8) !== 0,
      });
      verdict = own.verdict;
      last = lastLine(own.log);
    } catch (fault) {
      counts.crashed++;
      last = (fault as Error).stack?.split('\n').slice(0, 3).join(' ') ?? '';
    }
    const took = performance.now() - began;
    if (listed && took > 500) console.log(`slow\t${test.file}\t${test.descr}\t${Math.round(took)} ms`);
    const expected = lastLine(answer.log ?? '');
    if (verdict === answer.verdict) counts.agreed++;
    if (verdict === 'accept' && answer.verdict === 'reject') counts.unsafe++;
    if (answer.verdict === 'reject') {
      counts.refused++;
      if (last === expected) counts.lines++;
    }
    const runCase = answer.verdict === 'accept' && verdict === 'accept' ? runCaseOf(test) : undefined;
    if (runCase) {
      const { agreed, differed, refused } = runner.run(runCase);
      runs.agreed += agreed;
      runs.differed += differed.length;
      const cause = refused?.replace(/^(\w+: \w+).*?: (.*)$/s, '$1: $2').replace(/\d+/g, 'N');
      if (cause !== undefined) notRun.set(cause, (notRun.get(cause) ?? 0) + 1);
      for (const line of differed) if (listed) console.log(`returns\t${test.file}\t${test.descr}\t${line}`);
    }
    if (listed && (verdict !== answer.verdict || (answer.verdict === 'reject' && last !== expected))) {
      const mark = verdict === answer.verdict ? 'words' : verdict;
      console.log(`${mark}\t${test.file}\t${test.descr}\n\tkernel: ${expected}\n\tours:   ${last}`);
    }
  }
  const percent = (part: number, whole: number): string =>
    `${part} of ${whole} (${((100 * part) / whole).toFixed(1)} %)`;
  console.log(`verdicts as the kernel gives them   ${percent(counts.agreed, counts.judged)}`);
  console.log(`accepted here, refused there        ${counts.unsafe}`);
  console.log(`last line word for word             ${percent(counts.lines, counts.refused)}`);
  console.log(`refused before the verifier there   ${counts.gated}`);
  console.log(`return values as expected           ${percent(runs.agreed, runs.agreed + runs.differed)}`);
  const unrun = [...notRun].sort(([, a], [, b]) => b - a);
  console.log(`accepted and not run                ${unrun.reduce((sum, [, count]) => sum + count, 0)}`);
  if (listed) for (const [cause, count] of unrun) console.log(`not run\t${count}\t${cause}`);
  console.log(`crashes                             ${counts.crashed}`);
}

main();
