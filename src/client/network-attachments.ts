import type { TcTarget } from '../sys/index.ts';
import { type ProgramType, xdpFlags } from '../uapi/index.ts';
import type { BpfLink, Target } from './attach.ts';
import { Attachments } from './attachments.ts';
import { BpfError } from './bpf-error.ts';
import { BpfProgram } from './bpf-object.ts';
import { deviceNamed, type PacketSocket, type PacketSocketOptions, PacketSockets } from './packet-socket.ts';

/** Where else a classifier of tc stands; see TcTarget. */
export type TcOptions = Pick<TcTarget, 'directAction' | 'priority' | 'handle'>;

/** A program as the attach calls of the network take it: what loadFunc gave, or the name of a function. */
export type ProgramName = string | BpfProgram;

/**
 * How BCC's BPF class puts programs on network devices and sockets: XDP, tc's clsact, and filters of packet sockets.
 * Devices go by name.
 */
export abstract class NetworkAttachments extends Attachments {
  /** What loadFunc loads a function as, by BCC's names. */
  static readonly SOCKET_FILTER: ProgramType = 'socket_filter';
  static readonly KPROBE: ProgramType = 'kprobe';
  static readonly SCHED_CLS: ProgramType = 'sched_cls';
  static readonly SCHED_ACT: ProgramType = 'sched_act';
  static readonly TRACEPOINT: ProgramType = 'tracepoint';
  static readonly XDP: ProgramType = 'xdp';
  static readonly PERF_EVENT: ProgramType = 'perf_event';
  static readonly CGROUP_SKB: ProgramType = 'cgroup_skb';
  static readonly RAW_TRACEPOINT: ProgramType = 'raw_tracepoint';
  /** Flags of attachXdp (include/uapi/linux/if_link.h). */
  static readonly XDP_FLAGS_UPDATE_IF_NOEXIST: number = xdpFlags.updateIfNoExist;
  static readonly XDP_FLAGS_SKB_MODE: number = xdpFlags.skbMode;
  static readonly XDP_FLAGS_DRV_MODE: number = xdpFlags.drvMode;
  static readonly XDP_FLAGS_HW_MODE: number = xdpFlags.hwMode;
  static readonly XDP_FLAGS_REPLACE: number = xdpFlags.replace;

  protected readonly sockets = new PacketSockets();

  /** The program, loaded as `type` unless it was loaded before. */
  #program(fn: ProgramName, type: ProgramType): BpfProgram {
    return fn instanceof BpfProgram ? fn : this.loadFunc(fn, type);
  }

  /**
   * Puts an XDP program on a device, in the place of one that is there.
   * @param flags XDP_FLAGS_*: in the driver (DRV_MODE) or behind it on sk_buffs (SKB_MODE); the driver where it can when
   * neither; UPDATE_IF_NOEXIST leaves a program that is there
   * @throws BpfError ENODEV, EBUSY and EEXIST where another program is there, EOPNOTSUPP, ERANGE, EINVAL
   */
  attachXdp(dev: string, fn: ProgramName, flags = 0): BpfLink {
    const { ifindex } = deviceNamed(this.kernel, dev);
    const [link] = this.#program(fn, 'xdp').attach({ kind: 'xdp', ifindex, flags });
    return link as BpfLink;
  }

  /** Takes the XDP program off a device; where there is none of this object nothing happens. @throws BpfError ENODEV */
  removeXdp(dev: string, _flags = 0): void {
    const { ifindex } = deviceNamed(this.kernel, dev);
    for (const link of this.#linksAt((target) => target.kind === 'xdp' && target.ifindex === ifindex)) link.close();
  }

  /**
   * Puts a classifier on a device's way in or out. What it answers, TC_ACT_SHOT and the like, is done, unless
   * `directAction` is false.
   * @throws BpfError ENODEV, EEXIST for a handle that is taken, EINVAL
   */
  attachTc(dev: string, direction: TcTarget['direction'], fn: ProgramName, options: TcOptions = {}): BpfLink {
    const { ifindex } = deviceNamed(this.kernel, dev);
    const target: Target = { kind: 'tc', ifindex, direction, ...options };
    const [link] = this.#program(fn, 'sched_cls').attach(target);
    return link as BpfLink;
  }

  /** Takes this object's classifiers off a device's way, or only that program. @throws BpfError ENODEV, ENOENT */
  detachTc(dev: string, direction: TcTarget['direction'], fnName?: string): void {
    const { ifindex } = deviceNamed(this.kernel, dev);
    const links = this.#linksAt(
      (target, program) =>
        target.kind === 'tc' &&
        target.ifindex === ifindex &&
        target.direction === direction &&
        (fnName === undefined || program === fnName),
    );
    if (links.length === 0) throw new BpfError('ENOENT', 'detach', `no classifier is at ${dev} ${direction}`);
    for (const link of links) link.close();
  }

  #linksAt(matches: (target: BpfLink['target'], program: string) => boolean): BpfLink[] {
    return this.object.links.filter(({ open, target, program }) => open && matches(target, program));
  }

  /** A packet socket without a filter; closed with the object. @throws BpfError ENODEV */
  openPacketSocket(options: PacketSocketOptions = {}): PacketSocket {
    return this.sockets.open(this.kernel, options);
  }

  /**
   * Opens a packet socket on a device, all devices for '', whose filter is the program (BCC's attach_raw_socket).
   * @throws BpfError ENODEV
   */
  attachRawSocket(fn: ProgramName, dev = ''): PacketSocket {
    const program = this.#program(fn, 'socket_filter');
    const socket = this.openPacketSocket({ dev });
    program.attach({ kind: 'socket', socket: socket.fd });
    return socket;
  }

  /** Makes the program the filter of a socket that is open, in place of another; or of a new one on a device. */
  attachSocket(fn: ProgramName, where: PacketSocket | string = ''): PacketSocket {
    if (typeof where === 'string') return this.attachRawSocket(fn, where);
    this.#program(fn, 'socket_filter').attach({ kind: 'socket', socket: where.fd });
    return where;
  }
}
