import { errno } from '../../base/index.ts';
import { redirectFlags, xdpActions } from '../../uapi/index.ts';
import type { Runs } from '../points/runs.ts';
import type { PacketBuffer, PacketBuffers } from './buffers.ts';
import { cloneOf } from './clone.ts';
import type { Device } from './devices.ts';
import type { XdpLink } from './links.ts';
import type { Network, PacketFate } from './network.ts';
import type { RedirectTarget } from './redirect-target.ts';
import { type Skbs, skbAt, vlanSize, xdpAt } from './skb.ts';
import { fillXdp } from './skb-fill.ts';

/** What xdp_do_redirect gives where no helper named a target. */
const noTarget = -errno.EBADRQC;
/** The map_id of a redirection that went without a map (INT_MAX). */
const noMap = 0x7fff_ffff;

/**
 * XDP programs on devices, in the driver (native) or behind it on an sk_buff (generic, net/core/dev.c:
 * do_xdp_generic). What goes elsewhere goes straight to the other driver: no classifier and no socket sees it. In the
 * driver there is no sk_buff yet, so nothing tells of a packet that ends there but its device's counter.
 */
export class XdpStage {
  readonly #skbs: Skbs;
  readonly #packets: PacketBuffers;
  readonly #runs: Runs;
  readonly #target: RedirectTarget;
  readonly #network: Network;

  constructor(skbs: Skbs, packets: PacketBuffers, runs: Runs, target: RedirectTarget, network: Network) {
    this.#skbs = skbs;
    this.#packets = packets;
    this.#runs = runs;
    this.#target = target;
    this.#network = network;
  }

  /** Runs a device's program on a packet whose `data` begins with the link header. */
  run(link: XdpLink, buffer: PacketBuffer, device: Device, queue: number): PacketFate {
    const skbs = this.#skbs;
    const { skb, xdp } = buffer;
    fillXdp(skbs, buffer, skbs.get(skb, skbAt.data), skbs.length(skb));
    skbs.set(xdp, xdpAt.ingressIfindex, device.ifindex);
    skbs.set(xdp, xdpAt.queue, queue);
    this.#target.clear();
    const outer = this.#packets.running;
    this.#packets.running = buffer;
    buffer.kind = 'xdp';
    const action = this.#runs.runPacket(link, xdp);
    this.#packets.running = outer;
    buffer.kind = 'skb';
    this.#network.tracer.changed(buffer);
    this.#takeOver(buffer);
    return this.#act(action, link, buffer, device);
  }

  /** The packet is as the program left it. */
  #takeOver({ skb, xdp }: PacketBuffer): void {
    const skbs = this.#skbs;
    const data = skbs.get(xdp, xdpAt.data);
    skbs.set(skb, skbAt.metaSize, data - skbs.get(xdp, xdpAt.dataMeta));
    skbs.set(skb, skbAt.data, data);
    skbs.set(skb, skbAt.mac, data);
    skbs.set(skb, skbAt.dataMeta, skbs.get(xdp, xdpAt.dataMeta));
    skbs.setLength(skb, skbs.get(xdp, xdpAt.frameEnd) - data);
  }

  #act(action: number, link: XdpLink, buffer: PacketBuffer, device: Device): PacketFate {
    const network = this.#network;
    switch (action) {
      case xdpActions.pass:
        return 'passed';
      case xdpActions.tx:
        return network.leave(buffer, device);
      case xdpActions.redirect:
        return this.#redirect(link, buffer, device);
      case xdpActions.drop:
        break;
      default:
        network.tracer.exception(link.program.id, action >>> 0, device);
    }
    if (link.mode === 'native') return network.discard(buffer, device);
    return network.drop(buffer, device, 'xdpGeneric', 'NOT_SPECIFIED');
  }

  /** xdp_do_redirect, xdp_do_generic_redirect */
  #redirect(link: XdpLink, buffer: PacketBuffer, device: Device): PacketFate {
    const { map, key, flags, ifindex, named } = this.#target;
    const { tracer } = this.#network;
    const program = link.program.id;
    if (map !== null && (flags & redirectFlags.broadcast) !== 0) return this.#sendToAll(link, buffer, device);
    const target = this.#network.devices.at(ifindex);
    const error = named ? this.#refusal(target, buffer, link) : noTarget;
    const mapId = map === null ? (named ? noMap : 0) : this.#network.mapId(map);
    tracer.redirect(program, device, ifindex, error, mapId, key);
    if (error === 0) {
      this.#network.leave(buffer, target as Device);
      return 'redirected';
    }
    if (link.mode === 'native') return this.#network.discard(buffer, device);
    return this.#network.drop(buffer, device, 'xdpRedirect', 'XDP');
  }

  /** xdp_ok_fwd_dev, and whether the driver takes frames of others. */
  #refusal(target: Device | undefined, buffer: PacketBuffer, link: XdpLink): number {
    if (target === undefined) return -errno.EINVAL;
    if (link.mode === 'native' && target.isLoopback) return -errno.EOPNOTSUPP;
    if (!target.up) return -errno.ENETDOWN;
    const most = target.mtu + target.header + vlanSize;
    return this.#skbs.length(buffer.skb) > most ? -errno.EMSGSIZE : 0;
  }

  /** dev_map_enqueue_multi: a clone for each device of the map. */
  #sendToAll(link: XdpLink, buffer: PacketBuffer, device: Device): PacketFate {
    const { map, flags } = this.#target;
    for (const target of this.#network.devices.all) {
      if ((flags & redirectFlags.excludeIngress) !== 0 && target === device) continue;
      if (map?.holdsDevice(target.ifindex) !== true || this.#refusal(target, buffer, link) !== 0) continue;
      const clone = cloneOf(this.#skbs, this.#packets, buffer);
      if (clone !== null) this.#network.leave(clone, target);
    }
    this.#network.release(buffer);
    return 'redirected';
  }
}
