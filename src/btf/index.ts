/** Floor 2: C types: read, lay out, print; the kernel's own structs, functions, enums and tracepoint records. */
export type { Btf, FunctionPrototype, MemberPlace } from './btf.ts';
export type { KernelProfile, TracepointField, TracepointFormat } from './profile.ts';
export type { BtfEnumerator, BtfMember, BtfParam, BtfType, TypeId } from './types.ts';
