import type { BtfType, KernelProfile, TracepointFormat, TypeId } from '../../btf/index.ts';
import { bitField } from './layout.ts';
import { supplementaryEnumerator } from './supplement.ts';
import {
  aliased,
  alignOf,
  type CType,
  type IntType,
  type Member,
  pointerTo,
  type StructBody,
  StructType,
  types,
} from './types.ts';

/**
 * The kernel's types, out of the profile's BTF: a struct that a text names and does not define is the kernel's. Each is
 * made once, when it is asked for, its members when somebody looks inside.
 */
export class KernelTypes {
  readonly profile: KernelProfile;
  readonly #made = new Map<TypeId, CType>();
  readonly #users = new Set<TypeId>();

  constructor(profile: KernelProfile) {
    this.profile = profile;
  }

  struct(tag: string, union: boolean): StructType | undefined {
    const id = this.profile.btf.find(union ? 'union' : 'struct', tag);
    const type = id === undefined ? undefined : this.type(id);
    return type?.kind === 'struct' ? type : undefined;
  }

  /** Whether a struct is the kernel's, and not the text's. */
  made(type: StructType): boolean {
    return type.tag !== '' && this.struct(type.tag, type.union) === type;
  }

  enum(tag: string): IntType | undefined {
    const id = this.profile.btf.find('enum', tag);
    const type = id === undefined ? undefined : this.type(id);
    return type?.kind === 'int' ? type : undefined;
  }

  typedef(name: string): CType | undefined {
    const id = this.profile.btf.find('typedef', name);
    return id === undefined ? undefined : this.type(id);
  }

  enumerator(name: string): bigint | undefined {
    return (
      this.profile.btf.enumerator(name) ?? supplementaryEnumerator(this.profile, name) ?? this.profile.constant(name)
    );
  }

  type(id: TypeId): CType {
    const known = this.#made.get(id);
    if (known) return known;
    const made = this.#make(id, this.profile.btf.type(id));
    this.#made.set(id, made);
    return made;
  }

  #make(id: TypeId, type: BtfType): CType {
    switch (type.kind) {
      case 'int':
        return {
          kind: 'int',
          name: type.name,
          size: type.size as IntType['size'],
          signed: type.signed || type.name === 'char',
          ...(type.bool ? { bool: true } : {}),
        };
      case 'enum':
      case 'enum64':
        return {
          kind: 'int',
          name: `enum ${type.name}`,
          size: type.size as IntType['size'],
          signed: type.signed,
          values: type.values,
        };
      case 'pointer':
        return this.#pointer(type.target);
      case 'array':
        return { kind: 'array', element: this.type(type.element), length: type.length };
      case 'struct':
      case 'union':
        return new StructType(type.kind === 'union', type.name, () => this.#body(type));
      case 'forward':
        return this.#forward(type.name, type.union, id);
      case 'typeTag':
        if (type.name === 'user') this.#users.add(id);
        return this.type(type.target);
      case 'typedef':
        return aliased(this.type(type.target), type.name);
      case 'volatile':
      case 'const':
      case 'restrict':
        return this.type(type.target);
      case 'prototype':
        return {
          kind: 'function',
          returns: this.type(type.returns),
          parameters: type.params.map((one) => ({ name: one.name, type: this.type(one.type) })),
          variadic: type.variadic,
        };
      default:
        return types.void;
    }
  }

  /** A pointer does not look at a struct's inside, so types that refer to each other come to an end. */
  #pointer(target: TypeId): CType {
    const to = this.type(target);
    return pointerTo(to, this.#users.has(target));
  }

  #forward(name: string, union: boolean, id: TypeId): CType {
    const found = this.profile.btf.find(union ? 'union' : 'struct', name);
    return found === undefined || found === id ? new StructType(union, name) : this.type(found);
  }

  #body(type: Extract<BtfType, { kind: 'struct' | 'union' }>): StructBody {
    let align = 1;
    const members: Member[] = type.members.map((member) => {
      const of = this.type(member.type);
      align = Math.max(align, alignOf(of));
      return member.bitSize > 0
        ? bitField(member.name, of, member.bitOffset, member.bitSize, type.size)
        : { name: member.name, type: of, offset: member.bitOffset >>> 3 };
    });
    while (type.size % align !== 0) align /= 2;
    return { size: type.size, align, members };
  }
}

/** The names that `struct tracepoint__CATEGORY__EVENT` may mean: the two underscores can stand in either part. */
export function findTracepoint(profile: KernelProfile, name: string): TracepointFormat | undefined {
  for (let at = name.indexOf('__'); at >= 0; at = name.indexOf('__', at + 1)) {
    const format = profile.tracepoint(`${name.slice(0, at)}:${name.slice(at + 2)}`);
    if (format) return format;
  }
  return undefined;
}

/**
 * The record of a tracepoint as BCC declares it: eight bytes of common fields that no program may read, then the fields,
 * those of dynamic length as an int `data_loc_NAME`.
 * @param typeNamed reads a C type, or gives undefined when it is not one
 */
export function tracepointStruct(format: TracepointFormat, typeNamed: (text: string) => CType | undefined): StructBody {
  const members: Member[] = [{ name: '__do_not_use__', type: types.ullong, offset: 0 }];
  for (const field of format.fields) {
    const { offset } = field;
    if (field.dynamic) members.push({ name: `data_loc_${field.name}`, type: types.int, offset });
    else members.push({ name: field.name, type: fieldType(field, typeNamed), offset });
  }
  return { size: Math.ceil(format.size / 8) * 8, align: 8, members };
}

function fieldType(field: TracepointFormat['fields'][number], typeNamed: (text: string) => CType | undefined): CType {
  const base = field.type.replace(/\[.*$/, '').trim();
  const size = field.length > 0 ? field.size / field.length : field.size;
  const named = typeNamed(base);
  const fitting = [types.schar, types.short, types.int, types.long].find((type) => type.size === size);
  const unsigned = [types.uchar, types.ushort, types.uint, types.ulong].find((type) => type.size === size);
  const plain: CType = (field.signed ? fitting : unsigned) ?? { kind: 'array', element: types.uchar, length: size };
  const element = named && (named.kind === 'pointer' ? 8 : bytesOf(named)) === size ? named : plain;
  return field.length > 0 ? { kind: 'array', element, length: field.length } : element;
}

function bytesOf(type: CType): number {
  if (type.kind === 'int') return type.size;
  return type.kind === 'struct' ? (type.body?.size ?? 0) : 0;
}
