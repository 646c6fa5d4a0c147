import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import { assemble } from '../../src/isa/index.ts';
import { assembleObject } from '../../src/object/index.ts';

const profile = loadProfile('6.18');
const build = (text: string, define: Record<string, number | bigint> = {}) =>
  assembleObject(text, { file: 'tool.bpf.s', profile, define });

/** An object whose program is `lines`, after `head`. */
const object = (lines: string, head = '', section = 'kprobe/tcp_v4_connect'): string =>
  `.license "GPL"\n${head}\n.section "${section}"\nprogram:\n${lines}\n`;

function faultOf(text: string, define: Record<string, number | bigint> = {}): InputError {
  try {
    build(text, define);
  } catch (fault) {
    if (fault instanceof InputError) return fault;
    throw fault;
  }
  throw new Error('it was taken');
}

test('an object: license, maps, layouts, programs', () => {
  const spec = build(`
    .license "Dual MIT/GPL"           // a comment with "quotes"
    .equ ENTRIES, 1 << 10
    .struct key                       # another
      u64 location
      u32 reason
    .end
    .struct record
      key where
      u16 port
      char comm[16]
      u8 rest[ENTRIES / 256]
    .end
    .map drops,   hash, key=key, value=u64, entries=ENTRIES, flags=1
    .map counts,  percpu_array, value=sizeof(record) * 2, entries=3
    .map events,  perf_event_array
    .map stacks,  stack_trace, entries=16
    .section "tracepoint/skb/kfree_skb"
    first:
      r0 = 0
      exit
    .section "kretprobe/vfs_read"
    second:
      r1 = drops ll
      r0 = 0
      exit
  `);
  expect(spec.license).toBe('Dual MIT/GPL');
  expect(spec.maps.map(({ key, value, ...shape }) => shape)).toEqual([
    { name: 'drops', type: 'hash', keySize: 16, valueSize: 8, maxEntries: 1024, flags: 1 },
    { name: 'counts', type: 'percpu_array', keySize: 4, valueSize: 80, maxEntries: 3, flags: 0 },
    { name: 'events', type: 'perf_event_array', keySize: 4, valueSize: 4, maxEntries: 0, flags: 0 },
    { name: 'stacks', type: 'stack_trace', keySize: 4, valueSize: 1016, maxEntries: 16, flags: 0 },
  ]);
  expect(spec.structs.map(({ name, size, align }) => [name, size, align])).toEqual([
    ['key', 16, 8],
    ['record', 40, 8],
  ]);
  expect(spec.structs[1]!.fields.map(({ name, offset, size }) => [name, offset, size])).toEqual([
    ['where', 0, 16],
    ['port', 16, 2],
    ['comm', 18, 16],
    ['rest', 34, 4],
  ]);
  expect(spec.programs.map(({ name, type, section }) => [name, type, section])).toEqual([
    ['first', 'tracepoint', 'tracepoint/skb/kfree_skb'],
    ['second', 'kprobe', 'kretprobe/vfs_read'],
  ]);
  expect(spec.programs[1]!.relocations).toEqual([{ slot: 0, map: 'drops' }]);
  expect(spec.programs[1]!.lines.map(({ slot, at }) => [slot, at.line, at.column])).toEqual([
    [0, 24, 7],
    [2, 25, 7],
    [3, 26, 7],
  ]);
});

