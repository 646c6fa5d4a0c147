import { SysError } from '../../base/index.ts';
import { pageSize } from '../../memory/index.ts';
import type {
  AttachTarget,
  Fd,
  PacketSocketOpen,
  ReceivedPacket,
  SocketStatistics,
  TcTarget,
  XdpTarget,
} from '../../sys/index.ts';
import { xdpFlags } from '../../uapi/index.ts';
import type { FdTable } from '../fds/fds.ts';
import { LinkResource } from '../points/points.ts';
import type { ProgramResource } from '../programs/programs.ts';
import type { Device } from './devices.ts';
import { TcLink, XdpLink } from './links.ts';
import type { Network } from './network.ts';
import { PacketSocket } from './packet-socket.ts';
import { xdpRooms } from './skb-fill.ts';

const op = 'attach';
const modes = xdpFlags.skbMode | xdpFlags.drvMode | xdpFlags.hwMode;
const known = modes | xdpFlags.updateIfNoExist | xdpFlags.replace;
/** tcf_auto_prio: where classifiers begin that name no priority. */
const firstPriority = 0xc000;
const lastPriority = 0xffff;

export type NetworkTarget = XdpTarget | TcTarget | { readonly kind: 'socket'; readonly socket: Fd };

/** Programs on devices and sockets, and the sockets that packets are read from. */
export class NetworkPoints {
  readonly #network: Network;
  readonly #fds: FdTable;

  constructor(network: Network, fds: FdTable) {
    this.#network = network;
    this.#fds = fds;
  }

  /** @throws SysError ENODEV, EINVAL, EEXIST, EBUSY, EOPNOTSUPP, ERANGE as Linux */
  attach(program: ProgramResource, target: NetworkTarget): LinkResource {
    switch (target.kind) {
      case 'xdp':
        return this.#attachXdp(program, target);
      case 'tc':
        return this.#attachTc(program, target);
      default:
        return this.#attachSocket(program, target);
    }
  }

  /** dev_xdp_attach (net/core/dev.c) */
  #attachXdp(program: ProgramResource, target: XdpTarget): LinkResource {
    const device = this.#network.devices.get(target.ifindex, op);
    const flags = target.flags ?? 0;
    const mode = modeOf(device, flags);
    const before = device.xdp[0];
    if ((flags & xdpFlags.replace) !== 0 && before !== undefined) {
      throw new SysError('EEXIST', op, `the active program does not match the expected one`);
    }
    if ((flags & xdpFlags.updateIfNoExist) !== 0 && before?.mode === mode) {
      throw new SysError('EBUSY', op, `an XDP program is already attached (${before.program.name})`);
    }
    if (before !== undefined && before.mode !== mode) {
      throw new SysError('EEXIST', op, `native and generic XDP cannot be active at the same time`, {
        hint: `${before.program.name} is attached in ${before.mode} mode: remove it first, or attach in that mode`,
      });
    }
    if (mode === 'native') checkDriver(device);
    before?.detach();
    return new XdpLink(target, program, device.xdp, mode);
  }

  /** tc_new_tfilter, cls_bpf_change (net/sched) */
  #attachTc(program: ProgramResource, target: TcTarget): LinkResource {
    const device = this.#network.devices.get(target.ifindex, op);
    const list = target.direction === 'ingress' ? device.ingress : device.egress;
    const { priority = (list[0]?.priority ?? firstPriority + 1) - 1 } = target;
    if (!Number.isInteger(priority) || priority < 1 || priority > lastPriority) {
      throw new SysError('EINVAL', op, `priority ${priority}`, { expected: `1 to ${lastPriority}` });
    }
    const same = list.filter((link) => link.priority === priority);
    const { handle = freeHandle(same) } = target;
    if (same.some((link) => link.handle === handle)) {
      throw new SysError('EEXIST', op, `there is a filter ${handle} of priority ${priority}`);
    }
    return new TcLink(target, program, list, priority, handle);
  }

  /** sk_attach_bpf: in place of the filter that is there. */
  #attachSocket(program: ProgramResource, target: NetworkTarget & { kind: 'socket' }): LinkResource {
    const socket = this.#socket(target.socket, op);
    socket.filters[0]?.detach();
    return new LinkResource(target, program, socket.filters, 0);
  }

  /** @throws SysError ENODEV */
  open(attributes: PacketSocketOpen): Fd {
    const { ifindex = 0 } = attributes;
    const device = ifindex === 0 ? null : this.#network.devices.get(ifindex, 'bind');
    const taps = device === null ? this.#network.taps.everywhere : device.taps;
    return this.#fds.open(new PacketSocket(attributes, device, taps));
  }

  receive(fd: Fd): ReceivedPacket | null {
    return this.#socket(fd, 'recvmsg').receive();
  }

  statistics(fd: Fd): SocketStatistics {
    const { packets, drops } = this.#socket(fd, 'getsockopt');
    return { packets: packets + drops, drops };
  }

  #socket(fd: Fd, call: string): PacketSocket {
    const resource = this.#fds.any(fd, call);
    if (resource instanceof PacketSocket) return resource;
    throw new SysError('ENOTSOCK', call, `fd ${fd} is a ${resource.kind}`, { expected: 'a socket' });
  }
}

export function isNetworkTarget(target: AttachTarget): target is AttachTarget & NetworkTarget {
  return target.kind === 'xdp' || target.kind === 'tc' || target.kind === 'socket';
}

/** dev_xdp_mode: native where the driver can. */
function modeOf(device: Device, flags: number): 'native' | 'generic' {
  const asked = flags & modes;
  if ((flags & ~known) !== 0 || (asked & (asked - 1)) !== 0) {
    throw new SysError('EINVAL', op, `XDP flags 0x${flags.toString(16)}`, {
      expected: 'one of XDP_FLAGS_SKB_MODE, XDP_FLAGS_DRV_MODE, or neither, and XDP_FLAGS_UPDATE_IF_NOEXIST',
    });
  }
  if (asked === xdpFlags.hwMode) {
    throw new SysError('EOPNOTSUPP', op, `the driver of ${device.name} does not support XDP offload`);
  }
  if (asked !== 0) return asked === xdpFlags.drvMode ? 'native' : 'generic';
  return device.hasNativeXdp ? 'native' : 'generic';
}

/** What a driver wants: an Ethernet device whose frames fit a page with their rooms. */
function checkDriver(device: Device): void {
  if (!device.hasNativeXdp) {
    throw new SysError('EOPNOTSUPP', op, `the driver of ${device.name} does not support XDP in native mode`, {
      hint: 'attach with XDP_FLAGS_SKB_MODE',
    });
  }
  const most = pageSize - xdpRooms.head - xdpRooms.tail - device.header;
  if (device.mtu <= most) return;
  throw new SysError('ERANGE', op, `an MTU of ${device.mtu} is too large for XDP`, {
    expected: `${most} at most`,
    hint: 'attach with XDP_FLAGS_SKB_MODE',
  });
}

/** The lowest handle that none has. */
function freeHandle(links: readonly TcLink[]): number {
  let handle = 1;
  while (links.some((link) => link.handle === handle)) handle++;
  return handle;
}
