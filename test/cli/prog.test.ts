import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineNames } from '../../src/cli/engines.ts';
import { type Outcome, tracebed } from './console.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tracebed-prog-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs `tracebed prog` with a program on standard input. */
async function prog(argv: readonly string[], input: string | Uint8Array): Promise<Outcome> {
  const stdin = new PassThrough();
  stdin.end(input);
  return await tracebed(['prog', ...argv], { stdin });
}

const ok = (out: string): Outcome => ({ code: 0, out, err: '' });
const fault = (code: number, err: string, out = ''): Outcome => ({ code, out, err });

const hex = 'b7000000010000009500000000000000';
const object = `.license "GPL"
.map hits, array, value=u64, entries=2
.section "kprobe/tcp_v4_connect"
on_entry:
  *(u32 *)(r10 - 4) = 1
  r1 = hits ll
  r2 = r10
  r2 += -4
  call bpf_map_lookup_elem
  if r0 == 0 goto out
  r1 = 41
  *(u64 *)(r0 + 0) = r1
  lock *(u64 *)(r0 + 0) += r1
  r0 = *(u64 *)(r0 + 0)
out:
  exit
.section "socket"
other:
  r0 = 3
  exit
`;

describe('what a program is shows in its content', () => {
  test.each([
    ['clang', 'r0 = 1\nexit\n'],
    ['classic', 'mov r0, 1\nexit'],
    [
      'llvm-objdump',
      '0000000000000000 <f>:\n       0:\tb7 00 00 00 01 00 00 00\tr0 = 1\n       1:\t95 00 00 00 00 00 00 00\texit\n',
    ],
    ['the verifier', '0: (b7) r0 = 1                        ; R0_w=1\n1: (95) exit\n'],
    ['hex', hex],
    ['hex in lines', 'b7 00 00 00 01 00 00 00\n95 00 00 00 00 00 00 00\n'],
    [
      'hex of C',
      '0xb7, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,\n0x95, 0x00, 0, 0x00, 0x00, 0x00, 0x00, 0x00'.replace(
        ' 0,',
        ' 00,',
      ),
    ],
    ['raw', Buffer.from(hex, 'hex')],
    ['an object', '.section "socket"\nmain:\n  r0 = 1\n  exit\n'],
  ])('%s', async (_, input) => {
    expect(await prog(['asm', '-'], input)).toEqual(ok(`${hex}\n`));
  });

  test("a whole log of the verifier's", async () => {
    const log = readFileSync(new URL('../isa/fixtures/verifier-walk.txt', import.meta.url), 'utf8');
    expect(await prog(['run', '-', '--memory', '05000000'], log)).toEqual(ok('r0 = 0x100000008 (4294967304)\n'));
    const { err } = await prog(['run', '-'], log);
    expect(err).toContain('standard input:4: trap at instruction 0 (r2 = *(u32 *)(r1 + 0)): unmapped-address');
  });

  test.each([
    [['asm', '-'], '', 'standard input: there is nothing to read\n  expected: a program\n'],
    [['asm', '-'], '; nothing\n', 'standard input: there is no instruction in it\n'],
    [['asm', '-'], 'r0 = 1\nr0 + 2\n', "standard input:2:4: unexpected '+'"],
    [['asm', '-'], 'call bpf_ktime_get_n\n', "standard input:1:6: there is no helper or function 'bpf_ktime_get_n'"],
    [['asm', '-', '--input', 'hex'], 'b7\n0g', "standard input:2:2: 'g' is no hex digit\n  0g\n   ^\n"],
    [['asm', '-'], 'b70', 'standard input:1:1: half a byte is missing\n  b70\n  ^\n  expected: two digits a byte\n'],
    [
      ['asm', '-'],
      'b700',
      'standard input: byte 0: 2 bytes are no whole instructions\n  expected: a multiple of 8 bytes\n',
    ],
    [
      ['disasm', '-'],
      'ff00000000000000',
      'standard input: byte 0: instruction 0: no instruction has the opcode 0xff\n',
    ],
    [['asm', '-'], '\x7fELF\0', 'standard input: this is an ELF object, which is not read here\n'],
    [['asm', 'no/such.s'], '', 'no/such.s: there is no such file\n'],
    [['asm', '.'], '', '.: this is a directory\n'],
  ])('%j of what cannot be read', async (argv, input, err) => {
    const outcome = await prog(argv, input);
    expect(outcome).toMatchObject({ code: 1, out: '' });
    expect(outcome.err).toContain(`tracebed: ${err}`);
  });

  test.each([
    [['--input', 'elf'], hex, "tracebed: --input cannot be 'elf'\n  expected: text, hex, raw, object, c\n"],
    [
      ['--program', 'a'],
      hex,
      'tracebed: --program chooses one of several programs, which only an object has\n  hint: standard input was read as hex\n',
    ],
    [[], object, 'tracebed: standard input holds 2 programs\n  expected: --program on_entry or other\n'],
    [
      ['--program', 'on_enty'],
      object,
      "tracebed: standard input holds no program 'on_enty'\n  expected: on_entry, other\n  hint: did you mean on_entry?\n",
    ],
  ])('wrong usage: %j', async (options, input, err) => {
    expect(await prog(['asm', '-', ...options], input)).toEqual(fault(2, err));
  });
});