describe('names become numbers', () => {
  const head = `
    .equ TEN, 10
    .equ LOW, -16
    .struct pair
      u32 a
      u32 b
    .end
    .local early, 8
  `.replace('.local early, 8', '');

  test.each([
    ['r1 = TEN', 'r1 = 10'],
    ['r1 = -TEN', 'r1 = -10'],
    ['r1 = TEN + 2 * 3', 'r1 = 16'],
    ['r1 = (TEN | 1) << 4 ll', undefined],
    ['r1 = 2 * TEN', 'r1 = 20'],
    ['r1 = TEN << 40 ll', 'r1 = 10995116277760 ll'],
    ['r1 = *(u64 *)(r10 + LOW)', 'r1 = *(u64 *)(r10 - 16)'],
    ['r1 = *(u64 *)(r10 - TEN + 2)', 'r1 = *(u64 *)(r10 - 8)'],
    ['r1 = *(u32 *)(r10 + LOW + pair.b)', 'r1 = *(u32 *)(r10 - 12)'],
    ['if r1 > TEN goto +0', 'if r1 > 10 goto +0'],
    ['if w1 s<= TEN - 12 goto +0', 'if w1 s<= -2 goto +0'],
    ['r1 &= TEN', 'r1 &= 10'],
    ['*(u32 *)(r10 - 8) = TEN', '*(u32 *)(r10 - 8) = 10'],
    ['r2 = sizeof(pair)', 'r2 = 8'],
    ['r2 = sizeof(pair.b)', 'r2 = 4'],
    ['r2 = sizeof(u16)', 'r2 = 2'],
    ['r1 = *(u64 *)(r1 + args.sk)', 'r1 = *(u64 *)(r1 + 112)'],
    ['r1 = *(u64 *)(r1 + args.addr_len)', 'r1 = *(u64 *)(r1 + 96)'],
    ['r1 = *(u64 *)(r1 + pt_regs.ax)', 'r1 = *(u64 *)(r1 + 80)'],
    ['r3 += sk_buff.head', 'r3 += 192'],
    ['r3 += sock.__sk_common.skc_dport', 'r3 += 12'],
    ['r2 = sizeof(sk_buff)', 'r2 = 224'],
    ['r2 = sizeof(sk_buff.cb)', 'r2 = 48'],
    ['if r1 == skb_drop_reason.SKB_CONSUMED goto +0', 'if r1 == 1 goto +0'],
    ['call bpf_ktime_get_ns', 'call 5'],
    ['call bpf_ktime_get_ns#5', 'call 5'],
  ])('%s', (symbolic, plain) => {
    const text = object(`  ${symbolic}\n  exit`, head);
    if (plain === undefined) expect(() => build(text)).toThrow();
    else expect(build(text).programs[0]!.code).toEqual(assemble(`${plain}\nexit`).code);
  });

  test('locals lie below r10, 8-byte aligned, for one program each', () => {
    const spec = build(`
      .struct pair
        u32 a
        u32 b
      .end
      .section "kprobe/a"
      .local one, 4
      .local two, pair
      a:
        *(u32 *)(r10 + two.b) = 1
        r2 = r10
        r2 += one
        exit
      .section "kprobe/b"
      .local one, 16
      b:
        r2 = r10
        r2 += one
        exit
    `);
    expect(spec.programs[0]!.code).toEqual(assemble('*(u32 *)(r10 - 12) = 1\nr2 = r10\nr2 += -8\nexit').code);
    expect(spec.programs[1]!.code).toEqual(assemble('r2 = r10\nr2 += -16\nexit').code);
  });

  test('the fields of a tracepoint are those of the kernel at hand', () => {
    const text = object('r1 = *(u32 *)(r1 + args.reason)\nexit', '', 'tracepoint/skb/kfree_skb');
    const old = assembleObject(text, { file: 'x', profile: loadProfile('6.1') });
    expect(build(text).programs[0]!.code).toEqual(assemble('r1 = *(u32 *)(r1 + 36)\nexit').code);
    expect(old.programs[0]!.code).toEqual(assemble('r1 = *(u32 *)(r1 + 28)\nexit').code);
  });

  test('constants can be given other values', () => {
    const text = object('r1 = N\nexit', '.equ N, 1\n.equ M, N + 1\n.struct s\n u8 x[M]\n.end');
    expect(build(text, { N: 41 }).programs[0]!.code).toEqual(assemble('r1 = 41\nexit').code);
    expect(build(text, { N: 41 }).structs[0]!.size).toBe(42);
  });

  test.each(['1 / 0', '1 % 0', '1 << 64', '1 << 100000000000', '1 >> -1'])('%s has no value', (text) => {
    expect(() => build(object('r1 = X ll\nexit', `.equ X, ${text}`))).toThrow(InputError);
  });

  test('expressions have the ranks of C', () => {
    const number = fc.integer({ min: 0, max: 1000 });
    const operator = fc.constantFrom('+', '-', '*', '|', '&', '^');
    fc.assert(
      fc.property(fc.array(fc.tuple(operator, number), { maxLength: 6 }), number, (rest, first) => {
        const text = `${first} ${rest.map(([sign, value]) => `${sign} ${value}`).join(' ')}`;
        const value = BigInt.asIntN(64, BigInt(new Function(`return ${text.replace(/(\d+)/g, 'BigInt($1)')}`)()));
        const spec = build(object('r1 = X ll\nexit', `.equ X, ${text}`));
        const view = new DataView(spec.programs[0]!.code.slice().buffer);
        const got = (BigInt(view.getInt32(12, true)) << 32n) | BigInt(view.getUint32(4, true));
        expect(got).toBe(value);
      }),
      { numRuns: 60 },
    );
  });
});

