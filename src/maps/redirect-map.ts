import { errno } from '../base/index.ts';
import { updateFlags } from '../uapi/index.ts';
import { indexAt, nextIndex } from './array.ts';
import { MapObject } from './header.ts';
import type { BpfMap } from './map.ts';

/**
 * devmap, devmap_hash, cpumap, xskmap, sockmap, sockhash and reuseport_sockarray: where packets and sockets are sent
 * to. Nothing is sent here, so these maps stay empty: they can be made and named in programs, and answer as an empty
 * one does. What would name a device, CPU or socket is answered as for one that does not exist.
 */
export class RedirectMap extends MapObject implements BpfMap {
  get userValueSize(): number {
    return this.shape.valueSize;
  }

  lookup(_key: number, _cpu: number): number {
    return 0;
  }

  update(_key: number, _value: number, _flags: number, _cpu: number): number {
    return -errno.EOPNOTSUPP;
  }

  delete(key: number): number {
    switch (this.shape.type) {
      case 'devmap_hash':
      case 'sockhash':
        return -errno.ENOENT;
      case 'reuseport_sockarray':
        return this.#isBeyond(key) ? -errno.E2BIG : -errno.ENOENT;
      case 'sockmap':
        return -errno.EINVAL;
      default:
        return this.#isBeyond(key) ? -errno.EINVAL : 0;
    }
  }

  nextKey(key: number, next: number): number {
    const { type, maxEntries } = this.shape;
    if (type === 'devmap_hash' || type === 'sockhash') return -errno.ENOENT;
    return nextIndex(this.memory, key, next, maxEntries);
  }

  /** A socket's cookie needs 8 bytes of value: -ENOSPC for less (net/core/sock_map.c). */
  userLookup(_key: number, _target: number): number {
    const { type, valueSize } = this.shape;
    if (type === 'xskmap') return -errno.EOPNOTSUPP;
    const cookies = type === 'sockmap' || type === 'sockhash' || type === 'reuseport_sockarray';
    return cookies && valueSize === 4 ? -errno.ENOSPC : -errno.ENOENT;
  }

  userUpdate(key: number, source: number, flags: number): number {
    if ((flags & updateFlags.lock) !== 0 || flags > 0xffffffff) return -errno.EINVAL;
    const { type } = this.shape;
    const named = this.memory.view.getUint32(source, true);
    /** No fd is negative; another may be open, and is no socket's. */
    const isFd = named <= 0x7fffffff;
    if (type === 'devmap_hash') return -errno.EINVAL;
    if (type === 'sockmap' || type === 'sockhash') return isFd ? -errno.ENOTSOCK : -errno.EINVAL;
    if (flags > updateFlags.exist) return -errno.EINVAL;
    if (this.#isBeyond(key)) return -errno.E2BIG;
    if (type === 'xskmap' || type === 'reuseport_sockarray') return isFd ? -errno.ENOTSOCK : -errno.EBADF;
    if (flags === updateFlags.noExist) return -errno.EEXIST;
    // An ifindex or a queue size of 0 empties the slot, which is empty.
    if (named === 0) return 0;
    return type === 'cpumap' ? -errno.EOVERFLOW : -errno.EINVAL;
  }

  #isBeyond(key: number): boolean {
    return indexAt(this.memory, key) >= this.shape.maxEntries;
  }
}
