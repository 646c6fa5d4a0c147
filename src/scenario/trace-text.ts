/**
 * Reads what ftrace and perf print: the `trace` file of tracefs, `trace-cmd report`, `perf script`. Every line is one
 * of: a comment or header, an entry, a marker, the begin of a kernel stack, a frame of one. What is none of them is
 * an error with its place.
 */
import { InputError, type Nanoseconds } from '../base/index.ts';

/** One line that says that something happened. */
export interface TraceEntry {
  /** 1-based. */
  readonly line: number;
  readonly comm: string;
  readonly pid: number;
  /** The pid where the trace does not tell. */
  readonly tgid: number;
  readonly cpu: number;
  /** ns on the trace's clock. */
  readonly time: Nanoseconds;
  /** `kfree_skb`, or with its system where the tool prints it, `skb:kfree_skb`. */
  readonly name: string;
  /** What the event prints of its fields. */
  readonly text: string;
  /** 1-based column at which `text` begins. */
  readonly column: number;
  /** Frames that the tool printed right below it (perf script), innermost first. */
  readonly stack: string[];
}

export interface TraceText {
  readonly file: string;
  /** Events in the order of the file. */
  readonly entries: readonly TraceEntry[];
  /** What was written to trace_marker. */
  readonly markers: readonly TraceEntry[];
  /** Kernel stacks as entries of their own (tracefs, trace-cmd): who and when, and the frames. */
  readonly stacks: readonly TraceEntry[];
  /** Online CPUs as the header says, 0 when it does not. */
  readonly cpus: number;
  /** The text of a line, for messages. */
  readonly lineText: (line: number) => string;
  /** Whether the file ends in the middle of this line: the last, without its newline. */
  readonly isCut: (line: number) => boolean;
}

/*
 *          python3-26031   (  26031) [000] .Ns1.  2324.815101: kfree_skb: skbaddr=…
 *          task and pid     tgid      CPU   flags  time         event      fields
 */
const ftraceLine = /^\s*(.+)-(\d+)\s+(?:\(\s*(\d+|-+)\)\s+)?\[(\d+)\]\s+(?:(\S{4,6})\s+)?(\d+)\.(\d{6,9}):\s+(\S.*)$/;

/* python3 26031/26031 [000]  2324.815101:          skb:kfree_skb: skbaddr=… */
const perfLine =
  /^\s*(\S.*?)\s+(\d+)(?:\/(\d+))?\s+\[(\d+)\]\s+(?:(\S{4,6})\s+)?(\d+)\.(\d{6,9}):\s+(?:\d+\s+)?([\w-]+:[\w.-]+:.*)$/;

/* ` => symbol+0x4bc/0xd00 [module]`, and trace-cmd's `=> symbol (ffffffff81c0d5a0)` */
const ftraceFrame = /^\s*=> (.+)$/;

/* `	ffffffff81c0d5ac symbol+0x4bc ([kernel.kallsyms])` */
const perfFrame = /^\s+([0-9a-f]{1,16}) (.+?) \((.*)\)$/;

/** `symbol+0x4bc/0xd00 [module]` as the frames of a stack are written: without the size. */
export function frameOf(printed: string): string {
  return printed.trim().replace(/(\+0x[0-9a-f]+)\/0x[0-9a-f]+/, '$1');
}

function ftraceFrameOf(printed: string): string {
  return frameOf(printed.replace(/ [(<][0-9a-f]{8,16}[)>]$/, ''));
}

/** A frame of perf script, undefined for one of user space. */
function perfFrameOf(address: string, symbol: string, object: string): string | undefined {
  if (!address.startsWith('ffff') || address.length < 16) return undefined;
  const name = symbol === '[unknown]' ? `0x${address}` : symbol;
  const module = /^\[(?!kernel\b)([\w-]+)\]$/.exec(object)?.[1];
  return module === undefined ? name : `${name} [${module}]`;
}

/** `kfree_skb` of `skb:kfree_skb`. */
export function plainName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

class TraceReader {
  readonly entries: TraceEntry[] = [];
  readonly markers: TraceEntry[] = [];
  readonly stacks: TraceEntry[] = [];
  cpus = 0;
  readonly #file: string;
  readonly #lines: readonly string[];
  readonly #endsWithNewline: boolean;
  /** What frames belong to. */
  #open: TraceEntry | undefined;

  constructor(text: string, file: string) {
    this.#file = file;
    this.#lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
    this.#endsWithNewline = text.endsWith('\n');
  }

  read(): TraceText {
    for (let i = 0; i < this.#lines.length; i++) this.#readLine(i + 1, this.#lines[i]!);
    if (this.entries.length === 0 && this.markers.length === 0) this.#nothing();
    return {
      file: this.#file,
      entries: this.entries,
      markers: this.markers,
      stacks: this.stacks,
      cpus: this.cpus,
      lineText: (line) => this.#lines[line - 1] ?? '',
      isCut: (line) => this.#isCut(line),
    };
  }

  #isCut(line: number): boolean {
    return !this.#endsWithNewline && line === this.#lines.length;
  }

  #readLine(line: number, text: string): void {
    if (text === '') {
      this.#open = undefined;
      return;
    }
    if (text.startsWith('#') || /^(cpus=\d+|CPU \d+ is empty|CPU:\d+ \[LOST \d+ EVENTS\])$/.test(text)) {
      this.#header(text);
      return;
    }
    if (this.#frame(line, text)) return;
    const match = ftraceLine.exec(text);
    if (match) {
      this.#entry(line, text, match, match[3] !== undefined && /\d/.test(match[3]) ? match[3] : match[2]!, match[2]!);
      return;
    }
    const perf = perfLine.exec(text);
    if (perf) this.#entry(line, text, perf, perf[2]!, perf[3] ?? perf[2]!);
    else this.#fault(line, text);
  }

