import { buildPacket } from '../../../src/events/index.ts';
import {
  call,
  field,
  type HelperCase,
  meta,
  reads,
  skb,
  type Value,
  writes,
  xdp,
  xdpFragments,
} from './helper-program.ts';

/**
 * What packet helpers are asked, as data; longer than other files as it is a table. What Linux 6.18 made of each case
 * stands in fixtures/packet-helpers.json, and both engines are held to it.
 */
const macs = { source: '02:00:00:00:00:01', destination: '02:00:00:00:00:02' };
const ip4 = { source: '10.0.0.1', destination: '10.0.0.2' };
const ip6 = { source: '2001:db8::1', destination: '2001:db8::2' };
const packets = {
  udp4: buildPacket({ ethernet: macs, ipv4: ip4, udp: { sourcePort: 53, destinationPort: 4660 }, payload: 'abcdefgh' }),
  ect4: buildPacket({ ethernet: macs, ipv4: { ...ip4, tos: 1 }, udp: { sourcePort: 1, destinationPort: 2 } }),
  tcp6: buildPacket({ ethernet: macs, ipv6: ip6, tcp: { sourcePort: 443, destinationPort: 5000 }, payload: 'hello' }),
  ect6: buildPacket({ ethernet: macs, ipv6: { ...ip6, trafficClass: 2 }, udp: { sourcePort: 1, destinationPort: 2 } }),
  vlan: buildPacket({
    ethernet: macs,
    vlans: [{ id: 5, priority: 3 }],
    ipv4: ip4,
    udp: { sourcePort: 1, destinationPort: 2 },
  }),
  qinq: buildPacket({
    ethernet: macs,
    vlans: [{ id: 7 }, { id: 5 }],
    ipv4: ip4,
    udp: { sourcePort: 1, destinationPort: 2 },
  }),
  arp: buildPacket({
    ethernet: macs,
    arp: { operation: 'request', senderMac: macs.source, senderAddress: ip4.source, targetAddress: ip4.destination },
  }),
} as const;
const { udp4, ect4, tcp6, ect6, vlan, qinq, arp } = packets;
const long = (bytes: number): Uint8Array => {
  const data = new Uint8Array(bytes);
  data.set(udp4);
  return data;
};

const loads: readonly HelperCase[] = [
  skb('load bytes', udp4, [
    call('skb_load_bytes', 'context', 0, writes(8), 8),
    call('skb_load_bytes', 'context', 42, writes(8), 8),
    call('skb_load_bytes', 'context', 43, writes(8), 8),
    call('skb_load_bytes', 'context', 0x7fff_ffff, writes(8), 4),
    call('skb_load_bytes', 'context', -1, writes(8), 4),
    call('skb_load_bytes', 'context', 50, writes(8), 1),
  ]),
  skb(
    'load bytes of a socket filter',
    udp4,
    [call('skb_load_bytes', 'context', 0, writes(8), 8), call('skb_load_bytes', 'context', 29, writes(8), 8)],
    'socket_filter',
  ),
  skb(
    'load bytes from a header',
    udp4,
    [
      call('skb_load_bytes_relative', 'context', 0, writes(8), 6, 0),
      call('skb_load_bytes_relative', 'context', 0, writes(8), 8, 1),
      call('skb_load_bytes_relative', 'context', 35, writes(8), 1, 1),
      call('skb_load_bytes_relative', 'context', 36, writes(8), 1, 1),
      call('skb_load_bytes_relative', 'context', 0x1_0000, writes(8), 1, 1),
      call('skb_load_bytes_relative', 'context', 0, writes(8), 1, 2),
    ],
    'socket_filter',
  ),
  skb('store bytes', udp4, [
    call('skb_store_bytes', 'context', 0, reads(1, 2, 3, 4, 5, 6), 6, 0),
    call('skb_store_bytes', 'context', 49, reads(9), 1, 1),
    call('skb_store_bytes', 'context', 48, reads(8, 7, 6), 3, 0),
    call('skb_store_bytes', 'context', 20, reads(8), 1, 4),
    call('skb_store_bytes', 'context', -1, reads(8), 1, 0),
    call('skb_store_bytes', 'context', 30, reads(10, 20, 30, 40), 4, 3),
    { byte: 30 },
  ]),
  skb('pull data', udp4, [
    call('skb_pull_data', 'context', 0),
    call('skb_pull_data', 'context', 20),
    call('skb_pull_data', 'context', 50),
    call('skb_pull_data', 'context', 51),
    { byte: 14 },
  ]),
];

