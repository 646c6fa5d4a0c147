import type { AluOperation, Instruction, JumpOperation, Operand } from '../../isa/index.ts';
import { kernelSpace } from '../../memory/index.ts';
import type { Code } from '../wasm/code.ts';
import { type WasmOp, wasm } from '../wasm/opcodes.ts';
import type { RegisterFile } from './register-file.ts';
import { known } from './values.ts';

/**
 * Arithmetic and comparisons as WebAssembly. An operation of 64 bits is done in 32 where its high half is known or
 * nobody reads it. Where WebAssembly would trap (division by zero, INT_MIN / -1) the instruction set does not:
 * division gives 0, modulo leaves the register, and the quotient of INT_MIN and -1 is INT_MIN.
 *
 * Each function pushes its result and says of which type it is.
 */
type Type = 'i32' | 'i64';
type AluInstruction = Extract<Instruction, { kind: 'alu' }>;
type Division = 'div' | 'sdiv' | 'mod' | 'smod';

const plain: Readonly<Record<Exclude<AluOperation, Division | 'mov'>, Readonly<Record<Type, WasmOp>>>> = {
  add: { i64: wasm.i64Add, i32: wasm.i32Add },
  sub: { i64: wasm.i64Sub, i32: wasm.i32Sub },
  mul: { i64: wasm.i64Mul, i32: wasm.i32Mul },
  or: { i64: wasm.i64Or, i32: wasm.i32Or },
  and: { i64: wasm.i64And, i32: wasm.i32And },
  lsh: { i64: wasm.i64Shl, i32: wasm.i32Shl },
  rsh: { i64: wasm.i64ShrU, i32: wasm.i32ShrU },
  xor: { i64: wasm.i64Xor, i32: wasm.i32Xor },
  arsh: { i64: wasm.i64ShrS, i32: wasm.i32ShrS },
};

const divisions: Readonly<Record<Division, Readonly<Record<Type, WasmOp>>>> = {
  div: { i64: wasm.i64DivU, i32: wasm.i32DivU },
  sdiv: { i64: wasm.i64DivS, i32: wasm.i32DivS },
  mod: { i64: wasm.i64RemU, i32: wasm.i32RemU },
  smod: { i64: wasm.i64RemS, i32: wasm.i32RemS },
};

function isDivision(op: AluOperation): op is Division {
  return op === 'div' || op === 'sdiv' || op === 'mod' || op === 'smod';
}

/** Shifts are masked to the width by both instruction sets alike. @param narrow the high half is not wanted */
export function emitAlu(code: Code, file: RegisterFile, instruction: AluInstruction, narrow: boolean): Type {
  const { op, width, dst, src } = instruction;
  if (isDivision(op)) return emitDivision(code, file, instruction, op);
  const type = width === 32 ? 'i32' : typeOf(file, instruction, narrow);
  if (op === 'mov') {
    pushOperand(code, file, src, type);
    return type;
  }
  if (type === 'i32' && width === 64 && op === 'lsh' && src.kind === 'imm' && (src.imm & 63) >= 32) {
    code.i32(0);
    return type;
  }
  push(file, dst, type);
  pushOperand(code, file, src, type);
  // A number below 2^32 has no sign in 64 bits.
  code.op(type === 'i32' && width === 64 && op === 'arsh' ? wasm.i32ShrU : plain[op][type]);
  return type;
}

/** In which type an operation of 64 bits is done. */
function typeOf(file: RegisterFile, { op, dst, src }: AluInstruction, narrow: boolean): Type {
  switch (op) {
    case 'lsh':
      return narrow && src.kind === 'imm' ? 'i32' : 'i64';
    case 'rsh':
    case 'arsh':
      return file.values.isLow(dst) && src.kind === 'imm' && (src.imm & 63) < 32 ? 'i32' : 'i64';
    default:
      return narrow ? 'i32' : 'i64';
  }
}

