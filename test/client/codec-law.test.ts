import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Codec, type CodecOptions, type CodecValue, typeCodec } from '../../src/client/index.ts';
import { type FieldLayout, type FieldType, fieldTypes, layOut, type StructLayout } from '../../src/object/index.ts';

/** A type, and a value that it can hold: whatever C declares, what is written is read again. */
interface Typed {
  readonly type: FieldType;
  readonly value: CodecValue;
}

const names = ['a', 'b', 'c', 'd', 'e'];

function integer(size: 1 | 2 | 4 | 8, signed: boolean, { wide = 'bigint' }: CodecOptions): fc.Arbitrary<CodecValue> {
  const bits = BigInt(size * 8);
  const low = signed ? -(1n << (bits - 1n)) : 0n;
  const high = signed ? (1n << (bits - 1n)) - 1n : (1n << bits) - 1n;
  const exact = (value: bigint): boolean => value >= -(2n ** 53n) && value < 2n ** 53n;
  const edges = fc.constantFrom(low, high, 0n, signed ? -1n : 1n, ...(size === 8 ? [2n ** 53n - 1n, 2n ** 53n] : []));
  return fc
    .oneof(fc.bigInt({ min: low, max: high }), edges)
    .map((value) => (size < 8 || (wide === 'exact' && exact(value)) ? Number(value) : value));
}

function typed(options: CodecOptions): fc.Arbitrary<Typed> {
  const int = fc
    .constantFrom(...Object.values(fieldTypes).filter((type) => !(type.kind === 'int' && type.char)))
    .chain((type) => {
      const { size, signed } = type as Extract<FieldType, { kind: 'int' }>;
      return integer(size, signed, options).map((value): Typed => ({ type, value }));
    });
  const { any } = fc.letrec<{ any: Typed; struct: Typed }>((tie) => ({
    any: fc.oneof({ depthSize: 'small' }, int, tie('struct')),
    struct: fc.array(fieldOf(tie('any'), options), { minLength: 1, maxLength: names.length }).map((fields): Typed => {
      const declared = fields.map(({ type, length }, i) => ({ name: names[i] as string, type, length }));
      const value = Object.fromEntries(fields.map((field, i) => [names[i] as string, field.value]));
      return { type: { kind: 'struct', struct: layOut('made', declared) }, value };
    }),
  }));
  return any;
}

/** A field: one value, text, bytes, or an array of values of one type. */
function fieldOf(
  element: fc.Arbitrary<Typed>,
  options: CodecOptions,
): fc.Arbitrary<Typed & { readonly length: number }> {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 9 });
  const chars =
    options.chars === 'bytes'
      ? bytes.map((value) => ({ type: fieldTypes.char, length: value.length, value: value as CodecValue }))
      : fc.stringMatching(/^[ -~]{0,7}$/).map((value) => ({ type: fieldTypes.char, length: 8, value }));
  return fc.oneof(
    element.map((one) => ({ ...one, length: 0 })),
    chars,
    bytes.map((value) => ({ type: fieldTypes.u8, length: value.length, value })),
    fc
      .tuple(fc.array(integer(4, true, options), { minLength: 1, maxLength: 4 }))
      .map(([value]) => ({ type: fieldTypes.s32, length: value.length, value })),
  );
}

const offset = 5;

function there<T>(codec: Codec<T>, value: T): { readonly value: T; readonly around: boolean } {
  const bytes = new Uint8Array(codec.size + 2 * offset).fill(0xa5);
  const view = new DataView(bytes.buffer);
  codec.write(view, offset, value);
  const outside = [...bytes.subarray(0, offset), ...bytes.subarray(offset + codec.size)];
  return { value: codec.read(view, offset), around: outside.every((byte) => byte === 0xa5) };
}

const everyOption: CodecOptions[] = [{}, { wide: 'exact' }, { chars: 'bytes' }, { wide: 'exact', chars: 'bytes' }];

describe.each(everyOption)('with %o', (options) => {
  test('what is written is read again, and nothing is written beside it', () => {
    fc.assert(
      fc.property(typed(options), ({ type, value }) => {
        expect(there(typeCodec(type, options), value)).toEqual({ value, around: true });
      }),
      { numRuns: 300 },
    );
  });
});

/** Bit-fields of one integer, as a compiler packs them. */
function packed(size: 4 | 8, signed: boolean, widths: readonly number[]): StructLayout {
  let shift = 0;
  const fields = widths.map((width, i): FieldLayout => {
    const bits = { shift, width };
    shift += width;
    const type: FieldType = { kind: 'int', size, signed, char: false };
    return { name: `f${i}`, type, offset: 0, size, length: 0, bits };
  });
  return { name: 'packed', size, align: size, fields };
}

test('bit-fields leave each other alone', () => {
  const layout = fc
    .tuple(
      fc.constantFrom(4 as const, 8 as const),
      fc.boolean(),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 }),
    )
    .map(([size, signed, wanted]) => {
      let left = size * 8;
      const widths = wanted.flatMap((width) => {
        if (width > left) return [];
        left -= width;
        return [width];
      });
      return packed(size, signed, widths.length > 0 ? widths : [1]);
    });
  const made = layout.chain((struct) =>
    fc
      .tuple(
        ...struct.fields.map(({ bits, type }) => {
          const width = bits?.width ?? 1;
          const signed = type.kind === 'int' && type.signed;
          const most = 2 ** (signed ? width - 1 : width);
          return fc.integer({ min: signed ? -most : 0, max: most - 1 });
        }),
      )
      .map((values) => ({ struct, value: Object.fromEntries(values.map((value, i) => [`f${i}`, value])) })),
  );
  fc.assert(
    fc.property(made, ({ struct, value }) => {
      expect(there(typeCodec({ kind: 'struct', struct }, { wide: 'exact' }), value)).toEqual({ value, around: true });
    }),
  );
});