const lengths: readonly HelperCase[] = [
  skb('change tail down', udp4, [call('skb_change_tail', 'context', 40, 0), field('len'), { byte: 39 }]),
  skb('change tail up', udp4, [call('skb_change_tail', 'context', 80, 0), field('len'), { byte: 79 }]),
  skb('change tail to what cannot be', udp4, [
    call('skb_change_tail', 'context', 13, 0),
    call('skb_change_tail', 'context', 14, 0),
    call('skb_change_tail', 'context', 16_065, 0),
    call('skb_change_tail', 'context', 40, 1),
    field('len'),
  ]),
  skb('change tail to the longest', udp4, [call('skb_change_tail', 'context', 16_064, 0), field('len')]),
  skb('change head', udp4, [call('skb_change_head', 'context', 14, 0), field('len'), { byte: 20 }, field('protocol')]),
  skb('change head by nothing, and too far', udp4, [
    call('skb_change_head', 'context', 0, 0),
    call('skb_change_head', 'context', 16_015, 0),
    call('skb_change_head', 'context', -1, 0),
    call('skb_change_head', 'context', 4, 1),
    field('len'),
  ]),
  skb('change head twice, then back by the tail', udp4, [
    call('skb_change_head', 'context', 1000, 0),
    call('skb_change_head', 'context', 1000, 0),
    { byte: 2020 },
    call('skb_change_tail', 'context', 2016, 0),
    field('len'),
  ]),
  skb('change head far', udp4, [call('skb_change_head', 'context', 15_000, 0), field('len')]),
  skb('change proto 4 to 6', udp4, [
    call('skb_change_proto', 'context', 0xdd86, 0),
    field('len'),
    field('protocol'),
    { byte: 60 },
  ]),
  skb('change proto 6 to 4', tcp6, [call('skb_change_proto', 'context', 0x0008, 0), field('len'), field('protocol')]),
  skb('change proto to what cannot be', udp4, [
    call('skb_change_proto', 'context', 0x0008, 0),
    call('skb_change_proto', 'context', 0x0081, 0),
    call('skb_change_proto', 'context', 0xdd86, 1),
  ]),
  skb('change type', udp4, [
    call('skb_change_type', 'context', 0),
    field('pkt_type'),
    call('skb_change_type', 'context', 3),
    call('skb_change_type', 'context', 4),
    field('pkt_type'),
  ]),
];

