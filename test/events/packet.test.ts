import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  buildPacket,
  decodePacket,
  flowOf,
  formatAddress,
  formatFlow,
  formatMac,
  headerPlaces,
  type Layer,
  type PacketSpec,
  parseAddress,
  parseMac,
  skBuff,
  type TcpOption,
  tcpFlagNames,
  tcpFlags,
} from '../../src/events/index.ts';

const ethernet = { source: '02:00:00:00:00:0a', destination: '02:00:00:00:00:0b' };

function layer<K extends Layer['kind']>(layers: readonly Layer[], kind: K): Extract<Layer, { kind: K }> {
  const found = layers.find((one) => one.kind === kind);
  if (!found) throw new Error(`no ${kind} in ${layers.map((one) => one.kind).join(' ')}`);
  return found as Extract<Layer, { kind: K }>;
}

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 65535 });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const option: fc.Arbitrary<TcpOption> = fc.oneof(
  fc.constant({ kind: 'nop' } as const),
  fc.constant({ kind: 'sack-permitted' } as const),
  fc.record({ kind: fc.constant('mss' as const), size: u16 }),
  fc.record({ kind: fc.constant('window-scale' as const), shift: u8 }),
  fc.record({ kind: fc.constant('timestamps' as const), value: u32, echo: u32 }),
  fc.record({ kind: fc.constant('unknown' as const), code: fc.constantFrom(5, 19, 254), data: bytes(6) }),
);

