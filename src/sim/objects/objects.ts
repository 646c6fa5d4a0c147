import { assertNever } from '../../base/index.ts';
import type { KernelProfile } from '../../btf/index.ts';
import type { KernelObject } from '../../events/index.ts';
import { type Memory, pageKinds } from '../../memory/index.ts';
import type { SymbolTable } from '../symbols.ts';
import { Values } from '../values.ts';
import { Devices } from './devices.ts';
import { FieldWriter, StructFields } from './fields.ts';
import { Packets } from './packets.ts';
import { Sockets } from './sockets.ts';
import { Structs } from './structs.ts';
import { Tasks } from './tasks.ts';
import { Texts } from './texts.ts';

/**
 * The kernel objects that events name, as real bytes at the offsets of the kernel's BTF. An object is made when a
 * point that something is attached to first shows it, so what nobody looks at costs nothing.
 */
export class KernelObjects {
  readonly values: Values;
  readonly tasks: Tasks;
  readonly #user: Texts;
  readonly #structs: Structs;
  readonly #devices: Devices;
  readonly #sockets: Sockets;
  readonly #packets: Packets;

  constructor(memory: Memory, profile: KernelProfile, symbols: SymbolTable) {
    const { btf } = profile;
    const kernel = new Texts(memory, pageKinds.kernel);
    const net = makeNamespace(memory, profile);
    this.#user = new Texts(memory, pageKinds.user);
    this.#structs = new Structs(memory, profile);
    this.#devices = new Devices(memory, btf, net);
    this.#sockets = new Sockets(memory, btf, net);
    this.#packets = new Packets(memory, btf, (object) => this.address(object));
    this.tasks = new Tasks(memory, btf, makeProxy(memory, profile, net));
    this.values = new Values(symbols, kernel, this.#user, (object) => this.address(object));
  }

  /** The offset of an object: the same for as long as it lives. @throws InputError when it cannot be made */
  address(object: KernelObject): number {
    switch (object.object) {
      case 'sk_buff':
        return this.#packets.address(object);
      case 'sock':
        return this.#sockets.address(object);
      case 'net_device':
        return this.#devices.address(object);
      case 'struct':
        return this.#structs.address(object, this.values);
      case 'user':
        return this.#user.address(object, object.content);
      default:
        return assertNever(object);
    }
  }
}

/** The inode number that a machine's first network namespace has (PROC_DYNAMIC_FIRST). */
const firstNamespace = 0xf0000000;

/** The one network namespace: a struct net with its inode number. */
function makeNamespace(memory: Memory, { btf }: KernelProfile): number {
  const fields = new StructFields(btf, 'net');
  const net = memory.allocate(fields.size);
  new FieldWriter(memory).u32(net, fields.offset('ns.inum'), firstNamespace);
  return net;
}

function makeProxy(memory: Memory, { btf }: KernelProfile, net: number): number {
  const fields = new StructFields(btf, 'nsproxy');
  const proxy = memory.allocate(fields.size);
  new FieldWriter(memory).pointer(proxy, fields.offset('net_ns'), net);
  return proxy;
}
