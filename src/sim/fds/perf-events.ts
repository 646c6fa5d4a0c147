import { SysError } from '../../base/index.ts';
import { PerfRing, RingBufferMap } from '../../maps/index.ts';
import { type Memory, pageSize } from '../../memory/index.ts';
import type { Fd, PerfEventOpen } from '../../sys/index.ts';
import type { Ledger } from '../machine/ledger.ts';
import { PacketSocket } from '../net/packet-socket.ts';
import { type FdTable, Resource } from './fds.ts';
import { MapResource } from './map-resource.ts';

/**
 * Perf events of BPF output (PERF_COUNT_SW_BPF_OUTPUT): opened on a CPU, mapped, put into an array. As on Linux an
 * event that an array still holds outlives its fd; its slot is empty when it is deleted or the map's fd is closed.
 */
export class PerfEventResource extends Resource {
  override readonly kind = 'perf event';
  readonly ring: PerfRing;
  readonly #ledger: Ledger;

  constructor(ring: PerfRing, ledger: Ledger) {
    super();
    this.ring = ring;
    this.#ledger = ledger;
    ledger.addRing(ring);
  }

  protected override release(): void {
    this.#ledger.removeRing(this.ring);
    this.ring.close();
  }
}

export class PerfEvents {
  readonly #memory: Memory;
  readonly #cpus: number;
  readonly #fds: FdTable;
  readonly #ledger: Ledger;
  #lastId = 0;

  constructor(memory: Memory, cpus: number, fds: FdTable, ledger: Ledger) {
    this.#memory = memory;
    this.#cpus = cpus;
    this.#fds = fds;
    this.#ledger = ledger;
  }

  open(attributes: PerfEventOpen): Fd {
    const { cpu, wakeupEvents, wakeupWatermark, writeBackward } = attributes;
    if (!Number.isInteger(cpu) || cpu < 0 || cpu >= this.#cpus) {
      throw new SysError('ENODEV', 'perf_event_open', `CPU ${cpu} is not online`, {
        expected: `0 to ${this.#cpus - 1}`,
      });
    }
    const ring = new PerfRing(this.#memory, {
      cpu,
      id: ++this.#lastId,
      ...(wakeupEvents === undefined ? {} : { wakeupEvents }),
      ...(wakeupWatermark === undefined ? {} : { wakeupWatermark }),
      ...(writeBackward === undefined ? {} : { writeBackward }),
    });
    return this.#fds.open(new PerfEventResource(ring, this.#ledger));
  }

  mmap(fd: Fd, dataPages: number): Uint8Array {
    const { ring } = this.#fds.get<PerfEventResource>(fd, 'perf event', 'mmap');
    return this.#memory.bytes(ring.map(dataPages), (1 + dataPages) * pageSize);
  }

  poll(fds: readonly Fd[]): Fd[] {
    const woken: Fd[] = [];
    for (const fd of fds) {
      if (this.#pollable(fd).poll()) woken.push(fd);
    }
    return woken;
  }

  /** A perf event's ring, a ringbuf map, or a socket. @throws SysError EBADF for others */
  #pollable(fd: Fd): { poll(): boolean } {
    const resource = this.#fds.any(fd, 'poll');
    if (resource instanceof PerfEventResource) return resource.ring;
    if (resource instanceof MapResource && resource.map instanceof RingBufferMap) return resource.map;
    if (resource instanceof PacketSocket) return resource;
    throw new SysError('EBADF', 'poll', `fd ${fd} is a ${resource.kind}`, {
      expected: 'a perf event, a ringbuf map or a socket',
    });
  }
}
