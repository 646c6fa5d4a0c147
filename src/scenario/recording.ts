/**
 * A recorded trace as a scenario: every line an event at its recorded time. A kfree_skb line becomes the three events
 * of a drop, on the stack recorded; others become tracepoints, their fields read back from what they print.
 */
import { readFileSync } from 'node:fs';
import { fileFault, InputError } from '../base/index.ts';
import { type KernelProfile, parsePrinted, type TracepointFormat } from '../btf/index.ts';
import {
  type Argument,
  type Arguments,
  type KernelEvent,
  type KernelStack,
  type StructObject,
  type Task,
  taskOf,
} from '../events/index.ts';
import { Context, World } from './context.ts';
import { type DropLine, type DropLines, readDrops, withoutRecorder } from './drop-line.ts';
import { type Capture, readPcap } from './pcap.ts';
import { playInOrder } from './play-list.ts';
import { type RecordedPackets, recordedPackets } from './recorded-packets.ts';
import type { Scenario, Stage } from './scenario.ts';
import { type TraceClock, traceClock } from './trace-clock.ts';
import { plainName, readTraceText, type TraceEntry, type TraceText } from './trace-text.ts';

export interface RecordingSource {
  readonly name: string;
  readonly summary?: string;
  /** The trace's file name, for messages, and its text. */
  readonly file: string;
  readonly text: string;
  readonly captures?: readonly { readonly file: string; readonly bytes: Uint8Array }[];
}

/** A trace that was read: what of it holds for any kernel. */
interface Recording {
  readonly trace: TraceText;
  readonly lines: DropLines;
  readonly packets: RecordedPackets;
  readonly clock: TraceClock;
  /** In order of time. */
  readonly entries: readonly TraceEntry[];
}

/**
 * A scenario of a trace and its captures.
 * @throws InputError with file, line and column (of a capture: byte offset) of what cannot be read
 */
export function recordingScenario(source: RecordingSource): Scenario {
  const trace = readTraceText(source.text, source.file);
  const lines = readDrops(trace);
  const captures: Capture[] = (source.captures ?? []).map(({ bytes, file }) => readPcap(bytes, file));
  const clock = traceClock(trace);
  const packets = recordedPackets(trace, lines, captures, clock);
  const entries = trace.entries.toSorted((a, b) => a.time - b.time || a.line - b.line);
  const recording = { trace, lines, packets, clock, entries };
  const all = [...trace.entries, ...trace.markers];
  const cpus = all.reduce((most, entry) => Math.max(most, entry.cpu + 1), Math.max(trace.cpus, 1));
  const end = all.reduce((latest, entry) => Math.max(latest, entry.time), clock.zero);
  return {
    name: source.name,
    summary: source.summary ?? summaryOf(recording),
    cpus,
    duration: end - clock.zero,
    ...(clock.epoch === undefined ? {} : { epoch: clock.epoch }),
    notes: (profile) => notesOf(recording, profile),
    events: (stage) => playInOrder(() => new Replay(recording, stage).events(), stage.scheduler),
  };
}

/** Reads a file, or says in one sentence why not. @throws InputError */
export function readInput(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw fileFault(path, 'read', cause);
  }
}

function summaryOf({ packets, entries }: Recording): string {
  const drops = packets.drops === 1 ? '1 drop' : `${packets.drops} drops`;
  return `recorded: ${drops} in ${entries.length} events`;
}

/** The formats that an entry's name may mean, those of its own system first. */
class Formats {
  readonly #profile: KernelProfile;
  readonly #byName = new Map<string, string[]>();

  constructor(profile: KernelProfile) {
    this.#profile = profile;
    for (const full of profile.tracepointNames()) {
      const name = plainName(full);
      const known = this.#byName.get(name);
      if (known) known.push(full);
      else this.#byName.set(name, [full]);
    }
  }

