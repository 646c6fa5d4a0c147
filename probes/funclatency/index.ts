import {
  BPF,
  defineTool,
  isPattern,
  type Kernel,
  log2Range,
  log2Slots,
  matcher,
  nearest,
  printLog2Hist,
  type TextMoment,
  type TextSnapshot,
  type ToolOutput,
  type ToolSetup,
  UsageError,
} from 'tracebed';

/**
 * How long functions take, as a log2 histogram: BCC's funclatency with its options and its output. A function's calls
 * are told apart by thread and function, so nested functions do not disturb each other; of a function that calls
 * itself only the innermost call is timed, as BCC does without --level.
 */
export default defineTool({
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
});

type Unit = 'nsecs' | 'usecs' | 'msecs';
const factors: Readonly<Record<Unit, number>> = { nsecs: 1, usecs: 1e3, msecs: 1e6 };

function start(setup: ToolSetup): ToolOutput {
  const { kernel } = setup;
  const pattern = setup.args[0] as string;
  const unit = unitOf(setup);
  const byFunction = setup.flag('function');
  const interval = setup.seconds('interval');
  const process = setup.integer('pid');
  const functions = functionsOf(kernel, pattern);
  const bpf = new BPF(kernel, {
    srcFile: new URL('funclatency.bpf.c', import.meta.url),
    defines: { FACTOR: factors[unit], BY_NAME: byFunction ? 1 : 0, PROCESS: process ?? false },
    maxEntries: { dist: Math.max(10240, functions.length * log2Slots) },
  });
  for (const event of functions) {
    bpf.attachKprobe({ event, fnName: 'function_entry' });
    bpf.attachKretprobe({ event, fnName: 'function_return' });
  }

  const dist = bpf.table<{ ip: number | bigint; slot: number }, number>('dist');
  const avg = bpf.table<number, number>('avg');

  function render({ time }: TextMoment): TextSnapshot {
    const total = Math.floor((avg.get(0) ?? 0) / factors[unit]);
    const count = avg.get(1) ?? 0;
    const histograms = dist
      .histograms<number | bigint>()
      .map(([ip, slots]) => ({ name: ip === 0 ? null : bpf.ksym(ip), slots }))
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
      ],
      json: {
        unit,
        functions: functions.length,
        total,
        count,
        average: count === 0 ? null : Math.floor(total / count),
        histograms: histograms.map(({ name, slots }) => ({ function: name, slots: slotRows(slots) })),
      },
    };
  }

  return {
    bpf,
    ...(interval === undefined ? {} : { interval }),
    view: {
      noun: 'histogram',
      opening: [`Tracing ${functions.length} functions for "${pattern}"... Hit Ctrl-C to end.`],
      render,
      reset: () => {
        dist.clear();
        avg.zero();
      },
    },
  };
}

function averageLines(total: number, count: number, unit: Unit): string[] {
  if (count === 0) return [];
  return ['', `avg = ${Math.floor(total / count)} ${unit}, total: ${total} ${unit}, count: ${count}`];
}

/** The slots that hold something, with the values that each counts. */
function slotRows(slots: readonly number[]): { low: bigint; high: bigint; count: number }[] {
  return slots.flatMap((count, slot) => (count === 0 ? [] : [{ ...log2Range(slot), count }]));
}

function unitOf(setup: ToolSetup): Unit {
  if (setup.flag('milliseconds') && setup.flag('microseconds')) {
    throw new UsageError('-u and -m exclude each other', { expected: 'one unit' });
  }
  return setup.flag('milliseconds') ? 'msecs' : setup.flag('microseconds') ? 'usecs' : 'nsecs';
}

/** The function of that name, or all that the pattern matches. @throws UsageError */
function functionsOf(kernel: Kernel, pattern: string): string[] {
  const names = [...kernel.functions()];
  const functions = isPattern(pattern) ? names.filter(matcher(pattern)) : names.filter((name) => name === pattern);
  if (functions.length > 0) return functions;
  const near = isPattern(pattern) ? [] : nearest(pattern, names);
  const what = isPattern(pattern) ? `no function matches '${pattern}'` : `has no function '${pattern}'`;
  throw new UsageError(isPattern(pattern) ? what : `Linux ${kernel.profile.release} ${what}`, {
    hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : `tracebed events '${pattern}' looks for it`,
  });
}
