import { describe, expect, test } from 'vitest';
import { SysError } from '../../../src/base/index.ts';
import type { ProgramLoad, ProgramLog } from '../../../src/sys/index.ts';
import { helperAllowed, helperNames, type ProgramType, programFlags } from '../../../src/uapi/index.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, end, openOutput, storing, u32Bytes } from '../bench.ts';

const engine = engines[0]!;
const target = { kind: 'kprobe', function: 'tcp_v4_connect' } as const;

function errnoOf(work: () => unknown): string {
  try {
    work();
    return 'none';
  } catch (fault) {
    if (!(fault instanceof SysError)) throw fault;
    return fault.errno;
  }
}

const logOf = (level: number, size = 1 << 16): ProgramLog => ({ level, size, text: '', trueSize: 0 });

describe('what the verifier says of a load', () => {
  const refused = 'r0 = r2\nexit';

  test('a refusal has the errno and the last words, and the log where the caller wants it', () => {
    using bench = new Bench(engine);
    const log = logOf(1);
    expect(() => bench.load('kprobe', refused, {}, 'GPL', { log })).toThrow('prog_load: EACCES: R2 !read_ok');
    expect(log.text.split('\n').slice(0, 3)).toEqual(['0: R1=ctx() R10=fp0', '0: (bf) r0 = r2', 'R2 !read_ok']);
    expect(log.trueSize).toBe(log.text.length + 1);
  });

  test.each<[string, string, Partial<ProgramLoad>, string]>([
    ['accepted, with a log', 'r0 = 0\nexit', { log: logOf(2) }, 'none'],
    ['a log that does not fit', 'r0 = 0\nexit', { log: logOf(2, 8) }, 'ENOSPC'],
    ['a buffer for no log', 'r0 = 0\nexit', { log: logOf(0, 64) }, 'EINVAL'],
    ['an odd address', 'r1 = r10\nr0 = *(u64 *)(r1 - 12)\nexit', {}, 'EACCES'],
  ])('%s', (_, text, more, expected) => {
    using bench = new Bench(engine);
    expect(errnoOf(() => bench.load('socket_filter', text, {}, 'GPL', more))).toBe(expected);
  });

  test.each(engines)('what no path reaches need not be what an engine can run', (engine) => {
    using bench = new Bench(engine);
    const program = bench.load('socket_filter', 'r0 = 3\nif r0 == 3 goto out\nr10 += 1\nr0 = 1 ll\nout:\nexit');
    expect(bench.machine.programTestRun(program, { data: new Uint8Array(14) }).returned).toBe(3);
  });

  test('strict alignment is a flag', () => {
    using bench = new Bench(engine);
    const map = bench.map({ type: 'array', valueSize: 16 });
    const text = storing('r0 = *(u64 *)(r7 + 1)');
    expect(errnoOf(() => bench.load('kprobe', text, { out: map }))).toBe('none');
    const flags = programFlags.strictAlignment;
    expect(errnoOf(() => bench.load('kprobe', text, { out: map }, 'GPL', { flags }))).toBe('EACCES');
  });

  test('the lines of the source stand in the log', () => {
    using bench = new Bench(engine);
    const log = logOf(1);
    const lines = [{ slot: 0, at: { file: 'tool.c', line: 7, text: '  return seconds;' } }];
    expect(errnoOf(() => bench.load('kprobe', refused, {}, 'GPL', { log, lines }))).toBe('EACCES');
    expect(log.text).toContain('; return seconds; @ tool.c:7\n');
  });

  test('an fd that is open and no map is another errno than one that is closed', () => {
    using bench = new Bench(engine);
    const event = bench.machine.perfEventOpen({ cpu: 0 });
    expect(errnoOf(() => bench.load('kprobe', 'r1 = m ll\nr0 = 0\nexit', { m: event }))).toBe('EINVAL');
    expect(errnoOf(() => bench.load('kprobe', 'r1 = m ll\nr0 = 0\nexit', { m: 999 }))).toBe('EBADF');
  });

  test('a program names 64 maps at most, however many fds they have', () => {
    using bench = new Bench(engine);
    const names = Array.from({ length: 65 }, (_, index) => `m${index}`);
    const maps = Object.fromEntries(names.map((name) => [name, bench.map({ type: 'array' })]));
    const naming = (these: string[]) => `${these.map((name) => `r1 = ${name} ll\n`).join('')}r0 = 0\nexit`;
    expect(errnoOf(() => bench.load('kprobe', naming(names.slice(1)), maps))).toBe('none');
    expect(errnoOf(() => bench.load('kprobe', naming([...names.slice(1), 'm3']), maps))).toBe('none');
    expect(errnoOf(() => bench.load('kprobe', naming(names), maps))).toBe('E2BIG');
  });

  test('nothing stays of a program that is refused', () => {
    using bench = new Bench(engine);
    const map = bench.map({ type: 'array' });
    expect(errnoOf(() => bench.load('kprobe', 'r1 = m ll\nr0 = r3\nexit', { m: map }))).toBe('EACCES');
    expect(bench.load('kprobe', 'r0 = 0\nexit')).toBe(map + 1);
    expect(errnoOf(() => bench.machine.programFdById(2))).toBe('ENOENT');
  });
});

