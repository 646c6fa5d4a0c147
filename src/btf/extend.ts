import { InputError } from '../base/index.ts';
import type { Btf, FunctionPrototype, MemberPlace } from './btf.ts';
import { memberPlace, sizeOfType } from './layout.ts';
import { printType } from './print.ts';
import type { BtfParam, BtfType, TypeId } from './types.ts';

/**
 * BTF with more functions than it came with: those of modules, and those that pahole left out, by their prototypes as C
 * declares them, each on a line of its own. Types are those of the BTF; a struct that it does not have is incomplete.
 *
 *   int ext4_file_open(struct inode *inode, struct file *filp);
 *   tracepoint kvm_exit(struct kvm_vcpu *vcpu, u32 isa);
 *
 * A tracepoint is the function `__traceiter_NAME` and the typedef `btf_trace_NAME`, which raw tracepoints go by.
 */
export function extendBtf(base: Btf, prototypes: string): Btf {
  return new ExtendedBtf(base, prototypes);
}

/** `struct inode *inode`, `u64 now`: type, stars, name. A result has no name. */
const parameter = /^(\S.*?)\s*(\**)(?<=[\s*])\s*(\w+)$/;
const result = /^(.*?)\s*(\**)$/;
const line = /^(?:(tracepoint)|(.+?[\s*]))\s*([\w.]+)\s*\(([^()]*)\);$/;

type Kind = Parameters<Btf['find']>[0];

class ExtendedBtf implements Btf {
  readonly count: number;
  readonly #base: Btf;
  readonly #types: BtfType[] = [];
  readonly #functions = new Map<string, TypeId>();
  readonly #typedefs = new Map<string, TypeId>();
  readonly #named = new Map<string, TypeId>();
  readonly #pointers = new Map<TypeId, TypeId>();

  constructor(base: Btf, prototypes: string) {
    this.#base = base;
    for (const [index, text] of prototypes.split('\n').entries()) {
      const trimmed = text.trim();
      if (trimmed !== '' && !trimmed.startsWith('//')) this.#declare(trimmed, index + 1);
    }
    this.count = base.count + this.#types.length;
  }

  #add(type: BtfType): TypeId {
    this.#types.push(type);
    return this.#base.count + this.#types.length - 1;
  }

  #declare(text: string, number: number): void {
    const fault = (message: string) =>
      new InputError(message, {
        at: { line: number, column: 1, text },
        expected: 'int name(struct type *parameter, …);',
      });
    const match = line.exec(text);
    if (!match) throw fault('this is no prototype');
    const [, tracepoint, given = 'int', name = '', list = ''] = match;
    const typed = list.trim() === '' || list.trim() === 'void' ? [] : list.split(',');
    const params = typed.map((one): BtfParam => {
      const parts = parameter.exec(one.trim());
      if (!parts) throw fault(`'${one.trim()}' is no parameter`);
      return { name: parts[3] ?? '', type: this.#type(parts[1] ?? '', parts[2] ?? '', fault) };
    });
    const parts = result.exec(given.trim());
    const returns = this.#type(parts?.[1] ?? '', parts?.[2] ?? '', fault);
    if (tracepoint === undefined) this.#function(name, returns, params);
    else this.#tracepoint(name, params, returns);
  }

  #function(name: string, returns: TypeId, params: readonly BtfParam[]): void {
    if (this.#base.find('function', name) !== undefined) return;
    const prototype = this.#add({ kind: 'prototype', returns, params, variadic: false });
    this.#functions.set(name, this.#add({ kind: 'function', name, prototype, linkage: 0 }));
  }

  #tracepoint(name: string, params: readonly BtfParam[], returns: TypeId): void {
    const all = [{ name: '__data', type: this.#pointer(0) }, ...params];
    this.#function(`__traceiter_${name}`, returns, all);
    const prototype = this.#add({ kind: 'prototype', returns: 0, params: all, variadic: false });
    const typedef = `btf_trace_${name}`;
    this.#typedefs.set(typedef, this.#add({ kind: 'typedef', name: typedef, target: this.#pointer(prototype) }));
  }

  #pointer(target: TypeId): TypeId {
    const known = this.#pointers.get(target) ?? this.#add({ kind: 'pointer', target });
    this.#pointers.set(target, known);
    return known;
  }

  #type(words: string, stars: string, fault: (message: string) => InputError): TypeId {
    const name = words.replace(/\bconst\b/g, '').trim();
    let id = this.#named.get(name) ?? this.#find(name);
    if (id === undefined) throw fault(`this kernel has no type '${name}'`);
    this.#named.set(name, id);
    for (const _ of stars) id = this.#pointer(id);
    return id;
  }

  #find(name: string): TypeId | undefined {
    if (name === 'void') return 0;
    const [, tag, rest] = /^(struct|union|enum)\s+(\w+)$/.exec(name) ?? [];
    if (tag === undefined || rest === undefined)
      return this.#base.find('typedef', name) ?? this.#base.find('int', name);
    const known = this.#base.find(tag as Kind, rest);
    if (known !== undefined || tag === 'enum') return known;
    return this.#add({ kind: 'forward', name: rest, union: tag === 'union' });
  }

  type(id: TypeId): BtfType {
    return id < this.#base.count ? this.#base.type(id) : this.#own(id);
  }

  #own(id: TypeId): BtfType {
    const type = this.#types[id - this.#base.count];
    if (type === undefined) throw new RangeError(`no type ${id} in this BTF`);
    return type;
  }

  find(kind: Kind, name: string): TypeId | undefined {
    const known = this.#base.find(kind, name);
    if (known !== undefined) return known;
    if (kind === 'function') return this.#functions.get(name);
    return kind === 'typedef' ? this.#typedefs.get(name) : undefined;
  }

  strip(id: TypeId): TypeId {
    if (id < this.#base.count) return this.#base.strip(id);
    const type = this.#own(id);
    return type.kind === 'typedef' ? this.strip(type.target) : id;
  }

  sizeOf(id: TypeId): number {
    return sizeOfType(this, id);
  }

  print(id: TypeId): string {
    return printType(this, id);
  }

  member(struct: TypeId, path: string): MemberPlace | undefined {
    return memberPlace(this, struct, path);
  }

  functionPrototype(name: string): FunctionPrototype | undefined {
    const id = this.#functions.get(name);
    const type = id === undefined ? undefined : this.#own(id);
    if (type?.kind !== 'function') return this.#base.functionPrototype(name);
    const prototype = this.#own(type.prototype);
    if (prototype.kind !== 'prototype') return undefined;
    return { name, params: prototype.params, returns: prototype.returns };
  }

  *functionNames(): Iterable<string> {
    yield* this.#base.functionNames();
    yield* this.#functions.keys();
  }

  enumerator(name: string): bigint | undefined {
    return this.#base.enumerator(name);
  }
}
