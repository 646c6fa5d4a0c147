import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Nanoseconds, sec } from '../../src/base/index.ts';
import { extendProfile, type KernelProfile } from '../../src/btf/index.ts';
import { BPF, BpfError, type Table, USDT } from '../../src/client/index.ts';
import type { KernelEvent } from '../../src/events/index.ts';
import { boot, type Machine } from '../../src/sim/index.ts';
import { bccEvents, bccExtension, bccProcesses, javaPid, mysqlPid } from './bcc-world.ts';

/**
 * Runs the texts that BCC's tools compile, each attached as its tool attached it, on a kernel in which all that they
 * look at happens: does each say something? An array of zeros says nothing, and where a tool reads records, what it
 * keeps for itself meanwhile says nothing either.
 */
interface Attachment {
  readonly kind: string;
  readonly fn: string;
  readonly event?: string;
  readonly event_re?: string;
  readonly name?: string;
  readonly sym?: string;
  readonly ev_type?: number;
  readonly ev_config?: number;
  readonly period?: number;
  readonly freq?: number;
}

/** What the recording of a tool tells of its text. */
export interface BccFacts {
  readonly attach?: readonly Attachment[];
  readonly autoload?: readonly string[];
  readonly cflags?: readonly string[];
  readonly open_perf_buffer?: readonly string[];
  readonly usdt?: readonly { readonly pid: number; readonly probes: readonly (readonly [string, string])[] }[];
}

export interface Drive {
  /** Attach calls that succeeded, and all of them. */
  readonly attached: number;
  readonly wanted: number;
  /** Attach points of those at which a program ran, and how many there are. */
  readonly hit: number;
  readonly points: number;
  /** Records that its rings gave, and lines of trace_pipe. */
  readonly events: number;
  /** Entries of its tables that are not zero, by table. */
  readonly entries: Readonly<Record<string, number>>;
  /** Whether it said nothing though it is attached to something. */
  readonly silent: boolean;
  /** What could not be attached, what was never hit, what went wrong. */
  readonly notes: readonly string[];
}

export class BccDriver {
  readonly #profile: KernelProfile;
  readonly #events: readonly KernelEvent[];

  /** @param profile what the texts were compiled for; @param duration how long the world lasts, virtual ns */
  constructor(profile: KernelProfile, duration: Nanoseconds = sec(4)) {
    this.#profile = extendProfile(profile, bccExtension);
    this.#events = bccEvents(this.#profile, duration);
  }