const rooms: readonly HelperCase[] = [
  ...[0, 1].flatMap((mode) =>
    [udp4, tcp6].flatMap((data) => [
      skb(`room of 20 at ${mode} in ${data.length} bytes`, data, [
        call('skb_adjust_room', 'context', 20, mode, 0),
        field('len'),
        { byte: 40 },
      ]),
      skb(`room of -4 at ${mode} in ${data.length} bytes`, data, [
        call('skb_adjust_room', 'context', -4, mode, 0),
        field('len'),
        { byte: 30 },
      ]),
    ]),
  ),
  skb('room refused', udp4, [
    call('skb_adjust_room', 'context', 4096, 0, 0),
    call('skb_adjust_room', 'context', 4, 2, 0),
    call('skb_adjust_room', 'context', 4, 0, 0x200),
    call('skb_adjust_room', 'context', -17, 0, 0),
    call('skb_adjust_room', 'context', -36, 0, 0),
    call('skb_adjust_room', 'context', 4, 0, 0x80),
    call('skb_adjust_room', 'context', -4, 0, 0x180),
    call('skb_adjust_room', 'context', -4, 0, 0x40),
    field('len'),
  ]),
  skb('room in what is no IP', arp, [call('skb_adjust_room', 'context', 4, 0, 0)]),
  skb('encapsulation by IPv4', tcp6, [
    call('skb_adjust_room', 'context', 20, 1, 2),
    field('protocol'),
    call('skb_adjust_room', 'context', 20, 1, 2),
    call('skb_change_tail', 'context', 60, 0),
    field('len'),
  ]),
  skb('encapsulation by IPv6 with an inner Ethernet header', udp4, [
    call('skb_adjust_room', 'context', 70, 1, 0x0e00_0000_0000_0054n),
    field('protocol'),
    field('len'),
  ]),
  skb('encapsulation refused', udp4, [
    call('skb_adjust_room', 'context', 20, 1, 6),
    call('skb_adjust_room', 'context', 20, 1, 26),
    call('skb_adjust_room', 'context', 20, 1, 0x0d00_0000_0000_0042n),
    call('skb_adjust_room', 'context', 10, 1, 0x0e00_0000_0000_0042n),
    field('len'),
  ]),
  skb('decapsulation to IPv4', tcp6, [
    call('skb_adjust_room', 'context', -40, 1, 0x80),
    field('protocol'),
    field('len'),
  ]),
  skb('decapsulation leaves too little', udp4, [
    call('skb_adjust_room', 'context', -4, 1, 0x100),
    call('skb_adjust_room', 'context', -17, 1, 0x80),
    call('skb_adjust_room', 'context', -16, 1, 0x80),
    field('len'),
  ]),
];

const tags: readonly HelperCase[] = [
  skb('vlan push', udp4, [
    call('skb_vlan_push', 'context', 0x0081, 5),
    field('vlan_present'),
    field('vlan_tci'),
    field('vlan_proto'),
    field('len'),
    field('protocol'),
  ]),
  skb('vlan push twice, of no known protocol', udp4, [
    call('skb_vlan_push', 'context', 0x1234, 5),
    call('skb_vlan_push', 'context', 0xa888, 0x6007),
    field('vlan_tci'),
    field('vlan_proto'),
    field('len'),
    field('protocol'),
    { byte: 12 },
    call('skb_load_bytes_relative', 'context', 0, writes(8), 8, 1),
  ]),
  skb('vlan pop of none', udp4, [call('skb_vlan_pop', 'context'), field('len')]),
  skb('vlan pop of one in the packet', vlan, [
    call('skb_vlan_pop', 'context'),
    field('len'),
    field('protocol'),
    field('vlan_present'),
    call('skb_vlan_pop', 'context'),
  ]),
  skb('vlan pop of two', qinq, [
    call('skb_vlan_pop', 'context'),
    field('vlan_tci'),
    field('vlan_proto'),
    field('len'),
    field('protocol'),
    call('skb_vlan_pop', 'context'),
    field('vlan_present'),
    field('len'),
  ]),
  skb('vlan pushed and popped', udp4, [
    call('skb_vlan_push', 'context', 0x0081, 5),
    call('skb_vlan_push', 'context', 0x0081, 6),
    call('skb_vlan_pop', 'context'),
    field('vlan_tci'),
    call('skb_vlan_pop', 'context'),
    field('vlan_present'),
    field('len'),
    field('protocol'),
  ]),
];

