import { nearestHint } from '../base/index.ts';
import type { Cursor } from './cursor.ts';
import { immediate, type Operand, type Place, type Register, register, type Width } from './instruction.ts';
import {
  type AtomicOperation,
  aluOperations,
  atomicOperations,
  type EndianBits,
  type EndianOperation,
  endianBits,
  endianOperations,
  entriesOf,
  extendBits,
  jumpOperations,
  type Size,
} from './opcodes.ts';
import type { Statement } from './statement.ts';
import { parseTarget } from './target.ts';

/**
 * The classic mnemonics, as uBPF and the conformance suite write them, for reading: `mov r0, 1`, `ldxw r1, [r2+4]`,
 * `jeq r1, 3, +2`. One row for each mnemonic says how the rest of its line is read.
 */
type Reader = (cursor: Cursor) => Statement;

/** Letters of access sizes. */
const sizeLetters = { b: 1, h: 2, w: 4, dw: 8 } as const satisfies Record<string, Size>;

function* arithmeticRows(): Generator<[string, Reader]> {
  for (const width of [64, 32] as const) {
    const suffix = width === 32 ? '32' : '';
    // alu = mnemonic register "," ( register | number )
    for (const [op, { mnemonic }] of entriesOf(aluOperations)) {
      yield [`${mnemonic}${suffix}`, (cursor) => ({ body: { kind: 'alu', op, width, ...readPair(cursor, width) } })];
    }
    // neg = "neg" register
    yield [`neg${suffix}`, (cursor) => ({ body: { kind: 'neg', width, dst: cursor.register().number } })];
    // movsx = "movsx" bits width register "," register
    for (const bits of width === 64 ? extendBits.alu64 : extendBits.alu32) {
      yield [
        `movsx${bits}${width}`,
        (cursor) => {
          const dst = readFirst(cursor);
          return { body: { kind: 'movsx', width, bits, dst, src: cursor.register().number } };
        },
      ];
    }
  }
  // swap = ( "le" | "be" | "bswap" | "swap" ) bits register
  for (const [op] of entriesOf(endianOperations)) {
    for (const bits of endianBits) {
      yield [`${op}${bits}`, readSwap(op, bits)];
      if (op === 'bswap') yield [`swap${bits}`, readSwap(op, bits)];
    }
  }
}

function readSwap(op: EndianOperation, bits: EndianBits): Reader {
  return (cursor) => ({ body: { kind: 'endian', op, bits, dst: cursor.register().number } });
}

function* memoryRows(): Generator<[string, Reader]> {
  for (const [letter, size] of entriesOf(sizeLetters)) {
    // load = "ldx" size [ "sx" ] register "," place
    for (const signed of size === 8 ? [false] : [false, true]) {
      yield [
        `ldx${letter}${signed ? 'sx' : ''}`,
        (cursor) => {
          const dst = readFirst(cursor);
          return { body: { kind: 'load', signed, dst, ...readPlace(cursor, size) } };
        },
      ];
    }
    // store = "st" size place "," number | "stx" size place "," register
    yield [
      `st${letter}`,
      (cursor) => {
        const place = readPlace(cursor, size);
        cursor.expect(',');
        const hint = 'a 64-bit store extends the sign of 32 bits';
        const imm = size === 8 ? cursor.signedWord(hint) : cursor.word();
        return { body: { kind: 'store', ...place, src: immediate(imm) } };
      },
    ];
    yield [
      `stx${letter}`,
      (cursor) => {
        const place = readPlace(cursor, size);
        cursor.expect(',');
        return { body: { kind: 'store', ...place, src: register(cursor.register().number) } };
      },
    ];
    if (size === 8) continue;
    // packet = "ldabs" size number | "ldind" size register "," number
    yield [`ldabs${letter}`, (cursor) => ({ body: { kind: 'loadPacket', size, index: null, imm: cursor.word() } })];
    yield [
      `ldind${letter}`,
      (cursor) => {
        const index = readFirst(cursor);
        return { body: { kind: 'loadPacket', size, index, imm: cursor.word() } };
      },
    ];
  }
  yield ['lddw', readWide];
}

/** wide = "lddw" register "," number */
function readWide(cursor: Cursor): Statement {
  const dst = readFirst(cursor);
  const value = cursor.number(-(1n << 63n), (1n << 64n) - 1n, '64 bits');
  const imm = Number(BigInt.asIntN(32, value));
  return { body: { kind: 'loadImm64', pseudo: 'value', dst, imm, nextImm: Number(BigInt.asIntN(32, value >> 32n)) } };
}

function* jumpRows(): Generator<[string, Reader]> {
  for (const width of [64, 32] as const) {
    // jump = mnemonic register "," ( register | number ) "," target
    for (const [op, { mnemonic }] of entriesOf(jumpOperations)) {
      yield [
        `${mnemonic}${width === 32 ? '32' : ''}`,
        (cursor) => {
          const pair = readPair(cursor, width);
          cursor.expect(',');
          return parseTarget(cursor, (offset) => ({ kind: 'jump', op, width, ...pair, offset }));
        },
      ];
    }
  }
  yield ['ja', (cursor) => parseTarget(cursor, (offset) => ({ kind: 'goto', long: false, offset }))];
  yield ['ja32', (cursor) => parseTarget(cursor, (offset) => ({ kind: 'goto', long: true, offset }))];
}

const readers: ReadonlyMap<string, Reader> = new Map([...arithmeticRows(), ...memoryRows(), ...jumpRows()]);

export const classicMnemonics: ReadonlySet<string> = new Set(readers.keys());

const atomicNames: ReadonlyMap<string, { op: AtomicOperation; size: Size }> = new Map(
  entriesOf(atomicOperations).flatMap<[string, { op: AtomicOperation; size: Size }]>(([op, { fetch, symbol }]) => {
    const name = fetch ? symbol : op;
    return [
      [name, { op, size: 8 }],
      [`${name}32`, { op, size: 4 }],
    ];
  }),
);

/** classic = mnemonic operands | "lock" atomic place "," register | "call" "local" target */
export function parseClassic(cursor: Cursor): Statement {
  const word = cursor.next();
  if (word.text === 'call') {
    cursor.expect('local');
    return parseTarget(cursor, (imm) => ({ kind: 'call', target: 'local', imm, offset: 0 }));
  }
  if (word.text !== 'lock') return (readers.get(word.text) as Reader)(cursor);
  const token = cursor.peek();
  const atomic = atomicNames.get(token.text);
  if (!atomic) {
    return cursor.unexpected('an atomic operation', token, nearestHint(token.text, atomicNames.keys()));
  }
  cursor.next();
  const place = readPlace(cursor, atomic.size);
  cursor.expect(',');
  return { body: { kind: 'atomic', op: atomic.op, ...place, src: cursor.register().number } };
}

function readFirst(cursor: Cursor): Register {
  const { number } = cursor.register();
  cursor.expect(',');
  return number;
}

/** pair = register "," ( register | number ); a number of 64 bits may be written as its low 32, sign-extended */
function readPair(cursor: Cursor, width: Width): { dst: Register; src: Operand } {
  const dst = readFirst(cursor);
  if (cursor.atRegister) return { dst, src: register(cursor.register().number) };
  const imm = width === 32 ? cursor.word() : cursor.signedWord('lddw loads a number of 64 bits');
  return { dst, src: immediate(imm) };
}

/** place = "[" register [ number ] "]" */
function readPlace(cursor: Cursor, size: Size): Place {
  cursor.expect('[');
  const base = cursor.register().number;
  const offset = cursor.atNumber ? cursor.offset16() : 0;
  cursor.expect(']');
  return { size, base, offset };
}
