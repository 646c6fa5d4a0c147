import type { Btf } from './btf.ts';

/** A kernel as a tool can tell it from others: its release, types, functions and tracepoints. */
export interface KernelProfile {
  /** `6.18`: what `--kernel` takes. */
  readonly name: string;
  /** uname -r. */
  readonly release: string;
  readonly btf: Btf;
  /** The record format of `category:name`, or undefined when this kernel has no such tracepoint. */
  tracepoint(name: string): TracepointFormat | undefined;
  tracepointNames(): Iterable<string>;
  /** `NO_SOCKET` of 3, or undefined. Numbers differ between kernels: never keep one. */
  dropReasonName(value: number): string | undefined;
  dropReasonValue(name: string): number | undefined;
  /** A number that the kernel's headers define as a macro, `O_CREAT`; undefined for one that is not known. */
  constant(name: string): bigint | undefined;
  constantNames(): Iterable<string>;
  /** What this profile does not know of its kernel, each in a sentence. */
  readonly notes?: readonly string[];
}

/** Where a format comes from: the kernel's own tracefs, its BTF, or the nearest kernel whose tracefs is known. */
export type FormatSource = 'tracefs' | 'btf' | 'nearest';

/** A tracepoint's record, as its tracefs `format` file tells it. The first 8 bytes are the common fields. */
export interface TracepointFormat {
  /** `skb:kfree_skb` */
  readonly name: string;
  /** common_type */
  readonly id: number;
  readonly fields: readonly TracepointField[];
  /** The format line: `"skbaddr=%p …", REC->skbaddr, …`. */
  readonly print: string;
  /** Bytes of the fixed part: the end of the last field. Data of dynamic fields begins there. */
  readonly size: number;
  /** The values of names in the format line that tracefs leaves as names (`TCP_ESTABLISHED`). */
  readonly constants?: Readonly<Record<string, number>>;
  /** Where the layout comes from; tracefs when absent. */
  readonly source?: FormatSource;
}

export interface TracepointField {
  readonly name: string;
  /** The C type as declared, `unsigned short`, `__data_loc char[]`. */
  readonly type: string;
  /** bytes */
  readonly offset: number;
  readonly size: number;
  readonly signed: boolean;
  /** Elements when it is an array of fixed length, else 0. */
  readonly length: number;
  /** A `__data_loc` or `__rel_loc` field: u16 offset and u16 length of data behind the fixed part. */
  readonly dynamic: boolean;
}