describe('faults have a place, and say what would have been right', () => {
  test.each<[string, string, [number, number], RegExp, RegExp]>([
    ['no program', '.license "GPL"', [0, 0], /holds no program/, /\.section/],
    ['unknown directive', '.licence "GPL"', [1, 1], /no directive '.licence'/, /did you mean \.license/],
    ['no quotes', '.license GPL', [1, 10], /'GPL' does not fit here/, /a license in double quotes/],
    ['map type', '.map m, hsh, key=4, value=4, entries=1', [1, 9], /no map type 'hsh'/, /hash/],
    ['map attribute', '.map m, hash, kee=4', [1, 15], /has no 'kee'/, /key, value, entries, flags/],
    ['map without a value', '.map m, hash, key=4, entries=1', [1, 31], /map m does not say its value/, /value=/],
    ['twice', '.equ A, 1\n.equ A, 2', [2, 6], /'A' is declared twice/, /./],
    ['a word of the language', '.equ goto, 1', [1, 6], /'goto' is a word of the language/, /another name/],
    ['field type', '.struct s\n  u46 x\n.end', [2, 3], /no type 'u46'/, /did you mean/],
    ['open struct', '.struct s\n  u8 x', [1, 1], /struct s has no \.end/, /./],
    ['outside', 'r0 = 0', [1, 1], /outside a program/, /begin the program/],
    ['section', '.section "krobe/f"', [1, 10], /no program goes into a section 'krobe\/f'/, /did you mean kprobe/],
    ['no label', '.section "kprobe/f"\n  r0 = 0', [2, 3], /has no name/, /a label/],
    ['empty section', '.section "kprobe/f"\n', [1, 1], /holds no program/, /./],
    ['frame', '.section "kprobe/f"\n.local a, 500\n.local b, 16', [3, 8], /516|520/, /keep it in a map/],
    ['own field', object('r1 = s.y', '.struct s\n u8 x\n.end'), [7, 8], /struct s has no field 'y'/, /did you mean x/],
    ['kernel field', object('r1 = sk_buff.lenn'), [5, 14], /has no field 'lenn'/, /did you mean len/],
    ['nested field', object('r1 = sock.__sk_common.skc_dprt'), [5, 23], /struct sock_common.*'skc_dprt'/, /skc_dport/],
    ['kernel struct', object('r1 = sk_buf.len'), [5, 6], /has a struct 'sk_buf'/, /did you mean sk_buff/],
    ['bit-field', object('r1 = sk_buff.pkt_type'), [5, 6], /is a bit-field/, /bits wide, from bit/],
    ['enum', object('r1 = skb_drop_reason.SKB_CONSUME'), [5, 22], /no value 'SKB_CONSUME'/, /SKB_CONSUMED/],
    ['parameter', object('r1 = *(u64 *)(r1 + args.skk)'), [5, 25], /no parameter 'skk'/, /one of sk, uaddr/],
    [
      'record field',
      object('r1 = *(u64 *)(r1 + args.reson)', '', 'tp/skb/kfree_skb'),
      [5, 25],
      /record of skb:kfree_skb has no field 'reson'/,
      /did you mean reason/,
    ],
    ['tracepoint', object('r1 = args.x', '', 'tp/skb/kfree_sbk'), [5, 6], /no tracepoint 'skb:kfree_sbk'/, /kfree_skb/],
    ['return', object('r1 = args.sk', '', 'kretprobe/tcp_v4_connect'), [5, 6], /no arguments any more/, /pt_regs\.ax/],
    [
      'helper',
      object('r1 = 1 ; call bpf_ktime_get_n\ncall bpf_ktime_get_nss'),
      [6, 6],
      /bpf_ktime_get_nss/,
      /ktime_get_ns/,
    ],
    [
      'map',
      object('r1 = drops ll', '.map drop, hash, key=4, value=4, entries=1'),
      [5, 1],
      /no map 'drops'/,
      /did you mean drop/,
    ],
    ['instruction', object('  r1 = sizeof(u64) r2'), [5, 20], /./, /./],
    ['behind a replaced name', object('  r1 = TEN TEN', '.equ TEN, 10'), [5, 12], /./, /./],
  ])('%s', (_name, text, [line, column], message, rest) => {
    const fault = faultOf(text);
    expect(fault.message).toMatch(message);
    expect(`${fault.expected} ${fault.hint}`).toMatch(rest);
    expect(fault.at?.file).toBe('tool.bpf.s');
    if (line > 0) {
      expect([fault.at?.line, fault.at?.column]).toEqual([line, column]);
      expect(fault.at?.text).toBe(text.split('\n')[line - 1]);
    }
  });

  test('a definition that no constant takes', () => {
    expect(faultOf(object('exit', '.equ LIMIT, 1'), { LIMT: 3 })).toMatchObject({
      message: "there is no constant 'LIMT' to define",
      hint: 'did you mean LIMIT?',
    });
  });
});
