import { assertNever } from '../../base/index.ts';
import type { KernelProfile } from '../../btf/index.ts';
import type { KernelObject, ObjectChange, Task } from '../../events/index.ts';
import type { Memory } from '../../memory/index.ts';
import { Values } from '../contexts/values.ts';
import type { Current } from '../machine/current.ts';
import type { SymbolTable } from '../machine/symbols.ts';
import type { Cgroups } from '../processes/cgroups.ts';
import { UserMemory } from '../processes/user-memory.ts';
import { CgroupObjects } from './cgroup-objects.ts';
import { Devices } from './devices.ts';
import { NamespaceTable } from './namespaces.ts';
import { Packets } from './packets.ts';
import { Sockets } from './sockets.ts';
import { Structs } from './structs.ts';
import { Tasks } from './tasks.ts';
import { kernelTexts } from './texts.ts';

/**
 * The kernel objects that events name, as real bytes at the offsets of the kernel's BTF. An object is made when a
 * point that something is attached to first shows it, so what nobody looks at costs nothing.
 */
export class KernelObjects {
  readonly values: Values;
  readonly tasks: Tasks;
  readonly userMemory: UserMemory;
  readonly structs: Structs;
  readonly #devices: Devices;
  readonly sockets: Sockets;
  readonly cgroups: CgroupObjects;
  readonly packets: Packets;

  constructor(memory: Memory, profile: KernelProfile, symbols: SymbolTable, cgroups: Cgroups, current: Current) {
    const { btf } = profile;
    const kernel = kernelTexts(memory);
    const namespaces = new NamespaceTable(memory, profile);
    this.userMemory = new UserMemory(memory, current);
    this.values = new Values(symbols, kernel, this.userMemory, (object) => this.address(object));
    this.structs = new Structs(memory, profile, this.values);
    this.#devices = new Devices(memory, btf, namespaces.own.net);
    this.sockets = new Sockets(memory, profile, namespaces, this.values);
    this.packets = new Packets(memory, btf, (object) => this.address(object));
    this.cgroups = new CgroupObjects(memory, profile);
    const cssSet = (task: Task) => this.cgroups.cssSet(cgroups.of(task));
    this.tasks = new Tasks(memory, profile, namespaces, this.values, cssSet, (task) => this.userMemory.area(task));
  }

  /** The kernel wrote into an object. @throws InputError */
  change(object: ObjectChange['object']): void {
    if (object.object === 'sock') this.sockets.change(object);
    else if (object.object === 'task') {
      this.userMemory.change(object.task);
      this.tasks.change(object.task);
    } else this.structs.change(object);
  }

  /** The offset of an object: the same for as long as it lives. @throws InputError when it cannot be made */
  address(object: KernelObject): number {
    switch (object.object) {
      case 'sk_buff':
        return this.packets.address(object);
      case 'sock':
        return this.sockets.address(object);
      case 'net_device':
        return this.#devices.address(object);
      case 'struct':
        return this.structs.address(object);
      case 'user':
        return this.userMemory.address(object, object.content);
      case 'task':
        return this.tasks.address(object.task);
      default:
        return assertNever(object);
    }
  }
}