describe('what this kernel does not simulate', () => {
  /** A helper that the verifier knows, and that no body stands for. */
  const missing = 'skb_get_xfrm_state';
  const type: ProgramType = 'sched_cls';
  const withArguments = `r2 = 0\nr3 = r10\nr3 += -16\nr4 = 16\nr5 = 0\ncall bpf_${missing}`;

  test('is told by name, after the verifier accepted it', () => {
    expect(helperNames).toContain(missing);
    expect(helperAllowed(missing, type)).toBe(true);
    using bench = new Bench(engine);
    const load = () => bench.load(type, `${withArguments}\nr0 = 1\nexit`);
    expect(load).toThrow(/ENOSYS: instruction 5: helper bpf_skb_get_xfrm_state#66 is not simulated/);
    expect(load).toThrow(expect.objectContaining({ hint: expect.stringMatching(/verifier accepts/) }));
    expect(errnoOf(() => bench.load(type, `r1 = 0\n${withArguments}\nr0 = 1\nexit`))).toBe('EACCES');
  });

  test('may stand where no path goes', () => {
    using bench = new Bench(engine);
    const text = `r6 = r1\nr0 = 1\nif r0 == 1 goto done\nr1 = r6\n${withArguments}\ndone:\nr0 = 1\nexit`;
    expect(errnoOf(() => bench.load(type, text))).toBe('none');
  });
});

test('a frozen map is a constant to the verifier', () => {
  using bench = new Bench(engine);
  // 8 fits as an offset of the output; what is not known would not.
  const offset = bench.text('\b');
  const out = bench.map({ type: 'array', valueSize: 16 });
  const text = `${openOutput}r1 = offset ll\nr1 = *(u8 *)(r1 + 0)\nr7 += r1\n*(u64 *)(r7 + 0) = 5\n${end}`;
  bench.attach(target, text, { offset, out });
  bench.entry('tcp_v4_connect');
  expect([bench.u64(out), bench.u64(out, 0, 8)]).toEqual([0n, 5n]);
  expect(errnoOf(() => bench.machine.mapUpdate(offset, u32Bytes(0), new Uint8Array(2)))).toBe('EPERM');
});

describe('what a program is', () => {
  /** Tags as Linux 6.18 gave them. */
  test('id, tag, size, what the verifier walked over, maps', () => {
    using bench = new Bench(engine);
    const text = bench.text('texts');
    const map = bench.map({ type: 'array', maxEntries: 1 });
    const plain = bench.load('socket_filter', 'r0 = 0\nexit');
    expect(bench.machine.programInfo(plain)).toEqual({
      id: 1,
      type: 'socket_filter',
      name: 'test',
      tag: '59f4a931744dcdc6',
      size: 16,
      verifiedInstructions: 2,
      mapIds: [],
      isGplCompatible: true,
    });
    const naming = 'r1 = map ll\nr1 = text ll\nr0 = 0\nexit';
    const other = bench.load('kprobe', naming, { map, text }, 'MIT', { name: 'a_name_that_is_too_long' });
    expect(bench.machine.programInfo(other)).toMatchObject({
      id: 2,
      name: 'a_name_that_is_',
      tag: '34cd22ba92a8bacc',
      size: 48,
      verifiedInstructions: 4,
      mapIds: [2, 1],
      isGplCompatible: false,
    });
    expect([0, 1, 2].map((id) => bench.machine.programNextId(id))).toEqual([1, 2, null]);
    bench.machine.close(plain);
    expect(bench.machine.programNextId(0)).toBe(2);
  });
});
