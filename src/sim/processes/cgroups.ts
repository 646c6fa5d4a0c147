import { SysError } from '../../base/index.ts';
import type { Task } from '../../events/index.ts';
import type { Fd } from '../../sys/index.ts';
import { type FdTable, Resource } from '../fds/fds.ts';

/** A cgroup of version 2. Its id is the inode number of its directory: 1 for the root, the others as they are met. */
export interface Cgroup {
  readonly path: string;
  readonly id: number;
  /** From the root to this one. */
  readonly line: readonly Cgroup[];
}

export class CgroupResource extends Resource {
  override readonly kind = 'cgroup';
  readonly cgroup: Cgroup;

  constructor(cgroup: Cgroup) {
    super();
    this.cgroup = cgroup;
  }

  protected override release(): void {}
}

/** The cgroups that tasks are in and that user space opens; one that nobody named before is made. */
export class Cgroups {
  readonly #byPath = new Map<string, Cgroup>();
  readonly #byId: Cgroup[] = [];
  readonly #fds: FdTable;
  readonly #root: Cgroup;
  #lastId = 0;

  constructor(fds: FdTable) {
    this.#fds = fds;
    this.#root = this.#make('/', []);
  }

  /** @throws SysError ENOENT for what is no path from the root */
  open(path: string): Fd {
    if (!path.startsWith('/')) {
      throw new SysError('ENOENT', 'open', `cgroup '${path}'`, { expected: 'a path from the root: /system.slice' });
    }
    return this.#fds.open(new CgroupResource(this.at(path)));
  }

  of(task: Task): Cgroup {
    return task.cgroup === undefined ? this.#root : this.at(task.cgroup);
  }

  byId(id: number): Cgroup | undefined {
    return this.#byId[id - 1];
  }

  at(path: string): Cgroup {
    const known = this.#byPath.get(path);
    if (known) return known;
    let line: readonly Cgroup[] = [this.#root];
    let name = '';
    for (const part of path.split('/').filter((each) => each !== '')) {
      name += `/${part}`;
      line = (this.#byPath.get(name) ?? this.#make(name, line)).line;
    }
    const cgroup = line[line.length - 1] as Cgroup;
    this.#byPath.set(path, cgroup);
    return cgroup;
  }

  #make(path: string, above: readonly Cgroup[]): Cgroup {
    const line: Cgroup[] = [...above];
    const cgroup: Cgroup = { path, id: ++this.#lastId, line };
    line.push(cgroup);
    this.#byId.push(cgroup);
    this.#byPath.set(path, cgroup);
    return cgroup;
  }
}
