import { errno } from '../base/index.ts';
import { HashMap } from './hash.ts';
import type { BpfMap, ElementCallback, MapShape } from './map.ts';

/**
 * hash_of_maps (kernel/bpf/hashtab.c: htab_of_maps_map_ops): a hash whose values are the offsets of inner maps'
 * objects, u32. User space writes fds and reads ids: whoever knows them calls `setInner`. Programs only look up.
 */
export class HashOfMaps extends HashMap {
  override lookup(key: number, cpu: number): number {
    const value = super.lookup(key, cpu);
    return value === 0 ? 0 : (this.memory.u32[value >>> 2] as number);
  }

  /** bpf(2) update of the key at offset `key` with an inner map; `scratch` is a place for 4 bytes. */
  setInner(key: number, inner: BpfMap, flags: number, scratch: number): number {
    this.memory.u32[scratch >>> 2] = inner.address;
    return super.put(key, scratch, flags, 0);
  }

  override update(_key: number, _value: number, _flags: number, _cpu: number): number {
    return -errno.EINVAL;
  }

  /** -EBADF: no number in memory is an fd here. */
  override userUpdate(_key: number, _source: number, _flags: number): number {
    return -errno.EBADF;
  }

  /** The kernel walks no maps of maps. */
  override forEach(_cpu: number, _callback: ElementCallback): number {
    return -errno.EINVAL;
  }

  override userTake(_key: number, _target: number): number {
    return -errno.ENOTSUPP;
  }
}

/**
 * Whether a map may stand where a map of maps was made with `template` (bpf_map_meta_equal and array_map_meta_equal):
 * all is equal but the entries, and of arrays also these unless BPF_F_INNER_MAP was asked for.
 */
export function mayReplace(template: MapShape, inner: MapShape): boolean {
  const sameEntries =
    template.type !== 'array' || (template.flags & innerMapFlag) !== 0 || template.maxEntries === inner.maxEntries;
  return (
    template.type === inner.type &&
    template.keySize === inner.keySize &&
    template.valueSize === inner.valueSize &&
    (template.flags & ~fileAccess) === (inner.flags & ~fileAccess) &&
    sameEntries
  );
}

/** BPF_F_INNER_MAP; BPF_F_RDONLY and BPF_F_WRONLY belong to the fd and not to the map. */
const innerMapFlag = 1 << 12;
const fileAccess = (1 << 3) | (1 << 4);
