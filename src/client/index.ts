/** Floor 5: what a tool's author uses: load, attach, tables, rings as Observables, histograms, stacks. */
export { BpfLink, expandTarget, formatTarget, type Target } from './attach.ts';
export type {
  KprobeAttach,
  KretprobeAttach,
  OwnAttach,
  PerfEventAttach,
  PerfEventRawAttach,
  UprobeAttach,
  UprobePlace,
} from './attachments.ts';
export { BPF, type BpfOptions } from './bpf.ts';
export { BpfError } from './bpf-error.ts';
export { BpfObject, BpfProgram, createMap, type LoadOptions, linkMaps, loadObject } from './bpf-object.ts';
export {
  addressCodec,
  bytesCodec,
  type Codec,
  type CodecOptions,
  type CodecValue,
  type CodecValues,
  offsetsOf,
  readText,
  readU64,
  structCodec,
  typeCodec,
  u8Codec,
  u32Codec,
  u64Codec,
} from './codec.ts';
export { CompileError, includesFrom, type SourceOptions } from './compile-source.ts';
export { type HistogramOptions, log2Range, log2Slots, printLinearHist, printLog2Hist } from './histogram.ts';
export { KernelNames, type NamePattern } from './kernel-names.ts';
export { type LoadedMap, MapTable, perCpuCodec } from './map-table.ts';
export { NetworkAttachments, type ProgramName, type TcOptions } from './network-attachments.ts';
export { deviceNamed, PacketSocket, type PacketSocketOptions } from './packet-socket.ts';
export { isPattern, matcher } from './pattern.ts';
export { type LostRecords, PerfBuffer, type PerfBufferOptions } from './perf-buffer.ts';
export type { PerfEventAttributes, PerfEventName } from './perf-event.ts';
export { RingBuffer, type RingBufferOptions } from './ring-buffer.ts';
export type { BuildIdFrame, StackFrame } from './stack-frames.ts';
export {
  type HasFd,
  type PerfBufferOpen,
  type PerfCallback,
  type RingCallback,
  Table,
} from './table.ts';
export type { HistogramPrint } from './table-histogram.ts';
export { parseTraceLine, readTraceLines, type TraceLine } from './trace-pipe.ts';
export { USDT, type UsdtOptions } from './usdt.ts';
export {
  findBinary,
  formatUserSymbol,
  type UserSymbol,
  type UserSymbolFormat,
  type UserTargetOptions,
  usdtTargets,
  userSymbol,
  userTarget,
} from './user-symbols.ts';
