import {
  decodePacket,
  etherTypeName,
  type Flow,
  flowOf,
  formatAddress,
  formatEndpoint,
  formatMac,
  ipProtocolName,
  type Layer,
  type Nanoseconds,
  readText,
  readU64,
  type TracedRecord,
  tcpFlagNames,
} from 'tracebed';
import type { DropField, DropNames } from './names.ts';

/** A header offset that is not known. */
const unset = 0xffff;
const tcp = 6;
/** Protocols that carry two ports first. */
const withPorts = new Set([tcp, 17, 132]);

/**
 * One drop as the program sent it. What every record is grouped by is read at once; the rest stays in the record's
 * bytes until someone asks. Nothing here is guessed: what the bytes do not say is null, and `missing` says why.
 */
export class Drop implements TracedRecord {
  readonly time: Nanoseconds;
  readonly cpu: number;
  readonly reason: string;
  readonly location: string;
  readonly groups: readonly string[];
  /** Kernel stack, innermost first. */
  readonly stack: readonly string[];
  readonly #names: DropNames;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(names: DropNames, bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { at } = names;
    this.#names = names;
    this.#bytes = bytes;
    this.#view = view;
    this.time = readU64(view, at.time);
    this.cpu = view.getUint32(at.cpu, true);
    this.reason = names.reason(view.getUint32(at.reason, true));
    this.location = names.place(view, at.location);
    this.stack = names.stack(view.getInt32(at.stack_id, true));
    this.groups = [this.reason, this.location, this.flow];
  }

  get source(): this {
    return this;
  }

  #u8(field: DropField): number {
    return this.#view.getUint8(this.#names.at[field]);
  }

  #u16(field: DropField): number {
    return this.#view.getUint16(this.#names.at[field], true);
  }

  #u32(field: DropField): number {
    return this.#view.getUint32(this.#names.at[field], true);
  }

  get reasonCode(): number {
    return this.#u32('reason');
  }

  get locationAddress(): bigint {
    return this.#view.getBigUint64(this.#names.at.location, true);
  }

  get skbAddress(): bigint {
    return this.#view.getBigUint64(this.#names.at.skbaddr, true);
  }

  /** Thread id: what the kernel calls pid. */
  get pid(): number {
    return this.#u32('tid');
  }

  get tgid(): number {
    return this.#u32('tgid');
  }

  get comm(): string {
    return readText(this.#view, this.#names.at.comm, 16);
  }

  /** Empty where the skb had no device any more. */
  get device(): string {
    return readText(this.#view, this.#names.at.device, 16);
  }

  get ifindex(): number {
    return this.#u32('ifindex');
  }

  /** skb->len, bytes. */
  get length(): number {
    return this.#u32('length');
  }

  /** Bytes of them in the skb's linear part. */
  get linear(): number {
    return this.#u32('linear');
  }

  get etherType(): number {
    return this.#u16('ethertype');
  }

  /** 4, 6, or 0 without an IP header. */
  get version(): number {
    return this.#u8('version');
  }

  /** The IP protocol number, null without an IP header. */
  get ipProtocol(): number | null {
    return this.version === 0 ? null : this.#u8('protocol');
  }

  get isFragment(): boolean {
    return this.#u8('fragment') === 1;
  }

  /** Whether the transport header is there and begins with ports. */
  get hasPorts(): boolean {
    const { transport, captured } = this;
    return transport !== undefined && transport + 4 <= captured && withPorts.has(this.#u8('protocol'));
  }

  get sourcePort(): number | null {
    return this.hasPorts ? this.#u16('sport') : null;
  }

  get destinationPort(): number | null {
    return this.hasPorts ? this.#u16('dport') : null;
  }

  /** Names of the flags, null where there is no whole TCP header's start. */
  get tcpFlags(): readonly string[] | null {
    const { transport, captured } = this;
    if (transport === undefined || this.ipProtocol !== tcp || transport + 14 > captured) return null;
    return tcpFlagNames(this.#u8('tcp_flags'));
  }

  get captured(): number {
    return this.#u16('captured');
  }

  /** The packet's bytes as far as they were captured, from the link header where the skb has one. */
  get packet(): Uint8Array {
    return this.#bytes.subarray(this.#names.at.packet);
  }

  /** Where the network header lies in `packet`. */
  get network(): number | undefined {
    const offset = this.#u16('network');
    return offset === unset ? undefined : offset;
  }

  get transport(): number | undefined {
    const offset = this.#u16('transport');
    return offset === unset ? undefined : offset;
  }

  /** Why there is no stack: the negative errno of bpf_get_stackid, or 0. */
  get stackError(): number {
    return Math.min(0, this.#view.getInt32(this.#names.at.stack_id, true));
  }

  get #sourceAddress(): string {
    return this.#names.address(this.#view, this.#names.at.source, this.version);
  }

  get #destinationAddress(): string {
    return this.#names.address(this.#view, this.#names.at.destination, this.version);
  }

  /** The packet's layers, from its link header on, or from the network header. Empty without bytes. */
  layers(): readonly Layer[] {
    const { packet, network } = this;
    if (packet.length === 0) return [];
    // 14 bytes of Ethernet, and 4 more for each VLAN tag.
    const ethernet = network !== undefined && network >= 14 && (network - 14) % 4 === 0;
    if (ethernet) return decodePacket(packet, { link: 'ethernet' });
    return decodePacket(packet.subarray(network ?? 0), { link: 'none', etherType: this.etherType });
  }

  /** Both addresses without ports, null where they are not known. */
  get #addresses(): readonly [string | null, string | null] {
    if (this.version !== 0) return [this.#sourceAddress, this.#destinationAddress];
    const flow = this.#linkFlow;
    return flow ? [addressText(flow.source), addressText(flow.destination)] : [null, null];
  }

  /** Who talks to whom by the packet's layers, where the program found no good IP header: ARP, link addresses. */
  get #linkFlow(): Flow | undefined {
    return this.version === 0 ? flowOf(this.layers()) : undefined;
  }

  /** `TCP`, `ARP`; for a packet without bytes what its EtherType says; empty when that is not set either. */
  get protocol(): string {
    const { ipProtocol, etherType } = this;
    if (ipProtocol !== null) return ipProtocolName(ipProtocol);
    return this.#linkFlow?.protocol ?? (etherType === 0 ? '' : etherTypeName(etherType));
  }

  /** Source and destination as a table shows them, with ports. */
  get ends(): readonly [string, string] | undefined {
    const { version } = this;
    if (version === 0) return linkEnds(this.#linkFlow);
    const { sourcePort, destinationPort } = this;
    const ends = [this.#sourceAddress, this.#destinationAddress] as const;
    if (sourcePort === null || destinationPort === null) return ends;
    const [source, destination] = version === 6 ? ends.map((address) => `[${address}]`) : ends;
    return [`${source}:${sourcePort}`, `${destination}:${destinationPort}`];
  }

  /** The innermost group: `UDP 10.77.0.1:42104 → 10.77.0.2:9999`; for a packet without bytes its protocol and that. */
  get flow(): string {
    const { ends, protocol } = this;
    const name = protocol === '' ? 'unknown protocol' : protocol;
    if (ends) return `${name} ${ends[0]} → ${ends[1]}`;
    return this.captured === 0 ? `${name}, no packet bytes` : `${name}, no addresses`;
  }

  /** Nothing is known of the packet itself. */
  get #isBlank(): boolean {
    return this.length === 0 && this.captured === 0;
  }

  /** Why the packet's content is not there or not whole; null when it is. */
  get missing(): string | null {
    const { captured, length, linear } = this;
    if (this.#isBlank) return 'neither bytes nor a length are known: skb->len is 0';
    if (captured === 0) {
      return linear === 0
        ? 'the skb holds no bytes in its linear part: they lie in page fragments, or the recording has no capture of it'
        : 'the bytes of the skb were not captured';
    }
    if (linear < length) return `${length - linear} of ${length} bytes are not in the skb's linear part`;
    return null;
  }

  get cells(): Readonly<Record<string, string>> {
    const { ends } = this;
    return {
      time: (this.time / 1e9).toFixed(6),
      cpu: String(this.cpu),
      task: `${this.comm}-${this.pid}`,
      device: this.device === '' ? (this.ifindex === 0 ? '-' : `if${this.ifindex}`) : this.device,
      protocol: this.protocol === '' ? '?' : this.protocol.replace('IP protocol', 'IP'),
      source: ends?.[0] ?? '?',
      destination: ends?.[1] ?? '?',
      length: this.#isBlank ? '?' : String(this.length),
      flags: this.tcpFlags?.join(',') ?? '',
      reason: this.reason,
      location: this.location,
    };
  }

  get json(): Readonly<Record<string, unknown>> {
    const [source, destination] = this.#addresses;
    const flow = this.#linkFlow;
    return {
      pid: this.pid,
      tgid: this.tgid,
      comm: this.comm,
      reason: this.reason,
      location: this.location,
      device: this.device === '' ? null : this.device,
      ifindex: this.ifindex === 0 ? null : this.ifindex,
      protocol: this.protocol === '' ? null : this.protocol,
      ethertype: this.etherType,
      src: source,
      sport: flow?.sourcePort ?? this.sourcePort,
      dst: destination,
      dport: flow?.destinationPort ?? this.destinationPort,
      length: this.#isBlank ? null : this.length,
      tcp_flags: this.tcpFlags,
      fragment: this.isFragment,
      skb: `0x${this.skbAddress.toString(16)}`,
      packet: this.captured === 0 ? null : hexOf(this.packet),
      network: this.network ?? null,
      transport: this.transport ?? null,
      missing: this.missing,
      stack: this.stack,
    };
  }
}

function linkEnds(flow: Flow | undefined): readonly [string, string] | undefined {
  if (!flow) return undefined;
  const end = (address: Uint8Array, port: number | undefined): string =>
    port === undefined ? addressText(address) : formatEndpoint(address, port);
  return [end(flow.source, flow.sourcePort), end(flow.destination, flow.destinationPort)];
}

function addressText(address: Uint8Array): string {
  return address.length === 6 ? formatMac(address) : formatAddress(address);
}

/** Node's own conversion: a line of JSON holds one for every packet. */
function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** The drop of a record that begins at an offset. Its bytes are copied: the ring's are written over. */
export function readDrop(names: DropNames, view: DataView, offset: number): Drop {
  const length = names.at.packet + view.getUint16(offset + names.at.captured, true);
  return new Drop(names, new Uint8Array(view.buffer, view.byteOffset + offset, length).slice());
}
