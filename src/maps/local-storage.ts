import { errno } from '../base/index.ts';
import { updateFlags } from '../uapi/index.ts';
import { copyBytes } from './copy.ts';
import { MapObject } from './header.ts';
import type { BpfMap } from './map.ts';

/** BPF_LOCAL_STORAGE_GET_F_CREATE */
const storageCreate = 1;

/**
 * sk_storage, task_storage, inode_storage and cgrp_storage (kernel/bpf/bpf_local_storage.c): a value that belongs to a
 * kernel object. Programs reach it by the object; to user space the key is an fd of it.
 */
export class LocalStorage extends MapObject implements BpfMap {
  readonly #values = new Map<object, number>();
  readonly #taken: number[] = [];
  readonly #free: number[] = [];

  get userValueSize(): number {
    return this.shape.valueSize;
  }

  /**
   * sk_storage_get, task_storage_get …
   * @param initial offset of the first value, or 0 for zeros
   * @returns offset of the owner's value; 0 when there is none and it is not asked for, or flags are unknown
   */
  of(owner: object, initial: number, flags: number): number {
    if (flags !== 0 && flags !== storageCreate) return 0;
    const value = this.#values.get(owner);
    if (value !== undefined) return value;
    return flags === storageCreate ? this.#create(owner, initial) : 0;
  }

  /** sk_storage_delete …: 0 or -ENOENT */
  remove(owner: object): number {
    const value = this.#values.get(owner);
    if (value === undefined) return -errno.ENOENT;
    this.#values.delete(owner);
    this.#free.push(value);
    this.set('count', this.#values.size);
    return 0;
  }

  /** bpf(2) update: 0, -EINVAL for flags, -EEXIST, -ENOENT, -ENOMEM */
  updateOf(owner: object, source: number, flags: number): number {
    if (flags > updateFlags.exist) return -errno.EINVAL;
    const old = this.#values.get(owner);
    if (old !== undefined && flags === updateFlags.noExist) return -errno.EEXIST;
    if (old === undefined && flags === updateFlags.exist) return -errno.ENOENT;
    if (old === undefined) return this.#create(owner, source) === 0 ? -errno.ENOMEM : 0;
    copyBytes(this.memory, old, source, this.shape.valueSize);
    return 0;
  }

  /** A key in memory is an fd: only whoever knows fds finds its owner. */
  lookup(_key: number, _cpu: number): number {
    return 0;
  }

  update(_key: number, _value: number, _flags: number, _cpu: number): number {
    return -errno.EOPNOTSUPP;
  }

  delete(_key: number): number {
    return this.#noFd();
  }

  nextKey(_key: number, _next: number): number {
    return -errno.ENOTSUPP;
  }

  userLookup(_key: number, _target: number): number {
    return this.#noFd();
  }

  userUpdate(_key: number, _source: number, flags: number): number {
    return (flags & updateFlags.lock) !== 0 ? -errno.EINVAL : this.#noFd();
  }

  override close(): void {
    for (const value of this.#taken.splice(0)) this.memory.free(value, this.shape.valueSize);
    super.close();
  }

  /** What sockfd_lookup answers for another fd, or fget for none. */
  #noFd(): number {
    return this.shape.type === 'sk_storage' ? -errno.ENOTSOCK : -errno.EBADF;
  }

  #create(owner: object, initial: number): number {
    const size = this.shape.valueSize;
    const value = this.#free.pop() ?? this.tryAllocate(size, this.#taken);
    if (value === 0) return 0;
    if (initial === 0) this.memory.u8.fill(0, value, value + size);
    else copyBytes(this.memory, value, initial, size);
    this.#values.set(owner, value);
    this.set('count', this.#values.size);
    return value;
  }
}
