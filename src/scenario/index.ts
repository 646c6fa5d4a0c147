/** Floor 5: RxJS timelines of kernel events: call trees, generators, recordings. */
export type { CallOptions, CallTree, Inside, Nested } from './call.ts';
export type { Context, Drop, Place } from './context.ts';
export { type Emission, type Make, perSecond } from './generators.ts';
export { listScenarios, loadScenario } from './load.ts';
export { recordedScenario } from './record-read.ts';
export { RecordWriter, recordEnd, recordHead, recordLines, recordScenario } from './record-write.ts';
export { type RecordingSource, recordingScenario } from './recording.ts';
export type { Scenario, Stage, VirtualScheduler } from './scenario.ts';
export { defineScenario, type ScenarioDefinition, type Script, scriptOn } from './script.ts';
export { syscallStack } from './syscall.ts';
export {
  type ConnectOptions,
  type ReceiveOptions,
  type SegmentOptions,
  TcpConnection,
  type TcpEnds,
  TcpListener,
  type TcpListenerSpec,
} from './tcp.ts';
export type { UserCall, UserCallOptions, UserNested } from './user-call.ts';
export { createScheduler } from './virtual-time.ts';
