import type { Nanoseconds } from '../base/index.ts';
import type { KernelProfile } from '../btf/index.ts';
import type { Kernel } from '../sys/index.ts';

/**
 * A tool: its name and options, and how it starts on a kernel. What it shows is a View, plain data that grows while
 * the run goes on; presenters of the dashboard and of the plain outputs read it, and know no tool.
 */
export interface Tool {
  readonly name: string;
  readonly summary: string;
  /** `FUNCTION`, `POINT [FIELD…]`: as usage shows them. */
  readonly arguments: readonly ToolArgument[];
  readonly options: readonly ToolOption[];
  /** Command lines that work, each with what it does. */
  readonly examples: readonly { readonly command: string; readonly what: string }[];
  /** The scenario that it runs on when the user names none. */
  readonly scenario: string;
  /** Data pages of each perf ring when the user names no number: 8 when absent, as BCC's open_perf_buffer. */
  readonly ringPages?: number;
  /** The user's file that it was loaded from; none for a bundled one. */
  readonly file?: string;
  /** Loads and attaches. @throws TracebedError for a bad argument, a program that is refused, an unknown function */
  start(context: ToolContext): ToolRun;
}

export interface ToolArgument {
  readonly name: string;
  readonly what: string;
  readonly required: boolean;
  /** Takes all that follow. */
  readonly variadic?: boolean;
}

export interface ToolOption {
  /** commander's form: `-m, --milliseconds`, `-i, --interval <seconds>`. */
  readonly flags: string;
  readonly what: string;
  readonly default?: string;
  /** May be given several times: its value is the list of them. */
  readonly repeats?: true;
}

/** A flag is true; an option that repeats is a list. */
export type ToolOptionValue = string | boolean | readonly string[];

export interface ToolContext {
  readonly kernel: Kernel;
  readonly profile: KernelProfile;
  /** Positional arguments in order. */
  readonly args: readonly string[];
  /** Options by their camelCase name; a flag is true. */
  readonly options: Readonly<Record<string, ToolOptionValue>>;
  /** Data pages of each perf ring, as the user asked. */
  readonly ringPages: number;
  /** Real time of virtual time 0, ns since 1970, when the scenario knows it. */
  readonly epoch: bigint | undefined;
}

export interface ToolRun {
  readonly view: View;
  /** Lines that are all it was asked for: a list, its program. They are printed, and nothing is played. */
  readonly answer?: readonly string[];
  /** The fds that the lab polls; when one wakes, `drain` is called at the virtual time at which a reader would run. */
  readonly events: readonly number[];
  /** Takes all records that wait in the rings into the view. Returns how many. */
  drain(): number;
  /**
   * Called every `interval` virtual ns when given, and once at the end: reads maps into the view. Plain outputs print
   * a TextView at each tick; without an interval at the end alone.
   */
  readonly interval?: Nanoseconds;
  tick?(time: Nanoseconds, last: boolean): void;
  /** True when it has shown all that it was asked for: the run ends there, without another tick. */
  readonly done?: boolean;
  /** Lines of trace_pipe as they are read. */
  printed?(lines: readonly string[]): void;
  /** Records that the rings reported as lost (PERF_RECORD_LOST). */
  readonly lost: number;
  close(): void;
}

/** What a tool shows. */
export type View = RecordsView | TextView;

/**
 * Records in a tree of groups. `levels` are the groups from the outside in; the innermost level is the record itself.
 */
export interface RecordsView {
  readonly kind: 'records';
  /** `drop`: the type of its JSON lines, and what one is called. */
  readonly noun: string;
  /** The group levels; empty for a plain log of lines (trace). */
  readonly levels: readonly Level[];
  /** The columns of one record, in the table of records and in plain lines. */
  readonly columns: readonly Column[];
  /** Where records have `lines`: what plain output prints above them. */
  readonly header?: readonly string[];
  /** Takes what came since the last call, oldest first. The lab calls it after each drain. */
  take(): readonly TracedRecord[];
  /** Everything about one record, for its page. */
  detail(record: TracedRecord): readonly DetailSection[];
}

export interface Level {
  /** `reason`: the key in JSON and for sorting and filters. */
  readonly key: string;
  readonly title: string;
}

export interface Column {
  readonly key: string;
  readonly title: string;
  readonly align: 'left' | 'right';
  /** Cells that it wants; it gets less on a narrow screen, lower `priority` first dropped. */
  readonly width: number;
  readonly priority: number;
}

/** One record of a tool, decoded. */
export interface TracedRecord {
  readonly time: Nanoseconds;
  readonly cpu: number;
  /** The group at each level: `['NO_SOCKET', '__udp4_lib_rcv+0x4bc', 'UDP 10.77.0.1:42104 → 10.77.0.2:9999']`. */
  readonly groups: readonly string[];
  /** Cell text by column key. */
  readonly cells: Readonly<Record<string, string>>;
  /** What plain output prints for it, instead of its cells in the columns' widths. */
  readonly lines?: readonly string[];
  /** The record as a JSON line gives it (without `type` and `time`, which the report adds). */
  readonly json: Readonly<Record<string, unknown>>;
  /** What the tool needs to make its detail page. */
  readonly source: unknown;
}

export interface DetailSection {
  readonly title: string;
  readonly lines: readonly string[];
}

/** A text that is written anew: histograms, tables. */
export interface TextView {
  readonly kind: 'text';
  /** What a screen that is too low for it shows first: its begin, or its end when absent. */
  readonly first?: 'begin' | 'end';
  /** The type of its JSON lines: `histogram`. */
  readonly noun: string;
  /** The text as it stands, lines without newline; and the same as data. */
  readonly lines: readonly string[];
  readonly json: Readonly<Record<string, unknown>>;
}