describe('decodePacket of buildPacket', () => {
  const payload = fc.uint8Array({ maxLength: 60 });

  test('gives TCP over IPv4 back, checksums right', () => {
    const spec = fc.record({
      ipv4: fc.record({
        source: bytes(4),
        destination: bytes(4),
        ttl: u8,
        tos: u8,
        identification: u16,
        dontFragment: fc.boolean(),
      }),
      tcp: fc.record({
        sourcePort: u16,
        destinationPort: u16,
        sequence: u32,
        acknowledgment: u32,
        flags: u8,
        window: u16,
        urgent: u16,
        options: fc.array(option, { maxLength: 4 }),
      }),
      payload,
    });
    fc.assert(
      fc.property(spec, (given) => {
        const layers = decodePacket(buildPacket({ ethernet, ...given }), { link: 'ethernet' });
        expect(layer(layers, 'ipv4')).toMatchObject({ ...given.ipv4, checksumState: 'right' });
        expect(layer(layers, 'tcp')).toMatchObject({ ...given.tcp, checksumState: 'right' });
        if (given.payload.length > 0) expect(layer(layers, 'payload').bytes).toEqual(given.payload);
        expect(layers.some((one) => one.kind === 'cut')).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  test('gives UDP, ICMP and ICMPv6 over IPv6 and tagged frames back', () => {
    const spec = fc.record({
      vlans: fc.array(fc.record({ id: fc.integer({ min: 0, max: 4095 }), priority: fc.integer({ min: 0, max: 7 }) }), {
        maxLength: 2,
      }),
      ipv6: fc.record({
        source: bytes(16),
        destination: bytes(16),
        hopLimit: u8,
        trafficClass: u8,
        flowLabel: fc.integer({ min: 0, max: 0xfffff }),
      }),
      above: fc.oneof(
        fc.record({ udp: fc.record({ sourcePort: u16, destinationPort: u16 }) }),
        fc.record({ icmpv6: fc.record({ type: u8, code: u8, rest: u32 }) }),
      ),
      payload,
    });
    fc.assert(
      fc.property(spec, ({ above, ...given }) => {
        const packet: PacketSpec = { ethernet, ...given, ...above };
        const layers = decodePacket(buildPacket(packet), { link: 'ethernet' });
        expect(layers.filter((one) => one.kind === 'vlan')).toMatchObject(given.vlans);
        expect(layer(layers, 'ipv6')).toMatchObject(given.ipv6);
        const transport = packet.udp ? layer(layers, 'udp') : layer(layers, 'icmpv6');
        expect(transport).toMatchObject({ ...(packet.udp ?? packet.icmpv6), checksumState: 'right' });
      }),
      { numRuns: 200 },
    );
  });

  test('any prefix of a packet, and any bytes at all, give layers that stay inside', () => {
    const whole = buildPacket({
      ethernet,
      ipv4: { source: '10.0.0.1', destination: '10.0.0.2', options: Uint8Array.of(7, 3, 4) },
      tcp: { sourcePort: 1, destinationPort: 2, options: [{ kind: 'mss', size: 1460 }] },
      payload: 'hello',
    });
    for (let size = 0; size < whole.length; size++) {
      const layers = decodePacket(whole.subarray(0, size), { link: 'ethernet' });
      expect(layers.at(-1)).toMatchObject({ kind: 'cut' });
    }
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 120 }),
        fc.constantFrom('ethernet' as const, 'none' as const),
        (any, link) => {
          for (const one of decodePacket(any, { link })) {
            expect(one.offset + one.size).toBeLessThanOrEqual(Math.max(any.length, one.offset));
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

test('a wrong checksum is seen, one that cannot be checked is called so', () => {
  const spec: PacketSpec = {
    ipv4: { source: '10.0.0.1', destination: '10.0.0.2', checksum: 1 },
    udp: { sourcePort: 5, destinationPort: 6, checksum: 0xdead },
    payload: 'abc',
  };
  const packet = buildPacket(spec);
  const layers = decodePacket(packet, { link: 'none' });
  expect(layer(layers, 'ipv4').checksumState).toBe('wrong');
  expect(layer(layers, 'udp').checksumState).toBe('wrong');
  const short = decodePacket(packet.subarray(0, packet.length - 1), { link: 'none' });
  expect(layer(short, 'udp').checksumState).toBe('unchecked');
  expect(layer(short, 'cut').what).toBe('UDP payload: 2 of 3 bytes');
});

test('ARP, flags and padding', () => {
  const arp = buildPacket({
    ethernet: { source: ethernet.source, destination: 'ff:ff:ff:ff:ff:ff' },
    arp: { operation: 'request', senderMac: ethernet.source, senderAddress: '10.0.0.1', targetAddress: '10.0.0.9' },
    payload: new Uint8Array(18),
  });
  const layers = decodePacket(arp, { link: 'ethernet' });
  expect(layers.map((one) => one.kind)).toEqual(['ethernet', 'arp', 'payload']);
  expect(formatFlow(flowOf(layers)!)).toBe('ARP 10.0.0.1 → 10.0.0.9');
  expect(tcpFlagNames(tcpFlags.SYN | tcpFlags.ACK)).toEqual(['SYN', 'ACK']);
});

test.each([
  ['::', '::'],
  ['::1', '::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0DB8::0001', '2001:db8::1'],
  ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
  ['fe80:0:0:0:0:0:0:0', 'fe80::'],
  ['10.77.0.2', '10.77.0.2'],
])('address %s is written %s', (text, written) => {
  expect(formatAddress(parseAddress(text))).toBe(written);
});

test('an address survives text', () => {
  fc.assert(
    fc.property(bytes(16), (address) => {
      expect(parseAddress(formatAddress(address))).toEqual(address);
    }),
  );
  fc.assert(
    fc.property(bytes(6), (address) => {
      expect(parseMac(formatMac(address))).toEqual(address);
    }),
  );
});

test.each(['1.2.3', '256.0.0.1', '1::2::3', ':::', '1:2:3:4:5:6:7:8:9', 'g::', ''])('%s is no address', (text) => {
  expect(() => parseAddress(text)).toThrow(/not an IP address/);
});

describe('skBuff', () => {
  const packet = buildPacket({
    ethernet,
    vlans: [{ id: 7 }],
    ipv4: { source: '10.0.0.1', destination: '10.0.0.2' },
    udp: { sourcePort: 5, destinationPort: 6 },
    payload: 'abcd',
  });

  test.each([
    ['mac', 0, 50],
    ['network', 18, 32],
    ['transport', 38, 12],
    ['payload', 46, 4],
  ] as const)('data at the %s header: start %d, length %d', (start, at, length) => {
    expect(skBuff({ data: packet, start })).toMatchObject({ mac: 0, network: 18, transport: 38, start: at, length });
  });

  test('a short frame falls back outwards', () => {
    expect(skBuff({ data: packet.subarray(0, 20), start: 'transport', wireLength: 50 })).toMatchObject({
      transport: -1,
      start: 18,
      length: 32,
      protocol: 0x0800,
    });
    expect(headerPlaces(new Uint8Array(4), 'ethernet').network).toBe(-1);
  });
});