describe('asm', () => {
  test('raw bytes to a file', async () => {
    const file = join(folder, 'out.bin');
    expect(await prog(['asm', '-', '--format', 'raw', '-o', file], 'r0 = 1\nexit')).toEqual(ok(''));
    expect(readFileSync(file).toString('hex')).toBe(hex);
    expect(await prog(['asm', file], '')).toEqual(ok(`${hex}\n`));
  });

  test('a table of C', async () => {
    const file = join(folder, '1-filter.s');
    writeFileSync(file, 'r1 = -1 ll\nif r1 s> -3 goto -3\nexit');
    expect(await prog(['asm', file, '--format', 'c'], '')).toEqual(
      ok(`static const struct bpf_insn program_1_filter[] = {
  { .code = 0x18, .dst_reg = 1, .src_reg = 0, .off = 0, .imm = -1 }, /* 0: r1 = 0xffffffffffffffff ll */
  { .code = 0x00, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = -1 }, /* its second half */
  { .code = 0x65, .dst_reg = 1, .src_reg = 0, .off = -3, .imm = -3 }, /* 2: if r1 s> -3 goto -3 */
  { .code = 0x95, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0 }, /* 3: exit */
};
`),
    );
  });

  test('a map that the text only names is left open', async () => {
    const { code, out, err } = await prog(['asm', '-'], 'r1 = hits ll\nexit');
    expect([code, out]).toEqual([0, '180100000000000000000000000000009500000000000000\n']);
    expect(err).toBe('tracebed: addresses to be filled in are left 0: hits\n');
  });

  test('a file that cannot be written', async () => {
    const file = join(folder, 'no', 'such', 'folder');
    expect(await prog(['asm', '-', '-o', file], hex)).toEqual(
      fault(1, `tracebed: ${file}: there is no such directory\n`),
    );
  });
});

describe('disasm', () => {
  const text = 'again: r1 -= 1\nif r1 != 0 goto again\ncall 5\ncall double\nexit\ndouble: r0 += r0\nexit\n';
  test.each([
    [
      [],
      '       0:\tr1 -= 1\n       1:\tif r1 != 0 goto -2\n       2:\tcall 5\n       3:\tcall pc+1\n       4:\texit\n       5:\tr0 += r0\n       6:\texit\n',
    ],
    [
      ['--no-slots', '--labels'],
      'again:\n  r1 -= 1\n  if r1 != 0 goto again\n  call 5\n  call double\n  exit\ndouble:\n  r0 += r0\n  exit\n',
    ],
    [
      ['--style', 'verifier'],
      '0: (17) r1 -= 1\n1: (55) if r1 != 0x0 goto pc-2\n2: (85) call bpf_ktime_get_ns#5\n3: (85) call pc+1\n4: (95) exit\n5: (0f) r0 += r0\n6: (95) exit\n',
    ],
  ])('%j', async (options, out) => {
    expect(await prog(['disasm', '-', ...options], text)).toEqual(ok(out));
    expect((await prog(['asm', '-'], out)).out).toBe((await prog(['asm', '-'], text)).out);
  });

  test('bytes, and the names that an object gives', async () => {
    const { out } = await prog(['disasm', '-', '--bytes', '--program', 'on_entry'], object);
    expect(out.split('\n').slice(0, 2)).toEqual([
      '       0:\t62 0a fc ff 01 00 00 00\t*(u32 *)(r10 - 4) = 1',
      '       1:\t18 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00\tr1 = hits ll',
    ]);
  });

  test.each([
    [
      ['--bytes', '--style', 'verifier'],
      'tracebed: --bytes goes with the style of clang\n  hint: the verifier prints only the opcode\n',
    ],
    [
      ['--bytes', '--labels'],
      'tracebed: --bytes does not go with --labels\n  hint: beside bytes stand the distances in them\n',
    ],
    [['--style', 'gas'], "tracebed: --style cannot be 'gas'\n  expected: clang, verifier\n"],
  ])('wrong usage: %j', async (options, err) => {
    expect(await prog(['disasm', '-', ...options], text)).toEqual(fault(2, err));
  });
});

