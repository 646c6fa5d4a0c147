import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/base/index.ts';
import { buildPacket } from '../../src/events/index.ts';
import { readPcap } from '../../src/scenario/pcap.ts';

const packet = buildPacket({
  ethernet: { source: '02:00:00:00:00:0a', destination: '02:00:00:00:00:0b' },
  ipv4: { source: '10.0.0.1', destination: '10.0.0.2' },
  udp: { sourcePort: 1, destinationPort: 2 },
});
const network = packet.subarray(14);

interface Options {
  readonly little?: boolean;
  readonly magic?: number;
  readonly link?: number;
  readonly fraction?: number;
  readonly wire?: number;
}

function pcap(data: Uint8Array, { little = true, magic = 0xa1b23c4d, link = 1, fraction = 5, wire }: Options = {}) {
  const bytes = new Uint8Array(40 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, little);
  view.setUint16(4, 2, little);
  view.setUint16(6, 4, little);
  view.setUint32(16, 65535, little);
  view.setUint32(20, link, little);
  view.setUint32(24, 7, little);
  view.setUint32(28, fraction, little);
  view.setUint32(32, data.length, little);
  view.setUint32(36, wire ?? data.length, little);
  bytes.set(data, 40);
  return bytes;
}

const cooked = Uint8Array.of(0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0);
const cooked2 = Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0);

describe('a capture file', () => {
  test.each<[string, Uint8Array, { time?: bigint; link: 'ethernet' | 'none'; data: Uint8Array }]>([
    ['ns, little-endian', pcap(packet), { time: 7_000_000_005n, link: 'ethernet', data: packet }],
    ['ns, big-endian', pcap(packet, { little: false }), { time: 7_000_000_005n, link: 'ethernet', data: packet }],
    [
      'us, little-endian',
      pcap(packet, { magic: 0xa1b2c3d4 }),
      { time: 7_000_005_000n, link: 'ethernet', data: packet },
    ],
    [
      'us, big-endian',
      pcap(packet, { magic: 0xa1b2c3d4, little: false }),
      { time: 7_000_005_000n, link: 'ethernet', data: packet },
    ],
    ['raw IP', pcap(network, { link: 101 }), { link: 'none', data: network }],
    ['raw IP, as others number it', pcap(network, { link: 12 }), { link: 'none', data: network }],
    ['Linux cooked', pcap(Buffer.concat([cooked, network]), { link: 113 }), { link: 'none', data: network }],
    ['Linux cooked 2', pcap(Buffer.concat([cooked2, network]), { link: 276 }), { link: 'none', data: network }],
  ])('%s', (_, bytes, { time, link, data }) => {
    const [read] = readPcap(bytes, 'x.pcap').packets;
    expect(read).toMatchObject({ link, protocol: 0x0800, wireLength: data.length });
    expect(Uint8Array.from(read!.data)).toEqual(Uint8Array.from(data));
    if (time !== undefined) expect(read!.time).toBe(time);
  });

  test('may keep fewer bytes than there were', () => {
    expect(readPcap(pcap(packet.subarray(0, 20), { wire: 1500 }), 'x').packets[0]).toMatchObject({ wireLength: 1500 });
  });

  test.each<[string, Uint8Array, RegExp, number]>([
    ['pcapng', Uint8Array.of(0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 0), /pcapng/, 0],
    ['a bad magic', pcap(packet, { magic: 0x12345678 }), /its magic is 0x78563412/, 0],
    ['nothing', new Uint8Array(), /cut off in its header: 0 of 24/, 0],
    ['half a header', pcap(packet).subarray(0, 10), /cut off in its header: 10 of 24/, 10],
    ['half a packet header', pcap(packet).subarray(0, 30), /cut off in a packet header: 6 of 16/, 24],
    ['half a packet', pcap(packet).subarray(0, 50), /cut off in a packet: 10 of 42/, 24],
    ['an unknown link type', pcap(packet, { link: 105 }), /link type 105/, 20],
    ['a garbled packet header', pcap(packet, { fraction: 4_000_000_000 }), /garbled/, 24],
  ])('%s is refused with its byte offset', (_, bytes, message, offset) => {
    const read = () => readPcap(bytes, 'x.pcap');
    expect(read).toThrow(InputError);
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ at: expect.objectContaining({ file: 'x.pcap', offset }) }));
  });
});
