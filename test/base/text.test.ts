import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cString, fromHex, hex64, nearest, nearestHint, roundUp, toHex, u64 } from '../../src/base/index.ts';

describe('bytes', () => {
  test('hex reads back', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(255)), (numbers) => {
        const bytes = Uint8Array.from(numbers);
        expect(fromHex(toHex(bytes, ' '))).toEqual(bytes);
      }),
    );
  });
  test.each(['0', 'xx', '0x12', '1 2 3'])('%j is no hex', (text) => expect(fromHex(text)).toBeUndefined());
  test('u64 joins halves of either sign', () => {
    expect(u64(0xffff8880, 0x1000)).toBe(0xffff888000001000n);
    expect(u64(-1, -1)).toBe(0xffffffffffffffffn);
    expect(hex64(-1n)).toBe('0xffffffffffffffff');
  });
  test.each([
    [0, 8, 0],
    [1, 8, 8],
    [8, 8, 8],
    [4097, 4096, 8192],
  ])('roundUp(%d, %d) is %d', (n, step, result) => expect(roundUp(n, step)).toBe(result));
  test('a C string ends at its NUL', () => {
    expect(cString(new Uint8Array([97, 98, 0, 99]))).toBe('ab');
    expect(cString(new Uint8Array([97, 98]))).toBe('ab');
  });
});

describe('nearest names', () => {
  const names = ['tcp_v4_connect', 'tcp_v6_connect', 'tcp_sendmsg', 'udp_sendmsg', 'icmp_rcv'];
  test.each([
    ['tcp_v4_conect', ['tcp_v4_connect', 'tcp_v6_connect']],
    ['tcp_', ['tcp_sendmsg', 'tcp_v4_connect', 'tcp_v6_connect']],
    ['imcp_rcv', ['icmp_rcv']],
    ['zzz', []],
  ])('%s: %j', (typed, expected) => expect(nearest(typed, names)).toEqual(expected));

  test('the hint of a fault names them, or says what else helps', () => {
    const names = ['kprobe', 'kretprobe'];
    expect(nearestHint('krobe', names)).toEqual({ hint: 'did you mean kprobe?' });
    expect(nearestHint('kprobes', ['kprobe', 'uprobes'])).toEqual({ hint: 'did you mean kprobe or uprobes?' });
    expect(nearestHint('xdp', names)).toEqual({});
    expect(nearestHint('xdp', names, 'list them')).toEqual({ hint: 'list them' });
  });
});
