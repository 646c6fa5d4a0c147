import { dnsAnswer } from 'tracebed';
import { describe, expect, test } from 'vitest';
import { parseDnsAnswer } from '../../probes/tcpconnect/dns.ts';

/** An answer that a name server gave for www.example.com: an alias, and an address of what it stands for. */
const aliased = Uint8Array.from([
  ...[0x0b, 0xad, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0],
  ...[3, 0x77, 0x77, 0x77, 7, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 3, 0x63, 0x6f, 0x6d, 0, 0, 1, 0, 1],
  ...[0xc0, 12, 0, 5, 0, 1, 0, 0, 1, 0x2c, 0, 6, 3, 0x63, 0x64, 0x6e, 0xc0, 16],
  ...[0xc0, 45, 0, 1, 0, 1, 0, 0, 1, 0x2c, 0, 4, 192, 0, 2, 80],
]);

describe('a name server is understood', () => {
  test.each([
    [
      'IPv4',
      dnsAnswer('a.example', ['192.0.2.1', '192.0.2.2']),
      { question: 'a.example', addresses: ['192.0.2.1', '192.0.2.2'] },
    ],
    ['IPv6', dnsAnswer('b.example', ['2001:db8::1']), { question: 'b.example', addresses: ['2001:db8::1'] }],
    ['an alias', aliased, { question: 'www.example.com', addresses: ['192.0.2.80'] }],
    ['no address', dnsAnswer('c.example', []), { question: 'c.example', addresses: [] }],
    ['a cut answer', aliased.subarray(0, aliased.length - 2), { question: 'www.example.com', addresses: [] }],
  ])('%s', (_, bytes, answer) => {
    expect(parseDnsAnswer(bytes)).toEqual(answer);
  });
});

describe('what is no answer', () => {
  const question = dnsAnswer('a.example', ['192.0.2.1']);
  question[2] = 0x01;
  const two = dnsAnswer('a.example', ['192.0.2.1']);
  two[5] = 2;
  const circle = Uint8Array.from([...dnsAnswer('', []).subarray(0, 12), 0xc0, 12, 0, 1, 0, 1]);
  test.each([
    ['too short', new Uint8Array(11)],
    ['a question', question],
    ['two questions', two],
    ['a name that points to itself', circle],
    ['a name that is cut', dnsAnswer('a.example', []).subarray(0, 15)],
  ])('%s', (_, bytes) => {
    expect(parseDnsAnswer(bytes)).toBeUndefined();
  });
});
