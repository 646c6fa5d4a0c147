import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Outcome, tracebed } from './console.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tracebed-cc-'));
  mkdirSync(join(folder, 'include'));
  writeFileSync(join(folder, 'include', 'limit.h'), '#define LIMIT 7\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs `tracebed cc` on a text that stands in standard input. */
async function cc(text: string, ...argv: readonly string[]): Promise<Outcome> {
  const stdin = new PassThrough();
  stdin.end(text);
  return await tracebed(['cc', '-', ...argv], { stdin });
}

const text = `BPF_HASH(start, u32, u64, 64);
struct seen { u32 pid; };
int kprobe__vfs_read(struct pt_regs *ctx) {
  u32 pid = bpf_get_current_pid_tgid();
  start.increment(pid);
  return 0;
}
`;
const one = 'int kprobe__vfs_read(void *ctx) { return LIMIT; }';

describe('what is printed of an object', () => {
  test('its programs and maps', async () => {
    const { code, out, err } = await cc(text);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^program kprobe__vfs_read {2}kprobe\/vfs_read {2}\d+ instructions\n/);
    expect(out).toContain('\nmap start  hash  key 4  value 8  entries 64\n');
  });

  test.each(['', '/* nothing */', 'struct pair { int a, b; };'])('of %j: that there is nothing', async (empty) => {
    expect(await cc(empty)).toEqual({ code: 0, out: 'no program and no map\n', err: '' });
  });

  test('with -S the instructions beside their lines', async () => {
    const { out } = await cc(one, '-S', '-DLIMIT=5');
    expect(out).toContain('kprobe__vfs_read: kprobe/vfs_read\n');
    expect(out).toMatch(/r0 = 5\n.*exit/);
  });

  test.each([
    ['raw', /\[\d+\] STRUCT 'seen' size=4 vlen=1/],
    ['c', /struct seen \{\n\s+u32 +pid;/],
  ])('with --dump-btf %s its types', async (form, expected) => {
    const { code, out } = await cc(`${text} struct seen last;`, '--dump-btf', form);
    expect([code, out]).toEqual([0, expect.stringMatching(expected)]);
  });
});

describe('an object file', () => {
  test('goes where -o says, and is the same each time', async () => {
    const [first, second] = ['first.o', 'second.o'].map((name) => join(folder, name)) as [string, string];
    for (const path of [first, second]) {
      expect(await cc(text, '--emit-obj', '-o', path)).toEqual({ code: 0, out: '', err: '' });
    }
    expect(readFileSync(first).subarray(0, 4).toString('latin1')).toBe('\x7fELF');
    expect(readFileSync(first).equals(readFileSync(second))).toBe(true);
  });

  test('that cannot be written is told', async () => {
    const path = join(folder, 'nowhere', 'tool.o');
    const { code, err } = await cc(text, '--emit-obj', '-o', path);
    expect([code, err]).toEqual([1, expect.stringContaining(path)]);
  });
});

describe('macros and includes', () => {
  const answer = async (...argv: readonly string[]): Promise<string | undefined> =>
    /r0 = (\d+)/.exec((await cc(`#ifndef LIMIT\n#define LIMIT 1\n#endif\n${one}`, '-S', ...argv)).out)?.[1];

  test.each([
    ['none', [], '1'],
    ['-D', ['-D', 'LIMIT=5'], '5'],
    ['-D and -U', ['-D', 'LIMIT=5', '-U', 'LIMIT'], '1'],
  ])('%s', async (_, argv, expected) => {
    expect(await answer(...argv)).toBe(expected);
  });

  test('-I', async () => {
    const { code, out } = await cc(`#include <limit.h>\n${one}`, '-S', '-I', join(folder, 'include'));
    expect([code, out]).toEqual([0, expect.stringContaining('r0 = 7')]);
  });
});

describe('what is wrong', () => {
  test('is told at its place, and the exit code is 1', async () => {
    const { code, out, err } = await cc('int kprobe__vfs_read(void *ctx) {\n  return vaule;\n}\n');
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^-:2:10: error: use of undeclared identifier 'vaule'\n {4}return vaule;\n {11}\^~{4}\n/);
    expect(err).toMatch(/tracebed: - was not compiled: 1 error\n$/);
    expect(err).not.toContain('    at ');
  });

  test.each([
    ['no-such.c', /no-such\.c: there is no such file/, 1],
    ['.', /: this is a directory/, 1],
    ['a.c b.c', /too many arguments/, 2],
    ['- --kernel 5.0', /--kernel cannot be '5\.0'/, 2],
    ['- --dump-btf json', /Allowed choices are raw, c/, 2],
  ])('cc %s', async (argv, expected, code) => {
    const stdin = new PassThrough();
    stdin.end('');
    const outcome = await tracebed(['cc', ...argv.split(' ')], { stdin });
    expect([outcome.code, outcome.err]).toEqual([code, expect.stringMatching(expected)]);
  });
});
