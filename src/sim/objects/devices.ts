import type { Btf } from '../../btf/index.ts';
import type { NetDevice } from '../../events/index.ts';
import type { Memory } from '../../memory/index.ts';
import { FieldWriter, StructFields } from './fields.ts';
import { Pool } from './pool.ts';

/** Devices as struct net_device: name, ifindex, mtu, type and namespace (include/linux/netdevice.h). */
const live = 64;
const interfaceNameSize = 16;
const defaultMtu = 1500;
/** ARPHRD_ETHER */
const ethernet = 1;

export class Devices {
  readonly #memory: Memory;
  readonly #write: FieldWriter;
  readonly #size: number;
  readonly #net: number;
  readonly #at: Record<'name' | 'ifindex' | 'mtu' | 'type' | 'net', number>;
  readonly #pool: Pool<NetDevice>;

  /** @param net offset of the network namespace that all devices are in */
  constructor(memory: Memory, btf: Btf, net: number) {
    const fields = new StructFields(btf, 'net_device');
    this.#memory = memory;
    this.#write = new FieldWriter(memory);
    this.#size = fields.size;
    this.#net = net;
    this.#at = {
      name: fields.offset('name'),
      ifindex: fields.offset('ifindex'),
      mtu: fields.offset('mtu'),
      type: fields.offset('type'),
      net: fields.offset('nd_net.net'),
    };
    this.#pool = new Pool<NetDevice>(live, () => memory.allocate(fields.size));
  }

  /** The offset of a device's struct net_device: the same while it lives. */
  address(device: NetDevice): number {
    const known = this.#pool.find(device);
    if (known !== 0) return known;
    const dev = this.#pool.take(device);
    const write = this.#write;
    this.#memory.u8.fill(0, dev, dev + this.#size);
    write.text(dev, this.#at.name, interfaceNameSize, device.name);
    write.u32(dev, this.#at.ifindex, device.ifindex);
    write.u32(dev, this.#at.mtu, device.mtu ?? defaultMtu);
    write.u16(dev, this.#at.type, device.type ?? ethernet);
    write.pointer(dev, this.#at.net, this.#net);
    return dev;
  }
}
