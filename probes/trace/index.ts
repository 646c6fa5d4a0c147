import { resolve } from 'node:path';
import {
  type BPF,
  defineTool,
  type Kernel,
  sprintf,
  type TextOutput,
  type Tool,
  type ToolContext,
  type ToolOutput,
  type ToolSetup,
  UsageError,
} from 'tracebed';
import { attachAtPlace, compileProbes, enableUsdt } from '../probe-place.ts';
import { startByName } from './by-name/reader.ts';
import { EventReader } from './events.ts';
import { type ProgramOptions, programName, programSource, wordsOf } from './program.ts';
import { parseProbe, type TraceProbe } from './specifier.ts';

/** Bytes. */
const defaultTextSize = '80';

/**
 * A line each time that a function is called or returns, a tracepoint or USDT probe is passed: BCC's trace. A function or
 * tracepoint by itself needs no format: its arguments are shown by name.
 */
const formatted = defineTool({
  name: 'trace',
  summary: 'a line for each call, return, tracepoint or USDT probe, with arguments by name or a format of yours',
  arguments: [
    {
      name: 'PROBE',
      what: 'where, when and what: \'do_sys_openat2 (arg1 == -100) "%s", arg2\'; several make one stream of lines',
      required: true,
    },
    {
      name: 'FIELD',
      what: 'behind a function or tracepoint by itself, only these: arguments, fields, what they point to (sk->__sk_common.skc_dport), ret of a return',
      required: false,
      variadic: true,
    },
  ],
  options: [
    { flags: '-b, --buffer-pages <buffer-pages>', what: 'pages of each perf ring (default: 64)' },
    { flags: '-p, --pid <pid>', what: 'only this process' },
    { flags: '-L, --tid <tid>', what: 'only this thread' },
    { flags: '--uid <uid>', what: 'only this user' },
    { flags: '-v, --verbose', what: 'print the BPF program before starting' },
    { flags: '-Z, --string-size <string-size>', what: 'bytes that are read of a text', default: defaultTextSize },
    { flags: '-S, --include-self', what: 'also the tool itself, which is no task of the simulated kernel' },
    { flags: '-M, --max-events <max-events>', what: 'end after so many lines' },
    { flags: '-t, --timestamp', what: 'begin with the time since the run began, in seconds' },
    { flags: '-u, --unix-timestamp', what: 'with -t: seconds since 1970' },
    { flags: '-T, --time', what: 'begin with the time of day' },
    { flags: '-C, --print_cpu', what: 'tell the CPU too' },
    { flags: '-c, --cgroup-path <cgroup-path>', what: 'only tasks of this cgroup and those below' },
    { flags: '-n, --name <name>', what: 'only processes with this text in their name' },
    { flags: '-f, --msg-filter <msg-filter>', what: 'only lines with this text in their message' },
    { flags: '-B, --bin_cmp', what: 'STRCMP compares bytes: STRCMP("{0x68, 0x69, 0}", arg1)' },
    {
      flags: '-s, --sym_file_list <sym-file-list>',
      what: 'files whose symbols name addresses of user space, with commas between',
    },
    { flags: '-K, --kernel-stack', what: 'tell the stack of the kernel' },
    { flags: '-U, --user-stack', what: 'tell the stack of user space' },
    { flags: '-a, --address', what: 'tell addresses in stacks' },
    { flags: '-I, --include <header>', what: 'include a header in the program', repeats: true },
    { flags: '-A, --aggregate', what: 'with -M: count equal lines, and tell them at the end' },
  ],
  examples: [
    { command: 'tracebed run trace syscalls:sys_enter_openat filename', what: 'one field of a tracepoint' },
    {
      command: "tracebed run trace tcp_connect 'sk->__sk_common.skc_dport' --scenario slow-connect",
      what: 'an argument, through a pointer',
    },
    { command: "tracebed run trace 'skb:*' --scenario udp_closed_port", what: 'all tracepoints of a category' },
    { command: 'tracebed run trace \'do_sys_openat2 "%s", arg2\'', what: 'which files are opened' },
    {
      command: 'tracebed run trace \'r::do_sys_openat2 ((int)retval < 0) "failed: %d", retval\' -T',
      what: 'what fails',
    },
    {
      command:
        'tracebed run trace \'p::vfs_read(struct file *file, void *buf, size_t count) (count > 4096) "%lu", count\'',
      what: 'parameters by name, and a filter',
    },
    {
      command: 'tracebed run trace \'t:syscalls:sys_enter_openat "%s", args->filename\'',
      what: 'a field of a tracepoint',
    },
    {
      command: 'tracebed run trace \'u:shopd:request__start "%d %s", arg1, arg2\' --scenario app',
      what: 'a USDT probe',
    },
    {
      command: 'tracebed run trace \'c:malloc "%d bytes", arg1\' -U -M 3 --scenario app',
      what: 'with stacks, three lines',
    },
  ],
  scenario: 'syscalls',
  ringPages: 64,
  start: startFormatted,
});

