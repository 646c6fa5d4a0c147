import { type BpfMap, FdArray, HashOfMaps, type MapShape, mapHeader, PerfEventArray } from '../../maps/index.ts';
import type { Memory } from '../../memory/index.ts';
import { mapFlags, type ProgramType } from '../../uapi/index.ts';
import type { Timers } from '../machine/timers.ts';
import { Resource } from './fds.ts';
import type { PerfEventResource } from './perf-events.ts';
import type { ValueRecord } from './value-record.ts';

/** A map behind its fds, with what user space put into it by fd: events, programs, cgroups, inner maps. */
export class MapResource extends Resource {
  override readonly kind = 'map';
  readonly map: BpfMap;
  readonly id: number;
  /** Of a map of maps: what its maps are like. */
  readonly inner: MapShape | undefined;
  /** What of the kernel's own its values hold. */
  readonly record: ValueRecord | undefined;
  /** Of a prog_array: the type of its programs and of those that call them, once there is one. */
  programs: ProgramType | undefined;
  /** Whether BPF_MAP_FREEZE closed it to writes by system calls. */
  frozen = false;
  readonly #memory: Memory;
  readonly #forget: (resource: MapResource) => void;
  readonly #timers: Timers;
  readonly #held = new Map<string, Resource>();
  /** Fds that user space has of it. */
  #users = 0;

  constructor(
    memory: Memory,
    map: BpfMap,
    id: number,
    inner: MapShape | undefined,
    record: ValueRecord | undefined,
    timers: Timers,
    forget: (gone: MapResource) => void,
  ) {
    super();
    this.map = map;
    this.id = id;
    this.inner = inner;
    this.record = record;
    this.#timers = timers;
    const places = record?.fields.flatMap(({ kind, offset }) => (kind === 'timer' ? [offset] : [])) ?? [];
    if (places.length > 0) map.freed = (value) => timers.free(value + (places[0] as number));
    this.#memory = memory;
    this.#forget = forget;
  }

  override opened(): void {
    if (this.#users++ === 0) this.#timers.opened(this.map);
  }

  /** Offset of the first value of an array. */
  firstValue(): number {
    return this.#memory.u32[(this.map.address + mapHeader.data) >>> 2] as number;
  }

  /** The value of an array that nothing can change any more, neither a system call nor a program; else undefined. */
  get constant(): Uint8Array | undefined {
    const { type, flags, valueSize, maxEntries } = this.map.shape;
    const isConstant = this.frozen && type === 'array' && maxEntries === 1 && (flags & mapFlags.readOnlyProgram) !== 0;
    return isConstant ? this.#memory.bytes(this.firstValue(), valueSize) : undefined;
  }

  /** What was put in under a key, in hexadecimal. */
  item(key: string): Resource | undefined {
    return this.#held.get(key);
  }

  /** Puts an event into a slot of a perf_event_array, or takes it out with null. Returns 0 or a negative errno. */
  setEvent(array: PerfEventArray, index: number, event: PerfEventResource | null, flags: number): number {
    const status = array.setEvent(index, event === null ? null : event.slot, flags);
    if (status === 0) this.keep(slotKey(index), event);
    return status;
  }

  /** The same for a program, a cgroup or an inner map in an array. */
  setItem(array: FdArray, index: number, item: Resource | null, flags: number): number {
    const address = item instanceof MapResource ? item.map.address : 0;
    const status = array.setItem(index, item, flags, address);
    if (status === 0) this.keep(slotKey(index), item);
    return status;
  }

  /** The same for an inner map in a hash; `key` is the offset of its bytes, `scratch` a place for 4. */
  setInner(hash: HashOfMaps, key: number, inner: MapResource, flags: number, scratch: number): number {
    const status = hash.setInner(key, inner.map, flags, scratch);
    if (status === 0) this.keep(this.keyAt(key), inner);
    return status;
  }

  /** The name under which the bytes of a key in memory are kept. */
  keyAt(key: number): string {
    if (!(this.map instanceof HashOfMaps)) return slotKey(this.#memory.view.getUint32(key, true));
    return String.fromCharCode(...this.#memory.bytes(key, this.map.shape.keySize));
  }

  /** Holds what came under a key and lets go what was there. */
  keep(key: string, item: Resource | null): void {
    const old = this.#held.get(key);
    item?.hold();
    if (item === null) this.#held.delete(key);
    else this.#held.set(key, item);
    old?.letGo();
  }

  /**
   * perf_event_fd_array_release: events go with the fd, unless elements are to be preserved. prog_array_map_clear:
   * programs go with the last fd, as a program that calls itself would never go otherwise.
   */
  override closed(): void {
    const { type, flags } = this.map.shape;
    if (type === 'perf_event_array' && (flags & mapFlags.preserveElements) === 0) this.#clear();
    this.unpinned();
  }

  override unpinned(): void {
    if (--this.#users > 0) return;
    this.#timers.closed(this.map);
    if (this.map.shape.type === 'prog_array') this.#clear();
  }

  protected override release(): void {
    this.#clear();
    this.#forget(this);
    this.map.close();
  }

  #clear(): void {
    const { map } = this;
    for (const key of [...this.#held.keys()]) {
      if (map instanceof PerfEventArray) this.setEvent(map, Number(key), null, 0);
      else if (map instanceof FdArray) this.setItem(map, Number(key), null, 0);
      else this.keep(key, null);
    }
  }
}

function slotKey(index: number): string {
  return String(index);
}
