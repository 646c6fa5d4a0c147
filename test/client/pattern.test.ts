import { expect, test } from 'vitest';
import { isPattern, matcher } from '../../src/client/index.ts';

test.each([
  ['tcp_v4_connect', false, ['tcp_v4_connect'], ['tcp_v4_connect2', 'xtcp_v4_connect']],
  ['tcp_*', true, ['tcp_', 'tcp_v4_rcv'], ['udp_rcv', 'xtcp_v4']],
  ['tcp_v?_rcv', true, ['tcp_v4_rcv', 'tcp_v6_rcv'], ['tcp_v46_rcv']],
  ['skb:*', true, ['skb:kfree_skb'], ['net:netif_rx']],
  ['a.b*', true, ['a.b', 'a.bc'], ['axb']],
  ['/^tcp_v[46]_/', true, ['tcp_v4_rcv'], ['tcp_v5_rcv']],
  ['/rcv/', true, ['tcp_v4_rcv_x'], ['tcp']],
])('%s', (pattern, is, matching, others) => {
  expect(isPattern(pattern)).toBe(is);
  const matches = matcher(pattern);
  expect(matching.filter((name) => !matches(name))).toEqual([]);
  expect(others.filter(matches)).toEqual([]);
});

test('a regular expression that is none', () => {
  expect(() => matcher('/tcp_(/')).toThrow(
    expect.objectContaining({ exitCode: 2, message: 'not a regular expression: /tcp_(/' }),
  );
});
