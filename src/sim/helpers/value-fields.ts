import { errno } from '../../base/index.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** What of the kernel's own lies in map values: timers, locks, pointers to kernel objects (kernel/bpf/helpers.c). */
export function valueFieldHelpers({ memory, maps, current, timers }: HelperEnvironment): HelperBodies {
  return {
    timer_init(window) {
      const map = maps.get(window.low(2));
      const field = map?.shape.special?.find(({ kind }) => kind === 'timer');
      if (map === undefined || field === undefined || window.high(3) !== 0) window.answer(-errno.EINVAL);
      else window.answer(timers.init(window.low(1), map, field.offset, window.low(3)));
    },
    timer_set_callback(window, executable) {
      window.answer(timers.setCallback(window.low(1), executable, window.low(2)));
    },
    timer_start(window) {
      const time = window.high(2) * 0x1_0000_0000 + window.low(2);
      const flags = window.high(3) === 0 ? window.low(3) : -1;
      window.answer(timers.start(window.low(1), time, flags, current.now, current.cpu));
    },
    timer_cancel: (window) => window.answer(timers.cancel(window.low(1))),
    /** One program runs at a time, so a lock is always free; the verifier sees that each is given back. */
    spin_lock: (window) => window.answer(0),
    spin_unlock: (window) => window.answer(0),
    /** The old pointer for the new one. */
    kptr_xchg(window) {
      const at = window.low(1) >>> 2;
      const words = memory.u32;
      const low = words[at] as number;
      const high = words[at + 1] as number;
      words[at] = window.low(2);
      words[at + 1] = window.high(2);
      window.answerHalves(high | 0, low | 0);
    },
  };
}
