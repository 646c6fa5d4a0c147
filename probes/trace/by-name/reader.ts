import {
  BPF,
  type Column,
  type DetailSection,
  expandTarget,
  type Kernel,
  type Nanoseconds,
  nearestHint,
  offsetsOf,
  type PerfBuffer,
  type RecordsView,
  readText,
  readU64,
  type Table,
  type ToolContext,
  type ToolOptionValue,
  type ToolRun,
  type TracedRecord,
  UsageError,
} from 'tracebed';
import { type PointPlan, parsePoint, planPoint, valueNames } from './plan.ts';
import { answerField, programSource, recordName, textField, valueField } from './program.ts';
import { type Shown, showValue, type ValuePlace } from './value.ts';

/**
 * `trace POINT [FIELD…]`: one line for each time that a function is entered or returns, or a tracepoint is passed, with
 * its arguments by name. The program is written at the start from the kernel's own types, so there is nothing to keep
 * in step with a kernel.
 */
const columns: readonly Column[] = [
  { key: 'time', title: 'TIME', align: 'right', width: 15, priority: 80 },
  { key: 'cpu', title: 'CPU', align: 'right', width: 3, priority: 30 },
  { key: 'pid', title: 'PID', align: 'right', width: 7, priority: 60 },
  { key: 'comm', title: 'COMM', align: 'left', width: 16, priority: 50 },
  { key: 'point', title: 'FUNC', align: 'left', width: 22, priority: 70 },
  { key: 'args', title: 'ARGS', align: 'left', width: 60, priority: 90 },
];

/** Programs that one pattern may make. */
const mostPoints = 128;

/** @throws UsageError for a point or field that is not there, with the nearest names */
export function startByName({ kernel, args, options, ringPages }: ToolContext): ToolRun {
  const [text = '', ...wanted] = args;
  const points = plans(kernel, text, wanted);
  const process = processId(options.pid);
  const stacks = options.kernelStack === true;
  const bpf = new BPF(kernel, { text: programSource(points, { process, stacks }) });
  const events = new EventReader(bpf, points, ringPages);
  for (const [index, { kind, name }] of points.entries()) {
    const fnName = `point${index}`;
    if (kind === 'tracepoint') bpf.attachTracepoint({ tp: name, fnName });
    else if (kind === 'kprobe') bpf.attachKprobe({ event: name, fnName });
    else bpf.attachKretprobe({ event: name, fnName });
  }
  return events;
}

/** The points that the user means, each with what is read there. @throws UsageError */
function plans(kernel: Kernel, text: string, wanted: readonly string[]): PointPlan[] {
  const { profile } = kernel;
  const { kind, name } = parsePoint(text);
  const targets = expandTarget(kernel, kind === 'tracepoint' ? { kind, name } : { kind, function: name });
  const names = targets.flatMap((target) =>
    'name' in target ? [target.name] : 'function' in target ? [target.function] : [],
  );
  if (names.length > mostPoints) {
    throw new UsageError(`'${text}' matches ${names.length} points`, { expected: `at most ${mostPoints}` });
  }
  checkKnown(kernel, kind, names);
  for (const field of wanted) {
    const root = field.split(/->|\./)[0] as string;
    const known = new Set(names.flatMap((one) => valueNames(profile, kind, one)));
    if (known.has(root)) continue;
    throw new UsageError(`${text} has no field '${root}'`, {
      expected: known.size === 0 ? 'no fields: nothing is known of its arguments' : `one of ${[...known].join(', ')}`,
      ...nearestHint(root, known),
    });
  }
  return names.map((one) => planPoint(profile, kind, one, wanted));
}

/** @throws UsageError for a function or tracepoint that is not there, with the nearest names */
function checkKnown(kernel: Kernel, kind: PointPlan['kind'], names: readonly string[]): void {
  const known = new Set(kind === 'tracepoint' ? kernel.tracepoints() : kernel.functions());
  for (const name of names) {
    if (known.has(name)) continue;
    const what = kind === 'tracepoint' ? 'tracepoint' : 'function';
    throw new UsageError(`Linux ${kernel.profile.release} has no ${what} '${name}'`, {
      ...nearestHint(name, known, `tracebed events '*${name}*' looks for it`),
    });
  }
}

function processId(value: ToolOptionValue | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && /^\d+$/.test(value)) return Number(value);
  throw new UsageError(`--pid cannot be '${value}'`, { expected: 'a process id' });
}

const head = ['time', 'point', 'cpu', 'tid', 'tgid', 'stack_id', 'comm'] as const;

/** Where the parts of one point's records lie. */
interface Layout {
  readonly plan: PointPlan;
  readonly size: number;
  readonly head: Record<(typeof head)[number], number>;
  readonly values: readonly ValuePlace[];
}

class EventReader implements ToolRun {
  readonly view: RecordsView;
  readonly kernel: Kernel;
  readonly #stacks: Table;
  readonly #walked = new Map<number, readonly string[]>();
  readonly #bpf: BPF;
  readonly #buffer: PerfBuffer<TraceEvent>;
  readonly #layouts: readonly Layout[];
  #pending: TraceEvent[] = [];

