import { describe, expect, test } from 'vitest';
import { ms, sec, us } from '../../src/base/index.ts';
import type { KernelEvent, StructObject } from '../../src/events/index.ts';
import { play } from './play.ts';

async function playAll(kernel: string): Promise<KernelEvent[]> {
  const events: KernelEvent[] = [];
  await play('disk', { duration: sec(5), kernel }, (event) => events.push(event));
  return events;
}

const all = await playAll('6.18');
const passes = (name: string) =>
  all.flatMap((event) => (event.kind === 'tracepoint' && event.name === name ? [event] : []));
const entries = (name: string) =>
  all.flatMap((event) => (event.kind === 'entry' && event.function === name ? [event] : []));
const path = (file: StructObject): string => {
  const names: string[] = [];
  for (
    let dentry = file.fields['f_path.dentry'];
    dentry;
    dentry = (dentry as StructObject).fields.d_parent as StructObject
  ) {
    names.unshift(String((dentry as StructObject).fields['d_name.name']));
  }
  return names.join('/').replace('//', '/');
};

describe('disk', () => {
  test('takes each request through its stages, in order', () => {
    const stages = new Map<unknown, string[]>();
    for (const event of all) {
      const rq = event.kind === 'entry' ? (event.args.rq ?? event.args.req) : undefined;
      if (rq === undefined || event.kind !== 'entry') continue;
      stages.set(rq, [...(stages.get(rq) ?? []), event.function]);
    }
    const whole = ['blk_account_io_start', 'blk_mq_start_request', 'blk_mq_end_request', 'blk_account_io_done'];
    const finished = [...stages.values()].filter((one) => one.length === 4);
    expect(finished.length).toBeGreaterThan(150);
    for (const one of finished) expect(one).toEqual(whole);
    expect(stages.size - finished.length).toBeLessThan(8);
  });

  test('has two disks: flash in tens of microseconds, one that turns in milliseconds', () => {
    const began = new Map<unknown, number>();
    const latencies: Record<string, number[]> = { nvme0n1: [], sda: [] };
    for (const event of all) {
      if (event.kind !== 'entry') continue;
      if (event.function === 'blk_mq_start_request') began.set(event.args.rq, event.time);
      if (event.function !== 'blk_account_io_done') continue;
      const request = event.args.req as StructObject;
      const disk = (request.fields.q as StructObject).fields.disk as StructObject;
      latencies[String(disk.fields.disk_name)]?.push(event.time - began.get(request)!);
    }
    const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? 0;
    expect(latencies.sda!.length).toBeGreaterThan(20);
    expect(median(latencies.nvme0n1!)).toBeGreaterThan(us(40));
    expect(median(latencies.nvme0n1!)).toBeLessThan(us(400));
    expect(median(latencies.sda!)).toBeGreaterThan(ms(2));
  });

  test('reads, writes, reads ahead, syncs and commits, as rwbs tells', () => {
    const kinds = new Set(passes('block:block_rq_issue').map(({ fields }) => fields.rwbs));
    expect([...kinds].sort()).toEqual(['FWFS', 'R', 'RA', 'W', 'WFS', 'WSM']);
    expect(passes('block:block_rq_insert').length).toBeGreaterThan(30);
    expect(passes('block:block_rq_complete').every(({ raw }) => raw?.rq !== undefined)).toBe(true);
  });

  test('names the files that are read and written', () => {
    const files = new Set(
      [...entries('vfs_read'), ...entries('vfs_write')].map(({ args }) => path(args.file as StructObject)),
    );
    expect([...files]).toEqual(
      expect.arrayContaining([
        '/var/log/syslog',
        '/var/lib/postgresql/15/main/base/16384/2619',
        '/mnt/backup/srv/www/index.html',
      ]),
    );
    const who = new Set(entries('vfs_read').map(({ task }) => task.comm));
    expect([...who].sort()).toEqual(['postgres', 'rsync']);
  });

  test('finds pages in the page cache, adds some, makes some dirty', () => {
    for (const name of ['folio_mark_accessed', 'filemap_add_folio', 'mark_page_accessed', 'mark_buffer_dirty']) {
      expect(entries(name).length).toBeGreaterThan(20);
    }
    expect(entries('add_to_page_cache_lru').length).toBeGreaterThan(3);
    expect(passes('writeback:writeback_dirty_folio').length).toBeGreaterThan(100);
  });

  test('has on kernel 6.1 what that has', async () => {
    const names = new Set((await playAll('6.1')).flatMap((event) => ('function' in event ? [event.function] : [])));
    for (const name of ['blk_mq_start_request', 'blk_account_io_done', 'vfs_read', 'filemap_add_folio']) {
      expect(names).toContain(name);
    }
  });
});
