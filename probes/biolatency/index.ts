import {
  BPF,
  defineTool,
  log2Range,
  printLog2Hist,
  sprintf,
  type TextMoment,
  type ToolSetup,
  UsageError,
} from 'tracebed';
import { attachAccounted, attachDone, attachIssued, diskOf, diskOption } from '../block-io.ts';
import { requestFlags } from './request-flags.ts';

/** Block I/O latency as histograms: BCC's biolatency. */
export default defineTool({
  name: 'biolatency',
  summary: 'how long block I/O takes, as a histogram',
  arguments: [
    { name: 'INTERVAL', what: 'write a histogram each so many seconds', required: false },
    { name: 'COUNT', what: 'end after so many', required: false },
  ],
  options: [
    { flags: '-T, --timestamp', what: 'put the time above each histogram' },
    { flags: '-Q, --queued', what: 'with the time that a request waits before the disk is given it' },
    { flags: '-m, --milliseconds', what: 'count in milliseconds' },
    { flags: '-D, --disks', what: 'a histogram for each disk' },
    { flags: '-F, --flags', what: 'a histogram for each operation with its flags' },
    { flags: '-e, --extension', what: 'tell average, total and count too' },
    { flags: '-j, --json', what: 'as dictionaries of Python' },
    diskOption,
  ],
  examples: [
    { command: 'tracebed run biolatency', what: 'one histogram of the whole run' },
    { command: 'tracebed run biolatency 10 3 -mT', what: 'three of 10 seconds, in milliseconds, with times' },
    { command: 'tracebed run biolatency -D -Q', what: 'by disk, with the time in queues' },
  ],
  scenario: 'disk',
  start(setup) {
    const byDisk = setup.flag('disks');
    const byFlags = setup.flag('flags');
    if (byDisk && byFlags) throw new UsageError('-D and -F exclude each other', { expected: 'one of them, or none' });
    const unit = setup.flag('milliseconds') ? 'msecs' : 'usecs';
    const bpf = new BPF(setup.kernel, {
      srcFile: new URL('biolatency.bpf.c', import.meta.url),
      defines: {
        FACTOR: unit === 'msecs' ? 1_000_000 : 1000,
        BY_DISK: byDisk,
        BY_FLAGS: byFlags,
        AVERAGE: setup.flag('extension'),
        DISK: diskOf(setup),
      },
    });
    const attachBegin = setup.flag('queued') ? attachAccounted : attachIssued;
    attachBegin(bpf, 'request_begins');
    attachDone(bpf, 'request_done');

    const dist = bpf.table<unknown, number>('dist');
    const sums = setup.flag('extension')
      ? bpf.table<number, { readonly total: number; readonly count: number }>('sums')
      : undefined;

    /** The histograms as they stand; the one of all has no name. */
    function histograms(): { name?: string; slots: number[] }[] {
      if (byDisk) return dist.histograms<string>().map(([disk, slots]) => ({ name: disk || '<unknown>', slots }));
      if (byFlags) return dist.histograms<number>().map(([bits, slots]) => ({ name: requestFlags(bits), slots }));
      return [{ slots: dist.histogram() }];
    }

    const section = byDisk ? 'disk' : 'flags';
    function render({ time }: TextMoment) {
      const found = histograms();
      const { total = 0, count = 0 } = sums?.get(0) ?? {};
      const lines = setup.flag('json')
        ? found.map(({ name, slots }) => dictionary(slots, unit, dateAndTime(setup, time), name && [section, name]))
        : [
            ...found.flatMap(({ name, slots }) => [
              ...(name === undefined ? [] : ['', `${section} = ${name}`]),
              ...printLog2Hist(slots, { unit }),
            ]),
            ...averageLines(total, count, unit),
          ];
      return {
        lines: ['', ...(setup.flag('timestamp') ? [setup.timeOfDay(time)] : []), ...lines],
        json: {
          unit,
          ...(sums ? { total, count } : {}),
          histograms: found.map(({ name, slots }) => ({
            ...(name === undefined ? {} : { [section]: name }),
            slots: slots.flatMap((n, slot) => (n === 0 ? [] : [{ ...log2Range(slot), count: n }])),
          })),
        },
      };
    }

    return {
      bpf,
      ...setup.intervalArguments(),
      view: {
        noun: 'histogram',
        ...(setup.flag('json') ? {} : { opening: ['Tracing block device I/O... Hit Ctrl-C to end.'] }),
        render,
        reset: () => {
          dist.clear();
          sums?.clear();
        },
      },
    };
  },
});

function averageLines(total: number, count: number, unit: string): string[] {
  if (count === 0) return [];
  return ['', sprintf('avg = %d %s, total: %d %s, count: %d', total / count, unit, total, unit, count), ''];
}

/** `2026-01-31 23:59:59`; days count from 1970-01-01 where the scenario knows no date. */
function dateAndTime(setup: ToolSetup, time: number): string {
  const ms = Number(((setup.epoch ?? 0n) + BigInt(Math.floor(time))) / 1_000_000n);
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

/** A histogram as BCC's print_json_hist prints it, which is Python's way to write a dictionary. */
function dictionary(
  slots: readonly number[],
  unit: string,
  time: string,
  section: readonly [string, string] | undefined | '',
): string {
  const last = slots.findLastIndex((count) => count > 0);
  const data = Array.from({ length: Math.max(0, last) }, (_, index) => {
    const start = index === 0 ? 0n : 1n << BigInt(index);
    const end = (2n << BigInt(index)) - 1n;
    return `{'interval-start': ${start}, 'interval-end': ${end}, 'count': ${slots[index + 1] ?? 0}}`;
  });
  const named = section ? `, '${section[0]}': '${section[1]}'` : '';
  return `{'ts': '${time}', 'val_type': '${unit}', 'data': [${data.join(', ')}]${named}}`;
}