const trace: Tool = {
  ...formatted,
  start: (context) => (isByName(context) ? startByName(context) : formatted.start(context)),
};

export default trace;

/** Whether the words are `POINT [FIELD…]`: no format, filter or second probe, and no option that BCC's columns need. */
function isByName({ kernel, args, options }: ToolContext): boolean {
  const [point = '', ...fields] = args;
  const { pid: _pid, kernelStack: _kernelStack, stringSize, ...ofColumns } = options;
  const isSet = (value: unknown): boolean => value !== undefined && value !== false && String(value) !== '';
  if ((stringSize ?? defaultTextSize) !== defaultTextSize || Object.values(ofColumns).some(isSet)) return false;
  if (/^\/.*\/$/.test(point)) return true;
  const [, category] = /^([\w*?]+):[\w*?]+$/.exec(point) ?? [];
  const isPoint = category === undefined ? /^(r:)?[\w.*?]+(%return)?$/.test(point) : hasCategory(kernel, category);
  return isPoint && fields.every((field) => /^[\w.>[\]-]+$/.test(field));
}

/** `c:malloc` is a function of a library, `skb:kfree_skb` a tracepoint, unless there is no such category. */
function hasCategory(kernel: Kernel, category: string): boolean {
  if (category === 'r' || /[*?]/.test(category)) return true;
  for (const name of kernel.tracepoints()) if (name.startsWith(`${category}:`)) return true;
  return false;
}

function startFormatted(setup: ToolSetup): ToolOutput {
  const { kernel } = setup;
  checkTogether(setup);
  const probes = setup.args.map(parseProbe);
  const options = programOptions(setup);
  const names = probes.map(programName);
  const usdt = enableUsdt(
    kernel,
    probes.map(({ place }) => place),
    (index) => names[index] as string,
    options.process,
  );
  const bpf = compileProbes(
    kernel,
    { text: programSource(kernel, probes, options), pageCnt: setup.integer('bufferPages') ?? setup.ringPages, usdt },
    probes.map((probe) => ({ source: probe.source, words: wordsOf(probe) })),
  );
  const cgroup = setup.text('cgroupPath');
  if (cgroup !== undefined) bpf.table<number, number>('cgroup').set(0, kernel.cgroupOpen(cgroup));
  for (const [index, { place }] of probes.entries()) attachAtPlace(bpf, place, names[index] as string, options.process);
  return show(setup, bpf, probes);
}

/** @throws UsageError for options that need or exclude each other */
function checkTogether(setup: ToolSetup): void {
  if (setup.text('pid') !== undefined && setup.text('tid') !== undefined) {
    throw new UsageError('-p and -L exclude each other', { expected: 'a process or a thread' });
  }
  if (setup.flag('aggregate') && setup.integer('maxEvents') === undefined) {
    throw new UsageError('-A needs -M', { expected: 'after how many events the counts are told' });
  }
  if (setup.flag('unixTimestamp') && !setup.flag('timestamp')) {
    throw new UsageError('-u needs -t', { expected: '-t -u' });
  }
}

