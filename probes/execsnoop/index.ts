import { BPF, defineTool, type ToolSetup, UsageError } from 'tracebed';
import { containerDefines, containerOptions } from '../container-filter.ts';

interface Event {
  readonly ts: number;
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
  readonly retval: number;
  readonly type: number;
  readonly comm: string;
  readonly argument: string;
}

/** Of a record that tells one argument; the other kind tells that the call returned. */
const isArgument = 0;

/** New programs as they are run, with their arguments: BCC's execsnoop. */
export default defineTool({
  name: 'execsnoop',
  summary: 'programs that are run, with their arguments',
  options: [
    { flags: '-T, --time', what: 'begin with the time of day' },
    { flags: '-t, --timestamp', what: 'begin with the time since the run began, in seconds' },
    { flags: '-x, --fails', what: 'tell calls that fail too' },
    ...containerOptions,
    { flags: '-u, --uid <user>', what: 'only this user: a number, or root' },
    { flags: '-q, --quote', what: 'put arguments in quotation marks' },
    { flags: '-n, --name <name>', what: 'only commands whose name matches' },
    { flags: '-l, --line <line>', what: 'only command lines that match' },
    { flags: '-U, --print-uid', what: 'tell the user id too' },
    { flags: '--max-args <max-args>', what: 'arguments to tell at most, the name included', default: '20' },
    { flags: '-P, --ppid <ppid>', what: 'only children of this process' },
  ],
  examples: [
    { command: 'tracebed run execsnoop', what: 'tell each program that is run' },
    { command: 'tracebed run execsnoop -x -T', what: 'with those that fail, and the time' },
    { command: 'tracebed run execsnoop -n cat', what: 'those whose name has "cat" in it' },
  ],
  scenario: 'processes',
  start(setup) {
    const most = setup.integer('maxArgs') ?? 20;
    if (most < 1 || most > 128) {
      throw new UsageError(`--max-args cannot be ${most}`, { expected: 'a number from 1 to 128' });
    }
    const name = expression(setup.text('name'), '--name');
    const line = expression(setup.text('line'), '--line');
    const quote = setup.flag('quote');
    const bpf = new BPF(setup.kernel, {
      srcFile: new URL('execsnoop.bpf.c', import.meta.url),
      pageCnt: setup.ringPages,
      defines: {
        UID: userOf(setup) ?? false,
        PARENT: setup.integer('ppid') ?? false,
        MAX_ARGS: most,
        ...containerDefines(setup),
      },
    });
    const event = bpf.getSyscallFnname('execve');
    bpf.attachKprobe({ event, fnName: 'syscall__execve' });
    bpf.attachKretprobe({ event, fnName: 'execve_returned' });
    const rows = setup.rows({
      noun: 'exec',
      separator: '',
      columns: {
        TIME: setup.flag('time') && '%-9s',
        'TIME(s)': setup.flag('timestamp') && '%-8.3f',
        UID: setup.flag('printUid') && '%-6d',
        PCOMM: '%-16s ',
        PID: '%-7d ',
        PPID: '%-7s ',
        RET: '%3d ',
        ARGS: '%s',
      },
    });
    /** Arguments of calls that have not returned, by process. */
    const pending = new Map<number, string[]>();
    const events = bpf.table('events');
    events.openPerfBuffer((cpu, data) => {
      const { ts, pid, ppid, uid, retval, type, comm, argument } = events.event<Event>(data);
      if (type === isArgument) {
        const sofar = pending.get(pid);
        if (sofar) sofar.push(argument);
        else pending.set(pid, [argument]);
        return;
      }
      const argv = pending.get(pid) ?? [];
      pending.delete(pid);
      if (retval !== 0 && !setup.flag('fails')) return;
      if (name && !name.test(comm)) return;
      if (line && !line.test(argv.join(' '))) return;
      const shown = quote ? argv.map((one) => `"${one.replaceAll('"', '\\"')}"`) : argv;
      rows.print(
        {
          TIME: setup.timeOfDay(ts),
          'TIME(s)': ts / 1e9,
          UID: uid,
          PCOMM: comm,
          PID: pid,
          PPID: ppid > 0 ? String(ppid) : '?',
          RET: retval,
          ARGS: shown.join(' ').replaceAll('\n', '\\n'),
        },
        { cpu, time: ts },
      );
    });
    return { bpf, view: rows };
  },
});

/** @throws UsageError for a text that is no regular expression */
function expression(text: string | undefined, option: string): RegExp | undefined {
  if (text === undefined) return undefined;
  try {
    return new RegExp(text);
  } catch (cause) {
    throw new UsageError(`${option} cannot be '${text}': ${(cause as Error).message}`, {
      expected: 'a regular expression',
      cause,
    });
  }
}

/** The simulated machine has no /etc/passwd: root is the one user that has a name. @throws UsageError for another name */
function userOf(setup: ToolSetup): number | undefined {
  const text = setup.text('uid');
  if (text === undefined || /^\d+$/.test(text)) return setup.integer('uid');
  if (text === 'root') return 0;
  throw new UsageError(`--uid cannot be '${text}'`, {
    expected: 'a number, or root: a simulated machine has no /etc/passwd',
  });
}