const sums: readonly HelperCase[] = [
  skb('csum diff', udp4, [
    call('csum_diff', reads(1, 2, 3, 4), 4, reads(9, 8, 7, 6), 4, 0),
    call('csum_diff', 0, 0, reads(9, 8, 7, 6), 4, 0),
    call('csum_diff', reads(1, 2, 3, 4), 4, 0, 0, 0),
    call('csum_diff', reads(1, 2, 3, 4, 5, 6, 7, 8), 8, reads(9, 8, 7, 6), 4, 0x1234_5678),
    call('csum_diff', 0, 0, reads(0, 0, 0, 0), 4, 0),
    call('csum_diff', reads(0, 0, 0, 0), 4, reads(0, 0, 0, 0), 4, 0),
    call('csum_diff', reads(255, 255, 255, 255), 4, 0, 0, 0),
    call('csum_diff', 0, 0, 0, 0, 0xffff_fffe),
    call('csum_diff', reads(1, 2, 3, 4), 4, reads(1, 2, 3, 4), 4, 0),
  ]),
  skb('l3 checksum', udp4, [
    call('l3_csum_replace', 'context', 24, 0x0100_000a, 0x0500_000a, 4),
    call('l3_csum_replace', 'context', 24, 0x4011, 0x3f11, 2),
    call('l3_csum_replace', 'context', 24, 0, 0x1234, 0),
    call('l3_csum_replace', 'context', 24, 1, 0x1234, 0),
    call('l3_csum_replace', 'context', 24, 1, 2, 3),
    call('l3_csum_replace', 'context', 24, 1, 2, 0x14),
    call('l3_csum_replace', 'context', 23, 1, 2, 2),
    call('l3_csum_replace', 'context', 49, 1, 2, 2),
    call('l3_csum_replace', 'context', 0x1_0000, 1, 2, 2),
    call('l3_csum_replace', 'context', 50, 1, 2, 2),
  ]),
  skb('l4 checksum', udp4, [
    call('l4_csum_replace', 'context', 40, 0x0100_000a, 0x0500_000a, 0x14),
    call('l4_csum_replace', 'context', 40, 0x3500, 0x3600, 2),
    call('l4_csum_replace', 'context', 40, 0, 0x1234, 0x30),
    call('l4_csum_replace', 'context', 40, 1, 0x1234, 0),
    call('l4_csum_replace', 'context', 40, 1, 2, 0x100),
    call('l4_csum_replace', 'context', 41, 1, 2, 2),
    call('l4_csum_replace', 'context', 40, 1, 2, 0x92),
  ]),
  skb('l4 checksum of none', udp4, [
    call('skb_store_bytes', 'context', 40, reads(0, 0), 2, 0),
    call('l4_csum_replace', 'context', 40, 1, 2, 0x22),
    { byte: 40 },
    call('l4_csum_replace', 'context', 40, 0, 0xffff, 0x60),
    { byte: 40 },
    call('l4_csum_replace', 'context', 40, 0, 0, 0x20),
    { byte: 41 },
  ]),
  skb('checksum update and level', udp4, [
    call('csum_update', 'context', 5),
    call('csum_level', 'context', 0),
    call('csum_level', 'context', 1),
    call('csum_level', 'context', 0),
    call('csum_level', 'context', 1),
    call('csum_level', 'context', 0),
    call('csum_level', 'context', 2),
    call('csum_level', 'context', 2),
    call('csum_level', 'context', 0),
    call('csum_level', 'context', 3),
    call('csum_level', 'context', 4),
  ]),
  skb('checksum level reset by room', udp4, [
    call('csum_level', 'context', 1),
    call('skb_adjust_room', 'context', 4, 0, 0x20),
    call('csum_level', 'context', 0),
    call('skb_adjust_room', 'context', 4, 0, 0),
    call('csum_level', 'context', 0),
  ]),
  ...Object.entries({ udp4, ect4, tcp6, ect6, arp }).flatMap(([name, data]) => [
    skb(`congestion of ${name}`, data, [call('skb_ecn_set_ce', 'context'), call('skb_ecn_set_ce', 'context')]),
  ]),
];

