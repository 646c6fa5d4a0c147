import { describe, expect, test } from 'vitest';
import { BPF, BpfError } from '../../src/client/index.ts';
import { xdpFlags } from '../../src/uapi/index.ts';
import { eth0, eth1, jumbo, mac, NetworkStage, numbers, stages, udp, va } from './network-stage.ts';

describe.each(stages)('XDP programs, on the $engine.name and kernel $kernel', (options) => {
  const stage = new NetworkStage(options);

  test.each([
    ['XDP_PASS', 'passed', ['receive 32'], ['receive 32']],
    ['XDP_DROP', 'dropped', [], ['receive 32', 'NOT_SPECIFIED @ do_xdp_generic']],
    [
      'XDP_ABORTED',
      'dropped',
      ['xdp_exception 0'],
      ['receive 32', 'xdp_exception 0', 'NOT_SPECIFIED @ do_xdp_generic'],
    ],
    ['77', 'dropped', ['xdp_exception 77'], ['receive 32', 'xdp_exception 77', 'NOT_SPECIFIED @ do_xdp_generic']],
    ['XDP_TX', 'sent', [], ['receive 32']],
    [
      'XDP_REDIRECT',
      'dropped',
      ['xdp_redirect_err -56'],
      ['receive 32', 'xdp_redirect_err -56', 'XDP @ do_xdp_generic'],
    ],
    [
      'bpf_redirect(99, 0)',
      'dropped',
      ['xdp_redirect_err -22'],
      ['receive 32', 'xdp_redirect_err -22', 'XDP @ do_xdp_generic'],
    ],
    [
      'bpf_redirect(4, 0)',
      'dropped',
      ['xdp_redirect_err -100'],
      ['receive 32', 'xdp_redirect_err -100', 'XDP @ do_xdp_generic'],
    ],
    ['bpf_redirect(3, 0)', 'redirected', ['xdp_redirect 3'], ['receive 32', 'xdp_redirect 3']],
  ] as const)('%s: the packet is %s', (answer, fate, native, generic) => {
    const told = stage.watch();
    const bpf = stage.load(`int xdp(struct xdp_md *ctx) { return ${answer}; }`);
    bpf.attachXdp('eth0', 'xdp');
    expect([stage.receive(udp()), told()]).toEqual([fate, native]);
    bpf.removeXdp('eth0');
    bpf.attachXdp('eth0', 'xdp', BPF.XDP_FLAGS_SKB_MODE);
    expect([stage.receive(udp()), told()]).toEqual([fate, generic]);
    expect(stage.device('eth0')).toMatchObject({ received: 2, dropped: fate === 'dropped' ? 2 : 0 });
  });

  test('what it did to the packet is seen behind it', () => {
    const bpf = stage.load(`
        int xdp(struct xdp_md *ctx) {
          if (bpf_xdp_adjust_head(ctx, -4)) return XDP_DROP;
          if (bpf_xdp_adjust_meta(ctx, -4)) return XDP_DROP;
          void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
          u32 *meta = (void *)(long)ctx->data_meta;
          if ((void *)(meta + 1) > data) return XDP_DROP;
          *meta = 0x1234;
          u8 *bytes = data;
          if (data + 18 > end) return XDP_DROP;
          #pragma unroll
          for (int i = 0; i < 12; i++) bytes[i] = bytes[i + 4];
          bytes[12] = 0x81; bytes[13] = 0; bytes[14] = 0; bytes[15] = 9;
          return XDP_PASS;
        }
        BPF_ARRAY(seen, u32, 4);
        int cls(struct __sk_buff *skb) {
          u32 key = 0, value = skb->vlan_tci;
          seen.update(&key, &value);
          u32 *meta = (void *)(long)skb->data_meta;
          if ((void *)(meta + 1) > (void *)(long)skb->data) return TC_ACT_SHOT;
          value = *meta; key = 1;
          seen.update(&key, &value);
          value = skb->len; key = 2;
          seen.update(&key, &value);
          value = skb->protocol; key = 3;
          seen.update(&key, &value);
          return TC_ACT_OK;
        }`);
    bpf.attachXdp('eth0', 'xdp', BPF.XDP_FLAGS_DRV_MODE);
    bpf.attachTc('eth0', 'ingress', 'cls');
    const socket = bpf.openPacketSocket({ dev: 'eth0' });
    expect(stage.receive(udp())).toBe('passed');
    expect(numbers(bpf, 'seen')).toEqual([9, 0x1234, udp().length, 0x0008]);
    expect(socket.receive()).toMatchObject({ data: udp(), vlan: 9, protocol: 0x0800, packetType: 0 });
  });

  test('a map of devices sends to one, or to all but the one it came in by', () => {
    const bpf = stage.load(`
        BPF_DEVMAP(ports, 4);
        int one(struct xdp_md *ctx) { return ports.redirect_map(1, XDP_PASS); }
        int all(struct xdp_md *ctx) {
          return ports.redirect_map(0, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
        }`);
    bpf.attachXdp('eth0', 'one');
    expect(stage.receive(udp())).toBe('passed');
    const ports = bpf.table('ports');
    ports.set(1, eth1.ifindex);
    expect(() => ports.set(2, 77)).toThrow(/EINVAL/);
    expect(stage.receive(udp())).toBe('redirected');
    expect(stage.device('eth1')).toMatchObject({ sent: 1 });
    ports.set(0, eth0.ifindex);
    ports.set(3, va.ifindex);
    bpf.attachXdp('eth0', 'all');
    expect(stage.receive(udp())).toBe('redirected');
    expect([stage.device('eth0')?.sent, stage.device('eth1')?.sent, stage.device('va')?.sent]).toEqual([0, 2, 1]);
  });

  test.each([
    ['no such device', 'eth9', 0, 'ENODEV'],
    ['two modes', 'eth0', xdpFlags.skbMode | xdpFlags.drvMode, 'EINVAL'],
    ['a flag that is none', 'eth0', 64, 'EINVAL'],
    ['offload', 'eth0', xdpFlags.hwMode, 'EOPNOTSUPP'],
    ['a driver that cannot', 'lo', xdpFlags.drvMode, 'EOPNOTSUPP'],
    ['packets longer than a page', 'eth3', 0, 'ERANGE'],
    ['a program that is there', 'eth1', xdpFlags.updateIfNoExist, 'EBUSY'],
    ['the other mode', 'eth1', xdpFlags.skbMode, 'EEXIST'],
    ['the other mode, where none is in it', 'eth1', xdpFlags.skbMode | xdpFlags.updateIfNoExist, 'EEXIST'],
    ['another than expected', 'eth1', xdpFlags.replace, 'EEXIST'],
  ])('is refused: %s', (_, dev, flags, errno) => {
    const bpf = stage.load('int xdp(struct xdp_md *ctx) { return XDP_PASS; }');
    bpf.attachXdp('eth1', 'xdp');
    expect(() => bpf.attachXdp(dev, 'xdp', flags)).toThrow(expect.objectContaining({ errno, constructor: BpfError }));
  });

  test('takes the place of another, whose link then runs nothing', () => {
    const bpf = stage.load(`
        int first(struct xdp_md *ctx) { return XDP_PASS; }
        int second(struct xdp_md *ctx) { return XDP_DROP; }`);
    const link = bpf.attachXdp('eth0', bpf.loadFunc('first', BPF.XDP));
    bpf.attachXdp('eth0', bpf.loadFunc('second', BPF.XDP));
    expect([stage.receive(udp()), link.info().hits]).toEqual(['dropped', 0]);
    link.close();
    expect(stage.receive(udp())).toBe('dropped');
    bpf.removeXdp('eth0');
    expect([stage.receive(udp()), stage.device('eth0')?.xdp]).toEqual(['passed', 0]);
  });

  test('sees a long packet whole behind the driver', () => {
    const bpf = stage.load(`
        BPF_ARRAY(seen, u32, 1);
        int xdp(struct xdp_md *ctx) {
          u32 key = 0, length = ctx->data_end - ctx->data;
          seen.update(&key, &length);
          return XDP_PASS;
        }`);
    bpf.attachXdp('eth3', 'xdp', BPF.XDP_FLAGS_SKB_MODE);
    stage.receive(udp('x'.repeat(8000), mac(5)), { device: jumbo });
    expect(bpf.table('seen').get(0)).toBe(8042);
  });

  test('what is too long for the other device, or no driver sends, is not redirected', () => {
    const told = stage.watch();
    const bpf = stage.load('int xdp(struct xdp_md *ctx) { return bpf_redirect(TO, 0); }', { defines: { TO: 3 } });
    bpf.attachXdp('eth3', 'xdp', BPF.XDP_FLAGS_SKB_MODE);
    const redirects = () => told().filter((line) => line.startsWith('xdp'));
    const send = (bytes: number) => stage.receive(udp('x'.repeat(bytes), mac(5)), { device: jumbo });
    // 42 bytes of headers; 1500 and 14 of Ethernet may go, and 4 for a tag.
    expect([send(1476), redirects()]).toEqual(['redirected', ['xdp_redirect 3']]);
    expect([send(1477), redirects()]).toEqual(['dropped', ['xdp_redirect_err -90']]);
    const toLoopback = stage.load('int xdp(struct xdp_md *ctx) { return bpf_redirect(1, 0); }');
    toLoopback.attachXdp('eth0', 'xdp');
    expect([stage.receive(udp()), redirects()]).toEqual(['dropped', ['xdp_redirect_err -95']]);
    toLoopback.removeXdp('eth0');
    toLoopback.attachXdp('eth0', 'xdp', BPF.XDP_FLAGS_SKB_MODE);
    expect([stage.receive(udp()), redirects()]).toEqual(['redirected', ['xdp_redirect 1']]);
  });

  test('a redirection tells the map that it went by, and where in it', () => {
    const bpf = stage.load(`
      BPF_ARRAY(seen, u32, 4);
      BPF_DEVMAP(ports, 4);
      static inline void keep(int key, u32 value) { seen.update(&key, &value); }
      TRACEPOINT_PROBE(xdp, xdp_redirect) { keep(0, args->map_id); keep(1, args->map_index); return 0; }
      TRACEPOINT_PROBE(xdp, xdp_redirect_err) { keep(2, args->map_id); return 0; }
      int xdp(struct xdp_md *ctx) { return ports.redirect_map(2, XDP_PASS); }
      int direct(struct xdp_md *ctx) { return bpf_redirect(3, 0); }
      int none(struct xdp_md *ctx) { return XDP_REDIRECT; }`);
    bpf.table('ports').set(2, eth1.ifindex);
    bpf.attachXdp('eth0', 'xdp');
    stage.receive(udp());
    const [mapId = 0, index] = numbers(bpf, 'seen');
    expect([mapId > 0, index]).toEqual([true, 2]);
    bpf.attachXdp('eth0', 'direct');
    stage.receive(udp());
    bpf.attachXdp('eth0', 'none');
    stage.receive(udp());
    expect(numbers(bpf, 'seen').slice(0, 3)).toEqual([0x7fff_ffff, 0, 0]);
  });
});
