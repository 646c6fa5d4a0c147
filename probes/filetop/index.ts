import { BPF, defineTool, sec, sprintf, type ToolSetup, UsageError } from 'tracebed';

interface Use {
  readonly tid: number;
  readonly name_length: number;
  readonly comm: string;
  readonly name: string;
  readonly type: number;
}

interface Amount {
  readonly reads: number;
  readonly writes: number;
  readonly read_bytes: number;
  readonly written_bytes: number;
}

/** What -s takes, and what it sorts by. */
const orders: Readonly<Record<string, (amount: Amount) => number>> = {
  all: ({ reads, writes, read_bytes, written_bytes }) => read_bytes + written_bytes + reads + writes,
  reads: ({ reads }) => reads,
  writes: ({ writes }) => writes,
  rbytes: ({ read_bytes }) => read_bytes,
  wbytes: ({ written_bytes }) => written_bytes,
};

/** As much of a name as filetop.bpf.c keeps. */
const nameSize = 32;

/** Files by how much is read from and written to them: BCC's filetop. */
export default defineTool({
  name: 'filetop',
  summary: 'files that are read and written most, by thread',
  arguments: [
    { name: 'INTERVAL', what: 'write a table each so many seconds: 1 when absent', required: false },
    { name: 'COUNT', what: 'end after so many', required: false },
  ],
  options: [
    { flags: '-a, --all-files', what: 'sockets, pipes and devices too' },
    { flags: '-C, --noclear', what: 'one table below the other: plain output is always so' },
    { flags: '-r, --maxrows <maxrows>', what: 'rows at most', default: '20' },
    {
      flags: '-s, --sort <all|reads|writes|rbytes|wbytes>',
      what: `by ${Object.keys(orders).join(', ')}`,
      default: 'all',
    },
    { flags: '-p, --pid <pid>', what: 'only this process' },
  ],
  examples: [
    { command: 'tracebed run filetop', what: 'a table each second' },
    { command: 'tracebed run filetop 5 2 -s reads -r 5', what: 'the 5 files with most reads, twice' },
    { command: 'tracebed run filetop -a -p 1402', what: 'all files of one process' },
  ],
  scenario: 'disk',
  start(setup) {
    const order = orderOf(setup);
    const most = setup.integer('maxrows') ?? 20;
    const bpf = new BPF(setup.kernel, {
      srcFile: new URL('filetop.bpf.c', import.meta.url),
      defines: { PROCESS: setup.integer('pid') ?? false, ALL_FILES: setup.flag('allFiles') },
    });
    bpf.attachKprobe({ event: 'vfs_read', fnName: 'read_begins' });
    bpf.attachKprobe({ event: 'vfs_write', fnName: 'write_begins' });
    const counts = bpf.table<Use, Amount>('counts');
    const { interval = sec(1), count } = setup.intervalArguments();
    return {
      bpf,
      interval,
      ...(count === undefined ? {} : { count }),
      view: {
        noun: 'files',
        first: 'begin',
        opening: [`Tracing... Output every ${Math.floor(interval / sec(1))} secs. Hit Ctrl-C to end`],
        render({ time, last }) {
          const found = [...counts.items()]
            .sort(([a, m], [b, n]) => order(n) - order(m) || a.tid - b.tid || (a.name < b.name ? -1 : 1))
            .slice(0, most);
          return {
            lines: [
              '',
              `${setup.timeOfDay(time)} loadavg: ${setup.kernel.readFile('/proc/loadavg').trimEnd()}`,
              '',
              sprintf('%-7s %-16s %-6s %-6s %-7s %-7s %1s %s', ...titles),
              ...found.map(([use, { reads, writes, read_bytes, written_bytes }]) =>
                sprintf(
                  '%-7d %-16s %-6d %-6d %-7d %-7d %c %s',
                  use.tid,
                  use.comm,
                  reads,
                  writes,
                  read_bytes / 1024,
                  written_bytes / 1024,
                  use.type,
                  nameOf(use),
                ),
              ),
              ...(last ? ['Detaching...'] : []),
            ],
            json: {
              files: found.map(([use, amount]) => ({
                tid: use.tid,
                comm: use.comm,
                ...amount,
                type: String.fromCharCode(use.type),
                file: nameOf(use),
              })),
            },
          };
        },
        reset: () => counts.clear(),
      },
    };
  },
});

const titles = ['TID', 'COMM', 'READS', 'WRITES', 'R_Kb', 'W_Kb', 'T', 'FILE'];

/** A name that was cut ends in dots. */
function nameOf({ name, name_length }: Use): string {
  return name_length > nameSize ? `${name.slice(0, -3)}...` : name;
}

/** @throws UsageError for a column that is none */
function orderOf(setup: ToolSetup): (amount: Amount) => number {
  const name = setup.text('sort') ?? 'all';
  const order = Object.hasOwn(orders, name) ? orders[name] : undefined;
  if (order) return order;
  throw new UsageError(`--sort cannot be '${name}'`, { expected: Object.keys(orders).join(', ') });
}
