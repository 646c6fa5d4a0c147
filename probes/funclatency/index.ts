import {
  type AttachTarget,
  BPF,
  defineTool,
  log2Range,
  log2Slots,
  printLog2Hist,
  type TextMoment,
  type TextSnapshot,
  type ToolOutput,
  type ToolSetup,
  UsageError,
} from 'tracebed';
import { findPlaces } from '../pattern-places.ts';
import { rhythmOf } from '../rhythm.ts';

/**
 * How long functions take, as a log2 histogram: BCC's funclatency with its options and its output. A function's calls
 * are told apart by thread and function, so nested functions do not disturb each other; of a function that calls
 * itself only the innermost call is timed, but with --level.
 */
export default defineTool({
  name: 'funclatency',
  summary: 'how long functions take, as a histogram',
  arguments: [
    {
      name: 'PATTERN',
      what: "a function, or several: 'vfs_*', /^tcp_v[46]_rcv$/; of a library or program c:malloc",
      required: true,
    },
  ],
  options: [
    { flags: '-p, --pid <pid>', what: 'only this process' },
    { flags: '-i, --interval <interval>', what: 'print and start anew each so many seconds' },
    { flags: '-d, --duration <duration>', what: 'end after so many seconds' },
    { flags: '-T, --timestamp', what: 'put the time above each histogram' },
    { flags: '-u, --microseconds', what: 'count in microseconds' },
    { flags: '-m, --milliseconds', what: 'count in milliseconds' },
    { flags: '-F, --function', what: 'a histogram for each function' },
    { flags: '-r, --regexp', what: "the pattern is a regular expression, matched from a name's start" },
    { flags: '-l, --level <level>', what: 'time calls of a function inside each other, so many deep' },
    { flags: '-v, --verbose', what: 'print the BPF program before starting' },
  ],
  examples: [
    { command: 'tracebed run funclatency tcp_v4_connect', what: 'time connects, in nanoseconds' },
    { command: 'tracebed run funclatency -u tcp_v4_connect', what: 'the same in microseconds' },
    {
      command: "tracebed run funclatency -F 'tcp_v4_*' -i 10",
      what: 'a histogram for each function, every 10 seconds',
    },
    { command: 'tracebed run funclatency -u shopd:find_item --scenario app', what: 'a function of a program' },
  ],
  scenario: 'slow-connect',
  start,
});

type Unit = 'nsecs' | 'usecs' | 'msecs';
const factors: Readonly<Record<Unit, number>> = { nsecs: 1, usecs: 1e3, msecs: 1e6 };

/** What has a histogram of its own. */
interface Section {
  readonly ip: number | bigint;
  readonly tgid: number;
}

function start(setup: ToolSetup): ToolOutput {
  const { kernel } = setup;
  const pattern = setup.args[0] as string;
  const unit = unitOf(setup);
  const process = setup.integer('pid');
  const regexp = setup.flag('regexp');
  const { places, library } = findPlaces(kernel, pattern, { regexp, process, functionsOnly: true });
  const byFunction = setup.flag('function') || (library !== undefined && process === undefined);
  const bpf = new BPF(kernel, {
    srcFile: new URL('funclatency.bpf.c', import.meta.url),
    defines: {
      FACTOR: factors[unit],
      BY_NAME: byFunction ? 1 : 0,
      BY_PROCESS: byFunction && library !== undefined ? 1 : 0,
      PROCESS: process ?? false,
      LEVEL: levelOf(setup),
    },
    maxEntries: { dist: Math.max(10240, places.length * log2Slots) },
  });
  attach(
    bpf,
    places.flatMap(({ targets }) => targets),
  );

  const dist = bpf.table<{ section: Section; slot: number }, number>('dist');
  const avg = bpf.table<number, number>('avg');

  function nameOf({ ip, tgid }: Section): string {
    return tgid === 0 ? bpf.ksym(ip) : `${bpf.sym(ip, tgid)} [${tgid}]`;
  }

  function render({ time, last }: TextMoment): TextSnapshot {
    const total = Math.floor((avg.get(0) ?? 0) / factors[unit]);
    const count = avg.get(1) ?? 0;
    const histograms = dist
      .histograms<Section>()
      .map(([section, slots]) => ({ name: byFunction ? nameOf(section) : null, slots }))
      .sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
    return {
      lines: [
        '',
        ...(setup.flag('timestamp') ? [setup.timeOfDay(time)] : []),
        ...histograms.flatMap(({ name, slots }) => [
          ...(byFunction ? ['', `Function = ${name}`] : []),
          ...printLog2Hist(slots, { unit }),
        ]),
        ...averageLines(total, count, unit),
        ...(last ? ['Detaching...'] : []),
      ],
      json: {
        unit,
        functions: places.length,
        total,
        count,
        average: count === 0 ? null : Math.floor(total / count),
        histograms: histograms.map(({ name, slots }) => ({ function: name, slots: slotRows(slots) })),
      },
    };
  }

  return {
    bpf,
    ...rhythmOf(setup),
    view: {
      noun: 'histogram',
      opening: [
        ...(setup.flag('verbose') ? bpf.sourceLines : []),
        `Tracing ${places.length} functions for "${pattern}"... Hit Ctrl-C to end.`,
      ],
      render,
      reset: () => {
        dist.clear();
        avg.zero();
      },
    },
  };
}

/** At each function's entry and at its return. */
function attach(bpf: BPF, targets: readonly AttachTarget[]): void {
  const [entry, end] = [bpf.loadFunc('function_entry', 'kprobe'), bpf.loadFunc('function_return', 'kprobe')];
  for (const target of targets) {
    entry.attach(target);
    if (target.kind === 'kprobe') end.attach({ kind: 'kretprobe', function: target.function });
    if (target.kind === 'uprobe') end.attach({ ...target, kind: 'uretprobe' });
  }
}

function averageLines(total: number, count: number, unit: Unit): string[] {
  if (count === 0) return [];
  return ['', `avg = ${Math.floor(total / count)} ${unit}, total: ${total} ${unit}, count: ${count}`, ''];
}

/** The slots that hold something, with the values that each counts. */
function slotRows(slots: readonly number[]): { low: bigint; high: bigint; count: number }[] {
  return slots.flatMap((count, slot) => (count === 0 ? [] : [{ ...log2Range(slot), count }]));
}

/** Of -u and -m together the latter counts, as in BCC. */
function unitOf(setup: ToolSetup): Unit {
  return setup.flag('milliseconds') ? 'msecs' : setup.flag('microseconds') ? 'usecs' : 'nsecs';
}

/** The macro LEVEL. A hash's value holds a time for each. */
function levelOf(setup: ToolSetup): number | false {
  const level = setup.integer('level');
  if (level === undefined || level === 1) return false;
  if (level >= 1 && level <= 1000) return level;
  throw new UsageError(`--level cannot be '${level}'`, { expected: 'a whole number, from 1 to 1000' });
}
