import { type BtfType, readBtf, type TypeId, writeBtf } from '../../btf/index.ts';
import type { MapTypes, ObjectBtf } from '../../object/index.ts';
import type { FunctionObject, TableObject, Variable } from '../syntax/ast.ts';
import {
  type CType,
  type FunctionType,
  type IntType,
  type StructBody,
  type StructType,
  sizeOf,
} from '../types/types.ts';
import type { PlacedVariable } from './data.ts';

/** Structs whose members are laid out within those of each other. */
const deepest = 100;

/**
 * The BTF of an object: the types of its functions, of what its maps hold and of its data. A struct of the kernel that
 * is only pointed to is a forward declaration, as clang makes it; the kernel's own BTF has its members.
 */
export class ObjectTypes {
  readonly #types: BtfType[] = [{ kind: 'void' }];
  /** Ids by what tells a type from others: its C type's object, or its spelling. */
  readonly #structs = new Map<StructType, TypeId>();
  /** Functions, whose parameters may be functions again in very many ways, and the values of enums. */
  readonly #long = new Map<object, TypeId>();
  /** Structs whose members wait: those of one that leads to another that leads to another … lie too deep. */
  #waiting: StructType[] = [];
  #depth = 0;
  readonly #known = new Map<string, TypeId>();
  readonly #own: Set<CType>;

  /** @param own the structs that the text defines */
  constructor(own: readonly CType[]) {
    this.#own = new Set(own);
  }

  get btf(): ObjectBtf {
    const bytes = writeBtf(this.#types.slice(1));
    return Object.assign(readBtf(bytes), { bytes });
  }

  /** The BTF_KIND_FUNC of a program: its context is all that the kernel hands to it. */
  program(f: FunctionObject): TypeId {
    const context = f.parameters[0]?.type;
    if (context?.kind === 'pointer') this.#own.add(context.target);
    return this.#function(f, f.parameters.slice(0, 1), f.static ? 0 : 1);
  }

  /**
   * Of a function that is called, which is static whatever the text says: what its code takes for granted of pointers is
   * what its callers hand to it, so the verifier is to follow each call. A global one it would take by its prototype.
   */
  function(f: FunctionObject): TypeId {
    return this.#function(f, f.parameters, 0);
  }

  #function({ name, returns }: FunctionObject, parameters: readonly Variable[], linkage: 0 | 1): TypeId {
    return this.#once(`function ${name} ${linkage}`, () => {
      return { kind: 'function', name, prototype: this.#prototype(returns, parameters, false), linkage };
    });
  }

  map(table: TableObject): MapTypes {
    const events = table.events.filter((type) => sizeOf(type) > 0).map((type) => this.type(type));
    return {
      ...(table.key ? { key: this.type(table.key) } : {}),
      ...(table.leaf ? { value: this.type(table.leaf) } : {}),
      ...(events.length > 0 ? { events: [...new Set(events)] } : {}),
    };
  }

  /** A section of data and the variables in it, in the order of their offsets. */
  section(name: string, size: number, placed: readonly PlacedVariable[]): TypeId {
    const variables = placed.map(({ variable, offset }) => ({
      type: this.#variable(variable),
      offset,
      size: sizeOf(variable.type),
    }));
    return this.#add({ kind: 'section', name, size, variables });
  }

  #variable(variable: Variable): TypeId {
    return this.#add({ kind: 'variable', name: variable.name, type: this.type(variable.type), linkage: 1 });
  }

  type(type: CType): TypeId {
    const { alias } = type;
    if (alias === undefined) return this.#plain(type);
    const target = this.#plain(type);
    return this.#once(`typedef ${alias} ${target}`, () => ({ kind: 'typedef', name: alias, target }));
  }

  #plain(type: CType): TypeId {
    switch (type.kind) {
      case 'void':
        return 0;
      case 'int':
        return this.#int(type);
      case 'pointer':
        return this.#pointer(type.target);
      case 'array':
        return this.#array(this.type(type.element), type.length ?? 0);
      case 'struct':
        return this.#struct(type);
      case 'function':
        return this.#noted(type, () => this.#prototype(type.returns, type.parameters, type.variadic));
    }
  }

  #noted(what: object, make: () => TypeId): TypeId {
    const id = this.#long.get(what) ?? make();
    this.#long.set(what, id);
    return id;
  }

  #prototype(returned: CType, parameters: FunctionType['parameters'], variadic: boolean): TypeId {
    const params = parameters.map((one) => ({ name: one.name, type: this.type(one.type) }));
    const returns = this.type(returned);
    const key = `prototype ${returns} ${params.map((one) => `${one.name}:${one.type}`).join()} ${variadic}`;
    return this.#once(key, () => ({ kind: 'prototype', returns, params, variadic }));
  }

  #int(type: IntType): TypeId {
    const { name, size, signed, values } = type;
    if (!values) {
      const { bool = false } = type;
      return this.#once(`int ${name}`, () => ({ kind: 'int', name, size, bits: size * 8, signed, bool, char: false }));
    }
    const tag = name.replace(/^enum /, '').replace('(anonymous)', '');
    const kind = size === 8 ? 'enum64' : 'enum';
    return this.#noted(values, () => {
      const key = `enum ${tag} ${values.map((one) => `${one.name}=${one.value}`).join()}`;
      return this.#once(key, () => ({ kind, name: tag, size, signed, values }));
    });
  }

  #pointer(target: CType): TypeId {
    const own = target.kind !== 'struct' || target.tag === '' || this.#own.has(target) || this.#structs.has(target);
    const to = own ? this.type(target) : this.#forward(target);
    return this.#once(`pointer ${to}`, () => ({ kind: 'pointer', target: to }));
  }

  #forward({ tag, union }: StructType): TypeId {
    return this.#once(`forward ${union} ${tag}`, () => ({ kind: 'forward', name: tag, union }));
  }

  #array(element: TypeId, length: number): TypeId {
    const index = this.#once('index', () => ({
      kind: 'int',
      name: '__ARRAY_SIZE_TYPE__',
      size: 4,
      bits: 32,
      signed: false,
      bool: false,
      char: false,
    }));
    return this.#once(`array ${element} ${length}`, () => ({ kind: 'array', element, index, length }));
  }

  /** Its id is known before its members are, which may point back to it. */
  #struct(type: StructType): TypeId {
    const known = this.#structs.get(type);
    if (known !== undefined) return known;
    const { body } = type;
    if (!body) return this.#forward(type);
    const id = this.#add({ kind: 'void' });
    this.#structs.set(type, id);
    if (this.#depth > deepest) this.#waiting.push(type);
    else this.#members(type, body, id);
    if (this.#depth > 0) return id;
    for (let next = this.#waiting.pop(); next; next = this.#waiting.pop()) {
      this.#members(next, next.body as StructBody, this.#structs.get(next) as TypeId);
    }
    return id;
  }

  #members({ tag, union }: StructType, body: StructBody, id: TypeId): void {
    this.#depth++;
    const members = body.members.map((member) => ({
      name: member.name,
      type: this.type(member.type),
      bitOffset: member.offset * 8 + (member.bits?.shift ?? 0),
      bitSize: member.bits?.width ?? 0,
    }));
    this.#depth--;
    this.#types[id] = { kind: union ? 'union' : 'struct', name: tag, size: body.size, members };
  }

  #once(key: string, make: () => BtfType): TypeId {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const id = this.#add(make());
    this.#known.set(key, id);
    return id;
  }

  #add(type: BtfType): TypeId {
    this.#types.push(type);
    return this.#types.length - 1;
  }
}
