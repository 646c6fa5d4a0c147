import { assertNever } from '../../base/index.ts';
import type { AluOperation, Instruction, JumpOperation, Operand } from '../../isa/index.ts';
import type { Code } from '../wasm/code.ts';
import { type WasmOp, wasm } from '../wasm/opcodes.ts';

/**
 * Arithmetic and comparisons as WebAssembly: registers are i64 locals, 32-bit operations wrap, compute in i32 and
 * zero-extend. Where WebAssembly would trap (division by zero, INT_MIN / -1) the instruction set does not: division
 * gives 0, modulo leaves the register, and the quotient of INT_MIN and -1 is INT_MIN.
 */
export interface Registers {
  /** Pushes a register as i64. */
  push64(register: number): void;
  /** Pushes its low half as i32. */
  push32(register: number): void;
  /** Pops an i64 into a register. */
  pop64(register: number): void;
  /** Pops an i32 into a register, zero-extended. */
  pop32(register: number): void;
}

type AluInstruction = Extract<Instruction, { kind: 'alu' }>;
type Division = 'div' | 'sdiv' | 'mod' | 'smod';

const plain64: Readonly<Record<Exclude<AluOperation, Division | 'mov'>, WasmOp>> = {
  add: wasm.i64Add,
  sub: wasm.i64Sub,
  mul: wasm.i64Mul,
  or: wasm.i64Or,
  and: wasm.i64And,
  lsh: wasm.i64Shl,
  rsh: wasm.i64ShrU,
  xor: wasm.i64Xor,
  arsh: wasm.i64ShrS,
};

const plain32: Readonly<Record<Exclude<AluOperation, Division | 'mov'>, WasmOp>> = {
  add: wasm.i32Add,
  sub: wasm.i32Sub,
  mul: wasm.i32Mul,
  or: wasm.i32Or,
  and: wasm.i32And,
  lsh: wasm.i32Shl,
  rsh: wasm.i32ShrU,
  xor: wasm.i32Xor,
  arsh: wasm.i32ShrS,
};

const divisions = {
  div: { 64: wasm.i64DivU, 32: wasm.i32DivU },
  sdiv: { 64: wasm.i64DivS, 32: wasm.i32DivS },
  mod: { 64: wasm.i64RemU, 32: wasm.i32RemU },
  smod: { 64: wasm.i64RemS, 32: wasm.i32RemS },
} as const;

function isDivision(op: AluOperation): op is Division {
  return op === 'div' || op === 'sdiv' || op === 'mod' || op === 'smod';
}

/** Shifts are masked to the width by both instruction sets alike. */
export function emitAlu(code: Code, registers: Registers, instruction: AluInstruction): void {
  const { op, width, dst, src } = instruction;
  if (isDivision(op)) {
    emitDivision(code, registers, instruction, op);
    return;
  }
  const wide = width === 64;
  if (op === 'mov') {
    pushOperand(code, registers, src, wide);
  } else {
    push(registers, dst, wide);
    pushOperand(code, registers, src, wide);
    code.op(wide ? plain64[op] : plain32[op]);
  }
  pop(registers, dst, wide);
}

function emitDivision(code: Code, registers: Registers, instruction: AluInstruction, op: Division): void {
  const { width, dst, src } = instruction;
  const wide = width === 64;
  const modulo = op === 'mod' || op === 'smod';
  const signed = op === 'sdiv' || op === 'smod';
  if (src.kind === 'imm') {
    emitDivisionByConstant(code, registers, instruction, op);
    return;
  }
  const pushDivisor = (): void => pushOperand(code, registers, src, wide);
  pushDivisor();
  code.op(wide ? wasm.i64Eqz : wasm.i32Eqz);
  code.open(wasm.if);
  // By zero: the quotient is 0; the remainder is the dividend, of which a 32-bit operation keeps the low half.
  if (!modulo) constant(code, 0, wide);
  else push(registers, dst, wide);
  pop(registers, dst, wide);
  code.else();
  if (signed && !modulo) {
    // Only INT_MIN / -1 traps, and there negation is the quotient; x / -1 is -x for every other x too.
    pushDivisor();
    constant(code, -1, wide);
    code.op(wide ? wasm.i64Eq : wasm.i32Eq);
    code.open(wasm.if);
    constant(code, 0, wide);
    push(registers, dst, wide);
    code.op(wide ? wasm.i64Sub : wasm.i32Sub);
    pop(registers, dst, wide);
    code.else();
    divide(code, registers, dst, pushDivisor, op, width);
    code.end();
  } else {
    divide(code, registers, dst, pushDivisor, op, width);
  }
  code.end();
}

function emitDivisionByConstant(code: Code, registers: Registers, instruction: AluInstruction, op: Division): void {
  const { width, dst, src } = instruction;
  const wide = width === 64;
  const imm = src.kind === 'imm' ? src.imm : 0;
  const modulo = op === 'mod' || op === 'smod';
  if (imm === 0) {
    if (!modulo) constant(code, 0, wide);
    else push(registers, dst, wide);
    pop(registers, dst, wide);
  } else if (imm === -1 && op === 'sdiv') {
    constant(code, 0, wide);
    push(registers, dst, wide);
    code.op(wide ? wasm.i64Sub : wasm.i32Sub);
    pop(registers, dst, wide);
  } else {
    divide(code, registers, dst, () => constant(code, imm, wide), op, width);
  }
}

