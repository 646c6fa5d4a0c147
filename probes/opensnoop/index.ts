import { BPF, defineTool, nearestHint, sprintf, UsageError } from 'tracebed';
import { containerDefines, containerOptions } from '../container-filter.ts';
import { sinceFirst } from '../since-first.ts';

interface Event {
  /** 0 for the whole record, 1 for a folder's name that follows one. */
  readonly type: number;
  readonly ts: number;
  readonly id: number | bigint;
  readonly uid: number;
  readonly flags: number;
  readonly ret: number;
  readonly comm: string;
  readonly name: string;
}

/** The type of a record that tells the name of a folder; the other kind tells the call. */
const isFolder = 1;

/** Flags of open(2) on x86 (include/uapi/asm-generic/fcntl.h). */
const openFlags: Readonly<Record<string, number>> = {
  O_WRONLY: 0o1,
  O_RDWR: 0o2,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_NOCTTY: 0o400,
  O_TRUNC: 0o1000,
  O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000,
  O_NDELAY: 0o4000,
  O_DSYNC: 0o10000,
  O_ASYNC: 0o20000,
  O_DIRECT: 0o40000,
  O_LARGEFILE: 0o100000,
  O_DIRECTORY: 0o200000,
  O_NOFOLLOW: 0o400000,
  O_NOATIME: 0o1000000,
  O_CLOEXEC: 0o2000000,
  O_SYNC: 0o4010000,
  O_RSYNC: 0o4010000,
  O_PATH: 0o10000000,
  O_TMPFILE: 0o20200000,
};

/** Files that are opened, one line each: BCC's opensnoop. */
export default defineTool({
  name: 'opensnoop',
  summary: 'files that are opened, by process',
  options: [
    { flags: '-T, --timestamp', what: 'begin with the time since the first open of all, in seconds' },
    { flags: '-U, --print-uid', what: 'tell the user id too' },
    { flags: '-x, --failed', what: 'only calls that fail' },
    { flags: '-p, --pid <pid>', what: 'only this process' },
    { flags: '-t, --tid <tid>', what: 'only this thread; its number stands in place of the process' },
    ...containerOptions,
    { flags: '-u, --uid <uid>', what: 'only this user' },
    { flags: '-d, --duration <duration>', what: 'end after so many seconds' },
    { flags: '-n, --name <name>', what: 'only processes with this text in their name' },
    { flags: '-e, --extended_fields', what: 'tell the flags too, octal' },
    {
      flags: '-f, --flag_filter <flag-filter>',
      what: 'only calls with one of these flags: O_WRONLY,O_RDWR, or the option twice',
      repeats: true,
    },
    { flags: '-F, --full-path', what: 'tell the whole path of a file that is opened by a relative one' },
    { flags: '-b, --buffer-pages <buffer-pages>', what: 'pages of each perf ring: a power of two (default: 64)' },
  ],
  examples: [
    { command: 'tracebed run opensnoop', what: 'tell each open' },
    { command: 'tracebed run opensnoop -x', what: 'those that fail' },
    { command: 'tracebed run opensnoop -e -f O_WRONLY,O_RDWR', what: 'those for writing, with flags' },
  ],
  scenario: 'processes',
  ringPages: 64,
  start(setup) {
    const byThread = setup.text('tid') !== undefined;
    const name = setup.text('name');
    const duration = setup.seconds('duration');
    const bpf = new BPF(setup.kernel, {
      srcFile: new URL('opensnoop.bpf.c', import.meta.url),
      pageCnt: setup.integer('bufferPages') ?? setup.ringPages,
      defines: {
        PROCESS: setup.integer('pid') ?? false,
        THREAD: setup.integer('tid') ?? false,
        UID: setup.integer('uid') ?? false,
        FLAGS: flagsOf(setup.texts('flag_filter')),
        FULL_PATH: setup.flag('fullPath'),
        ...containerDefines(setup),
      },
    });
    for (const call of ['open', 'openat', 'openat2']) {
      const event = bpf.getSyscallFnname(call);
      if (bpf.ksymname(event) === undefined) continue;
      bpf.attachKprobe({ event, fnName: `syscall__${call}` });
      bpf.attachKretprobe({ event, fnName: 'open_returned' });
    }
    const rows = setup.rows<string>({
      noun: 'open',
      separator: '',
      columns: {
        'TIME(s)': setup.flag('timestamp') && '%-14.9f',
        UID: setup.flag('printUid') && '%-6d',
        [byThread ? 'TID' : 'PID']: '%-6d ',
        COMM: '%-16s ',
        FD: '%4d ',
        ERR: '%3d ',
        FLAGS: setup.flag('extended_fields') && '%-8s ',
        PATH: '%s',
      },
    });
    const seconds = sinceFirst();
    /** With -F: names of the folders above, from the innermost, by thread. */
    const folders = new Map<number | bigint, string[]>();
    const events = bpf.table('events');
    events.openPerfBuffer((cpu, data) => {
      const { type, ts, id, uid, flags, ret, comm, name: given } = events.event<Event>(data);
      if (type === isFolder) {
        folders.set(id, [...(folders.get(id) ?? []), given]);
        return;
      }
      const path = [...(folders.get(id) ?? [])].reverse().concat(given).join('/').replace(/^\/+/, '/');
      folders.delete(id);
      const since = seconds(ts);
      if (setup.flag('failed') && ret >= 0) return;
      if (name !== undefined && !comm.includes(name)) return;
      const thread = Number(BigInt(id) & 0xffff_ffffn);
      const process = Number(BigInt(id) >> 32n);
      rows.print(
        {
          'TIME(s)': since,
          UID: uid,
          ...(byThread ? { TID: thread } : { PID: process }),
          COMM: comm,
          FD: ret >= 0 ? ret : -1,
          ERR: ret >= 0 ? 0 : -ret,
          FLAGS: sprintf('%08o', flags),
          PATH: path,
        },
        { cpu, time: ts },
      );
    });
    return { bpf, view: rows, ...(duration === undefined ? {} : { interval: duration, count: 1 }) };
  },
});

/** The macro FLAGS. @throws UsageError for a flag that open(2) does not have */
function flagsOf(lists: readonly string[]): number | false {
  if (lists.length === 0) return false;
  return lists
    .join(',')
    .split(',')
    .reduce((sum, text) => {
      const name = text.trim();
      const bits = Object.hasOwn(openFlags, name) ? openFlags[name] : undefined;
      if (bits !== undefined) return sum | bits;
      if (name === 'O_RDONLY') {
        throw new UsageError('O_RDONLY is no bit: it is what is left where O_WRONLY and O_RDWR are not', {
          expected: 'flags that are bits',
        });
      }
      throw new UsageError(`open(2) has no flag '${name}'`, {
        expected: Object.keys(openFlags).join(', '),
        ...nearestHint(name, Object.keys(openFlags)),
      });
    }, 0);
}