function emitDivision(code: Code, file: RegisterFile, instruction: AluInstruction, op: Division): Type {
  const { width, dst, src } = instruction;
  const { values } = file;
  const unsigned = op === 'div' || op === 'mod';
  const sourceIsLow = src.kind === 'imm' ? src.imm >= 0 : values.isLow(src.register);
  const type = width === 32 || (unsigned && sourceIsLow && values.isLow(dst)) ? 'i32' : 'i64';
  const modulo = op === 'mod' || op === 'smod';
  if (src.kind === 'imm') {
    if (src.imm === 0) {
      if (modulo) push(file, dst, type);
      else constant(code, 0, type);
    } else if (src.imm === -1 && op === 'sdiv') {
      negate(code, file, dst, type);
    } else {
      push(file, dst, type);
      constant(code, src.imm, type);
      code.op(divisions[op][type]);
    }
    return type;
  }
  push(file, src.register, type);
  code.op(type === 'i64' ? wasm.i64Eqz : wasm.i32Eqz);
  code.open(wasm.if, type);
  if (modulo) push(file, dst, type);
  else constant(code, 0, type);
  code.else();
  if (op === 'sdiv') {
    // Only INT_MIN / -1 traps, and there negation is the quotient; x / -1 is -x for every other x too.
    push(file, src.register, type);
    constant(code, -1, type);
    code.op(type === 'i64' ? wasm.i64Eq : wasm.i32Eq);
    code.open(wasm.if, type);
    negate(code, file, dst, type);
    code.else();
  }
  push(file, dst, type);
  push(file, src.register, type);
  code.op(divisions[op][type]);
  if (op === 'sdiv') code.end();
  code.end();
  return type;
}

export function emitNegation(
  code: Code,
  file: RegisterFile,
  { dst, width }: Extract<Instruction, { kind: 'neg' }>,
  narrow: boolean,
): Type {
  const type = width === 32 || narrow ? 'i32' : 'i64';
  negate(code, file, dst, type);
  return type;
}

function negate(code: Code, file: RegisterFile, register: number, type: Type): void {
  constant(code, 0, type);
  push(file, register, type);
  code.op(type === 'i64' ? wasm.i64Sub : wasm.i32Sub);
}

export function emitSignExtension(
  code: Code,
  file: RegisterFile,
  { bits, width, src }: Extract<Instruction, { kind: 'movsx' }>,
  narrow: boolean,
): Type {
  const type = width === 32 || narrow ? 'i32' : 'i64';
  push(file, src, type);
  extendSign(code, bits, type);
  return type;
}

/** Extends the low bits of the number on the stack to its type. */
export function extendSign(code: Code, bits: number, type: Type): void {
  if (bits === 8) code.op(type === 'i64' ? wasm.i64Extend8s : wasm.i32Extend8s);
  else if (bits === 16) code.op(type === 'i64' ? wasm.i64Extend16s : wasm.i32Extend16s);
  else if (type === 'i64') code.op(wasm.i64Extend32s);
}

/**
 * To little-endian keeps the low bits (the machine is); to big-endian and bswap reverse their bytes.
 * @param isHalf the register is below 2^16
 */
export function emitEndian(
  code: Code,
  file: RegisterFile,
  { op, bits, dst }: Extract<Instruction, { kind: 'endian' }>,
  scratch: Scratch,
  isHalf: boolean,
): Type {
  if (bits === 64) {
    file.push64(dst);
    if (op !== 'le') emitSwap64(code, scratch.i64);
    return 'i64';
  }
  file.push32(dst);
  if (op !== 'le') {
    emitSwap(code, bits, scratch.i32, isHalf);
  } else if (bits === 16 && !isHalf) {
    code.i32(0xffff);
    code.op(wasm.i32And);
  }
  return 'i32';
}

/** Two locals for what lives only within an instruction. */
export interface Scratch {
  readonly i32: number;
  readonly i64: number;
}

/** The low bytes of the i32 on the stack in the other order. @param isHalf it is below 2^16 */
export function emitSwap(code: Code, bits: 16 | 32, scratch: number, isHalf: boolean): void {
  code.tee(scratch);
  if (bits === 16) swapHalf(code, scratch, isHalf);
  else swapWord(code, scratch);
}

function swapHalf(code: Code, scratch: number, isHalf: boolean): void {
  code.i32(8);
  code.op(wasm.i32ShrU);
  if (!isHalf) {
    code.i32(0xff);
    code.op(wasm.i32And);
  }
  code.get(scratch);
  code.i32(0xff);
  code.op(wasm.i32And);
  code.i32(8);
  code.op(wasm.i32Shl);
  code.op(wasm.i32Or);
}

/** Bytes 0 and 2 go up by one rotation, 1 and 3 by another. */
function swapWord(code: Code, scratch: number): void {
  code.i32(0x00ff00ff);
  code.op(wasm.i32And);
  code.i32(24);
  code.op(wasm.i32Rotl);
  code.get(scratch);
  code.i32(0xff00ff00 | 0);
  code.op(wasm.i32And);
  code.i32(8);
  code.op(wasm.i32Rotl);
  code.op(wasm.i32Or);
}

