import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cString, errno, fromHex, viewOf } from '../../../src/base/index.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, profile, storing, u32Bytes } from '../bench.ts';

/** What bpf_snprintf_btf of Linux 6.18 made of a value: kind and name of its type, bytes, flags, length, text. */
type Row = readonly [
  kind: 'struct' | 'enum' | 'int' | 'typedef' | 'function',
  name: string,
  bytes: string,
  flags: number,
  length: number,
  text: string,
];
const rows: readonly Row[] = JSON.parse(readFileSync(new URL('../fixtures/shown-types.json', import.meta.url), 'utf8'));
const target = { kind: 'kprobe', function: 'tcp_v4_connect' } as const;

describe.each(engines)('snprintf_btf on the $name', (engine) => {
  /** Shows what stands at +64 of the output as a type; the text stands at +1024. */
  function show(id: number, bytes: Uint8Array, flags: number, room = 2048, size = 16) {
    using bench = new Bench(engine);
    const out = bench.map({ type: 'array', valueSize: 4096 });
    const value = new Uint8Array(4096);
    value.set(bytes, 64);
    bench.machine.mapUpdate(out, u32Bytes(0), value);
    const body = `r1 = r7
      r1 += 64
      *(u64 *)(r10 - 24) = r1
      *(u32 *)(r10 - 16) = ${id}
      *(u32 *)(r10 - 12) = 0
      r1 = r7
      r1 += 1024
      r2 = ${room}
      r3 = r10
      r3 += -24
      r4 = ${size}
      r5 = ${flags}
      call bpf_snprintf_btf`;
    bench.attach(target, storing(body), { out });
    bench.entry('tcp_v4_connect');
    expect(bench.machine.traps).toEqual([]);
    const seen = bench.bytes(out);
    return [Number(viewOf(seen).getBigInt64(0, true)), cString(seen.subarray(1024))];
  }

  test.each(rows.map((row) => [row[1], row[3], row] as const))('%s with flags %i', (_name, _flags, row) => {
    const [kind, name, hex, flags, length, text] = row;
    const id = profile.btf.find(kind, name) as number;
    expect(show(id, fromHex(hex) as Uint8Array, flags)).toEqual([length, text]);
  });

  const int = profile.btf.find('int', 'int') as number;
  test.each<[string, number, number, number, number, number, string]>([
    ['too little room', int, 0, 4, 16, 7, '(in'],
    ['unknown flags', int, 16, 64, 16, -errno.EINVAL, ''],
    ['no type', 0, 0, 64, 16, -errno.EINVAL, ''],
    ['a btf_ptr of another size', int, 0, 64, 8, -errno.EINVAL, ''],
  ])('%s', (_, id, flags, room, size, answer, text) => {
    expect(show(id, new Uint8Array(4), flags, room, size)).toEqual([answer, text]);
  });

  test('a pointer is hashed unless it is wanted as it is', () => {
    const id = profile.btf.find('struct', 'list_head') as number;
    const [, text] = show(id, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 1);
    expect(text).toMatch(/^\(struct list_head\)\{\.next = \(struct list_head \*\)0x00000000[0-9a-f]{8},\}$/);
  });
});
