/** Floor 5: RxJS timelines of kernel events: call trees, generators, recordings. */
export type { Scenario, Stage, VirtualScheduler } from './scenario.ts';
