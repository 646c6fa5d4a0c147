import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compileDecoder, dumpC, dumpRaw, loadProfile, printDeclaration, readBtf } from '../../src/btf/index.ts';
import { compileC, renderDiagnostics } from '../../src/cc/index.ts';
import { type ObjectSpec, type ProgramSpec, writeObject } from '../../src/object/index.ts';
import { readElf } from './read-elf.ts';

/** The C types that an object carries: of functions, of what maps hold, of its data. */
const profile = loadProfile('6.1');

function compiled(text: string): Required<ObjectSpec> {
  const { object, diagnostics } = compileC(text, { file: 'tool.c', profile });
  if (!object) throw new Error(renderDiagnostics(diagnostics));
  return object as Required<ObjectSpec>;
}

const text = readFileSync(new URL('fixtures/types.c', import.meta.url), 'utf8');
const object = compiled(text);
const { btf } = object;

describe('what a map holds', () => {
  const typesOf = (name: string) => object.maps.find((map) => map.name === name)?.types;
  const named = (name: string, what: 'key' | 'value'): string => {
    const id = typesOf(name)?.[what];
    return id === undefined ? '' : printDeclaration(btf, id, what);
  };

  test.each([
    ['start', 'who_t key', 'struct event_t value'],
    ['dist', 'int key', 'unsigned long long value'],
    ['events', 'int key', 'unsigned int value'],
    ['ring', '', ''],
  ])('%s: %s, %s', (name, key, value) => {
    expect([named(name, 'key'), named(name, 'value')]).toEqual([key, value]);
  });

  test('the records of a ring are what programs write into it', () => {
    const print = (name: string) => typesOf(name)?.events?.map((id) => btf.print(id));
    expect(print('events')).toEqual(['struct event_t']);
    expect(print('ring')).toEqual(['struct event_t', 'u32']);
  });

  test('data is a section of variables', () => {
    const id = typesOf('.data')?.value ?? 0;
    const type = btf.type(id);
    expect(type).toMatchObject({ kind: 'section', name: '.data', size: 4, variables: [{ offset: 0, size: 4 }] });
  });
});

test('a struct has the members that C gave it', () => {
  const id = btf.find('struct', 'event_t') ?? 0;
  expect(dumpC(btf, id).map((line) => line.replace(/ +/g, ' '))).toEqual([
    'struct event_t {',
    ' who_t who; /* 0 20 */',
    ' enum verdict said; /* 20 4 */',
    ' struct sock *sk; /* 24 8 */',
    ' struct event_t *next; /* 32 8 */',
    ' u64 at[2]; /* 40 16 */',
    ' bool late; /* 56 1 */',
    '}; /* size 64, align 8 */',
  ]);
  expect(btf.type(btf.find('enum', 'verdict') ?? 0)).toMatchObject({
    signed: true,
    values: [
      { name: 'PASS', value: 1n },
      { name: 'DROP', value: -2n },
    ],
  });
});

test('a record reads by its type', () => {
  const bytes = new DataView(new ArrayBuffer(64));
  bytes.setUint32(0, (5 << 20) | 1234, true);
  for (const [i, char] of [...'cat'].entries()) bytes.setUint8(4 + i, char.charCodeAt(0));
  bytes.setInt32(20, -2, true);
  bytes.setUint8(56, 1);
  const decode = compileDecoder(btf, btf.find('struct', 'event_t') ?? 0);
  expect(decode(bytes, 0)).toMatchObject({ who: { pid: 1234, cpu: 5, comm: 'cat' }, said: -2, late: true });
});

test('each function has its place, its type and a line', () => {
  const [program] = object.programs;
  const functions = program?.functions ?? [];
  expect(functions.map(({ name, type }) => [name, btf.print(type)])).toEqual([
    ['probe', 'int probe(struct pt_regs *ctx)'],
    ['twice', 'u64 twice(struct event_t *event, u32 by)'],
  ]);
  expect(functions[0]?.slot).toBe(0);
  const lines = new Map(program?.lines.map(({ slot, at }) => [slot, at]));
  for (const { slot } of functions) expect(lines.get(slot)).toMatchObject({ file: 'tool.c' });
  expect(lines.get(functions[1]?.slot ?? -1)).toMatchObject({ line: 9, text: expect.stringContaining('twice') });
});

test('a kernel struct that is pointed to is only declared', () => {
  expect(btf.find('struct', 'sock')).toBeUndefined();
  expect(btf.find('struct', 'task_struct')).toBeUndefined();
});

describe('as an ELF object', () => {
  const elf = readElf(writeObject(object));
  const fixture = readFileSync(new URL('fixtures/types.btf.txt', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');

  test('its .BTF prints as bpftool prints it', () => {
    expect(dumpRaw(readBtf(elf.section('.BTF')))).toEqual(fixture);
  });

  test("the object's own types come first, with the ids that its specs name", () => {
    const own = dumpRaw(btf);
    expect(fixture.slice(0, own.length)).toEqual(own);
  });

  test('programs, called functions, maps and data have their sections', () => {
    const symbols = elf.symbols.filter((one) => one.name !== '').map((one) => `${one.section} ${one.name} ${one.size}`);
    const program = object.programs[0] as ProgramSpec;
    const start = (program.functions?.[1]?.slot ?? 0) * 8;
    expect(symbols.toSorted()).toEqual(
      [
        `kprobe probe ${start}`,
        `.text twice ${program.code.length - start}`,
        '.maps start 32',
        '.maps events 32',
        '.maps ring 32',
        '.maps dist 32',
        '.data count 4',
      ].toSorted(),
    );
    expect(Buffer.from(elf.section('license')).toString()).toBe('GPL\0');
    expect([...elf.section('.data')]).toEqual([3, 0, 0, 0]);
  });

  test('each address and each call is relocated', () => {
    const { relocations, functions } = object.programs[0] as Required<ProgramSpec>;
    const wanted = relocations.map(({ slot, map }) => [slot * 8, map, 1]);
    const found = elf.relocations('kprobe').map(({ offset, symbol, type }) => [offset, symbol, type]);
    expect(found.filter(([, , type]) => type === 1)).toEqual(
      wanted.filter(([at]) => Number(at) < functions[1]!.slot * 8),
    );
    expect(found.filter(([, , type]) => type === 10)).toEqual([[expect.any(Number), 'twice', 10]]);
  });
});

test("a callback's address is relocated against the section that it lies in, as clang leaves it", () => {
  const text = `static int each(u32 i, void *c) { return 0; }
static __noinline int other(int n) { return n; }
SEC("kprobe/vfs_read") int f(struct pt_regs *ctx) { return other(ctx->di) + bpf_loop(3, each, 0, 0); }`;
  const { object } = compileC(text, { profile });
  const callback = readElf(writeObject(object as ObjectSpec));
  const [call, address] = callback.relocations('kprobe/vfs_read');
  expect(call).toMatchObject({ symbol: 'other', type: 10 });
  expect(address).toMatchObject({ symbol: '.text', type: 1, value: 0 });
  const { offset = 0 } = address ?? {};
  const code = new DataView(callback.section('kprobe/vfs_read').buffer);
  expect(code.getUint8(offset + 1) >> 4).toBe(0);
  const each = callback.symbols.find((one) => one.name === 'each');
  expect(code.getInt32(offset + 4, true)).toBe(each?.offset);
});
