import { type Nanoseconds, SysError } from '../../base/index.ts';
import { PerfRing, RingBufferMap } from '../../maps/index.ts';
import { type Memory, pageSize } from '../../memory/index.ts';
import type { Fd, PerfEventOpen } from '../../sys/index.ts';
import { perfCounters } from '../../uapi/index.ts';
import type { Ledger } from '../machine/ledger.ts';
import { PacketSocket } from '../net/packet-socket.ts';
import type { Counter } from '../points/counters.ts';
import type { Sampling } from '../points/sampling.ts';
import { type FdTable, Resource } from './fds.ts';
import { MapResource } from './map-resource.ts';

/**
 * Perf events of one CPU: of BPF output (PERF_COUNT_SW_BPF_OUTPUT), which are mapped, and counters, which programs
 * read. Both are put into an array. As on Linux an event that an array still holds outlives its fd; its slot is empty when it is deleted or the map's fd is closed.
 */
export class PerfEventResource extends Resource {
  override readonly kind = 'perf event';
  /** What an array holds of it. */
  readonly slot: PerfRing | Counter;
  readonly #gone: () => void;

  constructor(slot: PerfRing | Counter, gone: () => void) {
    super();
    this.slot = slot;
    this.#gone = gone;
  }

  protected override release(): void {
    this.#gone();
  }
}

export class PerfEvents {
  readonly #memory: Memory;
  readonly #cpus: number;
  readonly #fds: FdTable;
  readonly #ledger: Ledger;
  readonly #sampling: Sampling;
  #lastId = 0;

  constructor(memory: Memory, cpus: number, fds: FdTable, ledger: Ledger, sampling: Sampling) {
    this.#memory = memory;
    this.#cpus = cpus;
    this.#fds = fds;
    this.#ledger = ledger;
    this.#sampling = sampling;
  }

  /** perf_event_open(2); a counter counts from `now` on. */
  open(attributes: PerfEventOpen, now: Nanoseconds): Fd {
    const { cpu, counter, pid = 0, wakeupEvents, wakeupWatermark, writeBackward } = attributes;
    if (!Number.isInteger(cpu) || cpu < 0 || cpu >= this.#cpus) {
      throw new SysError('ENODEV', 'perf_event_open', `CPU ${cpu} is not online`, {
        expected: `0 to ${this.#cpus - 1}`,
      });
    }
    if (counter !== undefined) {
      if (!Object.hasOwn(perfCounters, counter)) {
        throw new SysError('ENOENT', 'perf_event_open', `no counter '${counter}'`, {
          expected: Object.keys(perfCounters).join(', '),
        });
      }
      const counting = this.#sampling.count(counter, cpu, pid, now);
      return this.#fds.open(new PerfEventResource(counting, () => this.#sampling.stop(counting)));
    }
    const ring = new PerfRing(this.#memory, {
      cpu,
      id: ++this.#lastId,
      ...(wakeupEvents === undefined ? {} : { wakeupEvents }),
      ...(wakeupWatermark === undefined ? {} : { wakeupWatermark }),
      ...(writeBackward === undefined ? {} : { writeBackward }),
    });
    this.#ledger.addRing(ring);
    return this.#fds.open(
      new PerfEventResource(ring, () => {
        this.#ledger.removeRing(ring);
        ring.close();
      }),
    );
  }

  mmap(fd: Fd, dataPages: number): Uint8Array {
    const { slot: ring } = this.#fds.get<PerfEventResource>(fd, 'perf event', 'mmap');
    if (!(ring instanceof PerfRing)) {
      throw new SysError('EINVAL', 'mmap', `fd ${fd} is a counter`, { expected: 'a perf event of BPF output' });
    }
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
    if (resource instanceof PerfEventResource && resource.slot instanceof PerfRing) return resource.slot;
    if (resource instanceof MapResource && resource.map instanceof RingBufferMap) return resource.map;
    if (resource instanceof PacketSocket) return resource;
    throw new SysError('EBADF', 'poll', `fd ${fd} is a ${resource.kind}`, {
      expected: 'a perf event, a ringbuf map or a socket',
    });
  }
}
