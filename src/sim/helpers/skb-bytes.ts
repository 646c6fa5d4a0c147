import { errno } from '../../base/index.ts';
import { fieldPlace, longestSkb, Skbs, skbAt } from '../net/skb.ts';
import { packetTypes } from '../net/skb-fill.ts';
import { vlanPop, vlanPush } from '../net/vlan.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';
import { onSkb } from './packet-context.ts';

/** BPF_F_RECOMPUTE_CSUM, BPF_F_INVALIDATE_HASH (include/uapi/linux/bpf.h) */
const storeFlags = { recomputeChecksum: 1, invalidateHash: 2 } as const;
/** BPF_HDR_START_MAC, BPF_HDR_START_NET */
const headerStarts = { mac: 0, network: 1 } as const;
const mostOffset = 0xffff;
const places = { timestampType: fieldPlace('__sk_buff', 'tstamp_type') } as const;
const mostClocks = 2;

/** Bytes of a packet read, written, added and taken away (net/core/filter.c). The packet's pointers are read anew. */
export function skbByteHelpers({ memory, packets }: HelperEnvironment): HelperBodies {
  const skbs = new Skbs(memory);

  /** Copies to where argument `to` points, or fills that with zeros. */
  function load(from: number, end: number, to: number, length: number): number {
    if (length <= end - from) {
      memory.u8.copyWithin(to, from, from + length);
      return 0;
    }
    memory.u8.fill(0, to, to + length);
    return -errno.EFAULT;
  }

  function changeTail(skb: number, length: number): number {
    if (length > longestSkb || length < shortest(skb)) return -errno.EINVAL;
    if (skbs.get(skb, skbAt.encapsulation) !== 0) return -errno.ENOTSUPP;
    const before = skbs.length(skb);
    const status = length > before ? skbs.tailroom(skb, length - before) : 0;
    if (status !== 0) return status;
    const end = skbs.get(skb, skbAt.dataEnd);
    if (length > before) memory.u8.fill(0, end, end + length - before);
    skbs.setLength(skb, length);
    return 0;
  }

  /** __bpf_skb_min_len: headers that are known stay. */
  function shortest(skb: number): number {
    const network = Math.max(0, skbs.networkOffset(skb));
    const transport = skbs.get(skb, skbAt.transport);
    const offset = transport === 0 ? 0 : transport - skbs.get(skb, skbAt.data);
    return offset > 0 ? offset : network;
  }

  function changeHead(skb: number, room: number): number {
    if ((room | 0) < 0 || skbs.length(skb) + room > longestSkb) return -errno.EINVAL;
    const status = skbs.headroom(skb, room);
    if (status !== 0) return status;
    skbs.push(skb, room);
    const data = skbs.get(skb, skbAt.data);
    memory.u8.fill(0, data, data + room);
    skbs.set(skb, skbAt.mac, data);
    return 0;
  }

  return {
    skb_load_bytes: onSkb(packets, (window, skb) => {
      const offset = window.low(2);
      const to = window.low(3);
      const length = window.low(4);
      if (!window.isWritable(3, length)) return -errno.EFAULT;
      return load(skbs.get(skb, skbAt.data) + offset, skbs.get(skb, skbAt.dataEnd), to, length);
    }),

    skb_load_bytes_relative: onSkb(packets, (window, skb) => {
      const offset = window.low(2);
      const to = window.low(3);
      const length = window.low(4);
      const from = window.low(5);
      if (!window.isWritable(3, length)) return -errno.EFAULT;
      const mac = skbs.get(skb, skbAt.mac);
      const start = from === headerStarts.mac ? mac : from === headerStarts.network ? skbs.get(skb, skbAt.network) : 0;
      const end = skbs.get(skb, skbAt.dataEnd);
      const isThere = start !== 0 && offset <= mostOffset;
      return load(isThere ? start + offset : end + 1, end, to, length);
    }),

    skb_store_bytes: onSkb(packets, (window, skb) => {
      const offset = window.low(2);
      const length = window.low(4);
      const flags = window.low(5);
      if ((flags & ~(storeFlags.recomputeChecksum | storeFlags.invalidateHash)) !== 0 || window.high(5) !== 0) {
        return -errno.EINVAL;
      }
      if ((offset | 0) < 0 || offset + length > skbs.length(skb)) return -errno.EFAULT;
      if (!window.isMapped(3, length)) return -errno.EFAULT;
      memory.u8.copyWithin(skbs.get(skb, skbAt.data) + offset, window.low(3), window.low(3) + length);
      if ((flags & storeFlags.invalidateHash) !== 0) skbs.clearHash(skb);
      return 0;
    }),

    /** All bytes are linear: only a length beyond the packet cannot be had. */
    skb_pull_data: onSkb(packets, (window, skb) => (window.low(2) > skbs.length(skb) ? -errno.ENOMEM : 0)),

    skb_change_tail: onSkb(packets, (window, skb) =>
      !window.isZero(3) ? -errno.EINVAL : changeTail(skb, window.low(2)),
    ),

    skb_change_head: onSkb(packets, (window, skb) =>
      !window.isZero(3) ? -errno.EINVAL : changeHead(skb, window.low(2)),
    ),

    skb_vlan_push: onSkb(packets, (window, skb) => vlanPush(skbs, skb, window.low(2) & 0xffff, window.low(3) & 0xffff)),
    skb_vlan_pop: onSkb(packets, (_, skb) => vlanPop(skbs, skb)),

    skb_change_type: onSkb(packets, (window, skb) => {
      const type = window.low(2);
      if (type > packetTypes.otherHost || skbs.get(skb, skbAt.packetType) > packetTypes.otherHost) return -errno.EINVAL;
      skbs.set(skb, skbAt.packetType, type);
      return 0;
    }),

    skb_set_tstamp: onSkb(packets, (window, skb) => {
      const clock = window.low(3);
      if (!skbs.isIp(skb)) return -errno.EOPNOTSUPP;
      const isZero = window.isZero(2);
      if (clock > mostClocks || (clock !== 0 && isZero)) return -errno.EINVAL;
      skbs.set(skb, skbAt.timestamp, window.low(2));
      skbs.set(skb, skbAt.timestamp + 4, window.high(2));
      memory.u8[skb + places.timestampType] = clock;
      return 0;
    }),
  };
}
