import type { ToolOutput, ToolSetup } from 'tracebed';

/** What -i and -d ask for, in the tools that take both: with a duration alone there is one table, at its end. */
export function rhythmOf(setup: ToolSetup): Pick<ToolOutput, 'interval' | 'count'> {
  const duration = setup.seconds('duration');
  const interval = setup.seconds('interval') ?? duration;
  if (interval === undefined) return {};
  return duration === undefined ? { interval } : { interval, count: Math.ceil(duration / interval) };
}
