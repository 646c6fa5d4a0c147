/** Floor 2: C types: read, lay out, print; the kernel's own structs, functions, enums and tracepoint records. */
export type { Btf, FunctionPrototype, MemberPlace } from './btf.ts';
export { BtfBuilder, writeBtf, writeBtfWithStrings } from './builder.ts';
export {
  type BtfValue,
  compileDecoder,
  compileEncoder,
  type Decoder,
  type Encoder,
  readValue,
  writeValue,
} from './codec.ts';
export { dumpRaw } from './dump-raw.ts';
export { extendBtf } from './extend.ts';
export { type FieldShape, fieldShape, parseField } from './field.ts';
export { decodeRecord, type FieldValue, type FieldValues, formatRecord } from './format-record.ts';
export {
  extendProfile,
  loadProfile,
  type ProfileExtension,
  type ProfileName,
  profileFromBtf,
  profileNames,
} from './kernels.ts';
export { alignOf, type LayoutField, structLayout } from './layout.ts';
export { dumpC, printDeclaration, printFunction, printType } from './print.ts';
export type { PrintedFields, PrintedValue } from './printed.ts';
export type { FormatSource, KernelProfile, TracepointField, TracepointFormat } from './profile.ts';
export { readBtf } from './reader.ts';
export { symbolicNames } from './symbolic.ts';
export { parsePrinted, readFormat } from './tracepoint.ts';
export type { BtfEnumerator, BtfMember, BtfParam, BtfType, TypeId } from './types.ts';
