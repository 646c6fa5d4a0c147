import { nearestHint } from '../base/index.ts';
import type { Cursor } from './cursor.ts';
import { type Register, register, type Width } from './instruction.ts';
import {
  type AtomicOperation,
  atomicOperations,
  type EndianBits,
  type EndianOperation,
  type ExtendBits,
  endianBits,
  endianOperations,
  entriesOf,
  extendBits,
  type PseudoImmediate,
  type Size,
} from './opcodes.ts';
import { parseOperand, parsePlace, parsePointer, parseSum, parseType, registerOfWidth } from './operands.ts';
import type { Statement } from './statement.ts';

/** What may stand behind `rN =`: the rules of the grammar that give a register a new value. */

interface AtomicForm {
  readonly op: AtomicOperation;
  readonly size: Size;
  /** `((u64 *)(r1 + 0), r2)` rather than `(r1 + 0, r2)`. */
  readonly typed: boolean;
}

/** Functions that change memory and give back what was there, as clang and as the verifier's log name them. */
const atomicForms: ReadonlyMap<string, readonly AtomicForm[]> = (() => {
  const forms = new Map<string, AtomicForm[]>();
  const add = (name: string, form: AtomicForm): void => {
    forms.set(name, [...(forms.get(name) ?? []), form]);
  };
  for (const [op, { fetch, symbol }] of entriesOf(atomicOperations)) {
    if (!fetch) continue;
    add(`atomic_${symbol}`, { op, size: 4, typed: true });
    add(`atomic_${symbol}`, { op, size: 8, typed: true });
    add(`atomic64_${symbol}`, { op, size: 8, typed: true });
    add(`${symbol}_64`, { op, size: 8, typed: false });
    add(`${symbol}32_32`, { op, size: 4, typed: false });
  }
  return forms;
})();

const endianForms = new Map<string, { op: EndianOperation; bits: EndianBits }>(
  entriesOf(endianOperations).flatMap(([op]) => endianBits.map((bits) => [`${op}${bits}`, { op, bits }] as const)),
);

const extensions = new Map<string, ExtendBits>(extendBits.alu64.map((bits) => [`s${bits}`, bits]));

/** right-side = negation | number [ "ll" ] | register | extension | load | function | swap | pseudo | symbol "ll" */
export function parseRightSide(cursor: Cursor, dst: Register, width: Width, wide: boolean): Statement {
  const token = cursor.peek();
  if (token.text === '-' && !cursor.atNumber) return parseNegation(cursor, dst, width);
  if (cursor.atNumber) return parseNumber(cursor, dst, width, wide);
  if (cursor.atRegister) return parseMove(cursor, dst, width);
  if (token.text === '(') return parseExtension(cursor, dst, width);
  if (token.text === '*') return parseLoad(cursor, dst);
  if (token.kind !== 'name') return cursor.unexpected('a number, a register, a load or a symbol');
  const atomic = atomicForms.get(token.text);
  if (atomic) return parseAtomic(cursor, dst, atomic);
  const swap = endianForms.get(token.text);
  if (swap) return parseSwap(cursor, dst, swap);
  if (token.text === 'load_acquire') return parseAcquired(cursor, dst);
  if (token.text === 'addr_space_cast') return parseCast(cursor, dst);
  if (cursor.peek(1).text === '[') return parsePseudo(cursor, dst);
  return parseSymbol(cursor, dst, width);
}

/** move = register; `r1 = w2` is clang's name for the 32-bit move, which zero-extends */
function parseMove(cursor: Cursor, dst: Register, width: Width): Statement {
  const narrow = cursor.peek().text.includes('w') ? 32 : width;
  return { body: { kind: 'alu', op: 'mov', width: narrow, dst, src: register(registerOfWidth(cursor, narrow)) } };
}

/** negation = "-" register, the same one */
function parseNegation(cursor: Cursor, dst: Register, width: Width): Statement {
  cursor.expect('-');
  const token = cursor.peek();
  const source = registerOfWidth(cursor, width);
  if (source !== dst)
    cursor.fail(token, 'a negation changes its own register', { expected: 'the register on the left' });
  return { body: { kind: 'neg', width, dst } };
}