describe.each(engineNames)('run on the %s', (engine) => {
  const run = (options: readonly string[], input: string | Uint8Array): Promise<Outcome> =>
    prog(['run', '-', '--engine', engine, ...options], input);

  test.each([
    ['r0', [], 'r0 = 42\nexit', 'r0 = 0x2a (42)\n'],
    ['a negative r0', [], 'r0 = -2\nexit', 'r0 = 0xfffffffffffffffe (-2, unsigned 18446744073709551614)\n'],
    ['raw bytes', [], Buffer.from(hex, 'hex'), 'r0 = 0x1 (1)\n'],
    ['memory', ['--memory', '0102 0304'], 'r0 = *(u8 *)(r1 + 2)\nr0 <<= 8\nr0 |= r2\nexit', 'r0 = 0x304 (772)\n'],
    ['a context', ['--context', '0x07'], 'r0 = *(u8 *)(r1 + 0)\nr0 += r2\nexit', 'r0 = 0x7 (7)\n'],
    ['both', ['--context', '07', '--memory', '0506'], 'r0 = *(u8 *)(r1 + 0)\nr0 += r2\nexit', 'r0 = 0x9 (9)\n'],
    ['packet loads', ['--memory', '0102'], 'r6 = r1\nr0 = *(u16 *)skb[0]\nexit', 'r0 = 0x102 (258)\n'],
    ['beyond the packet', ['--memory', '0102'], 'r6 = r1\nr0 = *(u32 *)skb[0]\nexit', 'r0 = 0x0 (0)\n'],
    ['the count', ['--count'], 'r0 = 3\na: r0 += -1\nif r0 != 0 goto a\nexit', 'instructions: 8\nr0 = 0x0 (0)\n'],
    [
      'what was written',
      ['--dump', '--memory', '0000'],
      '*(u8 *)(r1 + 1) = 9\nr0 = 0\nexit',
      'memory: 0009\nr0 = 0x0 (0)\n',
    ],
    ['maps of an object', ['--program', 'on_entry'], object, 'r0 = 0x52 (82)\n'],
    ['helpers', [], 'call bpf_get_smp_processor_id\nexit', 'r0 = 0x0 (0)\n'],
    [
      'trace_printk',
      [],
      '*(u32 *)(r10 - 4) = 0x6968\nr1 = r10\nr1 += -4\nr2 = 4\ncall bpf_trace_printk\nr0 = 0\nexit',
      'printed: hi\nr0 = 0x0 (0)\n',
    ],
  ])('%s', async (_, options, input, out) => {
    expect(await run(options, input)).toEqual(ok(out));
  });

  test('bytes from a file', async () => {
    const file = join(folder, 'memory.bin');
    writeFileSync(file, Uint8Array.of(9, 8));
    expect(await run(['--memory', `@${file}`], 'r0 = *(u8 *)(r1 + 1)\nexit')).toEqual(ok('r0 = 0x8 (8)\n'));
  });

  test.each([
    [
      'a bad address',
      [],
      'r0 = 0\nr0 = *(u8 *)(r0 + 16)\nexit',
      'standard input:2:1: trap at instruction 1 (r0 = *(u8 *)(r0 + 16)): unmapped-address: access to 1 byte at 0x10, which is not mapped\n  r0 = *(u8 *)(r0 + 16)\n  ^\n',
    ],
    ['beyond the memory', ['--memory', '0011223344556677'], 'r0 = *(u8 *)(r1 + 8)\nexit', 'unmapped-address'],
    [
      'of hex',
      [],
      '850000000f2700009500000000000000',
      'standard input: byte 0: trap at instruction 0 (call 9999): unknown-helper: call of helper 9999, which this kernel does not have\n',
    ],
    [
      'off the end',
      [],
      'r0 = 0',
      'standard input: trap at instruction 1: off-the-end: control ran off the end of the program\n',
    ],
    ['running away', ['--budget', '100'], 'r0 = 0\ngoto -2', 'budget-exhausted: more than 100 instructions\n'],
    ['its own stack', [], 'r0 = *(u64 *)(r10 - 520)\nexit', 'stack-overflow'],
  ])('a trap: %s', async (_, options, input, err) => {
    const outcome = await run(options, input);
    expect(outcome).toMatchObject({ code: 1, out: '' });
    expect(outcome.err).toContain(err);
  });

  test.each([
    [['--type', 'xpd'], 'r0 = 1\nexit', 2, "there is no program type 'xpd'\n  hint: did you mean xdp?\n"],
    [['--type', 'xdp'], 'call bpf_get_stackid\nexit', 1, 'program of this type cannot use helper bpf_get_stackid#27'],
    [
      ['--type', 'kprobe', '--license', 'X'],
      'call bpf_trace_printk\nexit',
      1,
      'cannot call GPL-restricted function from non-GPL compatible program',
    ],
    [['--memory', 'xyz'], 'exit', 2, "--memory cannot be 'xyz'\n  expected: bytes in hex, two digits each, or @FILE\n"],
    [['--memory', '@no.such'], 'exit', 1, 'no.such: there is no such file\n'],
    [['--budget', '0'], 'exit', 2, "--budget cannot be '0'"],
    [[], 'r1 = hits ll\nexit', 1, "standard input:1:1: there is no map 'hits'"],
    [[], 'goto +5\nexit', 1, 'it goes to slot 6, a place outside it'],
  ])('refused: %j', async (options, input, code, err) => {
    const outcome = await run(options, input);
    expect(outcome).toMatchObject({ code, out: '' });
    expect(outcome.err).toContain(err);
  });
});

