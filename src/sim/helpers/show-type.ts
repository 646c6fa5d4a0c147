import type { Btf, BtfMember, BtfType, TypeId } from '../../btf/index.ts';

/**
 * Values by their C types, as the kernel shows them (kernel/bpf/btf.c: btf_type_snprintf_show): a line for each member,
 * its name and type before it, what is zero left out. A char array ends at its first 0; a bit-field is hexadecimal.
 *
 *   (struct list_head){
 *    .next = (struct list_head *)0xffff888012345678,
 *   }
 */
export const showFlags = { compact: 1, noName: 2, rawPointers: 4, zero: 8 } as const;

/** The bytes that are shown, and how a pointer's digits are written. */
export interface Shown {
  readonly bytes: DataView;
  readonly pointer: (address: bigint) => string;
}

export function showType(btf: Btf, id: TypeId, shown: Shown, flags: number): string {
  return new TypeShow(btf, shown, flags).whole(id);
}

class TypeShow {
  readonly #btf: Btf;
  readonly #bytes: DataView;
  readonly #pointer: Shown['pointer'];
  readonly #isCompact: boolean;
  readonly #hasNames: boolean;
  readonly #showsZero: boolean;

  constructor(btf: Btf, { bytes, pointer }: Shown, flags: number) {
    this.#btf = btf;
    this.#bytes = bytes;
    this.#pointer = pointer;
    this.#isCompact = (flags & showFlags.compact) !== 0;
    this.#hasNames = (flags & showFlags.noName) === 0;
    this.#showsZero = (flags & showFlags.zero) !== 0;
  }

  whole(id: TypeId): string {
    const resolved = this.#btf.type(this.#btf.strip(id));
    if (resolved.kind === 'function' || resolved.kind === 'prototype')
      return `<unsupported kind:${kindNumbers[resolved.kind]}>`;
    return `${this.#typeName(id)}${this.#value(id, 0, 0, 0, false)}${this.#line}`;
  }

