import { errno } from '../../base/index.ts';
import { pageSize } from '../../memory/index.ts';
import { etherSize, Skbs, xdpAt } from '../net/skb.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';
import { onXdp } from './packet-context.ts';

const mostBytes = 0xffff;
/** skb_shared_info.meta_len is a byte. */
const mostMeta = 255;

/**
 * XDP frames (net/core/filter.c). The linear part ends at data_end; fragments follow in memory, though no pointer of a
 * program reaches them: only these helpers do.
 */
export function xdpHelpers({ memory, packets }: HelperEnvironment): HelperBodies {
  const frames = new Skbs(memory);
  const size = (xdp: number): number => frames.get(xdp, xdpAt.frameEnd) - frames.get(xdp, xdpAt.data);

  function adjustHead(xdp: number, offset: number): number {
    const meta = frames.get(xdp, xdpAt.dataMeta);
    const before = frames.get(xdp, xdpAt.data);
    const metaSize = before - meta;
    const data = before + offset;
    const isOut = data < frames.get(xdp, xdpAt.head) + metaSize || data > frames.get(xdp, xdpAt.dataEnd) - etherSize;
    if (isOut) return -errno.EINVAL;
    memory.u8.copyWithin(meta + offset, meta, before);
    frames.set(xdp, xdpAt.dataMeta, meta + offset);
    frames.set(xdp, xdpAt.data, data);
    return 0;
  }

  function adjustMeta(xdp: number, offset: number): number {
    const meta = frames.get(xdp, xdpAt.dataMeta) + offset;
    const data = frames.get(xdp, xdpAt.data);
    if (meta < frames.get(xdp, xdpAt.head) || meta > data) return -errno.EINVAL;
    if (((data - meta) & 3) !== 0 || data - meta > mostMeta) return -errno.EACCES;
    frames.set(xdp, xdpAt.dataMeta, meta);
    return 0;
  }

  function adjustTail(xdp: number, offset: number): number {
    const linearEnd = frames.get(xdp, xdpAt.dataEnd);
    const frameEnd = frames.get(xdp, xdpAt.frameEnd);
    if (frameEnd > linearEnd) return adjustFragments(xdp, offset, linearEnd, frameEnd);
    const end = linearEnd + offset;
    if (end > frames.get(xdp, xdpAt.limit) || end < frames.get(xdp, xdpAt.data) + etherSize) return -errno.EINVAL;
    if (offset > 0) memory.u8.fill(0, linearEnd, end);
    frames.set(xdp, xdpAt.dataEnd, end);
    frames.set(xdp, xdpAt.frameEnd, end);
    return 0;
  }

  /** bpf_xdp_frags_increase_tail, bpf_xdp_frags_shrink_tail: the last fragment has a page. */
  function adjustFragments(xdp: number, offset: number, linearEnd: number, frameEnd: number): number {
    if (offset < 0 && -offset > size(xdp) - etherSize) return -errno.EINVAL;
    const used = (frameEnd - linearEnd) % pageSize;
    if (offset > (used === 0 ? 0 : pageSize - used)) return -errno.EINVAL;
    const end = frameEnd + offset;
    if (offset > 0) memory.u8.fill(0, frameEnd, end);
    frames.set(xdp, xdpAt.frameEnd, end);
    if (end < linearEnd) frames.set(xdp, xdpAt.dataEnd, end);
    return 0;
  }

  /** bpf_xdp_pointer: where bytes lie, or a negative errno. */
  function bytesAt(xdp: number, offset: number, length: number): number {
    if (offset > mostBytes || length > mostBytes) return -errno.EFAULT;
    return offset + length > size(xdp) ? -errno.EINVAL : frames.get(xdp, xdpAt.data) + offset;
  }

  return {
    xdp_adjust_head: onXdp(packets, (window, xdp) => adjustHead(xdp, window.low(2) | 0)),
    xdp_adjust_meta: onXdp(packets, (window, xdp) => adjustMeta(xdp, window.low(2) | 0)),
    xdp_adjust_tail: onXdp(packets, (window, xdp) => adjustTail(xdp, window.low(2) | 0)),
    xdp_get_buff_len: onXdp(packets, (_, xdp) => size(xdp)),

    xdp_load_bytes: onXdp(packets, (window, xdp) => {
      const length = window.low(4);
      const from = bytesAt(xdp, window.low(2), length);
      if (from < 0) return from;
      if (!window.isWritable(3, length)) return -errno.EFAULT;
      memory.u8.copyWithin(window.low(3), from, from + length);
      return 0;
    }),

    xdp_store_bytes: onXdp(packets, (window, xdp) => {
      const length = window.low(4);
      const to = bytesAt(xdp, window.low(2), length);
      if (to < 0) return to;
      if (!window.isMapped(3, length)) return -errno.EFAULT;
      memory.u8.copyWithin(to, window.low(3), window.low(3) + length);
      return 0;
    }),
  };
}
