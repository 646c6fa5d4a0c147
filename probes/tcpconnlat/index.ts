import { BPF, defineTool, UsageError } from 'tracebed';
import { sinceFirst } from '../since-first.ts';
import { type Flow, familyOf, familyOptions, ipVersion, localAddress, remoteAddress } from '../tcp-flow.ts';

interface Event {
  readonly ts: number;
  readonly delta: number;
  readonly pid: number;
  readonly comm: string;
  readonly flow: Flow;
}

/** How long TCP connects wait for an answer, one line each: BCC's tcpconnlat. */
export default defineTool({
  name: 'tcpconnlat',
  summary: 'how long TCP connects wait for the answer',
  arguments: [{ name: 'DURATION_MS', what: 'only connects that take longer, in milliseconds', required: false }],
  options: [
    { flags: '-t, --timestamp', what: 'begin with the time since the first, in seconds' },
    { flags: '-p, --pid <pid>', what: 'only this process' },
    { flags: '-L, --lport', what: 'tell the local port too' },
    ...familyOptions,
    { flags: '-v, --verbose', what: 'print the BPF program before starting' },
  ],
  examples: [
    { command: 'tracebed run tcpconnlat', what: 'tell each connect that is answered' },
    { command: 'tracebed run tcpconnlat 10', what: 'those that take more than 10 ms' },
  ],
  scenario: 'tcp-clients',
  start(setup) {
    const bpf = new BPF(setup.kernel, {
      srcFile: new URL('tcpconnlat.bpf.c', import.meta.url),
      pageCnt: setup.ringPages,
      defines: {
        PROCESS: setup.integer('pid') ?? false,
        FAMILY: familyOf(setup),
        LEAST_NS: leastDuration(setup.args[0]),
      },
    });
    if (!setup.flag('ipv6')) bpf.attachKprobe({ event: 'tcp_v4_connect', fnName: 'connect_begins' });
    if (!setup.flag('ipv4')) bpf.attachKprobe({ event: 'tcp_v6_connect', fnName: 'connect_begins' });
    const rows = setup.rows({
      noun: 'connect',
      opening: setup.flag('verbose') ? bpf.sourceLines : [],
      separator: '',
      columns: {
        'TIME(s)': setup.flag('timestamp') && '%-9.3f',
        PID: '%-7d ',
        COMM: '%-12.12s ',
        IP: '%-2d ',
        SADDR: '%-16s ',
        LPORT: setup.flag('lport') && '%-6d ',
        DADDR: '%-16s ',
        DPORT: '%-5d ',
        'LAT(ms)': '%.2f',
      },
    });
    const seconds = sinceFirst();
    const events = bpf.table('events');
    events.openPerfBuffer((cpu, data) => {
      const { ts, delta, pid, comm, flow } = events.event<Event>(data);
      rows.print(
        {
          'TIME(s)': seconds(ts),
          PID: pid,
          COMM: comm,
          IP: ipVersion(flow),
          SADDR: localAddress(flow),
          LPORT: flow.lport,
          DADDR: remoteAddress(flow),
          DPORT: flow.dport,
          'LAT(ms)': Math.floor(delta / 1000) / 1000,
        },
        { cpu, time: ts },
      );
    });
    return { bpf, view: rows };
  },
});

/** The macro LEAST_NS. @throws UsageError for what is no duration */
function leastDuration(text: string | undefined): number | false {
  if (text === undefined) return false;
  const milliseconds = Number(text);
  if (milliseconds > 0) return Math.floor(milliseconds * 1000) * 1000;
  throw new UsageError(`a duration of '${text}' ms`, { expected: 'milliseconds, above 0' });
}
