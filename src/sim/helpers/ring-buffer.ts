import { errno } from '../../base/index.ts';
import { RingBufferMap } from '../../maps/index.ts';
import { kernelSpace } from '../../memory/index.ts';
import type { CallWindow } from '../../vm/index.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/**
 * The BPF ring buffer (kernel/bpf/ringbuf.c). A place that is asked for is a record that the run tries to make; it is
 * delivered when it is submitted, filtered when it is discarded, and lost when there was no room.
 */
export function ringBufferHelpers({ memory, maps, rings, current, ledger }: HelperEnvironment): HelperBodies {
  const ringOf = (window: CallWindow): RingBufferMap | undefined => {
    const map = maps.get(window.low(1));
    return map instanceof RingBufferMap ? map : undefined;
  };
  const countTry = () => {
    if (current.records++ > 0) ledger.countProduced(current.cpu);
  };

  function finish(window: CallWindow, discard: boolean): void {
    const sample = window.low(1);
    const ring = memory.isMapped(window.high(1), sample - 8, 8)
      ? rings.get(RingBufferMap.pagesOf(memory, sample))
      : undefined;
    window.answer(0);
    if (ring === undefined || current.reserved === 0) return;
    ring.commit(sample, window.low(2), discard);
    current.reserved--;
    if (discard) ledger.countFiltered(current.cpu);
    else ledger.countDelivered(current.cpu);
  }

  return {
    ringbuf_reserve(window) {
      const ring = ringOf(window);
      const plain = window.high(2) === 0 && window.low(3) === 0 && window.high(3) === 0;
      countTry();
      const sample = ring !== undefined && plain ? ring.reserve(window.low(2)) : 0;
      if (sample === 0) ledger.countUnsent(current.cpu);
      else current.reserved++;
      window.answerHalves(sample === 0 ? 0 : kernelSpace | 0, sample);
    },
    ringbuf_submit: (window) => finish(window, false),
    ringbuf_discard: (window) => finish(window, true),
    ringbuf_output(window) {
      const ring = ringOf(window);
      countTry();
      let status: number = -errno.EINVAL;
      if (ring !== undefined && window.high(4) === 0) {
        const mapped = memory.isMapped(window.high(2), window.low(2), window.low(3));
        status = mapped ? ring.output(window.low(2), window.low(3), window.low(4)) : -errno.EFAULT;
      }
      if (status === 0) ledger.countDelivered(current.cpu);
      else ledger.countUnsent(current.cpu);
      window.answer(status);
    },
    ringbuf_query(window) {
      const known = window.high(2) === 0 ? ringOf(window)?.query(window.low(2)) : undefined;
      window.answerNumber(known ?? 0);
    },
  };
}