function programOptions(setup: ToolSetup): ProgramOptions {
  const textSize = setup.integer('stringSize') ?? 80;
  if (textSize < 1 || textSize > 4096) {
    throw new UsageError(`--string-size cannot be '${textSize}'`, { expected: '1 to 4096' });
  }
  return {
    process: setup.integer('pid'),
    thread: setup.integer('tid'),
    user: setup.integer('uid'),
    inCgroup: setup.text('cgroupPath') !== undefined,
    textSize,
    kernelStack: setup.flag('kernelStack'),
    userStack: setup.flag('userStack'),
    binary: setup.flag('bin_cmp'),
    headers: setup.texts('include'),
    absolute: (path) => resolve(path),
  };
}

function show(setup: ToolSetup, bpf: BPF, probes: readonly TraceProbe[]): ToolOutput {
  const rows = setup.rows({
    noun: 'event',
    opening: [
      ...(setup.flag('verbose') ? bpf.sourceLines : []),
      ...(setup.text('sym_file_list') === undefined ? [] : ['Note: Kernel bpf will report stack map with ip/build_id']),
    ],
    columns: {
      TIME: hasTime(setup) && (setup.flag('unixTimestamp') ? '%-17.17s' : '%-8.8s'),
      CPU: setup.flag('print_cpu') && '%-3d',
      PID: '%-7d',
      TID: '%-7d',
      COMM: '%-15s',
      FUNC: '%-16s',
      MESSAGE: '%s',
    },
    titles: { MESSAGE: probes.some(({ format }) => format !== '') ? '-' : '' },
    detail: (frames, row) => [
      { title: 'event', lines: Object.entries(row).map(([key, value]) => sprintf('%-8s %s', key, value ?? '')) },
      { title: 'stack', lines: frames as readonly string[] },
    ],
  });
  const counts: Counts | undefined = setup.flag('aggregate') ? new Map() : undefined;
  const name = setup.text('name') ?? '';
  const filter = setup.text('msgFilter') ?? '';
  const most = setup.integer('maxEvents') ?? Number.POSITIVE_INFINITY;
  const hasStacks = setup.flag('kernelStack') || setup.flag('userStack');
  const reader = new EventReader(setup, bpf, probes);
  let told = 0;
  bpf.table('events').openPerfBuffer((cpu, data) => {
    const { time, tgid, pid, comm, place, message, frames } = reader.read(data);
    if (told >= most || !comm.includes(name) || !message.includes(filter)) return;
    told++;
    const row = {
      TIME: timeText(setup, time),
      CPU: cpu,
      PID: tgid,
      TID: pid,
      COMM: comm,
      FUNC: place,
      MESSAGE: message,
    };
    const below = frames.map((frame) => `        ${frame}`);
    if (counts) count(counts, [rows.line(row), ...below].join('\n'));
    else rows.print(row, { cpu, time, below: hasStacks ? [...below, ''] : [], source: frames });
  });
  return { bpf, done: () => told >= most, view: counts ? countsView(counts, rows.header) : rows };
}

function hasTime(setup: ToolSetup): boolean {
  return setup.flag('timestamp') || setup.flag('time');
}

/** The column TIME: with -t seconds, else the time of day. */
function timeText(setup: ToolSetup, time: number): string {
  if (!setup.flag('timestamp')) return setup.timeOfDay(time);
  if (!setup.flag('unixTimestamp')) return sprintf('%.6f', time / 1e9);
  const microseconds = ((setup.epoch ?? 0n) + BigInt(Math.round(time))) / 1000n;
  return sprintf('%d.%06d', microseconds / 1_000_000n, microseconds % 1_000_000n);
}

/** How often each event was seen, by its lines. */
type Counts = Map<string, number>;

function count(counts: Counts, text: string): void {
  counts.set(text, (counts.get(text) ?? 0) + 1);
}

/** -A: the most frequent first. */
function countsView(counts: Counts, opening: readonly string[]): TextOutput {
  return {
    noun: 'counts',
    first: 'begin',
    opening,
    render() {
      const all = [...counts].sort(([, a], [, b]) => b - a);
      return {
        lines: all.flatMap(([text, number]) => [...text.split('\n'), `-->COUNT ${number}`, '']),
        json: { counts: all.map(([event, number]) => ({ event, count: number })) },
      };
    },
  };
}
