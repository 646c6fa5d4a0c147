import { type ErrnoName, errno, errnoName, SysError, viewOf } from '../../base/index.ts';
import {
  type BpfMap,
  createMap,
  DeviceMap,
  FdArray,
  HashOfMaps,
  isMapOfMaps,
  mayReplace,
  PerfEventArray,
  RingBufferMap,
  UserRingBuffer,
} from '../../maps/index.ts';
import { type Memory, wholePages } from '../../memory/index.ts';
import type { Fd, MapCreate } from '../../sys/index.ts';
import { type MapType, mapFlags, updateFlags } from '../../uapi/index.ts';
import type { Ledger } from '../machine/ledger.ts';
import type { Timers } from '../machine/timers.ts';
import type { ProgramResource } from '../programs/programs.ts';
import type { FdTable, Resource } from './fds.ts';
import { MapResource } from './map-resource.ts';
import type { PerfEventResource } from './perf-events.ts';
import { checkedTypes } from './value-record.ts';

/** The map commands of bpf(2) (kernel/bpf/syscall.c): bytes are copied in and out through a bounce buffer. */
export class MapCommands {
  readonly #memory: Memory;
  readonly #cpus: number;
  readonly #fds: FdTable;
  /** Maps by the offset that a program's pointer holds. */
  readonly byAddress: Map<number, BpfMap>;
  /** Rings by the offset of their consumer page. */
  readonly rings = new Map<number, RingBufferMap>();
  readonly #ledger: Ledger;
  readonly #timers: Timers;
  readonly #byId = new Map<number, MapResource>();
  /** Whether a device has an ifindex: what goes into maps of devices. Given by the network when it is there. */
  isDevice: (ifindex: number) => boolean = () => false;
  #lastId = 0;
  /** Bounce buffers for a key, the next key, and a value. */
  #bounce = 0;
  #bounceSize = 0;

  constructor(memory: Memory, cpus: number, fds: FdTable, ledger: Ledger, timers: Timers) {
    this.#memory = memory;
    this.#cpus = cpus;
    this.#fds = fds;
    this.#ledger = ledger;
    this.#timers = timers;
    this.byAddress = new Map();
  }

  create(attributes: MapCreate): Fd {
    const { type, keySize, valueSize, maxEntries, flags = 0, name = '', extra = 0, innerMap, types } = attributes;
    const inner = isMapOfMaps(type) && innerMap !== undefined ? this.#get(innerMap, 'map_create').map.shape : undefined;
    const record = types === undefined ? undefined : checkedTypes(attributes, types);
    const shape = {
      type,
      keySize,
      valueSize,
      maxEntries,
      flags,
      name,
      extra,
      ...(record ? { special: record.fields } : {}),
    };
    const map = createMap(this.#memory, this.#cpus, shape, inner);
    const resource = new MapResource(this.#memory, map, ++this.#lastId, inner, record, this.#timers, (gone) =>
      this.#forget(gone),
    );
    this.byAddress.set(map.address, map);
    if (map instanceof DeviceMap) map.isDevice = (ifindex) => this.isDevice(ifindex);
    this.#byId.set(resource.id, resource);
    if (map instanceof RingBufferMap) {
      this.rings.set(map.pages, map);
      this.#ledger.addSharedRing(map);
    }
    return this.#open(resource);
  }

  /** The id of a map; 0 for one that user space has not made. */
  idOf(map: BpfMap): number {
    for (const resource of this.#byId.values()) if (resource.map === map) return resource.id;
    return 0;
  }

  fdById(id: number): Fd {
    const resource = this.#byId.get(id);
    if (resource === undefined) throw new SysError('ENOENT', 'map_get_fd_by_id', `no map has the id ${id}`);
    return this.#open(resource);
  }

  #open(resource: MapResource): Fd {
    resource.opened();
    return this.#fds.open(resource);
  }

  #forget(resource: MapResource): void {
    const { map } = resource;
    this.byAddress.delete(map.address);
    this.#byId.delete(resource.id);
    if (!(map instanceof RingBufferMap)) return;
    this.rings.delete(map.pages);
    this.#ledger.removeSharedRing(map);
  }

  mmap(fd: Fd): Uint8Array {
    const resource = this.#get(fd, 'mmap');
    const { map } = resource;
    const { type, flags, valueSize, maxEntries } = map.shape;
    if (map instanceof RingBufferMap || map instanceof UserRingBuffer) {
      return this.#memory.bytes(map.pages, map.mappedSize);
    }
    if (type === 'array' && (flags & mapFlags.mmapable) !== 0) {
      return this.#memory.bytes(resource.firstValue(), wholePages(Math.ceil(valueSize / 8) * 8 * maxEntries));
    }
    throw new SysError(type === 'array' ? 'EINVAL' : 'ENOTSUPP', 'mmap', `${type} map '${map.shape.name}'`, {
      hint: type === 'array' ? 'make it with the flag BPF_F_MMAPABLE' : 'only arrays and ring buffers can be mapped',
    });
  }

  lookup(fd: Fd, key: Uint8Array, wanted?: Uint8Array): Uint8Array {
    const op = 'map_lookup_elem';
    const resource = this.#get(fd, op);
    const { map } = resource;
    const at = this.#copyIn(map, key, op);
    const id = holdsIds[map.shape.type] === undefined ? undefined : idOf(resource.item(resource.keyAt(at)));
    if (id !== undefined) return new Uint8Array(new Uint32Array([id]).buffer);
    const value = this.#valueAt(map);
    if (wanted !== undefined) {
      if (wanted.length !== map.userValueSize) throw wrongSize(op, map, 'value', wanted.length, map.userValueSize);
      this.#memory.u8.set(wanted, value);
    }
    check(map.userLookup(at, value), op, map);
    return this.#memory.u8.slice(value, value + map.userValueSize);
  }

