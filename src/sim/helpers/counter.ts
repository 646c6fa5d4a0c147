import { errno } from '../../base/index.ts';
import { PerfEventArray, PerfRing } from '../../maps/index.ts';
import type { Memory } from '../../memory/index.ts';
import type { CallWindow } from '../../vm/index.ts';
import { Counter } from '../points/counters.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** Size of struct bpf_perf_event_value. */
export const counterValueSize = 24;

/** Writes a struct bpf_perf_event_value: u64 counter, enabled, running; ns. A counter runs while it is enabled. */
export function writeCounterValue(memory: Memory, at: number, count: number, enabled: number): void {
  memory.setNumber(at, count);
  memory.setNumber(at + 8, enabled);
  memory.setNumber(at + 16, enabled);
}

/** Counters of a perf_event_array (kernel/trace/bpf_trace.c: get_map_perf_counter). */
export function counterHelpers({ memory, maps, current }: HelperEnvironment): HelperBodies {
  /** The event that r1 and r2 name, or a negative errno. */
  function eventOf(window: CallWindow): PerfRing | Counter | number {
    const map = maps.get(window.low(1));
    if (!(map instanceof PerfEventArray) || window.high(2) !== 0) return -errno.EINVAL;
    const event = map.readable(window.signedLow(2), current.cpu);
    if (event instanceof Counter) return event.countsFor(current.task) ? event : -errno.EINVAL;
    return event as PerfRing | number;
  }
  /** What an event of BPF output counts is nothing. */
  const countOf = (event: PerfRing | Counter): number => (event instanceof PerfRing ? 0 : event.read(current.now));

  return {
    perf_event_read(window) {
      const event = eventOf(window);
      if (typeof event === 'number') window.answer(event);
      else window.answerNumber(countOf(event));
    },
    perf_event_read_value(window) {
      const target = window.low(3);
      const size = window.low(4);
      if (!window.isWritable(3, size)) {
        window.answer(-errno.EFAULT);
        return;
      }
      const event = size === counterValueSize ? eventOf(window) : -errno.EINVAL;
      memory.u8.fill(0, target, target + size);
      window.answer(typeof event === 'number' ? event : 0);
      if (typeof event === 'number') return;
      writeCounterValue(memory, target, countOf(event), event instanceof PerfRing ? 0 : current.now - event.began);
    },
  };
}
