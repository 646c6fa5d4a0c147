import { type Observable, Subject } from 'rxjs';
import { InputError, type Nanoseconds, sec, UsageError } from '../base/index.ts';
import type { BPF } from '../client/index.ts';
import { parseTraceLine, type TraceLine } from '../client/index.ts';
import { Rows, type RowsOptions } from './rows.ts';
import type { RecordsView, TextView, Tool, ToolContext, ToolOption, ToolRun, View } from './tool.ts';

/**
 * A tool with little ceremony: what a BCC tool's Python does after parsing its options. `start` loads, attaches and
 * says what is shown: rows that callbacks print, or a text that is written anew at each interval. Rings, the ledger,
 * the end of the run are seen to.
 */
export type ToolDefinition = Pick<Tool, 'name' | 'summary' | 'scenario'> &
  Partial<Pick<Tool, 'arguments' | 'options' | 'examples' | 'ringPages'>> & {
    /** @throws UsageError for options that exclude each other; BpfError, CompileError as BPF does */
    readonly start: (setup: ToolSetup) => ToolOutput;
  };

/** What a tool's start has at hand. Options go by their camelCase name: `--max-args` is maxArgs. */
export interface ToolSetup extends ToolContext {
  /** Whether a flag is given. */
  flag(option: string): boolean;
  /** An option's text, or undefined. */
  text(option: string): string | undefined;
  /** The texts of an option that repeats, in their order. */
  texts(option: string): readonly string[];
  /** A whole number, 0 or more. @throws UsageError for another text */
  integer(option: string): number | undefined;
  /** A number above 0, also with a fraction. @throws UsageError */
  number(option: string): number | undefined;
  /** Seconds of an option as virtual time. @throws UsageError */
  seconds(option: string): Nanoseconds | undefined;
  /** A positional argument that is a whole number, from 0. @throws UsageError */
  integerArgument(index: number): number | undefined;
  /** `[interval [count]]` as BCC's tools take them, from positional arguments at and behind `index`. @throws UsageError */
  intervalArguments(index?: number): Pick<ToolOutput, 'interval' | 'count'>;
  /** Rows to print: the view of a tool that tells each event. */
  rows<T extends string>(options: RowsOptions<T>): Rows<T>;
  /**
   * Emits the virtual time at each multiple of `period`, and once more at the end of the run: what bpf.histogram wants.
   * Subscribe while the tool starts.
   */
  every(period: Nanoseconds): Observable<Nanoseconds>;
  /** HH:MM:SS, of day where the scenario knows the date, else since the run began; now when no time is given. */
  timeOfDay(time?: Nanoseconds): string;
}

/** What a tool that shows a text has read at one moment. */
export interface TextSnapshot {
  readonly lines: readonly string[];
  /** The same as data. */
  readonly json: Readonly<Record<string, unknown>>;
}

export interface TextMoment {
  readonly time: Nanoseconds;
  /** How many intervals are over. */
  readonly ticks: number;
  /** Whether it is the last text of the run. */
  readonly last: boolean;
}

export interface TextOutput {
  /** What one text is called: `histogram`. The type of its JSON lines. */
  readonly noun: string;
  /** What a screen that is too low for it shows first: the begin of a table, the end of a histogram; that when absent. */
  readonly first?: 'begin' | 'end';
  /** Lines above the first text: `Tracing… Hit Ctrl-C to end.` */
  readonly opening?: readonly string[];
  /** Reads the tables. The dashboard asks at any time: it must change nothing. */
  render(moment: TextMoment): TextSnapshot;
  /** Called when an interval is over and another begins: empties the tables. */
  reset?(): void;
}

export interface ToolOutput {
  readonly bpf: BPF;
  /** Lines that are all it was asked for: they are printed, and nothing is played. */
  readonly answer?: readonly string[];
  /** Rows, or a text. */
  readonly view: Rows | RecordsView | TextOutput;
  /** How often a text is written, or `tick` called; a text without an interval is written once, at the end. */
  readonly interval?: Nanoseconds;
  /** After so many intervals the run ends. */
  readonly count?: number;
  /** Called at each interval and, `last`, at the end, before a text is written: for what a tool with rows reads from tables. */
  tick?(time: Nanoseconds, last: boolean): void;
  /** Asked after each read and interval: true ends the run. */
  done?(): boolean;
  /** Lines of bpf_trace_printk as they are read. */
  traceLine?(line: TraceLine): void;
}

