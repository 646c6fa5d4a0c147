import type { BtfType, TypeId } from './types.ts';

/** A set of types with look-up by name; type id 0 is void. */
export interface Btf {
  readonly count: number;
  type(id: TypeId): BtfType;
  /** The id of a named struct, union, enum, typedef, int or function; undefined when there is none. */
  find(kind: 'struct' | 'union' | 'enum' | 'typedef' | 'int' | 'function', name: string): TypeId | undefined;
  /** Through typedefs, const, volatile, restrict and tags to what is behind. */
  strip(id: TypeId): TypeId;
  /** sizeof, in bytes; 0 for void, functions and forward declarations. */
  sizeOf(id: TypeId): number;
  /** The type as C writes it: `struct sk_buff *`, `char[16]`. */
  print(id: TypeId): string;
  /**
   * A member by a dotted path, through anonymous structs and unions, into arrays by index: `__sk_common.skc_dport`,
   * `regs[3]`. Undefined when there is none.
   */
  member(struct: TypeId, path: string): MemberPlace | undefined;
  /** The named parameters and return type of a function, or undefined when BTF does not know it. */
  functionPrototype(name: string): FunctionPrototype | undefined;
  /** All names of functions, in order. */
  functionNames(): Iterable<string>;
  /** The value of an enumerator of any enum, `TCP_ESTABLISHED`; the first of that name. */
  enumerator(name: string): bigint | undefined;
}

export interface MemberPlace {
  /** bytes from the start of the outermost struct */
  readonly offset: number;
  /** bytes */
  readonly size: number;
  readonly type: TypeId;
  /** For a bit-field: bits from `offset`, and width; 0 width for an ordinary member. */
  readonly bitShift: number;
  readonly bitSize: number;
}

export interface FunctionPrototype {
  readonly name: string;
  readonly params: readonly { readonly name: string; readonly type: TypeId }[];
  readonly returns: TypeId;
}
