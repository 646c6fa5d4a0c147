import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BtfBuilder, compileDecoder, compileEncoder, readBtf, readValue, writeValue } from '../../src/btf/index.ts';

const builder = new BtfBuilder();
const u8 = builder.int('unsigned char', 1);
const s8 = builder.int('signed char', 1, { signed: true });
const char = builder.int('char', 1, { signed: true, char: true });
const u16 = builder.int('u16', 2);
const s32 = builder.int('int', 4, { signed: true });
const u32 = builder.int('u32', 4);
const s64 = builder.int('s64', 8, { signed: true });
const u64 = builder.int('u64', 8);
const bool = builder.int('_Bool', 1, { bool: true });
const double = builder.add({ kind: 'float', name: 'double', size: 8 });
const reason = builder.enum('reason', { NONE: 0, BAD: -5 });
const pointer = builder.pointer(0);
const alias = builder.typedef('pid_t', builder.add({ kind: 'const', target: s32 }));
const inner = builder.struct('inner', [
  { name: 'a', type: u16 },
  { name: 'b', type: u64 },
]);
const anonymous = builder.add({
  kind: 'struct',
  name: '',
  size: 4,
  members: [
    { name: 'low', type: u32, bitOffset: 0, bitSize: 3 },
    { name: 'signedBits', type: s32, bitOffset: 3, bitSize: 5 },
    { name: 'rest', type: u32, bitOffset: 8, bitSize: 24 },
  ],
});
const record = builder.struct('record', [
  { name: 'byte', type: u8 },
  { name: 'small', type: s8 },
  { name: 'pid', type: alias },
  { name: 'when', type: u64 },
  { name: 'delta', type: s64 },
  { name: 'flag', type: bool },
  { name: 'comm', type: builder.array(char, 16) },
  { name: 'mac', type: builder.array(u8, 6) },
  { name: 'counts', type: builder.array(u32, 3) },
  { name: 'nested', type: builder.array(inner, 2) },
  { name: '', type: anonymous },
  { name: 'why', type: reason },
  { name: 'where', type: pointer },
  { name: 'ratio', type: double },
]);
const btf = readBtf(builder.encode());
const size = btf.sizeOf(record);

const wide = { min: 0n, max: (1n << 64n) - 1n };
const innerValue = fc.record({ a: fc.nat(0xffff), b: fc.bigInt(wide) });
const value = fc.record({
  byte: fc.nat(255),
  small: fc.integer({ min: -128, max: 127 }),
  pid: fc.integer(),
  when: fc.bigInt(wide),
  delta: fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  flag: fc.boolean(),
  comm: fc.stringMatching(/^[a-z:/ü]{0,8}$/),
  mac: fc.uint8Array({ minLength: 6, maxLength: 6 }),
  counts: fc.array(fc.nat(0xffffffff), { minLength: 3, maxLength: 3 }),
  nested: fc.tuple(innerValue, innerValue).map(([first, second]) => [first, second]),
  low: fc.nat(7),
  signedBits: fc.integer({ min: -16, max: 15 }),
  rest: fc.nat(0xffffff),
  why: fc.constantFrom(0, -5),
  where: fc.bigInt(wide),
  ratio: fc.double({ noNaN: true }),
});

describe('values of C types', () => {
  test('decoding undoes encoding, at any offset, and writes nothing outside', () => {
    const encode = compileEncoder(btf, record);
    const decode = compileDecoder(btf, record);
    fc.assert(
      fc.property(value, fc.nat(9), (given, offset) => {
        const bytes = new Uint8Array(offset + size + 3).fill(0xa5);
        bytes.fill(0, offset, offset + size);
        const view = new DataView(bytes.buffer);
        encode(view, offset, given);
        expect(decode(view, offset)).toEqual(given);
        expect([...bytes.subarray(0, offset), ...bytes.subarray(offset + size)].every((byte) => byte === 0xa5)).toBe(
          true,
        );
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  test('bytes lie where C puts them', () => {
    const view = new DataView(new ArrayBuffer(size));
    writeValue(btf, record, view, 0, { byte: 1, pid: -2, when: 3, comm: 'sh', low: 5, signedBits: -1 });
    const place = btf.member(record, 'low')!;
    expect([view.getUint8(0), view.getInt32(4, true), view.getBigUint64(8, true)]).toEqual([1, -2, 3n]);
    expect(view.getUint8(place.offset)).toBe(5 | (31 << 3));
  });

  test('what a value leaves out is not touched', () => {
    const view = new DataView(new ArrayBuffer(16));
    writeValue(btf, inner, view, 0, { a: 1, b: 2n });
    writeValue(btf, inner, view, 0, { a: 9 });
    expect(readValue(btf, inner, view)).toEqual({ a: 9, b: 2n });
  });

  test('a text as long as its array has no NUL, a longer one is cut', () => {
    const id = btf.member(record, 'comm')!.type;
    const view = new DataView(new ArrayBuffer(16));
    writeValue(btf, id, view, 0, 'abcdefghijklmnopqrs');
    expect(readValue(btf, id, view)).toBe('abcdefghijklmnop');
  });

  test('void has no value', () => {
    expect(readValue(btf, 0, new DataView(new ArrayBuffer(8)))).toBeUndefined();
  });
});
