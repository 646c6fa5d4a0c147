/** Floor 5: RxJS timelines of kernel events: call trees, generators, recordings. */
export type { CallOptions, CallTree, Inside, Nested } from './call.ts';
export type { Context, Drop, Place } from './context.ts';
export {
  type BlockFlag,
  type BlockOperation,
  type BlockRequest,
  type BlockRequestSpec,
  Disk,
  type DiskSpec,
} from './disk.ts';
export { type DnsAnswerOptions, dnsAnswer, takeDnsAnswer } from './dns.ts';
export { type FileKind, type FileSpec, FileSystem, type FileSystemSpec } from './files.ts';
export { type Emission, type Make, perSecond } from './generators.ts';
export { listScenarios, loadScenario } from './load.ts';
export { neighbour, type PacketOptions, type PacketSource, packetBytes } from './packet-event.ts';
export type { Capture, CapturedPacket } from './pcap.ts';
export type { ExecOptions, ExitCause, OpenOptions } from './process.ts';
export { recordedScenario } from './record-read.ts';
export { RecordWriter, recordEnd, recordHead, recordLines, recordScenario } from './record-write.ts';
export { type RecordingSource, recordingScenario } from './recording.ts';
export { type ReplayOptions, readCapture } from './replay.ts';
export { RunQueue, type Sleep, type TurnOptions } from './run-queue.ts';
export type { ContainerMap, Scenario, Stage, VirtualScheduler } from './scenario.ts';
export { defineScenario, type ScenarioDefinition, type Script, scriptOn } from './script.ts';
export { syscallStack } from './syscall.ts';
export { type ConnectOptions, type ReceiveOptions, type SegmentOptions, TcpConnection } from './tcp-connection.ts';
export { TcpListener, type TcpListenerSpec } from './tcp-listener.ts';
export type { TcpEnds } from './tcp-socket.ts';
export type { UserCall, UserCallOptions, UserNested } from './user-call.ts';
export { blameUserModule, importUserModule } from './user-modules.ts';
export { createScheduler } from './virtual-time.ts';
