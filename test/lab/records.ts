import type { TracedRecord } from '../../src/lab/index.ts';

/** The levels that the records below are grouped by. */
export const levels = [
  { key: 'reason', title: 'Reason' },
  { key: 'flow', title: 'Flow' },
];

/** A record at `time` in groups, with cells as given. */
export function recordAt(time: number, groups: readonly string[], cells: Record<string, string> = {}): TracedRecord {
  return { time, cpu: 0, groups, cells, json: {}, source: undefined };
}
