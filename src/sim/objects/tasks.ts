import { roundUp } from '../../base/index.ts';
import type { KernelProfile } from '../../btf/index.ts';
import { identityOf, type Task } from '../../events/index.ts';
import type { Memory } from '../../memory/index.ts';
import type { Values } from '../contexts/values.ts';
import type { ProgramArea } from '../processes/user-memory.ts';
import { FieldWriter, StructFields } from './fields.ts';
import { Members } from './members.ts';
import type { NamespaceTable } from './namespaces.ts';
import { Pool } from './pool.ts';

/**
 * Tasks as struct task_struct with what tracers read of it: ids, comm, parents, leader, credentials, namespaces, begin
 * (include/linux/sched.h). Made when a program first asks for one, with the tasks that it points to.
 *
 *   task_struct | cred | struct pid | mm_struct, of a leader
 */
const live = 512;
/** TASK_COMM_LEN */
export const commSize = 16;
/** PF_KTHREAD, PF_IDLE (include/linux/sched.h). */
const flagsOf = { kernelThread: 0x00200000, idle: 0x00000002 } as const;

/** Who made the tasks whose parent nobody names. */
const init: Task = { pid: 1, tgid: 1, comm: 'systemd', uid: 0, gid: 0 };
const kthreadd: Task = { pid: 2, tgid: 2, comm: 'kthreadd', uid: 0, gid: 0, kernelThread: true };
const swapper: Task = { pid: 0, tgid: 0, comm: 'swapper/0', uid: 0, gid: 0 };

/** real_parent: the idle task made init and kthreadd, and is its own. */
export function parentOf(task: Task): Task {
  if (task.parent !== undefined) return task.parent;
  if (task.pid === 0) return task;
  if (task.pid <= 2) return swapper;
  return task.kernelThread === true ? kthreadd : init;
}

export function isKernelThread(task: Task): boolean {
  return task.kernelThread === true || task.pid === 0;
}

function credOffsets(fields: StructFields) {
  const ids = (names: readonly string[]) => names.map((name) => fields.offset(`${name}.val`, name));
  return { users: ids(['uid', 'euid', 'suid', 'fsuid']), groups: ids(['gid', 'egid', 'sgid', 'fsgid']) };
}

function taskOffsets(fields: StructFields) {
  return {
    state: fields.offset('__state', 'state'),
    pid: fields.offset('pid'),
    tgid: fields.offset('tgid'),
    flags: fields.offset('flags'),
    cred: fields.offset('cred'),
    realCred: fields.offset('real_cred'),
    leader: fields.offset('group_leader'),
    parent: fields.offset('parent'),
    realParent: fields.offset('real_parent'),
    proxy: fields.offset('nsproxy'),
    struct: fields.offset('thread_pid'),
    mm: fields.offset('mm'),
    activeMm: fields.offset('active_mm'),
    startTime: fields.offset('start_time'),
    cgroups: fields.offset('cgroups'),
    startBootTime: fields.offset('start_boottime', 'real_start_time'),
  };
}

function pidOffsets(fields: StructFields) {
  const level = (index: number) => ({
    number: fields.offset(`numbers[${index}].nr`),
    namespace: fields.offset(`numbers[${index}].ns`),
  });
  return { level: fields.offset('level'), numbers: [level(0), level(1)] };
}

function memoryOffsets(fields: StructFields) {
  return {
    argStart: fields.offset('arg_start'),
    argEnd: fields.offset('arg_end'),
    envStart: fields.offset('env_start'),
    envEnd: fields.offset('env_end'),
  };
}

export class Tasks {
  readonly #memory: Memory;
  readonly #write: FieldWriter;
  readonly #members: Members;
  readonly #namespaces: NamespaceTable;
  readonly #cssSet: (task: Task) => number;
  readonly #area: (task: Task) => ProgramArea;
  readonly #whole: number;
  readonly #places: { readonly cred: number; readonly pid: number; readonly mm: number };
  readonly #comm: number;
  readonly #at: ReturnType<typeof taskOffsets>;
  readonly #credAt: ReturnType<typeof credOffsets>;
  readonly #pidAt: ReturnType<typeof pidOffsets>;
  readonly #memoryAt: ReturnType<typeof memoryOffsets>;
  readonly #pool: Pool<Task>;
  /** What tasks that changed are like, by what they first were. */
  readonly #latest = new WeakMap<Task, Task>();
  /** __state of tasks that do not run, by what they first were. */
  readonly #states = new WeakMap<Task, number>();
  /** Leaders of threads whose leader nobody names. */
  readonly #leaders = new WeakMap<Task, Task>();

