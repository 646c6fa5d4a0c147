import { BPF, defineTool, tcpStateName, UsageError } from 'tracebed';
import { type Flow, SocketLayout, socketDefines, socketOptions } from '../tcp-flow.ts';

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
    ...socketOptions,
    { flags: '-Y, --journal', what: 'log to the journal of systemd too, which a simulated machine has not' },
  ],
  examples: [
    { command: 'tracebed run tcpstates', what: 'tell each change' },
    { command: 'tracebed run tcpstates -t -L 443', what: 'with times, of one local port' },
  ],
  scenario: 'tcp-clients',
  ringPages: 64,
  start(setup) {
    if (setup.flag('journal')) {
      throw new UsageError('there is no journal of systemd in a simulated machine', { expected: 'no -Y' });
    }
    const bpf = new BPF(setup.kernel, {
      srcFile: new URL('tcpstates.bpf.c', import.meta.url),
      pageCnt: setup.ringPages,
      defines: socketDefines(setup),
    });
    const layout = new SocketLayout(setup);
    const rows = setup.rows<string>({
      noun: 'change',
      separator: layout.separator,
      columns: {
        ...layout.times,
        SKADDR: layout.form('%-16x', '%-16x', '%x'),
        'C-PID': layout.form('%-5d', '%-5d', '%d'),
        'C-COMM': layout.form('%-10.10s', '%-16.16s', '%s'),
        ...layout.ends,
        OLDSTATE: layout.form('%-11s ->', '%-11s ->', '%s'),
        NEWSTATE: layout.form('%-11s', '%-11s', '%s'),
        MS: '%.3f',
      },
      groups: ['SKADDR'],
    });
    const events = bpf.table('events');
    events.openPerfBuffer((cpu, data) => {
      const { ts, span, skaddr, pid, oldstate, newstate, comm, flow } = events.event<Event>(data);
      rows.print(
        {
          ...layout.values(ts, flow),
          SKADDR: skaddr,
          'C-PID': pid,
          'C-COMM': comm,
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
