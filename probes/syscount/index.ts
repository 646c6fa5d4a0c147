import {
  BPF,
  defineTool,
  errno,
  nearestHint,
  sprintf,
  syscallNumbers,
  type TextMoment,
  type ToolOutput,
  type ToolSetup,
  UsageError,
} from 'tracebed';

interface Amount {
  readonly count: number;
  readonly total_ns: number;
}

/**
 * System calls counted, and timed: BCC's syscount. A process has the name that it had in its last system call, also
 * when it is gone.
 */
export default defineTool({
  name: 'syscount',
  summary: 'system calls, counted and timed, by call or by process',
  options: [
    { flags: '-p, --pid <pid>', what: 'only this process' },
    { flags: '-t, --tid <tid>', what: 'only this thread' },
    { flags: '-c, --ppid <ppid>', what: 'only children of this process' },
    { flags: '-i, --interval <interval>', what: 'write a table each so many seconds' },
    { flags: '-d, --duration <duration>', what: 'end after so many seconds' },
    { flags: '-T, --top <top>', what: 'rows at most', default: '10' },
    { flags: '-x, --failures', what: 'only calls that fail' },
    { flags: '-e, --errno <errno>', what: 'only calls that fail so: ENOENT, or a number' },
    { flags: '-L, --latency', what: 'how long they took too, and sorted by that' },
    { flags: '-m, --milliseconds', what: 'in milliseconds' },
    { flags: '-P, --process', what: 'by process and not by call' },
    { flags: '-l, --list', what: 'list the calls by name, and end' },
    { flags: '--syscall <syscall>', what: 'only this call' },
  ],
  examples: [
    { command: 'tracebed run syscount', what: 'the 10 calls that are made most' },
    { command: 'tracebed run syscount -L -m -T 5', what: 'the 5 that take most time' },
    { command: 'tracebed run syscount -P -x -i 10', what: 'failures by process, every 10 seconds' },
  ],
  scenario: 'processes',
  start(setup) {
    const bpf = new BPF(setup.kernel, {
      srcFile: new URL('syscount.bpf.c', import.meta.url),
      defines: {
        ...filterOf(setup),
        NUMBER: numberOf(setup.text('syscall')),
        FAILED: setup.flag('failures'),
        ERRNO: errnoOf(setup.text('errno')),
        LATENCY: setup.flag('latency'),
        BY_PROCESS: setup.flag('process'),
      },
    });
    return setup.flag('list') ? list(bpf) : counts(bpf, setup);
  },
});

/** The three that choose processes: the first that is given counts, as in BCC. */
function filterOf(setup: ToolSetup): Record<string, number | false> {
  const pid = setup.integer('pid');
  const tid = setup.integer('tid');
  const ppid = setup.integer('ppid');
  if (pid !== undefined) return { PROCESS: pid };
  if (tid !== undefined) return { THREAD: tid };
  return { PARENT: ppid ?? false };
}

/** @throws UsageError for a call that there is none of */
function numberOf(name: string | undefined): number | false {
  if (name === undefined) return false;
  const number = syscallNumbers.get(name);
  if (number !== undefined) return number;
  throw new UsageError(`there is no system call '${name}'`, {
    ...nearestHint(name, [...syscallNumbers.keys()], 'syscount -- -l lists them'),
  });
}

/** @throws UsageError for what is no errno */
function errnoOf(text: string | undefined): number | false {
  if (text === undefined) return false;
  if (/^-?\d+$/.test(text)) return Math.abs(Number(text));
  if (Object.hasOwn(errno, text)) return errno[text as keyof typeof errno];
  throw new UsageError(`--errno cannot be '${text}'`, { expected: 'a number, or a name: EPERM' });
}

function list(bpf: BPF): ToolOutput {
  const names = [...syscallNumbers.keys()].sort();
  const lines = Array.from({ length: Math.ceil(names.length / 4) }, (_, row) =>
    names
      .slice(row * 4, row * 4 + 4)
      .map((name) => sprintf('%-22s', name))
      .join('   ')
      .trimEnd(),
  );
  return { bpf, answer: lines, view: { noun: 'syscalls', render: () => ({ lines, json: { names } }) } };
}

function counts(bpf: BPF, setup: ToolSetup): ToolOutput {
  const byProcess = setup.flag('process');
  const timed = setup.flag('latency');
  const milliseconds = setup.flag('milliseconds');
  const failed = setup.flag('failures') ? 'failed ' : '';
  const top = setup.integer('top') ?? 10;
  const call = setup.text('syscall');
  const duration = setup.seconds('duration');
  const interval = setup.seconds('interval') ?? duration;
  const data = bpf.table<number, Amount>('data');
  const names = byProcess ? bpf.table<number, { readonly comm: string }>('names') : undefined;
  const commOf = (pid: number) => names?.get(pid)?.comm ?? '[unknown]';
  const label = (key: number) => (byProcess ? sprintf('%-6d %-15s', key, commOf(key)) : syscallName(key));
  const title = byProcess ? 'PID    COMM' : 'SYSCALL';
  const unit = milliseconds ? 'ms' : 'us';

  function render({ time, last }: TextMoment) {
    const found = [...data.items()]
      .sort(([a, m], [b, n]) => (timed ? n.total_ns - m.total_ns : n.count - m.count) || a - b)
      .slice(0, top);
    const lines = timed
      ? [
          sprintf('%-22s %8s %16s', title, 'COUNT', `TIME (${unit})`),
          ...found.map(([key, { count, total_ns }]) =>
            milliseconds
              ? sprintf('%-22s %8d %16.6f', label(key), count, total_ns / 1e6)
              : sprintf('%-22s %8d %16.3f', label(key), count, total_ns / 1e3),
          ),
        ]
      : [
          sprintf('%-22s %8s', title, 'COUNT'),
          ...found.map(([key, { count }]) => sprintf('%-22s %8d', label(key), count)),
        ];
    return {
      lines: [`[${setup.timeOfDay(time)}]`, ...lines, '', ...(last ? ['Detaching...'] : [])],
      json: {
        counts: found.map(([key, { count, total_ns }]) => ({
          ...(byProcess ? { pid: key, comm: commOf(key) } : { syscall: syscallName(key) }),
          count,
          ...(timed ? { total_ns } : {}),
        })),
      },
    };
  }

  return {
    bpf,
    ...(interval === undefined ? {} : { interval }),
    ...(interval === undefined || duration === undefined ? {} : { count: Math.ceil(duration / interval) }),
    view: {
      noun: 'syscalls',
      first: 'begin',
      opening: [
        call === undefined
          ? `Tracing ${failed}syscalls, printing top ${top}... Ctrl+C to quit.`
          : `Tracing ${failed}syscall '${call}'... Ctrl+C to quit.`,
      ],
      render,
      reset: () => data.clear(),
    },
  };
}

const namesByNumber = new Map([...syscallNumbers].map(([name, number]) => [number, name] as const));

function syscallName(number: number): string {
  return namesByNumber.get(number) ?? `[unknown: ${number}]`;
}