/** Bytes, then pairs, then halves change places. */
function emitSwap64(code: Code, scratch: number): void {
  const step = (mask: bigint, shift: bigint): void => {
    code.set(scratch);
    code.get(scratch);
    code.i64(shift);
    code.op(wasm.i64ShrU);
    code.i64(mask);
    code.op(wasm.i64And);
    code.get(scratch);
    code.i64(mask);
    code.op(wasm.i64And);
    code.i64(shift);
    code.op(wasm.i64Shl);
    code.op(wasm.i64Or);
  };
  step(0x00ff00ff00ff00ffn, 8n);
  step(0x0000ffff0000ffffn, 16n);
  code.i64(32n);
  code.op(wasm.i64Rotl);
}

const comparisons: Readonly<Record<Exclude<JumpOperation, 'set'>, Readonly<Record<Type | 'unsigned', WasmOp>>>> = {
  eq: { i64: wasm.i64Eq, i32: wasm.i32Eq, unsigned: wasm.i32Eq },
  ne: { i64: wasm.i64Ne, i32: wasm.i32Ne, unsigned: wasm.i32Ne },
  gt: { i64: wasm.i64GtU, i32: wasm.i32GtU, unsigned: wasm.i32GtU },
  ge: { i64: wasm.i64GeU, i32: wasm.i32GeU, unsigned: wasm.i32GeU },
  lt: { i64: wasm.i64LtU, i32: wasm.i32LtU, unsigned: wasm.i32LtU },
  le: { i64: wasm.i64LeU, i32: wasm.i32LeU, unsigned: wasm.i32LeU },
  sgt: { i64: wasm.i64GtS, i32: wasm.i32GtS, unsigned: wasm.i32GtU },
  sge: { i64: wasm.i64GeS, i32: wasm.i32GeS, unsigned: wasm.i32GeU },
  slt: { i64: wasm.i64LtS, i32: wasm.i32LtS, unsigned: wasm.i32LtU },
  sle: { i64: wasm.i64LeS, i32: wasm.i32LeS, unsigned: wasm.i32LeU },
};

/** Pushes the i32 truth of a jump's condition. */
export function emitCondition(
  code: Code,
  file: RegisterFile,
  instruction: Extract<Instruction, { kind: 'jump' }>,
): void {
  const { op, width, dst, src } = instruction;
  const lowHalves = width === 64 && comparesLowHalves(file, instruction);
  const type = width === 32 || lowHalves ? 'i32' : 'i64';
  push(file, dst, type);
  const isZero =
    src.kind === 'imm' ? src.imm === 0 : file.values.isConstant(src.register) && isZeroConstant(file, src.register);
  if (isZero && op === 'eq') {
    code.op(type === 'i64' ? wasm.i64Eqz : wasm.i32Eqz);
    return;
  }
  if (isZero && op === 'ne' && type === 'i32') return;
  pushOperand(code, file, src, type);
  if (op !== 'set') {
    code.op(comparisons[op][lowHalves ? 'unsigned' : type]);
    return;
  }
  code.op(type === 'i64' ? wasm.i64And : wasm.i32And);
  if (type === 'i32') return;
  code.i64(0n);
  code.op(wasm.i64Ne);
}

function isZeroConstant({ values }: RegisterFile, register: number): boolean {
  return (values.low[register]! | values.high[register]!) === 0;
}

/** Whether the low halves alone decide: the high halves are the same, or for `&` one of them is 0. */
function comparesLowHalves(file: RegisterFile, { op, dst, src }: Extract<Instruction, { kind: 'jump' }>): boolean {
  const left = highHalf(file, dst);
  const right = src.kind === 'imm' ? src.imm >> 31 : highHalf(file, src.register);
  if (op === 'set') return left === 0 || right === 0;
  if (left !== undefined && left === right) return true;
  const isNull =
    src.kind === 'imm' ? src.imm === 0 : file.values.isConstant(src.register) && isZeroConstant(file, src.register);
  return isNull && (op === 'eq' || op === 'ne') && file.values.kind[dst] === known.orNull;
}

/** The high half of a register where it is known, signed. */
function highHalf({ values }: RegisterFile, register: number): number | undefined {
  switch (values.kind[register]) {
    case known.low:
      return 0;
    case known.pointer:
    case known.stack:
      return kernelSpace | 0;
    case known.constant:
      return values.high[register];
    default:
      return undefined;
  }
}

function pushOperand(code: Code, file: RegisterFile, operand: Operand, type: Type): void {
  if (operand.kind === 'imm') constant(code, operand.imm, type);
  else push(file, operand.register, type);
}

function push(file: RegisterFile, register: number, type: Type): void {
  if (type === 'i64') file.push64(register);
  else file.push32(register);
}

function constant(code: Code, value: number, type: Type): void {
  if (type === 'i64') code.i64(BigInt(value));
  else code.i32(value);
}
