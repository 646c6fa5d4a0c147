import { describe, expect, test } from 'vitest';
import { fromHex } from '../../src/base/index.ts';
import {
  addresses,
  arp,
  eth1,
  icmp,
  lengths,
  NetworkStage,
  numbers,
  packet,
  stages,
  tagged,
  tcp,
  udp,
} from './network-stage.ts';

describe.each(stages)('packet sockets, on the $engine.name and kernel $kernel', (options) => {
  const stage = new NetworkStage(options);

  test('take what the filter lets through, as long as it says', () => {
    const bpf = stage.load(`
        int filter(struct __sk_buff *skb) {
          if (load_half(skb, 12) != 0x0800) return 0;
          u8 protocol = load_byte(skb, 23);
          return protocol == 17 ? 34 : protocol == 6 ? -1 : 0;
        }`);
    const socket = bpf.attachRawSocket('filter', 'eth0');
    for (const data of [udp(), tcp, icmp, arp]) expect(stage.receive(data)).toBe('passed');
    stage.receive(udp(), { device: eth1 });
    const packets = [...socket.drain()];
    expect(packets.map(({ data, length }) => [data.length, length])).toEqual([
      [34, udp().length],
      [tcp.length, tcp.length],
    ]);
    expect(packets[1]).toMatchObject({ data: tcp, ifindex: 2, protocol: 0x0800, packetType: 0, time: 20 });
    expect([socket.receive(), socket.statistics()]).toEqual([undefined, { packets: 2, drops: 0 }]);
  });

  test('members of packet headers are loaded through a cursor, and stored', () => {
    const bpf = stage.load(`
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
    stage.receive(segment);
    expect(numbers(bpf, 'seen')).toEqual([
      0x02_00_00_00_00_01, 0x02_00_00_00_00_02, 0x0800, 4, 5, 40, 6, 0x0a00_0002, 80, 5, 1, 1, 0x0102_0304, 0, 1, 0,
    ]);
    socket.close();
    bpf.attachTc('eth0', 'egress', 'rewrite');
    const out = bpf.openPacketSocket({ dev: 'eth0' });
    stage.transmit(segment);
    const sent = out.read() as Uint8Array;
    expect([sent[14], sent[22], sent.subarray(6, 12)]).toEqual([0x46, 9, fromHex('0a0b0c0d0e0f')]);
  });

  test('a packet header wants a packet in the first parameter', () => {
    const text = `
      #include <bcc/proto.h>
      static inline int next(int which, struct ip_t *ip) { return ip->nextp; }
      int filter(struct __sk_buff *skb) { return next(1, (struct ip_t *)14); }`;
    expect(() => stage.load(text).loadFunc('filter')).toThrow(
      /'next' reads a packet header, and its first parameter is no/,
    );
  });

  test('a field that is rewritten has its checksums follow', () => {
    const bpf = stage.load(`
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
    stage.transmit(udp('a payload'));
    const ipv4 = { ...addresses, source: '192.0.2.99' };
    const rewritten = packet({ ipv4, udp: { sourcePort: 53, destinationPort: 53 }, payload: 'a payload' });
    expect(socket.read()).toEqual(rewritten);
  });

  test('see a packet before tc on its way in and after it on its way out, by protocol after it', () => {
    const bpf = stage.load(`
        int drop(struct __sk_buff *skb) { return TC_ACT_SHOT; }`);
    const all = bpf.openPacketSocket({ dev: 'eth0' });
    const everywhere = bpf.openPacketSocket();
    const ip = bpf.openPacketSocket({ dev: 'eth0', protocol: 0x0800 });
    const datagrams = bpf.openPacketSocket({ dev: 'eth0', type: 'datagram' });
    stage.receive(udp());
    stage.transmit(arp);
    expect([lengths(all), lengths(everywhere), lengths(ip), lengths(datagrams)]).toEqual([
      [46, 42],
      [46, 42],
      [46],
      [32, 28],
    ]);
    bpf.attachTc('eth0', 'ingress', 'drop');
    bpf.attachTc('eth0', 'egress', 'drop');
    stage.receive(udp());
    stage.transmit(arp);
    expect([lengths(all), lengths(ip)]).toEqual([[46], []]);
    stage.receive(tagged);
    expect(all.receive()).toMatchObject({ vlan: 0x6005, length: tagged.length - 4 });
  });

  test('lose what finds their queue full', () => {
    const told = stage.watch();
    const bpf = stage.load('int all(struct __sk_buff *skb) { return -1; }');
    const socket = bpf.attachRawSocket('all', 'eth0');
    for (let index = 0; index < 300; index++) stage.receive(udp('x'.repeat(900)));
    const { packets, drops } = socket.statistics();
    expect([packets, packets - drops]).toEqual([300, 93]);
    expect(told().filter((line) => line.includes('@'))).toEqual([]);
    stage.transmit(udp());
    const reason = options.kernel === '6.18' ? 'PACKET_SOCK_ERROR' : 'NOT_SPECIFIED';
    expect(told().filter((line) => line.includes('@'))).toEqual([`${reason} @ packet_rcv`]);
    expect(lengths(socket)).toHaveLength(93);
    stage.receive(udp());
    expect(lengths(socket)).toEqual([46]);
  });

  test('may change their filter, and are polled', () => {
    const bpf = stage.load(`
        int none(struct __sk_buff *skb) { return 0; }
        int some(struct __sk_buff *skb) { return 20; }`);
    const socket = bpf.attachSocket('none', 'eth0');
    expect(bpf.fds).toEqual([]);
    const seen: number[] = [];
    socket.packets().subscribe(({ data }) => seen.push(data.length));
    expect(bpf.fds).toEqual([socket.fd]);
    stage.receive(udp());
    expect(stage.machine.poll(bpf.fds)).toEqual([]);
    bpf.attachSocket('some', socket);
    stage.receive(udp());
    expect(stage.machine.poll(bpf.fds)).toEqual([socket.fd]);
    expect([bpf.poll(), seen, stage.machine.poll(bpf.fds)]).toEqual([1, [20], []]);
    socket.close();
    expect([bpf.fds, socket.receive(), bpf.poll()]).toEqual([[], undefined, 0]);
    expect(() => bpf.attachRawSocket('some', 'eth9')).toThrow(/there is no network device 'eth9'/);
  });

  test('take packets until their buffer is full, and the one that fills it whole', () => {
    const bpf = stage.load('int all(struct __sk_buff *skb) { return -1; }');
    const socket = bpf.attachRawSocket('all', 'eth0');
    // Each counts 65,536 and 256 bytes of the 212,992 that there are: three leave room, so a fourth is taken.
    const sent = Array.from({ length: 5 }, (_, index) => udp(String(index).repeat(65_152 - 42)));
    for (const data of sent) stage.receive(data);
    expect(socket.statistics()).toEqual({ packets: 5, drops: 1 });
    expect([...socket.drain()].map(({ data }) => data)).toEqual(sent.slice(0, 4));
  });

  test('a filter begins with a control block of zeros, whatever a classifier left in it', () => {
    const bpf = stage.load(`
      int mark(struct __sk_buff *skb) { skb->cb[0] = 7; return TC_ACT_OK; }
      int filter(struct __sk_buff *skb) { return skb->cb[0] == 0 ? -1 : 0; }`);
    bpf.attachTc('eth0', 'egress', 'mark');
    const socket = bpf.attachRawSocket('filter', 'eth0');
    stage.transmit(udp());
    expect(lengths(socket)).toEqual([46]);
  });
});
