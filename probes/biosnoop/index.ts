import { BPF, defineTool } from 'tracebed';
import { attachAccounted, attachDone, attachIssued, diskOf, diskOption } from '../block-io.ts';
import { sinceFirst } from '../since-first.ts';

interface Event {
  readonly ts: number;
  readonly queued: number;
  readonly delta: number;
  readonly sector: number;
  readonly bytes: number;
  readonly pid: number;
  readonly write: number;
  readonly pattern: number;
  readonly comm: string;
  readonly disk: string;
}

/** What the column P says: unknown of a disk's first request, sequential, random. */
const patterns = ['?', 'S', 'R'];

/** Block I/O, one line for each request when it is done: BCC's biosnoop. */
export default defineTool({
  name: 'biosnoop',
  summary: 'block I/O: who asked for it, where on the disk, and how long it took',
  options: [
    { flags: '-Q, --queue', what: 'tell too how long it waited before the disk was given it' },
    diskOption,
    { flags: '-P, --pattern', what: 'tell whether it goes on where the one before ended: S sequential, R random' },
  ],
  examples: [
    { command: 'tracebed run biosnoop', what: 'tell each request' },
    { command: 'tracebed run biosnoop -Q', what: 'with the time in queues' },
    { command: 'tracebed run biosnoop -P -d sda', what: 'sequential or random, of one disk' },
  ],
  scenario: 'disk',
  ringPages: 64,
  start(setup) {
    const bpf = new BPF(setup.kernel, {
      srcFile: new URL('biosnoop.bpf.c', import.meta.url),
      pageCnt: setup.ringPages,
      defines: { DISK: diskOf(setup), PATTERN: setup.flag('pattern') },
    });
    attachAccounted(bpf, 'request_asked');
    attachIssued(bpf, 'request_issued');
    attachDone(bpf, 'request_done');
    const rows = setup.rows({
      noun: 'request',
      separator: '',
      columns: {
        'TIME(s)': '%-11.6f ',
        COMM: '%-14.14s ',
        PID: '%-7d ',
        DISK: '%-9s ',
        T: '%-1s ',
        SECTOR: '%-10d ',
        BYTES: '%-7d',
        P: setup.flag('pattern') && '%-1s ',
        'QUE(ms)': setup.flag('queue') && '%7.2f ',
        'LAT(ms)': '%7.2f',
      },
    });
    const seconds = sinceFirst();
    const events = bpf.table('events');
    events.openPerfBuffer((cpu, data) => {
      const { ts, queued, delta, sector, bytes, pid, write, pattern, comm, disk } = events.event<Event>(data);
      rows.print(
        {
          'TIME(s)': seconds(ts),
          COMM: comm,
          PID: pid,
          DISK: disk || '<unknown>',
          T: write === 1 ? 'W' : 'R',
          SECTOR: sector,
          BYTES: bytes,
          P: patterns[pattern] ?? '?',
          'QUE(ms)': queued / 1e6,
          'LAT(ms)': delta / 1e6,
        },
        { cpu, time: ts },
      );
    });
    return { bpf, view: rows };
  },
});
