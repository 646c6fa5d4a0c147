import { readFileSync } from 'node:fs';
import { createInterpreter, createJit, type Executable } from '../src/vm/index.ts';
import { BenchMachine, type ProgramRow } from './vm/machine.ts';
import { buildPackets, packetBytes } from './vm/packets.ts';
import { type Peer, sourceOf, startKernel, startNative } from './vm/peers.ts';
import { measureSizes } from './vm/sizes.ts';

/**
 * `npm run bench:vm`: how fast compiled programs run, side by side with the kernel's compiler, gcc and the
 * interpreter. Every round times each of them once, one after the other, and the medians of the rounds' ratios are
 * printed: what the machine does meanwhile meets all of them alike.
 */
const packetCount = 10_000;
const rounds = 21;
/** Only rows whose names hold this. */
const wanted = process.argv[2] ?? '';

interface Row {
  readonly program: string;
  /** One packet again and again, or all of them. */
  readonly packets: 'hot' | 'all';
  /** In one call for all packets, or a call for each. */
  readonly entry: 'batch' | 'call';
  readonly goals: Readonly<Record<string, number>>;
  readonly count?: number;
}

const rows: readonly Row[] = [
  { program: 'flow', packets: 'hot', entry: 'batch', goals: { kernel: 0.55, 'gcc -O2': 1 } },
  { program: 'flow', packets: 'all', entry: 'batch', goals: { kernel: 0.75 } },
  { program: 'flow', packets: 'hot', entry: 'call', goals: { kernel: 0.8 } },
  { program: 'parse', packets: 'hot', entry: 'batch', goals: {} },
  { program: 'parse', packets: 'all', entry: 'batch', goals: {} },
  { program: 'primes', packets: 'hot', entry: 'batch', goals: {}, count: 200 },
  { program: 'array', packets: 'hot', entry: 'batch', goals: { kernel: 0.25 } },
  { program: 'array', packets: 'all', entry: 'batch', goals: { kernel: 0.25 } },
  { program: 'hash', packets: 'hot', entry: 'batch', goals: { kernel: 0.35 } },
  { program: 'hash', packets: 'all', entry: 'batch', goals: { kernel: 0.35 } },
  { program: 'update', packets: 'all', entry: 'batch', goals: {} },
];

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
}

function nanoseconds(work: () => void): number {
  const from = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - from);
}

class Bench {
  readonly #programs: Readonly<Record<string, ProgramRow>>;
  readonly #machine: BenchMachine;
  readonly #peers: readonly Peer[];

  constructor(programs: Readonly<Record<string, ProgramRow>>, machine: BenchMachine, peers: readonly Peer[]) {
    this.#programs = programs;
    this.#machine = machine;
    this.#peers = peers;
  }

  async measure(row: Row): Promise<void> {
    const { program, packets, entry } = row;
    const count = row.count ?? packetCount;
    const compiled = this.#work(row, 'jit', count);
    const interpreted = this.#work(row, 'interpreter', Math.min(count, 500));
    for (let turn = 0; turn < 25; turn++) {
      for (let spent = 0; spent < 1e7; ) spent += nanoseconds(compiled.run);
      await pause();
    }
    const own: number[] = [];
    const slow: number[] = [];
    const peers = this.#peers.filter((peer) => peer.has(program));
    const theirs = peers.map((): number[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const [index, peer] of peers.entries()) {
        const { ns } = await peer.time(program, count, packets === 'hot' ? 0 : packetBytes);
        (theirs[index] as number[]).push(ns / count);
      }
      own.push(nanoseconds(compiled.run) / count);
      slow.push(nanoseconds(interpreted.run) / interpreted.count);
    }
    const ratios = peers.map((peer, index) => {
      const ratio = median(own.map((ns, round) => ns / (theirs[index] as number[])[round]!));
      const goal = row.goals[peer.name];
      const verdict = goal === undefined ? '' : ` (goal ${goal}: ${ratio <= goal ? 'met' : 'MISSED'})`;
      return `${ratio.toFixed(2)} of ${peer.name}'s ${median(theirs[index] as number[]).toFixed(1)}${verdict}`;
    });
    ratios.push(`interpreter ${(median(slow) / median(own)).toFixed(0)} times as long`);
    const what = `${program}, ${packets === 'hot' ? 'one packet' : `${packetCount} packets`}, ${entry}`;
    console.log(`${what.padEnd(34)} ${median(own).toFixed(1).padStart(8)} ns   ${ratios.join('   ')}`);
    await this.#check(row, peers, compiled.executable);
  }