  constructor(bpf: BPF, points: readonly PointPlan[], pages: number) {
    this.#bpf = bpf;
    this.kernel = bpf.kernel;
    this.#stacks = bpf.table('stacks');
    this.#layouts = points.map((plan, index) => layoutOf(bpf, plan, index));
    this.#buffer = bpf.object.perfBuffer('events', {
      pages,
      decode: (view, offset) => this.#decode(view, offset),
      time: (event) => event.time,
    });
    this.#buffer.records.subscribe((batch) => {
      this.#pending = this.#pending.concat(batch);
    });
    this.view = {
      kind: 'records',
      noun: 'event',
      levels: [],
      columns,
      take: () => {
        const taken = this.#pending;
        this.#pending = [];
        return taken;
      },
      detail: (record) => (record.source instanceof TraceEvent ? record.source.sections() : []),
    };
  }

  #decode(view: DataView, offset: number): TraceEvent {
    // Every record begins alike; the point's number tells the rest.
    const first = this.#layouts[0] as Layout;
    const layout = this.#layouts[view.getUint32(offset + first.head.point, true)] as Layout;
    const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, layout.size).slice();
    const stack = this.#stack(view.getInt32(offset + layout.head.stack_id, true));
    return new TraceEvent(this.kernel, layout, new DataView(bytes.buffer), stack);
  }

  /** Symbols, innermost first. A stack id means the same stack for as long as the map lives. */
  #stack(id: number): readonly string[] {
    let frames = this.#walked.get(id);
    if (frames === undefined) {
      frames = this.#stacks.walk(id, (address) => this.kernel.symbols.format(address));
      this.#walked.set(id, frames);
    }
    return frames;
  }

  get events(): readonly number[] {
    return this.#buffer.events;
  }

  get lost(): number {
    return this.#buffer.lost;
  }

  drain(): number {
    return this.#buffer.poll();
  }

  close(): void {
    this.#bpf.close();
  }
}

function layoutOf(bpf: BPF, plan: PointPlan, index: number): Layout {
  const struct = bpf.struct(recordName(index));
  const offset = (name: string): number => struct.fields.find((field) => field.name === name)?.offset ?? 0;
  return {
    plan,
    size: struct.size,
    head: offsetsOf(bpf.struct('head'), head),
    values: plan.values.map((_, at) => ({
      value: offset(valueField(at)),
      text: offset(textField(at)),
      answer: offset(answerField(at)),
    })),
  };
}

/** One line. Its values stay bytes until someone looks. */
class TraceEvent implements TracedRecord {
  readonly time: Nanoseconds;
  readonly cpu: number;
  readonly groups: readonly string[] = [];
  readonly #kernel: Kernel;
  readonly #layout: Layout;
  readonly #view: DataView;
  readonly #stack: readonly string[];

  constructor(kernel: Kernel, layout: Layout, view: DataView, stack: readonly string[]) {
    this.#kernel = kernel;
    this.#stack = stack;
    this.#layout = layout;
    this.#view = view;
    this.time = readU64(view, layout.head.time);
    this.cpu = view.getUint32(layout.head.cpu, true);
  }

  get source(): this {
    return this;
  }

  #u32(field: (typeof head)[number]): number {
    return this.#view.getUint32(this.#layout.head[field], true);
  }

  get #values(): readonly { readonly name: string; readonly declared: string; readonly shown: Shown }[] {
    const { plan, values } = this.#layout;
    return plan.values.map((value, at) => ({
      name: value.name,
      declared: value.declared,
      shown: showValue(this.#kernel, value, this.#view, values[at] as ValuePlace),
    }));
  }

  /** `tcp_v4_connect`, `r:tcp_v4_connect`, `skb:kfree_skb`. */
  get point(): string {
    const { kind, name } = this.#layout.plan;
    return kind === 'kretprobe' ? `r:${name}` : name;
  }

  get comm(): string {
    return readText(this.#view, this.#layout.head.comm, 16);
  }

  get cells(): Readonly<Record<string, string>> {
    return {
      time: (this.time / 1e9).toFixed(9),
      cpu: String(this.cpu),
      pid: String(this.#u32('tid')),
      comm: this.comm,
      point: this.point,
      args: this.#values.map(({ name, shown }) => `${name}=${shown.text}`).join(' '),
    };
  }

  get json(): Readonly<Record<string, unknown>> {
    const stack = this.#stack;
    return {
      pid: this.#u32('tid'),
      tgid: this.#u32('tgid'),
      comm: this.comm,
      point: this.point,
      args: Object.fromEntries(this.#values.map(({ name, shown }) => [name, shown.json])),
      ...(stack.length > 0 ? { stack } : {}),
    };
  }

  sections(): readonly DetailSection[] {
    const stack = this.#stack;
    const widest = Math.max(0, ...this.#values.map(({ name }) => name.length));
    return [
      {
        title: this.point,
        lines: [
          `time  ${(this.time / 1e9).toFixed(9)} s`,
          `task  ${this.comm}, pid ${this.#u32('tid')}, process ${this.#u32('tgid')}, on CPU ${this.cpu}`,
        ],
      },
      {
        title: this.#layout.plan.kind === 'kretprobe' ? 'Result' : 'Arguments',
        lines: this.#values.map(({ name, shown, declared }) => `${name.padEnd(widest)}  ${shown.text}  (${declared})`),
      },
      ...(stack.length > 0 ? [{ title: 'Kernel stack', lines: stack }] : []),
    ];
  }
}