  of(name: string): TracepointFormat[] {
    const names = name.includes(':') ? [name] : (this.#byName.get(name) ?? []);
    return names.map((full) => this.#profile.tracepoint(full)).filter((format) => format !== undefined);
  }

  /** The format that an entry's text has, and its fields; undefined when none fits. */
  read(entry: TraceEntry): { format: TracepointFormat; fields: Arguments } | undefined {
    for (const format of this.of(entry.name)) {
      const fields = parsePrinted(format, entry.text);
      if (fields) return { format, fields };
    }
    return undefined;
  }
}

/** What the user should know about a recording on this kernel: what could not be read, what could not be matched. */
function notesOf(recording: Recording, profile: KernelProfile): string[] {
  const { lines, packets, trace } = recording;
  const formats = new Formats(profile);
  const unread = new Map<string, number>();
  for (const entry of trace.entries) {
    if (lines.drops.has(entry) || formats.read(entry)) continue;
    unread.set(entry.name, (unread.get(entry.name) ?? 0) + 1);
  }
  const notes = [...unread].map(([name, count]) => {
    const why =
      formats.of(name).length === 0 ? `kernel ${profile.name} has no such tracepoint` : 'its text has another form';
    return `${count} ${name} left out: ${why}`;
  });
  for (const [why, count] of packets.missing)
    notes.push(`${count} of ${packets.drops} drops without packet bytes: ${why}`);
  if (lines.orphans > 0) notes.push(`${lines.orphans} stack traces belong to no event of the trace`);
  return notes;
}

/** One playing of a recording to one kernel. */
class Replay {
  readonly #recording: Recording;
  readonly #world: World;
  readonly #formats: Formats;
  readonly #contexts = new Map<string, Context>();
  readonly #sockets = new Map<string, StructObject>();
  readonly #entered = new Map<KernelStack, KernelStack>();

  constructor(recording: Recording, stage: Stage) {
    this.#recording = recording;
    this.#world = new World(stage.profile, stage.scheduler);
    this.#formats = new Formats(stage.profile);
  }

  *events(): Generator<KernelEvent> {
    const { entries, lines, clock } = this.#recording;
    for (const entry of entries) {
      const time = entry.time - clock.zero;
      const drop = lines.drops.get(entry);
      if (drop) {
        // Made one pull ahead of their time, so the time is set here.
        for (const event of this.#drop(drop)) yield { ...event, time };
      } else {
        const event = this.#tracepoint(entry);
        if (event) yield { ...event, time };
      }
    }
  }

  #context(entry: TraceEntry): Context {
    const key = `${entry.cpu} ${entry.pid} ${entry.tgid} ${entry.comm}`;
    let context = this.#contexts.get(key);
    if (!context) {
      context = new Context(this.#world, entry.cpu, this.#task(entry), []);
      this.#contexts.set(key, context);
    }
    return context;
  }

  /** The trace tells no user: 0. ftrace calls the idle task `<idle>`; the kernel's own name has the CPU. */
  #task(entry: TraceEntry): Task {
    const idle = entry.pid === 0 && entry.comm === '<idle>';
    return taskOf({ pid: entry.pid, tgid: entry.tgid, comm: idle ? `swapper/${entry.cpu}` : entry.comm });
  }

  #tracepoint(entry: TraceEntry): KernelEvent | undefined {
    const read = this.#formats.read(entry);
    if (!read) return undefined;
    const buffer = this.#recording.packets.buffer(entry);
    const fields: Record<string, Argument> = { ...read.fields };
    if (buffer && 'skbaddr' in fields) fields.skbaddr = buffer;
    const stack = this.#recording.lines.stacks.get(entry) ?? [];
    return this.#context(entry).tracepoint(read.format.name, fields, { stack });
  }

  #drop(drop: DropLine): readonly KernelEvent[] {
    const context = this.#context(drop.entry);
    const skb = this.#recording.packets.buffer(drop.entry)!;
    const sk = drop.socket === undefined ? null : this.#socket(drop.socket);
    const { stack } = drop;
    if (drop.isDrop) {
      const reason = drop.reason ?? 'NOT_SPECIFIED';
      const given = { skb, sk, location: drop.location, reason };
      try {
        return context.dropOn(given, this.#enteredStack(drop.stack, drop.location), stack);
      } catch (fault) {
        throw fault instanceof InputError ? this.#placed(fault, drop) : fault;
      }
    }
    const number = Number(drop.reason);
    const reason = Number.isInteger(number) ? number : this.#world.reason(drop.reason!);
    const fields = this.#world.drops.fields(skb, sk, reason, { symbol: drop.location });
    return [context.tracepoint('skb:kfree_skb', fields, { stack })];
  }

  /** A fault of a line, with the line. */
  #placed(fault: InputError, drop: DropLine): InputError {
    const { file, lineText } = this.#recording.trace;
    const text = lineText(drop.entry.line);
    const column = text.indexOf('reason:') + 1;
    return new InputError(fault.message, {
      at: { file, line: drop.entry.line, text, ...(column > 0 ? { column } : {}) },
      ...(fault.hint === undefined ? {} : { hint: fault.hint }),
      cause: fault,
    });
  }

  /** Nothing is known of a receiving socket but that it was one, and which. */
  #socket(address: string): StructObject {
    let socket = this.#sockets.get(address);
    if (!socket) {
      socket = { object: 'struct', type: 'sock', fields: {} };
      this.#sockets.set(address, socket);
    }
    return socket;
  }

  /** What a probe on the drop function sees: the recorded stack without what lies inside of the function. */
  #enteredStack(recorded: KernelStack, location: string): KernelStack {
    const stack = recorded.length > 0 ? recorded : [location];
    let entered = this.#entered.get(stack);
    if (!entered) {
      const name = this.#world.drops.function;
      const frames = withoutRecorder(stack);
      const callers = frames[0]?.startsWith(`${name}+`) ? frames.slice(1) : frames;
      entered = [`${name}+0x1`, ...callers];
      this.#entered.set(stack, entered);
    }
    return entered;
  }
}
