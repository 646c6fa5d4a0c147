import { SysError, viewOf } from '../../base/index.ts';
import type { Memory } from '../../memory/index.ts';
import { contextField, contexts, type FieldPlace } from '../../uapi/index.ts';
import type { PacketBuffer, PacketBuffers } from '../net/buffers.ts';
import { etherSize, ipSizes, macSize, Skbs, skbAt, wireProtocols, xdpAt } from '../net/skb.ts';
import { fillSkb, fillXdp, packetType } from '../net/skb-fill.ts';

/**
 * The packet of a test run and the context that a program sees it through (net/bpf/test_run.c): what user space may set
 * of a context, what the kernel makes of the bytes, and what goes back. All of it as Linux 6.18 answered.
 */
const op = 'prog_test_run';
/** PAGE_SIZE less the head and tail room of an sk_buff. */
const largestSkb = 4096 - 64 - 320;
/** Of an XDP frame a page less its rooms is linear; up to 17 more pages are fragments, which no pointer reaches. */
const linearXdp = 4096 - 256 - 320;
const largestXdp = linearXdp + 17 * 4096;
/** What the last fragment may grow by. */
const mostGrowth = 4096;
/** The loopback device, which test runs come in through. */
const loopback = { header: etherSize, ifindex: 1, mac: new Uint8Array(macSize), isLoopback: true } as const;
/** GSO_MAX_SEGS, GSO_LEGACY_MAX_SIZE (include/linux/netdevice.h) */
const mostSegments = 65_535;
const longestWire = 65_536;
/** AF_INET, AF_INET6, TCP_CLOSE. */
const families = { ip4: 2, ip6: 10 } as const;
const closed = 7;

/** Fields of __sk_buff that user space may set and gets back. */
const settable = [
  'mark',
  'priority',
  'ingress_ifindex',
  'ifindex',
  'cb',
  'tstamp',
  'wire_len',
  'gso_segs',
  'gso_size',
  'hwtstamp',
] as const;

/** A packet and its context in the linear memory, for one test run. */
export interface PacketRun {
  readonly buffer: PacketBuffer;
  /** Offset of the context. */
  readonly context: number;
  /** The bytes of the packet as the program left them. */
  data(): Uint8Array;
  /** The context as user space gets it back. */
  contextOut(): Uint8Array;
  close(): void;
}

/**
 * An sk_buff as it comes in through the loopback device.
 * @param seesEthernet whether its data begins with the Ethernet header: that of classifiers and actions does
 * @throws SysError EINVAL, ENODEV, ENOMEM
 */
export function skbRun(
  memory: Memory,
  packets: PacketBuffers,
  data: Uint8Array,
  given: Uint8Array | undefined,
  seesEthernet: boolean,
): PacketRun {
  if (data.length < etherSize || data.length > largestSkb) throw wrongSize(data.length, largestSkb);
  const fields = given && checkedSkb(given, seesEthernet ? data.length : data.length - etherSize);
  const header = networkHeader(data);
  const buffer = taken(packets, data.length);
  const { skb, sock, origin } = buffer;
  const skbs = new Skbs(memory);
  buffer.kind = 'skb';
  memory.u8.set(data, origin);
  fillSkb(skbs, buffer, loopback, origin, data.length);
  if (given) memory.u8.set(given.subarray(0, contexts.__sk_buff.size), skb);
  skbs.set(skb, skbAt.packetType, packetType(skbs, loopback, origin));
  skbs.set(skb, skbAt.protocol, skbs.protocolAt(origin));
  if (!fields?.ifindex) skbs.set(skb, skbAt.ifindex, loopback.ifindex);
  skbs.setLength(skb, data.length);
  skbs.setPointer(skb, skbAt.data, origin);
  if (!seesEthernet) skbs.pull(skb, etherSize);
  if (given && !fields?.wireLength) skbs.set(skb, skbAt.wireLength, skbs.length(skb));
  skbs.setPointer(skb, skbAt.socket, sock);
  writeSocket(memory, data, header, buffer);
  return {
    buffer,
    context: skb,
    data() {
      // A program may have moved the packet; where it sees no link header, one of zeros is put before it.
      const start = skbs.get(skb, skbAt.data);
      const out = memory.u8.slice(start - (seesEthernet ? 0 : etherSize), start + skbs.length(skb));
      if (!seesEthernet) out.fill(0, 0, etherSize);
      return out;
    },
    contextOut() {
      const out = new Uint8Array(contexts.__sk_buff.size);
      for (const name of settable) {
        const [offset, size] = contextField('__sk_buff', name) as readonly [number, number];
        out.set(memory.u8.subarray(skb + offset, skb + offset + size), offset);
      }
      return out;
    },
    close: () => packets.give(buffer),
  };
}

