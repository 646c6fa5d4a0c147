import { BPF, defineTool, log2Range, printLog2Hist, type ToolSetup } from 'tracebed';

/** How long tasks wait for a CPU, as histograms: BCC's runqlat. */
export default defineTool({
  name: 'runqlat',
  summary: 'how long tasks wait for a CPU, as a histogram',
  arguments: [
    { name: 'INTERVAL', what: 'write a histogram each so many seconds', required: false },
    { name: 'COUNT', what: 'end after so many', required: false },
  ],
  options: [
    { flags: '-T, --timestamp', what: 'put the time above each histogram' },
    { flags: '-m, --milliseconds', what: 'count in milliseconds' },
    { flags: '-P, --pids', what: 'a histogram for each process' },
    { flags: '--pidnss', what: 'a histogram for each PID namespace' },
    { flags: '-L, --tids', what: 'a histogram for each thread' },
    { flags: '-p, --pid <pid>', what: 'only this process' },
  ],
  examples: [
    { command: 'tracebed run runqlat', what: 'one histogram of the whole run' },
    { command: 'tracebed run runqlat 10 3 -mT', what: 'three of 10 seconds, in milliseconds, with times' },
    { command: 'tracebed run runqlat -L -p 3301', what: 'each thread of one process' },
  ],
  scenario: 'processes',
  start(setup) {
    const section = sectionOf(setup);
    const unit = setup.flag('milliseconds') ? 'msecs' : 'usecs';
    const bpf = new BPF(setup.kernel, {
      srcFile: new URL('runqlat.bpf.c', import.meta.url),
      defines: {
        FACTOR: unit === 'msecs' ? 1_000_000 : 1000,
        PROCESS: setup.integer('pid') ?? false,
        BY_PROCESS: section === 'pid',
        BY_THREAD: section === 'tid',
        BY_NAMESPACE: section === 'pidns',
      },
    });
    const dist = bpf.table<unknown, number>('dist');
    const histograms = (): readonly (readonly [id: number | undefined, slots: readonly number[]])[] =>
      section === undefined
        ? [[undefined, dist.histogram()]]
        : dist.histograms<number>({ bucketSortFn: (ids) => ids.sort((a, b) => a - b) });
    return {
      bpf,
      ...setup.intervalArguments(),
      view: {
        noun: 'histogram',
        opening: ['Tracing run queue latency... Hit Ctrl-C to end.'],
        render({ time }) {
          const found = histograms();
          return {
            lines: [
              '',
              ...(setup.flag('timestamp') ? [setup.timeOfDay(time)] : []),
              ...found.flatMap(([id, slots]) => [
                ...(id === undefined ? [] : ['', `${section} = ${id}`]),
                ...printLog2Hist(slots, { unit }),
              ]),
            ],
            json: {
              unit,
              histograms: found.map(([id, slots]) => ({
                ...(section === undefined ? {} : { [section]: id }),
                slots: slots.flatMap((count, slot) => (count === 0 ? [] : [{ ...log2Range(slot), count }])),
              })),
            },
          };
        },
        reset: () => dist.clear(),
      },
    };
  },
});

/** What has a histogram of its own; of several options the one that BCC takes. */
function sectionOf(setup: ToolSetup): 'tid' | 'pid' | 'pidns' | undefined {
  if (setup.flag('tids')) return 'tid';
  if (setup.flag('pids')) return 'pid';
  return setup.flag('pidnss') ? 'pidns' : undefined;
}
