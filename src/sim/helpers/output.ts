import { errno } from '../../base/index.ts';
import { PerfEventArray } from '../../maps/index.ts';
import type { CallWindow } from '../../vm/index.ts';
import { Skbs, skbAt, xdpAt } from '../net/skb.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** The u16 size of a perf record less its header, raw_size and padding: what one record can hold. */
const longestRecord = 0xfff8 - 12;
/** BPF_F_CTXLEN_MASK, in the upper half of the flags. */
const contextLength = 0xf_ffff;

/**
 * perf_event_output of a tracing program (kernel/trace/bpf_trace.c), and of one that sees a packet, which may have
 * bytes of it put behind its own (net/core/filter.c: bpf_skb_event_output). Every call tries to make a record; one
 * that no ring was asked for is counted as lost here, the others by their ring.
 */
export function outputHelpers({
  memory,
  maps,
  current,
  ledger,
  packets,
  skbs: sentSkbs,
}: HelperEnvironment): HelperBodies {
  const skbs = new Skbs(memory);

  /** @param from where the packet's bytes begin, and how many there are: absent where the context is no packet */
  function send(window: CallWindow, from: number, available: number): number {
    const map = maps.get(window.low(2));
    const size = window.low(5);
    const more = window.high(3);
    const isPacket = from !== 0;
    if (!(map instanceof PerfEventArray) || (more & ~(isPacket ? contextLength : 0)) !== 0) return -errno.EINVAL;
    if (more > available) return -errno.EFAULT;
    if (size + more > longestRecord) return -errno.E2BIG;
    if (!window.isMapped(4, size)) return -errno.EFAULT;
    return map.output(window.signedLow(3), current.cpu, window.low(4), size, from, more);
  }

  function counted(window: CallWindow, from: number, available: number): void {
    if (current.records++ > 0) ledger.countProduced(current.cpu);
    const status = send(window, from, available);
    if (status !== 0 && status !== -errno.ENOSPC) ledger.countUnsent(current.cpu);
    window.answer(status);
  }

  return {
    perf_event_output(window) {
      const context = window.low(1);
      const buffer = packets.at(context);
      if (buffer === undefined) counted(window, 0, 0);
      else if (buffer.skb === context) counted(window, skbs.get(context, skbAt.data), skbs.length(context));
      else {
        const data = skbs.get(context, xdpAt.data);
        counted(window, data, skbs.get(context, xdpAt.frameEnd) - data);
      }
    },

    /** Of a struct sk_buff that a tracing program was given. */
    skb_output(window) {
      const skb = window.high(1) === 0 ? 0 : window.low(1);
      counted(window, skb === 0 ? 0 : sentSkbs.dataOf(skb), skb === 0 ? 0 : sentSkbs.linearOf(skb));
    },
  };
}