  get #line(): string {
    return this.#isCompact ? '' : '\n';
  }

  #indent(depth: number): string {
    return this.#isCompact ? '' : ' '.repeat(depth);
  }

  /** `(struct sk_buff *)`, or nothing where names are not wanted. */
  #typeName(id: TypeId): string {
    if (!this.#hasNames) return '';
    let stars = '';
    let brackets = '';
    let at = id;
    for (;;) {
      const type = this.#btf.type(at);
      if (type.kind === 'pointer') {
        stars += '*';
        at = type.target;
      } else if (type.kind === 'array') {
        brackets += '[]';
        at = type.element;
      } else if (
        type.kind === 'const' ||
        type.kind === 'volatile' ||
        type.kind === 'restrict' ||
        type.kind === 'typeTag'
      ) {
        at = type.target;
      } else return `(${plainName(type)}${stars === '' ? '' : ` ${stars}`}${brackets})`;
      if (at === 0) return `(${stars === '' ? '' : ` ${stars}`}${brackets})`;
    }
  }

  /** @param bits width of a bit-field that begins at the bit `shift`, 0 for what is none. @param inArray whether a char is one of a text */
  #value(id: TypeId, at: number, shift: number, bits: number, inArray: boolean, depth = 0): string {
    const type = this.#resolved(id);
    if (bits > 0) return `0x${this.#field(at, shift, bits).toString(16)}`;
    switch (type.kind) {
      case 'struct':
      case 'union':
        return this.#members(type.members, at, depth);
      case 'array':
        return this.#elements(type.element, type.length, at, depth);
      case 'int':
        return this.#integer(type, at, inArray);
      case 'pointer':
        return `0x${this.#pointer(this.#unsigned(at, 8))}`;
      case 'enum':
      case 'enum64': {
        const value = type.signed
          ? BigInt.asIntN(type.size * 8, this.#unsigned(at, type.size))
          : this.#unsigned(at, type.size);
        return type.values.find((one) => one.value === value)?.name ?? value.toString();
      }
      default:
        return '';
    }
  }

  #members(members: readonly BtfMember[], at: number, depth: number): string {
    let text = `{${this.#line}`;
    for (const { name, type, bitOffset, bitSize } of members) {
      const place = at + (bitOffset >>> 3);
      const shift = bitOffset & 7;
      if (!this.#isShown(type, place, shift, bitSize)) continue;
      const label = this.#hasNames && name !== '' ? `.${name} = ` : '';
      const value = this.#value(type, place, shift, bitSize, false, depth + 1);
      text += `${this.#indent(depth + 1)}${label}${this.#typeName(type)}${value},${this.#line}`;
    }
    return `${text}${this.#indent(depth)}}`;
  }

  #elements(element: TypeId, length: number, at: number, depth: number): string {
    const size = this.#btf.sizeOf(element);
    const isText = this.#isText(element);
    let text = `[${this.#line}`;
    for (let index = 0; index < length; index++) {
      const place = at + index * size;
      if (isText && this.#bytes.getUint8(place) === 0) break;
      if (!this.#isShown(element, place, 0, 0)) continue;
      text += `${this.#indent(depth + 1)}${this.#value(element, place, 0, 0, isText, depth + 1)},${this.#line}`;
    }
    return `${text}${this.#indent(depth)}]`;
  }

  #integer({ size, signed }: Extract<BtfType, { kind: 'int' }>, at: number, inArray: boolean): string {
    const value = this.#unsigned(at, size);
    if (inArray && size === 1 && value >= 0x20n && value < 0x7fn) return `'${String.fromCharCode(Number(value))}'`;
    if (size > 8) return `0x${value.toString(16)}`;
    return (signed ? BigInt.asIntN(size * 8, value) : value).toString();
  }

  /** Whether there is something to show of a member or an element. */
  #isShown(id: TypeId, at: number, shift: number, bits: number): boolean {
    if (this.#showsZero) return true;
    if (bits > 0) return this.#field(at, shift, bits) !== 0n;
    const type = this.#resolved(id);
    if (type.kind === 'struct' || type.kind === 'union') {
      return type.members.some((member) =>
        this.#isShown(member.type, at + (member.bitOffset >>> 3), member.bitOffset & 7, member.bitSize),
      );
    }
    if (type.kind !== 'array') return this.#unsigned(at, this.#btf.sizeOf(id)) !== 0n;
    if (this.#isText(type.element)) return type.length > 0 && this.#bytes.getUint8(at) !== 0;
    const size = this.#btf.sizeOf(type.element);
    for (let index = 0; index < type.length; index++)
      if (this.#isShown(type.element, at + index * size, 0, 0)) return true;
    return false;
  }

  /** Whether an array's elements are bytes, which show as characters. */
  #isText(element: TypeId): boolean {
    const type = this.#resolved(element);
    return type.kind === 'int' && type.size === 1;
  }

  #resolved(id: TypeId): BtfType {
    return this.#btf.type(this.#btf.strip(id));
  }

  #field(at: number, shift: number, bits: number): bigint {
    const value = this.#unsigned(at, Math.ceil((shift + bits) / 8));
    return BigInt.asUintN(bits, value >> BigInt(shift));
  }

  #unsigned(at: number, size: number): bigint {
    let value = 0n;
    for (let index = size - 1; index >= 0; index--) value = (value << 8n) | BigInt(this.#bytes.getUint8(at + index));
    return value;
  }
}

/** BTF_KIND_FUNC, BTF_KIND_FUNC_PROTO */
const kindNumbers = { function: 12, prototype: 13 } as const;

function plainName(type: BtfType): string {
  const name = 'name' in type ? type.name : '';
  const word = { struct: 'struct', union: 'union', enum: 'enum', enum64: 'enum', forward: 'struct' }[
    type.kind as 'struct'
  ];
  return word === undefined ? name : name === '' ? word : `${word} ${name}`;
}
