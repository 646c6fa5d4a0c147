/** perf_event_open(2) as far as programs and rings have to do with it (include/uapi/linux/perf_event.h). */
export const perfTypes = { hardware: 0, software: 1, tracepoint: 2, hwCache: 3, raw: 4, breakpoint: 5 } as const;

/** PERF_COUNT_SW_*: events of type `software`. */
const softwareEvents = {
  cpuClock: 0,
  taskClock: 1,
  pageFaults: 2,
  contextSwitches: 3,
  cpuMigrations: 4,
  pageFaultsMin: 5,
  pageFaultsMaj: 6,
  alignmentFaults: 7,
  emulationFaults: 8,
  dummy: 9,
  bpfOutput: 10,
  cgroupSwitches: 11,
} as const;

/** PERF_COUNT_HW_*: events of type `hardware`. */
const hardwareEvents = {
  cpuCycles: 0,
  instructions: 1,
  cacheReferences: 2,
  cacheMisses: 3,
  branchInstructions: 4,
  branchMisses: 5,
} as const;

/** Events that programs may sample, by the names of perf-list(1). The two clocks count ns. */
export const perfCounters = {
  'cpu-cycles': { type: perfTypes.hardware, config: hardwareEvents.cpuCycles },
  instructions: { type: perfTypes.hardware, config: hardwareEvents.instructions },
  'cache-references': { type: perfTypes.hardware, config: hardwareEvents.cacheReferences },
  'cache-misses': { type: perfTypes.hardware, config: hardwareEvents.cacheMisses },
  'branch-instructions': { type: perfTypes.hardware, config: hardwareEvents.branchInstructions },
  'branch-misses': { type: perfTypes.hardware, config: hardwareEvents.branchMisses },
  'cpu-clock': { type: perfTypes.software, config: softwareEvents.cpuClock },
  'task-clock': { type: perfTypes.software, config: softwareEvents.taskClock },
  'page-faults': { type: perfTypes.software, config: softwareEvents.pageFaults },
  'context-switches': { type: perfTypes.software, config: softwareEvents.contextSwitches },
  'cpu-migrations': { type: perfTypes.software, config: softwareEvents.cpuMigrations },
} as const satisfies Record<string, { readonly type: number; readonly config: number }>;

export type PerfCounter = keyof typeof perfCounters;

/** The counter of a perf type and config, or undefined when programs cannot sample it. */
export function perfCounter(type: number, config: number): PerfCounter | undefined {
  const found = Object.entries(perfCounters).find(([, row]) => row.type === type && row.config === config);
  return found?.[0] as PerfCounter | undefined;
}
