import { BPF, defineTool } from 'tracebed';
import { type Flow, SocketLayout, socketDefines, socketOptions } from '../tcp-flow.ts';

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
  options: [...socketOptions, { flags: '-p, --pid <pid>', what: 'only this process' }],
  examples: [
    { command: 'tracebed run tcplife', what: 'tell each session that ends' },
    { command: 'tracebed run tcplife -w -L 443', what: 'in wide columns, of one local port' },
    { command: 'tracebed run tcplife -s -t', what: 'as comma-separated values' },
  ],
  scenario: 'tcp-clients',
  ringPages: 64,
  start(setup) {
    const bpf = new BPF(setup.kernel, {
      srcFile: new URL('tcplife.bpf.c', import.meta.url),
      pageCnt: setup.ringPages,
      defines: { ...socketDefines(setup), PROCESS: setup.integer('pid') ?? false },
    });
    const layout = new SocketLayout(setup);
    const rows = setup.rows<string>({
      noun: 'session',
      separator: layout.separator,
      columns: {
        ...layout.times,
        PID: layout.form('%-5d', '%-5d', '%d'),
        COMM: layout.form('%-10.10s', '%-16.16s', '%s'),
        ...layout.ends,
        TX_KB: layout.form('%5d', '%6d', '%d'),
        RX_KB: layout.form('%5d', '%6d', '%d'),
        MS: '%.2f',
      },
    });
    const events = bpf.table('events');
    events.openPerfBuffer((cpu, data) => {
      const { ts, span, rx_bytes, tx_bytes, pid, comm, flow } = events.event<Event>(data);
      rows.print(
        {
          ...layout.values(ts, flow),
          PID: pid,
          COMM: comm,
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
