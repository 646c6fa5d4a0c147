import { isAscii } from 'node:buffer';
import { InputError, viewOf } from '../base/index.ts';
import type { Btf, FunctionPrototype, MemberPlace } from './btf.ts';
import { btfHeader, btfKinds, elementSizes, fixedSizes, intEncodings, kindNames } from './kinds.ts';
import { memberPlace, sizeOfType } from './layout.ts';
import { NameIndex } from './names.ts';
import { printType } from './print.ts';
import type { BtfEnumerator, BtfMember, BtfParam, BtfType, TypeId } from './types.ts';

/**
 * Reads BTF, the kernel's own description of its C types (Documentation/bpf/btf.rst). The bytes are checked once from
 * end to end and stay as they are; a type becomes an object when it is first asked for.
 *
 *   header    u16 magic 0xeb9f, u8 version 1, u8 flags, u32 hdr_len, type_off, type_len, str_off, str_len
 *   type      u32 name_off, u32 info, u32 size or type, then what its kind adds
 *   info      31 kind_flag   28..24 kind   15..0 vlen
 */
export function readBtf(bytes: Uint8Array, file?: string): Btf {
  const sections = readHeader(bytes, file);
  const starts = scanTypes(bytes, sections, file);
  return new FlatBtf(bytes, sections, starts, file);
}

interface Sections {
  /** Byte ranges in the blob. */
  readonly types: number;
  readonly typesEnd: number;
  readonly strings: number;
  readonly stringsEnd: number;
}

function fault(message: string, offset: number, file: string | undefined, expected?: string): InputError {
  const at = file === undefined ? { offset } : { file, offset };
  return new InputError(message, expected === undefined ? { at } : { at, expected });
}

function readHeader(bytes: Uint8Array, file: string | undefined): Sections {
  if (bytes.length < btfHeader.size)
    throw fault(`BTF is cut off: ${bytes.length} bytes`, bytes.length, file, `a header of ${btfHeader.size} bytes`);
  const view = viewOf(bytes);
  const magic = view.getUint16(0, true);
  if (magic === 0x9feb) throw fault('this BTF is of a big-endian machine', 0, file, 'little-endian BTF');
  if (magic !== btfHeader.magic)
    throw fault(`not BTF: it begins with 0x${magic.toString(16)}`, 0, file, 'the magic 0xeb9f');
  if (view.getUint8(2) !== btfHeader.version)
    throw fault(`unknown version ${view.getUint8(2)} of BTF`, 2, file, `version ${btfHeader.version}`);
  const header = view.getUint32(4, true);
  if (header < btfHeader.size || header > bytes.length)
    throw fault(`bad length ${header} of the BTF header`, 4, file, `at least ${btfHeader.size}`);
  const types = header + view.getUint32(8, true);
  const typesEnd = types + view.getUint32(12, true);
  const strings = header + view.getUint32(16, true);
  const stringsEnd = strings + view.getUint32(20, true);
  if (types % 4 !== 0) throw fault('the type section of BTF is not aligned to 4 bytes', 8, file);
  if (typesEnd > bytes.length) throw fault(`BTF is cut off: its types end at ${typesEnd}`, bytes.length, file);
  if (stringsEnd > bytes.length) throw fault(`BTF is cut off: its strings end at ${stringsEnd}`, bytes.length, file);
  if (strings === stringsEnd || bytes[strings] !== 0 || bytes[stringsEnd - 1] !== 0)
    throw fault('the string section of BTF does not begin and end with a NUL', strings, file);
  return { types, typesEnd, strings, stringsEnd };
}

