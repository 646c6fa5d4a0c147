import { SysError, viewOf } from '../../base/index.ts';
import { kernelSpace, type Memory, wholePages } from '../../memory/index.ts';
import { contextField, contexts } from '../../uapi/index.ts';
import { contextSize, type PacketContext, type PacketPointer, packetPointer } from './context-code.ts';

/**
 * The packet of a test run and the context that a program sees it through (net/bpf/test_run.c): what user space may set
 * of a context, what the kernel makes of the bytes, and what goes back. All of it as Linux 6.18 answered.
 */
const op = 'prog_test_run';
const ethernetSize = 14;
/** PAGE_SIZE less the head and tail room of an sk_buff. */
const largestSkb = 4096 - 64 - 320;
/** Of an XDP frame a page less its rooms is linear; up to 17 more pages are fragments, which no pointer reaches. */
const linearXdp = 4096 - 256 - 320;
const largestXdp = linearXdp + 17 * 4096;
/** ifindex of the loopback device, which test runs come in through. */
const loopback = 1;
/** GSO_MAX_SEGS, GSO_LEGACY_MAX_SIZE (include/linux/netdevice.h) */
const mostSegments = 65_535;
const longestWire = 65_536;
/** AF_INET, AF_INET6, TCP_CLOSE. */
const families = { ip4: 2, ip6: 10 } as const;
const closed = 7;
/** h_proto as a little-endian machine reads it. */
const protocols = { ip4: 0x0008, ip6: 0xdd86, raw8023: 0x0100, llc8022: 0x0400 } as const;
const headerSizes = { ip4: 20, ip6: 40 } as const;

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
  /** Offset of the context. */
  readonly context: number;
  /** The bytes of the packet as the program left them. */
  data(): Uint8Array;
  /** The context as user space gets it back. */
  contextOut(): Uint8Array;
  close(): void;
}

/** What programs see of a struct, at its offset in memory. */
class ContextWriter {
  readonly #memory: Memory;
  readonly #name: PacketContext | 'bpf_sock';
  readonly at: number;

  constructor(memory: Memory, name: PacketContext | 'bpf_sock', at: number) {
    this.#memory = memory;
    this.#name = name;
    this.at = at;
  }

  u32(field: string, value: number): void {
    this.#memory.view.setUint32(this.at + this.#place(field), value, true);
  }

  bytes(field: string, bytes: Uint8Array): void {
    this.#memory.u8.set(bytes, this.at + this.#place(field));
  }

  pointer(offset: number, to: number): void {
    this.#memory.view.setUint32(this.at + offset, to, true);
    this.#memory.view.setUint32(this.at + offset + 4, kernelSpace, true);
  }

