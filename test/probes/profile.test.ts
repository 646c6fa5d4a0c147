import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { flameGraph } from '../../probes/flame-graph.ts';
import { tracebed } from '../cli/console.ts';

const scenario = 'test/probes/scenarios/known-stacks.ts';

describe('profile --flame', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'profile-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function flames(name: string, ...more: string[]): Promise<string> {
    const file = join(folder, name);
    const { code } = await tracebed(['run', 'profile', '-F', '100', '--scenario', scenario, '--flame', file, ...more]);
    expect(code).toBe(0);
    return readFileSync(file, 'utf8');
  }

  test('tells each function with its share of the samples', async () => {
    const svg = await flames('whole.svg');
    expect([...svg.matchAll(/<title>([^<]*)<\/title>/g)].map(([, title]) => title)).toEqual([
      'all (54 samples, 100.00%)',
      'kworker/1:1 (9 samples, 16.67%)',
      'ret_from_fork (9 samples, 16.67%)',
      'kthread (9 samples, 16.67%)',
      'process_one_work (9 samples, 16.67%)',
      'wb_workfn (9 samples, 16.67%)',
      'wb_writeback (9 samples, 16.67%)',
      'solver (45 samples, 83.33%)',
      'main (45 samples, 83.33%)',
      'load (18 samples, 33.33%)',
      'do_syscall_64 (18 samples, 33.33%)',
      'vfs_read (18 samples, 33.33%)',
      'filemap_read (18 samples, 33.33%)',
      'solve (27 samples, 50.00%)',
      'step&lt;1&gt; (27 samples, 50.00%)',
    ]);
    expect(svg).toContain('>100 Hertz: all threads, user + kernel stacks</text>');
  });

  test('is the same each time, and ends with the duration', async () => {
    expect(await flames('again.svg')).toBe(await flames('whole.svg'));
    expect(await flames('begin.svg', '--', '1')).toBe(await flames('whole.svg'));
  });

  test('is not written by a run that cannot begin', async () => {
    const file = join(folder, 'none.svg');
    const { code } = await tracebed(['run', 'profile', '-U', '-K', '--flame', file]);
    expect([code, existsSync(file)]).toEqual([2, false]);
  });
});

describe('a flame graph', () => {
  const user = (name: string) => ({ name, kind: 'user' }) as const;
  const svg = flameGraph(
    [
      { frames: [user('main'), user('b')], count: 3 },
      { frames: [user('main'), user('a "quoted" name & more')], count: 1 },
    ],
    'Two & more',
  );

  /** x, y, width of the box of a name. */
  function box(name: string): number[] {
    const [, ...numbers] =
      new RegExp(`<title>${name} \\(.*?<rect x="([\\d.]+)" y="([\\d.]+)" width="([\\d.]+)"`).exec(svg) ?? [];
    return numbers.map(Number);
  }

  test('puts callees upon their caller, in alphabetical order, as wide as their share', () => {
    expect(box('all')).toEqual([10, 70, 1180]);
    expect(box('main')).toEqual([10, 53, 1180]);
    expect(box('a &quot;quoted&quot; name &amp; more')).toEqual([10, 36, 295]);
    expect(box('b')).toEqual([305, 36, 885]);
  });

  test('is XML whatever names hold', () => {
    expect(svg).toContain('>Two &amp; more</text>');
    expect(svg.replace(/&(amp|lt|gt|quot);/g, '')).not.toContain('&');
    expect([...svg.matchAll(/<g>/g)].length).toBe([...svg.matchAll(/<\/g>/g)].length);
  });

  test('leaves out what is narrower than can be seen, and shortens names to their boxes', () => {
    const wide = flameGraph(
      [
        { frames: [user('almost_everything')], count: 100_000 },
        { frames: [user('hardly_anything')], count: 1 },
        { frames: [user('a_name_that_is_longer_than_its_box')], count: 5000 },
      ],
      'shares',
    );
    expect(wide).not.toContain('hardly_anything');
    expect(wide).toContain('>a_nam..</text>');
  });

  test('of nothing is an empty picture', () => {
    expect(flameGraph([], 'nothing')).not.toContain('<g>');
  });
});
