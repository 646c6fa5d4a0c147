/** Floor 5: what a tool's author uses: load, attach, tables, perf rings as Observables, histograms, stacks. */
export { BpfLink, expandTarget, formatTarget } from './attach.ts';
export { BpfError } from './bpf-error.ts';
export { BpfObject, BpfProgram, createMap, type LoadOptions, linkMaps, loadObject } from './bpf-object.ts';
export {
  addressCodec,
  bytesCodec,
  type Codec,
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
export { type HistogramOptions, log2Range, log2Slots, printLinearHist, printLog2Hist } from './histogram.ts';
export { type LoadedMap, MapTable, perCpuCodec, StackTable } from './map-table.ts';
export { isPattern, matcher } from './pattern.ts';
export { type LostRecords, PerfBuffer, type PerfBufferOptions } from './perf-buffer.ts';
export { programText } from './program-text.ts';
export { parseTraceLine, readTraceLines, type TraceLine } from './trace-pipe.ts';