  lookupAndDelete(fd: Fd, key: Uint8Array): Uint8Array {
    const op = 'map_lookup_and_delete_elem';
    const { map } = this.#writable(fd, op);
    const at = this.#copyIn(map, key, op);
    const value = this.#valueAt(map);
    check(map.userTake(at, value), op, map);
    return this.#memory.u8.slice(value, value + map.userValueSize);
  }

  update(fd: Fd, key: Uint8Array, value: Uint8Array, flags: number): void {
    const op = 'map_update_elem';
    const resource = this.#writable(fd, op);
    const { map } = resource;
    const at = this.#copyIn(map, key, op);
    if (value.length !== map.userValueSize) throw wrongSize(op, map, 'value', value.length, map.userValueSize);
    const hasLock = resource.record?.fields.some(({ kind }) => kind === 'spinLock') === true;
    if ((flags & updateFlags.lock) !== 0 && !hasLock) check(-errno.EINVAL, op, map);
    const target = this.#valueAt(map);
    if (map instanceof PerfEventArray || map instanceof FdArray || map instanceof HashOfMaps) {
      check(this.#updateFd(resource, at, viewOf(value).getInt32(0, true), flags, target), op, map);
      return;
    }
    this.#memory.u8.set(value, target);
    check(map.userUpdate(at, target, flags), op, map);
  }

  /** bpf_fd_array_map_update_elem and bpf_fd_htab_map_update_elem: the first asks for its slot before the fd. */
  #updateFd(resource: MapResource, key: number, fd: Fd, flags: number, scratch: number): number {
    const { map } = resource;
    const op = 'map_update_elem';
    if (map instanceof HashOfMaps) return resource.setInner(map, key, this.#inner(resource, fd), flags, scratch);
    const status = map.userUpdate(key, 0, flags);
    if (errnoName(status) !== 'EBADF') return status;
    const index = this.#memory.view.getUint32(key, true);
    if (map instanceof PerfEventArray) {
      return resource.setEvent(map, index, this.#fds.get<PerfEventResource>(fd, 'perf event', op), flags);
    }
    return map instanceof FdArray ? resource.setItem(map, index, this.#item(resource, fd), flags) : status;
  }

  #item(resource: MapResource, fd: Fd): Resource {
    const { type } = resource.map.shape;
    if (type === 'array_of_maps') return this.#inner(resource, fd);
    if (type === 'cgroup_array') return this.#fds.get(fd, 'cgroup', 'map_update_elem');
    const program = this.#fds.any(fd, 'map_update_elem');
    if (program.kind !== 'program') throw wrongItem(resource.map, `fd ${fd} is a ${program.kind}`, 'a program');
    const { type: programType } = program as ProgramResource;
    resource.programs ??= programType;
    if (resource.programs === programType) return program;
    throw wrongItem(resource.map, `a ${programType} program`, `a ${resource.programs} program, as its others are`);
  }

  /** bpf_map_fd_get_ptr: a map that is like the template. */
  #inner(resource: MapResource, fd: Fd): MapResource {
    const inner = this.#fds.any(fd, 'map_update_elem');
    if (inner.kind !== 'map') throw wrongItem(resource.map, `fd ${fd} is a ${inner.kind}`, 'a map');
    const { shape } = (inner as MapResource).map;
    if (resource.inner !== undefined && mayReplace(resource.inner, shape)) return inner as MapResource;
    throw wrongItem(resource.map, `map '${shape.name}'`, 'a map of the shape of its inner map');
  }

  delete(fd: Fd, key: Uint8Array): void {
    const op = 'map_delete_elem';
    const resource = this.#writable(fd, op);
    const { map } = resource;
    const at = this.#copyIn(map, key, op);
    if (map instanceof PerfEventArray) {
      check(resource.setEvent(map, viewOf(key).getUint32(0, true), null, 0), op, map);
    } else if (map instanceof FdArray) {
      check(resource.setItem(map, viewOf(key).getUint32(0, true), null, 0), op, map);
    } else {
      check(map.delete(at), op, map);
      if (map instanceof HashOfMaps) resource.keep(resource.keyAt(at), null);
    }
  }

  /** map_freeze (kernel/bpf/syscall.c) */
  freeze(fd: Fd): void {
    const resource = this.#get(fd, 'map_freeze');
    if (resource.frozen) throw new SysError('EBUSY', 'map_freeze', `map '${resource.map.shape.name}' is frozen`);
    resource.frozen = true;
  }

  /** map_get_sys_perms: a frozen map may not be written. */
  #writable(fd: Fd, op: string): MapResource {
    const resource = this.#get(fd, op);
    if (!resource.frozen) return resource;
    throw new SysError('EPERM', op, `map '${resource.map.shape.name}' is frozen`);
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

  /** The map of an fd; for a command that changes it one that is not frozen. @throws SysError EBADF, EPERM */
  resource(fd: Fd, op: string, changes: boolean): MapResource {
    return changes ? this.#writable(fd, op) : this.#get(fd, op);
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

/** Kinds that hold objects which have an id: what bpf(2) reads of them. */
const holdsIds: Partial<Record<MapType, true>> = { prog_array: true, array_of_maps: true, hash_of_maps: true };

function idOf(item: Resource | undefined): number | undefined {
  return item === undefined ? undefined : (item as MapResource | ProgramResource).id;
}

function wrongItem(map: BpfMap, given: string, expected: string): SysError {
  return new SysError('EINVAL', 'map_update_elem', `${map.shape.type} map '${map.shape.name}': ${given}`, { expected });
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
