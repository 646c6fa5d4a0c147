import { SysError } from '../../base/index.ts';
import type { Fd } from '../../sys/index.ts';

/**
 * The file descriptors of the one process that there is. A resource (map, program, link, perf event) lives while
 * somebody holds it: its fd, a program that uses a map, a link that runs a program, an array that outputs to an
 * event. Who lets go last releases it.
 */
export abstract class Resource {
  abstract readonly kind: 'map' | 'program' | 'link' | 'perf event' | 'cgroup' | 'socket';
  #holders = 0;

  /** Whether the last holder has gone. */
  get released(): boolean {
    return this.#holders === 0;
  }

  hold(): void {
    this.#holders++;
  }

  letGo(): void {
    if (--this.#holders === 0) this.release();
  }

  /** User space got an fd or a pin of it. */
  opened(): void {}

  /** The fd is closed: what goes with the file and not with the last holder. */
  closed(): void {}

  /** A pin is gone. */
  unpinned(): void {}

  /** Frees what it holds. */
  protected abstract release(): void;
}

/** 0, 1 and 2 are taken: standard input, output and error. */
const firstFd = 3;

export class FdTable {
  readonly #open: (Resource | undefined)[] = [];

  /** The lowest number that is free, as open(2) gives it. */
  open(resource: Resource): Fd {
    let index = this.#open.indexOf(undefined);
    if (index < 0) index = this.#open.length;
    this.#open[index] = resource;
    resource.hold();
    return index + firstFd;
  }

  /** @throws SysError EBADF when there is no such fd, or it is of another kind */
  get<T extends Resource>(fd: Fd, kind: T['kind'], op: string): T {
    const resource = this.#open[fd - firstFd];
    if (resource === undefined) throw new SysError('EBADF', op, `fd ${fd} is not open`);
    if (resource.kind !== kind) {
      throw new SysError('EBADF', op, `fd ${fd} is a ${resource.kind}`, { expected: `a ${kind}` });
    }
    return resource as T;
  }

  /** Whatever the fd is of, or undefined when it is not open. */
  find(fd: Fd): Resource | undefined {
    return this.#open[fd - firstFd];
  }

  /** Whatever the fd is of. @throws SysError EBADF */
  any(fd: Fd, op: string): Resource {
    const resource = this.#open[fd - firstFd];
    if (resource === undefined) throw new SysError('EBADF', op, `fd ${fd} is not open`);
    return resource;
  }

  /** @throws SysError EBADF */
  close(fd: Fd): void {
    const resource = this.#open[fd - firstFd];
    if (resource === undefined) throw new SysError('EBADF', 'close', `fd ${fd} is not open`);
    this.#open[fd - firstFd] = undefined;
    resource.closed();
    resource.letGo();
  }

  /** As the end of the process: every fd that is still open. */
  closeAll(): void {
    for (const [index, resource] of this.#open.entries()) if (resource !== undefined) this.close(index + firstFd);
  }
}
