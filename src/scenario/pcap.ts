/**
 * Reads classic capture files (pcap-savefile(5)): microsecond or nanosecond, either byte order. Link layers: Ethernet,
 * raw IP, Linux cooked 1 and 2. Layout of the file, in its own byte order:
 *
 *     0 magic u32 | 4 version u16 u16 | 8 zone u32, accuracy u32 | 16 snap length u32 | 20 link type u32
 *     then for each packet: seconds u32 | fraction u32 | bytes kept u32 | bytes on the wire u32 | the bytes kept
 */
import { InputError } from '../base/index.ts';

export interface Capture {
  readonly file: string;
  readonly packets: readonly CapturedPacket[];
}

export interface CapturedPacket {
  readonly file: string;
  /** ns since 1970. */
  readonly time: bigint;
  /** What the file kept, from the link header on where there is an Ethernet one, else from the network header on. */
  readonly data: Uint8Array;
  readonly link: 'ethernet' | 'none';
  /** Bytes on the wire, of the same part. */
  readonly wireLength: number;
  /** EtherType as the link layer tells it; 0 when it does not. */
  readonly protocol: number;
}

/** How a link type is taken apart: bytes before the network header that are no Ethernet header, and the protocol. */
interface LinkType {
  readonly link: 'ethernet' | 'none';
  readonly skip: number;
  readonly protocol: (packet: DataView) => number;
}

function ipVersion(packet: DataView): number {
  const version = packet.byteLength > 0 ? packet.getUint8(0) >>> 4 : 0;
  return version === 4 ? 0x0800 : version === 6 ? 0x86dd : 0;
}

function field(offset: number): (packet: DataView) => number {
  return (packet) => (packet.byteLength >= offset + 2 ? packet.getUint16(offset) : 0);
}

/** LINKTYPE_ numbers (www.tcpdump.org/linktypes.html). 12 and 14 are DLT_RAW as some systems number it. */
const linkTypes: ReadonlyMap<number, LinkType> = new Map([
  [1, { link: 'ethernet', skip: 0, protocol: field(12) }],
  [12, { link: 'none', skip: 0, protocol: ipVersion }],
  [14, { link: 'none', skip: 0, protocol: ipVersion }],
  [101, { link: 'none', skip: 0, protocol: ipVersion }],
  [113, { link: 'none', skip: 16, protocol: field(14) }],
  [228, { link: 'none', skip: 0, protocol: ipVersion }],
  [229, { link: 'none', skip: 0, protocol: ipVersion }],
  [276, { link: 'none', skip: 20, protocol: field(0) }],
]);

const microseconds = 0xa1b2c3d4;
const nanoseconds = 0xa1b23c4d;
const headerSize = 24;
const recordSize = 16;
/** MAXIMUM_SNAPLEN of libpcap. */
const largestPacket = 262_144;

interface Format {
  readonly little: boolean;
  /** ns in one unit of the fraction. */
  readonly unit: bigint;
}

function readMagic(view: DataView, file: string): Format {
  for (const little of [true, false]) {
    const magic = view.getUint32(0, little);
    if (magic === microseconds || magic === nanoseconds) return { little, unit: magic === nanoseconds ? 1n : 1000n };
  }
  const magic = view.getUint32(0);
  const at = { file, offset: 0 };
  if (magic === 0x0a0d0d0a) {
    throw new InputError('this is a pcapng file', {
      at,
      expected: 'a classic pcap file',
      hint: `convert it: editcap -F nsecpcap ${file} OUT.pcap`,
    });
  }
  const hint = magic >>> 16 === 0x1f8b ? 'it is compressed: gunzip it first' : 'tcpdump -w FILE writes one';
  throw new InputError(`not a pcap file: its magic is 0x${magic.toString(16).padStart(8, '0')}`, {
    at,
    expected: '0xa1b2c3d4 or 0xa1b23c4d, in either byte order',
    hint,
  });
}

/** All packets of a capture file, in its order. @throws InputError with the byte offset of what is wrong */
export function readPcap(bytes: Uint8Array, file: string): Capture {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 4) readMagic(view, file);
  if (bytes.length < headerSize) {
    throw new InputError(`the capture is cut off in its header: ${bytes.length} of ${headerSize} bytes`, {
      at: { file, offset: bytes.length },
    });
  }
  const format = readMagic(view, file);
  // The upper bits say whether frames end in a check sequence.
  const number = view.getUint32(20, format.little) & 0x0fff_ffff & 0xffff;
  const linkType = linkTypes.get(number);
  if (!linkType) {
    throw new InputError(`link type ${number} is not known`, {
      at: { file, offset: 20 },
      expected: 'Ethernet (1), raw IP (101), Linux cooked (113, 276)',
    });
  }
  const packets: CapturedPacket[] = [];
  let offset = headerSize;
  while (offset < bytes.length) {
    const packet = readPacket(view, offset, format, linkType, file);
    packets.push(packet.packet);
    offset = packet.end;
  }
  return { file, packets };
}

function readPacket(
  view: DataView,
  offset: number,
  format: Format,
  linkType: LinkType,
  file: string,
): { packet: CapturedPacket; end: number } {
  const at = { file, offset };
  const hint = 'the file was cut while being written or copied';
  const left = view.byteLength - offset;
  if (left < recordSize) {
    throw new InputError(`the capture is cut off in a packet header: ${left} of ${recordSize} bytes`, { at, hint });
  }
  const fraction = BigInt(view.getUint32(offset + 4, format.little)) * format.unit;
  const kept = view.getUint32(offset + 8, format.little);
  const wire = view.getUint32(offset + 12, format.little);
  if (kept > largestPacket || fraction >= 1_000_000_000n) {
    throw new InputError(`the capture is garbled: a packet of ${kept} bytes at fraction ${fraction} ns`, {
      at,
      expected: `at most ${largestPacket} bytes, and less than a second`,
    });
  }
  const start = offset + recordSize;
  const end = start + kept;
  if (end > view.byteLength) {
    throw new InputError(`the capture is cut off in a packet: ${view.byteLength - start} of ${kept} bytes`, {
      at,
      hint,
    });
  }
  const whole = new DataView(view.buffer, view.byteOffset + start, kept);
  const skip = Math.min(linkType.skip, kept);
  const packet: CapturedPacket = {
    file,
    time: BigInt(view.getUint32(offset, format.little)) * 1_000_000_000n + fraction,
    data: new Uint8Array(view.buffer, view.byteOffset + start + skip, kept - skip),
    link: linkType.link,
    wireLength: Math.max(0, wire - linkType.skip),
    protocol: linkType.protocol(whole),
  };
  return { packet, end };
}