/** number = [ "-" ] digits [ "ll" ]; with `ll`, or behind the verifier's `(18)`, it has 64 bits */
function parseNumber(cursor: Cursor, dst: Register, width: Width, wide: boolean): Statement {
  let ahead = 0;
  while (cursor.peek(ahead).kind !== 'number') ahead++;
  if (!wide && cursor.peek(ahead + 1).text !== 'll') {
    return { body: { kind: 'alu', op: 'mov', width, dst, src: parseOperand(cursor, width) } };
  }
  if (width === 32)
    cursor.fail(cursor.peek(), 'a number of 64 bits does not fit 32', { expected: `r${dst} on the left` });
  const value = cursor.number(-(1n << 63n), (1n << 64n) - 1n, '64 bits');
  cursor.accept('ll');
  const imm = Number(BigInt.asIntN(32, value));
  const nextImm = Number(BigInt.asIntN(32, value >> 32n));
  return { body: { kind: 'loadImm64', pseudo: 'value', dst, imm, nextImm } };
}

/** extension = "(" ( "s8" | "s16" | "s32" ) ")" register */
function parseExtension(cursor: Cursor, dst: Register, width: Width): Statement {
  cursor.expect('(');
  const token = cursor.peek();
  const bits = extensions.get(token.text);
  const widths: readonly ExtendBits[] = width === 64 ? extendBits.alu64 : extendBits.alu32;
  if (bits === undefined || !widths.includes(bits)) {
    return cursor.unexpected(widths.map((each) => `s${each}`).join(', '));
  }
  cursor.next();
  cursor.expect(')');
  return { body: { kind: 'movsx', width, bits, dst, src: registerOfWidth(cursor, width) } };
}

/** load = "*" "(" type "*" ")" ( place | "skb" "[" index "]" ) */
function parseLoad(cursor: Cursor, dst: Register): Statement {
  cursor.expect('*');
  const token = cursor.peek(1);
  const { size, signed } = parseType(cursor);
  if (cursor.peek().text !== 'skb') return { body: { kind: 'load', size, signed, dst, ...parsePlace(cursor) } };
  if (signed || size === 8) cursor.fail(token, 'a packet is read as u8, u16 or u32');
  if (dst !== 0) cursor.fail(token, 'what is read from a packet goes to r0', { expected: 'r0 on the left' });
  return { body: { kind: 'loadPacket', size, ...parsePacketIndex(cursor) } };
}

/** index = number | register [ number ], in "skb" "[" index "]" */
function parsePacketIndex(cursor: Cursor): { index: Register | null; imm: number } {
  cursor.expect('skb');
  cursor.expect('[');
  const index = cursor.atRegister ? registerOfWidth(cursor, 64) : null;
  const imm = index === null || cursor.atNumber ? cursor.word() : 0;
  cursor.expect(']');
  return { index, imm };
}

/** function = name "(" ( pointer | sum ) { "," register } ")"; cmpxchg has r0 as its first register */
function parseAtomic(cursor: Cursor, dst: Register, forms: readonly AtomicForm[]): Statement {
  const name = cursor.next();
  cursor.expect('(');
  const at = cursor.peek();
  const typed = forms[0]!.typed;
  const place = typed ? parsePointer(cursor) : { size: forms[0]!.size, ...parseSum(cursor) };
  const form = forms.find(({ size }) => size === place.size);
  if (!form) {
    const expected = [...new Set(forms.map(({ size }) => `u${size * 8}`))].join(' or ');
    return cursor.fail(at, `${name.text} does not work on ${place.size * 8} bits`, { expected });
  }
  const compares = form.op === 'cmpxchg';
  cursor.expect(',');
  if (compares) {
    const token = cursor.peek();
    if (cursor.register().number !== 0) cursor.fail(token, 'cmpxchg compares with r0', { expected: 'r0' });
    cursor.expect(',');
  }
  const token = cursor.peek();
  const src = cursor.register().number;
  cursor.expect(')');
  const answer = compares ? 0 : src;
  if (dst !== answer) {
    cursor.fail(compares ? name : token, `${name.text} gives the old value to r${answer}, not r${dst}`);
  }
  return { body: { kind: 'atomic', op: form.op, ...place, src } };
}

