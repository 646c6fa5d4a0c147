import { describe } from 'vitest';
import { BPF } from '../../../src/client/index.ts';
import { allocatesNothing, received, sent } from './allocation.ts';

describe('an event allocates nothing', () => {
  allocatesNothing([
    [
      'XDP in the driver',
      'int f(struct xdp_md *ctx) { return XDP_DROP; }',
      (bpf) => bpf.attachXdp('eth0', 'f'),
      [received],
    ],
    [
      'XDP behind it',
      'int f(struct xdp_md *ctx) { return XDP_PASS; }',
      (bpf) => bpf.attachXdp('eth0', 'f', BPF.XDP_FLAGS_SKB_MODE),
      [received],
    ],
    [
      'tc in and out',
      `int f(struct __sk_buff *skb) {
       u8 bytes[4];
       bpf_skb_load_bytes(skb, 0, bytes, sizeof(bytes));
       return bytes[0] == 3 ? TC_ACT_OK : TC_ACT_SHOT;
     }`,
      (bpf) => {
        bpf.attachTc('eth0', 'ingress', 'f');
        bpf.attachTc('eth0', 'egress', 'f');
      },
      [received, sent],
    ],
    [
      'a packet socket and its filter',
      'int f(struct __sk_buff *skb) { return -1; }',
      (bpf) => bpf.attachRawSocket('f', 'eth0'),
      [received],
    ],
  ]);
});
