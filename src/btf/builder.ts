import { viewOf } from '../base/index.ts';
import { btfHeader, btfKinds, elementSizes, fixedSizes, intEncodings } from './kinds.ts';
import type { BtfEnumerator, BtfMember, BtfParam, BtfType, TypeId } from './types.ts';

/**
 * Writes BTF: types are added one by one and refer to each other by the ids that `add` gives, from 1 on in order; an
 * id may be named before its type is added. Structs can be laid out as C does. Layout of the bytes: see reader.ts.
 */
export class BtfBuilder {
  readonly #types: BtfType[] = [{ kind: 'void' }];

  /** How many types there are, void included: the id of the next one. */
  get count(): number {
    return this.#types.length;
  }

  add(type: BtfType): TypeId {
    if (type.kind === 'void') return 0;
    this.#types.push(type);
    return this.#types.length - 1;
  }

  /** An integer of `size` bytes, `unsigned int` and the like. */
  int(name: string, size: number, options: { signed?: boolean; bool?: boolean; char?: boolean } = {}): TypeId {
    const { signed = false, bool = false, char = false } = options;
    return this.add({ kind: 'int', name, size, bits: size * 8, signed, bool, char });
  }

  pointer(target: TypeId): TypeId {
    return this.add({ kind: 'pointer', target });
  }

  /** @param index the type of an index; the element's when absent */
  array(element: TypeId, length: number, index: TypeId = element): TypeId {
    return this.add({ kind: 'array', element, index, length });
  }

  typedef(name: string, target: TypeId): TypeId {
    return this.add({ kind: 'typedef', name, target });
  }

  enum(name: string, values: Readonly<Record<string, number>>): TypeId {
    const list = Object.entries(values).map(([key, value]) => ({ name: key, value: BigInt(value) }));
    return this.add({ kind: 'enum', name, size: 4, signed: list.some((value) => value.value < 0n), values: list });
  }

  function(name: string, returns: TypeId, params: readonly BtfParam[]): TypeId {
    const prototype = this.add({ kind: 'prototype', returns, params, variadic: false });
    return this.add({ kind: 'function', name, prototype, linkage: 0 });
  }

  /** A struct with its members one after another, each aligned and the whole padded as C does. */
  struct(name: string, members: readonly { readonly name: string; readonly type: TypeId }[]): TypeId {
    let end = 0;
    let align = 1;
    const placed: BtfMember[] = members.map((member) => {
      const own = this.#align(member.type);
      align = Math.max(align, own);
      const offset = Math.ceil(end / own) * own;
      end = offset + this.#size(member.type);
      return { name: member.name, type: member.type, bitOffset: offset * 8, bitSize: 0 };
    });
    return this.add({ kind: 'struct', name, size: Math.ceil(end / align) * align, members: placed });
  }

  /** The bytes of a BTF blob. */
  encode(): Uint8Array {
    return writeBtf(this.#types.slice(1));
  }

  #size(id: TypeId): number {
    const type = this.#known(id);
    if (type.kind === 'pointer') return 8;
    if (type.kind === 'array') return type.length * this.#size(type.element);
    if ('size' in type) return type.size;
    return 'target' in type ? this.#size(type.target) : 0;
  }

  #align(id: TypeId): number {
    const type = this.#known(id);
    if (type.kind === 'array') return this.#align(type.element);
    if (type.kind === 'struct' || type.kind === 'union')
      return Math.max(1, ...type.members.map((member) => this.#align(member.type)));
    if (type.kind !== 'pointer' && 'target' in type) return this.#align(type.target);
    return Math.max(1, this.#size(id));
  }

  #known(id: TypeId): BtfType {
    const type = this.#types[id];
    if (!type) throw new RangeError(`a struct needs type ${id}, which is not there yet`);
    return type;
  }
}

/** The bytes of a BTF blob with these types, which get the ids 1, 2, … in order. */
export function writeBtf(types: readonly BtfType[]): Uint8Array {
  return writeBtfWithStrings(types, []).bytes;
}

/**
 * The same with texts of the caller's own among the strings, as line info wants them (files, lines of source).
 * `offsets` are theirs in the string section, in the order given.
 */
export function writeBtfWithStrings(
  types: readonly BtfType[],
  texts: readonly string[],
): { bytes: Uint8Array; offsets: number[] } {
  const strings = new Strings();
  const encoded = types.map((type) => encodeType(type, strings));
  const typesLength = encoded.reduce((sum, words) => sum + words.length * 4, 0);
  const offsets = texts.map((one) => strings.offset(one));
  const text = strings.bytes();
  const bytes = new Uint8Array(btfHeader.size + typesLength + text.length);
  const view = viewOf(bytes);
  view.setUint16(0, btfHeader.magic, true);
  view.setUint8(2, btfHeader.version);
  view.setUint32(4, btfHeader.size, true);
  view.setUint32(12, typesLength, true);
  view.setUint32(16, typesLength, true);
  view.setUint32(20, text.length, true);
  let at = btfHeader.size;
  for (const words of encoded) {
    for (const word of words) {
      view.setUint32(at, word, true);
      at += 4;
    }
  }
  bytes.set(text, at);
  return { bytes, offsets };
}

/** The string section: each name once, the empty one at 0. */
class Strings {
  readonly #offsets = new Map<string, number>([['', 0]]);
  #text = '\0';
  #length = 1;

