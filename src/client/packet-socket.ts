import { Observable } from 'rxjs';
import { nearestHint } from '../base/index.ts';
import type { DeviceInfo, Fd, Kernel, ReceivedPacket, SocketStatistics } from '../sys/index.ts';
import { BpfError } from './bpf-error.ts';
import { HeldFd } from './held-fd.ts';

/** How a packet socket is opened. */
export interface PacketSocketOptions {
  /** The device that it sees packets of; all devices when absent or ''. */
  readonly dev?: string;
  /** ETH_P_*: packets of one protocol, after tc has seen them; all, before it, when absent. */
  readonly protocol?: number;
  /** Packets with their link header when absent. */
  readonly type?: 'raw' | 'datagram';
}

/**
 * A packet socket (packet(7)), which user code reads packets from: those that its filter let through, cut to the
 * length that the filter answered.
 */
export class PacketSocket extends HeldFd {
  #callback: ((packet: ReceivedPacket) => void) | undefined;

  /** @throws BpfError ENODEV for an unknown device, with the nearest names */
  constructor(kernel: Kernel, options: PacketSocketOptions = {}) {
    const { dev = '', protocol, type } = options;
    const fd = kernel.packetSocket({
      ifindex: dev === '' ? 0 : deviceNamed(kernel, dev).ifindex,
      ...(protocol === undefined ? {} : { protocol }),
      ...(type === undefined ? {} : { type }),
    });
    super(kernel, fd);
  }

  /** Whether a callback takes the packets: then the socket is polled with the buffers. */
  get isPolled(): boolean {
    return this.open && this.#callback !== undefined;
  }

  /** The bytes of the oldest packet that waits, as read(2) gives them; undefined when none does. */
  read(): Uint8Array | undefined {
    return this.receive()?.data;
  }

  /** The oldest packet that waits, with what the kernel tells of it; undefined when none does. */
  receive(): ReceivedPacket | undefined {
    return this.open ? (this.kernel.receive(this.fd) ?? undefined) : undefined;
  }

  /** Every packet that waits. */
  *drain(): Generator<ReceivedPacket> {
    for (let packet = this.receive(); packet !== undefined; packet = this.receive()) yield packet;
  }

  /** From now on each packet is handed to `callback` when the buffers are polled (`bpf.poll()`; the lab does it). */
  onPacket(callback: (packet: ReceivedPacket) => void): void {
    this.#callback = callback;
  }

  /** The same as an Observable; subscribing begins it. */
  packets(): Observable<ReceivedPacket> {
    return new Observable((subscriber) => this.onPacket((packet) => subscriber.next(packet)));
  }

  /** Hands on what waits. @returns how many packets */
  poll(): number {
    if (this.#callback === undefined) return 0;
    let count = 0;
    for (const packet of this.drain()) {
      this.#callback(packet);
      count++;
    }
    return count;
  }

  /** How many packets the filter let through, and how many of them found the queue full. */
  statistics(): SocketStatistics {
    return this.kernel.socketStatistics(this.fd);
  }
}

/** The sockets of one owner. */
export class PacketSockets {
  readonly #open: PacketSocket[] = [];

  /** @throws BpfError ENODEV */
  open(kernel: Kernel, options: PacketSocketOptions): PacketSocket {
    const socket = new PacketSocket(kernel, options);
    this.#open.push(socket);
    return socket;
  }

  /** Fds of those whose packets a callback takes. */
  get fds(): Fd[] {
    return this.#open.filter((socket) => socket.isPolled).map((socket) => socket.fd);
  }

  poll(): number {
    return this.#open.reduce((sum, socket) => sum + socket.poll(), 0);
  }

  close(): void {
    for (const socket of this.#open.splice(0)) socket.close();
  }
}

/** if_nametoindex(3). @throws BpfError ENODEV with the nearest names */
export function deviceNamed(kernel: Kernel, name: string): DeviceInfo {
  const devices = kernel.devices();
  const found = devices.find((device) => device.name === name);
  if (found !== undefined) return found;
  const names = devices.map((device) => device.name);
  throw new BpfError('ENODEV', 'device', `there is no network device '${name}'`, {
    expected: `one of ${names.join(', ')}`,
    ...nearestHint(name, names, 'a scenario declares its devices: devices: [netDevice(…)]'),
  });
}
