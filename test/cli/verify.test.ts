import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Gathered, type Outcome, tracebed } from './console.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tracebed-verify-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs `tracebed verify` on a text. */
async function verify(argv: readonly string[], input: string | Uint8Array): Promise<Outcome> {
  const stdin = new PassThrough();
  stdin.end(input);
  return await tracebed(['verify', '-', ...argv], { stdin });
}

const good = 'b7000000010000009500000000000000';

const object = `.license "GPL"
.map hits, array, value=u64, entries=2
.section "kprobe/tcp_v4_connect"
on_entry:
  *(u32 *)(r10 - 4) = 1
  r1 = hits ll
  r2 = r10
  r2 += -4
  call bpf_map_lookup_elem
  r0 = *(u64 *)(r0 + 0)
  exit
.section "socket"
other:
  r0 = 3
  exit
`;

describe('verdicts as text', () => {
  test('hex on the command line', async () => {
    expect(await tracebed(['verify', good])).toEqual({
      code: 0,
      out: 'hex (socket_filter): accepted; 2 instructions processed, peak 0 states, stack 0 bytes\n',
      err: '',
    });
  });

  test('a line for each program of an object; a refused one with its log', async () => {
    const { code, out, err } = await verify([], object);
    expect({ code, err }).toEqual({ code: 1, err: '' });
    expect(out).toContain('on_entry (kprobe): refused with EACCES; 6 instructions processed');
    expect(out).toContain("R0 invalid mem access 'map_value_or_null'\nprocessed 6 insns (limit 1000000)");
    expect(out).toContain('\n\nother (socket_filter): accepted; 2 instructions processed');
  });

  test('one program of several', async () => {
    const { code, out } = await verify(['--program', 'other'], object);
    expect({ code, out }).toEqual({
      code: 0,
      out: 'other (socket_filter): accepted; 2 instructions processed, peak 0 states, stack 0 bytes\n',
    });
  });

  test('a type of the user changes the rules', async () => {
    const text = 'r0 = *(u32 *)(r1 + 0)\nexit\n';
    expect((await verify([], text)).code).toBe(0);
    const { code, out } = await verify(['--type', 'tracepoint'], text);
    expect(code).toBe(1);
    expect(out).toContain('invalid bpf_context access off=0 size=4');
  });

  test('an attach type too', async () => {
    const text = 'r0 = *(u32 *)(r1 + 4)\nr0 = 1\nexit\n';
    const type = ['--type', 'cgroup_sock_addr', '--expected-attach-type'];
    expect((await verify([...type, 'cgroup_inet4_bind'], text)).code).toBe(0);
    expect((await verify([...type, 'cgroup_inet6_bind'], text)).code).toBe(1);
  });

  test('a license too', async () => {
    const text = 'r1 = r10\nr1 += -8\nr2 = 8\nr3 = 0\ncall bpf_probe_read_kernel\nr0 = 0\nexit\n';
    expect((await verify(['--type', 'kprobe'], text)).code).toBe(0);
    const { out } = await verify(['--type', 'kprobe', '--license', 'Proprietary'], text);
    expect(out).toContain('cannot call GPL-restricted function from non-GPL compatible program');
  });

  test('bytes that are no instruction get a verdict', async () => {
    const { code, out } = await verify([], Buffer.from('ff00000000000000', 'hex'));
    expect(code).toBe(1);
    expect(out).toContain('refused with EINVAL');
  });

  test('level 2 shows the log of what is accepted', async () => {
    const { out } = await verify(['--log-level', '2', '--program', 'other'], object);
    expect(out).toContain('0: R1=ctx() R10=fp0\n0: (b7) r0 = 3');
  });

  test('level 4 shows time and stack', async () => {
    const { out } = await verify(['--log-level', '4', '--program', 'on_entry'], object);
    expect(out).toMatch(/\nverification time \d+ usec\nstack depth 4\nprocessed 6 insns/);
  });

  test('level 0 shows no log', async () => {
    const { out } = await verify(['--log-level', '0'], object);
    expect(out.split('\n').filter((line) => line !== '')).toHaveLength(2);
  });

  test('C, with its source lines in the log', async () => {
    const file = join(folder, 'count.c');
    writeFileSync(
      file,
      'BPF_HASH(hits);\nint kprobe__tcp_sendmsg(struct pt_regs *ctx) {\n  u64 key = 1;\n  u64 *value = hits.lookup(&key);\n  *value += 1;\n  return 0;\n}\n',
    );
    const { code, out, err } = await tracebed(['verify', file]);
    expect({ code, err }).toEqual({ code: 1, err: '' });
    expect(out).toContain('; *value += 1; @ count.c:5\n');
  });
});

