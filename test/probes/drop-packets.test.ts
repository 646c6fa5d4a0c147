import {
  buildPacket,
  createRun,
  defineScenario,
  loadProfile,
  ms,
  netDevice,
  type PacketSpec,
  type SkBuff,
  skBuff,
  type TracedRecord,
  us,
} from 'tracebed';
import { describe, expect, test } from 'vitest';
import tool from '../../probes/drop-monitor/index.ts';

const eth0 = netDevice('eth0', 4);
const ethernet = { source: '02:00:00:00:00:01', destination: '02:00:00:00:00:02' };
const v4 = { source: '192.0.2.1', destination: '198.51.100.2' };
const v6 = { source: '2001:db8::1', destination: '2001:db8::2' };

/** Plays one drop of each packet, on a kernel. */
function drops(packets: readonly SkBuff[], kernel = '6.18'): readonly TracedRecord[] {
  const records: TracedRecord[] = [];
  const session = createRun({
    tool,
    args: [],
    toolOptions: {},
    scenario: defineScenario({
      name: 'packets',
      summary: 'one drop each',
      cpus: 1,
      duration: ms(10),
      events: ({ drop, every }) =>
        every(us(100), (n) => drop({ skb: packets[n]!, reason: 'NO_SOCKET', location: 'ip_rcv+0x10' }), packets.length),
    }),
    profile: loadProfile(kernel),
    seed: 1,
    cpus: undefined,
    duration: undefined,
    speed: 'max',
    ringPages: 16,
  });
  session.records.subscribe((batch) => records.push(...batch));
  session.advance(session.duration);
  expect(session.failure).toBeUndefined();
  expect(session.warnings()).toEqual([]);
  session[Symbol.dispose]();
  expect(records).toHaveLength(packets.length);
  return records;
}

const framed = (spec: PacketSpec, more: Partial<Parameters<typeof skBuff>[0]> = {}): SkBuff =>
  skBuff({ data: buildPacket({ ethernet, ...spec }), dev: eth0, ...more });
const bare = (spec: PacketSpec): SkBuff => skBuff({ data: buildPacket(spec), link: 'none', dev: eth0 });

const udp = { sourcePort: 4000, destinationPort: 53 };
const tcp = { sourcePort: 4000, destinationPort: 443, flags: 0x12 };

/** An IPv6 packet whose extension headers stand before UDP. */
function withExtensions(...headers: readonly [type: number, bytes: number[]][]): SkBuff {
  const packet = buildPacket({ ethernet, ipv6: v6, udp, payload: 'x' });
  const extensions = headers.flatMap(([, bytes], i) => [headers[i + 1]?.[0] ?? 17, ...bytes.slice(1)]);
  const data = Uint8Array.from([...packet.subarray(0, 54), ...extensions, ...packet.subarray(54)]);
  data[20] = headers[0]![0];
  data[19] = packet[19]! + extensions.length;
  return skBuff({ data, dev: eth0 });
}
const options = [0, 0, 1, 4, 0, 0, 0, 0];
const longOptions = [0, 1, ...new Array<number>(14).fill(0)];
const firstFragment = [0, 0, 0, 1, 0, 0, 0, 7];
const laterFragment = [0, 0, 0, 0x51, 0, 0, 0, 7];