/** Where each type begins, in bytes; entry 0 (void) is unused. Checks kinds, lengths, names and type ids. */
function scanTypes(bytes: Uint8Array, sections: Sections, file: string | undefined): Uint32Array {
  const view = viewOf(bytes);
  const starts = new Uint32Array(Math.floor((sections.typesEnd - sections.types) / 12) + 1);
  let count = 1;
  let at = sections.types;
  while (at < sections.typesEnd) {
    if (at + 12 > sections.typesEnd) throw fault(`type ${count} is cut off`, at, file);
    const info = view.getUint32(at + 4, true);
    const kind = (info >>> 24) & 0x1f;
    if (kind === 0 || kind >= kindNames.length)
      throw fault(`type ${count} is of an unknown kind ${kind}`, at + 4, file, `1 to ${kindNames.length - 1}`);
    if (view.getUint32(at, true) >= sections.stringsEnd - sections.strings)
      throw fault(`the name of type ${count} lies outside the strings`, at, file);
    starts[count++] = at;
    at += 12 + (fixedSizes[kind] as number) + (elementSizes[kind] as number) * (info & 0xffff);
  }
  if (at > sections.typesEnd) throw fault(`type ${count - 1} is cut off`, starts[count - 1] as number, file);
  const found = starts.slice(0, count);
  checkReferences(view, sections, found, file);
  return found;
}

/** Offsets from a type's start of the words that hold type ids: one for itself, one for each element. */
const ownReference: readonly (readonly number[])[] = kindNames.map((kind) => {
  if (kind === 'array') return [12, 16];
  const refers = ['pointer', 'typedef', 'volatile', 'const', 'restrict', 'function', 'prototype', 'variable'];
  return refers.includes(kind) || kind === 'declTag' || kind === 'typeTag' ? [8] : [];
});
/** In an element: where its type id stands and where its name does, -1 for none. */
const elementReference = kindNames.map((kind) =>
  kind === 'struct' || kind === 'union' || kind === 'prototype' ? 4 : kind === 'section' ? 0 : -1,
);
const elementNamed = kindNames.map((kind) => (elementSizes[btfKinds[kind].number] as number) > 0 && kind !== 'section');

function checkReferences(view: DataView, sections: Sections, starts: Uint32Array, file: string | undefined): void {
  const strings = sections.stringsEnd - sections.strings;
  for (let id = 1; id < starts.length; id++) {
    const at = starts[id] as number;
    const info = view.getUint32(at + 4, true);
    const kind = (info >>> 24) & 0x1f;
    for (const where of ownReference[kind] as readonly number[]) {
      const target = view.getUint32(at + where, true);
      if (target >= starts.length) throw fault(`type ${id} refers to type ${target}, which is not there`, at, file);
    }
    const each = elementSizes[kind] as number;
    if (each === 0) continue;
    const reference = elementReference[kind] as number;
    const named = elementNamed[kind] as boolean;
    const end = at + 12 + (fixedSizes[kind] as number) + each * (info & 0xffff);
    for (let element = end - each * (info & 0xffff); element < end; element += each) {
      if (named && view.getUint32(element, true) >= strings)
        throw fault(`a name in type ${id} lies outside the strings`, element, file);
      if (reference >= 0 && view.getUint32(element + reference, true) >= starts.length)
        throw fault(`type ${id} refers to a type that is not there`, element + reference, file);
    }
  }
}

/** The name spaces of `find`, and the kinds that each holds. */
const groups = { struct: 0, union: 1, enum: 2, typedef: 3, int: 4, function: 5 } as const;
const groupOfKind: readonly number[] = kindNames.map((kind) => {
  if (kind === 'enum64') return groups.enum;
  if (kind === 'float') return groups.int;
  return kind in groups ? groups[kind as keyof typeof groups] : -1;
});

/** The bytes as they came, and where each type begins. */
class FlatBtf implements Btf {
  readonly count: number;
  readonly #bytes: Uint8Array;
  readonly #text: Buffer;
  readonly #view: DataView;
  readonly #sections: Sections;
  readonly #starts: Uint32Array;
  readonly #file: string | undefined;
  /** The strings as one text that names are pieces of, unless one is beyond ASCII: a name costs no call then. */
  readonly #names: string | undefined;
  readonly #types: (BtfType | undefined)[] = [{ kind: 'void' }];
  #index: NameIndex | undefined;
  #enumerators: Map<string, bigint> | undefined;

