import { describe, expect, test } from 'vitest';
import { dataStart, dropPath } from '../../src/scenario/drop-place.ts';

describe('where a packet was dropped', () => {
  test.each<[string, string[], string, string | undefined]>([
    ['__udp4_lib_rcv+0x4bc', ['ip_protocol_deliver_rcu+0xb3', '__dev_queue_xmit+0x34c'], 'receive', 'transport'],
    ['ip_rcv_core+0x22c', ['ip_rcv+0x2c'], 'receive', 'network'],
    ['nft_do_chain+0x3e8 [nf_tables]', ['nf_hook_slow+0x43', 'ip_local_deliver+0xd5'], 'receive', 'network'],
    [
      'nft_do_chain+0x3e8',
      ['nf_hook_slow+0x43', '__ip_local_out+0x11c', '__x64_sys_connect+0x14'],
      'output',
      'network',
    ],
    ['ip_finish_output2+0x1', ['ip_output+0x5f', 'ip_forward+0x2c0', 'ip_rcv+0x1'], 'receive', 'network'],
    ['tcp_data_queue+0x4f2', ['tcp_rcv_established+0x1'], 'unknown', undefined],
    ['tcp_data_queue+0x4f2', ['tcp_v4_do_rcv+0x1'], 'receive', 'payload'],
    ['__dev_queue_xmit+0xd01', ['ip_finish_output2+0x2c1'], 'device', 'mac'],
    ['veth_xmit+0x2e3', ['dev_hard_start_xmit+0x5f'], 'device', 'mac'],
    ['neigh_invalidate+0x7e', ['neigh_timer_handler+0x2db'], 'output', 'network'],
    ['__rtnl_unlock+0x4a', ['netdev_run_todo+0x5f'], 'unknown', undefined],
  ])('%s under %j: %s, data at %s', (location, callers, path, start) => {
    expect(dropPath(location, ['sk_skb_reason_drop+0x90', location, ...callers])).toBe(path);
    expect(dataStart(location, dropPath(location, [location, ...callers]), 'NOT_SPECIFIED')).toBe(start);
  });

  test('a full socket buffer has the UDP header pulled off', () => {
    expect(dataStart('udp_queue_rcv_one_skb+0x1f5', 'receive', 'SOCKET_RCVBUFF')).toBe('payload');
    expect(dataStart('udp_queue_rcv_one_skb+0x1f5', 'receive', 'UDP_CSUM')).toBe('transport');
  });
});
