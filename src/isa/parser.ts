import { nearestHint } from '../base/index.ts';
import type { Cursor } from './cursor.ts';
import { immediate, type Operand, register, type Width } from './instruction.ts';
import { type AtomicOperation, aluOperations, atomicOperations, entriesOf, jumpOperations } from './opcodes.ts';
import { parseAccess, parseOperand, parsePointer, registerOperand } from './operands.ts';
import { parseRightSide } from './right-side.ts';
import type { Names, Statement } from './statement.ts';
import { parseTarget, skipPlaceName } from './target.ts';

/**
 * The syntax of clang, llvm-objdump and the verifier's log: one function for each rule of the grammar, the rule above
 * it. Where the two spell something differently both are taken.
 */

/** Words that begin an instruction, for hints. */
const firstWords = ['if', 'goto', 'gotol', 'may_goto', 'call', 'callx', 'exit', 'lock', 'store_release'] as const;

const loadImm64 = 0x18;

/**
 * instruction = conditional | goto | call | callx | "exit" | locked | released | store | assignment
 * @param opcode what the verifier's log writes before it
 */
export function parseInstruction(cursor: Cursor, names: Names, opcode?: number): Statement {
  const token = cursor.peek();
  switch (token.text) {
    case 'if':
      return parseConditional(cursor, opcode !== undefined);
    case 'goto':
    case 'gotol':
    case 'may_goto':
      return parseGoto(cursor);
    case 'call':
      return parseCall(cursor, names);
    case 'callx':
      cursor.next();
      return { body: { kind: 'callx', dst: cursor.register().number } };
    case 'exit':
      cursor.next();
      return { body: { kind: 'exit' } };
    case 'lock':
      return parseLocked(cursor);
    case 'store_release':
      return parseReleased(cursor);
    case '*':
      return parseStore(cursor);
    default:
      if (cursor.atRegister) return parseAssignment(cursor, opcode === loadImm64);
      return cursor.unexpected('an instruction', token, nearestHint(token.text, firstWords));
  }
}

const jumpBySymbol = new Map(entriesOf(jumpOperations).map(([op, row]) => [row.symbol as string, op]));
const aluBySymbol = new Map(entriesOf(aluOperations).map(([op, row]) => [row.symbol as string, op]));
const lockedBySymbol = new Map<string, AtomicOperation>(
  entriesOf(atomicOperations).flatMap(([op, row]) => (row.fetch ? [] : [[row.symbol, op] as const])),
);

/** conditional = "if" register comparison ( register | number ) ( "goto" | "gotol" ) target */
function parseConditional(cursor: Cursor, logged: boolean): Statement {
  cursor.expect('if');
  const { number: dst, width } = cursor.register();
  const comparison = cursor.peek();
  const op = jumpBySymbol.get(comparison.text);
  if (op === undefined) return cursor.unexpected(`a comparison: ${[...jumpBySymbol.keys()].join(' ')}`);
  cursor.next();
  const src = cursor.atNumber ? comparedWith(cursor, width, logged) : registerOperand(cursor, width);
  cursor.expect('goto');
  return parseTarget(cursor, (offset) => ({ kind: 'jump', op, width, dst, src, offset }));
}

/** The verifier writes immediates as unsigned words, with an opcode before or a `goto pc+1` behind: 0xffffffff is -1. */
function comparedWith(cursor: Cursor, width: Width, logged: boolean): Operand {
  let ahead = 0;
  while (cursor.peek(ahead).kind !== 'end' && cursor.peek(ahead).text !== 'goto') ahead++;
  if (width === 32 || logged || cursor.peek(ahead + 1).text === 'pc') return immediate(cursor.word());
  return immediate(cursor.signedWord('load a larger number into a register with `ll` and compare with that'));
}

/** goto = ( "goto" | "gotol" | "may_goto" ) target */
function parseGoto(cursor: Cursor): Statement {
  const word = cursor.next().text;
  return parseTarget(cursor, (offset) =>
    word === 'may_goto' ? { kind: 'mayGoto', offset } : { kind: 'goto', long: word === 'gotol', offset },
  );
}