  offset(text: string): number {
    const known = this.#offsets.get(text);
    if (known !== undefined) return known;
    const offset = this.#length;
    this.#text += `${text}\0`;
    this.#offsets.set(text, offset);
    this.#length += Buffer.byteLength(text) + 1;
    return offset;
  }

  bytes(): Uint8Array {
    return Buffer.from(this.#text);
  }
}

/** The words of one type: name, info, size or type, and what follows. */
function encodeType(type: BtfType, strings: Strings): number[] {
  const body = bodyWords(type, strings);
  const { number } = btfKinds[type.kind];
  const each = elementSizes[number] as number;
  const length =
    type.kind === 'function'
      ? type.linkage
      : each === 0
        ? 0
        : (body.length * 4 - (fixedSizes[number] as number)) / each;
  if (length > 0xffff) throw new RangeError(`a type of ${length} elements; BTF takes 65,535`);
  const name = 'name' in type ? strings.offset(type.name) : 0;
  return [name, ((kindFlag(type) ? 0x80000000 : 0) | (number << 24) | length) >>> 0, sizeOrType(type), ...body];
}

function kindFlag(type: BtfType): boolean {
  switch (type.kind) {
    case 'struct':
    case 'union':
      return type.members.some((member) => member.bitSize > 0);
    case 'enum':
    case 'enum64':
      return type.signed;
    case 'forward':
      return type.union;
    default:
      return false;
  }
}

function sizeOrType(type: BtfType): number {
  if ('size' in type) return type.size;
  if ('target' in type) return type.target;
  if (type.kind === 'function') return type.prototype;
  if (type.kind === 'prototype') return type.returns;
  return type.kind === 'variable' ? type.type : 0;
}

function bodyWords(type: BtfType, strings: Strings): number[] {
  switch (type.kind) {
    case 'int': {
      const encoding =
        (type.signed ? intEncodings.signed : 0) |
        (type.char ? intEncodings.char : 0) |
        (type.bool ? intEncodings.bool : 0);
      return [((encoding << 24) | type.bits) >>> 0];
    }
    case 'array':
      return [type.element, type.index, type.length];
    case 'struct':
    case 'union':
      return memberWords(type.members, kindFlag(type), strings);
    case 'enum':
      return type.values.flatMap((value) => [strings.offset(value.name), low(value)]);
    case 'enum64':
      return type.values.flatMap((value) => [strings.offset(value.name), low(value), high(value)]);
    case 'prototype': {
      const words = type.params.flatMap((param) => [strings.offset(param.name), param.type]);
      return type.variadic ? [...words, 0, 0] : words;
    }
    case 'variable':
      return [type.linkage];
    case 'section':
      return type.variables.flatMap((variable) => [variable.type, variable.offset, variable.size]);
    case 'declTag':
      return [type.component >>> 0];
    default:
      return [];
  }
}

function memberWords(members: readonly BtfMember[], bitFields: boolean, strings: Strings): number[] {
  return members.flatMap((member) => [
    strings.offset(member.name),
    member.type,
    bitFields ? ((member.bitSize << 24) | member.bitOffset) >>> 0 : member.bitOffset,
  ]);
}

function low(value: BtfEnumerator): number {
  return Number(BigInt.asUintN(32, value.value));
}

function high(value: BtfEnumerator): number {
  return Number(BigInt.asUintN(32, value.value >> 32n));
}
