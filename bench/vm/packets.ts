import { Random } from '../../src/base/index.ts';

/** Bytes from one packet to the next, and of each packet: what the programs of the bench are given. */
export const packetBytes = 128;

/** Builds Ethernet frames of all the kinds that the dissector knows; the first is plain TCP over IPv4. */
export function buildPackets(count: number, seed = 1): Uint8Array {
  const random = new Random(seed);
  const all = new Uint8Array(count * packetBytes);
  for (let index = 0; index < count; index++) {
    const packet = all.subarray(index * packetBytes, (index + 1) * packetBytes);
    for (let at = 0; at < packetBytes; at++) packet[at] = random.u32();
    writePacket(packet, random, index === 0);
  }
  return all;
}

function writePacket(packet: Uint8Array, random: Random, plain: boolean): void {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  let at = 12;
  for (
    let tags = plain
      ? 0
      : random.weighted([
          [6, 0],
          [3, 1],
          [1, 2],
        ] as const);
    tags > 0;
    tags--
  ) {
    view.setUint16(at, 0x8100);
    at += 4;
  }
  const version = plain || random.chance(0.7) ? 4 : 6;
  view.setUint16(at, version === 4 ? 0x0800 : 0x86dd);
  at += 2;
  const protocol = plain ? 6 : random.pick([6, 6, 17, 17, version === 4 ? 1 : 58, 47] as const);
  if (version === 4) {
    packet[at] =
      0x45 +
      (plain
        ? 0
        : random.weighted([
            [8, 0],
            [1, 1],
            [1, 5],
          ] as const));
    view.setUint16(at + 6, !plain && random.chance(0.05) ? 100 : 0);
    packet[at + 9] = protocol;
  } else {
    packet[at] = 0x60;
    packet[at + 6] = random.chance(0.1) ? 0 : protocol;
    if (packet[at + 6] === 0) {
      packet[at + 40] = protocol;
      packet[at + 41] = 0;
    }
  }
}