/** @throws SysError ENOMEM */
function taken(packets: PacketBuffers, length: number): PacketBuffer {
  const buffer = packets.take(length);
  if (buffer !== null) return buffer;
  throw new SysError('ENOMEM', op, 'too many packets are under way');
}

/** convert___skb_to_skb: what may be set is set, all else is zero. */
function checkedSkb(given: Uint8Array, length: number): { ifindex: number; wireLength: number } {
  const rest = given.slice(0, contexts.__sk_buff.size);
  const full = new Uint8Array(contexts.__sk_buff.size);
  full.set(rest);
  const view = viewOf(full);
  const field = (name: string) => {
    const place = contextField('__sk_buff', name) as readonly [number, number];
    return view.getUint32(place[0], true);
  };
  const found = { ifindex: field('ifindex'), wireLength: field('wire_len') };
  const isWire = found.wireLength === 0 || (found.wireLength >= length && found.wireLength <= longestWire);
  if (field('gso_segs') > mostSegments || !isWire) {
    throw new SysError('EINVAL', op, `wire_len ${found.wireLength}, gso_segs ${field('gso_segs')}`, {
      expected: `a wire_len of 0 or from ${length} to ${longestWire}, gso_segs of ${mostSegments} at most`,
    });
  }
  if (found.ifindex > loopback.ifindex) throw new SysError('ENODEV', op, `no device has the index ${found.ifindex}`);
  for (const name of settable) {
    const [offset, size] = contextField('__sk_buff', name) as readonly [number, number];
    rest.fill(0, offset, offset + size);
  }
  const wrong = rest.findIndex((byte) => byte !== 0);
  if (wrong < 0) return found;
  throw new SysError('EINVAL', op, `byte ${wrong} of the context is not 0`, {
    expected: `only ${settable.join(', ')} are set`,
  });
}

/** What the network header must be; a packet whose header is cut off is refused. */
function networkHeader(data: Uint8Array): 'ip4' | 'ip6' | undefined {
  const protocol = viewOf(data).getUint16(etherSize - 2, true);
  const header = protocol === wireProtocols.ip4 ? 'ip4' : protocol === wireProtocols.ip6 ? 'ip6' : undefined;
  if (header && data.length < etherSize + ipSizes[header]) {
    throw new SysError('EINVAL', op, `a packet of ${data.length} bytes`, {
      expected: `${etherSize + ipSizes[header]} bytes at least, as its header is of ${ipSizes[header]}`,
    });
  }
  return header;
}

