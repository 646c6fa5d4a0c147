import type { BtfEnumerator } from '../../btf/index.ts';
import type { Token } from '../preprocess/token.ts';

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
  readonly #resolve: (() => StructBody | undefined) | undefined;

  constructor(union: boolean, tag: string, resolve?: () => StructBody | undefined) {
    this.union = union;
    this.tag = tag;
    this.#resolve = resolve;
  }

  define(body: StructBody): void {
    this.#body = body;
  }

  /** Undefined while it is only declared. */
  get body(): StructBody | undefined {
    this.#body ??= this.#resolve?.();
    return this.#body;
  }
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

/** A member by name, through anonymous structs and unions; its offset is from the outermost. */
export function findMember(type: StructType, name: string): Member | undefined {
  const members = type.body?.members ?? [];
  for (const member of members) if (member.name === name) return member;
  for (const member of members) {
    if (member.name !== '' || member.type.kind !== 'struct') continue;
    const found = findMember(member.type, name);
    if (found) return { ...found, offset: member.offset + found.offset };
  }
  return undefined;
}

/** A member by the names on the way to it; its offset is from the outermost struct. */
export function findMemberPath(type: StructType, path: readonly string[]): Member | undefined {
  let at: CType = type;
  let offset = 0;
  let found: Member | undefined;
  for (const name of path) {
    found = at.kind === 'struct' ? findMember(at, name) : undefined;
    if (!found) return undefined;
    offset += found.offset;
    at = found.type;
  }
  return found && { ...found, offset };
}

/** The names that `findMember` would find. */
export function memberNames(type: StructType): string[] {
  return (type.body?.members ?? []).flatMap((member) =>
    member.name === '' && member.type.kind === 'struct' ? memberNames(member.type) : [member.name],
  );
}

/** `long long`: as wide as `long`, and yet another type. */
export function isLongLong({ size, name }: IntType): boolean {
  return size === 8 && name.includes('long long');
}

/** The same type, whatever its name and qualifiers. */
export function sameType(a: CType, b: CType): boolean {
  if (a === b) return true;
  if (a.kind === 'int' && b.kind === 'int') {
    const alike = a.size === b.size && a.signed === b.signed && a.bool === b.bool;
    return alike && isLongLong(a) === isLongLong(b) && (a.name === 'char') === (b.name === 'char');
  }
  if (a.kind === 'pointer' && b.kind === 'pointer') return sameType(a.target, b.target);
  if (a.kind === 'array' && b.kind === 'array') return a.length === b.length && sameType(a.element, b.element);
  if (a.kind === 'struct' && b.kind === 'struct') return a.tag !== '' && a.tag === b.tag && a.union === b.union;
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
  if (a.kind === 'function' && b.kind === 'function') {
    const alike = a.parameters.length === b.parameters.length && a.variadic === b.variadic;
    const same = (one: { readonly type: CType }, i: number): boolean =>
      isCompatible(one.type, b.parameters[i]?.type ?? one.type);
    return alike && isCompatible(a.returns, b.returns) && a.parameters.every(same);
  }
  if (a.kind === 'int' && b.kind === 'int' && a.values && b.values) return a === b || a.name === b.name;
  return sameType(a, b);
}

/** As clang writes what gcc, and with it a kernel's BTF, spells out. */
const shortNames: ReadonlyMap<string, string> = new Map([
  ['short int', 'short'],
  ['short unsigned int', 'unsigned short'],
  ['long int', 'long'],
  ['long unsigned int', 'unsigned long'],
  ['long long int', 'long long'],
  ['long long unsigned int', 'unsigned long long'],
]);

/** The type as C writes it. */
export function printCType(type: CType): string {
  switch (type.kind) {
    case 'void':
      return 'void';
    case 'int':
      return shortNames.get(type.name) ?? type.name;
    case 'pointer':
      return pointerText(type, printCType);
    case 'array':
      return arrayText(type, printCType);
    case 'struct':
      return `${type.union ? 'union' : 'struct'} ${type.tag === '' ? '(anonymous)' : type.tag}`;
    case 'function':
      return `${printCType(type.returns)} (${type.parameters.map((one) => printCType(one.type)).join(', ') || 'void'})`;
  }
}

/** As diagnostics name it: in quotes, and of a typedef what it stands for. */
export function quoted(type: CType): string {
  const plain = printCType(type);
  const named = sugared(type);
  return named === plain ? `'${plain}'` : `'${named}' (aka '${plain}')`;
}

/** What is said of a variable whose size is not known. */
export function incompleteText(type: CType): string {
  return type.kind === 'array' && isComplete(type.element)
    ? 'definition of variable with array type needs an explicit size or an initializer'
    : `variable has incomplete type ${quoted(type)}`;
}

/** The same of what is const itself. */
export function quotedConstant(type: CType): string {
  return type.kind === 'pointer'
    ? quoted(type).replace(/'([^']*)'/g, `'$1const'`)
    : quoted(type).replace(/'(?!const )([^']*)'/g, `'const $1'`);
}

/** Lengths from the outermost on: `int[2][3]` is two of three. */
function arrayText(type: ArrayType, printed: (type: CType) => string): string {
  let lengths = '';
  let at: CType = type;
  for (; at.kind === 'array'; at = at.element) lengths += `[${at.length ?? ''}]`;
  return printed(at) + lengths;
}

/** The type by the typedefs that it was named by. */
function sugared(type: CType): string {
  if (type.alias !== undefined) return type.alias;
  if (type.kind === 'array') return arrayText(type, sugared);
  if (type.kind !== 'pointer') return printCType(type);
  return pointerText(type, sugared);
}

function pointerText({ target, constant }: PointerType, printed: (type: CType) => string): string {
  const text = printed(target);
  if (text.endsWith('*')) return constant ? `${text}const *` : `${text}*`;
  return constant ? `const ${text} *` : `${text} *`;
}
