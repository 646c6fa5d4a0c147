import { type ErrnoName, errnoName, SysError, viewOf } from '../base/index.ts';
import { type BpfMap, createMap, mapHeader, PerfEventArray } from '../maps/index.ts';
import { type Memory, wholePages } from '../memory/index.ts';
import type { Fd, MapCreate } from '../sys/index.ts';
import { mapFlags } from '../uapi/index.ts';
import { type FdTable, Resource } from './fds.ts';
import type { PerfEventResource } from './perf-events.ts';

/** The map commands of bpf(2) (kernel/bpf/syscall.c): bytes are copied in and out through a bounce buffer. */
export class MapResource extends Resource {
  override readonly kind = 'map';
  readonly map: BpfMap;
  readonly #memory: Memory;
  readonly #forget: (map: BpfMap) => void;
  /** Events in the slots of a perf_event_array, which holds them. */
  readonly #events = new Map<number, PerfEventResource>();

  constructor(memory: Memory, map: BpfMap, forget: (map: BpfMap) => void) {
    super();
    this.map = map;
    this.#memory = memory;
    this.#forget = forget;
  }

  /** Offset of the first value of an array. */
  firstValue(): number {
    return this.#memory.u32[(this.map.address + mapHeader.data) >>> 2] as number;
  }

  /** Puts an event into a slot of a perf_event_array, or takes it out with null. Returns 0 or a negative errno. */
  setEvent(array: PerfEventArray, index: number, event: PerfEventResource | null, flags: number): number {
    const status = array.setRing(index, event === null ? null : event.ring, flags);
    if (status !== 0) return status;
    const old = this.#events.get(index);
    if (event === null) this.#events.delete(index);
    else {
      event.hold();
      this.#events.set(index, event);
    }
    old?.letGo();
    return 0;
  }

  /** perf_event_fd_array_release: what this process put in goes with its fd, unless elements are to be preserved. */
  override closed(): void {
    if ((this.map.shape.flags & mapFlags.preserveElements) === 0) this.#clearEvents();
  }

  protected override release(): void {
    this.#clearEvents();
    this.#forget(this.map);
    this.map.close();
  }

  #clearEvents(): void {
    if (!(this.map instanceof PerfEventArray)) return;
    for (const index of [...this.#events.keys()]) this.setEvent(this.map, index, null, 0);
  }
}

export class MapCommands {
  readonly #memory: Memory;
  readonly #cpus: number;
  readonly #fds: FdTable;
  /** Maps by the offset that a program's pointer holds. */
  readonly byAddress: Map<number, BpfMap>;
  /** Bounce buffers for a key, the next key, and a value. */
  #bounce = 0;
  #bounceSize = 0;

  constructor(memory: Memory, cpus: number, fds: FdTable) {
    this.#memory = memory;
    this.#cpus = cpus;
    this.#fds = fds;
    this.byAddress = new Map();
  }

  create(attributes: MapCreate): Fd {
    const { type, keySize, valueSize, maxEntries, flags = 0, name = '' } = attributes;
    const map = createMap(this.#memory, this.#cpus, { type, keySize, valueSize, maxEntries, flags, name });
    this.byAddress.set(map.address, map);
    return this.#fds.open(new MapResource(this.#memory, map, (gone) => this.byAddress.delete(gone.address)));
  }

  lookup(fd: Fd, key: Uint8Array): Uint8Array {
    const op = 'map_lookup_elem';
    const { map } = this.#get(fd, op);
    const at = this.#copyIn(map, key, op);
    const value = this.#valueAt(map);
    check(map.userLookup(at, value), op, map);
    return this.#memory.u8.slice(value, value + map.userValueSize);
  }

  update(fd: Fd, key: Uint8Array, value: Uint8Array, flags: number): void {
    const op = 'map_update_elem';
    const resource = this.#get(fd, op);
    const { map } = resource;
    const at = this.#copyIn(map, key, op);
    if (value.length !== map.userValueSize) throw wrongSize(op, map, 'value', value.length, map.userValueSize);
    if (map instanceof PerfEventArray) {
      const event = this.#fds.get<PerfEventResource>(viewOf(value).getInt32(0, true), 'perf event', op);
      check(resource.setEvent(map, viewOf(key).getUint32(0, true), event, flags), op, map);
      return;
    }
    const target = this.#valueAt(map);
    this.#memory.u8.set(value, target);
    check(map.userUpdate(at, target, flags), op, map);
  }

  delete(fd: Fd, key: Uint8Array): void {
    const op = 'map_delete_elem';
    const resource = this.#get(fd, op);
    const { map } = resource;
    const at = this.#copyIn(map, key, op);
    if (map instanceof PerfEventArray) {
      check(resource.setEvent(map, viewOf(key).getUint32(0, true), null, 0), op, map);
    } else check(map.delete(at), op, map);
  }

  nextKey(fd: Fd, key: Uint8Array | null): Uint8Array | null {
    const op = 'map_get_next_key';
    const { map } = this.#get(fd, op);
    const size = map.shape.keySize;
    this.#reserve(map);
    const at = key === null ? 0 : this.#copyIn(map, key, op);
    const next = this.#bounce + wholePages(size);
    const status = map.nextKey(at, next);
    if (errnoName(status) === 'ENOENT') return null;
    check(status, op, map);
    return this.#memory.u8.slice(next, next + size);
  }

  #get(fd: Fd, op: string): MapResource {
    return this.#fds.get<MapResource>(fd, 'map', op);
  }

  /** Copies a key in; returns its offset. */
  #copyIn(map: BpfMap, key: Uint8Array, op: string): number {
    if (key.length !== map.shape.keySize) throw wrongSize(op, map, 'key', key.length, map.shape.keySize);
    this.#reserve(map);
    this.#memory.u8.set(key, this.#bounce);
    return this.#bounce;
  }

  #valueAt(map: BpfMap): number {
    return this.#bounce + 2 * wholePages(map.shape.keySize);
  }

  /** key | next key | value, each in whole pages. */
  #reserve(map: BpfMap): void {
    const size = 2 * wholePages(map.shape.keySize) + wholePages(map.userValueSize);
    if (size <= this.#bounceSize) return;
    if (this.#bounceSize > 0) this.#memory.freePages(this.#bounce, this.#bounceSize);
    this.#bounceSize = 0;
    this.#bounce = this.#memory.allocatePages(size);
    this.#bounceSize = size;
  }
}

function check(status: number, op: string, map: BpfMap): void {
  if (status >= 0) return;
  throw new SysError(errnoName(status) as ErrnoName, op, `${map.shape.type} map '${map.shape.name}'`);
}

function wrongSize(op: string, map: BpfMap, what: string, given: number, expected: number): SysError {
  return new SysError('EINVAL', op, `map '${map.shape.name}': a ${what} of ${given} bytes`, {
    expected: `${expected} bytes`,
  });
}
