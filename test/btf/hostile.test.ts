import { expect, test } from 'vitest';
import { BtfBuilder, dumpC, printType, readBtf, structLayout } from '../../src/btf/index.ts';

/** BTF that no compiler makes: types that hold themselves, or each other in very many ways. */
const member = (name: string, type: number) => ({ name, type, bitOffset: 0, bitSize: 0 });

/** Sixty-four nameless structs, each of two of the one before; the innermost has a member of that type. */
function doubled(make: (builder: BtfBuilder, int: number) => number): { btf: ReturnType<typeof readBtf>; id: number } {
  const builder = new BtfBuilder();
  const int = builder.int('int', 4, { signed: true });
  let id = make(builder, int);
  for (let i = 0; i < 60; i++) {
    id = builder.add({ kind: 'struct', name: '', size: 4, members: [member('', id), member('', id)] });
  }
  const outer = builder.add({ kind: 'struct', name: 'outer', size: 4, members: [member('', id), member('last', int)] });
  return { btf: readBtf(builder.encode()), id: outer };
}

test('structs of two of two of two', () => {
  const { btf, id } = doubled((builder) => builder.add({ kind: 'struct', name: '', size: 0, members: [] }));
  expect(btf.member(id, 'last')).toMatchObject({ offset: 0, size: 4 });
  expect(btf.member(id, 'first')).toBeUndefined();
  expect(structLayout(btf, id).length).toBeLessThan(100_000);
  expect(dumpC(btf, id).at(-1)).toBe('}; /* size 4, align 4 */');
});

test('functions of two of two of two', () => {
  const builder = new BtfBuilder();
  let id = builder.int('int', 4, { signed: true });
  for (let i = 0; i < 60; i++) {
    const params = [
      { name: '', type: id },
      { name: '', type: id },
    ];
    id = builder.pointer(builder.add({ kind: 'prototype', returns: 0, params, variadic: false }));
  }
  expect(printType(readBtf(builder.encode()), id)).toContain('…');
});

test('a struct that holds itself, an array of itself', () => {
  const builder = new BtfBuilder();
  const int = builder.int('int', 4, { signed: true });
  const array = builder.add({ kind: 'array', element: int + 1, index: int, length: 2 });
  const twice = array + 1;
  const struct = builder.add({
    kind: 'struct',
    name: 's',
    size: 8,
    members: [member('', twice), member('', twice), member('a', array)],
  });
  const btf = readBtf(builder.encode());
  expect(btf.member(struct, 'b')).toBeUndefined();
  expect(btf.sizeOf(array)).toBe(0);
  expect(dumpC(btf, struct).length).toBeGreaterThan(2);
});
