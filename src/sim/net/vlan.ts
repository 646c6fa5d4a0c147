import { errno } from '../../base/index.ts';
import { etherSize, isVlan, macSize, type Skbs, skbAt, swap16, vlanSize, wireProtocols } from './skb.ts';

/**
 * VLAN tags (include/linux/if_vlan.h, net/core/skbuff.c): the outermost is kept beside the packet, where a device with
 * tag offload would have put it; the next ones stand in the packet. `data` begins with the Ethernet header.
 */

/** skb_vlan_push */
export function vlanPush(skbs: Skbs, skb: number, protocol: number, tci: number): number {
  if (hasTag(skbs, skb)) {
    const status = insertTag(skbs, skb, swap16(skbs.get(skb, skbAt.vlanProtocol)), skbs.get(skb, skbAt.vlanTci));
    if (status !== 0) return status;
    skbs.set(skb, skbAt.protocol, skbs.get(skb, skbAt.vlanProtocol));
    skbs.set(skb, skbAt.network, skbs.get(skb, skbAt.network) - vlanSize);
  }
  setTag(skbs, skb, isVlan(protocol) ? protocol : wireProtocols.vlan, tci);
  return 0;
}

/** skb_vlan_pop: the tag beside the packet goes, and the outermost in it takes its place. */
export function vlanPop(skbs: Skbs, skb: number): number {
  if (hasTag(skbs, skb)) clearTag(skbs, skb);
  else {
    if (!isVlan(skbs.get(skb, skbAt.protocol))) return 0;
    const tci = takeTag(skbs, skb);
    if (tci < 0) return tci;
  }
  const protocol = skbs.get(skb, skbAt.protocol);
  if (!isVlan(protocol)) return 0;
  const tci = takeTag(skbs, skb);
  if (tci < 0) return tci;
  setTag(skbs, skb, protocol, tci);
  return 0;
}

/**
 * skb_vlan_untag: what __netif_receive_skb_core does with a tagged frame before anybody sees it.
 * @returns whether a tag was taken out
 */
export function vlanUntag(skbs: Skbs, skb: number): boolean {
  const protocol = skbs.get(skb, skbAt.protocol);
  if (!isVlan(protocol) || hasTag(skbs, skb)) return false;
  const meta = skbs.get(skb, skbAt.dataMeta);
  const tci = takeTag(skbs, skb);
  if (tci < 0) return false;
  // What XDP left before the packet stays before it.
  skbs.memory.u8.copyWithin(meta + vlanSize, meta, meta + skbs.get(skb, skbAt.metaSize));
  setTag(skbs, skb, protocol, tci);
  return true;
}

/** What the device sends: the tag goes into the packet (validate_xmit_vlan). @returns whether one was put in */
export function vlanToPacket(skbs: Skbs, skb: number): boolean {
  if (!hasTag(skbs, skb)) return false;
  const status = insertTag(skbs, skb, swap16(skbs.get(skb, skbAt.vlanProtocol)), skbs.get(skb, skbAt.vlanTci));
  if (status === 0) clearTag(skbs, skb);
  return status === 0;
}

export function hasTag(skbs: Skbs, skb: number): boolean {
  return skbs.get(skb, skbAt.vlanPresent) !== 0;
}

export function setTag(skbs: Skbs, skb: number, protocol: number, tci: number): void {
  skbs.set(skb, skbAt.vlanProtocol, protocol);
  skbs.set(skb, skbAt.vlanTci, tci & 0xffff);
  skbs.set(skb, skbAt.vlanPresent, 1);
}

function clearTag(skbs: Skbs, skb: number): void {
  skbs.set(skb, skbAt.vlanProtocol, 0);
  skbs.set(skb, skbAt.vlanTci, 0);
  skbs.set(skb, skbAt.vlanPresent, 0);
}

/** __vlan_insert_tag: behind the two addresses. @param protocol big-endian, as a number */
function insertTag(skbs: Skbs, skb: number, protocol: number, tci: number): number {
  const status = skbs.headroom(skb, vlanSize);
  if (status !== 0) return status;
  skbs.push(skb, vlanSize);
  const { u8, view } = skbs.memory;
  const data = skbs.get(skb, skbAt.data);
  u8.copyWithin(data, data + vlanSize, data + vlanSize + 2 * macSize);
  skbs.set(skb, skbAt.mac, skbs.get(skb, skbAt.mac) - vlanSize);
  view.setUint16(data + 2 * macSize, protocol, false);
  view.setUint16(data + 2 * macSize + 2, tci, false);
  return 0;
}

/** __skb_vlan_pop: takes the tag out of the packet. @returns it, or -ENOMEM */
function takeTag(skbs: Skbs, skb: number): number {
  if (skbs.length(skb) < etherSize + vlanSize) return -errno.ENOMEM;
  const { u8, view } = skbs.memory;
  const data = skbs.get(skb, skbAt.data);
  const tci = view.getUint16(data + etherSize, false);
  u8.copyWithin(data + vlanSize, data, data + 2 * macSize);
  skbs.pull(skb, vlanSize);
  const mac = skbs.get(skb, skbAt.mac) + vlanSize;
  skbs.set(skb, skbAt.mac, mac);
  skbs.set(skb, skbAt.protocol, skbs.protocolAt(mac));
  if (skbs.networkOffset(skb) < etherSize) {
    skbs.set(skb, skbAt.network, skbs.get(skb, skbAt.data) + etherSize);
  }
  return tci;
}
