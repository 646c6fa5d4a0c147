import { errno } from '../../base/index.ts';
import { replace2, replace4, replaceByDifference, sub32, sumBytes, to16 } from '../net/checksum.ts';
import { checksums, Skbs, skbAt, wireProtocols } from '../net/skb.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';
import { onSkb } from './packet-context.ts';

/** BPF_F_HDR_FIELD_MASK, BPF_F_PSEUDO_HDR, BPF_F_MARK_MANGLED_0, BPF_F_MARK_ENFORCE, BPF_F_IPV6 */
const fieldSize = 0xf;
const l4Flags = { pseudoHeader: 0x10, mangledZero: 0x20, enforce: 0x40, ip6: 0x80 } as const;
const allL4Flags = fieldSize | 0xf0;
/** CSUM_MANGLED_0: UDP sends it where its checksum comes out as 0, which would mean that there is none. */
const mangledZero = 0xffff;
const mostOffset = 0xffff;
/** BPF_CSUM_LEVEL_* */
const levels = { query: 0, increment: 1, decrement: 2, reset: 3 } as const;
/** SKB_MAX_CSUM_LEVEL */
const highestLevel = 3;

/** Checksums of packets (net/core/filter.c). No device here leaves sums to the kernel or takes them from it. */
export function checksumHelpers({ memory, window, packets }: HelperEnvironment): HelperBodies {
  const skbs = new Skbs(memory);

  /** Where a checksum lies that may be changed; a negative errno where there is none. */
  function checksumAt(skb: number, offset: number): number {
    const isThere = offset <= mostOffset && (offset & 1) === 0 && offset + 2 <= skbs.length(skb);
    return isThere ? skbs.get(skb, skbAt.data) + offset : -errno.EFAULT;
  }

  /** By the size of the field that changes; -EINVAL for another. Arguments 3 and 4 are what it was and is. */
  function replaced(sum: number, size: number): number {
    const from = window.low(3);
    const to = window.low(4);
    if (size === 0) return from === 0 && window.high(3) === 0 ? replaceByDifference(sum, to) : -errno.EINVAL;
    if (size === 2) return replace2(sum, from & 0xffff, to & 0xffff);
    return size === 4 ? replace4(sum, from, to) : -errno.EINVAL;
  }

  /** As TCP and UDP do it, where 2 bytes are a word of 4. */
  function replacedL4(sum: number, size: number): number {
    return size === 2 ? replace4(sum, window.low(3) & 0xffff, window.low(4) & 0xffff) : replaced(sum, size);
  }

  function difference(): number {
    const fromSize = window.low(2);
    const toSize = window.low(4);
    const from = window.low(1);
    const to = window.low(3);
    let sum = window.low(5);
    if (((fromSize | toSize) & 3) !== 0) return -errno.EINVAL;
    if (!window.isMapped(1, fromSize) || !window.isMapped(3, toSize)) {
      return -errno.EFAULT;
    }
    if (fromSize > 0 && toSize > 0) {
      sum = sub32(sumBytes(memory, to, toSize, sum), sumBytes(memory, from, fromSize, 0));
    } else if (toSize > 0) sum = sumBytes(memory, to, toSize, sum);
    else if (fromSize > 0) sum = ~sumBytes(memory, from, fromSize, ~sum >>> 0) >>> 0;
    return to16(sum);
  }

  /** How many checksums the device has looked at. */
  function changeLevel(skb: number, what: number): number {
    const isDone = skbs.get(skb, skbAt.summed) === checksums.unnecessary;
    const level = skbs.get(skb, skbAt.checksumLevel);
    switch (what) {
      case levels.query:
        return isDone ? level : -errno.EACCES;
      case levels.increment:
        if (isDone && level < highestLevel) skbs.set(skb, skbAt.checksumLevel, level + 1);
        else if (!isDone) skbs.set(skb, skbAt.summed, checksums.unnecessary);
        return 0;
      case levels.decrement:
        if (isDone && level === 0) skbs.set(skb, skbAt.summed, checksums.none);
        else if (isDone) skbs.set(skb, skbAt.checksumLevel, level - 1);
        return 0;
      case levels.reset:
        skbs.resetChecksum(skb);
        return 0;
      default:
        return -errno.EINVAL;
    }
  }

  return {
    csum_diff: () => window.answer(difference()),

    /** Only where the device gave the sum of the whole packet. */
    csum_update: onSkb(packets, () => -errno.ENOTSUPP),

    csum_level: onSkb(packets, (_, skb) => (window.high(2) === 0 ? changeLevel(skb, window.low(2)) : -errno.EINVAL)),

    l3_csum_replace: onSkb(packets, (_, skb) => {
      const flags = window.low(5);
      if ((flags & ~fieldSize) !== 0 || window.high(5) !== 0) return -errno.EINVAL;
      const at = checksumAt(skb, window.low(2));
      if (at < 0) return at;
      const sum = replaced(memory.view.getUint16(at, true), flags);
      if (sum < 0) return sum;
      memory.view.setUint16(at, sum, true);
      return 0;
    }),

    l4_csum_replace: onSkb(packets, (_, skb) => {
      const flags = window.low(5);
      if ((flags & ~allL4Flags) !== 0 || window.high(5) !== 0) return -errno.EINVAL;
      const at = checksumAt(skb, window.low(2));
      if (at < 0) return at;
      const before = memory.view.getUint16(at, true);
      const isMangled = (flags & l4Flags.mangledZero) !== 0;
      if (isMangled && (flags & l4Flags.enforce) === 0 && before === 0) return 0;
      const sum = replacedL4(before, flags & fieldSize);
      if (sum < 0) return sum;
      memory.view.setUint16(at, isMangled && sum === 0 ? mangledZero : sum, true);
      return 0;
    }),

    skb_ecn_set_ce: onSkb(packets, (_, skb) => setCongestion(skbs, skb)),
  };
}

const congestion = 3;
const trafficClassShift = 4;

/** INET_ECN_set_ce (include/net/inet_ecn.h): 1 when the packet now says that there was congestion, 0 when it cannot. */
function setCongestion(skbs: Skbs, skb: number): number {
  const { u8, view } = skbs.memory;
  const network = skbs.get(skb, skbAt.network);
  const end = skbs.get(skb, skbAt.dataEnd);
  const protocol = skbs.get(skb, skbAt.protocol);
  if (protocol === wireProtocols.ip4 && network + 20 <= end) {
    const before = view.getUint16(network, true);
    const mark = (u8[network + 1] as number) & congestion;
    if (mark === 0 || mark === congestion) return mark === 0 ? 0 : 1;
    u8[network + 1] = (u8[network + 1] as number) | congestion;
    const sum = replace2(view.getUint16(network + 10, true), before, view.getUint16(network, true));
    view.setUint16(network + 10, sum, true);
    return 1;
  }
  if (protocol !== wireProtocols.ip6 || network + 40 > end) return 0;
  if (((u8[network + 1] as number) & (congestion << trafficClassShift)) === 0) return 0;
  u8[network + 1] = (u8[network + 1] as number) | (congestion << trafficClassShift);
  return 1;
}