describe('explanations', () => {
  /** Without what was counted on the way, which is not what these are about. */
  async function explained(file: string): Promise<string> {
    const { out, err } = await tracebed(['verify', file, '--explain', '--log-level', '0']);
    expect(err).toBe('');
    const name = file.replace(/^.*\//, '');
    return out.replaceAll(file, name).replace(/; \d+ instructions? processed.*/g, '');
  }

  /** Without instructions, which the compiler chooses. */
  function withoutCode(text: string): string {
    return text.replace(/, instruction .*/g, '').replace(/^ +line \d+ .*\n/gm, '');
  }

  test.each([
    ['mistakes.s', (text: string) => text],
    ['mistakes.c', withoutCode],
  ] as const)('of %s', async (name, steady) => {
    const file = new URL(`verify/${name}`, import.meta.url);
    const expected = readFileSync(`${file.pathname}.txt`, 'utf8');
    expect(steady(await explained(file.pathname))).toBe(expected);
  });

  test('on a terminal unless they are not wanted, elsewhere only when they are', async () => {
    const shows = async (isTTY: boolean, ...flags: string[]): Promise<boolean> => {
      const stdin = new PassThrough();
      stdin.end('exit\n');
      const stdout = new Gathered(isTTY);
      await tracebed(['verify', '-', ...flags], { stdin, stdout });
      return stdout.text.includes('refused for a value that was never set');
    };
    expect(await shows(true)).toBe(true);
    expect(await shows(true, '--no-explain')).toBe(false);
    expect(await shows(false)).toBe(false);
    expect(await shows(false, '--explain')).toBe(true);
  });
});

describe('verdicts as JSON', () => {
  test('one line a program', async () => {
    const { code, out } = await verify(['--format', 'json'], object);
    expect(code).toBe(1);
    const [first, second] = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(first).toMatchObject({
      type: 'verdict',
      file: 'standard input',
      program: 'on_entry',
      program_type: 'kprobe',
      verdict: 'reject',
      errno: 'EACCES',
      message: "R0 invalid mem access 'map_value_or_null'",
      statistics: { processed: 6, stack_depths: [4] },
      explanation: {
        category: 'possible-null',
        at: { slot: 6, instruction: 'r0 = *(u64 *)(r0 +0)', line: 10, column: 3 },
        path: [{ slot: 5, note: 'r0 is a pointer to a value of map hits, or NULL' }],
        suggestion: expect.stringContaining('for NULL before line 10'),
      },
    });
    expect(second).toMatchObject({ program: 'other', verdict: 'accept', errno: null, message: '', explanation: null });
  });
});

describe('wrong usage', () => {
  test.each([
    [['--type', 'kprob'], "--type cannot be 'kprob'\n  hint: did you mean kprobe"],
    [['--log-level', '16'], "--log-level cannot be '16'\n  expected: a whole number from 0 to 15"],
    [['--format', 'xml'], "--format cannot be 'xml'\n  expected: text, json"],
    [['--program', 'nobody'], "standard input holds no program 'nobody'\n  expected: on_entry, other"],
  ])('%j', async (argv, words) => {
    const { code, err } = await verify(argv, object);
    expect(code).toBe(2);
    expect(err).toContain(words);
  });

  test('a map that nothing declares', async () => {
    const { code, err } = await verify([], 'r1 = hits ll\nr0 = 0\nexit\n');
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining("there is no map 'hits'") });
  });

  test('a file that is not there', async () => {
    const { code, err } = await tracebed(['verify', join(folder, 'nothing.s')]);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('there is no such file') });
  });

  test('that is hex cut short is told so', async () => {
    const { code, err } = await tracebed(['verify', 'b70000']);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('its 6 digits are no whole instructions') });
  });
});
