import {
  BPF,
  defineTool,
  sprintf,
  type TextMoment,
  type TextSnapshot,
  type ToolOutput,
  type ToolSetup,
} from 'tracebed';
import { cpuOption } from '../cpu-option.ts';
import { findPlaces } from '../pattern-places.ts';
import { rhythmOf } from '../rhythm.ts';

/**
 * How often functions are called, tracepoints and USDT probes passed: BCC's funccount with its options and its output.
 */
export default defineTool({
  name: 'funccount',
  summary: 'how often functions are called, tracepoints and USDT probes passed',
  arguments: [
    {
      name: 'PATTERN',
      what: "functions 'vfs_*', of a library c:malloc, tracepoints 't:sched:*', USDT probes 'u:shopd:*'",
      required: true,
    },
  ],
  options: [
    { flags: '-p, --pid <pid>', what: 'only this process' },
    { flags: '-i, --interval <interval>', what: 'print and start anew each so many seconds' },
    { flags: '-d, --duration <duration>', what: 'end after so many seconds' },
    { flags: '-T, --timestamp', what: 'put the time above each table' },
    { flags: '-r, --regexp', what: "the pattern is a regular expression, matched from a name's start" },
    { flags: '-D, --debug', what: 'print the BPF program before starting' },
    { flags: '-c, --cpu <cpu>', what: 'only this CPU' },
  ],
  examples: [
    { command: "tracebed run funccount 'vfs_*'", what: 'count calls of kernel functions' },
    {
      command: "tracebed run funccount -T -i 1 -r '^vfs_(read|write)$'",
      what: 'every second, by regular expression',
    },
    { command: "tracebed run funccount 't:block:*'", what: 'count tracepoints' },
    { command: 'tracebed run funccount c:malloc --scenario app', what: 'count calls of a library' },
    { command: "tracebed run funccount 'u:shopd:*' --scenario app", what: 'count USDT probes' },
  ],
  scenario: 'disk',
  start,
});

function start(setup: ToolSetup): ToolOutput {
  const { kernel } = setup;
  const pattern = setup.args[0] as string;
  const process = setup.integer('pid');
  const cpu = cpuOption(setup);
  const rhythm = rhythmOf(setup);
  const { programType, places } = findPlaces(kernel, pattern, { regexp: setup.flag('regexp'), process });
  const bpf = new BPF(kernel, {
    srcFile: new URL('funccount.bpf.c', import.meta.url),
    defines: { PROCESS: process ?? false, CPU: cpu ?? false },
    maxEntries: { counts: places.length },
  });
  const program = bpf.loadFunc('count_place', programType);
  for (const [place, { targets }] of places.entries()) {
    for (const target of targets) program.attach({ ...target, cookie: BigInt(place) });
  }

  const counts = bpf.table<number, number>('counts');

  function render({ time, last }: TextMoment): TextSnapshot {
    const passed = [...counts.values()]
      .map((count, place) => ({ name: (places[place] as { name: string }).name, count }))
      .filter(({ count }) => count > 0)
      .sort((a, b) => a.count - b.count);
    return {
      lines: [
        '',
        ...(setup.flag('timestamp') ? [setup.timeOfDay(time)] : []),
        sprintf('%-36s %8s', 'FUNC', 'COUNT'),
        ...passed.map(({ name, count }) => sprintf('%-36s %8d', name, count)),
        ...(last ? ['Detaching...'] : []),
      ],
      json: { places: places.length, counts: passed },
    };
  }

  return {
    bpf,
    ...rhythm,
    view: {
      noun: 'counts',
      opening: [
        ...(setup.flag('debug') ? bpf.sourceLines : []),
        `Tracing ${places.length} functions for "${pattern}"... Hit Ctrl-C to end.`,
      ],
      render,
      reset: () => counts.zero(),
    },
  };
}
