import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/base/index.ts';
import { BtfBuilder, loadProfile, profileFromBtf, profileNames } from '../../src/btf/index.ts';

const newer = loadProfile('6.18');
const older = loadProfile('6.1');

describe('the bundled kernels', () => {
  test.each([
    ['6.18', 'NO_SOCKET', 3],
    ['6.1', 'NO_SOCKET', 2],
    ['6.18', 'NETFILTER_DROP', 12],
    ['6.1', 'NETFILTER_DROP', 7],
    ['6.18', 'CONSUMED', 1],
    ['6.18', 'NOT_DROPPED_YET', 0],
  ])('in %s the drop reason %s is %i', (kernel, name, value) => {
    const profile = kernel === '6.18' ? newer : older;
    expect(profile.dropReasonValue(name)).toBe(value);
    expect(profile.dropReasonValue(`SKB_DROP_REASON_${name}`)).toBe(value);
    expect(profile.dropReasonName(value)).toBe(name);
  });

  test.each(['MAX', 'SUBSYS_MASK', 'NO_SUCH_REASON'])('%s is no drop reason', (name) => {
    expect(newer.dropReasonValue(name)).toBeUndefined();
  });

  test.each([
    [newer, 40, { skbaddr: 8, location: 16, rx_sk: 24, protocol: 32, reason: 36 }],
    [older, 32, { skbaddr: 8, location: 16, protocol: 24, reason: 28 }],
  ])('skb:kfree_skb has its own record in each', (profile, size, offsets) => {
    const format = profile.tracepoint('skb:kfree_skb')!;
    expect(format.size).toBe(size);
    expect(Object.fromEntries(format.fields.map((field) => [field.name, field.offset]))).toEqual(offsets);
  });

  test('6.18 knows all its tracepoints', () => {
    const names = [...newer.tracepointNames()];
    expect(names.length).toBe(2305);
    expect(names.filter((name) => name.startsWith('ftrace:'))).toEqual([]);
    expect(names.filter((name) => newer.tracepoint(name)?.name !== name)).toEqual([]);
    expect(newer.tracepoint('skb:no_such_event')).toBeUndefined();
  });

  test('6.1 says where a format comes from, and knows no event that it does not have', () => {
    expect(older.tracepoint('sock:inet_sock_set_state')?.source).toBe('btf');
    expect(older.tracepoint('net:net_dev_queue')?.source).toBe('nearest');
    expect(older.tracepoint('tcp:tcp_send_reset')).toBeUndefined();
    expect(older.notes?.length).toBeGreaterThan(0);
    expect([...older.tracepointNames()]).toContain('syscalls:sys_enter_openat');
  });

  test('an unknown one is refused with what there is', () => {
    expect(() => loadProfile('6.19')).toThrow(InputError);
    expect(() => loadProfile('6.19')).toThrow("no kernel profile '6.19'");
    expect(profileNames).toEqual(['6.18', '6.1']);
  });
});

describe('a kernel by its BTF', () => {
  const path = createRequire(import.meta.url).resolve('#kernels/6.18/vmlinux.btf.gz');
  const bytes = gunzipSync(readFileSync(path));

  test('has the records of its own structs', () => {
    const profile = profileFromBtf(bytes, 'mine', { release: '6.18.0-mine' });
    expect(profile).toMatchObject({ name: 'mine', release: '6.18.0-mine' });
    const format = profile.tracepoint('skb:kfree_skb')!;
    expect(format.source).toBe('btf');
    expect(format.fields).toEqual(newer.tracepoint('skb:kfree_skb')?.fields);
  });

  test('a record that differs from the nearest is taken from the struct, with a format line of its own fields', () => {
    const builder = new BtfBuilder();
    const u64 = builder.int('long unsigned int', 8);
    const int = builder.int('int', 4, { signed: true });
    const u32 = builder.int('unsigned int', 4);
    const char = builder.int('char', 1);
    builder.struct('trace_event_raw_kfree_skb', [
      { name: 'ent', type: builder.array(u32, 2) },
      { name: 'skbaddr', type: builder.pointer(0) },
      { name: 'err', type: int },
      { name: '__data_loc_dev', type: u32 },
      { name: 'when', type: u64 },
      { name: 'comm', type: builder.array(char, 16) },
    ]);
    const format = profileFromBtf(builder.encode(), 'mine').tracepoint('skb:kfree_skb')!;
    expect(format.fields.map((field) => [field.name, field.type, field.offset, field.signed, field.dynamic])).toEqual([
      ['skbaddr', 'void *', 8, false, false],
      ['err', 'int', 16, true, false],
      ['dev', '__data_loc char[]', 20, false, true],
      ['when', 'long unsigned int', 24, false, false],
      ['comm', 'char[16]', 32, true, false],
    ]);
    expect(format.print).toBe(
      '"skbaddr=%p err=%d dev=%s when=%llu comm=%s", REC->skbaddr, REC->err, __get_str(dev), REC->when, REC->comm',
    );
  });

  test.each(profileNames)('what release %s is of is concluded from its enumerators', (name) => {
    const file = createRequire(import.meta.url).resolve(`#kernels/${name}/vmlinux.btf.gz`);
    expect(profileFromBtf(gunzipSync(readFileSync(file)), 'mine').release).toBe(`${name}.0`);
  });

  test.each([
    [['BPF_MAP_TYPE_HASH'], '0.0.0'],
    [['BPF_MAP_TYPE_RINGBUF'], '5.8.0'],
    [['BPF_MAP_TYPE_RINGBUF', 'BPF_MAP_TYPE_CGRP_STORAGE', 'BPF_PROG_TYPE_LSM'], '6.2.0'],
  ])('with %j it is taken for %s', (names, release) => {
    const builder = new BtfBuilder();
    builder.enum('bpf_some', Object.fromEntries(names.map((name, value) => [name, value])));
    expect(profileFromBtf(builder.encode(), 'mine').release).toBe(release);
  });

  test('bytes that are not BTF are refused with the offset', () => {
    expect(() => profileFromBtf(new Uint8Array(64), 'mine', { file: 'vmlinux' })).toThrow('not BTF');
  });
});