  constructor(bytes: Uint8Array, sections: Sections, starts: Uint32Array, file: string | undefined) {
    this.count = starts.length;
    this.#bytes = bytes;
    this.#text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = viewOf(bytes);
    this.#sections = sections;
    this.#starts = starts;
    this.#file = file;
    const strings = this.#text.subarray(sections.strings, sections.stringsEnd);
    this.#names = isAscii(strings) ? strings.toString('latin1') : undefined;
  }

  type(id: TypeId): BtfType {
    const known = this.#types[id];
    if (known) return known;
    if (!Number.isInteger(id) || id < 0 || id >= this.count) throw new RangeError(`no type ${id} in this BTF`);
    const type = this.#decode(this.#starts[id] as number);
    this.#types[id] = type;
    return type;
  }

  find(kind: keyof typeof groups, name: string): TypeId | undefined {
    this.#index ??= this.#buildIndex();
    return name === '' ? undefined : this.#index.find(groups[kind], name);
  }

  strip(id: TypeId): TypeId {
    let at = id;
    for (let steps = 0; steps <= this.count; steps++) {
      const type = this.type(at);
      if (!('target' in type) || type.kind === 'pointer' || type.kind === 'declTag') return at;
      at = type.target;
    }
    throw fault(`type ${id} refers to itself`, this.#starts[id] as number, this.#file);
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
    const id = this.find('function', name);
    if (id === undefined) return undefined;
    const type = this.type(id);
    if (type.kind !== 'function') return undefined;
    const prototype = this.type(type.prototype);
    if (prototype.kind !== 'prototype') return undefined;
    return { name, params: prototype.params, returns: prototype.returns };
  }

  *functionNames(): Iterable<string> {
    const view = this.#view;
    for (let id = 1; id < this.count; id++) {
      const at = this.#starts[id] as number;
      if (((view.getUint32(at + 4, true) >>> 24) & 0x1f) === btfKinds.function.number) yield this.#name(at);
    }
  }

  enumerator(name: string): bigint | undefined {
    if (!this.#enumerators) {
      this.#enumerators = new Map();
      for (let id = 1; id < this.count; id++) {
        const kind = (this.#view.getUint32((this.#starts[id] as number) + 4, true) >>> 24) & 0x1f;
        if (kind !== btfKinds.enum.number && kind !== btfKinds.enum64.number) continue;
        const type = this.type(id) as { readonly values: readonly BtfEnumerator[] };
        for (const value of type.values)
          if (!this.#enumerators.has(value.name)) this.#enumerators.set(value.name, value.value);
      }
    }
    return this.#enumerators.get(name);
  }

  #buildIndex(): NameIndex {
    const view = this.#view;
    const index = new NameIndex(this.#bytes.subarray(this.#sections.strings, this.#sections.stringsEnd), this.count);
    for (let id = 1; id < this.count; id++) {
      const at = this.#starts[id] as number;
      const name = view.getUint32(at, true);
      const group = groupOfKind[(view.getUint32(at + 4, true) >>> 24) & 0x1f] as number;
      if (name !== 0 && group >= 0) index.add(group, name, id);
    }
    return index;
  }

  /** The name whose offset stands in the word at `at`. */
  #name(at: number): string {
    const offset = this.#view.getUint32(at, true);
    const names = this.#names;
    if (names !== undefined) return names.slice(offset, names.indexOf('\0', offset));
    const start = this.#sections.strings + offset;
    return this.#text.toString('utf8', start, this.#text.indexOf(0, start));
  }

  #decode(at: number): BtfType {
    const view = this.#view;
    const info = view.getUint32(at + 4, true);
    const kind = kindNames[(info >>> 24) & 0x1f] as (typeof kindNames)[number];
    const flag = info >>> 31 === 1;
    const length = info & 0xffff;
    const name = this.#name(at);
    const word = view.getUint32(at + 8, true);
    switch (kind) {
      case 'void':
        return { kind };
      case 'int': {
        const encoded = view.getUint32(at + 12, true);
        const encoding = encoded >>> 24;
        return {
          kind,
          name,
          size: word,
          bits: encoded & 0xff,
          signed: (encoding & intEncodings.signed) !== 0,
          bool: (encoding & intEncodings.bool) !== 0,
          char: (encoding & intEncodings.char) !== 0,
        };
      }
      case 'float':
        return { kind, name, size: word };
      case 'pointer':
      case 'volatile':
      case 'const':
      case 'restrict':
        return { kind, target: word };
      case 'array':
        return {
          kind,
          element: view.getUint32(at + 12, true),
          index: view.getUint32(at + 16, true),
          length: view.getUint32(at + 20, true),
        };
      case 'struct':
      case 'union':
        return { kind, name, size: word, members: this.#members(at + 12, length, flag) };
      case 'enum':
      case 'enum64':
        return { kind, name, size: word, signed: flag, values: this.#enumValues(at + 12, length, kind, flag) };
      case 'forward':
        return { kind, name, union: flag };
      case 'typedef':
      case 'typeTag':
        return { kind, name, target: word };
      case 'function':
        return { kind, name, prototype: word, linkage: length };
      case 'prototype':
        return { kind, returns: word, ...this.#params(at + 12, length) };
      case 'variable':
        return { kind, name, type: word, linkage: view.getUint32(at + 12, true) };
      case 'section':
        return { kind, name, size: word, variables: this.#variables(at + 12, length) };
      case 'declTag':
        return { kind, name, target: word, component: view.getInt32(at + 12, true) };
    }
  }

  #members(from: number, length: number, bitFields: boolean): BtfMember[] {
    const members: BtfMember[] = [];
    for (let at = from; at < from + length * 12; at += 12) {
      const offset = this.#view.getUint32(at + 8, true);
      members.push({
        name: this.#name(at),
        type: this.#view.getUint32(at + 4, true),
        bitOffset: bitFields ? offset & 0xffffff : offset,
        bitSize: bitFields ? offset >>> 24 : 0,
      });
    }
    return members;
  }

  #enumValues(from: number, length: number, kind: 'enum' | 'enum64', signed: boolean): BtfEnumerator[] {
    const values: BtfEnumerator[] = [];
    const step = kind === 'enum' ? 8 : 12;
    for (let at = from; at < from + length * step; at += step) {
      const low = this.#view.getUint32(at + 4, true);
      const whole = kind === 'enum' ? BigInt(low) : BigInt(low) | (BigInt(this.#view.getUint32(at + 8, true)) << 32n);
      const value = signed ? BigInt.asIntN(kind === 'enum' ? 32 : 64, whole) : whole;
      values.push({ name: this.#name(at), value });
    }
    return values;
  }

  /** A last parameter without name and type stands for `...`. */
  #params(from: number, length: number): { params: BtfParam[]; variadic: boolean } {
    const params: BtfParam[] = [];
    for (let at = from; at < from + length * 8; at += 8)
      params.push({ name: this.#name(at), type: this.#view.getUint32(at + 4, true) });
    const last = params.at(-1);
    const variadic = last !== undefined && last.name === '' && last.type === 0;
    return { params: variadic ? params.slice(0, -1) : params, variadic };
  }

  #variables(from: number, length: number): { type: TypeId; offset: number; size: number }[] {
    const variables = [];
    for (let at = from; at < from + length * 12; at += 12)
      variables.push({
        type: this.#view.getUint32(at, true),
        offset: this.#view.getUint32(at + 4, true),
        size: this.#view.getUint32(at + 8, true),
      });
    return variables;
  }
}
