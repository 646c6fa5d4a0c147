import { errno } from '../../base/index.ts';
import { LocalStorage } from '../../maps/index.ts';
import { kernelSpace } from '../../memory/index.ts';
import type { CallWindow } from '../../vm/index.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** Values of tasks, sockets, inodes and cgroups (kernel/bpf/bpf_*_storage.c, net/core/bpf_sk_storage.c). */
export function storageHelpers(environment: HelperEnvironment): HelperBodies {
  const { maps, tasks, sockets, structs, cgroupObjects } = environment;
  type Find = (offset: number) => object | undefined;
  const taskAt: Find = (offset) => tasks.taskAt(offset);
  const sockAt: Find = (offset) => sockets.sockAt(offset);
  const cgroupAt: Find = (offset) => cgroupObjects.cgroupAt(offset);
  const inodeAt: Find = (offset) => structs.objectAt('inode', offset);

  function get(window: CallWindow, find: Find): void {
    const storage = maps.get(window.low(1));
    const owner = window.high(2) === kernelSpace ? find(window.low(2)) : undefined;
    let value = 0;
    if (storage instanceof LocalStorage && owner !== undefined && window.high(4) === 0) {
      const given = window.isMapped(3, storage.shape.valueSize);
      value = storage.of(owner, given ? window.low(3) : 0, window.low(4));
    }
    window.answerPointer(value);
  }

  function remove(window: CallWindow, find: Find): void {
    const storage = maps.get(window.low(1));
    const owner = window.high(2) === kernelSpace ? find(window.low(2)) : undefined;
    window.answer(storage instanceof LocalStorage && owner !== undefined ? storage.remove(owner) : -errno.EINVAL);
  }

  return {
    task_storage_get: (window) => get(window, taskAt),
    task_storage_delete: (window) => remove(window, taskAt),
    sk_storage_get: (window) => get(window, sockAt),
    sk_storage_delete: (window) => remove(window, sockAt),
    cgrp_storage_get: (window) => get(window, cgroupAt),
    cgrp_storage_delete: (window) => remove(window, cgroupAt),
    inode_storage_get: (window) => get(window, inodeAt),
    inode_storage_delete: (window) => remove(window, inodeAt),
  };
}
