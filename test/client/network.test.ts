import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fromHex } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import { BPF, BpfError, type BpfOptions, type PacketSocket } from '../../src/client/index.ts';
import { buildPacket, netDevice, type PacketEvent, type PacketSpec, sock } from '../../src/events/index.ts';
import { boot, type Machine, type PacketFate } from '../../src/sim/index.ts';
import { tcActions, xdpActions, xdpFlags } from '../../src/uapi/index.ts';
import type { Engine } from '../../src/vm/index.ts';
import { engines } from '../vm/engines.ts';

const mac = (last: number): string => `02:00:00:00:00:0${last}`;
const eth0 = netDevice('eth0', 2, { mac: mac(1) });
const eth1 = netDevice('eth1', 3, { mac: mac(3) });
const down = netDevice('eth2', 4, { mac: mac(4), up: false });
const jumbo = netDevice('eth3', 5, { mac: mac(5), mtu: 9000 });
const tun = netDevice('tun0', 6, { type: 65534 });
const va = netDevice('va', 7, { mac: mac(7), peer: 'vb' });
const vb = netDevice('vb', 8, { mac: mac(8), peer: 'va' });
const lo = netDevice('lo', 1, { type: 772, mtu: 65536 });
const devices = [eth0, eth1, down, jumbo, tun, va, vb];
const idle = { pid: 0, tgid: 0, comm: 'swapper/0', uid: 0, gid: 0 };
const curl = { pid: 43, tgid: 42, comm: 'curl', uid: 1000, gid: 0, cgroup: '/user.slice' };

const addresses = { source: '10.0.0.2', destination: '10.0.0.1' };
function packet(spec: PacketSpec, to = mac(1)): Uint8Array {
  return buildPacket({ ethernet: { source: mac(2), destination: to }, ...spec });
}
const udp = (payload = 'abcd', to?: string): Uint8Array =>
  packet({ ipv4: addresses, udp: { sourcePort: 53, destinationPort: 4000 }, payload }, to);
const tcp = packet({ ipv4: addresses, tcp: { sourcePort: 80, destinationPort: 4000 }, payload: 'GET /' });
const icmp = packet({ ipv4: addresses, icmp: { type: 8 }, payload: 'ping' });
const arp = packet({
  arp: { operation: 'request', senderMac: mac(2), senderAddress: '10.0.0.2', targetAddress: '10.0.0.1' },
});
const tagged = packet({
  vlans: [{ id: 5, priority: 3 }],
  ipv4: addresses,
  udp: { sourcePort: 53, destinationPort: 4000 },
});

/** Keeps what tracers are told: `REASON @ place` of drops, and the names of tracepoints in order. */
const watcher = `
struct told { u32 what; u32 value; u64 location; };
BPF_PERF_OUTPUT(told);
static inline int tell(void *ctx, u32 what, u32 value, u64 location) {
  struct told t = { what, value, location };
  told.perf_submit(ctx, &t, sizeof(t));
  return 0;
}
TRACEPOINT_PROBE(skb, kfree_skb) { return tell(args, 1, args->reason, (u64)args->location); }
TRACEPOINT_PROBE(xdp, xdp_exception) { return tell(args, 2, args->act, 0); }
TRACEPOINT_PROBE(xdp, xdp_redirect) { return tell(args, 3, args->to_ifindex, 0); }
TRACEPOINT_PROBE(xdp, xdp_redirect_err) { return tell(args, 4, args->err, 0); }
TRACEPOINT_PROBE(net, netif_receive_skb) { return tell(args, 5, args->len, 0); }
TRACEPOINT_PROBE(net, net_dev_queue) { return tell(args, 6, args->len, 0); }
TRACEPOINT_PROBE(net, net_dev_xmit) { return tell(args, 7, args->len, 0); }
TRACEPOINT_PROBE(net, netif_rx) { return tell(args, 8, args->len, 0); }
`;
/** The leaves of an array, in order. */
const numbers = (bpf: BPF, table: string): number[] => [...bpf.table(table).values()].map(Number);

const toldNames = [
  '',
  'kfree_skb',
  'xdp_exception',
  'xdp_redirect',
  'xdp_redirect_err',
  'receive',
  'queue',
  'xmit',
  'rx',
];