  drive(name: string, text: string, facts: BccFacts): Drive {
    using machine = boot({ profile: this.#profile, cpus: 2, processes: bccProcesses });
    const notes: string[] = [];
    const usdt = usdtOf(machine, name, text, facts, notes);
    const cflags = (facts.cflags ?? []).filter((flag) => !flag.startsWith('-W'));
    using bpf = new BPF(machine, { text, cflags, usdt });
    const wanted = (facts.attach ?? []).length + bpf.object.links.length;
    let attached = bpf.object.links.length;
    for (const one of facts.attach ?? []) {
      try {
        attach(bpf, one);
        attached++;
      } catch (fault) {
        if (!(fault instanceof BpfError)) throw fault;
        notes.push(`${one.kind} ${one.event ?? one.event_re ?? one.sym ?? ''}: ${fault.message}`);
      }
    }
    prepare(bpf, name);
    const counted = { events: 0 };
    for (const table of bpf.tables()) listen(bpf, table, counted);
    this.#play(machine, bpf);
    counted.events += bpf.tracePrint().length;
    for (const link of bpf.object.links) {
      if (link.info().hits === 0) notes.push(`never hit: ${JSON.stringify(link.target)}`);
    }
    for (const { program, message, count } of machine.traps)
      notes.push(`${program} trapped ${count} times: ${message}`);
    const readable = bpf.tables().filter((table) => !unreadable.includes(bpf.object.map(table).spec.type));
    const entries = Object.fromEntries(readable.map((table) => [table, countEntries(bpf.table(table))]));
    const hit = bpf.object.links.filter((link) => link.info().hits > 0).length;
    const kept = Object.values(entries).reduce((sum, one) => sum + one, 0);
    // offcputime's only ring is for its warnings.
    const reads = (facts.open_perf_buffer ?? []).some((table) => table !== 'warn_events');
    const silent = wanted > 0 && (reads ? counted.events : counted.events + kept) === 0;
    return { attached, wanted, hit, points: bpf.object.links.length, events: counted.events, entries, silent, notes };
  }

  #play(machine: Machine, bpf: BPF): void {
    let polled = 0;
    for (const event of this.#events) {
      machine.fire(event);
      if (event.time - polled > sec(0.01)) {
        polled = event.time;
        bpf.poll();
      }
    }
    bpf.poll();
  }
}

function usdtOf(machine: Machine, name: string, text: string, facts: BccFacts, notes: string[]): USDT[] {
  // ustat enables a probe for each of its programs, by their names; its recording does not tell.
  const named = [...text.matchAll(/^int java_(\w+)\(void/gm)].map(
    ([, probe = '']) => [probe, `java_${probe}`] as const,
  );
  const enabled = name === 'ustat' ? [{ probes: named }] : (facts.usdt ?? []);
  return enabled.map(({ probes }) => {
    const pid = name === 'uthreads' || name === 'ustat' ? javaPid : mysqlPid;
    const usdt = new USDT(machine, { pid });
    for (const [probe, fnName] of probes) {
      try {
        usdt.enableProbe({ probe, fnName });
      } catch (fault) {
        notes.push((fault as Error).message);
      }
    }
    return usdt;
  });
}

function attach(bpf: BPF, one: Attachment): void {
  const { fn: fnName, event = '', event_re: eventRe, name = '', sym = '' } = one;
  const where = eventRe === undefined ? { event } : { eventRe };
  switch (one.kind) {
    case 'kprobe':
      bpf.attachKprobe({ ...where, fnName });
      break;
    case 'kretprobe':
      bpf.attachKretprobe({ ...where, fnName });
      break;
    case 'uprobe':
      bpf.attachUprobe({ name, sym, fnName });
      break;
    case 'uretprobe':
      bpf.attachUretprobe({ name, sym, fnName });
      break;
    case 'perf_event':
      bpf.attachPerfEvent({
        evType: one.ev_type ?? 0,
        evConfig: one.ev_config ?? 0,
        samplePeriod: one.period ?? 0,
        sampleFreq: one.freq ?? 0,
        fnName,
      });
      break;
    default:
      throw new BpfError('EINVAL', 'attach', `an attachment of kind ${one.kind}`);
  }
}

/** What a tool's Python writes into its tables before it begins. */
function prepare(bpf: BPF, name: string): void {
  if (name === 'klockstat') bpf.table<number, number>('enabled').set(0, 1);
}

function listen(bpf: BPF, name: string, counted: { events: number }): void {
  const table = bpf.table(name);
  const { type } = bpf.object.map(name).spec;
  const count = () => {
    counted.events++;
  };
  if (type === 'perf_event_array') table.openPerfBuffer(count, { pageCnt: 64 });
  else if (type === 'ringbuf') table.openRingBuffer(count);
}

/** Tables that hold no entries of their own. */
const unreadable: readonly string[] = ['perf_event_array', 'ringbuf', 'prog_array', 'stack_trace'];

/** Entries that tell something: of arrays only those that are not zero. */
function countEntries(table: Table<unknown, unknown>): number {
  let count = 0;
  for (const [, value] of table.items()) if (says(value)) count++;
  return count;
}

function says(value: unknown): boolean {
  if (typeof value === 'number') return value !== 0;
  if (typeof value === 'bigint') return value !== 0n;
  if (typeof value === 'string') return value !== '';
  if (value instanceof Uint8Array) return value.some((byte) => byte !== 0);
  if (Array.isArray(value)) return value.some(says);
  return typeof value === 'object' && value !== null && Object.values(value).some(says);
}

/** Drives every text of a folder, or those named, and prints a row for each; the process fails when one is silent. */
export function driveAll(folder: string, only: readonly string[], profile: KernelProfile): void {
  const driver = new BccDriver(profile);
  console.log(
    `\n${'driven'.padEnd(20)} ${'attached'.padStart(8)} ${'hit'.padStart(7)} ${'events'.padStart(7)} entries`,
  );
  const silent: string[] = [];
  for (const file of readdirSync(folder).sort()) {
    const name = file.slice(0, -2);
    if (!file.endsWith('.c') || (only.length > 0 && !only.includes(name))) continue;
    const path = join(folder, `${name}.json`);
    const facts = (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}) as BccFacts;
    const drive = driveOne(driver, name, readFileSync(join(folder, file), 'utf8'), facts);
    if (typeof drive === 'string') {
      console.log(`${name.padEnd(20)} ${drive}`);
      silent.push(name);
      continue;
    }
    const { attached, wanted, hit, points, events, entries } = drive;
    const kept = Object.values(entries).reduce((sum, one) => sum + one, 0);
    const columns = [
      `${attached}/${wanted}`.padStart(8),
      `${hit}/${points}`.padStart(7),
      String(events).padStart(7),
      kept,
    ];
    const what = wanted === 0 ? 'nothing to attach' : drive.silent ? 'SILENT' : '';
    console.log(`${name.padEnd(20)} ${columns.join(' ')} ${what}`.trimEnd());
    for (const note of drive.notes) console.log(`    ${note}`);
    if (drive.silent || attached < wanted) silent.push(name);
  }
  console.log(silent.length === 0 ? '\nnone is silent' : `\nsilent or not attached: ${silent.join(', ')}`);
  if (silent.length > 0) process.exitCode = 1;
}

function driveOne(driver: BccDriver, name: string, text: string, facts: BccFacts): Drive | string {
  try {
    return driver.drive(name, text, facts);
  } catch (fault) {
    return String((fault as Error).message).split('\n')[0] as string;
  }
}