/** swap = ( "be" | "le" | "bswap" ) ( "16" | "32" | "64" ) register, the same one */
function parseSwap(cursor: Cursor, dst: Register, form: { op: EndianOperation; bits: EndianBits }): Statement {
  const name = cursor.next();
  const token = cursor.peek();
  if (cursor.register().number !== dst)
    cursor.fail(token, `${name.text} changes its own register`, { expected: `r${dst}` });
  return { body: { kind: 'endian', ...form, dst } };
}

/** acquired = "load_acquire" "(" pointer ")" */
function parseAcquired(cursor: Cursor, dst: Register): Statement {
  cursor.next();
  cursor.expect('(');
  const place = parsePointer(cursor);
  cursor.expect(')');
  return { body: { kind: 'loadAcquire', ...place, dst } };
}

/** cast = "addr_space_cast" "(" register "," number "," number ")": the register, the target space, the source space */
function parseCast(cursor: Cursor, dst: Register): Statement {
  cursor.next();
  cursor.expect('(');
  const src = registerOfWidth(cursor, 64);
  cursor.expect(',');
  const to = Number(cursor.number(0n, 0xffffn, 'an address space'));
  cursor.expect(',');
  const from = Number(cursor.number(0n, 0xffffn, 'an address space'));
  cursor.expect(')');
  return { body: { kind: 'addrSpaceCast', dst, src, imm: (to << 16) | from } };
}

/** What stands before the bracket, and in it, of a 64-bit immediate that the loader fills in. */
const pseudoKeys: Readonly<Record<string, Readonly<Record<string, readonly [PseudoImmediate, PseudoImmediate?]>>>> = {
  map: { fd: ['mapFd', 'mapValue'], idx: ['mapIdx', 'mapIdxValue'] },
  btf: { id: ['btfId'] },
};

/**
 * pseudo = "map" "[" ( "fd" | "idx" ) ":" number "]" [ "[" "0" "]" "+" number ]
 *        | "btf" "[" "id" ":" number [ "," "fd" ":" number ] "]"
 *        | "subprog" "[" number "]"
 * each with "ll"
 */
function parsePseudo(cursor: Cursor, dst: Register): Statement {
  const name = cursor.next();
  cursor.expect('[');
  if (name.text === 'subprog') {
    const imm = cursor.word();
    cursor.expect(']');
    cursor.accept('ll');
    return { body: { kind: 'loadImm64', pseudo: 'func', dst, imm, nextImm: 0 } };
  }
  const keys = pseudoKeys[name.text];
  if (!keys) return cursor.unexpected('map, btf or subprog', name);
  const key = cursor.peek();
  const pseudos = keys[key.text];
  if (!pseudos) return cursor.unexpected(Object.keys(keys).join(' or '));
  cursor.next();
  cursor.expect(':');
  const imm = cursor.word();
  let [pseudo, nextImm] = [pseudos[0], 0];
  if (name.text === 'btf' && cursor.accept(',')) {
    cursor.expect('fd');
    cursor.expect(':');
    nextImm = cursor.word();
  }
  cursor.expect(']');
  if (pseudos[1] !== undefined && cursor.accept('[')) {
    cursor.expect('0');
    cursor.expect(']');
    pseudo = pseudos[1];
    nextImm = cursor.word();
  }
  cursor.accept('ll');
  return { body: { kind: 'loadImm64', pseudo, dst, imm, nextImm } };
}

/** symbol = name "ll" */
function parseSymbol(cursor: Cursor, dst: Register, width: Width): Statement {
  const symbol = cursor.next();
  if (cursor.peek().text !== 'll') {
    const known = [...atomicForms.keys(), ...endianForms.keys(), 'load_acquire', 'addr_space_cast'];
    return cursor.fail(symbol, `'${symbol.text}' is no value`, {
      expected: 'a number, a register or a load',
      ...nearestHint(symbol.text, known, `the address of a map is written ${symbol.text} ll`),
    });
  }
  cursor.next();
  if (width === 32) cursor.fail(symbol, 'an address has 64 bits', { expected: `r${dst} on the left` });
  return { body: { kind: 'loadImm64', pseudo: 'value', dst, imm: 0, nextImm: 0 }, symbol };
}
