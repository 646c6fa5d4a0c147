import { BPF, defineTool, sprintf, tcpStateName } from 'tracebed';
import { type Flow, familyOf, familyOptions, ipVersion, localAddress, remoteAddress } from '../tcp-flow.ts';

interface Event {
  readonly ts: number;
  readonly pid: number;
  readonly stack: number;
  readonly state: number;
  readonly flags: number;
  readonly family: number;
  readonly saddr: Uint8Array;
  readonly daddr: Uint8Array;
  readonly sport: number;
  readonly dport: number;
}

/** By bit, from the lowest. */
const flagNames = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'];

function flagsText(flags: number): string {
  return flagNames.filter((_, bit) => flags & (1 << bit)).join('|');
}

/** TCP segments that the kernel drops, each with its stack: BCC's tcpdrop. */
export default defineTool({
  name: 'tcpdrop',
  summary: 'TCP segments that the kernel drops for a socket, with the stack',
  options: [...familyOptions],
  examples: [{ command: 'tracebed run tcpdrop', what: 'tell each drop with its kernel stack' }],
  scenario: 'tcp-clients',
  start(setup) {
    const bpf = new BPF(setup.kernel, {
      srcFile: new URL('tcpdrop.bpf.c', import.meta.url),
      pageCnt: setup.ringPages,
      defines: { FAMILY: familyOf(setup) },
    });
    const rows = setup.rows({
      noun: 'drop',
      columns: {
        TIME: '%-8s',
        PID: '%-7d',
        IP: '%-2d',
        'SADDR:SPORT': '%-20s >',
        'DADDR:DPORT': '%-20s',
        STATE: '%s',
        FLAGS: '(%s)',
      },
      detail: (stack, row) => [
        {
          title: 'drop',
          lines: Object.entries(row)
            .filter(([key]) => key !== 'stack')
            .map(([key, value]) => sprintf('%-12s %s', key, value ?? '')),
        },
        { title: 'stack', lines: stack as readonly string[] },
      ],
    });
    const events = bpf.table('events');
    const stacks = bpf.table('stacks');
    events.openPerfBuffer((cpu, data) => {
      const { ts, pid, stack, state, flags, family, saddr, daddr, sport, dport } = events.event<Event>(data);
      const flow: Flow = { family, saddr, daddr, lport: sport, dport };
      const frames = stack < 0 ? [] : [...stacks.walk(stack, (address) => bpf.ksym(address, { showOffset: true }))];
      const values = {
        TIME: setup.timeOfDay(ts),
        PID: pid,
        IP: ipVersion(flow),
        'SADDR:SPORT': `${localAddress(flow)}:${sport}`,
        'DADDR:DPORT': `${remoteAddress(flow)}:${dport}`,
        STATE: tcpStateName(state),
        FLAGS: flagsText(flags),
      };
      const first = sprintf('%-8s %-7d %-2d %-20s > %-20s %s (%s)', ...Object.values(values));
      const lines = [first, ...frames.map((frame) => `\t${frame}`), ''];
      rows.print({ ...values, stack: frames.join(';') }, { cpu, time: ts, lines, source: frames });
    });
    return { bpf, view: rows };
  },
});
