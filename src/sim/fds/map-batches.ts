import { type ErrnoName, SysError, viewOf } from '../../base/index.ts';
import { HashMap, HashOfMaps } from '../../maps/index.ts';
import type { Fd, MapBatch } from '../../sys/index.ts';
import { type MapType, updateFlags } from '../../uapi/index.ts';
import type { MapCommands } from './map-commands.ts';
import type { MapResource } from './map-resource.ts';

/**
 * The batch commands of bpf(2): generic_map_lookup_batch and its kin (kernel/bpf/syscall.c), which go from key to key,
 * and __htab_map_lookup_and_delete_batch (kernel/bpf/hashtab.c), which goes from bucket to bucket. A batch that ends early
 * tells how far it came and why.
 */
const hashes: readonly MapType[] = ['hash', 'percpu_hash', 'lru_hash', 'lru_percpu_hash', 'hash_of_maps'];
const arrays: readonly MapType[] = ['array', 'percpu_array', 'array_of_maps'];
/** The kinds of maps that have each command; the others answer ENOTSUPP. */
const having = {
  lookup: new Set<MapType>([...hashes, ...arrays, 'lpm_trie']),
  take: new Set<MapType>(hashes),
  update: new Set<MapType>([...hashes, ...arrays, 'lpm_trie']),
  delete: new Set<MapType>([...hashes, 'lpm_trie']),
} as const;

type Command = keyof typeof having;

export class MapBatches {
  readonly #maps: MapCommands;

  constructor(maps: MapCommands) {
    this.#maps = maps;
  }

  /** BPF_MAP_LOOKUP_BATCH; with `take` BPF_MAP_LOOKUP_AND_DELETE_BATCH. */
  lookup(fd: Fd, take: boolean, after: Uint8Array | null, most: number, flags: number): MapBatch {
    const resource = this.#begin(fd, take ? 'take' : 'lookup', flags);
    if (most === 0) return { count: 0, keys: [], values: [], next: after, errno: null };
    const { map } = resource;
    return map instanceof HashMap || map instanceof HashOfMaps
      ? this.#buckets(fd, map, take, after, most)
      : this.#keys(fd, after, most);
  }

  update(fd: Fd, keys: readonly Uint8Array[], values: readonly Uint8Array[], flags: number): MapBatch {
    this.#begin(fd, 'update', flags);
    return each(keys, (key, index) => this.#maps.update(fd, key, values[index] ?? new Uint8Array(), flags));
  }

  delete(fd: Fd, keys: readonly Uint8Array[], flags: number): MapBatch {
    this.#begin(fd, 'delete', flags);
    return each(keys, (key) => this.#maps.delete(fd, key));
  }

  /** @throws SysError ENOTSUPP, EINVAL for flags other than BPF_F_LOCK on values with a lock, EPERM when frozen, EBADF */
  #begin(fd: Fd, command: Command, flags: number): MapResource {
    const op = `map_${command === 'take' ? 'lookup_and_delete' : command}_batch`;
    const resource = this.#maps.resource(fd, op, command !== 'lookup');
    const { type, name } = resource.map.shape;
    if (!having[command].has(type)) throw new SysError('ENOTSUPP', op, `${type} map '${name}' has no batches`);
    const hasLock = resource.record?.fields.some(({ kind }) => kind === 'spinLock') === true;
    if ((flags & ~updateFlags.lock) !== 0 || (flags !== 0 && !hasLock)) {
      throw new SysError('EINVAL', op, `flags ${flags} for map '${name}'`, {
        expected: '0, or BPF_F_LOCK where there is a lock',
      });
    }
    return resource;
  }

  /** A token is the key that was given last. */
  #keys(fd: Fd, after: Uint8Array | null, most: number): MapBatch {
    const keys: Uint8Array[] = [];
    const values: Uint8Array[] = [];
    let last = after;
    let errno: ErrnoName | null = null;
    while (keys.length < most && errno === null) {
      const key = this.#maps.nextKey(fd, last);
      if (key === null) errno = 'ENOENT';
      else {
        last = key;
        const value = found(() => this.#maps.lookup(fd, key));
        if (value === undefined) continue;
        keys.push(key);
        values.push(value);
      }
    }
    return { count: keys.length, keys, values, next: keys.length > 0 ? last : null, errno };
  }

  /** A token is the number of the next bucket; a bucket is given whole, or not at all: ENOSPC when none has room. */
  #buckets(fd: Fd, map: HashMap, take: boolean, after: Uint8Array | null, most: number): MapBatch {
    const keys: Uint8Array[] = [];
    const values: Uint8Array[] = [];
    let bucket = after === null ? 0 : viewOf(after).getUint32(0, true);
    let errno: ErrnoName | null = bucket >= map.buckets ? 'ENOENT' : null;
    while (errno === null) {
      const here = map.keysOf(bucket);
      if (here.length > most - keys.length) {
        if (keys.length === 0) errno = 'ENOSPC';
        break;
      }
      for (const key of here) {
        keys.push(key);
        values.push(this.#maps.lookup(fd, key));
        if (take) this.#maps.delete(fd, key);
      }
      bucket++;
      if (bucket >= map.buckets) errno = 'ENOENT';
    }
    const next = new Uint8Array(new Uint32Array([bucket]).buffer);
    return { count: keys.length, keys, values, next, errno };
  }
}

/** Does it for one after the other until one fails. */
function each(keys: readonly Uint8Array[], work: (key: Uint8Array, index: number) => void): MapBatch {
  let count = 0;
  let errno: ErrnoName | null = null;
  for (const [index, key] of keys.entries()) {
    try {
      work(key, index);
      count++;
    } catch (fault) {
      if (!(fault instanceof SysError)) throw fault;
      errno = fault.errno;
      break;
    }
  }
  return { count, keys: [], values: [], next: null, errno };
}

/** ENOENT is no fault: the key went since. */
function found(work: () => Uint8Array): Uint8Array | undefined {
  try {
    return work();
  } catch (fault) {
    if (fault instanceof SysError && fault.errno === 'ENOENT') return undefined;
    throw fault;
  }
}
