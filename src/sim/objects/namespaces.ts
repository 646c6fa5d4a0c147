import type { KernelProfile } from '../../btf/index.ts';
import type { Container } from '../../events/index.ts';
import type { Memory } from '../../memory/index.ts';
import { releaseAtLeast } from '../../uapi/index.ts';
import { FieldWriter, StructFields } from './fields.ts';

/**
 * Namespaces as tracers reach them from a task: struct nsproxy and the namespaces that it points to, each with its
 * inode number (include/linux/nsproxy.h, include/uapi/linux/nsfs.h). The machine's own have the numbers that Linux
 * gives to the first of each kind; a container has its own of those kinds that it names.
 */
export interface Namespaces {
  /** Offset of the struct nsproxy. */
  readonly proxy: number;
  /** Offset of the struct pid_namespace. */
  readonly pid: number;
  /** 0 for the machine's own pid namespace, 1 inside of a container's. */
  readonly level: number;
  readonly pidNumber: number;
  readonly net: number;
}

/** PROC_*_INIT_INO; mnt and net have fixed numbers since 6.18, the first free ones before. */
const first = {
  ipc: 0xefffffff,
  uts: 0xeffffffe,
  user: 0xeffffffd,
  pid: 0xeffffffc,
  cgroup: 0xeffffffb,
  time: 0xeffffffa,
};
const fixed = { net: 0xeffffff9, mount: 0xeffffff8 };
const free = { net: 0xf0000000, mount: 0xf0000001 };
/** st_dev of files of nsfs, as stat(2) of /proc/PID/ns/pid tells on a usual machine. */
export const namespaceDevice = 4;
const hostname = 'localhost';

export class NamespaceTable {
  readonly #memory: Memory;
  readonly #profile: KernelProfile;
  readonly #write: FieldWriter;
  readonly #inside = new Map<string, Namespaces>();
  readonly #nets = new Map<number, number>();
  readonly own: Namespaces;

  constructor(memory: Memory, profile: KernelProfile) {
    this.#memory = memory;
    this.#profile = profile;
    this.#write = new FieldWriter(memory);
    this.own = this.#make(undefined, {});
  }

  /** The namespaces of a task in a container, or in none. */
  of(container: Container | undefined): Namespaces {
    if (container === undefined) return this.own;
    const { pidNamespace, mountNamespace, netNamespace } = container;
    const key = `${pidNamespace} ${mountNamespace} ${netNamespace} ${container.hostname}`;
    let made = this.#inside.get(key);
    if (made === undefined) {
      made = this.#make(this.own, container);
      this.#inside.set(key, made);
    }
    return made;
  }

  /** Offset of the struct net of that inode number; the machine's own when undefined. */
  net(number: number | undefined): number {
    return number === undefined ? this.own.net : this.#net(number);
  }

  #net(number: number): number {
    let at = this.#nets.get(number);
    if (at === undefined) {
      at = this.#numbered('net', number);
      this.#nets.set(number, at);
    }
    return at;
  }

  #make(outer: Namespaces | undefined, container: Container): Namespaces {
    const { net, mount } = releaseAtLeast(this.#profile.release, '6.18') ? fixed : free;
    const write = this.#write;
    const proxy = this.#struct('nsproxy');
    const pidNumber = container.pidNamespace ?? first.pid;
    const ownPid = outer === undefined || container.pidNamespace !== undefined;
    const pid = ownPid ? this.#numbered('pid_namespace', pidNumber) : outer.pid;
    const level = outer !== undefined && ownPid ? 1 : 0;
    const pidFields = this.#fields('pid_namespace');
    if (ownPid && pidFields !== undefined) {
      write.u32(pid, pidFields.offset('level'), level);
      write.pointer(pid, pidFields.offset('parent'), outer?.pid ?? 0);
    }
    const netPlace =
      container.netNamespace === undefined && outer !== undefined
        ? outer.net
        : this.#net(container.netNamespace ?? net);
    const uts = this.#numbered('uts_namespace', first.uts);
    write.text(uts, this.#fields('uts_namespace')?.offset('name.nodename') ?? -1, 65, container.hostname ?? hostname);
    const at = this.#fields('nsproxy');
    const set = (member: string, target: number) => write.pointer(proxy, at?.offset(member) ?? -1, target);
    set('pid_ns_for_children', pid);
    set('net_ns', netPlace);
    set('uts_ns', uts);
    set('mnt_ns', this.#numbered('mnt_namespace', container.mountNamespace ?? mount));
    set('ipc_ns', this.#numbered('ipc_namespace', first.ipc));
    set('cgroup_ns', this.#numbered('cgroup_namespace', first.cgroup));
    set('time_ns', this.#numbered('time_namespace', first.time));
    return { proxy, pid, level, pidNumber, net: netPlace };
  }

  #fields(name: string): StructFields | undefined {
    return this.#profile.btf.find('struct', name) === undefined ? undefined : new StructFields(this.#profile.btf, name);
  }

  /** A zeroed struct; 0 when this kernel's BTF does not know it. */
  #struct(name: string): number {
    const fields = this.#fields(name);
    return fields === undefined ? 0 : this.#memory.allocate(Math.max(8, fields.size));
  }

  #numbered(name: string, number: number): number {
    const at = this.#struct(name);
    if (at !== 0) this.#write.u32(at, this.#fields(name)?.offset('ns.inum') ?? -1, number);
    return at;
  }
}
