import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** Clocks, chance and the CPU's number. CLOCK_BOOTTIME is CLOCK_MONOTONIC: the machine never sleeps. */
export function timeHelpers({ current, random }: HelperEnvironment): HelperBodies {
  return {
    ktime_get_ns: (window) => window.answerHalves((current.now / 0x1_0000_0000) | 0, current.now | 0),
    ktime_get_boot_ns: (window) => window.answerHalves((current.now / 0x1_0000_0000) | 0, current.now | 0),
    get_prandom_u32: (window) => window.answerHalves(0, random.u32()),
    get_smp_processor_id: (window) => window.answer(current.cpu),
    get_numa_node_id: (window) => window.answer(0),
  };
}
