import { expect, test } from 'vitest';
import { UsageError } from '../../src/base/index.ts';
import { nameMatcher } from '../../src/cli/pattern.ts';

const names = ['skb:kfree_skb', 'tcp:tcp_probe', 'kfree_skb_reason', 'tcp_sendmsg', 'udp_sendmsg'];

test.each([
  ['kfree_skb', ['skb:kfree_skb', 'kfree_skb_reason']],
  ['tcp_*', ['tcp:tcp_probe', 'tcp_sendmsg']],
  ['tcp:*', ['tcp:tcp_probe']],
  ['???_sendmsg', ['tcp_sendmsg', 'udp_sendmsg']],
  ['/^(tcp|udp)_/', ['tcp_sendmsg', 'udp_sendmsg']],
  ['nothing', []],
])('%s means %j', (pattern, expected) => {
  expect(names.filter(nameMatcher(pattern))).toEqual(expected);
});

test('a regular expression that is none', () => {
  expect(() => nameMatcher('/(/')).toThrow(UsageError);
});
