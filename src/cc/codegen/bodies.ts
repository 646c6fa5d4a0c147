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

/** Instructions with other registers in place of some. */
export function renamed(
  bodies: readonly InstructionBody[],
  from: readonly Register[],
  to: readonly Register[],
): InstructionBody[] {
  const other = (register: Register): Register => {
    const index = from.indexOf(register);
    return index < 0 ? register : (to[index] as Register);
  };
  return bodies.map((body) => {
    const made: Record<string, unknown> = { ...body };
    if ('dst' in body) made.dst = other(body.dst);
    if ('base' in body) made.base = other(body.base);
    if ('index' in body && body.index !== null) made.index = other(body.index);
    if ('src' in body) {
      const { src } = body;
      if (typeof src === 'number') made.src = other(src);
      else if (src.kind === 'register') made.src = { kind: 'register', register: other(src.register) };
    }
    return made as unknown as InstructionBody;
  });
}