  packet(name: PacketPointer, to: number): void {
    this.pointer(packetPointer(this.#name as PacketContext, name), to);
  }

  #place(field: string): number {
    return (contextField(this.#name, field) as readonly [number, number])[0];
  }
}

/**
 * An sk_buff as it comes in through the loopback device.
 * @param seesEthernet whether its data begins with the Ethernet header: that of classifiers and actions does
 * @throws SysError EINVAL, ENODEV
 */
export function skbRun(
  memory: Memory,
  data: Uint8Array,
  given: Uint8Array | undefined,
  seesEthernet: boolean,
): PacketRun {
  if (data.length < ethernetSize || data.length > largestSkb) throw wrongSize(data.length, largestSkb);
  const fields = given && checkedSkb(given, seesEthernet ? data.length : data.length - ethernetSize);
  const header = networkHeader(data);
  const packet = memory.allocatePages(wholePages(largestSkb));
  const context = memory.allocate(contextSize('__sk_buff'));
  const sock = memory.allocate(contexts.bpf_sock.size);
  memory.u8.fill(0, context, context + contextSize('__sk_buff'));
  memory.u8.set(data, packet);
  const start = packet + (seesEthernet ? 0 : ethernetSize);
  const write = new ContextWriter(memory, '__sk_buff', context);
  if (given) memory.u8.set(given.subarray(0, contexts.__sk_buff.size), context);
  write.u32('len', packet + data.length - start);
  write.u32('pkt_type', packetType(data));
  write.u32('protocol', protocolOf(data));
  if (!fields?.ifindex) write.u32('ifindex', loopback);
  if (given && !fields?.wireLength) write.u32('wire_len', packet + data.length - start);
  write.packet('data', start);
  write.packet('data_end', packet + data.length);
  write.packet('data_meta', start);
  write.packet('mac_header', packet);
  write.packet('network_header', packet + ethernetSize);
  write.pointer((contextField('__sk_buff', 'sk') as readonly [number, number])[0], sock);
  writeSocket(memory, data, header, write, new ContextWriter(memory, 'bpf_sock', sock));
  return {
    context,
    data() {
      const out = memory.u8.slice(packet, packet + data.length);
      if (!seesEthernet) out.fill(0, 0, ethernetSize);
      return out;
    },
    contextOut() {
      const out = new Uint8Array(contexts.__sk_buff.size);
      for (const name of settable) {
        const [offset, size] = contextField('__sk_buff', name) as readonly [number, number];
        out.set(memory.u8.subarray(context + offset, context + offset + size), offset);
      }
      return out;
    },
    close() {
      memory.freePages(packet, wholePages(largestSkb));
      memory.free(context, contextSize('__sk_buff'));
      memory.free(sock, contexts.bpf_sock.size);
    },
  };
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
  if (found.ifindex > loopback) throw new SysError('ENODEV', op, `no device has the index ${found.ifindex}`);
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

/** eth_type_trans on the loopback device, whose address is all zeros. */
function packetType(data: Uint8Array): number {
  if ((data[0]! & 1) !== 0) return 2;
  return data.subarray(0, 6).every((byte) => byte === 0) ? 0 : 3;
}

function protocolOf(data: Uint8Array): number {
  const view = viewOf(data);
  if (view.getUint16(12, false) >= 1536) return view.getUint16(12, true);
  return data[14] === 0xff && data[15] === 0xff ? protocols.raw8023 : protocols.llc8022;
}

/** What the network header must be; a packet whose header is cut off is refused. */
function networkHeader(data: Uint8Array): 'ip4' | 'ip6' | undefined {
  const protocol = protocolOf(data);
  const header = protocol === protocols.ip4 ? 'ip4' : protocol === protocols.ip6 ? 'ip6' : undefined;
  if (header && data.length < ethernetSize + headerSizes[header]) {
    throw new SysError('EINVAL', op, `a packet of ${data.length} bytes`, {
      expected: `${ethernetSize + headerSizes[header]} bytes at least, as its header is of ${headerSizes[header]}`,
    });
  }
  return header;
}

/** The test's own socket: of the packet's family, with its addresses, and closed. */
function writeSocket(
  memory: Memory,
  data: Uint8Array,
  header: 'ip4' | 'ip6' | undefined,
  skb: ContextWriter,
  sock: ContextWriter,
): void {
  memory.u8.fill(0, sock.at, sock.at + contexts.bpf_sock.size);
  sock.u32('state', closed);
  sock.u32('rx_queue_mapping', 0xffff_ffff);
  if (header === undefined) return;
  for (const one of [skb, sock]) one.u32('family', families[header]);
  const at = ethernetSize + (header === 'ip4' ? 12 : 8);
  const size = header === 'ip4' ? 4 : 16;
  const source = data.subarray(at, at + size);
  const target = data.subarray(at + size, at + 2 * size);
  sock.bytes(`src_${header}`, source);
  sock.bytes(`dst_${header}`, target);
  skb.bytes(`local_${header}`, source);
  skb.bytes(`remote_${header}`, target);
}

/** An XDP frame as it comes in through the loopback device. @throws SysError EINVAL, ENODEV */
export function xdpRun(memory: Memory, data: Uint8Array, given: Uint8Array | undefined): PacketRun {
  const meta = given === undefined ? 0 : metaSize(given, data.length);
  if (data.length - meta < ethernetSize || data.length > largestXdp) throw wrongSize(data.length, largestXdp);
  const pages = wholePages(data.length);
  const packet = memory.allocatePages(pages);
  const context = memory.allocate(contextSize('xdp_md'));
  memory.u8.fill(0, context, context + contextSize('xdp_md'));
  memory.u8.set(data, packet);
  const write = new ContextWriter(memory, 'xdp_md', context);
  write.u32('ingress_ifindex', loopback);
  write.packet('data_meta', packet);
  write.packet('data', packet + meta);
  write.packet('data_end', packet + Math.min(data.length, meta + linearXdp));
  return {
    context,
    data: () => memory.u8.slice(packet, packet + data.length),
    contextOut() {
      const out = new Uint8Array(contexts.xdp_md.size);
      out.set((given ?? out).subarray(0, out.length));
      return out;
    },
    close() {
      memory.freePages(packet, pages);
      memory.free(context, contextSize('xdp_md'));
    },
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
  if (ingress > loopback) throw new SysError('ENODEV', op, `no device has the index ${ingress}`);
  return data;
}

function wrongSize(size: number, most: number): SysError {
  return new SysError('EINVAL', op, `a packet of ${size} bytes`, { expected: `${ethernetSize} to ${most} bytes` });
}