/** call = "call" ( number | signed-number | "pc" number | kfunc | name [ "#" id ] ) */
function parseCall(cursor: Cursor, names: Names): Statement {
  cursor.expect('call');
  const token = cursor.peek();
  if (token.kind === 'number') {
    const imm = cursor.word();
    skipPlaceName(cursor);
    return { body: { kind: 'call', target: 'helper', imm, offset: 0 } };
  }
  if (token.text === 'kfunc' && cursor.peek(1).text === '[') return parseKfunc(cursor);
  if (token.text === 'pc' || token.text === '+' || token.text === '-') {
    return parseTarget(cursor, (imm) => ({ kind: 'call', target: 'local', imm, offset: 0 }));
  }
  if (token.kind !== 'name') return cursor.unexpected('a helper or a function');
  if (cursor.atRegister) return cursor.unexpected('a helper or a function', token, { hint: 'callx calls a register' });
  cursor.next();
  const [name = '', id] = token.text.split('#');
  const imm = id === undefined ? names.helper(name) : Number(id);
  if (imm !== undefined) return { body: { kind: 'call', target: 'helper', imm, offset: 0 } };
  return { body: { kind: 'call', target: 'local', imm: 0, offset: 0 }, label: token };
}

/** kfunc = "kfunc" "[" "id" ":" number [ "," "fd" ":" number ] "]" */
function parseKfunc(cursor: Cursor): Statement {
  cursor.expect('kfunc');
  cursor.expect('[');
  cursor.expect('id');
  cursor.expect(':');
  const imm = cursor.word();
  let offset = 0;
  if (cursor.accept(',')) {
    cursor.expect('fd');
    cursor.expect(':');
    offset = cursor.offset16();
  }
  cursor.expect(']');
  return { body: { kind: 'call', target: 'kfunc', imm, offset } };
}

/** locked = "lock" access operator register */
function parseLocked(cursor: Cursor): Statement {
  cursor.expect('lock');
  const token = cursor.peek();
  const place = parseAccess(cursor);
  if (place.size < 4) cursor.fail(token, 'an atomic operation on fewer than 4 bytes', { expected: 'u32 or u64' });
  const op = lockedBySymbol.get(cursor.peek().text);
  if (op === undefined) return cursor.unexpected([...lockedBySymbol.keys()].join(' '));
  cursor.next();
  return { body: { kind: 'atomic', op, ...place, src: cursor.register().number } };
}

/** released = "store_release" "(" pointer "," register ")" */
function parseReleased(cursor: Cursor): Statement {
  cursor.expect('store_release');
  cursor.expect('(');
  const place = parsePointer(cursor);
  cursor.expect(',');
  const src = cursor.register().number;
  cursor.expect(')');
  return { body: { kind: 'storeRelease', ...place, src } };
}

/** store = access "=" ( register | number ) */
function parseStore(cursor: Cursor): Statement {
  const place = parseAccess(cursor);
  cursor.expect('=');
  if (!cursor.atNumber) return { body: { kind: 'store', ...place, src: register(cursor.register().number) } };
  const hint = 'load a larger number into a register with `ll` and store that';
  const src = immediate(place.size === 8 ? cursor.signedWord(hint) : cursor.word());
  return { body: { kind: 'store', ...place, src } };
}

/** assignment = register ( operator ( register | number ) | "=" right-side ) */
function parseAssignment(cursor: Cursor, wide: boolean): Statement {
  const { number: dst, width } = cursor.register();
  const operator = cursor.peek();
  const op = aluBySymbol.get(operator.text);
  if (op === undefined) return cursor.unexpected(`an operator: ${[...aluBySymbol.keys()].join(' ')}`);
  cursor.next();
  if (op === 'mov') return parseRightSide(cursor, dst, width, wide);
  return { body: { kind: 'alu', op, width, dst, src: parseOperand(cursor, width) } };
}
