import type { BtfEnumerator } from '../../btf/index.ts';
import type { Token } from '../preprocess/token.ts';
import { quoted } from './print.ts';

export { printCType, quoted, quotedConstant } from './print.ts';

/**
 * C types as the compiler sees them, with the sizes of x86-64's and BPF's LP64. Structs are objects that fill in their
 * members when somebody asks: the kernel's types refer to each other without end.
 */
export type CType = VoidType | IntType | PointerType | ArrayType | StructType | FunctionType;

/** The typedef that a type was named by; it makes no other type of it. */
interface Aliased {
  readonly alias?: string;
  /** Bytes that a typedef's `aligned` attribute asks for, which may be fewer than the type's own. */
  readonly align?: number;
}

export interface VoidType extends Aliased {
  readonly kind: 'void';
  readonly user?: boolean;
}

export interface IntType extends Aliased {
  readonly kind: 'int';
  readonly name: string;
  /** bytes */
  readonly size: 1 | 2 | 4 | 8 | 16;
  readonly signed: boolean;
  readonly bool?: boolean;
  /** Of an enum: its enumerators. */
  readonly values?: readonly BtfEnumerator[];
}

export interface PointerType extends Aliased {
  readonly kind: 'pointer';
  readonly target: CType;
  /** What it points to is memory of a process (`__user`). */
  readonly user: boolean;
  readonly volatile: boolean;
  /** What it points to may be read only. */
  readonly constant: boolean;
}

export interface ArrayType extends Aliased {
  readonly kind: 'array';
  readonly element: CType;
  /** Undefined: it was not said, `char x[]`. */
  readonly length: number | undefined;
}

export interface FunctionType extends Aliased {
  readonly kind: 'function';
  readonly returns: CType;
  readonly parameters: readonly { readonly name: string; readonly type: CType }[];
  readonly variadic: boolean;
}

export interface Member {
  /** Empty for an anonymous struct or union. */
  readonly name: string;
  readonly type: CType;
  /** Bytes from the start of the struct; of a bit-field, of the storage that holds it. */
  readonly offset: number;
  readonly bits?: BitField;
  /** Bytes that its `aligned` attribute asks for. */
  readonly align?: number;
  /** It is const: its name where it was declared. */
  readonly constant?: Token;
  /** The kernel that the text is compiled for has not what CO-RE's struct declares. */
  readonly absent?: boolean;
}

export interface BitField {
  /** Its first bit in the storage, and how many. */
  readonly shift: number;
  readonly width: number;
  /** Bytes of the storage; undefined where no aligned storage within the struct holds it: up to 9 bytes, one by one. */
  readonly storage: 1 | 2 | 4 | 8 | undefined;
}

export interface StructBody {
  readonly size: number;
  readonly align: number;
  readonly members: readonly Member[];
}

export class StructType {
  readonly kind = 'struct';
  readonly union: boolean;
  readonly tag: string;
  /** The first typedef of a struct without a tag. */
  alias?: string;
  /** A header of a packet, whose members are loaded from the packet. */
  packet = false;
  #body: StructBody | undefined;
  #named: Map<string, NamedMember> | undefined;
  /** Members that were looked at to find some by their names. */
  #looked = 0;
  readonly #resolve: (() => StructBody | undefined) | undefined;

  constructor(union: boolean, tag: string, resolve?: () => StructBody | undefined) {
    this.union = union;
    this.tag = tag;
    this.#resolve = resolve;
  }

  define(body: StructBody): void {
    this.#body = body;
    this.#named = undefined;
  }

  /** Undefined while it is only declared. */
  get body(): StructBody | undefined {
    this.#body ??= this.#resolve?.();
    return this.#body;
  }