function divide(
  code: Code,
  registers: Registers,
  dst: number,
  divisor: () => void,
  op: Division,
  width: 32 | 64,
): void {
  push(registers, dst, width === 64);
  divisor();
  code.op(divisions[op][width]);
  pop(registers, dst, width === 64);
}

export function emitNegation(code: Code, registers: Registers, dst: number, width: 32 | 64): void {
  const wide = width === 64;
  constant(code, 0, wide);
  push(registers, dst, wide);
  code.op(wide ? wasm.i64Sub : wasm.i32Sub);
  pop(registers, dst, wide);
}

export function emitSignExtension(
  code: Code,
  registers: Registers,
  instruction: Extract<Instruction, { kind: 'movsx' }>,
): void {
  const { bits, width, dst, src } = instruction;
  if (width === 32) {
    registers.push32(src);
    code.op(bits === 8 ? wasm.i32Extend8s : wasm.i32Extend16s);
    registers.pop32(dst);
    return;
  }
  registers.push64(src);
  code.op(bits === 8 ? wasm.i64Extend8s : bits === 16 ? wasm.i64Extend16s : wasm.i64Extend32s);
  registers.pop64(dst);
}

/** To little-endian keeps the low bits (the machine is); to big-endian and bswap reverse their bytes. */
export function emitEndian(
  code: Code,
  registers: Registers,
  instruction: Extract<Instruction, { kind: 'endian' }>,
  scratch: number,
): void {
  const { op, bits, dst } = instruction;
  if (op === 'le') {
    if (bits === 64) return;
    registers.push32(dst);
    if (bits === 16) {
      code.i32(0xffff);
      code.op(wasm.i32And);
    }
    registers.pop32(dst);
    return;
  }
  if (bits === 64) {
    emitSwap64(code, registers, dst, scratch);
    return;
  }
  registers.push32(dst);
  if (bits === 16) {
    code.i32(8);
    code.op(wasm.i32ShrU);
    code.i32(0xff);
    code.op(wasm.i32And);
    registers.push32(dst);
    code.i32(0xff);
    code.op(wasm.i32And);
    code.i32(8);
    code.op(wasm.i32Shl);
  } else {
    code.i32(0x00ff00ff);
    code.op(wasm.i32And);
    code.i32(24);
    code.op(wasm.i32Rotl);
    registers.push32(dst);
    code.i32(0xff00ff00 | 0);
    code.op(wasm.i32And);
    code.i32(8);
    code.op(wasm.i32Rotl);
  }
  code.op(wasm.i32Or);
  registers.pop32(dst);
}

/** Bytes, then pairs, then halves change places. */
function emitSwap64(code: Code, registers: Registers, dst: number, scratch: number): void {
  const step = (mask: bigint, shift: bigint): void => {
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
    code.set(scratch);
  };
  registers.push64(dst);
  code.set(scratch);
  step(0x00ff00ff00ff00ffn, 8n);
  step(0x0000ffff0000ffffn, 16n);
  code.get(scratch);
  code.i64(32n);
  code.op(wasm.i64Rotl);
  registers.pop64(dst);
}

const comparisons: Readonly<Record<Exclude<JumpOperation, 'set'>, { readonly 64: WasmOp; readonly 32: WasmOp }>> = {
  eq: { 64: wasm.i64Eq, 32: wasm.i32Eq },
  ne: { 64: wasm.i64Ne, 32: wasm.i32Ne },
  gt: { 64: wasm.i64GtU, 32: wasm.i32GtU },
  ge: { 64: wasm.i64GeU, 32: wasm.i32GeU },
  lt: { 64: wasm.i64LtU, 32: wasm.i32LtU },
  le: { 64: wasm.i64LeU, 32: wasm.i32LeU },
  sgt: { 64: wasm.i64GtS, 32: wasm.i32GtS },
  sge: { 64: wasm.i64GeS, 32: wasm.i32GeS },
  slt: { 64: wasm.i64LtS, 32: wasm.i32LtS },
  sle: { 64: wasm.i64LeS, 32: wasm.i32LeS },
};

/** Pushes the i32 truth of a jump's condition. */
export function emitCondition(
  code: Code,
  registers: Registers,
  instruction: Extract<Instruction, { kind: 'jump' }>,
): void {
  const { op, width, dst, src } = instruction;
  const wide = width === 64;
  push(registers, dst, wide);
  if (src.kind === 'imm' && src.imm === 0 && op === 'eq') {
    code.op(wide ? wasm.i64Eqz : wasm.i32Eqz);
    return;
  }
  pushOperand(code, registers, src, wide);
  if (op !== 'set') {
    code.op(comparisons[op][width]);
    return;
  }
  code.op(wide ? wasm.i64And : wasm.i32And);
  constant(code, 0, wide);
  code.op(wide ? wasm.i64Ne : wasm.i32Ne);
}

export function pushOperand(code: Code, registers: Registers, operand: Operand, wide: boolean): void {
  switch (operand.kind) {
    case 'imm':
      constant(code, operand.imm, wide);
      return;
    case 'register':
      push(registers, operand.register, wide);
      return;
    default:
      assertNever(operand);
  }
}

function push(registers: Registers, register: number, wide: boolean): void {
  if (wide) registers.push64(register);
  else registers.push32(register);
}

function pop(registers: Registers, register: number, wide: boolean): void {
  if (wide) registers.pop64(register);
  else registers.pop32(register);
}

function constant(code: Code, value: number, wide: boolean): void {
  if (wide) code.i64(BigInt(value));
  else code.i32(value);
}
