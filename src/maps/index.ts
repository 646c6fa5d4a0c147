/** Floor 2: every map kind, and the perf ring buffer, as bytes in memory. */
export type { BpfMap, MapShape } from './map.ts';
