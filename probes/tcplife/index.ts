import { BPF, defineTool } from 'tracebed';
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
  readonly rx_bytes: number;
  readonly tx_bytes: number;
  readonly pid: number;
  readonly comm: string;
  readonly flow: Flow;
}

/** TCP sessions with their bytes and how long they lasted, one line each as they end: BCC's tcplife. */
export default defineTool({
  name: 'tcplife',
  summary: 'TCP sessions as they end: bytes each way, and how long they lasted',
  options: [
    { flags: '-T, --time', what: 'begin with the time of day' },
    { flags: '-t, --timestamp', what: 'begin with the time since the first, in seconds' },
    { flags: '-w, --wide', what: 'columns that IPv6 addresses fit in' },
    { flags: '-s, --csv', what: 'values with commas between' },
    { flags: '-p, --pid <pid>', what: 'only this process' },
    { flags: '-L, --localport <ports>', what: 'only these local ports, with commas between' },
    { flags: '-D, --remoteport <ports>', what: 'only these remote ports, with commas between' },
    ...familyOptions,
  ],
  examples: [
    { command: 'tracebed run tcplife', what: 'tell each session that ends' },
    { command: 'tracebed run tcplife -- -w -L 443', what: 'in wide columns, of one local port' },
    { command: 'tracebed run tcplife -- -s -t', what: 'as comma-separated values' },
  ],
  scenario: 'tcp-clients',
  start(setup) {
    const bpf = new BPF(setup.kernel, {
      srcFile: new URL('tcplife.bpf.c', import.meta.url),
      pageCnt: setup.ringPages,
      defines: {
        PROCESS: setup.integer('pid') ?? false,
        FAMILY: familyOf(setup),
        LOCAL_WANTED: portCondition(setup, 'localport'),
        REMOTE_WANTED: portCondition(setup, 'remoteport'),
      },
    });
    const csv = setup.flag('csv');
    const wide = setup.flag('wide') && !csv;
    const form = <T extends string>(plain: T, widely: T, separated: T) => (csv ? separated : wide ? widely : plain);
    const rows = setup.rows({
      noun: 'session',
      separator: csv ? ',' : ' ',
      columns: {
        TIME: setup.flag('time') && form('%-8s', '%-8s', '%s'),
        'TIME(s)': setup.flag('timestamp') && form('%-9.6f', '%-9.6f', '%.6f'),
        PID: form('%-5d', '%-5d', '%d'),
        COMM: form('%-10.10s', '%-16.16s', '%s'),
        IP: (wide || csv) && form('', '%-2s', '%s'),
        LADDR: form('%-15s', '%-26s', '%s'),
        LPORT: form('%-5d', '%-5d', '%d'),
        RADDR: form('%-15s', '%-26s', '%s'),
        RPORT: form('%-5d', '%-5d', '%d'),
        TX_KB: form('%5d', '%6d', '%d'),
        RX_KB: form('%5d', '%6d', '%d'),
        MS: '%.2f',
      },
    });
    const seconds = sinceFirst();
    const events = bpf.table('events');
    events.openPerfBuffer((cpu, data) => {
      const { ts, span, rx_bytes, tx_bytes, pid, comm, flow } = events.event<Event>(data);
      rows.print(
        {
          TIME: setup.timeOfDay(ts),
          'TIME(s)': seconds(ts),
          PID: pid,
          COMM: comm,
          IP: String(ipVersion(flow)),
          LADDR: localAddress(flow),
          LPORT: flow.lport,
          RADDR: remoteAddress(flow),
          RPORT: flow.dport,
          TX_KB: Math.floor(tx_bytes / 1024),
          RX_KB: Math.floor(rx_bytes / 1024),
          MS: Math.floor(span / 1000) / 1000,
          tx_bytes,
          rx_bytes,
        },
        { cpu, time: ts },
      );
    });
    return { bpf, view: rows };
  },
});
