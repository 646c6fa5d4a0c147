import {
  addressCodec,
  assembleObject,
  type BpfObject,
  type Codec,
  expandTarget,
  isPattern,
  type Kernel,
  loadObject,
  log2Range,
  log2Slots,
  type Nanoseconds,
  nearest,
  printLog2Hist,
  programText,
  sec,
  type TextView,
  type Tool,
  type ToolContext,
  type ToolRun,
  UsageError,
  u32Codec,
  u64Codec,
} from 'tracebed';

/**
 * How long functions take, as a log2 histogram: BCC's funclatency with its options and its output. A function's calls
 * are told apart by thread and function, so nested functions do not disturb each other; of a function that calls
 * itself only the innermost call is timed, as BCC does without --level.
 */
const tool: Tool = {
  name: 'funclatency',
  summary: 'how long a kernel function takes, as a histogram',
  arguments: [{ name: 'FUNCTION', what: "a function, or several: 'vfs_*', /^tcp_v[46]_rcv$/", required: true }],
  options: [
    { flags: '-p, --pid <pid>', what: 'only this process' },
    { flags: '-i, --interval <seconds>', what: 'print and start anew each so many seconds' },
    { flags: '-T, --timestamp', what: 'put the time above each histogram' },
    { flags: '-u, --microseconds', what: 'count in microseconds' },
    { flags: '-m, --milliseconds', what: 'count in milliseconds' },
    { flags: '-F, --function', what: 'a histogram for each function' },
  ],
  examples: [
    { command: 'tracebed run funclatency tcp_v4_connect', what: 'time connects, in nanoseconds' },
    { command: 'tracebed run funclatency -u tcp_v4_connect', what: 'the same in microseconds' },
    {
      command: "tracebed run funclatency -F 'tcp_v4_*' -i 10",
      what: 'a histogram for each function, every 10 seconds',
    },
  ],
  scenario: 'slow-connect',
  start,
};

export default tool;

type Unit = 'nsecs' | 'usecs' | 'msecs';
const factors: Readonly<Record<Unit, number>> = { nsecs: 1, usecs: 1e3, msecs: 1e6 };

function start(context: ToolContext): ToolRun {
  const { kernel, profile, args, options } = context;
  const pattern = args[0] as string;
  const unit = unitOf(options);
  const byFunction = options.function === true;
  const interval = options.interval === undefined ? undefined : seconds(options.interval);
  checkName(kernel, pattern);
  const functions = expandTarget(kernel, { kind: 'kprobe', function: pattern });
  const { text, file } = programText(import.meta.url, 'funclatency.bpf.s');
  const spec = assembleObject(text, {
    file,
    profile,
    define: {
      FACTOR: factors[unit],
      BY_NAME: byFunction ? 1 : 0,
      PROCESS: options.pid === undefined ? -1 : processId(options.pid),
    },
  });
  const object = loadObject(kernel, spec, { maxEntries: { dist: Math.max(10240, functions.length * log2Slots) } });
  try {
    for (const point of functions) {
      if (point.kind !== 'kprobe') continue;
      object.program('function_entry').attach(point);
      object.program('function_return').attach({ kind: 'kretprobe', function: point.function });
    }
    return new LatencyRun(object, {
      unit,
      byFunction,
      pattern,
      functions: functions.length,
      interval,
      timestamps: options.timestamp === true,
      epoch: context.epoch,
    });
  } catch (fault) {
    object.close();
    throw fault;
  }
}

interface LatencyOptions {
  readonly unit: Unit;
  readonly byFunction: boolean;
  readonly pattern: string;
  /** How many functions matched. */
  readonly functions: number;
  readonly interval: Nanoseconds | undefined;
  readonly timestamps: boolean;
  readonly epoch: bigint | undefined;
}

interface HistKey {
  readonly ip: bigint;
  readonly slot: number;
}

const histKeyCodec: Codec<HistKey> = {
  size: 16,
  read: (view, offset) => ({ ip: addressCodec.read(view, offset), slot: u64Codec.read(view, offset + 8) }),
  write: (view, offset, { ip, slot }) => {
    addressCodec.write(view, offset, ip);
    u64Codec.write(view, offset + 8, slot);
  },
};

interface Histogram {
  /** Null for the one that all functions share. */
  readonly name: string | null;
  readonly slots: readonly number[];
}

/** What is shown: as text and as data. */
interface Snapshot {
  readonly lines: readonly string[];
  readonly json: Readonly<Record<string, unknown>>;
}

/**
 * What the maps hold, as a text. It is read anew whenever someone looks, until an interval is over: then that
 * interval's text stays, and the maps begin anew.
 */
class LatencyRun implements ToolRun {
  readonly view: TextView;
  readonly events = [];
  readonly lost = 0;
  readonly interval?: Nanoseconds;
  readonly #object: BpfObject;
  readonly #options: LatencyOptions;
  readonly #dist;
  readonly #average;
  #kept: Snapshot | undefined;
  #ticks = 0;

