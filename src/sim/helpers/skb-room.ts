import { errno } from '../../base/index.ts';
import { etherSize, ipSizes, longestSkb, Skbs, skbAt, wireProtocols } from '../net/skb.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';
import { onSkb } from './packet-context.ts';

/** BPF_F_ADJ_ROOM_* (include/uapi/linux/bpf.h); the size of an inner link header stands in the top byte of 64 bits. */
const roomFlags = {
  fixedGso: 1 << 0,
  encapIp4: 1 << 1,
  encapIp6: 1 << 2,
  encapGre: 1 << 3,
  encapUdp: 1 << 4,
  noChecksumReset: 1 << 5,
  encapEthernet: 1 << 6,
  decapIp4: 1 << 7,
  decapIp6: 1 << 8,
} as const;
const encap = roomFlags.encapIp4 | roomFlags.encapIp6;
const decap = roomFlags.decapIp4 | roomFlags.decapIp6;
const known = 0x1ff;
const shrinkFlags = roomFlags.fixedGso | decap | roomFlags.noChecksumReset;
const innerSizeShift = 24;
/** BPF_ADJ_ROOM_NET, BPF_ADJ_ROOM_MAC */
const modes = { network: 0, mac: 1 } as const;
const mostRoom = 0xfff;

/** Room made and taken away between headers: tunnels, and IPv4 for IPv6 (net/core/filter.c). */
export function skbRoomHelpers({ memory, packets }: HelperEnvironment): HelperBodies {
  const skbs = new Skbs(memory);

  /** bpf_skb_net_base_len */
  const baseSize = (skb: number): number =>
    skbs.get(skb, skbAt.protocol) === wireProtocols.ip4 ? ipSizes.ip4 : ipSizes.ip6;

  function adjust(skb: number, difference: number, mode: number, flags: number, innerSize: number): number {
    const bytes = Math.abs(difference);
    if (bytes > mostRoom) return -errno.EFAULT;
    if (!skbs.isIp(skb)) return -errno.ENOTSUPP;
    if (mode !== modes.network && mode !== modes.mac) return -errno.ENOTSUPP;
    const offset = skbs.macLength(skb) + (mode === modes.network ? baseSize(skb) : 0);
    let least = baseSize(skb);
    if ((flags & decap) !== 0) {
      if (difference >= 0 || (flags & decap) === decap) return -errno.EINVAL;
      least = (flags & roomFlags.decapIp4) !== 0 ? ipSizes.ip4 : ipSizes.ip6;
    }
    const rest = skbs.length(skb) - skbs.networkOffset(skb);
    if (difference < 0 && (bytes >= rest || rest - bytes < least)) return -errno.ENOTSUPP;
    if (difference >= 0 && skbs.length(skb) + bytes > longestSkb) return -errno.ENOTSUPP;
    const status = difference < 0 ? shrink(skb, offset, bytes, flags) : grow(skb, offset, bytes, flags, innerSize);
    if (status === 0 && (flags & roomFlags.noChecksumReset) === 0) skbs.resetChecksum(skb);
    return status;
  }

  function shrink(skb: number, offset: number, bytes: number, flags: number): number {
    if ((flags & ~shrinkFlags) !== 0) return -errno.EINVAL;
    const status = skbs.remove(skb, offset, bytes);
    if (status === 0) follow(skb, flags & roomFlags.decapIp4, flags & roomFlags.decapIp6);
    return status;
  }

  function grow(skb: number, offset: number, bytes: number, flags: number, innerSize: number): number {
    const isEncap = (flags & encap) !== 0;
    const refusal = isEncap ? refuseEncap(skb, bytes, flags, innerSize) : 0;
    if (refusal !== 0) return refusal;
    const macSize = skbs.macLength(skb);
    const status = skbs.insert(skb, offset, bytes);
    if (status !== 0 || !isEncap) return status;
    skbs.set(skb, skbAt.encapsulation, 1);
    skbs.set(skb, skbAt.network, skbs.get(skb, skbAt.data) + macSize);
    follow(skb, flags & roomFlags.encapIp4, flags & roomFlags.encapIp6);
    return 0;
  }

  function refuseEncap(skb: number, bytes: number, flags: number, innerSize: number): number {
    const both = (pair: number): boolean => (flags & pair) === pair;
    if (both(encap) || both(roomFlags.encapGre | roomFlags.encapUdp)) return -errno.EINVAL;
    if ((flags & roomFlags.encapEthernet) !== 0 && innerSize < etherSize) return -errno.EINVAL;
    if (skbs.get(skb, skbAt.encapsulation) !== 0) return -errno.EALREADY;
    return innerSize > bytes ? -errno.EINVAL : 0;
  }

  /** skb->protocol becomes that of the new outer header. */
  function follow(skb: number, ip4: number, ip6: number): void {
    if (ip4 !== 0) skbs.set(skb, skbAt.protocol, wireProtocols.ip4);
    if (ip6 !== 0) skbs.set(skb, skbAt.protocol, wireProtocols.ip6);
  }

  /** bpf_skb_proto_xlat: the network header is as long as the other version's, and its bytes are the program's to write. */
  function translate(skb: number, to: number): number {
    const from = skbs.get(skb, skbAt.protocol);
    const bytes = ipSizes.ip6 - ipSizes.ip4;
    const offset = skbs.macLength(skb);
    let status: number;
    if (from === wireProtocols.ip4 && to === wireProtocols.ip6) status = skbs.insert(skb, offset, bytes);
    else if (from === wireProtocols.ip6 && to === wireProtocols.ip4) status = skbs.remove(skb, offset, bytes);
    else return -errno.ENOTSUPP;
    if (status !== 0) return status;
    skbs.set(skb, skbAt.protocol, to);
    skbs.clearHash(skb);
    return 0;
  }

  return {
    skb_adjust_room: onSkb(packets, (window, skb) => {
      const flags = window.low(4);
      const innerSize = window.high(4) >>> innerSizeShift;
      const isKnown = (flags & ~known) === 0 && (window.high(4) & 0xff_ffff) === 0;
      return isKnown ? adjust(skb, window.low(2) | 0, window.low(3), flags, innerSize) : -errno.EINVAL;
    }),

    skb_change_proto: onSkb(packets, (window, skb) =>
      !window.isZero(3) ? -errno.EINVAL : translate(skb, window.low(2) & 0xffff),
    ),
  };
}
