/**
 * C types as BTF describes them (Documentation/bpf/btf.rst), resolved to objects that refer to each other by type id.
 * Sizes and offsets are in bytes, bit offsets in bits.
 */
export type TypeId = number;

export type BtfType =
  | { readonly kind: 'void' }
  | {
      readonly kind: 'int';
      readonly name: string;
      readonly size: number;
      readonly bits: number;
      readonly signed: boolean;
      readonly bool: boolean;
      readonly char: boolean;
    }
  | { readonly kind: 'float'; readonly name: string; readonly size: number }
  | { readonly kind: 'pointer'; readonly target: TypeId }
  | { readonly kind: 'array'; readonly element: TypeId; readonly index: TypeId; readonly length: number }
  | {
      readonly kind: 'struct' | 'union';
      readonly name: string;
      readonly size: number;
      readonly members: readonly BtfMember[];
    }
  | {
      readonly kind: 'enum' | 'enum64';
      readonly name: string;
      readonly size: number;
      readonly signed: boolean;
      readonly values: readonly BtfEnumerator[];
    }
  | { readonly kind: 'forward'; readonly name: string; readonly union: boolean }
  | { readonly kind: 'typedef'; readonly name: string; readonly target: TypeId }
  | { readonly kind: 'volatile' | 'const' | 'restrict'; readonly target: TypeId }
  | { readonly kind: 'typeTag'; readonly name: string; readonly target: TypeId }
  | { readonly kind: 'function'; readonly name: string; readonly prototype: TypeId; readonly linkage: number }
  | {
      readonly kind: 'prototype';
      readonly returns: TypeId;
      readonly params: readonly BtfParam[];
      readonly variadic: boolean;
    }
  | { readonly kind: 'variable'; readonly name: string; readonly type: TypeId; readonly linkage: number }
  | {
      readonly kind: 'section';
      readonly name: string;
      readonly size: number;
      readonly variables: readonly { readonly type: TypeId; readonly offset: number; readonly size: number }[];
    }
  | { readonly kind: 'declTag'; readonly name: string; readonly target: TypeId; readonly component: number };

export interface BtfMember {
  readonly name: string;
  readonly type: TypeId;
  /** From the start of the struct, in bits. */
  readonly bitOffset: number;
  /** Width of a bit-field, 0 for an ordinary member. */
  readonly bitSize: number;
}

export interface BtfEnumerator {
  readonly name: string;
  readonly value: bigint;
}

export interface BtfParam {
  readonly name: string;
  readonly type: TypeId;
}
