import { roundUp } from '../../base/index.ts';
import type { Btf } from '../../btf/index.ts';
import type { Task } from '../../events/index.ts';
import type { Memory } from '../../memory/index.ts';
import { FieldWriter, StructFields } from './fields.ts';
import { Pool } from './pool.ts';

/**
 * Tasks as struct task_struct with the ids, the comm and the credentials that tracers read (include/linux/sched.h).
 * Made when a program first asks for one.
 *
 *   task_struct | cred
 */
const live = 512;
/** TASK_COMM_LEN */
export const commSize = 16;

function credOffsets(fields: StructFields) {
  const ids = (names: readonly string[]) => names.map((name) => fields.offset(`${name}.val`, name));
  return { users: ids(['uid', 'euid', 'suid', 'fsuid']), groups: ids(['gid', 'egid', 'sgid', 'fsgid']) };
}

export class Tasks {
  readonly #memory: Memory;
  readonly #write: FieldWriter;
  readonly #size: number;
  readonly #whole: number;
  readonly #namespaces: number;
  readonly #comm: number;
  readonly #at: Record<'pid' | 'tgid' | 'cred' | 'realCred' | 'leader' | 'parent' | 'realParent' | 'proxy', number>;
  readonly #credAt: ReturnType<typeof credOffsets>;
  readonly #pool: Pool<Task>;

  /** @param namespaces offset of the struct nsproxy that all tasks share */
  constructor(memory: Memory, btf: Btf, namespaces: number) {
    const fields = new StructFields(btf, 'task_struct');
    const cred = new StructFields(btf, 'cred');
    this.#memory = memory;
    this.#write = new FieldWriter(memory);
    this.#namespaces = namespaces;
    this.#size = roundUp(fields.size, 8);
    this.#whole = this.#size + cred.size;
    this.#comm = fields.offset('comm');
    this.#credAt = credOffsets(cred);
    this.#at = {
      pid: fields.offset('pid'),
      tgid: fields.offset('tgid'),
      cred: fields.offset('cred'),
      realCred: fields.offset('real_cred'),
      leader: fields.offset('group_leader'),
      parent: fields.offset('parent'),
      realParent: fields.offset('real_parent'),
      proxy: fields.offset('nsproxy'),
    };
    this.#pool = new Pool<Task>(live, () => memory.allocate(this.#whole));
  }

  /** The offset of a task's task_struct: the same while it lives. */
  address(task: Task): number {
    const known = this.#pool.find(task);
    return known !== 0 ? known : this.#fill(this.#pool.take(task), task);
  }

  /** The offset of a task's comm: 16 bytes, padded with NULs. */
  comm(task: Task): number {
    return this.address(task) + this.#comm;
  }

  #fill(at: number, task: Task): number {
    const write = this.#write;
    const cred = at + this.#size;
    this.#memory.u8.fill(0, at, at + this.#whole);
    write.u32(at, this.#at.pid, task.pid);
    write.u32(at, this.#at.tgid, task.tgid);
    write.text(at, this.#comm, commSize, task.comm);
    write.pointer(at, this.#at.cred, cred);
    write.pointer(at, this.#at.realCred, cred);
    // Of a thread that is not the leader no leader is known: it is its own here.
    write.pointer(at, this.#at.leader, at);
    write.pointer(at, this.#at.parent, at);
    write.pointer(at, this.#at.realParent, at);
    write.pointer(at, this.#at.proxy, this.#namespaces);
    for (const offset of this.#credAt.users) write.u32(cred, offset, task.uid);
    for (const offset of this.#credAt.groups) write.u32(cred, offset, task.gid);
    return at;
  }
}