const facts: readonly HelperCase[] = [
  skb('hash', udp4, [
    field('hash'),
    call('set_hash', 'context', 0x1234_5678),
    field('hash'),
    call('get_hash_recalc', 'context'),
    call('set_hash_invalid', 'context'),
    field('hash'),
    call('set_hash', 'context', 0xffff_ffff),
    call('get_hash_recalc', 'context'),
    call('skb_store_bytes', 'context', 0, reads(1), 1, 2),
    field('hash'),
  ]),
  skb('who sends it', udp4, [
    call('get_socket_uid', 'context'),
    call('get_route_realm', 'context'),
    call('get_cgroup_classid', 'context'),
  ]),
  skb('timestamp', udp4, [
    call('skb_set_tstamp', 'context', 1000, 1),
    field('tstamp'),
    call('skb_set_tstamp', 'context', 0, 1),
    call('skb_set_tstamp', 'context', 0, 0),
    call('skb_set_tstamp', 'context', 5, 7),
    field('tstamp'),
  ]),
  skb('timestamp of what is no IP', arp, [call('skb_set_tstamp', 'context', 1000, 1)]),
  skb('redirect', udp4, [
    call('redirect', 1, 0),
    call('redirect', 99, 1),
    call('redirect', 1, 2),
    call('redirect', 1, 0x1_0000_0000n),
    call('redirect_peer', 1, 0),
    call('redirect_peer', 1, 1),
    call('clone_redirect', 'context', 9999, 0),
    call('clone_redirect', 'context', 1, 2),
  ]),
];

const frames: readonly HelperCase[] = [
  xdp('redirect of XDP', udp4, [call('redirect', 1, 0), call('redirect', 1, 1), call('redirect', 99, 0)]),
  xdp('adjust head', udp4, [
    call('xdp_adjust_head', 'context', -20),
    call('xdp_get_buff_len', 'context'),
    call(
      'xdp_store_bytes',
      'context',
      0,
      reads(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20),
      20,
    ),
    { byte: 19 },
  ]),
  xdp('adjust head to both ends', udp4, [
    call('xdp_adjust_head', 'context', 36),
    call('xdp_adjust_head', 'context', 1),
    call('xdp_adjust_head', 'context', -252),
    call('xdp_adjust_head', 'context', -1),
    call('xdp_adjust_head', 'context', 252),
    { byte: 0 },
  ]),
  xdp('adjust head too far', udp4, [
    call('xdp_adjust_head', 'context', -217),
    call('xdp_adjust_head', 'context', -216),
    call('xdp_adjust_head', 'context', 216),
    call('xdp_adjust_head', 'context', 37),
  ]),
  xdp('adjust tail', udp4, [
    call('xdp_adjust_tail', 'context', -10),
    call('xdp_get_buff_len', 'context'),
    call('xdp_adjust_tail', 'context', 30),
    { byte: 69 },
  ]),
  xdp('adjust tail too far', udp4, [
    call('xdp_adjust_tail', 'context', -37),
    call('xdp_adjust_tail', 'context', -36),
    call('xdp_adjust_tail', 'context', -1),
    call('xdp_adjust_tail', 'context', 3507),
    call('xdp_adjust_tail', 'context', 3506),
    call('xdp_adjust_tail', 'context', 1),
    call('xdp_get_buff_len', 'context'),
    call('xdp_adjust_tail', 'context', -3500),
  ]),
  xdp('adjust meta', udp4, [
    call('xdp_adjust_meta', 'context', -8),
    call('xdp_adjust_meta', 'context', -3),
    call('xdp_adjust_meta', 'context', -248),
    call('xdp_adjust_meta', 'context', 12),
    call('xdp_adjust_meta', 'context', 4),
    call('xdp_adjust_head', 'context', -4),
    call('xdp_adjust_meta', 'context', 4),
    { byte: 10 },
  ]),
  xdp('load and store', udp4, [
    call('xdp_load_bytes', 'context', 0, writes(8), 8),
    call('xdp_load_bytes', 'context', 43, writes(8), 8),
    call('xdp_load_bytes', 'context', 42, writes(8), 8),
    call('xdp_load_bytes', 'context', 0x1_0000, writes(8), 1),
    call('xdp_store_bytes', 'context', 42, reads(1, 2, 3, 4, 5, 6, 7, 8), 8),
    call('xdp_store_bytes', 'context', 43, reads(1, 2, 3, 4, 5, 6, 7, 8), 8),
    { byte: 49 },
  ]),
  xdp(
    'meta data that user space gave',
    udp4,
    [
      call('xdp_get_buff_len', 'context'),
      call('xdp_adjust_meta', 'context', 4),
      call('xdp_adjust_head', 'context', 2),
      { byte: 0 },
    ],
    meta(8, udp4),
  ),
];

