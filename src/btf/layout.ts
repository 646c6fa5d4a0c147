import type { Btf, MemberPlace } from './btf.ts';
import type { BtfMember, TypeId } from './types.ts';

/**
 * Where things lie in C types: sizes, and members with their offsets through anonymous structs and unions. Offsets and
 * sizes are in bytes, the place of a bit-field in bits within its storage.
 */

/** A member of a struct, seen from the struct itself: members of anonymous members stand among them. */
export interface LayoutField extends MemberPlace {
  readonly name: string;
}

/** Members that a layout names: of two nameless structs in each of two nameless structs in … there is no end. */
export const mostFields = 100_000;

/** Arrays within arrays, anonymous structs within structs: deeper than this is a type that refers to itself. */
const deepest = 64;

export function sizeOfType(btf: Btf, id: TypeId, depth = 0): number {
  const type = btf.type(btf.strip(id));
  switch (type.kind) {
    case 'pointer':
      return 8;
    case 'int':
    case 'float':
    case 'struct':
    case 'union':
    case 'enum':
    case 'enum64':
    case 'section':
      return type.size;
    case 'array':
      return depth > deepest ? 0 : type.length * sizeOfType(btf, type.element, depth + 1);
    case 'variable':
      return depth > deepest ? 0 : sizeOfType(btf, type.type, depth + 1);
    default:
      return 0;
  }
}

/**
 * The alignment that C gives a type on a 64-bit machine, in bytes; packed structs are not told apart.
 * @param known structs that were looked at already, or are being looked at
 */
export function alignOf(btf: Btf, id: TypeId, known = new Map<TypeId, number>()): number {
  let at = btf.strip(id);
  let type = btf.type(at);
  for (let depth = 0; type.kind === 'array' && depth <= deepest; depth++) {
    at = btf.strip(type.element);
    type = btf.type(at);
  }
  if (type.kind !== 'struct' && type.kind !== 'union') return Math.max(1, Math.min(16, sizeOfType(btf, at)));
  const found = known.get(at);
  if (found !== undefined) return found;
  known.set(at, 1);
  let align = 1;
  for (const member of type.members) align = Math.max(align, alignOf(btf, member.type, known));
  known.set(at, align);
  return align;
}

/**
 * The members of a struct or union in order, those of anonymous members in their place.
 * Empty for what is no struct.
 */
export function structLayout(btf: Btf, id: TypeId): readonly LayoutField[] {
  const fields: LayoutField[] = [];
  let looked = 0;
  const collect = (struct: TypeId, baseBits: number, depth: number): void => {
    const type = btf.type(btf.strip(struct));
    if ((type.kind !== 'struct' && type.kind !== 'union') || depth > deepest) return;
    for (const member of type.members) {
      if (++looked > mostFields) return;
      if (member.name === '') collect(member.type, baseBits + member.bitOffset, depth + 1);
      else fields.push({ name: member.name, ...place(btf, member, baseBits) });
    }
  };
  collect(id, 0, 0);
  return fields;
}

/**
 * A bit-field's storage is its declared type's size at the aligned offset that holds its first bit, doubled while the
 * field does not fit (as CO-RE does; tools/lib/bpf/relo_core.c).
 */
function place(btf: Btf, member: BtfMember, baseBits: number): MemberPlace {
  const bits = baseBits + member.bitOffset;
  const size = sizeOfType(btf, member.type);
  if (member.bitSize === 0) return { offset: bits >>> 3, size, type: member.type, bitShift: 0, bitSize: 0 };
  let storage = Math.max(1, size);
  let offset = Math.floor(bits / 8 / storage) * storage;
  while (bits + member.bitSize - offset * 8 > storage * 8 && storage < 8) {
    storage *= 2;
    offset = Math.floor(bits / 8 / storage) * storage;
  }
  return { offset, size: storage, type: member.type, bitShift: bits - offset * 8, bitSize: member.bitSize };
}

export function memberPlace(btf: Btf, struct: TypeId, path: string): MemberPlace | undefined {
  const steps = path.split(/[.[\]]+/).filter((step) => step !== '');
  let type = struct;
  let offset = 0;
  let found: MemberPlace | undefined;
  for (const step of steps) {
    if (found && found.bitSize > 0) return undefined;
    found = /^\d+$/.test(step) ? element(btf, type, Number(step)) : namedMember(btf, type, step, 0, new Set());
    if (!found) return undefined;
    offset += found.offset;
    type = found.type;
  }
  return found && { ...found, offset };
}

function element(btf: Btf, id: TypeId, index: number): MemberPlace | undefined {
  const type = btf.type(btf.strip(id));
  if (type.kind !== 'array' || (index >= type.length && type.length > 0)) return undefined;
  const size = sizeOfType(btf, type.element);
  return { offset: index * size, size, type: type.element, bitShift: 0, bitSize: 0 };
}

/** @param looked structs that are being looked through, or have no such member */
function namedMember(
  btf: Btf,
  id: TypeId,
  name: string,
  baseBits: number,
  looked: Set<TypeId>,
): MemberPlace | undefined {
  const at = btf.strip(id);
  const type = btf.type(at);
  if ((type.kind !== 'struct' && type.kind !== 'union') || looked.has(at) || looked.size > mostFields) return undefined;
  looked.add(at);
  for (const member of type.members) if (member.name === name) return place(btf, member, baseBits);
  for (const member of type.members) {
    if (member.name !== '') continue;
    const found = namedMember(btf, member.type, name, baseBits + member.bitOffset, looked);
    if (found) return found;
  }
  return undefined;
}
