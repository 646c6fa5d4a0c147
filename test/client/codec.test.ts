import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addressCodec,
  bytesCodec,
  type Codec,
  type CodecValue,
  offsetsOf,
  perCpuCodec,
  readText,
  structCodec,
  typeCodec,
  u32Codec,
  u64Codec,
} from '../../src/client/index.ts';
import { fieldTypes, layOut } from '../../src/object/index.ts';

const inner = layOut('inner', [
  { name: 'tag', type: fieldTypes.u8, length: 0 },
  { name: 'value', type: fieldTypes.s32, length: 0 },
]);
const outer = layOut('outer', [
  { name: 'small', type: fieldTypes.s8, length: 0 },
  { name: 'comm', type: fieldTypes.char, length: 8 },
  { name: 'address', type: fieldTypes.u8, length: 4 },
  { name: 'big', type: fieldTypes.u64, length: 0 },
  { name: 'ports', type: fieldTypes.u16, length: 3 },
  { name: 'inner', type: { kind: 'struct', struct: inner }, length: 0 },
]);

function there<T>(codec: Codec<T>, value: T): T {
  const view = new DataView(new ArrayBuffer(codec.size + 3));
  codec.write(view, 3, value);
  return codec.read(view, 3);
}

describe('what is written is read again', () => {
  test('structs', () => {
    const value = fc.record({
      small: fc.integer({ min: -128, max: 127 }),
      comm: fc.stringMatching(/^[ -~]{0,7}$/),
      address: fc.uint8Array({ minLength: 4, maxLength: 4 }),
      big: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      ports: fc.array(fc.integer({ min: 0, max: 65535 }), { minLength: 3, maxLength: 3 }),
      inner: fc.record({ tag: fc.integer({ min: 0, max: 255 }), value: fc.integer() }),
    });
    fc.assert(
      fc.property(value, (one) => {
        expect(there(structCodec(outer), one)).toEqual(one);
      }),
    );
  });

  test.each<[string, Codec<CodecValue>, CodecValue]>([
    ['s64', typeCodec(fieldTypes.s64), -(1n << 63n)],
    ['u16', typeCodec(fieldTypes.u16), 65535],
    ['u32', u32Codec as Codec<CodecValue>, 0xffffffff],
    ['u64 as a number', u64Codec as Codec<CodecValue>, 2 ** 53 - 1],
    ['an address', addressCodec as Codec<CodecValue>, 0xffffffff81000000n],
    ['bytes', bytesCodec(3) as Codec<CodecValue>, Uint8Array.of(1, 2, 3)],
  ])('%s', (_name, codec, value) => expect(there(codec, value)).toEqual(value));

  test('a value for each CPU, each at a multiple of 8 bytes', () => {
    const codec = perCpuCodec(u32Codec, 3);
    expect(codec.size).toBe(24);
    expect(there(codec, [7, 8, 9])).toEqual([7, 8, 9]);
  });
});

test('a field left out is a fault, and so is an offset of none', () => {
  expect(() => there(structCodec(inner), { tag: 1 })).toThrow("struct inner lacks its field 'value'");
  expect(offsetsOf(inner, ['value'])).toEqual({ value: 4 });
  expect(() => offsetsOf(inner, ['valeu'])).toThrow("struct inner has no field 'valeu'");
});

test.each([
  [[0x61, 0x62, 0, 0x63], 'ab'],
  [[0x61, 0x62, 0x63, 0x64], 'abcd'],
  [[0xc3, 0xa9, 0, 0], 'é'],
  [[0x61, 0xff, 0x62, 0], 'a\ufffdb'],
  [[0, 0, 0, 0], ''],
])('text of %j', (bytes, text) => {
  expect(readText(new DataView(Uint8Array.from(bytes).buffer), 0, 4)).toBe(text);
});
