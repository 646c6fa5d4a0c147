import { BPF, defineTool, sprintf, type ToolOutput, type ToolSetup, UsageError } from 'tracebed';
import { containerDefines, containerOptions } from '../container-filter.ts';
import { sinceFirst } from '../since-first.ts';
import {
  type Flow,
  familyOf,
  familyOptions,
  ipVersion,
  localAddress,
  portCondition,
  remoteAddress,
} from '../tcp-flow.ts';
import { DnsNames } from './dns.ts';

/** Active TCP connects, one line each or counted by their ends: BCC's tcpconnect. */
export default defineTool({
  name: 'tcpconnect',
  summary: 'TCP connections that are begun here, by process',
  options: [
    { flags: '-t, --timestamp', what: 'begin with the time since the first, in seconds' },
    { flags: '-p, --pid <pid>', what: 'only this process' },
    { flags: '-P, --port <port>', what: 'only these remote ports, with commas between' },
    ...familyOptions,
    { flags: '-L, --lport', what: 'tell the local port too' },
    { flags: '-U, --print-uid', what: 'tell the user id too' },
    { flags: '-u, --uid <uid>', what: 'only this user' },
    ...containerOptions,
    { flags: '-c, --count', what: 'count connections by address and remote port' },
    { flags: '-d, --dns', what: 'tell too what name the address was asked for by, of a name server' },
  ],
  examples: [
    { command: 'tracebed run tcpconnect', what: 'tell each connect' },
    { command: 'tracebed run tcpconnect -t -P 80,443', what: 'with times, to two ports' },
    { command: 'tracebed run tcpconnect -U -u 1000', what: 'those of one user, with user ids' },
    { command: 'tracebed run tcpconnect -c', what: 'count them by their ends' },
  ],
  scenario: 'tcp-clients',
  start(setup) {
    const counting = setup.flag('count');
    if (counting && setup.flag('dns')) {
      throw new UsageError('-c and -d exclude each other', { expected: 'connects, or how many there were' });
    }
    const bpf = new BPF(setup.kernel, {
      srcFile: new URL('tcpconnect.bpf.c', import.meta.url),
      pageCnt: setup.ringPages,
      defines: {
        PROCESS: setup.integer('pid') ?? false,
        UID: setup.integer('uid') ?? false,
        FAMILY: familyOf(setup),
        ...containerDefines(setup),
        WANTED: portCondition(setup, 'port'),
        COUNT: counting,
        DNS: setup.flag('dns'),
      },
    });
    for (const event of ['tcp_v4_connect', 'tcp_v6_connect']) {
      bpf.attachKprobe({ event, fnName: 'connect_begins' });
      bpf.attachKretprobe({ event, fnName: 'connect_ends' });
    }
    return counting ? counts(bpf) : connects(bpf, setup);
  },
});

interface Event {
  readonly ts: number;
  readonly pid: number;
  readonly uid: number;
  readonly comm: string;
  readonly flow: Flow;
}

function connects(bpf: BPF, setup: ToolSetup): ToolOutput {
  const rows = setup.rows({
    noun: 'connect',
    opening: ['Tracing connect ... Hit Ctrl-C to end'],
    separator: '',
    columns: {
      'TIME(s)': setup.flag('timestamp') && '%-9.3f',
      UID: setup.flag('printUid') && '%-6d',
      PID: '%-7d ',
      COMM: '%-12.12s ',
      IP: '%-2d ',
      SADDR: '%-16s ',
      LPORT: setup.flag('lport') && '%-6d ',
      DADDR: '%-16s ',
      DPORT: '%-6d',
      QUERY: setup.flag('dns') && ' %s',
    },
  });
  const names = setup.flag('dns') ? new DnsNames(bpf) : undefined;
  const seconds = sinceFirst();
  const events = bpf.table('events');
  events.openPerfBuffer((cpu, data) => {
    const { ts, pid, uid, comm, flow } = events.event<Event>(data);
    rows.print(
      {
        'TIME(s)': seconds(ts),
        UID: uid,
        PID: pid,
        COMM: comm,
        IP: ipVersion(flow),
        SADDR: localAddress(flow),
        LPORT: flow.lport,
        DADDR: remoteAddress(flow),
        DPORT: flow.dport,
        ...(names ? { QUERY: names.query(remoteAddress(flow), ts) } : {}),
      },
      { cpu, time: ts },
    );
  });
  return { bpf, view: rows };
}

function counts(bpf: BPF): ToolOutput {
  const table = bpf.table<Flow, number>('counts');
  return {
    bpf,
    view: {
      noun: 'connects',
      opening: ['Tracing connect ... Hit Ctrl-C to end'],
      render() {
        // IPv4 first, the most often counted first.
        const found = [...table.items()].sort(([a, m], [b, n]) => a.family - b.family || n - m);
        const line = '%-25s %-25s %-20s %-10s';
        return {
          lines: [
            '',
            sprintf(line, 'LADDR', 'RADDR', 'RPORT', 'CONNECTS'),
            ...found.map(([flow, count]) => sprintf(line, localAddress(flow), remoteAddress(flow), flow.dport, count)),
          ],
          json: {
            counts: found.map(([flow, connects]) => ({
              laddr: localAddress(flow),
              raddr: remoteAddress(flow),
              rport: flow.dport,
              connects,
            })),
          },
        };
      },
    },
  };
}
