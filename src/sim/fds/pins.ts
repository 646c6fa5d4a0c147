import { SysError } from '../../base/index.ts';
import type { Fd } from '../../sys/index.ts';
import type { FdTable, Resource } from './fds.ts';

/**
 * The BPF file system: a path holds a map, a program or a link, so that it outlives its fds (kernel/bpf/inode.c).
 * Folders are there as soon as something is pinned in them.
 */
const root = '/sys/fs/bpf/';

export class Pins {
  readonly #fds: FdTable;
  readonly #pinned = new Map<string, Resource>();

  constructor(fds: FdTable) {
    this.#fds = fds;
  }

  /** BPF_OBJ_PIN. @throws SysError EEXIST; EPERM outside of the file system; EINVAL for what cannot be pinned */
  pin(fd: Fd, path: string): void {
    const op = 'obj_pin';
    const resource = this.#fds.any(fd, op);
    if (resource.kind === 'perf event' || resource.kind === 'cgroup') {
      throw new SysError('EINVAL', op, `a ${resource.kind} cannot be pinned`);
    }
    if (!path.startsWith(root) || path.endsWith('/')) {
      throw new SysError('EPERM', op, `'${path}' is not in the BPF file system`, { expected: `${root}NAME` });
    }
    if (this.#pinned.has(path)) throw new SysError('EEXIST', op, `'${path}' is there`);
    resource.hold();
    resource.opened();
    this.#pinned.set(path, resource);
  }

  /** BPF_OBJ_GET: a new fd. @throws SysError ENOENT */
  get(path: string): Fd {
    const resource = this.#at(path, 'obj_get');
    resource.opened();
    return this.#fds.open(resource);
  }

  /** unlink(2). @throws SysError ENOENT */
  unpin(path: string): void {
    const resource = this.#at(path, 'unlink');
    this.#pinned.delete(path);
    resource.unpinned();
    resource.letGo();
  }

  #at(path: string, op: string): Resource {
    const resource = this.#pinned.get(path);
    if (resource === undefined) throw new SysError('ENOENT', op, `nothing is pinned at '${path}'`);
    return resource;
  }

  /** As the end of the machine. */
  clear(): void {
    for (const path of [...this.#pinned.keys()]) this.unpin(path);
  }
}
