import type { InstructionBody, Operand, Register, Size } from '../../isa/index.ts';
import { signedOf } from '../ir/fold.ts';
import type { Value } from '../ir/ir.ts';

/** The instructions that selection makes most, and the operands that fit into them. */

/** A constant as the signed 32 bits of an instruction, if it fits. */
export function immediateOf(value: Value, width: 32 | 64): number | undefined {
  if (width === 32) return Number(signedOf(value.constant, 32));
  const signed = value.width === 32 ? value.constant : signedOf(value.constant, 64);
  return signed === signedOf(signed, 32) ? Number(signed) : undefined;
}

export function operand(imm: number | undefined, register: Register | undefined): Operand {
  return imm === undefined ? { kind: 'register', register: register as Register } : { kind: 'imm', imm };
}

export function aluRegister(op: 'mov' | 'add', width: 32 | 64, dst: Register, register: Register): InstructionBody {
  return { kind: 'alu', op, width, dst, src: { kind: 'register', register } };
}

export function aluImmediate(
  op: 'mov' | 'add' | 'lsh' | 'arsh',
  width: 32 | 64,
  dst: Register,
  imm: number,
): InstructionBody {
  return { kind: 'alu', op, width, dst, src: { kind: 'imm', imm } };
}

export function load(dst: Register, base: Register, offset: number, size: Size): InstructionBody {
  return { kind: 'load', signed: false, dst, size, base, offset };
}