/** Every tool has it, as BCC's have. */
const programOption: ToolOption = { flags: '--ebpf', what: 'print the BPF program as it is compiled, and end' };

/** Makes a Tool of its definition. */
export function defineTool(definition: ToolDefinition): Tool {
  const { name, summary, scenario, ringPages, start } = definition;
  return {
    name,
    summary,
    scenario,
    ...(ringPages === undefined ? {} : { ringPages }),
    arguments: definition.arguments ?? [],
    options: [...(definition.options ?? []), programOption],
    examples: definition.examples ?? [],
    start: (context) => {
      const setup = new Setup(context);
      return new DefinedRun(checkedOutput(name, start(setup)), setup);
    },
  };
}

/** A tool may be JavaScript, and TypeScript is run unchecked: what its start returns is looked at. */
function checkedOutput(name: string, output: Partial<ToolOutput> | undefined): ToolOutput {
  const { bpf, view } = output ?? {};
  const shown = typeof view === 'object' && view !== null && ('kind' in view || 'render' in view);
  if (output && typeof bpf?.poll === 'function' && shown) return output as ToolOutput;
  throw new InputError(`start of tool ${name} returned ${shown ? 'no BPF' : 'nothing that can be shown'}`, {
    expected: 'an object { bpf, view }; view is setup.rows(…), or { noun, render }',
  });
}

interface Clock {
  readonly period: Nanoseconds;
  readonly ticks: Subject<Nanoseconds>;
}

class Setup implements ToolSetup {
  readonly kernel: ToolContext['kernel'];
  readonly profile: ToolContext['profile'];
  readonly args: readonly string[];
  readonly options: ToolContext['options'];
  readonly ringPages: number;
  readonly epoch: bigint | undefined;
  readonly clocks: Clock[] = [];

  constructor(context: ToolContext) {
    this.kernel = context.kernel;
    this.profile = context.profile;
    this.args = context.args;
    this.options = context.options;
    this.ringPages = context.ringPages;
    this.epoch = context.epoch;
  }

  flag(option: string): boolean {
    return this.options[option] === true;
  }

  text(option: string): string | undefined {
    const value = this.options[option];
    return typeof value === 'string' ? value : undefined;
  }

  texts(option: string): readonly string[] {
    const value = this.options[option];
    return typeof value === 'object' ? value : [];
  }

  integer(option: string): number | undefined {
    const text = this.text(option);
    return text === undefined ? undefined : wholeNumber(text, flagOf(option));
  }

  number(option: string): number | undefined {
    const text = this.text(option);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (value > 0 && Number.isFinite(value)) return value;
    throw new UsageError(`${flagOf(option)} cannot be '${text}'`, { expected: 'a number above 0' });
  }

  seconds(option: string): Nanoseconds | undefined {
    const text = this.text(option);
    return text === undefined ? undefined : secondsOf(text, flagOf(option));
  }

  integerArgument(index: number): number | undefined {
    const text = this.args[index];
    return text === undefined ? undefined : wholeNumber(text, `argument ${index + 1}`);
  }

  intervalArguments(index = 0): Pick<ToolOutput, 'interval' | 'count'> {
    const [interval, count] = this.args.slice(index);
    return {
      ...(interval === undefined ? {} : { interval: secondsOf(interval, 'the interval') }),
      ...(count === undefined ? {} : { count: wholeNumber(count, 'the count') }),
    };
  }

  rows<T extends string>(options: RowsOptions<T>): Rows<T> {
    return new Rows(() => this.kernel.clock(), options);
  }

  every(period: Nanoseconds): Observable<Nanoseconds> {
    if (!(period > 0)) throw new UsageError(`nothing happens every ${period} ns`, { expected: 'a period above 0' });
    const ticks = new Subject<Nanoseconds>();
    this.clocks.push({ period: Math.max(1, Math.round(period)), ticks });
    return ticks.asObservable();
  }

