import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface, type Interface } from 'node:readline';
import { toHex } from '../src/base/index.ts';
import { assemble } from '../src/isa/index.ts';
import { helperByName, mapTypes } from '../src/uapi/index.ts';
import { type MapShape, verify } from '../src/verifier/index.ts';
import { kindsOfPrograms, sizes } from './verifier/programs.ts';

/**
 * `npm run bench:verifier [-- NAME]`: instructions processed a second, and the time to a verdict beside the running
 * kernel's load of the same program (as root). Each round times both, one after the other, in time of the CPU, which
 * other work on the machine changes little; medians of the rounds' ratios are printed.
 */
const rounds = 11;
/** Verdicts before anything is timed: the verifier's own code is compiled by then. */
const warmUps = 40;
const goal = 2;
const wanted = process.argv[2] ?? '';
const values: MapShape = { type: 'array', keySize: 4, valueSize: 64, maxEntries: 1 };

interface Loaded {
  readonly name: string;
  readonly code: Uint8Array;
  readonly mapSlots: readonly number[];
}

function load(name: string, text: string): Loaded {
  const { code, relocations } = assemble(text, { helper: (helper) => helperByName(helper)?.id });
  const linked = code.slice();
  for (const { slot } of relocations) {
    linked[slot * 8 + 1] = ((linked[slot * 8 + 1] as number) & 15) | 16;
    linked[slot * 8 + 4] = 1;
  }
  return { name, code: linked, mapSlots: relocations.map(({ slot }) => slot) };
}

/** The running kernel, which says how long a load took and what came of it. */
class KernelPeer {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: Interface) {
    this.#child = child;
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** Undefined where programs cannot be loaded: no root, no bpf(2), no Python. */
  static async start(): Promise<KernelPeer | undefined> {
    const script = createRequire(import.meta.url).resolve('#root/test/conformance/kernel.py');
    const child = spawn('python3', [script, '--batch'], { stdio: ['pipe', 'pipe', 'ignore'] });
    child.on('error', () => {});
    child.stdin?.on('error', () => {});
    const peer = new KernelPeer(child, createInterface({ input: child.stdout as NodeJS.ReadableStream }));
    child.stdin?.write(`${JSON.stringify({ maps: { VALUES: { ...values, type: mapTypes[values.type] } } })}\n`);
    const trivial = await peer.time(load('trivial', 'r0 = 0\nexit'));
    return trivial === undefined ? undefined : peer;
  }

  async time({ code, mapSlots }: Loaded): Promise<{ ns: number; processed: number } | undefined> {
    const at = mapSlots.map((slot) => [slot, 'VALUES', 1]);
    const request = { id: 0, prog_type: 1, expected_attach_type: 0, log_level: 0, insns: toHex(code), at };
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) return undefined;
    const { errno, ns, processed } = JSON.parse(value) as { errno: string | null; ns: number; processed: number };
    if (errno === 'EPERM' || errno === 'ENOSYS') return undefined;
    if (errno !== null) throw new Error(`the kernel refuses a program of the bench: ${errno}`);
    return { ns, processed };
  }

  end(): void {
    this.#child.stdin?.end();
  }
}

function median(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[list.length >> 1] as number;
}

const maps = new Map([[1, values]]);

function judge({ code }: Loaded): { ns: number; processed: number } {
  const from = process.cpuUsage();
  const { verdict, message, statistics } = verify({ code, type: 'socket_filter', maps }, { logLevel: 0 });
  const { user, system } = process.cpuUsage(from);
  const ns = (user + system) * 1000;
  if (verdict !== 'accept') throw new Error(`the verifier refuses a program of the bench: ${message}`);
  return { ns, processed: statistics.processed };
}

async function measure(program: Loaded, kernel: KernelPeer | undefined): Promise<string[]> {
  const own: number[] = [];
  const peer: number[] = [];
  const ratios: number[] = [];
  let processed = 0;
  for (let round = -2; round < rounds; round++) {
    const here = judge(program);
    const there = await kernel?.time(program);
    processed = here.processed;
    if (round < 0) continue;
    own.push(here.ns);
    if (!there) continue;
    peer.push(there.ns);
    ratios.push(here.ns / there.ns);
  }
  const ns = median(own);
  const rate = `${((processed * 1000) / ns).toFixed(2)} M/s`;
  const ratio = kernel ? median(ratios) : undefined;
  return [
    program.name,
    `${processed}`,
    `${(ns / 1e6).toFixed(2)} ms`,
    rate,
    kernel ? `${(median(peer) / 1e6).toFixed(2)} ms` : 'no bpf(2)',
    ratio === undefined ? '' : `${ratio.toFixed(2)}${ratio <= goal ? '' : ' above the goal'}`,
  ];
}

const kernel = await KernelPeer.start();
for (const textOf of Object.values(kindsOfPrograms)) {
  const program = load('warm-up', textOf(sizes[0]));
  for (let round = 0; round < warmUps; round++) judge(program);
}
const header = ['program', 'processed', 'verdict', 'rate', "kernel's load", `ratio (goal ${goal})`];
const table: string[][] = [header];
for (const [kind, textOf] of Object.entries(kindsOfPrograms)) {
  for (const size of sizes) {
    const name = `${kind} ${size}`;
    if (name.includes(wanted)) table.push(await measure(load(name, textOf(size)), kernel));
  }
}
kernel?.end();
const widths = header.map((_, column) => Math.max(...table.map((row) => (row[column] as string).length)));
for (const row of table) {
  console.log(
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] as number) : cell.padStart(widths[column] as number),
      )
      .join('  ')
      .trimEnd(),
  );
}
console.log(`peak memory of the process: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
