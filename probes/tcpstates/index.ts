import { BPF, defineTool, tcpStateName } from 'tracebed';
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

interface Event {
  readonly ts: number;
  readonly span: number;
  readonly skaddr: number | bigint;
  readonly pid: number;
  readonly oldstate: number;
  readonly newstate: number;
  readonly comm: string;
  readonly flow: Flow;
}

/** Changes of TCP sockets' states, one line each: BCC's tcpstates. */
export default defineTool({
  name: 'tcpstates',
  summary: 'changes of TCP states, with the time spent in each',
  options: [
    { flags: '-T, --time', what: 'begin with the time of day' },
    { flags: '-t, --timestamp', what: 'begin with the time since the first, in seconds' },
    { flags: '-w, --wide', what: 'columns that IPv6 addresses fit in' },
    { flags: '-s, --csv', what: 'values with commas between' },
    { flags: '-L, --localport <ports>', what: 'only these local ports, with commas between' },
    { flags: '-D, --remoteport <ports>', what: 'only these remote ports, with commas between' },
    ...familyOptions,
  ],
  examples: [
    { command: 'tracebed run tcpstates', what: 'tell each change' },
    { command: 'tracebed run tcpstates -- -t -L 443', what: 'with times, of one local port' },
  ],
  scenario: 'tcp-clients',
  start(setup) {
    const bpf = new BPF(setup.kernel, {
      srcFile: new URL('tcpstates.bpf.c', import.meta.url),
      pageCnt: setup.ringPages,
      defines: {
        FAMILY: familyOf(setup),
        LOCAL_WANTED: portCondition(setup, 'localport'),
        REMOTE_WANTED: portCondition(setup, 'remoteport'),
      },
    });
    const csv = setup.flag('csv');
    const wide = setup.flag('wide') && !csv;
    const form = <T extends string>(plain: T, widely: T, separated: T) => (csv ? separated : wide ? widely : plain);
    const rows = setup.rows<string>({
      noun: 'change',
      separator: csv ? ',' : ' ',
      columns: {
        TIME: setup.flag('time') && form('%-8s', '%-8s', '%s'),
        'TIME(s)': setup.flag('timestamp') && form('%-9.6f', '%-9.6f', '%.6f'),
        SKADDR: form('%-16x', '%-16x', '%x'),
        'C-PID': form('%-5d', '%-5d', '%d'),
        'C-COMM': form('%-10.10s', '%-16.16s', '%s'),
        IP: (wide || csv) && form('', '%-2s', '%s'),
        LADDR: form('%-15s', '%-26s', '%s'),
        LPORT: form('%-5d', '%-5d', '%d'),
        RADDR: form('%-15s', '%-26s', '%s'),
        RPORT: form('%-5d', '%-5d', '%d'),
        OLDSTATE: form('%-11s ->', '%-11s ->', '%s'),
        NEWSTATE: form('%-11s', '%-11s', '%s'),
        MS: '%.3f',
      },
      groups: ['SKADDR'],
    });
    const seconds = sinceFirst();
    const events = bpf.table('events');
    events.openPerfBuffer((cpu, data) => {
      const { ts, span, skaddr, pid, oldstate, newstate, comm, flow } = events.event<Event>(data);
      rows.print(
        {
          TIME: setup.timeOfDay(ts),
          'TIME(s)': seconds(ts),
          SKADDR: skaddr,
          'C-PID': pid,
          'C-COMM': comm,
          IP: String(ipVersion(flow)),
          LADDR: localAddress(flow),
          LPORT: flow.lport,
          RADDR: remoteAddress(flow),
          RPORT: flow.dport,
          OLDSTATE: tcpStateName(oldstate),
          NEWSTATE: tcpStateName(newstate),
          MS: Math.floor(span / 1000) / 1000,
        },
        { cpu, time: ts },
      );
    });
    return { bpf, view: rows };
  },
});
