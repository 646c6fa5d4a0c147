import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BtfBuilder, type BtfType, readBtf, writeBtf } from '../../src/btf/index.ts';

const count = 12;
const id = fc.nat(count);
const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/);
const maybeName = fc.oneof(name, fc.constant(''));
const word = fc.nat(0xffffffff);

const member = fc.record({
  name: maybeName,
  type: id,
  bitOffset: fc.nat(0xffffff),
  bitSize: fc.constant(0),
});
const bitField = fc.record({
  name: maybeName,
  type: id,
  bitOffset: fc.nat(0xffffff),
  bitSize: fc.integer({ min: 1, max: 255 }),
});

function enumOf(kind: 'enum' | 'enum64', bits: number): fc.Arbitrary<BtfType> {
  return fc.boolean().chain((signed) =>
    fc.record({
      kind: fc.constant(kind),
      name: maybeName,
      size: fc.constant(bits / 8),
      signed: fc.constant(signed),
      values: fc.array(
        fc.record({
          name,
          value: signed
            ? fc.bigInt({ min: -(1n << BigInt(bits - 1)), max: (1n << BigInt(bits - 1)) - 1n })
            : fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n }),
        }),
        { maxLength: 5 },
      ),
    }),
  );
}

const anyType: fc.Arbitrary<BtfType> = fc.oneof(
  fc.record({
    kind: fc.constant('int' as const),
    name,
    size: fc.constantFrom(1, 2, 4, 8, 16),
    bits: fc.nat(128),
    signed: fc.boolean(),
    bool: fc.boolean(),
    char: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('float' as const), name, size: fc.constantFrom(4, 8) }),
  fc.record({ kind: fc.constantFrom('pointer', 'volatile', 'const', 'restrict'), target: id }),
  fc.record({ kind: fc.constant('array' as const), element: id, index: id, length: word }),
  fc.record({
    kind: fc.constantFrom('struct', 'union'),
    name: maybeName,
    size: word,
    members: fc.oneof(fc.array(member, { maxLength: 6 }), fc.array(bitField, { maxLength: 6 })),
  }),
  enumOf('enum', 32),
  enumOf('enum64', 64),
  fc.record({ kind: fc.constant('forward' as const), name, union: fc.boolean() }),
  fc.record({ kind: fc.constantFrom('typedef', 'typeTag'), name, target: id }),
  fc.record({ kind: fc.constant('function' as const), name, prototype: id, linkage: fc.nat(2) }),
  fc.record({
    kind: fc.constant('prototype' as const),
    returns: id,
    params: fc.array(fc.record({ name, type: id }), { maxLength: 5 }),
    variadic: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('variable' as const), name, type: id, linkage: fc.nat(2) }),
  fc.record({
    kind: fc.constant('section' as const),
    name,
    size: word,
    variables: fc.array(fc.record({ type: id, offset: word, size: word }), { maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant('declTag' as const), name, target: id, component: fc.integer({ min: -1, max: 99 }) }),
) as fc.Arbitrary<BtfType>;

test('what is written is read back: every kind, every field', () => {
  fc.assert(
    fc.property(fc.array(anyType, { minLength: count, maxLength: count }), (types) => {
      const btf = readBtf(writeBtf(types));
      expect(btf.count).toBe(types.length + 1);
      expect(types.map((_, index) => btf.type(index + 1))).toEqual(types);
    }),
    { seed: 2, numRuns: 300 },
  );
});

test('writing what was read gives the same bytes again', () => {
  fc.assert(
    fc.property(fc.array(anyType, { minLength: count, maxLength: count }), (types) => {
      const bytes = writeBtf(types);
      const btf = readBtf(bytes);
      const again = writeBtf(Array.from({ length: btf.count - 1 }, (_, index) => btf.type(index + 1)));
      expect(Buffer.from(again).equals(Buffer.from(bytes))).toBe(true);
    }),
    { seed: 3, numRuns: 100 },
  );
});

test('a struct is laid out as C does', () => {
  const builder = new BtfBuilder();
  const u8 = builder.int('u8', 1);
  const u16 = builder.int('u16', 2);
  const u64 = builder.int('u64', 8);
  const id = builder.struct('event', [
    { name: 'kind', type: u8 },
    { name: 'port', type: u16 },
    { name: 'time', type: u64 },
    { name: 'comm', type: builder.array(u8, 5) },
  ]);
  const btf = readBtf(builder.encode());
  expect(btf.sizeOf(id)).toBe(24);
  const offsets = ['kind', 'port', 'time', 'comm'].map((field) => btf.member(id, field)?.offset);
  expect(offsets).toEqual([0, 2, 8, 16]);
});

test('a struct of a type that is not there is refused', () => {
  expect(() => new BtfBuilder().struct('s', [{ name: 'a', type: 7 }])).toThrow('type 7');
});