const scratch: readonly HelperCase[] = [
  skb('a longer packet', long(1500), [
    call('skb_load_bytes', 'context', 1492, writes(8), 8),
    call('skb_change_tail', 'context', 1000, 0),
    call('skb_change_head', 'context', 14, 0),
    field('len'),
  ]),
];

const fragments: readonly HelperCase[] = [
  xdpFragments('a frame in two pages', long(5000), [
    call('xdp_get_buff_len', 'context'),
    call('xdp_load_bytes', 'context', 3516, writes(8), 8),
    call('xdp_load_bytes', 'context', 4992, writes(8), 8),
    call('xdp_load_bytes', 'context', 4993, writes(8), 8),
    call('xdp_store_bytes', 'context', 3518, reads(1, 2, 3, 4), 4),
    { byte: 13 },
  ]),
  xdpFragments('a frame in two pages cut in the second', long(5000), [
    call('xdp_adjust_tail', 'context', -1000),
    call('xdp_get_buff_len', 'context'),
    { byte: 0 },
  ]),
  xdpFragments('a frame in two pages cut to one', long(5000), [
    call('xdp_adjust_tail', 'context', -4500),
    call('xdp_get_buff_len', 'context'),
    { byte: 0 },
    call('xdp_adjust_tail', 'context', 10),
    call('xdp_get_buff_len', 'context'),
  ]),
  xdpFragments('a frame in two pages cut too far, and made longer', long(5000), [
    call('xdp_adjust_tail', 'context', -4987),
    call('xdp_adjust_tail', 'context', 100),
    call('xdp_get_buff_len', 'context'),
    call('xdp_adjust_tail', 'context', 4000),
    call('xdp_adjust_head', 'context', 3507),
    call('xdp_adjust_head', 'context', 100),
    call('xdp_get_buff_len', 'context'),
  ]),
];

/** The MTU, as a number of 4 bytes that the helper reads and writes. */
const mtu = (length: number): Value => reads(length & 0xff, (length >>> 8) & 0xff, (length >>> 16) & 0xff, 0);
const units: readonly HelperCase[] = [
  skb('MTU of loopback', udp4, [
    call('check_mtu', 'context', 0, mtu(0), 0, 0),
    call('check_mtu', 'context', 1, mtu(0x1_0000), 0, 0),
    call('check_mtu', 'context', 1, mtu(0x1_0001), 0, 0),
    call('check_mtu', 'context', 1, mtu(0x1_0001), -1, 0),
    call('check_mtu', 'context', 9999, mtu(0), 0, 0),
    call('check_mtu', 'context', 0, mtu(0), 0, 2),
    call('check_mtu', 'context', 0, mtu(9), 0, 1),
    call('check_mtu', 'context', 0, mtu(0), 0, 1),
  ]),
  xdp('MTU of loopback to XDP', udp4, [
    call('check_mtu', 'context', 0, mtu(0), 0, 0),
    call('check_mtu', 'context', 1, mtu(0), 65_500, 0),
    call('check_mtu', 'context', 1, mtu(0), 65_501, 0),
    call('check_mtu', 'context', 0, mtu(0), 0, 1),
  ]),
];

export const helperCases: readonly HelperCase[] = [
  ...loads,
  ...lengths,
  ...rooms,
  ...tags,
  ...sums,
  ...facts,
  ...frames,
  ...scratch,
  ...fragments,
  ...units,
];
