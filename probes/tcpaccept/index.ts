import { BPF, defineTool } from 'tracebed';
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

interface Event {
  readonly ts: number;
  readonly pid: number;
  readonly comm: string;
  readonly flow: Flow;
}

/** Passive TCP connections, one line each: BCC's tcpaccept. */
export default defineTool({
  name: 'tcpaccept',
  summary: 'TCP connections that are accepted here, by process',
  options: [
    { flags: '-T, --time', what: 'begin with the time of day' },
    { flags: '-t, --timestamp', what: 'begin with the time since the first, in seconds' },
    { flags: '-p, --pid <pid>', what: 'only this process' },
    { flags: '-P, --port <port>', what: 'only these local ports, with commas between' },
    ...familyOptions,
    ...containerOptions,
  ],
  examples: [
    { command: 'tracebed run tcpaccept', what: 'tell each accept' },
    { command: 'tracebed run tcpaccept -t -P 443', what: 'with times, of one port' },
  ],
  scenario: 'tcp-clients',
  start(setup) {
    const bpf = new BPF(setup.kernel, {
      srcFile: new URL('tcpaccept.bpf.c', import.meta.url),
      pageCnt: setup.ringPages,
      defines: {
        PROCESS: setup.integer('pid') ?? false,
        FAMILY: familyOf(setup),
        ...containerDefines(setup),
        WANTED: portCondition(setup, 'port'),
      },
    });
    const rows = setup.rows({
      noun: 'accept',
      separator: '',
      columns: {
        TIME: setup.flag('time') && '%-9s',
        'TIME(s)': setup.flag('timestamp') && '%-9.3f',
        PID: '%-7d ',
        COMM: '%-12.12s ',
        IP: '%-2d ',
        RADDR: '%-16s ',
        RPORT: '%-5d ',
        LADDR: '%-16s ',
        LPORT: '%-5d',
      },
    });
    const seconds = sinceFirst();
    const events = bpf.table('events');
    events.openPerfBuffer((cpu, data) => {
      const { ts, pid, comm, flow } = events.event<Event>(data);
      rows.print(
        {
          TIME: setup.timeOfDay(ts),
          'TIME(s)': seconds(ts),
          PID: pid,
          COMM: comm,
          IP: ipVersion(flow),
          RADDR: remoteAddress(flow),
          RPORT: flow.dport,
          LADDR: localAddress(flow),
          LPORT: flow.lport,
        },
        { cpu, time: ts },
      );
    });
    return { bpf, view: rows };
  },
});
