import { describe, expect, test } from 'vitest';
import { netDevice } from '../../src/events/index.ts';
import { down, eth0, lengths, lo, mac, NetworkStage, numbers, stages, tagged, tun, udp, va } from './network-stage.ts';

describe.each(stages)('packets at devices, on the $engine.name and kernel $kernel', (options) => {
  const stage = new NetworkStage(options);

  test('a program gives bytes of its packet with a record', () => {
    const bpf = stage.load(`
        struct head { u32 length; };
        BPF_PERF_OUTPUT(events);
        int cls(struct __sk_buff *skb) {
          struct head head = { skb->len };
          events.perf_submit_skb(skb, 20, &head, sizeof(head));
          return events.perf_submit_skb(skb, 60000, &head, sizeof(head)) == -14 ? TC_ACT_SHOT : TC_ACT_OK;
        }
        int xdp(struct xdp_md *ctx) {
          struct head head = { 7 };
          events.perf_submit_skb(ctx, 14, &head, sizeof(head));
          return XDP_PASS;
        }`);
    const records: Uint8Array[] = [];
    bpf
      .table('events')
      .openPerfBuffer((_, data) => records.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()));
    bpf.attachXdp('eth0', 'xdp');
    bpf.attachTc('eth0', 'ingress', 'cls');
    expect(stage.receive(udp())).toBe('dropped');
    bpf.perfBufferPoll();
    expect(records.map((record) => record.subarray(0, 18))).toEqual([
      new Uint8Array([7, 0, 0, 0, ...udp().subarray(0, 14)]),
      new Uint8Array([46, 0, 0, 0, ...udp().subarray(0, 14)]),
    ]);
  });

  test('devices are joined: loopback with itself, a pair with its other end', () => {
    const bpf = stage.load(`
        BPF_ARRAY(order, u32, 8);
        int count(struct __sk_buff *skb) { order.increment(skb->ifindex & 7); return TC_ACT_OK; }`);
    for (const name of ['lo', 'vb']) bpf.attachTc(name, 'ingress', 'count');
    bpf.attachTc('va', 'egress', 'count');
    expect(stage.transmit(udp(), { device: va })).toBe('sent');
    expect(stage.transmit(udp(), { device: lo })).toBe('sent');
    expect(numbers(bpf, 'order')).toEqual([1, 1, 0, 0, 0, 0, 0, 1]);
    expect([stage.device('vb')?.received, stage.device('lo')?.received]).toEqual([1, 1]);
    expect(stage.transmit(udp(), { device: down })).toBe('dropped');
    expect(stage.receive(udp(), { device: down })).toBe('dropped');
  });

  test('tracers are told of a packet from one end of a pair to the other', () => {
    const told = stage.watch();
    stage.transmit(udp(), { device: va });
    expect(told()).toEqual(['queue 46', 'rx 32', 'xmit 46', 'receive 32']);
    const bpf = stage.load(`
      int pass(struct xdp_md *ctx) { return XDP_PASS; }
      int across(struct __sk_buff *skb) { return bpf_redirect(8, BPF_F_INGRESS); }
      BPF_ARRAY(seen, u32, 1);
      int cls(struct __sk_buff *skb) { seen.increment(0, skb->vlan_tci); return TC_ACT_OK; }`);
    const native = bpf.attachXdp('vb', 'pass');
    stage.transmit(udp(), { device: va });
    expect([told(), native.info().hits]).toEqual([['queue 46', 'xmit 46', 'receive 32'], 1]);
    bpf.attachTc('eth0', 'ingress', 'across');
    bpf.attachTc('vb', 'ingress', 'cls');
    stage.receive(tagged);
    expect(told()).toEqual(['receive 32', 'rx 28', 'receive 28']);
    expect([bpf.table('seen').get(0), native.info().hits]).toEqual([0x6005, 1]);
  });

  test('a packet goes on without its link header where there is none, and not where one is wanted', () => {
    const bpf = stage.load(`
      int totun(struct __sk_buff *skb) { return bpf_redirect(6, 0); }
      int toeth(struct __sk_buff *skb) { return bpf_clone_redirect(skb, 2, 0) == -34 ? TC_ACT_SHOT : TC_ACT_OK; }`);
    bpf.attachTc('eth0', 'ingress', 'totun');
    bpf.attachTc('tun0', 'ingress', 'toeth');
    const socket = bpf.openPacketSocket({ dev: 'tun0' });
    stage.receive(udp());
    expect(socket.read()).toEqual(udp().subarray(14));
    expect(stage.receive(udp().subarray(14), { device: tun })).toBe('dropped');
  });

  test.each([
    ['eth0', mac(1), 0],
    ['eth0', 'ff:ff:ff:ff:ff:ff', 1],
    ['eth0', '01:00:5e:00:00:01', 2],
    ['eth0', mac(9), 3],
    ['lo', '00:00:00:00:00:00', 0],
    ['lo', 'ff:ff:ff:ff:ff:ff', 2],
  ])('at %s a frame to %s is of type %d', (name, to, type) => {
    const bpf = stage.load(
      'int cls(struct __sk_buff *skb) { return skb->pkt_type == KIND ? TC_ACT_SHOT : TC_ACT_OK; }',
      {
        defines: { KIND: type },
      },
    );
    bpf.attachTc(name, 'ingress', 'cls');
    expect(stage.receive(udp('a', to), { device: name === 'lo' ? lo : eth0 })).toBe('dropped');
  });

  test('a device without a link header has packets that begin with IP', () => {
    const bpf = stage.load(`
        int filter(struct __sk_buff *skb) { return load_byte(skb, 9) == 17 ? -1 : 0; }
        int cls(struct __sk_buff *skb) { return skb->len == 32 && skb->protocol == htons(0x0800) ? TC_ACT_OK : TC_ACT_SHOT; }`);
    const socket = bpf.attachRawSocket('filter', 'tun0');
    bpf.attachTc('tun0', 'ingress', 'cls');
    expect(stage.receive(udp().subarray(14), { device: tun })).toBe('passed');
    expect(lengths(socket)).toEqual([32]);
    expect(() => bpf.attachXdp('tun0', 'cls')).toThrow();
  });

  test('bytes that are no packet are refused, and devices that are not there', () => {
    expect(() => stage.receive(new Uint8Array(13))).toThrow(/a packet of 13 bytes at eth0/);
    expect(() => stage.receive(udp(), { device: netDevice('eth7', 7) })).toThrow(/no device eth7 with ifindex 7/);
  });

  test('a tracer is shown each packet as it is then: where another lay, and with its tag in it or beside it', () => {
    const bpf = stage.load(`
      BPF_PERF_OUTPUT(told);
      static inline int tell(void *ctx, struct sk_buff *skb) {
        u32 seen[2] = { skb->mark, skb->len };
        told.perf_submit(ctx, &seen, sizeof(seen));
        return 0;
      }
      TRACEPOINT_PROBE(net, net_dev_queue) { return tell(args, (struct sk_buff *)args->skbaddr); }
      TRACEPOINT_PROBE(net, net_dev_xmit) { return tell(args, (struct sk_buff *)args->skbaddr); }
      TRACEPOINT_PROBE(net, netif_receive_skb) { return tell(args, (struct sk_buff *)args->skbaddr); }
      TRACEPOINT_PROBE(skb, kfree_skb) { return tell(args, (struct sk_buff *)args->skbaddr); }
      int tag(struct __sk_buff *skb) { bpf_skb_vlan_push(skb, htons(0x8100), 5); return TC_ACT_OK; }
      int drop(struct __sk_buff *skb) { return TC_ACT_SHOT; }`);
    const seen: [mark: number, length: number][] = [];
    bpf.table('told').openPerfBuffer((_, data) => seen.push([data.getUint32(0, true), data.getUint32(4, true)]));
    const told = () => {
      bpf.poll();
      return seen.splice(0);
    };
    stage.transmit(udp('a'), { mark: 1 });
    stage.transmit(udp('abc'), { mark: 2 });
    stage.receive(udp('abcde'), { mark: 3 });
    // In bytes: 42 of headers and the payload; a tracer of what comes in sees it without the 14 of Ethernet.
    expect(told()).toEqual([
      [1, 43],
      [1, 43],
      [2, 45],
      [2, 45],
      [3, 33],
    ]);
    bpf.attachTc('eth0', 'egress', 'tag');
    bpf.attachTc('eth0', 'ingress', 'drop');
    stage.transmit(udp('a'), { mark: 4 });
    stage.receive(tagged, { mark: 5 });
    expect(told()).toEqual([
      [4, 43],
      [4, 47],
      [5, 32],
      [5, 28],
    ]);
  });

  test('a packet keeps its address from end to end, and a tracer finds its device and its place in the bytes there', () => {
    const bpf = stage.load(`
      struct seen { u64 address; u32 length; u32 offset; u32 ifindex; u32 mark; };
      BPF_PERF_OUTPUT(told);
      static inline int tell(void *ctx, struct sk_buff *skb) {
        struct seen seen = { (u64)skb, skb->len, skb->data - skb->head - skb->mac_header, skb->dev->ifindex, skb->mark };
        told.perf_submit(ctx, &seen, sizeof(seen));
        return 0;
      }
      TRACEPOINT_PROBE(net, net_dev_queue) { return tell(args, (struct sk_buff *)args->skbaddr); }
      TRACEPOINT_PROBE(net, netif_rx) { return tell(args, (struct sk_buff *)args->skbaddr); }
      TRACEPOINT_PROBE(net, netif_receive_skb) { return tell(args, (struct sk_buff *)args->skbaddr); }
      TRACEPOINT_PROBE(skb, kfree_skb) { return tell(args, (struct sk_buff *)args->skbaddr); }
      int mark(struct __sk_buff *skb) { skb->mark = 7; return TC_ACT_OK; }
      int drop(struct __sk_buff *skb) { skb->mark = 8; return TC_ACT_SHOT; }`);
    bpf.attachTc('va', 'egress', 'mark');
    bpf.attachTc('vb', 'ingress', 'drop');
    const addresses = new Set<bigint>();
    const seen: number[][] = [];
    bpf.table('told').openPerfBuffer((_, data) => {
      addresses.add(data.getBigUint64(0, true));
      seen.push([8, 12, 16, 20].map((at) => data.getUint32(at, true)));
    });
    stage.transmit(udp(), { device: va });
    bpf.poll();
    expect(seen).toEqual([
      [46, 0, va.ifindex, 7],
      [32, 14, 8, 7],
      [32, 14, 8, 7],
      [32, 14, 8, 8],
    ]);
    expect(addresses.size).toBe(1);
    stage.transmit(udp(), { device: va });
    bpf.poll();
    expect(addresses.size, 'of two packets').toBe(2);
  });
});
