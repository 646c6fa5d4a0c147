import { BPF, defineTool, sec, type ToolSetup } from 'tracebed';

/** Indices of `counts` in cachestat.bpf.c. */
const accessed = 0;
const added = 1;
const dirtied = 2;
const bufferDirtied = 3;

/**
 * Hits and misses of the page cache, and how large it is: BCC's cachestat. The sizes stand in /proc/meminfo, which a
 * scenario tells.
 */
export default defineTool({
  name: 'cachestat',
  summary: 'hits and misses of the page cache, each second',
  arguments: [
    { name: 'INTERVAL', what: 'write a line each so many seconds: 1 when absent', required: false },
    { name: 'COUNT', what: 'end after so many', required: false },
  ],
  options: [{ flags: '-T, --timestamp', what: 'begin with the time of day' }],
  examples: [
    { command: 'tracebed run cachestat', what: 'a line each second' },
    { command: 'tracebed run cachestat 5 2 -T', what: 'two lines of 5 seconds, with times' },
  ],
  scenario: 'disk',
  start(setup) {
    const bpf = new BPF(setup.kernel, { srcFile: new URL('cachestat.bpf.c', import.meta.url) });
    attachFirst(bpf, 'page_accessed', ['folio_mark_accessed', 'mark_page_accessed']);
    attachFirst(bpf, 'page_added', ['filemap_add_folio', 'add_to_page_cache_lru']);
    attachFirst(bpf, 'page_dirtied', [
      'folio_account_dirtied',
      'account_page_dirtied',
      'writeback:writeback_dirty_folio',
      'writeback:writeback_dirty_page',
    ]);
    attachFirst(bpf, 'buffer_dirtied', ['mark_buffer_dirty', 'block:block_dirty_buffer']);

    const rows = setup.rows({
      noun: 'cachestat',
      separator: '',
      columns: {
        TIME: setup.flag('timestamp') && '%-8s ',
        HITS: '%8d ',
        MISSES: '%8d ',
        DIRTIES: '%8d ',
        HITRATIO: '%7.2f%% ',
        BUFFERS_MB: '%12.0f ',
        CACHED_MB: '%10.0f',
      },
      header: [
        `${setup.flag('timestamp') ? 'TIME     ' : ''}    HITS   MISSES  DIRTIES HITRATIO   BUFFERS_MB  CACHED_MB`,
      ],
    });
    const counts = bpf.table<number, number>('counts');
    const count = (index: number) => counts.get(index) ?? 0;
    return {
      bpf,
      view: rows,
      interval: sec(1),
      ...setup.intervalArguments(),
      tick(time, last) {
        // A write uses pages too, and adds pages that nobody missed: buffers and pages that become dirty tell of it.
        const total = Math.max(0, count(accessed) - count(bufferDirtied));
        // Pages are added ahead of their use: there are no more misses than uses.
        const misses = Math.min(total, Math.max(0, count(added) - count(dirtied)));
        const hits = total - misses;
        rows.print(
          {
            TIME: setup.timeOfDay(time),
            HITS: hits,
            MISSES: misses,
            DIRTIES: count(bufferDirtied),
            HITRATIO: total === 0 ? 0 : (100 * hits) / total,
            ...memory(setup),
          },
          { time, below: last ? ['Detaching...'] : [] },
        );
        counts.zero();
      },
    };
  },
});

/** MB of the page cache, of block devices and of files. */
function memory({ kernel }: ToolSetup): { BUFFERS_MB: number; CACHED_MB: number } {
  const text = kernel.readFile('/proc/meminfo');
  const megabytes = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) / 1024;
  return { BUFFERS_MB: megabytes('Buffers'), CACHED_MB: megabytes('Cached') };
}

/** Attaches to the first that the kernel has; a name with a colon is a tracepoint. */
function attachFirst(bpf: BPF, fnName: string, places: readonly string[]): void {
  for (const place of places) {
    const [category = '', name] = place.split(':');
    if (name !== undefined && bpf.tracepointExists(category, name)) {
      bpf.attachTracepoint({ tp: place, fnName });
      return;
    }
    if (name === undefined && bpf.getKprobeFunctions(place).length > 0) {
      bpf.attachKprobe({ event: place, fnName });
      return;
    }
  }
}
