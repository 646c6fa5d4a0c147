import { errno } from '../../base/index.ts';
import { PerfEventArray } from '../../maps/index.ts';
import type { CallWindow } from '../../vm/index.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** The u16 size of a perf record less its header, raw_size and padding: what one record can hold. */
const longestRecord = 0xfff8 - 12;

/**
 * perf_event_output of a tracing program (kernel/trace/bpf_trace.c). Every call tries to make a record; one that no
 * ring was asked for is counted as lost here, the others by their ring.
 */
export function outputHelpers({ memory, maps, current, ledger }: HelperEnvironment): HelperBodies {
  function send(window: CallWindow): number {
    const map = maps.get(window.low(2));
    const size = window.low(5);
    if (!(map instanceof PerfEventArray) || window.high(3) !== 0) return -errno.EINVAL;
    if (size > longestRecord) return -errno.E2BIG;
    if (!memory.isMapped(window.high(4), window.low(4), size)) return -errno.EFAULT;
    return map.output(window.low(3), current.cpu, window.low(4), size);
  }
  return {
    perf_event_output(window) {
      if (current.records++ > 0) ledger.countProduced(current.cpu);
      const status = send(window);
      if (status !== 0 && status !== -errno.ENOSPC) ledger.countUnsent(current.cpu);
      window.answer(status);
    },
  };
}
