/** Floor 2: C types: read, lay out, print; the kernel's own structs, functions, enums and tracepoint records. */
export type { Btf, FunctionPrototype, MemberPlace } from './btf.ts';
export { alignOf, type LayoutField, structLayout } from './layout.ts';
export { dumpC, printDeclaration, printFunction, printType } from './print.ts';
export type { KernelProfile, TracepointField, TracepointFormat } from './profile.ts';
export { readBtf } from './reader.ts';
export type { BtfEnumerator, BtfMember, BtfParam, BtfType, TypeId } from './types.ts';
