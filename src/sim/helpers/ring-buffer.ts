import { errno } from '../../base/index.ts';
import { RingBufferMap } from '../../maps/index.ts';
import type { CallWindow } from '../../vm/index.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';
import { RingRecords } from './ring-records.ts';

/** The BPF ring buffer (kernel/bpf/ringbuf.c). */
export function ringBufferHelpers(environment: HelperEnvironment): HelperBodies {
  const { memory, maps, rings } = environment;
  const records = new RingRecords(environment);
  const ringOf = (window: CallWindow): RingBufferMap | undefined => {
    const map = maps.get(window.low(1));
    return map instanceof RingBufferMap ? map : undefined;
  };

  function finish(window: CallWindow, discard: boolean): void {
    const sample = window.low(1);
    const ring = memory.isMapped(window.high(1), sample - 8, 8)
      ? rings.get(RingBufferMap.pagesOf(memory, sample))
      : undefined;
    window.answer(0);
    records.finish(ring, sample, window.low(2), discard);
  }

  return {
    ringbuf_reserve(window) {
      const ring = ringOf(window);
      const plain = window.high(2) === 0 && window.isZero(3);
      records.begin();
      const sample = ring !== undefined && plain ? ring.reserve(window.low(2)) : 0;
      records.reserved(sample !== 0);
      window.answerPointer(sample);
    },
    ringbuf_submit: (window) => finish(window, false),
    ringbuf_discard: (window) => finish(window, true),
    ringbuf_output(window) {
      const ring = ringOf(window);
      records.begin();
      let status: number = -errno.EINVAL;
      if (ring !== undefined && window.high(4) === 0) {
        const mapped = window.isMapped(2, window.low(3));
        status = mapped ? ring.output(window.low(2), window.low(3), window.low(4)) : -errno.EFAULT;
      }
      records.sent(status === 0);
      window.answer(status);
    },
    ringbuf_query(window) {
      const known = window.high(2) === 0 ? ringOf(window)?.query(window.low(2)) : undefined;
      window.answerNumber(known ?? 0);
    },
  };
}