describe('what the program reads from the bytes', () => {
  const known: Record<string, [SkBuff, Record<string, unknown>]> = {
    'IPv4 and UDP': [
      framed({ ipv4: v4, udp, payload: 'hi' }),
      { protocol: 'UDP', src: '192.0.2.1', sport: 4000, dst: '198.51.100.2', dport: 53, network: 14, transport: 34 },
    ],
    'TCP flags': [framed({ ipv4: v4, tcp }), { protocol: 'TCP', sport: 4000, dport: 443, tcp_flags: ['SYN', 'ACK'] }],
    'IPv4 options': [
      framed({ ipv4: { ...v4, options: Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 0) }, udp }),
      { sport: 4000, dport: 53, transport: 42 },
    ],
    'ICMP has no ports': [
      framed({ ipv4: v4, icmp: { type: 8 } }),
      { protocol: 'ICMP', src: '192.0.2.1', sport: null, dport: null, tcp_flags: null },
    ],
    'a first fragment': [
      framed({ ipv4: { ...v4, moreFragments: true }, udp, payload: 'part' }),
      { sport: 4000, fragment: false },
    ],
    'a later fragment has no ports': [
      framed({ ipv4: { ...v4, protocol: 17, fragmentOffset: 1480 }, payload: 'the rest of a datagram' }),
      { protocol: 'UDP', src: '192.0.2.1', sport: null, dport: null, fragment: true, transport: null },
    ],
    'no link header': [bare({ ipv4: v4, udp }), { sport: 4000, dport: 53, network: 0, transport: 20 }],
    'VLAN tags': [
      framed({ vlans: [{ id: 7 }, { id: 8 }], ipv4: v4, udp }),
      { protocol: 'UDP', sport: 4000, network: 22, transport: 42 },
    ],
    'IPv6 and TCP': [
      framed({ ipv6: v6, tcp }),
      { protocol: 'TCP', src: '2001:db8::1', sport: 4000, dst: '2001:db8::2', dport: 443, tcp_flags: ['SYN', 'ACK'] },
    ],
    'IPv6 extension headers': [
      withExtensions([0, options], [60, longOptions], [43, options]),
      { protocol: 'UDP', sport: 4000, dport: 53, transport: 86 },
    ],
    'an IPv6 first fragment': [withExtensions([44, firstFragment]), { protocol: 'UDP', sport: 4000, fragment: false }],
    'an IPv6 later fragment': [
      withExtensions([44, laterFragment]),
      { protocol: 'UDP', src: '2001:db8::1', sport: null, fragment: true },
    ],
    ICMPv6: [framed({ ipv6: v6, icmpv6: { type: 135 } }), { protocol: 'ICMPv6', sport: null }],
    ARP: [
      framed({
        arp: {
          operation: 'request',
          senderMac: ethernet.source,
          senderAddress: '192.0.2.1',
          targetAddress: '192.0.2.9',
        },
      }),
      { protocol: 'ARP', ethertype: 0x0806, src: '192.0.2.1', dst: '192.0.2.9', sport: null },
    ],
    'the transport header is cut': [
      framed({ ipv4: v4, udp }, { data: buildPacket({ ethernet, ipv4: v4, udp }).subarray(0, 36), wireLength: 42 }),
      { protocol: 'UDP', src: '192.0.2.1', sport: null, dport: null, transport: 34 },
    ],
    'the IP header is cut': [
      framed({ ipv4: v4, udp }, { data: buildPacket({ ethernet, ipv4: v4, udp }).subarray(0, 24), wireLength: 42 }),
      { protocol: 'IPv4', src: '02:00:00:00:00:01', sport: null, network: 14, transport: null },
    ],
    'nothing of it is known': [
      { ...framed({ ipv4: v4, udp }), data: null, mac: -1, network: -1, transport: -1, start: 0 },
      { protocol: 'IPv4', src: null, sport: null, packet: null, network: null },
    ],
    'no header offset is set': [
      { ...framed({ ipv4: v4, udp }), mac: -1, network: -1, transport: -1, start: 14 },
      { protocol: 'UDP', src: '192.0.2.1', sport: 4000, network: 0 },
    ],
    'a device that has gone': [framed({ ipv4: v4, udp }, { dev: null }), { device: null, ifindex: null, sport: 4000 }],
  };

  test.each(Object.keys(known))('%s', (name) => {
    const [packet, expected] = known[name]!;
    expect(drops([packet])[0]!.json).toMatchObject(expected);
  });

  test('one packet leaves nothing behind for the next', () => {
    const packets = Object.values(known).map(([packet]) => packet);
    const alone = packets.map((packet) => drops([packet])[0]!.json);
    const together = drops(packets).map(({ json }) => json);
    const { stack: _, skb: __, ...rest } = together[3] as Record<string, unknown>;
    expect(alone[3]).toMatchObject(rest);
    expect(together.map(({ skb, ...json }) => json)).toEqual(alone.map(({ skb, ...json }) => json));
  });
});

test('the same program text reads the skb of Linux 6.1', () => {
  const [record] = drops([framed({ ipv4: v4, udp })], '6.1');
  expect(record!.json).toMatchObject({ reason: 'NO_SOCKET', device: 'eth0', ifindex: 4, src: '192.0.2.1', dport: 53 });
});
