/**
 * The kinds of BTF (include/uapi/linux/btf.h: BTF_KIND_*), their numbers, and how many bytes follow the 12-byte
 * struct btf_type: a fixed part and one part for each of the `vlen` elements.
 */
export const btfKinds = {
  void: { number: 0, fixed: 0, each: 0 },
  int: { number: 1, fixed: 4, each: 0 },
  pointer: { number: 2, fixed: 0, each: 0 },
  array: { number: 3, fixed: 12, each: 0 },
  struct: { number: 4, fixed: 0, each: 12 },
  union: { number: 5, fixed: 0, each: 12 },
  enum: { number: 6, fixed: 0, each: 8 },
  forward: { number: 7, fixed: 0, each: 0 },
  typedef: { number: 8, fixed: 0, each: 0 },
  volatile: { number: 9, fixed: 0, each: 0 },
  const: { number: 10, fixed: 0, each: 0 },
  restrict: { number: 11, fixed: 0, each: 0 },
  function: { number: 12, fixed: 0, each: 0 },
  prototype: { number: 13, fixed: 0, each: 8 },
  variable: { number: 14, fixed: 4, each: 0 },
  section: { number: 15, fixed: 0, each: 12 },
  float: { number: 16, fixed: 0, each: 0 },
  declTag: { number: 17, fixed: 4, each: 0 },
  typeTag: { number: 18, fixed: 0, each: 0 },
  enum64: { number: 19, fixed: 0, each: 12 },
} as const;

export type BtfKind = keyof typeof btfKinds;

/** Kind names by number. */
export const kindNames = Object.keys(btfKinds) as readonly BtfKind[];

/** Bytes behind a struct btf_type, by kind number. */
export const fixedSizes = Object.values(btfKinds).map((kind) => kind.fixed);
export const elementSizes = Object.values(btfKinds).map((kind) => kind.each);

/** Magic, version and header length of a BTF blob. */
export const btfHeader = { magic: 0xeb9f, version: 1, size: 24 } as const;

/** Bits of the INT kind's encoding. */
export const intEncodings = { signed: 1, char: 2, bool: 4 } as const;