  #header(text: string): void {
    const cpus = /#P:(\d+)|^cpus=(\d+)$/.exec(text);
    if (cpus) this.cpus = Number(cpus[1] ?? cpus[2]);
  }

  /** Takes a line that is a frame of the stack being read. */
  #frame(line: number, text: string): boolean {
    const frame = ftraceFrame.exec(text);
    // A task may be called `=> x`.
    if (frame && !ftraceLine.test(text)) {
      // All frames of tracefs end in their size: a last one without is cut, whatever its name looks like.
      if (this.#isCut(line) && !/\/0x[0-9a-f]+( \[\S+\])?$|\)$/.test(text)) this.#fault(line, text);
      if (!this.#open) this.#fault(line, text, 1, 'a stack frame belongs to no stack', 'an event above it');
      this.#open!.stack.push(ftraceFrameOf(frame[1]!));
      return true;
    }
    const perf = this.#open && perfFrame.exec(text);
    if (!perf) return false;
    const printed = perfFrameOf(perf[1]!, perf[2]!, perf[3]!);
    if (printed !== undefined) this.#open!.stack.push(printed);
    return true;
  }

  #entry(line: number, text: string, match: RegExpExecArray, tgid: string, pid: string): void {
    const body = match[8]!;
    // With sym-addr the writer of a marker has its address behind its name.
    const colon = /^((?:[\w-]+:)?[^\s:]+)(?: <[0-9a-f]{8,16}>)?:\s*/.exec(body);
    const stack = /^(?:kernel_stack:\s*)?<stack trace ?>/.test(body);
    if (!colon && !stack)
      this.#fault(line, text, text.length - body.length + 1, 'no event name', 'NAME: and its fields');
    const fraction = match[7]!;
    const time = Number(match[6]) * 1e9 + Number(fraction) * 10 ** (9 - fraction.length);
    const entry: TraceEntry = {
      line,
      comm: match[1]!.trim(),
      pid: Number(pid),
      tgid: Number(tgid),
      cpu: Number(match[4]),
      time,
      name: stack ? 'kernel_stack' : colon![1]!,
      text: stack ? '' : body.slice(colon![0].length).trimEnd(),
      column: text.length - body.length + 1 + (colon?.[0].length ?? 0),
      stack: [],
    };
    this.#open = entry;
    if (stack) this.stacks.push(entry);
    else if (/^(tracing_mark_write\b|print$|ftrace:print$|bprint$)/.test(entry.name)) this.markers.push(entry);
    else this.entries.push(entry);
  }

  #nothing(): never {
    const seen = this.#lines.some((line) => line.trim() !== '');
    throw new InputError(seen ? 'the trace holds no events' : 'the trace is empty', {
      at: { file: this.#file, line: 1, column: 1 },
      expected: 'lines of events as tracefs, trace-cmd report or perf script print them',
      hint: 'the file must be read while or after the events happen: cat /sys/kernel/tracing/trace > FILE',
    });
  }

  #fault(line: number, text: string, column = faultColumn(text), message?: string, expected?: string): never {
    const at = { file: this.#file, line, column, text };
    const right = expected ?? 'TASK-PID [CPU] FLAGS SECONDS.MICROSECONDS: EVENT: FIELDS';
    if (this.#isCut(line)) {
      throw new InputError('the trace is cut off in the middle of a line', {
        at: { ...at, column: text.length + 1 },
        expected: right,
        hint: 'copy the file again, or remove its last line',
      });
    }
    const first = this.entries.length === 0 && this.markers.length === 0;
    const setting = otherSettings.find(({ line: pattern }) => pattern.test(text));
    if (setting && message === undefined) {
      throw new InputError(setting.message, { at, expected: right, hint: setting.hint });
    }
    throw new InputError(message ?? (first ? 'this is not a trace' : 'this line of the trace cannot be read'), {
      at,
      expected: right,
      hint: first
        ? 'a scenario file is tracefs text, trace-cmd report, perf script, or a scenario in JavaScript or TypeScript'
        : 'the file was damaged, or edited by hand',
    });
  }
}

/** What lines look like under settings of ftrace that leave out what a scenario needs. */
const otherSettings: readonly { line: RegExp; message: string; hint: string }[] = [
  {
    line: /^\s*.+-\d+\s+(?:\(\s*[-\d]+\)\s+)?\[\d+\]\s+(?:\S{4,6}\s+)?\d+:\s/,
    message: "the trace's clock does not count seconds",
    hint: 'record with another clock: echo mono > /sys/kernel/tracing/trace_clock',
  },
  {
    line: /^\s*.+-\d+\s+\d+\S{4,6}\s+\d+us/,
    message: 'the trace is in the latency format, which has no absolute time',
    hint: 'turn it off: echo nolatency-format > /sys/kernel/tracing/trace_options',
  },
];

/** Where a line stops to look like an entry: the column of the first part that does not fit. */
function faultColumn(text: string): number {
  const parts = [/.*?-\d+|^\s*\S+\s+\d+/, /.*?\s\[\d+\]/, /.*?\s\d+\.\d{6,9}:/];
  let column = 1;
  for (const part of parts) {
    const match = new RegExp(part.source, 'y').exec(text);
    if (!match) return column;
    column = match[0].length + 1;
  }
  return Math.min(column, text.length + 1);
}

/** The entries of a trace text. @throws InputError with line and column of what cannot be read */
export function readTraceText(text: string, file: string): TraceText {
  return new TraceReader(text, file).read();
}
