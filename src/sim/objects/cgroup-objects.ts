import type { KernelProfile } from '../../btf/index.ts';
import type { Memory } from '../../memory/index.ts';
import type { Cgroup } from '../processes/cgroups.ts';
import { FieldWriter, StructFields } from './fields.ts';

/**
 * Cgroups as tracers reach them from a task, `task->cgroups->dfl_cgrp`: struct css_set, struct cgroup with its level and
 * ancestors, and the struct kernfs_node of its directory, whose name and id are those of the file system
 * (include/linux/cgroup-defs.h, kernfs.h). Made when a task of it is; there are as many as a machine has cgroups.
 */
export class CgroupObjects {
  readonly #memory: Memory;
  readonly #write: FieldWriter;
  readonly #set: StructFields | undefined;
  readonly #cgroup: StructFields;
  readonly #node: StructFields;
  /** Offsets of the css_set, by what it is of. */
  readonly #sets = new Map<Cgroup, number>();
  readonly #places = new Map<Cgroup, number>();
  readonly #byPlace = new Map<number, Cgroup>();

  constructor(memory: Memory, { btf }: KernelProfile) {
    this.#memory = memory;
    this.#write = new FieldWriter(memory);
    this.#set = btf.find('struct', 'css_set') === undefined ? undefined : new StructFields(btf, 'css_set');
    this.#cgroup = new StructFields(btf, 'cgroup');
    this.#node = new StructFields(btf, 'kernfs_node');
  }

  /** The offset of the css_set of tasks in a cgroup; 0 when this kernel's types do not tell of it. */
  cssSet(cgroup: Cgroup): number {
    const known = this.#sets.get(cgroup);
    if (known !== undefined || this.#set === undefined) return known ?? 0;
    const at = this.#memory.allocate(this.#set.size);
    this.#sets.set(cgroup, at);
    this.#write.pointer(at, this.#set.offset('dfl_cgrp'), this.address(cgroup));
    return at;
  }

  /** The offset of a cgroup's struct cgroup. */
  address(cgroup: Cgroup): number {
    const known = this.#places.get(cgroup);
    if (known !== undefined) return known;
    const { line, id } = cgroup;
    const level = line.length - 1;
    // The struct ends in an array of the ancestors, itself the last, or in room for the first of them.
    const ancestors = this.#cgroup.offset('ancestors');
    const at = this.#memory.allocate(Math.max(this.#cgroup.size, ancestors + 8 * line.length));
    this.#places.set(cgroup, at);
    this.#byPlace.set(at, cgroup);
    const write = this.#write;
    write.u32(at, this.#cgroup.offset('level'), level);
    write.pointer(at, this.#cgroup.offset('self.cgroup'), at);
    write.pointer(at, this.#cgroup.offset('kn'), this.#directory(cgroup));
    for (const [index, one] of line.entries()) {
      if (ancestors >= 0) write.pointer(at, ancestors + 8 * index, this.address(one));
      // Before 5.19 there were the ids of the ancestors instead.
      write.u64(at, withIndex(this.#cgroup.offset('ancestor_ids'), index), one.id);
    }
    write.u64(at, this.#cgroup.offset('id'), id);
    return at;
  }

  /** The cgroup whose struct is at an offset. */
  cgroupAt(offset: number): Cgroup | undefined {
    return this.#byPlace.get(offset);
  }

  #directory({ path, id, line }: Cgroup): number {
    const at = this.#memory.allocate(this.#node.size);
    const name = path.slice(path.lastIndexOf('/') + 1);
    const text = this.#memory.allocate(name.length + 1);
    this.#write.text(text, 0, name.length + 1, name);
    this.#write.pointer(at, this.#node.offset('name'), text);
    this.#write.u64(at, this.#node.offset('id'), id);
    const above = line[line.length - 2];
    const node =
      above === undefined ? 0 : this.#memory.view.getUint32(this.address(above) + this.#cgroup.offset('kn'), true);
    this.#write.pointer(at, this.#node.offset('parent', '__parent'), node);
    return at;
  }
}

function withIndex(offset: number, index: number): number {
  return offset < 0 ? -1 : offset + 8 * index;
}
