import type { Btf } from './btf.ts';
import { alignOf, mostFields, sizeOfType } from './layout.ts';
import type { BtfMember, TypeId } from './types.ts';

/**
 * Types as C text. A declaration is written from the inside out, as C reads: pointer, array and function parts gather
 * around the name until the type at the end of the chain goes in front.
 */
export function printType(btf: Btf, id: TypeId): string {
  return new Declaration(btf).of(id, '', 0);
}

/** `int (*handler)(struct sk_buff *skb)`: a declaration of `name` with that type. */
export function printDeclaration(btf: Btf, id: TypeId, name: string): string {
  return new Declaration(btf).of(id, name, 0);
}

/** `int tcp_v4_connect(struct sock *sk, struct sockaddr *uaddr, int addr_len)`; undefined for an unknown function. */
export function printFunction(btf: Btf, name: string): string | undefined {
  const id = btf.find('function', name);
  const type = id === undefined ? undefined : btf.type(id);
  return type?.kind === 'function' ? new Declaration(btf).of(type.prototype, name, 0) : undefined;
}

/** Parts of one declaration that are written; of functions of functions of functions, each twice, there is no end. */
const mostParts = 10_000;
const deepest = 64;

class Declaration {
  readonly #btf: Btf;
  #parts = 0;

  constructor(btf: Btf) {
    this.#btf = btf;
  }

  of(id: TypeId, inner: string, depth: number): string {
    const type = this.#btf.type(id);
    if (depth > deepest || ++this.#parts > mostParts) return join('…', inner);
    switch (type.kind) {
      case 'pointer': {
        const target = this.#btf.type(type.target).kind;
        const wrapped = target === 'array' || target === 'prototype' ? `(*${inner})` : `*${inner}`;
        return this.of(type.target, wrapped, depth + 1);
      }
      case 'const':
      case 'volatile':
      case 'restrict':
        return this.#qualify(type.kind, type.target, inner, depth);
      case 'typeTag':
        return this.of(type.target, inner === '' ? `__${type.name}` : `__${type.name} ${inner}`, depth + 1);
      case 'array':
        return this.of(type.element, `${inner}[${type.length === 0 ? '' : type.length}]`, depth + 1);
      case 'prototype': {
        const params = type.params.map((param) => this.of(param.type, param.name, depth + 1));
        if (type.variadic) params.push('...');
        return this.of(type.returns, `${inner}(${params.length === 0 ? 'void' : params.join(', ')})`, depth + 1);
      }
      case 'function':
        return this.of(type.prototype, type.name, depth + 1);
      case 'variable':
        return this.of(type.type, type.name, depth + 1);
      case 'declTag':
        return this.of(type.target, inner, depth + 1);
      default:
        return join(baseName(this.#btf, id), inner);
    }
  }

  /** A qualifier of a pointer stands behind its star, any other in front of the whole. */
  #qualify(qualifier: string, target: TypeId, inner: string, depth: number): string {
    const kind = this.#btf.type(target).kind;
    if (kind === 'pointer') return this.of(target, inner === '' ? qualifier : `${qualifier} ${inner}`, depth + 1);
    return `${qualifier} ${this.of(target, inner, depth + 1)}`;
  }
}

function baseName(btf: Btf, id: TypeId): string {
  const type = btf.type(id);
  switch (type.kind) {
    case 'struct':
    case 'union':
      return `${type.kind} ${type.name === '' ? '{...}' : type.name}`;
    case 'enum':
    case 'enum64':
      return `enum ${type.name === '' ? '{...}' : type.name}`;
    case 'forward':
      return `${type.union ? 'union' : 'struct'} ${type.name}`;
    case 'int':
    case 'float':
    case 'typedef':
      return type.name;
    case 'section':
      return type.name;
    default:
      return 'void';
  }
}

/** `struct sk_buff *skb`, `char[16]`, `int (*)(void)`, `void (void)`. */
function join(base: string, inner: string): string {
  return inner === '' || inner.startsWith('[') ? base + inner : `${base} ${inner}`;
}

/**
 * A struct, union or enum as C text, line by line, with the offset and size of each member in bytes as a comment
 * (a bit-field's as `offset: bit`), members of anonymous structs in place, and its size at the end.
 */
export function dumpC(btf: Btf, id: TypeId): string[] {
  const target = btf.strip(id);
  const type = btf.type(target);
  if (type.kind === 'enum' || type.kind === 'enum64') {
    const values = type.values.map((value) => `  ${value.name} = ${value.value},`);
    return [`enum${type.name === '' ? '' : ` ${type.name}`} {`, ...values, '};'];
  }
  if (type.kind !== 'struct' && type.kind !== 'union') return [`${printType(btf, id)};`];
  const rows: Row[] = [];
  body(btf, target, 0, 1, rows);
  const width = Math.min(48, Math.max(0, ...rows.filter((row) => row.note !== '').map((row) => row.code.length)));
  return [
    `${type.kind}${type.name === '' ? '' : ` ${type.name}`} {`,
    ...rows.map((row) => (row.note === '' ? row.code : `${row.code.padEnd(width)} ${row.note}`)),
    `}; /* size ${type.size}, align ${alignOf(btf, target)} */`,
  ];
}

interface Row {
  readonly code: string;
  readonly note: string;
}

function body(btf: Btf, id: TypeId, baseBits: number, depth: number, rows: Row[]): void {
  const type = btf.type(id);
  if ((type.kind !== 'struct' && type.kind !== 'union') || depth > deepest) return;
  for (const member of type.members) {
    if (rows.length > mostFields) return;
    const bits = baseBits + member.bitOffset;
    const indent = '  '.repeat(depth);
    const own = anonymousBody(btf, member);
    if (own === undefined) {
      const width = member.bitSize === 0 ? '' : ` : ${member.bitSize}`;
      const code = `${indent}${printDeclaration(btf, member.type, member.name)}${width};`;
      rows.push({ code, note: place(bits, member.bitSize, sizeOfType(btf, member.type)) });
    } else {
      rows.push({ code: `${indent}${own.kind} {`, note: '' });
      body(btf, own.id, bits, depth + 1, rows);
      const close = printDeclaration(btf, member.type, member.name).replace(/^.*?\{\.\.\.\}/, '}');
      rows.push({ code: `${indent}${close};`, note: place(bits, 0, sizeOfType(btf, member.type)) });
    }
  }
}

/** The nameless struct or union that a member is made of, directly or as elements of an array. */
function anonymousBody(btf: Btf, member: BtfMember): { kind: 'struct' | 'union'; id: TypeId } | undefined {
  let id = member.type;
  for (let depth = 0; depth <= deepest; depth++) {
    const type = btf.type(id);
    if (type.kind === 'array') id = type.element;
    else if (type.kind === 'const' || type.kind === 'volatile') id = type.target;
    else if (type.kind !== 'struct' && type.kind !== 'union') return undefined;
    else return type.name === '' ? { kind: type.kind, id } : undefined;
  }
  return undefined;
}

function place(bits: number, bitSize: number, size: number): string {
  const offset = String(bits >>> 3).padStart(5);
  const at = bitSize === 0 ? offset : `${offset}:${String(bits & 7)}`;
  return `/* ${at.padEnd(7)} ${String(size).padStart(5)} */`;
}