  constructor(object: BpfObject, options: LatencyOptions) {
    this.#object = object;
    this.#options = options;
    this.#dist = object.table('dist', histKeyCodec, u64Codec);
    this.#average = object.table('avg', u32Codec, u64Codec);
    if (options.interval !== undefined) this.interval = options.interval;
    const now = (): Snapshot => this.#kept ?? this.#read(object.kernel.clock());
    this.view = {
      kind: 'text',
      noun: 'histogram',
      get lines() {
        return now().lines;
      },
      get json() {
        return now().json;
      },
    };
  }

  drain(): number {
    return 0;
  }

  tick(time: Nanoseconds, last: boolean): void {
    this.#kept = this.#read(time);
    this.#ticks++;
    if (last) return;
    this.#dist.clear();
    this.#average.zero();
  }

  #read(time: Nanoseconds): Snapshot {
    const { unit, functions, pattern } = this.#options;
    const histograms = this.#histograms();
    const total = Math.floor((this.#average.get(0) ?? 0) / factors[unit]);
    const count = this.#average.get(1) ?? 0;
    const opening = `Tracing ${functions} functions for "${pattern}"... Hit Ctrl-C to end.`;
    return {
      lines: [
        ...(this.#ticks === 0 ? [opening] : []),
        '',
        ...this.#stamp(time),
        ...this.#histogramLines(histograms),
        ...averageLines(total, count, unit),
      ],
      json: {
        unit,
        functions,
        total,
        count,
        average: count === 0 ? null : Math.floor(total / count),
        histograms: histograms.map(({ name, slots }) => ({ function: name, slots: slotRows(slots) })),
      },
    };
  }

  /** By the function's address; without -F one for all, empty when nothing was counted. */
  #histograms(): Histogram[] {
    const slotsByAddress = new Map<bigint, number[]>();
    for (const [{ ip, slot }, count] of this.#dist.items()) {
      const slots = slotsByAddress.get(ip) ?? new Array<number>(log2Slots).fill(0);
      slotsByAddress.set(ip, slots);
      slots[slot] = count;
    }
    const { symbols } = this.#object.kernel;
    const named = [...slotsByAddress].map(([ip, slots]) => ({
      name: ip === 0n ? null : (symbols.lookup(ip)?.name ?? '[unknown]'),
      slots,
    }));
    return named.sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
  }

  #histogramLines(histograms: readonly Histogram[]): string[] {
    const { unit, byFunction } = this.#options;
    return histograms.flatMap(({ name, slots }) => [
      ...(byFunction ? ['', `Function = ${name}`] : []),
      ...printLog2Hist(slots, { unit }),
    ]);
  }

  /** The time of day where the scenario knows it, else of the virtual clock. */
  #stamp(time: Nanoseconds): string[] {
    if (!this.#options.timestamps) return [];
    const epoch = this.#options.epoch ?? 0n;
    return [new Date(Number((epoch + BigInt(time)) / 1_000_000n)).toISOString().slice(11, 19)];
  }

  close(): void {
    this.#object.close();
  }
}

function averageLines(total: number, count: number, unit: Unit): string[] {
  if (count === 0) return [];
  return ['', `avg = ${Math.floor(total / count)} ${unit}, total: ${total} ${unit}, count: ${count}`];
}

/** The slots that hold something, with the values that each counts. */
function slotRows(slots: readonly number[]): { low: bigint; high: bigint; count: number }[] {
  return slots.flatMap((count, slot) => (count === 0 ? [] : [{ ...log2Range(slot), count }]));
}

function unitOf(options: ToolContext['options']): Unit {
  if (options.milliseconds === true && options.microseconds === true) {
    throw new UsageError('-u and -m exclude each other', { expected: 'one unit' });
  }
  return options.milliseconds === true ? 'msecs' : options.microseconds === true ? 'usecs' : 'nsecs';
}

function seconds(value: string | boolean): Nanoseconds {
  const number = typeof value === 'string' ? Number(value) : Number.NaN;
  if (number > 0 && Number.isFinite(number)) return sec(number);
  throw new UsageError(`--interval cannot be '${value}'`, { expected: 'seconds, above 0' });
}

function processId(value: string | boolean): number {
  if (typeof value === 'string' && /^\d+$/.test(value)) return Number(value);
  throw new UsageError(`--pid cannot be '${value}'`, { expected: 'a process id' });
}

/** @throws UsageError for one function that this kernel does not have */
function checkName(kernel: Kernel, name: string): void {
  if (isPattern(name)) return;
  const names = [...kernel.functions()];
  if (names.includes(name)) return;
  const near = nearest(name, names);
  throw new UsageError(`Linux ${kernel.profile.release} has no function '${name}'`, {
    hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : `tracebed events '*${name}*' looks for it`,
  });
}
