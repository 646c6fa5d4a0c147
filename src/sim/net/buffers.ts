import { SysError } from '../../base/index.ts';
import type { Sock } from '../../events/index.ts';
import { type Memory, pageSize } from '../../memory/index.ts';
import { contexts } from '../../uapi/index.ts';
import { contextSize } from '../programs/context-code.ts';
import type { Device } from './devices.ts';

/**
 * Where packets are while programs see them: an area of bytes, and beside it the contexts of both kinds. Buffers are
 * taken and given back, so that a packet under way allocates nothing.
 */
const origin = 2 * pageSize;
const areas = { small: 8 * pageSize, large: 24 * pageSize } as const;
/** Packets under way and waiting, all together; beyond that the kernel has no memory for more. */
const mostBuffers = 320;

export class PacketBuffer {
  /** First and last byte of the area. */
  readonly start: number;
  readonly end: number;
  /** Where a packet begins when it comes in. */
  readonly origin: number;
  /** Offsets of the contexts, and of the struct bpf_sock that `skb->sk` points to. */
  readonly skb: number;
  readonly xdp: number;
  readonly sock: number;
  /** Whose program sees it now. */
  kind: 'skb' | 'xdp' = 'skb';
  /** The device that it is at; absent in a test run. */
  device: Device | null = null;
  /** The socket that sends it. */
  socket: Sock | null = null;
  /** Whether it comes to its device by the driver, and not from another device straight to the stack. */
  driven = true;

  constructor(memory: Memory, size: number) {
    this.start = memory.allocatePages(size);
    this.end = this.start + size;
    this.origin = this.start + origin;
    this.skb = memory.allocate(contextSize('__sk_buff'));
    this.xdp = memory.allocate(contextSize('xdp_md'));
    this.sock = memory.allocate(contexts.bpf_sock.size);
  }
}

export class PacketBuffers {
  /** The packet that a program runs on: helpers without a context ask for it. */
  running: PacketBuffer | null = null;
  readonly #memory: Memory;
  readonly #free: Record<keyof typeof areas, PacketBuffer[]> = { small: [], large: [] };
  readonly #byContext = new Map<number, PacketBuffer>();
  #made = 0;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** A buffer for a packet of so many bytes, or null when too many packets are under way. */
  take(bytes: number): PacketBuffer | null {
    const size = bytes <= areas.small / 2 ? 'small' : 'large';
    const free = this.#free[size].pop();
    if (free !== undefined) return free;
    const made = this.#made === mostBuffers ? null : this.#make(areas[size]);
    if (made === null) return null;
    this.#made++;
    this.#byContext.set(made.skb, made);
    this.#byContext.set(made.xdp, made);
    return made;
  }

  /** Null when the machine has no memory for one more, as alloc_skb gives then. */
  #make(size: number): PacketBuffer | null {
    try {
      return new PacketBuffer(this.#memory, size);
    } catch (fault) {
      if (fault instanceof SysError && fault.errno === 'ENOMEM') return null;
      throw fault;
    }
  }

  give(buffer: PacketBuffer): void {
    buffer.device = null;
    buffer.socket = null;
    this.#free[buffer.end - buffer.start === areas.small ? 'small' : 'large'].push(buffer);
  }

  /** The buffer whose context lies at an offset; undefined for what is no packet's context. */
  at(context: number): PacketBuffer | undefined {
    return this.#byContext.get(context);
  }
}
