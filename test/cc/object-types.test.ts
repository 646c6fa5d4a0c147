import { describe, expect, test } from 'vitest';
import { compileDecoder, dumpC, loadProfile, printDeclaration } from '../../src/btf/index.ts';
import { compileC, renderDiagnostics } from '../../src/cc/index.ts';
import type { ObjectSpec } from '../../src/object/index.ts';

/** The C types that an object carries: of functions, of what maps hold, of its data. */
const profile = loadProfile('6.1');

function compiled(text: string): Required<ObjectSpec> {
  const { object, diagnostics } = compileC(text, { file: 'tool.c', profile });
  if (!object) throw new Error(renderDiagnostics(diagnostics));
  return object as Required<ObjectSpec>;
}

const text = `
enum verdict { PASS = 1, DROP = -2 };
typedef struct { u32 pid:20, cpu:12; char comm[TASK_COMM_LEN]; } who_t;
struct event_t { who_t who; enum verdict said; struct sock *sk; struct event_t *next; u64 at[2]; bool late; };
BPF_HASH(start, who_t, struct event_t);
BPF_PERF_OUTPUT(events);
BPF_RINGBUF_OUTPUT(ring, 1);
BPF_HISTOGRAM(dist);
static int count = 3;
static __attribute__((noinline)) u64 twice(struct event_t *event, u32 by) { return event->at[0] * by; }
int probe(struct pt_regs *ctx, struct sock *sk) {
  struct event_t event = {}, *place = ring.ringbuf_reserve(sizeof(*place));
  event.at[1] = twice(&event, count++);
  event.sk = sk;
  events.perf_submit(ctx, &event, sizeof(event));
  u32 pid = 1;
  if (place) { place->late = 1; ring.ringbuf_submit(place, 0); }
  ring.ringbuf_output(&pid, sizeof(pid), 0);
  return 0;
}`;
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
  expect(lines.get(functions[1]?.slot ?? -1)).toMatchObject({ line: 10, text: expect.stringContaining('twice') });
});

test('a kernel struct that is pointed to is only declared', () => {
  expect(btf.find('struct', 'sock')).toBeUndefined();
  expect(btf.find('struct', 'task_struct')).toBeUndefined();
});