  #work(
    row: Row,
    engine: 'jit' | 'interpreter',
    count: number,
  ): { run: () => void; count: number; executable: Executable } {
    const machine = this.#machine;
    const { host } = machine;
    const name = `run/${row.program}`;
    const executable = machine.load(engine === 'jit' ? createJit() : createInterpreter(), name, this.#programs[name]!);
    const contexts = row.packets === 'hot' ? machine.hot : machine.contexts;
    const batch = (): void => {
      executable.runBatch(contexts, count, machine.results);
    };
    const { u32 } = host.memory;
    const each = engine === 'jit' ? callCompiled : callInterpreted;
    const calls = (): void => each(executable, u32, contexts, count);
    return { run: row.entry === 'batch' ? batch : calls, count, executable };
  }

  /** All of them give the same answers, or the comparison means nothing. */
  async #check(row: Row, peers: readonly Peer[], executable: Executable): Promise<void> {
    if (row.program !== 'flow' && row.program !== 'parse') return;
    const machine = this.#machine;
    const count = row.count ?? packetCount;
    executable.runBatch(row.packets === 'hot' ? machine.hot : machine.contexts, count, machine.results);
    let sum = 0;
    for (let index = 0; index < count; index++)
      sum = (sum + machine.memory.u32[(machine.results >>> 2) + index * 2]!) >>> 0;
    for (const peer of peers) {
      const answer = await peer.time(row.program, count, row.packets === 'hot' ? 0 : packetBytes);
      if (answer.sum !== sum) console.log(`  ${peer.name} sums its answers to ${answer.sum}, and not to ${sum}`);
    }
  }
}

/** A call for each context. Twice, so that each engine has a call site of its own, as in a machine that uses one. */
function callCompiled(executable: Executable, u32: Uint32Array, contexts: number, count: number): void {
  for (let index = 0; index < count; index++) executable.run(u32[(contexts >>> 2) + index] as number);
}

function callInterpreted(executable: Executable, u32: Uint32Array, contexts: number, count: number): void {
  for (let index = 0; index < count; index++) executable.run(u32[(contexts >>> 2) + index] as number);
}

/** Lets the optimising compiler's threads hand over what they have. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

async function main(): Promise<void> {
  const programs = JSON.parse(readFileSync(sourceOf('programs.json'), 'utf8')) as Record<string, ProgramRow>;
  const packets = buildPackets(packetCount);
  const keys = Array.from({ length: packetCount }, (_, index) => {
    const at = index * packetBytes;
    const word = (from: number): string => Buffer.from(packets.subarray(at + from, at + from + 4)).toString('hex');
    return word(30) + word(26);
  });
  const machine = new BenchMachine(packets);
  machine.addFlows(keys);
  const peers: Peer[] = [];
  for (const peer of [await startKernel(programs, packets, keys), await startNative(packets)]) {
    if (typeof peer === 'string') console.log(`${peer}: its column is skipped`);
    else peers.push(peer);
  }
  console.log(
    `ns a packet; medians of ${rounds} rounds, in each of which all peers run ${packetCount} packets in turn.`,
  );
  console.log('The kernel runs its program by bpf_loop over packets in a map; a batch is one call for all contexts.\n');
  const bench = new Bench(programs, machine, peers);
  for (const row of rows) if (row.program.includes(wanted)) await bench.measure(row);
  for (const peer of peers) peer.close();
  if ('sizes'.includes(wanted)) measureSizes();
}

await main();
