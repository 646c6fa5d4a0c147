/** Floor 2: every map kind, and the perf ring buffer, as bytes in memory. */
export { ArrayMap } from './array.ts';
export { createMap, simulatedMapTypes } from './create.ts';
export { HashMap } from './hash.ts';
export { type HeaderField, header as mapHeader } from './header.ts';
export { jhash2 } from './jhash.ts';
export type { BpfMap, MapShape } from './map.ts';
export { PerfEventArray } from './perf-event-array.ts';
export { type PerfRecord, readPerfRecords } from './perf-record.ts';
export { miscKernel, PerfRing, type PerfRingOptions, perfPage, perfRecordTypes } from './perf-ring.ts';
export { maxStackDepth, StackTraceMap } from './stack-trace.ts';
