import { BPF, defineTool, sprintf, type ToolOutput, type ToolSetup, tcpStateName } from 'tracebed';
import { type Flow, familyOf, familyOptions, ipVersion, localAddress, remoteAddress } from '../tcp-flow.ts';

/** TCP's retransmissions, one line each or counted by flow: BCC's tcpretrans. */
export default defineTool({
  name: 'tcpretrans',
  summary: 'TCP segments that are sent again',
  options: [
    { flags: '-s, --sequence', what: 'tell sequence numbers too' },
    { flags: '-l, --lossprobe', what: 'tell tail loss probes too' },
    { flags: '-c, --count', what: 'count by flow' },
    ...familyOptions,
  ],
  examples: [
    { command: 'tracebed run tcpretrans', what: 'tell each retransmission' },
    { command: 'tracebed run tcpretrans -l', what: 'with tail loss probes' },
    { command: 'tracebed run tcpretrans -c', what: 'count them by flow' },
  ],
  scenario: 'tcp-clients',
  start(setup) {
    const counting = setup.flag('count');
    const bpf = new BPF(setup.kernel, {
      srcFile: new URL('tcpretrans.bpf.c', import.meta.url),
      pageCnt: setup.ringPages,
      defines: { FAMILY: familyOf(setup), COUNT: counting },
    });
    if (setup.flag('lossprobe')) bpf.attachKprobe({ event: 'tcp_send_loss_probe', fnName: 'loss_probe' });
    return counting ? counts(bpf) : retransmissions(bpf, setup);
  },
});

interface Event {
  readonly ts: number;
  readonly pid: number;
  readonly type: number;
  readonly state: number;
  readonly sequence: number;
  readonly flow: Flow;
}

/** What the column T says of an event's type. */
const letters: Readonly<Record<number, string>> = { 1: 'R', 2: 'L' };

function retransmissions(bpf: BPF, setup: ToolSetup): ToolOutput {
  const sequences = setup.flag('sequence');
  const rows = setup.rows({
    noun: 'retransmission',
    opening: ['Tracing retransmits ... Hit Ctrl-C to end'],
    columns: {
      TIME: '%-8s',
      PID: '%-7d',
      IP: '%-2d',
      'LADDR:LPORT': '%-20s',
      T: '%1s>',
      'RADDR:RPORT': '%-20s',
      STATE: sequences ? '%-12s' : '%-4s',
      SEQ: sequences && '%-10d',
    },
  });
  const events = bpf.table('events');
  events.openPerfBuffer((cpu, data) => {
    const { ts, pid, type, state, sequence, flow } = events.event<Event>(data);
    rows.print(
      {
        TIME: setup.timeOfDay(ts),
        PID: pid,
        IP: ipVersion(flow),
        'LADDR:LPORT': `${localAddress(flow)}:${flow.lport}`,
        T: letters[type] ?? '?',
        'RADDR:RPORT': `${remoteAddress(flow)}:${flow.dport}`,
        STATE: tcpStateName(state),
        SEQ: sequence,
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
      noun: 'retransmissions',
      opening: ['Tracing retransmits ... Hit Ctrl-C to end'],
      render() {
        // IPv4 first, the most often counted last.
        const found = [...table.items()].sort(([a, m], [b, n]) => a.family - b.family || m - n);
        return {
          lines: [
            '',
            sprintf('%-25s %-25s %-10s', 'LADDR:LPORT', 'RADDR:RPORT', 'RETRANSMITS'),
            ...found.map(([flow, count]) => {
              const local = `[${localAddress(flow)}]#${flow.lport}`;
              return sprintf('%-20s <-> %-20s %10d', local, `[${remoteAddress(flow)}]#${flow.dport}`, count);
            }),
          ],
          json: {
            counts: found.map(([flow, retransmits]) => ({
              laddr: localAddress(flow),
              lport: flow.lport,
              raddr: remoteAddress(flow),
              rport: flow.dport,
              retransmits,
            })),
          },
        };
      },
    },
  };
}
