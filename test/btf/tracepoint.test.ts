import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/base/index.ts';
import {
  decodeRecord,
  fieldShape,
  formatRecord,
  loadProfile,
  parseField,
  parsePrinted,
  readFormat,
} from '../../src/btf/index.ts';

const kernel = loadProfile('6.18');
const printed = readFileSync(new URL('printed.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split('\t') as [string, string]);

describe('declarations of fields', () => {
  test.each([
    ['unsigned short protocol', 'protocol', 'unsigned short', 0, false, 'integer'],
    ['enum skb_drop_reason reason', 'reason', 'enum skb_drop_reason', 0, false, 'integer'],
    ['char name[16]', 'name', 'char[16]', 16, false, 'text'],
    ['__u8 saddr[28]', 'saddr', '__u8[28]', 28, false, 'bytes'],
    ['unsigned long args[6]', 'args', 'unsigned long[6]', 6, false, 'array'],
    ['__data_loc char[] name', 'name', '__data_loc char[]', 0, true, 'text'],
    ['__rel_loc u8[] data', 'data', '__rel_loc u8[]', 0, true, 'bytes'],
    ['__data_loc u64[] addrs', 'addrs', '__data_loc u64[]', 0, true, 'array'],
    ['const struct netdev_queue * txq', 'txq', 'const struct netdev_queue *', 0, false, 'pointer'],
    ['void *skbaddr', 'skbaddr', 'void *', 0, false, 'pointer'],
    ['bool boost', 'boost', 'bool', 0, false, 'bool'],
  ])('%s', (declaration, name, type, length, dynamic, shape) => {
    const field = parseField(declaration, 8, dynamic ? 4 : length > 0 ? length : 4, false)!;
    expect(field).toMatchObject({ name, type, length, dynamic });
    expect(fieldShape(field)).toBe(shape);
  });

  test('a single word is no declaration', () => {
    expect(parseField('protocol', 8, 2, false)).toBeUndefined();
  });
});

describe('a format file of tracefs', () => {
  const text = [
    'name: kfree_skb',
    'ID: 17',
    'format:',
    '\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;',
    '',
    '\tfield:int code;\toffset:8;\tsize:4;\tsigned:1;',
    '\tfield:__data_loc char[] name;\toffset:12;\tsize:4;\tsigned:0;',
    '',
    'print fmt: "code=%d name=%s", REC->code, __get_str(name)',
  ];

  test('is read without its common fields', () => {
    const format = readFormat(text.join('\n'), 'skb');
    expect(format).toMatchObject({ name: 'skb:kfree_skb', id: 17, size: 16 });
    expect(format.fields.map((field) => field.name)).toEqual(['code', 'name']);
    expect(formatRecord(format, { code: -3, name: 'eth0' })).toBe('code=-3 name=eth0');
  });

  test.each([
    [5, 'field:int code;\toffset:x;', 'cannot be read'],
    [0, '', 'without a name'],
  ])('line %i spoilt: one message with its line', (index, line, message) => {
    const spoilt = text.with(index, line).join('\n');
    const fault = (() => {
      try {
        readFormat(spoilt, 'skb', {}, 'format');
      } catch (error) {
        return error as InputError;
      }
      return undefined;
    })();
    expect(fault).toBeInstanceOf(InputError);
    expect(fault?.message).toContain(message);
    expect(fault?.at).toMatchObject({ file: 'format', line: index + 1 });
  });
});

describe('records as the kernel prints them', () => {
  test.each(printed)('%s: %s', (name, text) => {
    const format = kernel.tracepoint(name)!;
    const fields = parsePrinted(format, text);
    expect(fields).toBeDefined();
    expect(formatRecord(format, fields!)).toBe(text);
  });

  test('a drop tells all its fields', () => {
    const text =
      'skbaddr=0000000095f312ab rx_sk=0000000000000000 protocol=2048 location=tcp_v4_rcv+0x91/0x13f0 reason: NO_SOCKET';
    expect(parsePrinted(kernel.tracepoint('skb:kfree_skb')!, text)).toEqual({
      skbaddr: 0x95f312abn,
      rx_sk: 0n,
      protocol: 2048,
      location: 'tcp_v4_rcv+0x91/0x13f0',
      reason: 3,
    });
  });

  test('addresses come back in the layout of the record', () => {
    const format = kernel.tracepoint('tcp:tcp_send_reset')!;
    const text =
      'skbaddr=0000000095f312ab skaddr=0000000000000000 src=10.77.0.2:9998 dest=[fe80::1]:53896 state=UNKNOWN reason=NO_SOCKET';
    const fields = parsePrinted(format, text)!;
    expect([...(fields.saddr as Uint8Array).subarray(0, 8)]).toEqual([2, 0, 0x27, 0x0e, 10, 77, 0, 2]);
    expect((fields.daddr as Uint8Array)[0]).toBe(10);
    expect(fields).toMatchObject({ state: 0, reason: 1 });
    expect(formatRecord(format, fields)).toBe(text);
  });

  test.each([
    [
      'sched:sched_switch',
      {
        prev_comm: 'sh',
        prev_pid: 7,
        prev_prio: 120,
        prev_state: 1n,
        next_comm: 'swapper/0',
        next_pid: 0,
        next_prio: 120,
      },
      'prev_comm=sh prev_pid=7 prev_prio=120 prev_state=S ==> next_comm=swapper/0 next_pid=0 next_prio=120',
    ],
    [
      'sched:sched_switch',
      { prev_comm: 'sh', prev_state: 0x100n },
      'prev_comm=sh prev_pid=0 prev_prio=0 prev_state=R+ ==> next_comm= next_pid=0 next_prio=0',
    ],
    [
      'skb:kfree_skb',
      {
        skbaddr: 0xabcn,
        protocol: 2048,
        location: { symbol: 'icmp_rcv+0x1a3/0x2b0' },
        reason: 'SKB_DROP_REASON_NO_SOCKET',
      },
      'skbaddr=0000000000000abc rx_sk=0000000000000000 protocol=2048 location=icmp_rcv+0x1a3/0x2b0 reason: NO_SOCKET',
    ],
    [
      'skb:kfree_skb',
      { reason: 0x20001 },
      'skbaddr=0000000000000000 rx_sk=0000000000000000 protocol=0 location=0x0 reason: 0x20001',
    ],
    [
      'block:block_rq_issue',
      { dev: (8 << 20) | 1, rwbs: 'WS', bytes: 4096, cmd: '', sector: 2048n, nr_sector: 8, comm: 'dd' },
      '8,1 WS 4096 () 2048 + 8 none,0,0 [dd]',
    ],
    [
      'syscalls:sys_enter_openat',
      { dfd: -100, filename: 0x7f00n, flags: 0x241, mode: 0o644 },
      'dfd: 0xffffffffffffff9c, filename: 0x00007f00, flags: 0x00000241, mode: 0x000001a4',
    ],
    ['raw_syscalls:sys_enter', { id: 1n, args: [3n, 5n, 0n, 0n, 0n, 0n] }, 'NR 1 (3, 5, 0, 0, 0, 0)'],
  ])('%s of %o', (name, fields, text) => {
    expect(formatRecord(kernel.tracepoint(name)!, fields)).toBe(text);
  });

  test('a line that cannot be read shows the fields', () => {
    const format = kernel.tracepoint('kmem:mm_page_free')!;
    expect(formatRecord(format, { pfn: 5n, order: 1 })).toBe('[FAILED TO PARSE] pfn=5 order=1');
    expect(parsePrinted(format, 'page=x')).toBeUndefined();
  });

  test('another text is not of the format', () => {
    expect(parsePrinted(kernel.tracepoint('skb:kfree_skb')!, 'dev=kva skbaddr=00 len=74')).toBeUndefined();
  });

  test('format lines of 6.18: nearly all are understood, and none throws', () => {
    const unread = [...kernel.tracepointNames()].filter((name) =>
      formatRecord(kernel.tracepoint(name)!, {}).startsWith('[FAILED TO PARSE]'),
    );
    expect(unread.length).toBeLessThanOrEqual(20);
  });

  test('parsing undoes printing', () => {
    const format = kernel.tracepoint('fib:fib_table_lookup')!;
    const byte = fc.nat(255);
    const fields = fc.record({
      tb_id: fc.nat(0xffffffff),
      err: fc.integer(),
      oif: fc.integer(),
      iif: fc.integer(),
      proto: byte,
      tos: byte,
      scope: byte,
      flags: byte,
      src: fc.uint8Array({ minLength: 4, maxLength: 4 }),
      dst: fc.uint8Array({ minLength: 4, maxLength: 4 }),
      gw4: fc.uint8Array({ minLength: 4, maxLength: 4 }),
      gw6: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      sport: fc.nat(0xffff),
      dport: fc.nat(0xffff),
      name: fc.stringMatching(/^[a-z0-9.@-]{1,15}$/),
    });
    fc.assert(
      fc.property(fields, (value) => {
        expect(parsePrinted(format, formatRecord(format, value))).toEqual(value);
      }),
      { seed: 4, numRuns: 300 },
    );
  });
});

describe('records in memory', () => {
  test('are decoded field by field, dynamic ones from behind the fixed part', () => {
    const format = kernel.tracepoint('net:net_dev_xmit')!;
    const bytes = new Uint8Array(40);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(4 + 8, 0xffff888000012340n, true);
    view.setUint32(4 + 16, 74, true);
    view.setInt32(4 + 20, -2, true);
    view.setUint16(4 + 24, format.size, true);
    view.setUint16(4 + 26, 5, true);
    bytes.set(new TextEncoder().encode('eth0\0'), 4 + format.size);
    expect(decodeRecord(format, view, 4)).toEqual({ skbaddr: 0xffff888000012340n, len: 74, rc: -2, name: 'eth0' });
  });

  test('a dynamic field that points outside is cut off', () => {
    const format = kernel.tracepoint('net:net_dev_queue')!;
    const view = new DataView(new ArrayBuffer(format.size));
    view.setUint16(20, 4000, true);
    view.setUint16(22, 5, true);
    expect(decodeRecord(format, view, 0)).toMatchObject({ name: '' });
  });
});