  /** @param cssSet the offset of the css_set of a task's cgroup; @param area where its arguments lie */
  constructor(
    memory: Memory,
    profile: KernelProfile,
    namespaces: NamespaceTable,
    values: Values,
    cssSet: (task: Task) => number,
    area: (task: Task) => ProgramArea,
  ) {
    const { btf } = profile;
    const fields = new StructFields(btf, 'task_struct');
    const cred = new StructFields(btf, 'cred');
    const pid = new StructFields(btf, 'pid');
    const mm = new StructFields(btf, 'mm_struct');
    this.#memory = memory;
    this.#members = new Members(memory, profile, values, [fields]);
    this.#write = new FieldWriter(memory);
    this.#namespaces = namespaces;
    this.#cssSet = cssSet;
    this.#area = area;
    this.#comm = fields.offset('comm');
    this.#at = taskOffsets(fields);
    this.#credAt = credOffsets(cred);
    this.#pidAt = pidOffsets(pid);
    this.#memoryAt = memoryOffsets(mm);
    // Two levels of numbers: the struct ends in an array of one or none.
    const pidSize = Math.max(pid.size, (this.#pidAt.numbers[1]?.namespace ?? 0) + 8);
    const credPlace = roundUp(fields.size, 8);
    const pidPlace = credPlace + roundUp(cred.size, 8);
    this.#places = { cred: credPlace, pid: pidPlace, mm: pidPlace + roundUp(pidSize, 8) };
    this.#whole = this.#places.mm + mm.size;
    this.#pool = new Pool<Task>(live, () => memory.allocate(this.#whole));
  }

  /** The offset of a task's task_struct: the same while it lives. */
  address(task: Task): number {
    const key = identityOf(task);
    const known = this.#pool.find(key);
    return known !== 0 ? known : this.#fill(this.#pool.take(key), this.#latest.get(key) ?? task);
  }

  /** A task is like this from now on. */
  change(task: Task): void {
    const key = identityOf(task);
    const known = this.#pool.find(key);
    this.#latest.set(key, task);
    if (known !== 0) this.#fill(known, task);
  }

  /** A task sleeps or runs from now on: its __state, 0 is TASK_RUNNING. */
  setState(task: Task, state: number): void {
    const key = identityOf(task);
    const known = this.#pool.find(key);
    if (state === 0) this.#states.delete(key);
    else this.#states.set(key, state);
    if (known !== 0) this.#write.u32(known, this.#at.state, state);
  }

  /** The task whose task_struct is at an offset. */
  taskAt(offset: number): Task | undefined {
    return this.#pool.keyAt(offset);
  }

  /** The offset of a task's comm: 16 bytes, padded with NULs. */
  comm(task: Task): number {
    return this.address(task) + this.#comm;
  }

  /** What a task is called in its own pid namespace, and the namespace's inode number. */
  inside(task: Task): { readonly pid: number; readonly tgid: number; readonly namespace: number } {
    const { pidNumber, level } = this.#namespaces.of(task.container);
    const pids = level === 0 ? undefined : task.container?.pids;
    return { pid: pids?.[task.pid] ?? task.pid, tgid: pids?.[task.tgid] ?? task.tgid, namespace: pidNumber };
  }

  #leader(task: Task): Task {
    if (task.pid === task.tgid) return task;
    if (task.leader !== undefined) return task.leader;
    let leader = this.#leaders.get(task);
    if (leader === undefined) {
      leader = { ...task, pid: task.tgid };
      this.#leaders.set(task, leader);
    }
    return leader;
  }

  #fill(at: number, task: Task): number {
    const write = this.#write;
    const cred = at + this.#places.cred;
    this.#memory.u8.fill(0, at, at + this.#whole);
    write.u32(at, this.#at.state, this.#states.get(identityOf(task)) ?? 0);
    write.u32(at, this.#at.pid, task.pid);
    write.u32(at, this.#at.tgid, task.tgid);
    write.text(at, this.#comm, commSize, task.comm);
    write.pointer(at, this.#at.cred, cred);
    write.pointer(at, this.#at.realCred, cred);
    for (const offset of this.#credAt.users) write.u32(cred, offset, task.uid);
    for (const offset of this.#credAt.groups) write.u32(cred, offset, task.gid);
    const idle = task.pid === 0 ? flagsOf.idle : 0;
    write.u32(at, this.#at.flags, isKernelThread(task) ? flagsOf.kernelThread | idle : 0);
    write.u64(at, this.#at.startTime, task.startTime ?? 0);
    write.u64(at, this.#at.startBootTime, task.startTime ?? 0);
    write.pointer(at, this.#at.cgroups, this.#cssSet(task));
    this.#fillNamespaces(at, task);
    this.#fillRelatives(at, task);
    if (task.fields !== undefined) this.#members.write(at, task.fields);
    return at;
  }

  #fillNamespaces(at: number, task: Task): void {
    const write = this.#write;
    const { own } = this.#namespaces;
    const { proxy, pid, level } = this.#namespaces.of(task.container);
    const struct = at + this.#places.pid;
    write.pointer(at, this.#at.proxy, proxy);
    write.pointer(at, this.#at.struct, struct);
    write.u32(struct, this.#pidAt.level, level);
    const [outer, inner] = this.#pidAt.numbers;
    write.u32(struct, outer?.number ?? -1, task.pid);
    write.pointer(struct, outer?.namespace ?? -1, own.pid);
    if (level === 0) return;
    write.u32(struct, inner?.number ?? -1, this.inside(task).pid);
    write.pointer(struct, inner?.namespace ?? -1, pid);
  }

  /** Pointers to other tasks, which are made now; and the memory that a process's threads share. */
  #fillRelatives(at: number, task: Task): void {
    const write = this.#write;
    const leader = this.address(this.#leader(task));
    const parent = this.address(parentOf(task));
    write.pointer(at, this.#at.leader, leader);
    write.pointer(at, this.#at.parent, parent);
    write.pointer(at, this.#at.realParent, parent);
    if (isKernelThread(task)) return;
    if (leader === at) this.#fillMemory(at + this.#places.mm, task);
    write.pointer(at, this.#at.mm, leader + this.#places.mm);
    write.pointer(at, this.#at.activeMm, leader + this.#places.mm);
  }

  /** Where the strings of execve(2) lie. */
  #fillMemory(mm: number, task: Task): void {
    const area = this.#area(task);
    for (const [name, offset] of Object.entries(this.#memoryAt)) {
      this.#write.userPointer(mm, offset, area[name as keyof ProgramArea]);
    }
  }
}
