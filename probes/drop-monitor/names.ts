import { type BPF, formatAddress, type Kernel, offsetsOf, type Table } from 'tracebed';

/** Where the parts of a record lie, and what many records share: names of places and reasons, addresses, stacks. */
const fields = [
  'time',
  'skbaddr',
  'location',
  'reason',
  'stack_id',
  'cpu',
  'tid',
  'tgid',
  'ifindex',
  'length',
  'linear',
  'comm',
  'device',
  'source',
  'destination',
  'ethertype',
  'sport',
  'dport',
  'captured',
  'version',
  'protocol',
  'tcp_flags',
  'fragment',
  'network',
  'transport',
  'packet',
] as const;

export type DropField = (typeof fields)[number];

export class DropNames {
  readonly at: Record<DropField, number>;
  readonly #kernel: Kernel;
  readonly #stacks: Table;
  readonly #reasons = new Map<number, string>();
  readonly #places = new Map<number, string>();
  readonly #addresses = new Map<number, string>();
  readonly #walked = new Map<number, readonly string[]>();

  constructor(bpf: BPF) {
    this.at = offsetsOf(bpf.struct('drop'), fields);
    this.#kernel = bpf.kernel;
    this.#stacks = bpf.table('stacks');
  }

  /** `NO_SOCKET`; the number of a reason that this kernel's enum does not have (a subsystem's own). */
  reason(value: number): string {
    let name = this.#reasons.get(value);
    if (name === undefined) {
      name = this.#kernel.profile.dropReasonName(value) ?? `reason 0x${value.toString(16)}`;
      this.#reasons.set(value, name);
    }
    return name;
  }

  /** `__udp4_lib_rcv+0x4bc` of the address at an offset. Kernel code differs in the low 52 bits. */
  place(view: DataView, offset: number): string {
    const key = (view.getUint32(offset + 4, true) & 0xfffff) * 0x1_0000_0000 + view.getUint32(offset, true);
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.#kernel.symbols.format(view.getBigUint64(offset, true));
      this.#places.set(key, place);
    }
    return place;
  }

  address(view: DataView, offset: number, version: number): string {
    const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, version === 4 ? 4 : 16);
    if (version !== 4) return formatAddress(bytes);
    const key = view.getUint32(offset);
    let text = this.#addresses.get(key);
    if (text === undefined) {
      text = formatAddress(bytes);
      if (this.#addresses.size >= 65536) this.#addresses.clear();
      this.#addresses.set(key, text);
    }
    return text;
  }

  /** Symbols, innermost first. A stack id means the same stack for as long as the map lives. */
  stack(id: number): readonly string[] {
    if (id < 0) return [];
    let frames = this.#walked.get(id);
    if (frames === undefined) {
      frames = this.#stacks.walk(id, (address) => this.#kernel.symbols.format(address));
      this.#walked.set(id, frames);
    }
    return frames;
  }
}
