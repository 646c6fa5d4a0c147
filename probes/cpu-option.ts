import { type ToolSetup, UsageError } from 'tracebed';

/** The CPU that --cpu names, or undefined for all. @throws UsageError for one that is not there */
export function cpuOption(setup: ToolSetup): number | undefined {
  const cpu = setup.integer('cpu');
  const { cpus } = setup.kernel;
  if (cpu === undefined || cpu < cpus) return cpu;
  throw new UsageError(`there is no CPU ${cpu}`, { expected: cpus === 1 ? '0' : `0 to ${cpus - 1}` });
}
