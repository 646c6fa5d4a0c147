import type { BtfParam, TypeId } from '../btf/index.ts';

/** What a program with a typed context attaches to: a tracepoint, an iterator's target, or a kernel function. */
export interface AttachTarget {
  /** As messages name it. */
  readonly name: string;
  readonly params: readonly BtfParam[];
  readonly returns: TypeId;
  readonly kind: 'tracepoint' | 'iterator' | 'function';
}
