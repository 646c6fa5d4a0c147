/** perf_event_open(2) as far as programs and rings have to do with it (include/uapi/linux/perf_event.h). */
export const perfTypes = { hardware: 0, software: 1, tracepoint: 2, hwCache: 3, raw: 4, breakpoint: 5 } as const;

/** PERF_COUNT_SW_*: events of type `software`. */
export const softwareEvents = {
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

/** PERF_SAMPLE_*: what a sample holds. */
export const sampleFormats = {
  ip: 1 << 0,
  tid: 1 << 1,
  time: 1 << 2,
  addr: 1 << 3,
  read: 1 << 4,
  callchain: 1 << 5,
  id: 1 << 6,
  cpu: 1 << 7,
  period: 1 << 8,
  streamId: 1 << 9,
  raw: 1 << 10,
} as const;
