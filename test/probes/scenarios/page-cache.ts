import { type Context, defineScenario, ms, sec, us } from 'tracebed';

/**
 * Four seconds of the page cache, as often as its functions are called: 10 uses and 2 new pages; 6 uses, 3 dirty
 * buffers, 1 dirty page and 2 new pages; nothing; 2 uses and 5 pages that are read ahead.
 */
export default defineScenario({
  name: 'page-cache',
  summary: 'uses, new pages and dirty ones in known numbers',
  cpus: 1,
  duration: sec(4),
  events: ({ on, task, after, quiet, concurrently, sequence }) => {
    const cat = on({ task: task({ pid: 500, comm: 'cat' }), cpu: 0 });
    const calls = (count: number, name: string) =>
      Array.from({ length: count }, () => cat.call(name, {}, { takes: us(1), after: us(1) }));
    const dirty = (count: number) =>
      Array.from({ length: count }, () =>
        cat.call('mark_buffer_dirty', {}, { takes: us(1) }, [
          (inside: Context) => [inside.tracepoint('block:block_dirty_buffer', { dev: 8, sector: 1, size: 4096 })],
        ]),
      );
    return concurrently(
      quiet(sec(4)),
      after(ms(100), sequence(...calls(10, 'folio_mark_accessed'), ...calls(2, 'filemap_add_folio'))),
      after(ms(1100), sequence(...calls(6, 'folio_mark_accessed'), ...dirty(3), ...calls(2, 'filemap_add_folio'))),
      after(ms(1200), () => cat.tracepoint('writeback:writeback_dirty_folio', { name: '8:0', ino: 12, index: 0 })),
      after(ms(3100), sequence(...calls(2, 'folio_mark_accessed'), ...calls(5, 'filemap_add_folio'))),
    );
  },
});