describe('run --trace', () => {
  test('prints what each instruction changed', async () => {
    const text = 'call f\nr0 += 1\nexit\nf: r0 = r2\nexit';
    const { code, out, err } = await prog(['run', '-', '--trace', '--memory', 'aabb', '--style', 'verifier'], text);
    expect([code, err]).toEqual([0, '']);
    expect(out.replace(/0xffff8880[0-9a-f]{8}/g, 'POINTER').split('\n')).toEqual([
      'on entry                                         r1=POINTER r2=0x2 r10=POINTER',
      '0: call pc+2                                     r10=POINTER',
      '  3: r0 = r2                                     r0=0x2',
      '  4: exit                                        r10=POINTER',
      '1: r0 += 1                                       r0=0x3',
      '2: exit',
      'r0 = 0x3 (3)',
      '',
    ]);
  });

  test('ends with what trapped', async () => {
    const { code, out, err } = await prog(['run', '-', '--trace'], 'r1 = 5\nr0 = *(u8 *)(r1 + 0)\nexit');
    expect(code).toBe(1);
    expect(out.split('\n').slice(1)).toEqual([
      '0: r1 = 5                                        r1=0x5',
      '1: r0 = *(u8 *)(r1 + 0)',
      '',
    ]);
    expect(err).toContain('unmapped-address');
  });

  test.each(engineNames.filter((name) => name !== 'interpreter'))('is not for the %s', async (engine) => {
    expect(await prog(['run', '-', '--trace', '--engine', engine], hex)).toEqual(
      fault(
        2,
        `tracebed: the ${engine} engine does not stop at each instruction\n  expected: --engine interpreter with --trace\n`,
      ),
    );
  });
});

test('cfg draws blocks, functions and what is never reached', async () => {
  const { code, out } = await prog(['cfg', '-'], 'call f\nexit\nr0 = 1\nf: exit');
  expect(code).toBe(0);
  expect(out).toContain('digraph "standard input" {');
  expect(out).toContain('slot_0 [label="0: call pc+2\\l1: exit\\l"];');
  expect(out).toContain('slot_2 [label="unreachable\\l2: r0 = 1\\l", style=dashed, color=gray50, fontcolor=gray50];');
  expect(out).toContain('subgraph cluster_3 {\n    label="f";');
});

test.each([[[]], [['asm']], [['disasm']], [['run']], [['cfg']]])('help of prog %j has examples', async (argv) => {
  const { code, out, err } = await tracebed(['prog', ...argv, '--help']);
  expect(out).toMatch(/^Usage: tracebed prog /);
  expect(out).toMatch(/\nExamples:\n {2}\S/);
  expect([code, err]).toEqual([0, '']);
});
