import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { formatFault, InputError, toHex } from '../../src/base/index.ts';
import { assemble } from '../../src/isa/index.ts';

const fixture = (name: string): string => readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8');
const code = JSON.parse(fixture('code.json')) as Record<string, string>;
const slots = (bytes: Uint8Array): string[] => toHex(bytes).match(/.{16}/g) ?? [];
const helpers: Readonly<Record<string, number>> = { ktime_get_ns: 5, trace_printk: 6 };
const options = {
  file: 'tool.s',
  helper: (name: string): number | undefined => helpers[name],
  helperNames: Object.keys(helpers),
};
const assembled = (text: string): string[] => slots(assemble(text, options).code);

describe('assemble', () => {
  test.each([
    ['r1 = *(u64 *)(r10 - 8)', '79a1f8ff00000000'],
    ['r1 = *(u64 *)(r10 -8)', '79a1f8ff00000000'],
    ['r1 = *(u64 *)(r10 + -0x8)', '79a1f8ff00000000'],
    ['w1 = *(u8 *)(r2 + 0)', '7121000000000000'],
    ['r1 = *(s16 *)(r2)', '8921000000000000'],
    ['w2 += w3', '0c32000000000000'],
    ['w2 = 0xffffffff', 'b4020000ffffffff'],
    ['r1 s>>= 3', 'c701000003000000'],
    ['r1 s/= -3', '37010100fdffffff'],
    ['w1 s%= w2', '9c21010000000000'],
    ['r1 = w2', 'bc21000000000000'],
    ['r1 = -r1', '8701000000000000'],
    ['r1 = -5', 'b7010000fbffffff'],
    ['r1 = (s8)r2', 'bf21080000000000'],
    ['w1 = (s16)w2', 'bc21100000000000'],
    ['r1 = be16 r1', 'dc01000010000000'],
    ['r1 = bswap32 r1', 'd701000020000000'],
    ['if r1 s> 5 goto +3', '6501030005000000'],
    ['if w1 & 7 goto +0x1', '4601010007000000'],
    ['if r1 == 0xffffffff goto pc+1', '15010100ffffffff'],
    ['(15) if r1 == 0xffffffff goto L\nL:', '15010000ffffffff'],
    ['if r1 != r2 goto -1 <loop>', '5d21ffff00000000'],
    ['goto 3', '0500030000000000'],
    ['gotol -70000', '0600000090eefeff'],
    ['may_goto pc+3', 'e500030000000000'],
    ['call 14', '850000000e000000'],
    ['call ktime_get_ns', '8500000005000000'],
    ['call bpf_ktime_get_ns', '8500000005000000'],
    ['call bpf_get_prandom_u32#7', '8500000007000000'],
    ['call pc-2', '85100000feffffff'],
    ['call kfunc[id:9,fd:1]', '8520010009000000'],
    ['callx r3', '8d03000000000000'],
    ['exit', '9500000000000000'],
    ['lock *(u32 *)(r1 + 0) += w2', 'c321000000000000'],
    ['lock *(u64 *)(r1 +8) ^= r2', 'db210800a0000000'],
    ['r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)', 'db21000001000000'],
    ['r2 = atomic64_fetch_or((u64 *)(r1 +0), r2)', 'db21000041000000'],
    ['w2 = xchg32_32(r1 + 0, w2)', 'c3210000e1000000'],
    ['r0 = cmpxchg_64(r1 + 0, r0, r2)', 'db210000f1000000'],
    ['r0 = atomic_cmpxchg((u32 *)(r1 +0), r0, r2)', 'c3210000f1000000'],
    ['r0 = load_acquire((u64 *)(r1 + 0))', 'db10000000010000'],
    ['store_release((u8 *)(r1 - 4), w2)', 'd321fcff10010000'],
    ['r0 = *(u8 *)skb[12]', '300000000c000000'],
    ['r0 = *(u16 *)skb[r2 + 4]', '4820000004000000'],
    ['r0 = *(u16 *)skb[r1]', '4810000000000000'],
    ['*(u64 *)(r10 - 8) = -7', '7a0af8fff9ffffff'],
    ['*(u8 *)(r10 - 1) = r2', '732affff00000000'],
    ['r1 = addr_space_cast(r2, 0, 1)', 'bf21010001000000'],
    ['(07) r1 += 8', '0701000008000000'],
    ['12: (07) r1 += 8 ; R1_w=8', '0701000008000000'],
    ['12: r1 += 8', '0701000008000000'],
    // classic
    ['mov r0, 1', 'b700000001000000'],
    ['add32 %r1, %r2', '0c21000000000000'],
    ['ldxw r1, [r2+4]', '6121040000000000'],
    ['ldxhsx r1, [r2]', '8921000000000000'],
    ['stxdw [r10-8], r1', '7b1af8ff00000000'],
    ['sth [r1], 0x11', '6a01000011000000'],
    ['jeq r1, 3, +2', '1501020003000000'],
    ['jslt32 r1, r2, -1', 'ce21ffff00000000'],
    ['ja +1', '0500010000000000'],
    ['be16 r1', 'dc01000010000000'],
    ['swap64 r1', 'd701000040000000'],
    ['neg32 r1', '8401000000000000'],
    ['movsx3264 r1, r2', 'bf21200000000000'],
    ['lock fetch_add32 [r1+8], r2', 'c321080001000000'],
    ['lock cmpxchg [r1], r2', 'db210000f1000000'],
    ['ldabsh 12', '280000000c000000'],
  ])('%s', (text, expected) => {
    expect(assembled(text)).toEqual([expected]);
  });

  test.each([
    ['r1 = 0x1122334455667788 ll', '1801000088776655', '0000000044332211'],
    ['r1 = -1 ll', '18010000ffffffff', '00000000ffffffff'],
    ['(18) r1 = 0xffff888103c5a200', '1801000000a2c503', '000000008188ffff'],
    ['lddw r1, 0x1122334455667788', '1801000088776655', '0000000044332211'],
    ['r1 = map[fd:3] ll', '1811000003000000', '0000000000000000'],
    ['r1 = map[fd:3][0]+8 ll', '1821000003000000', '0000000008000000'],
    ['r1 = map[idx:1] ll', '1851000001000000', '0000000000000000'],
    ['r1 = btf[id:7,fd:2] ll', '1831000007000000', '0000000002000000'],
    ['r1 = subprog[+3] ll', '1841000003000000', '0000000000000000'],
  ])('%s takes two slots', (text, ...expected) => {
    expect(assembled(text)).toEqual(expected);
  });

  test('labels, comments, relocations and lines', () => {
    const text = `
      /* a block
         over lines */ entry: r1 = events ll   // a map
      r2 = callback ll                         # a function of the program
      if r1 == 0 goto out                      ; to the end
      call callback
      goto entry
  out: exit
  callback:
      r0 = 0
      goto out`;
    const { code: bytes, relocations, lines, labels } = assemble(text, { ...options, firstLine: 100 });
    expect(slots(bytes)).toEqual([
      '1801000000000000',
      '0000000000000000',
      '1842000005000000',
      '0000000000000000',
      '1501020000000000',
      '8510000002000000',
      '0500f9ff00000000',
      '9500000000000000',
      'b700000000000000',
      '0500fdff00000000',
    ]);
    expect(relocations.map(({ slot, map, at }) => [slot, map, at.line])).toEqual([[0, 'events', 102]]);
    expect(lines.map(({ slot, at }) => [slot, at.line, at.column])).toEqual([
      [0, 102, 31],
      [2, 103, 7],
      [4, 104, 7],
      [5, 105, 7],
      [6, 106, 7],
      [7, 107, 8],
      [8, 109, 7],
      [9, 110, 7],
    ]);
    expect([...labels]).toEqual([
      ['entry', 0],
      ['out', 7],
      ['callback', 8],
    ]);
    expect(lines[0]?.at.file).toBe('tool.s');
  });

  test.each(Object.keys(code))('what llvm-objdump prints reads back: %s', (name) => {
    expect(slots(assemble(fixture(`${name}.txt`)).code)).toEqual(code[name]!.match(/.{16}/g));
  });

  test('relocations of a listing', () => {
    const { relocations, labels } = assemble(fixture('objdump.txt'));
    expect(relocations.map(({ slot, map }) => [slot, map])).toEqual([[75, 'mapx']]);
    expect(labels.get('sub')).toBe(80);
  });

  test('what clang -S writes gives the bytes of its object', () => {
    const printed = slots(assemble(fixture('clang.s')).code);
    const object = code.objdump!.match(/.{16}/g)!;
    // A function's address: ours is a function pointer, the object's waits for a relocation.
    const differing = printed.flatMap((slot, index) => (slot === object[index] ? [] : [[slot, object[index]]]));
    expect(differing).toEqual([['1842000026000000', '18020000c0020000']]);
  });

  test('the verifier log of a program reads back', () => {
    const logs = JSON.parse(fixture('verifier-log.json')) as { code: string; lines: string[] }[];
    for (const log of logs) {
      const all = log.code.match(/.{16}/g)!;
      for (const line of log.lines) {
        const slot = Number(line.split(':')[0]);
        expect([line, assembled(line)[0]]).toEqual([line, all[slot]]);
      }
    }
  });

  test.each([
    ['r1 = r11', 6, 'there is no register r11', 'r0 to r10, or w0 to w10'],
    ['r1 + 5', 4, "unexpected '+'", /^an operator/],
    ['if r1 = 5 goto +1', 7, "unexpected '='", /^a comparison/],
    ['goto nowhere', 6, "there is no label 'nowhere'", undefined],
    ['r1 = 0xffffffff', 6, /does not fit an immediate of 32 bits/, /^-2147483648/],
    ['r1 = w2 + 1', 9, "unexpected '+'", 'the end of the line'],
    ['w1 = r2', 6, 'both registers of an operation have the same width', 'w2'],
    ['lock *(u16 *)(r1 + 0) += r2', 6, 'an atomic operation on fewer than 4 bytes', 'u32 or u64'],
    ['*(u64 *)(r1 + 40000) = 1', 13, '40000 does not fit an offset of 16 bits', /-32768/],
    ['r1 = 5x', 6, "'5x' is no number", undefined],
    ['r1 = 5 €', 8, "'€' means nothing here", undefined],
    ['exit /* a', 6, 'this comment never ends', '*/'],
    ['r1 = *(u64 *)(r10 8)', 19, "unexpected '8'", "'+', '-' or ')'"],
    ['r2 = *(u64 )(r1+0)', 12, "unexpected ')'", "'*'"],
    ['r2 = *(s64 *)(r1+0)', 8, "unexpected 's64'", /s32/],
    ['*(s32 *)(r1+0) = 1', 3, 'only a load extends the sign', /u64/],
    ['w1 = events ll', 6, 'an address has 64 bits', 'r1 on the left'],
    ['a: a:', 4, "label 'a' stands twice", undefined],
    ['r1 = -r2', 7, 'a negation changes its own register', /left/],
    ['r1 = be16 r2', 11, 'be16 changes its own register', 'r1'],
    ['r1 = atomic_fetch_add((u64 *)(r1 + 0), r2)', 40, 'atomic_fetch_add gives the old value to r2, not r1', undefined],
    ['r1 = cmpxchg_64(r1 + 0, r0, r2)', 6, 'cmpxchg_64 gives the old value to r0, not r1', undefined],
    ['r0 = cmpxchg_64(r1 + 0, r3, r2)', 25, 'cmpxchg compares with r0', 'r0'],
    ['r1 = *(u8 *)skb[0]', 8, 'what is read from a packet goes to r0', /r0/],
    ['goto +40000', 6, 'a distance of 40000 does not fit 16 bits', undefined],
    ['call r1', 6, "unexpected 'r1'", 'a helper or a function'],
    ['0: b7 01 00 00 05 00 00 00 r1 = 6', 28, 'the instruction and the bytes beside it differ', undefined],
    ['0: ff 01 00 00 05 00 00 00 r1 = 6', 28, /the bytes beside it are no instruction/, undefined],
    ['ldxw r1, (r2)', 10, "unexpected '('", "'['"],
  ])('%s is refused', (text, column, message, expected) => {
    let fault: unknown;
    try {
      assemble(`exit\n${text}`, options);
    } catch (thrown) {
      fault = thrown;
    }
    expect(fault).toBeInstanceOf(InputError);
    const { at, message: said, expected: wanted } = fault as InputError;
    expect(said).toMatch(message);
    expect(at).toEqual({ file: 'tool.s', line: 2, column, text });
    if (expected === undefined) expect(wanted).toBeUndefined();
    else expect(wanted).toMatch(expected);
  });

  test.each([
    ['xit', 'did you mean exit'],
    ['r1 = bee16 r1', 'did you mean be16'],
    ['call ktime_get_n', 'did you mean ktime_get_ns'],
    ['call bpf_trace_print', 'did you mean trace_printk'],
    ['start: goto strat', 'did you mean start'],
    ['lock fetch_ad [r1], r2', 'did you mean fetch_add'],
    ['r1 = events', 'the address of a map is written events ll'],
  ])('%s gets a hint', (text, hint) => {
    expect(() => assemble(text, options)).toThrow(expect.objectContaining({ hint: expect.stringContaining(hint) }));
  });

  test('a fault as people read it', () => {
    try {
      assemble('r0 = 0\nif r1 === 5 goto out\nout: exit', options);
      expect.unreachable();
    } catch (fault) {
      expect(formatFault(fault).split('\n').slice(0, 3)).toEqual([
        "tool.s:2:9: unexpected '='",
        '  if r1 === 5 goto out',
        '          ^',
      ]);
    }
  });
});
