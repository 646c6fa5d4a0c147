/** Floor 4: the seam. What a process may ask of a kernel. */
export type {
  AttachTarget,
  BinaryFile,
  Fd,
  Kernel,
  LinkInfo,
  MapBatch,
  MapCreate,
  Mapping,
  PerfEventOpen,
  ProgramInfo,
  ProgramLoad,
  ProgramLog,
  ProgramTestResult,
  ProgramTestRun,
  SamplingTarget,
  Symbols,
  UserTarget,
} from './kernel.ts';
export type {
  DeviceInfo,
  PacketSocketOpen,
  ReceivedPacket,
  SocketStatistics,
  TcTarget,
  XdpTarget,
} from './network.ts';