/** The test's own socket: of the packet's family, with its addresses, and closed. */
function writeSocket(
  memory: Memory,
  data: Uint8Array,
  header: 'ip4' | 'ip6' | undefined,
  { skb, sock }: PacketBuffer,
): void {
  const u32 = (place: FieldPlace, base: number, value: number): void =>
    memory.view.setUint32(base + place[0], value, true);
  const { fields } = contexts.bpf_sock;
  memory.u8.fill(0, sock, sock + contexts.bpf_sock.size);
  u32(fields.state, sock, closed);
  u32(fields.rx_queue_mapping, sock, 0xffff_ffff);
  if (header === undefined) return;
  const seen = contexts.__sk_buff.fields;
  u32(fields.family, sock, families[header]);
  u32(seen.family, skb, families[header]);
  const at = etherSize + (header === 'ip4' ? 12 : 8);
  const size = header === 'ip4' ? 4 : 16;
  const source = data.subarray(at, at + size);
  const target = data.subarray(at + size, at + 2 * size);
  memory.u8.set(source, sock + fields[`src_${header}`][0]);
  memory.u8.set(target, sock + fields[`dst_${header}`][0]);
  memory.u8.set(source, skb + seen[`local_${header}`][0]);
  memory.u8.set(target, skb + seen[`remote_${header}`][0]);
}

/** An XDP frame as it comes in through the loopback device. @throws SysError EINVAL, ENODEV, ENOMEM */
export function xdpRun(
  memory: Memory,
  packets: PacketBuffers,
  data: Uint8Array,
  given: Uint8Array | undefined,
): PacketRun {
  const meta = given === undefined ? 0 : metaSize(given, data.length);
  if (data.length - meta < etherSize || data.length > largestXdp) throw wrongSize(data.length, largestXdp);
  const buffer = taken(packets, data.length + mostGrowth);
  const { xdp, origin } = buffer;
  const frames = new Skbs(memory);
  buffer.kind = 'xdp';
  memory.u8.set(data, origin);
  fillXdp(frames, buffer, origin, data.length);
  frames.set(xdp, xdpAt.ingressIfindex, loopback.ifindex);
  frames.set(xdp, xdpAt.data, origin + meta);
  frames.set(xdp, xdpAt.dataEnd, origin + Math.min(data.length, meta + linearXdp));
  frames.set(xdp, xdpAt.limit, origin + linearXdp);
  return {
    buffer,
    context: xdp,
    data: () => memory.u8.slice(frames.get(xdp, xdpAt.dataMeta), frames.get(xdp, xdpAt.frameEnd)),
    contextOut() {
      const out = new Uint8Array(contexts.xdp_md.size);
      if (given === undefined) return out;
      const { fields } = contexts.xdp_md;
      const start = frames.get(xdp, xdpAt.dataMeta);
      out.set(given.subarray(0, out.length));
      if (start === origin && frames.get(xdp, xdpAt.frameEnd) === origin + data.length) return out;
      // Where the program has put the packet, counted from its meta data on.
      viewOf(out).setUint32(fields.data[0], frames.get(xdp, xdpAt.data) - start, true);
      viewOf(out).setUint32(fields.data_end[0], frames.get(xdp, xdpAt.dataEnd) - start, true);
      return out;
    },
    close: () => packets.give(buffer),
  };
}

/** xdp_convert_md_to_buff and bpf_prog_test_run_xdp: the bytes before the packet, which the context's `data` tells. */
function metaSize(given: Uint8Array, length: number): number {
  const full = new Uint8Array(contexts.xdp_md.size);
  full.set(given.subarray(0, full.length));
  const [data = 0, end = 0, meta = 0, ingress = 0, queue = 0, egress = 0] = new Uint32Array(full.buffer);
  const isWrong =
    meta !== 0 || end > length || data > end || data % 4 !== 0 || data > 252 || queue !== 0 || egress !== 0;
  if (isWrong) {
    throw new SysError('EINVAL', op, `an xdp_md of data ${data}, data_end ${end}, data_meta ${meta}`, {
      expected:
        'data: how many bytes before the packet are meta data, a multiple of 4; data_end: no more than there are',
    });
  }
  if (ingress > loopback.ifindex) throw new SysError('ENODEV', op, `no device has the index ${ingress}`);
  return data;
}

function wrongSize(size: number, most: number): SysError {
  return new SysError('EINVAL', op, `a packet of ${size} bytes`, { expected: `${etherSize} to ${most} bytes` });
}