  /** A member by name, through anonymous structs and unions; its offset is from the start of this struct. */
  member(name: string): NamedMember | undefined {
    const members = this.body?.members ?? [];
    // A list costs less than a table, until it was asked often.
    this.#looked += members.length;
    if (this.#looked > 1000) this.#named ??= this.#byName(members);
    if (this.#named) return this.#named.get(name);
    const index = members.findIndex((member) => member.name === name);
    if (index >= 0) return { ...(members[index] as Member), index };
    for (let i = 0; i < members.length; i++) {
      const { type, offset } = members[i] as Member;
      const found = members[i]?.name === '' && type.kind === 'struct' ? type.member(name) : undefined;
      if (found) return { ...found, offset: offset + found.offset, index: i };
    }
    return undefined;
  }

  #byName(members: readonly Member[]): Map<string, NamedMember> {
    const named = new Map<string, NamedMember>();
    const note = (name: string, member: NamedMember): void => {
      if (!named.has(name)) named.set(name, member);
    };
    members.forEach((member, index) => {
      note(member.name, { ...member, index });
    });
    members.forEach(({ name, type, offset }, index) => {
      if (name !== '' || type.kind !== 'struct') return;
      for (const [inner, found] of type.#byName(type.body?.members ?? [])) {
        note(inner, { ...found, offset: offset + found.offset, index });
      }
    });
    return named;
  }
}

/** A member found by its name, and which of the outermost struct's it is or lies in. */
interface NamedMember extends Member {
  readonly index: number;
}

/** A type by a typedef's name. */
export function aliased(type: CType, alias: string): CType {
  if (type.kind !== 'struct') return type.kind === 'function' || type.kind === 'void' ? type : { ...type, alias };
  if (type.tag === '') type.alias ??= alias;
  return type;
}

/** Bytes of the largest type: BTF counts the bits before a member in 32. */
export const mostBytes = 0x1fff_ffff;
/** Members, enumerators, parameters and globals of one type or section: BTF counts them in 16 bits. */
export const mostElements = 0xffff;

const int = (name: string, size: IntType['size'], signed: boolean): IntType => ({ kind: 'int', name, size, signed });

export const types = {
  void: { kind: 'void' } as VoidType,
  bool: { kind: 'int', name: '_Bool', size: 1, signed: false, bool: true } as IntType,
  char: int('char', 1, true),
  schar: int('signed char', 1, true),
  uchar: int('unsigned char', 1, false),
  short: int('short', 2, true),
  ushort: int('unsigned short', 2, false),
  int: int('int', 4, true),
  uint: int('unsigned int', 4, false),
  long: int('long', 8, true),
  ulong: int('unsigned long', 8, false),
  llong: int('long long', 8, true),
  ullong: int('unsigned long long', 8, false),
  /** Of what was told to be wrong; it goes with everything. */
  wrong: int('int', 4, true),
  int128: int('__int128', 16, true),
  uint128: int('unsigned __int128', 16, false),
} as const;

export function pointerTo(target: CType, user = false, volatile = false, constant = false): PointerType {
  return { kind: 'pointer', target, user, volatile, constant };
}

/** sizeof in bytes; 0 for void, functions and what is incomplete. */
export function sizeOf(type: CType): number {
  switch (type.kind) {
    case 'int':
      return type.size;
    case 'pointer':
      return 8;
    case 'array':
      return (type.length ?? 0) * sizeOf(type.element);
    case 'struct':
      return type.body?.size ?? 0;
    default:
      return 0;
  }
}

export function alignOf(type: CType): number {
  if (type.kind !== 'struct' && type.align !== undefined) return type.align;
  switch (type.kind) {
    case 'int':
      return type.size;
    case 'pointer':
      return 8;
    case 'array':
      return alignOf(type.element);
    case 'struct':
      return type.body?.align ?? 1;
    default:
      return 1;
  }
}

/** Fits a register: integers of up to 8 bytes and pointers. */
export function isScalar(type: CType): boolean {
  return type.kind === 'pointer' || (type.kind === 'int' && type.size <= 8);
}

/** Lies in memory and is copied as bytes: structs, arrays, 128-bit integers. */
export function isAggregate(type: CType): boolean {
  return type.kind === 'struct' || type.kind === 'array' || (type.kind === 'int' && type.size === 16);
}

export function isComplete(type: CType): boolean {
  if (type.kind === 'struct') return type.body !== undefined;
  if (type.kind === 'array') return type.length !== undefined && isComplete(type.element);
  return type.kind !== 'void' && type.kind !== 'function';
}

/** A member by the names on the way to it; its offset is from the outermost struct. */
export function findMemberPath(type: StructType, path: readonly string[]): Member | undefined {
  let at: CType = type;
  let offset = 0;
  let found: Member | undefined;
  for (const name of path) {
    found = at.kind === 'struct' ? at.member(name) : undefined;
    if (!found) return undefined;
    offset += found.offset;
    at = found.type;
  }
  return found && { ...found, offset };
}

/** The names that `member` would find. */
export function memberNames(type: StructType): string[] {
  return (type.body?.members ?? []).flatMap((member) =>
    member.name === '' && member.type.kind === 'struct' ? memberNames(member.type) : [member.name],
  );
}

const longLongs: ReadonlySet<string> = new Set([
  'long long',
  'unsigned long long',
  'long long int',
  'long long unsigned int',
]);

/** `long long`: as wide as `long`, and yet another type. */
export function isLongLong({ size, name }: IntType): boolean {
  return size === 8 && longLongs.has(name);
}

/**
 * The same type, whatever its name and qualifiers.
 * @param known functions that were compared already: one of functions of functions has very many ways to each
 */
export function sameType(a: CType, b: CType, known?: Map<CType, Set<CType>>): boolean {
  if (a === b) return true;
  if (a.kind === 'int' && b.kind === 'int') {
    if (a.size !== b.size || a.signed !== b.signed || a.bool !== b.bool) return false;
    return a.name === b.name || (isLongLong(a) === isLongLong(b) && (a.name === 'char') === (b.name === 'char'));
  }
  if (a.kind === 'pointer' && b.kind === 'pointer') return sameType(a.target, b.target, known);
  if (a.kind === 'array' && b.kind === 'array') return a.length === b.length && sameType(a.element, b.element, known);
  if (a.kind === 'struct' && b.kind === 'struct') return a.tag !== '' && a.tag === b.tag && a.union === b.union;
  if (a.kind === 'function' && b.kind === 'function') return sameFunction(a, b, known ?? new Map());
  return a.kind === 'void' && b.kind === 'void';
}

/**
 * Compatible types (C11 6.2.7): the same but for their own qualifiers; an array of open length goes with any. What a
 * pointer leads to is const and volatile in both or in neither.
 */
export function isCompatible(a: CType, b: CType): boolean {
  if (a.kind === 'array' && b.kind === 'array') {
    const open = a.length === undefined || b.length === undefined || a.length === b.length;
    return open && isCompatible(a.element, b.element);
  }
  if (a.kind === 'pointer' && b.kind === 'pointer') {
    return a.constant === b.constant && a.volatile === b.volatile && isCompatible(a.target, b.target);
  }
  if (a.kind === 'int' && b.kind === 'int' && a.values && b.values) return a === b || a.name === b.name;
  return sameType(a, b);
}

function sameFunction(a: FunctionType, b: FunctionType, known: Map<CType, Set<CType>>): boolean {
  const others = known.get(a) ?? new Set();
  if (others.has(b)) return true;
  known.set(a, others.add(b));
  if (a.variadic !== b.variadic || a.parameters.length !== b.parameters.length) return false;
  if (!sameType(a.returns, b.returns, known)) return false;
  return a.parameters.every(({ type }, i) => sameType(type, b.parameters[i]?.type as CType, known));
}

/** What is said of a variable whose size is not known. */
export function incompleteText(type: CType): string {
  return type.kind === 'array' && isComplete(type.element)
    ? 'definition of variable with array type needs an explicit size or an initializer'
    : `variable has incomplete type ${quoted(type)}`;
}