  timeOfDay(time: Nanoseconds = this.kernel.clock()): string {
    const epoch = this.epoch ?? 0n;
    return new Date(Number((epoch + BigInt(Math.floor(time))) / 1_000_000n)).toISOString().slice(11, 19);
  }
}

function wholeNumber(text: string, what: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError(`${what} cannot be '${text}'`, { expected: 'a whole number' });
}

function secondsOf(text: string, what: string): Nanoseconds {
  const number = Number(text);
  if (number > 0 && Number.isFinite(number)) return sec(number);
  throw new UsageError(`${what} cannot be '${text}'`, { expected: 'seconds, above 0' });
}

/** `maxArgs` as it is typed: `--max-args`. */
function flagOf(option: string): string {
  return `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** A definition's output as the lab runs it. */
class DefinedRun implements ToolRun {
  readonly view: View;
  readonly answer?: readonly string[];
  readonly interval?: Nanoseconds;
  readonly #output: ToolOutput;
  readonly #text: LiveText | undefined;
  readonly #clocks: readonly Clock[];
  #ticks = 0;

  constructor(output: ToolOutput, setup: Setup) {
    const { view, interval } = output;
    const { kernel, clocks } = setup;
    const answer = setup.flag('ebpf') ? output.bpf.sourceLines : output.answer;
    if (answer) this.answer = answer;
    this.#output = output;
    this.#clocks = clocks;
    this.#text = 'render' in view ? new LiveText(view, () => kernel.clock()) : undefined;
    this.view = this.#text ?? (view as RecordsView);
    const periods = [...(interval === undefined ? [] : [Math.round(interval)]), ...clocks.map(({ period }) => period)];
    if (periods.length > 0) this.interval = periods.reduce(commonDivisor);
    if (this.#text && this.interval !== interval) {
      throw new UsageError('a text is written at its own interval', { expected: 'rows with setup.every, or no every' });
    }
  }

  get events(): readonly number[] {
    return this.#output.bpf.fds;
  }

  get lost(): number {
    return this.#output.bpf.lost;
  }

  get done(): boolean {
    const { count, done } = this.#output;
    return (count !== undefined && this.#ticks >= count) || done?.() === true;
  }

  drain(): number {
    return this.#output.bpf.poll();
  }

  tick(time: Nanoseconds, last: boolean): void {
    for (const { period, ticks } of this.#clocks) if (last || time % period === 0) ticks.next(time);
    const { interval } = this.#output;
    if (!last && interval !== undefined && time % Math.round(interval) !== 0) return;
    this.#ticks++;
    this.#output.tick?.(time, last);
    this.#text?.tick(time, last || this.done);
  }

  printed(lines: readonly string[]): void {
    const { traceLine } = this.#output;
    if (!traceLine) return;
    for (const line of lines) {
      const fields = parseTraceLine(line);
      if (fields) traceLine(fields);
    }
  }

  close(): void {
    this.#output.bpf.close();
  }
}

/** So that one interval serves several periods. */
function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

/**
 * A text as it stands. It is read anew whenever someone looks, until an interval is over: then that interval's text
 * stays, and the tables begin anew.
 */
class LiveText implements TextView {
  readonly kind = 'text';
  readonly noun: string;
  readonly first: 'begin' | 'end';
  readonly #output: TextOutput;
  readonly #clock: () => Nanoseconds;
  #kept: TextSnapshot | undefined;
  #ticks = 0;

  constructor(output: TextOutput, clock: () => Nanoseconds) {
    this.#output = output;
    this.#clock = clock;
    this.noun = output.noun;
    this.first = output.first ?? 'end';
  }

  get lines(): readonly string[] {
    return this.#now().lines;
  }

  get json(): Readonly<Record<string, unknown>> {
    return this.#now().json;
  }

  #now(): TextSnapshot {
    return this.#kept ?? this.#read(this.#clock(), false);
  }

  #read(time: Nanoseconds, last: boolean): TextSnapshot {
    const { opening = [] } = this.#output;
    const { lines, json } = this.#output.render({ time, ticks: this.#ticks, last });
    return { lines: this.#ticks === 0 ? [...opening, ...lines] : lines, json };
  }

  tick(time: Nanoseconds, last: boolean): void {
    this.#kept = this.#read(time, last);
    this.#ticks++;
    if (!last) this.#output.reset?.();
  }
}
