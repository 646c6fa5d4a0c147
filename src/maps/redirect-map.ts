import { errno } from '../base/index.ts';
import { updateFlags } from '../uapi/index.ts';
import { indexAt, nextIndex } from './array.ts';
import { MapObject } from './header.ts';
import type { BpfMap } from './map.ts';

/**
 * cpumap, xskmap, sockmap, sockhash and reuseport_sockarray: where packets and sockets are sent to. Nothing is sent
 * there here, so these maps stay empty: they can be made and named in programs, and answer as an empty one does. What
 * would name a CPU or socket is answered as for one that does not exist. Maps of devices are in device-map.ts.
 */
export class RedirectMap extends MapObject implements BpfMap {
  get userValueSize(): number {
    return this.shape.valueSize;
  }

  /** The ifindex of the device under a key; 0 when there is none. */
  device(_key: number): number {
    return 0;
  }

  /** Whether the device is anywhere in it. */
  holdsDevice(_ifindex: number): boolean {
    return false;
  }

  lookup(_key: number, _cpu: number): number {
    return 0;
  }

  update(_key: number, _value: number, _flags: number, _cpu: number): number {
    return -errno.EOPNOTSUPP;
  }

  delete(key: number): number {
    switch (this.shape.type) {
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
    if (type === 'sockhash') return -errno.ENOENT;
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
    if (type === 'sockmap' || type === 'sockhash') return isFd ? -errno.ENOTSOCK : -errno.EINVAL;
    if (flags > updateFlags.exist) return -errno.EINVAL;
    if (this.#isBeyond(key)) return -errno.E2BIG;
    if (type === 'xskmap' || type === 'reuseport_sockarray') return isFd ? -errno.ENOTSOCK : -errno.EBADF;
    if (flags === updateFlags.noExist) return -errno.EEXIST;
    // A queue size of 0 empties the slot, which is empty.
    return named === 0 ? 0 : -errno.EOVERFLOW;
  }

  #isBeyond(key: number): boolean {
    return indexAt(this.memory, key) >= this.shape.maxEntries;
  }
}
