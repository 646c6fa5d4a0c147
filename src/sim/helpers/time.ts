import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** CONFIG_HZ 250, as Debian's kernels and the 6.18 that was asked have it: ns of a tick. */
const tick = 4_000_000;
/** INITIAL_JIFFIES: jiffies begin 300 seconds before they wrap (include/linux/jiffies.h). */
const firstJiffies = 2 ** 32 - 300 * 250;

/** Clocks, chance and the CPU's number. CLOCK_BOOTTIME is CLOCK_MONOTONIC: the machine never sleeps. */
export function timeHelpers({ current, random }: HelperEnvironment): HelperBodies {
  return {
    ktime_get_ns: (window) => window.answerNumber(current.now),
    ktime_get_boot_ns: (window) => window.answerNumber(current.now),
    /** CLOCK_TAI: the clock of the day that the machine booted at 0, with no leap second. */
    ktime_get_tai_ns: (window) => window.answerNumber(current.now),
    /** The time of the last tick. */
    ktime_get_coarse_ns(window) {
      const time = current.now - (current.now % tick);
      window.answerNumber(time);
    },
    jiffies64(window) {
      const jiffies = firstJiffies + Math.floor(current.now / tick);
      window.answerNumber(jiffies);
    },
    get_prandom_u32: (window) => window.answerHalves(0, random.u32()),
    get_smp_processor_id: (window) => window.answer(current.cpu),
    get_numa_node_id: (window) => window.answer(0),
  };
}