const [interpreter, jit] = engines as [Engine, Engine];
describe.each([
  { engine: interpreter, kernel: '6.18' },
  { engine: jit, kernel: '6.1' },
] as const)('programs on packets, on the $engine.name and kernel $kernel', ({ engine, kernel }) => {
  const profile = loadProfile(kernel);
  let machine: Machine;
  let objects: BPF[];
  beforeEach(() => {
    machine = boot({ profile, cpus: 2, engine, devices, memory: 32 << 20 });
    objects = [];
  });
  afterEach(() => {
    for (const bpf of objects) bpf.close();
    const { ledger } = machine;
    for (let cpu = 0; cpu < 2; cpu++) {
      const sum = ledger.delivered(cpu) + ledger.lost(cpu) + ledger.filtered(cpu);
      expect(ledger.produced(cpu), 'the ledger adds up').toBe(sum);
    }
    expect(machine.traps).toEqual([]);
    machine[Symbol.dispose]();
  });

  const load = (text: string, options: Partial<BpfOptions> = {}): BPF => {
    const bpf = new BPF(machine, { text, ...options });
    objects.push(bpf);
    return bpf;
  };
  const at = (direction: PacketEvent['direction'], data: Uint8Array, more: Partial<PacketEvent> = {}): PacketFate => {
    const event = { kind: 'packet', time: machine.clock() + 10, cpu: 0, task: idle, stack: [], device: eth0 } as const;
    machine.fire({ ...event, direction, data, ...more });
    return machine.packetFate;
  };
  const receive = (data: Uint8Array, more: Partial<PacketEvent> = {}): PacketFate => at('receive', data, more);
  const transmit = (data: Uint8Array, more: Partial<PacketEvent> = {}): PacketFate => at('transmit', data, more);
  const device = (name: string) => machine.devices().find((one) => one.name === name);
  const lengths = (socket: PacketSocket): number[] => [...socket.drain()].map(({ data }) => data.length);

  /** What tracers were told since, in order. */
  function watch(): () => string[] {
    const bpf = load(watcher);
    const lines: string[] = [];
    bpf.table('told').openPerfBuffer((_, data) => {
      const what = data.getUint32(0, true);
      const value = data.getUint32(4, true);
      const place = bpf.ksym(data.getBigUint64(8, true)).replace(/\+.*/, '');
      const drop = `${profile.dropReasonName(value)} @ ${place}`;
      lines.push(what === 1 ? drop : `${toldNames[what]} ${value | 0}`);
    });
    return () => {
      bpf.perfBufferPoll();
      return lines.splice(0);
    };
  }

  describe('XDP', () => {
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
      const told = watch();
      const bpf = load(`int xdp(struct xdp_md *ctx) { return ${answer}; }`);
      bpf.attachXdp('eth0', 'xdp');
      expect([receive(udp()), told()]).toEqual([fate, native]);
      bpf.removeXdp('eth0');
      bpf.attachXdp('eth0', 'xdp', BPF.XDP_FLAGS_SKB_MODE);
      expect([receive(udp()), told()]).toEqual([fate, generic]);
      expect(device('eth0')).toMatchObject({ received: 2, dropped: fate === 'dropped' ? 2 : 0 });
    });

    test('what it did to the packet is seen behind it', () => {
      const bpf = load(`
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
      expect(receive(udp())).toBe('passed');
      expect(numbers(bpf, 'seen')).toEqual([9, 0x1234, udp().length, 0x0008]);
      expect(socket.receive()).toMatchObject({ data: udp(), vlan: 9, protocol: 0x0800, packetType: 0 });
    });

    test('a map of devices sends to one, or to all but the one it came in by', () => {
      const bpf = load(`
          BPF_DEVMAP(ports, 4);
          int one(struct xdp_md *ctx) { return ports.redirect_map(1, XDP_PASS); }
          int all(struct xdp_md *ctx) {
            return ports.redirect_map(0, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
          }`);
      bpf.attachXdp('eth0', 'one');
      expect(receive(udp())).toBe('passed');
      const ports = bpf.table('ports');
      ports.set(1, eth1.ifindex);
      expect(() => ports.set(2, 77)).toThrow(/EINVAL/);
      expect(receive(udp())).toBe('redirected');
      expect(device('eth1')).toMatchObject({ sent: 1 });
      ports.set(0, eth0.ifindex);
      ports.set(3, va.ifindex);
      bpf.attachXdp('eth0', 'all');
      expect(receive(udp())).toBe('redirected');
      expect([device('eth0')?.sent, device('eth1')?.sent, device('va')?.sent]).toEqual([0, 2, 1]);
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
      ['another than expected', 'eth1', xdpFlags.replace, 'EEXIST'],
    ])('is refused: %s', (_, dev, flags, errno) => {
      const bpf = load('int xdp(struct xdp_md *ctx) { return XDP_PASS; }');
      bpf.attachXdp('eth1', 'xdp');
      expect(() => bpf.attachXdp(dev, 'xdp', flags)).toThrow(expect.objectContaining({ errno, constructor: BpfError }));
    });

    test('takes the place of another, whose link then runs nothing', () => {
      const bpf = load(`
          int first(struct xdp_md *ctx) { return XDP_PASS; }
          int second(struct xdp_md *ctx) { return XDP_DROP; }`);
      const link = bpf.attachXdp('eth0', bpf.loadFunc('first', BPF.XDP));
      bpf.attachXdp('eth0', bpf.loadFunc('second', BPF.XDP));
      expect([receive(udp()), link.info().hits]).toEqual(['dropped', 0]);
      link.close();
      expect(receive(udp())).toBe('dropped');
      bpf.removeXdp('eth0');
      expect([receive(udp()), device('eth0')?.xdp]).toEqual(['passed', 0]);
    });

    test('sees a long packet whole behind the driver', () => {
      const bpf = load(`
          BPF_ARRAY(seen, u32, 1);
          int xdp(struct xdp_md *ctx) {
            u32 key = 0, length = ctx->data_end - ctx->data;
            seen.update(&key, &length);
            return XDP_PASS;
          }`);
      bpf.attachXdp('eth3', 'xdp', BPF.XDP_FLAGS_SKB_MODE);
      receive(udp('x'.repeat(8000), mac(5)), { device: jumbo });
      expect(bpf.table('seen').get(0)).toBe(8042);
    });
  });

  describe('tc', () => {
    test.each([
      ['TC_ACT_OK', 'passed', [], 'sent'],
      ['TC_ACT_UNSPEC', 'passed', [], 'sent'],
      ['TC_ACT_PIPE', 'passed', [], 'sent'],
      ['TC_ACT_SHOT', 'dropped', ['TC_INGRESS @ __netif_receive_skb_core'], 'dropped'],
      ['TC_ACT_STOLEN', 'stolen', [], 'stolen'],
      ['TC_ACT_REDIRECT', 'dropped', ['NOT_SPECIFIED @ skb_do_redirect'], 'dropped'],
      ['bpf_redirect(99, 0)', 'dropped', ['NOT_SPECIFIED @ skb_do_redirect'], 'dropped'],
      ['bpf_redirect(3, 0)', 'redirected', [], 'redirected'],
    ] as const)('%s: the packet is %s', (answer, fate, drops, out) => {
      const told = watch();
      const bpf = load(`int cls(struct __sk_buff *skb) { return ${answer}; }`);
      bpf.attachTc('eth0', 'ingress', 'cls');
      bpf.attachTc('eth0', 'egress', 'cls');
      expect(receive(udp())).toBe(fate);
      const dropped = (lines: string[]) => lines.filter((line) => line.includes('@'));
      expect(dropped(told())).toEqual(drops);
      expect(transmit(udp())).toBe(out);
      expect(dropped(told())).toEqual(
        drops.map((line) => line.replace('TC_INGRESS @ __netif_receive_skb_core', 'TC_EGRESS @ __dev_queue_xmit')),
      );
    });

    test('without direct action the result is a class, and nothing happens', () => {
      const bpf = load('int cls(struct __sk_buff *skb) { return TC_ACT_SHOT; }');
      bpf.attachTc('eth0', 'ingress', 'cls', { directAction: false });
      expect(receive(udp())).toBe('passed');
    });

    test('classifiers run by priority, the newest of one first, until one decides', () => {
      const bpf = load(`
          BPF_ARRAY(order, u32, 8);
          static inline int note(struct __sk_buff *skb, u32 who) {
            int key = 0; u32 *count = order.lookup(&key);
            if (!count) return TC_ACT_SHOT;
            *count += 1;
            int next = *count;
            order.update(&next, &who);
            return who == 3 ? TC_ACT_OK : TC_ACT_UNSPEC;
          }
          int one(struct __sk_buff *skb) { return note(skb, 1); }
          int two(struct __sk_buff *skb) { return note(skb, 2); }
          int three(struct __sk_buff *skb) { return note(skb, 3); }
          int four(struct __sk_buff *skb) { return note(skb, 4); }`);
      bpf.attachTc('eth0', 'ingress', 'three', { priority: 20 });
      bpf.attachTc('eth0', 'ingress', 'one', { priority: 10 });
      bpf.attachTc('eth0', 'ingress', 'two', { priority: 10 });
      bpf.attachTc('eth0', 'ingress', 'four', { priority: 30 });
      receive(udp());
      expect(numbers(bpf, 'order').slice(0, 5)).toEqual([3, 2, 1, 3, 0]);
      expect(() => bpf.attachTc('eth0', 'ingress', 'one', { priority: 10, handle: 1 })).toThrow(/EEXIST/);
      expect(() => bpf.attachTc('eth0', 'ingress', 'one', { priority: 0 })).toThrow(/EINVAL/);
      expect(() => bpf.attachTc('eth9', 'ingress', 'one')).toThrow(/ENODEV.*|no network device/);
      bpf.detachTc('eth0', 'ingress', 'three');
      bpf.detachTc('eth0', 'ingress');
      expect(() => bpf.detachTc('eth0', 'ingress')).toThrow(/no classifier/);
    });

    test('sees on the way out who sends', () => {
      const bpf = load(`
          BPF_ARRAY(seen, u64, 6);
          static inline void keep(int key, u64 value) { seen.update(&key, &value); }
          int cls(struct __sk_buff *skb) {
            keep(0, bpf_get_socket_uid(skb));
            keep(1, bpf_get_socket_cookie(skb));
            keep(2, bpf_skb_cgroup_id(skb));
            keep(3, skb->mark);
            keep(4, skb->priority);
            keep(5, skb->len);
            return TC_ACT_OK;
          }`);
      bpf.attachTc('eth0', 'egress', 'cls');
      const sk = sock({
        protocol: 'udp',
        source: '10.0.0.1',
        sourcePort: 5,
        destination: '10.0.0.2',
        destinationPort: 53,
      });
      transmit(udp(), { sk, task: curl, mark: 7, priority: 3 });
      expect(numbers(bpf, 'seen')).toEqual([1000, 1, 2, 7, 3, udp().length]);
      transmit(udp());
      expect(numbers(bpf, 'seen').slice(0, 3)).toEqual([65534, 0, 0]);
    });

    test('a clone goes its own way, in or out', () => {
      const bpf = load(`
          int clone(struct __sk_buff *skb) {
            bpf_clone_redirect(skb, 3, 0);
            bpf_clone_redirect(skb, 3, BPF_F_INGRESS);
            return bpf_clone_redirect(skb, 99, 0) == -22 ? TC_ACT_SHOT : TC_ACT_OK;
          }
          BPF_ARRAY(seen, u32, 1);
          int count(struct __sk_buff *skb) { seen.increment(0); return TC_ACT_OK; }`);
      bpf.attachTc('eth0', 'ingress', 'clone');
      bpf.attachTc('eth1', 'ingress', 'count');
      bpf.attachTc('eth1', 'egress', 'count');
      expect(receive(udp())).toBe('dropped');
      expect([bpf.table('seen').get(0), device('eth1')]).toMatchObject([2, { sent: 1, received: 1 }]);
    });

    test('a packet that is sent round and round comes to rest', () => {
      const bpf = load('int again(struct __sk_buff *skb) { return bpf_redirect(skb->ifindex, BPF_F_INGRESS); }');
      const [link] = [bpf.attachTc('eth0', 'ingress', 'again')];
      expect(receive(udp())).toBe('redirected');
      expect(link.info().hits).toBe(301);
      const out = load('int out(struct __sk_buff *skb) { return bpf_redirect(3, 0); }');
      const sent = out.attachTc('eth1', 'egress', 'out');
      transmit(udp(), { device: eth1 });
      expect(sent.info().hits).toBe(10);
    });
  });

  describe('packet sockets', () => {
    test('take what the filter lets through, as long as it says', () => {
      const bpf = load(`
          int filter(struct __sk_buff *skb) {
            if (load_half(skb, 12) != 0x0800) return 0;
            u8 protocol = load_byte(skb, 23);
            return protocol == 17 ? 34 : protocol == 6 ? -1 : 0;
          }`);
      const socket = bpf.attachRawSocket('filter', 'eth0');
      for (const data of [udp(), tcp, icmp, arp]) expect(receive(data)).toBe('passed');
      receive(udp(), { device: eth1 });
      const packets = [...socket.drain()];
      expect(packets.map(({ data, length }) => [data.length, length])).toEqual([
        [34, udp().length],
        [tcp.length, tcp.length],
      ]);
      expect(packets[1]).toMatchObject({ data: tcp, ifindex: 2, protocol: 0x0800, packetType: 0, time: 20 });
      expect([socket.receive(), socket.statistics()]).toEqual([undefined, { packets: 2, drops: 0 }]);
    });

    test('members of packet headers are loaded through a cursor, and stored', () => {
      const bpf = load(`
          #include <bcc/proto.h>
          BPF_ARRAY(seen, u64, 16);
          static inline void keep(int key, u64 value) { seen.update(&key, &value); }
          int filter(struct __sk_buff *skb) {
            u8 *cursor = 0;
            struct ethernet_t *ethernet = cursor_advance(cursor, sizeof(*ethernet));
            keep(0, ethernet->dst); keep(1, ethernet->src); keep(2, ethernet->type);
            struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));
            keep(3, ip->ver); keep(4, ip->hlen); keep(5, ip->tlen); keep(6, ip->nextp); keep(7, ip->src);
            struct tcp_t *tcp = cursor_advance(cursor, sizeof(*tcp));
            keep(8, tcp->src_port); keep(9, tcp->offset); keep(10, tcp->flag_ack); keep(11, tcp->flag_syn);
            keep(12, tcp->seq_num); keep(13, ip->foffset); keep(14, ip->df);
            return -1;
          }
          int rewrite(struct __sk_buff *skb) {
            u8 *cursor = 0;
            struct ethernet_t *ethernet = cursor_advance(cursor, sizeof(*ethernet));
            struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));
            ip->ttl = 9;
            ip->hlen = 6;
            ethernet->src = 0x0a0b0c0d0e0full;
            return TC_ACT_OK;
          }`);
      const socket = bpf.attachRawSocket('filter', 'eth0');
      const segment = packet({
        ipv4: { ...addresses, dontFragment: true },
        tcp: { sourcePort: 80, destinationPort: 4000, sequence: 0x01020304, flags: 0x12 },
      });
      receive(segment);
      expect(numbers(bpf, 'seen')).toEqual([
        0x02_00_00_00_00_01, 0x02_00_00_00_00_02, 0x0800, 4, 5, 40, 6, 0x0a00_0002, 80, 5, 1, 1, 0x0102_0304, 0, 1, 0,
      ]);
      socket.close();
      bpf.attachTc('eth0', 'egress', 'rewrite');
      const out = bpf.openPacketSocket({ dev: 'eth0' });
      transmit(segment);
      const sent = out.read() as Uint8Array;
      expect([sent[14], sent[22], sent.subarray(6, 12)]).toEqual([0x46, 9, fromHex('0a0b0c0d0e0f')]);
    });

    test('a packet header wants a packet in the first parameter', () => {
      const text = `
        #include <bcc/proto.h>
        static inline int next(int which, struct ip_t *ip) { return ip->nextp; }
        int filter(struct __sk_buff *skb) { return next(1, (struct ip_t *)14); }`;
      expect(() => load(text).loadFunc('filter')).toThrow(
        /'next' reads a packet header, and its first parameter is no/,
      );
    });

    test('a field that is rewritten has its checksums follow', () => {
      const bpf = load(`
        #include <bcc/proto.h>
        int nat(struct __sk_buff *skb) {
          u8 *cursor = 0;
          struct ethernet_t *ethernet = cursor_advance(cursor, sizeof(*ethernet));
          struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));
          struct udp_t *udp = cursor_advance(cursor, sizeof(*udp));
          u32 before = ip->src, after = 0xc0000263;
          u16 port = udp->dport, other = 53;
          incr_cksum_l3(&ip->hchecksum, before, after);
          incr_cksum_l4(&udp->crc, before, after, 1);
          incr_cksum_l4(&udp->crc, port, other, 0);
          ip->src = after;
          udp->dport = other;
          return TC_ACT_OK;
        }`);
      bpf.attachTc('eth0', 'egress', 'nat');
      const socket = bpf.openPacketSocket({ dev: 'eth0' });
      transmit(udp('a payload'));
      const ipv4 = { ...addresses, source: '192.0.2.99' };
      const rewritten = packet({ ipv4, udp: { sourcePort: 53, destinationPort: 53 }, payload: 'a payload' });
      expect(socket.read()).toEqual(rewritten);
    });

    test('see a packet before tc on its way in and after it on its way out, by protocol after it', () => {
      const bpf = load(`
          int drop(struct __sk_buff *skb) { return TC_ACT_SHOT; }`);
      const all = bpf.openPacketSocket({ dev: 'eth0' });
      const everywhere = bpf.openPacketSocket();
      const ip = bpf.openPacketSocket({ dev: 'eth0', protocol: 0x0800 });
      const datagrams = bpf.openPacketSocket({ dev: 'eth0', type: 'datagram' });
      receive(udp());
      transmit(arp);
      expect([lengths(all), lengths(everywhere), lengths(ip), lengths(datagrams)]).toEqual([
        [46, 42],
        [46, 42],
        [46],
        [32, 28],
      ]);
      bpf.attachTc('eth0', 'ingress', 'drop');
      bpf.attachTc('eth0', 'egress', 'drop');
      receive(udp());
      transmit(arp);
      expect([lengths(all), lengths(ip)]).toEqual([[46], []]);
      receive(tagged);
      expect(all.receive()).toMatchObject({ vlan: 0x6005, length: tagged.length - 4 });
    });

    test('lose what finds their queue full', () => {
      const told = watch();
      const bpf = load('int all(struct __sk_buff *skb) { return -1; }');
      const socket = bpf.attachRawSocket('all', 'eth0');
      for (let index = 0; index < 300; index++) receive(udp('x'.repeat(900)));
      const { packets, drops } = socket.statistics();
      expect([packets, packets - drops]).toEqual([300, 93]);
      expect(told().filter((line) => line.includes('@'))).toEqual([]);
      transmit(udp());
      const reason = kernel === '6.18' ? 'PACKET_SOCK_ERROR' : 'NOT_SPECIFIED';
      expect(told().filter((line) => line.includes('@'))).toEqual([`${reason} @ packet_rcv`]);
      expect(lengths(socket)).toHaveLength(93);
      receive(udp());
      expect(lengths(socket)).toEqual([46]);
    });

    test('may change their filter, and are polled', () => {
      const bpf = load(`
          int none(struct __sk_buff *skb) { return 0; }
          int some(struct __sk_buff *skb) { return 20; }`);
      const socket = bpf.attachSocket('none', 'eth0');
      expect(bpf.fds).toEqual([]);
      const seen: number[] = [];
      socket.packets().subscribe(({ data }) => seen.push(data.length));
      expect(bpf.fds).toEqual([socket.fd]);
      receive(udp());
      expect(machine.poll(bpf.fds)).toEqual([]);
      bpf.attachSocket('some', socket);
      receive(udp());
      expect(machine.poll(bpf.fds)).toEqual([socket.fd]);
      expect([bpf.poll(), seen, machine.poll(bpf.fds)]).toEqual([1, [20], []]);
      expect(() => bpf.attachRawSocket('some', 'eth9')).toThrow(/there is no network device 'eth9'/);
    });
  });

  test('a program gives bytes of its packet with a record', () => {
    const bpf = load(`
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
    expect(receive(udp())).toBe('dropped');
    bpf.perfBufferPoll();
    expect(records.map((record) => record.subarray(0, 18))).toEqual([
      new Uint8Array([7, 0, 0, 0, ...udp().subarray(0, 14)]),
      new Uint8Array([46, 0, 0, 0, ...udp().subarray(0, 14)]),
    ]);
  });

  test('devices are joined: loopback with itself, a pair with its other end', () => {
    const bpf = load(`
        BPF_ARRAY(order, u32, 8);
        int count(struct __sk_buff *skb) { order.increment(skb->ifindex & 7); return TC_ACT_OK; }`);
    for (const name of ['lo', 'vb']) bpf.attachTc(name, 'ingress', 'count');
    bpf.attachTc('va', 'egress', 'count');
    expect(transmit(udp(), { device: va })).toBe('sent');
    expect(transmit(udp(), { device: lo })).toBe('sent');
    expect(numbers(bpf, 'order')).toEqual([1, 1, 0, 0, 0, 0, 0, 1]);
    expect([device('vb')?.received, device('lo')?.received]).toEqual([1, 1]);
    expect(transmit(udp(), { device: down })).toBe('dropped');
    expect(receive(udp(), { device: down })).toBe('dropped');
  });

  test('tracers are told of a packet from one end of a pair to the other', () => {
    const told = watch();
    transmit(udp(), { device: va });
    expect(told()).toEqual(['queue 46', 'rx 32', 'xmit 46', 'receive 32']);
    const bpf = load(`
      int pass(struct xdp_md *ctx) { return XDP_PASS; }
      int across(struct __sk_buff *skb) { return bpf_redirect(8, BPF_F_INGRESS); }
      BPF_ARRAY(seen, u32, 1);
      int cls(struct __sk_buff *skb) { seen.increment(0, skb->vlan_tci); return TC_ACT_OK; }`);
    const native = bpf.attachXdp('vb', 'pass');
    transmit(udp(), { device: va });
    expect([told(), native.info().hits]).toEqual([['queue 46', 'xmit 46', 'receive 32'], 1]);
    bpf.attachTc('eth0', 'ingress', 'across');
    bpf.attachTc('vb', 'ingress', 'cls');
    receive(tagged);
    expect(told()).toEqual(['receive 32', 'rx 28', 'receive 28']);
    expect([bpf.table('seen').get(0), native.info().hits]).toEqual([0x6005, 1]);
  });

  test('a packet goes on without its link header where there is none, and not where one is wanted', () => {
    const bpf = load(`
      int totun(struct __sk_buff *skb) { return bpf_redirect(6, 0); }
      int toeth(struct __sk_buff *skb) { return bpf_clone_redirect(skb, 2, 0) == -34 ? TC_ACT_SHOT : TC_ACT_OK; }`);
    bpf.attachTc('eth0', 'ingress', 'totun');
    bpf.attachTc('tun0', 'ingress', 'toeth');
    const socket = bpf.openPacketSocket({ dev: 'tun0' });
    receive(udp());
    expect(socket.read()).toEqual(udp().subarray(14));
    expect(receive(udp().subarray(14), { device: tun })).toBe('dropped');
  });

  test('a device without a link header has packets that begin with IP', () => {
    const bpf = load(`
        int filter(struct __sk_buff *skb) { return load_byte(skb, 9) == 17 ? -1 : 0; }
        int cls(struct __sk_buff *skb) { return skb->len == 32 && skb->protocol == htons(0x0800) ? TC_ACT_OK : TC_ACT_SHOT; }`);
    const socket = bpf.attachRawSocket('filter', 'tun0');
    bpf.attachTc('tun0', 'ingress', 'cls');
    expect(receive(udp().subarray(14), { device: tun })).toBe('passed');
    expect(lengths(socket)).toEqual([32]);
    expect(() => bpf.attachXdp('tun0', 'cls')).toThrow();
  });

  test('bytes that are no packet are refused, and devices that are not there', () => {
    expect(() => receive(new Uint8Array(13))).toThrow(/a packet of 13 bytes at eth0/);
    expect(() => receive(udp(), { device: netDevice('eth7', 7) })).toThrow(/no device eth7 with ifindex 7/);
  });
});

test('the verdicts are those of uapi', () => {
  expect([xdpActions.redirect, tcActions.shot]).toEqual([4, 2]);
});
