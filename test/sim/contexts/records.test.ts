import { describe, expect, test } from 'vitest';
import { viewOf } from '../../../src/base/index.ts';
import { decodeRecord, type TracepointFormat } from '../../../src/btf/index.ts';
import type { Arguments } from '../../../src/events/index.ts';
import { netDevice, skBuff } from '../../../src/events/index.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, bash, end, openOutput, profile } from '../bench.ts';

const engine = engines[0]!;
const copied = 256;
/** Copies the record to the map. */
const copyRecord = `${openOutput}
  r1 = r7
  r2 = ${copied}
  r3 = r6
  call bpf_probe_read_kernel
${end}`;

/** The bytes of a record, as a program sees them. */
function record(name: string, fields: Arguments, bench = new Bench(engine)): Uint8Array {
  const out = bench.map({ type: 'array', valueSize: copied });
  bench.attach({ kind: 'tracepoint', name }, copyRecord, { out });
  bench.tracepoint(name, fields);
  expect(bench.machine.traps).toEqual([]);
  return bench.bytes(out);
}

const skb = skBuff({ data: new Uint8Array(60), dev: netDevice('eth0', 2) });

describe('a record', () => {
  test('begins with the common fields', () => {
    const bytes = record('skb:kfree_skb', {});
    const { id } = profile.tracepoint('skb:kfree_skb') as TracepointFormat;
    expect(bytes[0]! | (bytes[1]! << 8)).toBe(id);
    expect(new DataView(bytes.buffer).getInt32(4, true)).toBe(bash.pid);
    expect(
      bytes.subarray(8, 48).every((byte) => byte === 0),
      'a missing field is 0',
    ).toBe(true);
  });

  test('of skb:kfree_skb has its fields where 6.18 has them', () => {
    const bench = new Bench(engine);
    const location = { symbol: '__udp4_lib_rcv+0x4bc' };
    const fields = { skbaddr: skb, location, rx_sk: null, protocol: 2048, reason: 'NO_SOCKET' };
    const view = new DataView(record('skb:kfree_skb', fields, bench).buffer);
    expect(view.getBigUint64(8, true) >> 32n).toBe(0xffff8880n);
    expect(bench.machine.symbols.format(view.getBigUint64(16, true))).toBe('__udp4_lib_rcv+0x4bc');
    expect(view.getBigUint64(24, true)).toBe(0n);
    expect(view.getUint16(32, true)).toBe(2048);
    expect(view.getUint32(36, true)).toBe(profile.dropReasonValue('NO_SOCKET'));
  });

  test.each([
    ['skb:kfree_skb', { reason: 'SKB_DROP_REASON_NO_SOCKET' }, { reason: 3 }],
    ['skb:kfree_skb', { reason: 'NETFILTER_DROP', protocol: 0x10800 }, { reason: 12, protocol: 0x800 }],
    [
      'sock:inet_sock_set_state',
      { oldstate: 'TCP_SYN_SENT', newstate: 1, sport: 80 },
      { oldstate: 2, newstate: 1, sport: 80 },
    ],
    [
      'sched:sched_switch',
      { prev_comm: 'bash', prev_pid: -1, prev_state: -2n },
      { prev_comm: 'bash', prev_pid: -1, prev_state: -2n },
    ],
    ['sched:sched_switch', { next_comm: 'a name that is too long' }, { next_comm: 'a name that is ' }],
    ['net:net_dev_queue', { name: 'eth0', len: 4_000_000_000 }, { name: 'eth0', len: 4_000_000_000 }],
    ['syscalls:sys_exit_openat', { __syscall_nr: 257, ret: -2 }, { __syscall_nr: 257, ret: -2n }],
  ] as const)('of %s with %o reads %o', (name, fields, expected) => {
    const format = profile.tracepoint(name) as TracepointFormat;
    const read = decodeRecord(format, viewOf(record(name, fields)), 0);
    for (const [key, value] of Object.entries(expected)) expect(read[key], key).toEqual(value);
  });

  test('an int of a system call fills its register with zeros above', () => {
    const bytes = record('syscalls:sys_enter_openat', { dfd: -100, filename: '/etc/passwd' });
    const view = new DataView(bytes.buffer);
    expect(view.getBigUint64(16, true)).toBe(0xffffff9cn);
    expect(view.getBigUint64(24, true) >> 32n, 'a user pointer').toBe(0x7f00n);
  });

  test('dynamic data stand behind the fixed part, each with its NUL', () => {
    const format = profile.tracepoint('net:net_dev_queue') as TracepointFormat;
    const bytes = record('net:net_dev_queue', { name: 'größe' });
    const [field] = format.fields.filter(({ name }) => name === 'name');
    const view = new DataView(bytes.buffer);
    expect(view.getUint16(field!.offset, true)).toBe(24);
    expect(view.getUint16(field!.offset + 2, true)).toBe(8);
    expect(new TextDecoder().decode(bytes.subarray(24, 31))).toBe('größe');
    expect(bytes[31]).toBe(0);
  });

  test('a shorter text leaves nothing of the one before', () => {
    const bench = new Bench(engine);
    const out = bench.map({ type: 'array', valueSize: copied });
    bench.attach({ kind: 'tracepoint', name: 'net:net_dev_queue' }, copyRecord, { out });
    bench.tracepoint('net:net_dev_queue', { name: 'a-long-name', len: 1 });
    bench.tracepoint('net:net_dev_queue', { name: 'lo', len: 1 });
    const view = new DataView(bench.bytes(out).buffer);
    expect(view.getUint16(22, true)).toBe(3);
    expect(bench.bytes(out).subarray(24, 27)).toEqual(new Uint8Array([0x6c, 0x6f, 0]));
  });

  test.each([
    ['net:net_dev_queue', { name: 'x'.repeat(9000) }, /record of net:net_dev_queue is too long/],
    ['net:net_dev_queue', { name: 5 }, /field 'name' of net:net_dev_queue/],
    ['net:net_dev_queue', { len: skb }, /cannot be an object/],
    ['sock:inet_sock_set_state', { saddr: new Uint8Array(5) }, /has 5 bytes/],
    ['sock:inet_sock_set_state', { saddr: '10.0.0.1' }, /is an array/],
  ] as const)('of %s with %o is refused', (name, fields, message) => {
    expect(() => record(name, fields)).toThrow(message);
  });
});
