import type { Btf, BtfMember, BtfType, TypeId } from '../../btf/index.ts';

/**
 * What the verifier lets a program read directly through a pointer to a kernel struct: the walk down the members that
 * the kernel makes itself (kernel/bpf/btf.c: btf_struct_walk). What it does not let pass takes a probe read. A pointer
 * that may be NULL is for the text to compare first: no read through it passes before.
 */
export interface KernelPlace {
  readonly struct: TypeId;
  /** bytes from the start of the struct */
  readonly offset: number;
}

/** What is read there: a number, or a pointer to the struct that is named, which may be followed in turn. */
export type KernelRead =
  | { readonly kind: 'number' }
  | { readonly kind: 'pointer'; readonly struct: TypeId | undefined };

const number: KernelRead = { kind: 'number' };
type Struct = Extract<BtfType, { kind: 'struct' | 'union' }>;

/** Undefined where the verifier would refuse to read `size` bytes directly. */
export function kernelRead(btf: Btf, place: KernelPlace, size: number): KernelRead | undefined {
  let { struct: type, offset } = place;
  if (offset < 0) return undefined;
  for (;;) {
    const struct = structAt(btf, type);
    if (!struct || offset + size > struct.size) return undefined;
    const member = struct.members.find((one) => covers(btf, one, offset, size));
    if (!member) return undefined;
    if (member.bitSize > 0) return number;
    const start = member.bitOffset / 8;
    const { element, each } = elementOf(btf, member.type);
    const within = each > 0 ? (offset - start) % each : 0;
    const target = btf.type(element);
    if (target.kind === 'pointer') {
      if (size !== 8 || within !== 0) return undefined;
      return { kind: 'pointer', struct: pointedStruct(btf, element) };
    }
    if (target.kind !== 'struct' && target.kind !== 'union') {
      return offset + size <= start + btf.sizeOf(member.type) ? number : undefined;
    }
    if (start > offset) return undefined;
    type = element;
    offset = within;
  }
}

/** Whether this is the member that the walk stops at. */
function covers(btf: Btf, member: BtfMember, offset: number, size: number): boolean {
  const start = Math.floor(member.bitOffset / 8);
  if (member.bitSize > 0) return offset <= start && Math.ceil((member.bitOffset + member.bitSize) / 8) <= offset + size;
  return offset >= start && offset < start + btf.sizeOf(member.type);
}

/** The innermost element of an array of any dimensions, and its bytes; a plain member is one of itself. */
function elementOf(btf: Btf, type: TypeId): { element: TypeId; each: number } {
  let element = btf.strip(type);
  for (let inner = btf.type(element); inner.kind === 'array'; inner = btf.type(element)) {
    element = btf.strip(inner.element);
  }
  return { element, each: btf.sizeOf(element) };
}

function structAt(btf: Btf, type: TypeId): Struct | undefined {
  const found = btf.type(btf.strip(type));
  return found.kind === 'struct' || found.kind === 'union' ? found : undefined;
}

/** The struct that a pointer type points to; none when a tag says that its memory is another's (`__user`, `__percpu`, `__rcu`). */
export function pointedStruct(btf: Btf, pointer: TypeId): TypeId | undefined {
  const type = btf.type(btf.strip(pointer));
  if (type.kind !== 'pointer' || btf.type(type.target).kind === 'typeTag') return undefined;
  return structAt(btf, type.target) && btf.strip(type.target);
}
