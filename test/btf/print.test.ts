import { expect, test } from 'vitest';
import { BtfBuilder, dumpC, loadProfile, printDeclaration, printFunction, readBtf } from '../../src/btf/index.ts';

const builder = new BtfBuilder();
const int = builder.int('int', 4, { signed: true });
const char = builder.int('char', 1, { signed: true, char: true });
const constChar = builder.add({ kind: 'const', target: char });
const text = builder.pointer(constChar);
const tagged = builder.pointer(builder.add({ kind: 'typeTag', name: 'user', target: char }));
const handler = builder.add({
  kind: 'prototype',
  returns: int,
  params: [
    { name: 'what', type: text },
    { name: '', type: int },
  ],
  variadic: true,
});
const empty = builder.add({ kind: 'prototype', returns: 0, params: [], variadic: false });
const handlerPointer = builder.pointer(handler);
const constPointer = builder.add({ kind: 'const', target: text });
const anonymous = builder.add({
  kind: 'union',
  name: '',
  size: 8,
  members: [
    { name: 'number', type: int, bitOffset: 0, bitSize: 0 },
    { name: 'text', type: text, bitOffset: 0, bitSize: 0 },
  ],
});
const outer = builder.add({
  kind: 'struct',
  name: 'outer',
  size: 32,
  members: [
    { name: '', type: anonymous, bitOffset: 0, bitSize: 0 },
    { name: 'low', type: int, bitOffset: 64, bitSize: 3 },
    { name: 'high', type: int, bitOffset: 67, bitSize: 5 },
    { name: 'pairs', type: builder.array(anonymous, 2), bitOffset: 128, bitSize: 0 },
  ],
});
const color = builder.enum('color', { RED: 0, GREEN: -1 });
const btf = readBtf(builder.encode());

test.each([
  [0, 'void', 'void v'],
  [int, 'int', 'int v'],
  [builder.count - 1, 'enum color', 'enum color v'],
  [text, 'const char *', 'const char *v'],
  [tagged, 'char __user *', 'char __user *v'],
  [constPointer, 'const char *const', 'const char *const v'],
  [handlerPointer, 'int (*)(const char *what, int, ...)', 'int (*v)(const char *what, int, ...)'],
  [empty, 'void (void)', 'void v(void)'],
  [outer, 'struct outer', 'struct outer v'],
  [anonymous, 'union {...}', 'union {...} v'],
])('type %i is %s', (id, type, declaration) => {
  expect(btf.print(id)).toBe(type);
  expect(printDeclaration(btf, id, 'v')).toBe(declaration);
});

test('arrays stand behind the name, outermost first', () => {
  const own = new BtfBuilder();
  const byte = own.int('u8', 1);
  const row = own.array(byte, 4);
  const rows = own.array(row, 2);
  const pointer = own.pointer(rows);
  const open = own.array(byte, 0);
  const read = readBtf(own.encode());
  expect([rows, pointer, open].map((id) => read.print(id))).toEqual(['u8[2][4]', 'u8 (*)[2][4]', 'u8[]']);
  expect(printDeclaration(read, rows, 'table')).toBe('u8 table[2][4]');
});

test('a struct is dumped as C with offset and size of each member', () => {
  expect(dumpC(btf, outer)).toEqual([
    'struct outer {',
    '  union {',
    '    int number;       /*     0       4 */',
    '    const char *text; /*     0       8 */',
    '  };                  /*     0       8 */',
    '  int low : 3;        /*     8:0     4 */',
    '  int high : 5;       /*     8:3     4 */',
    '  union {',
    '    int number;       /*    16       4 */',
    '    const char *text; /*    16       8 */',
    '  } pairs[2];         /*    16      16 */',
    '}; /* size 32, align 8 */',
  ]);
});

test('an enum is dumped with its values', () => {
  expect(dumpC(btf, color)).toEqual(['enum color {', '  RED = 0,', '  GREEN = -1,', '};']);
});

test.each([
  ['tcp_v4_connect', 'int tcp_v4_connect(struct sock *sk, struct sockaddr *uaddr, int addr_len)'],
  ['sk_skb_reason_drop', 'void sk_skb_reason_drop(struct sock *sk, struct sk_buff *skb, enum skb_drop_reason reason)'],
])('%s of 6.18 as C', (name, text) => {
  expect(printFunction(loadProfile('6.18').btf, name)).toBe(text);
});

test('every type of 6.18 prints, and every struct dumps', () => {
  const kernel = loadProfile('6.18').btf;
  const ids = Array.from({ length: kernel.count }, (_, id) => id);
  expect(ids.filter((id) => kernel.print(id) === '')).toEqual([]);
  expect(ids.filter((id) => dumpC(kernel, id).length === 0)).toEqual([]);
  expect(dumpC(kernel, kernel.find('struct', 'sk_buff')!).at(-1)).toBe('}; /* size 224, align 8 */');
});
