import { expect, test } from 'vitest';
import { loadProfile, symbolicNames } from '../../src/btf/index.ts';

const profile = loadProfile('6.18');

test.each([
  ['sock:inet_sock_set_state', 'oldstate', 7n, 'TCP_CLOSE'],
  ['sock:inet_sock_set_state', 'newstate', 1n, 'TCP_ESTABLISHED'],
  ['skb:kfree_skb', 'reason', 3n, 'NO_SOCKET'],
  ['irq:softirq_entry', 'vec', 3n, 'NET_RX'],
])('%s prints %s %d as %s', (point, field, value, name) => {
  expect(symbolicNames(profile.tracepoint(point)!, field)?.get(value)).toBe(name);
});

test('a field that is printed as it is, or not at all, has no names', () => {
  expect(symbolicNames(profile.tracepoint('skb:kfree_skb')!, 'protocol')).toBeUndefined();
  expect(symbolicNames(profile.tracepoint('skb:kfree_skb')!, 'no_such')).toBeUndefined();
});
