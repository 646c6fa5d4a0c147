import { assertNever, InputError } from '../base/index.ts';
import { type InstructionBody, type Operand, slotsOf } from './instruction.ts';
import {
  addressSpaceCast,
  aluCodes,
  aluOperations,
  atomicOperations,
  callTargets,
  classes,
  endianOperations,
  jumpCodes,
  jumpOperations,
  modes,
  orderedAccess,
  pseudoImmediates,
  sizeCodes,
  sourceRegister,
} from './opcodes.ts';

/** From instructions to bytes: each becomes the five fields of a slot (opcodes.ts draws them). */
interface Fields {
  readonly opcode: number;
  readonly dst?: number;
  readonly src?: number;
  readonly offset?: number;
  readonly imm?: number;
}

function operandFields(operand: Operand): { source: number; src?: number; imm?: number } {
  return operand.kind === 'register'
    ? { source: sourceRegister, src: operand.register }
    : { source: 0, imm: operand.imm };
}

function fieldsOf(instruction: InstructionBody): Fields {
  switch (instruction.kind) {
    case 'alu': {
      const { source, ...operand } = operandFields(instruction.src);
      const { code, offset } = aluOperations[instruction.op];
      return { opcode: aluClass(instruction.width) | code | source, dst: instruction.dst, offset, ...operand };
    }
    case 'neg':
      return { opcode: aluClass(instruction.width) | aluCodes.neg, dst: instruction.dst };
    case 'movsx': {
      const opcode = aluClass(instruction.width) | aluCodes.mov | sourceRegister;
      return { opcode, dst: instruction.dst, src: instruction.src, offset: instruction.bits };
    }
    case 'addrSpaceCast': {
      const opcode = classes.alu64 | aluCodes.mov | sourceRegister;
      return { opcode, dst: instruction.dst, src: instruction.src, offset: addressSpaceCast, imm: instruction.imm };
    }
    case 'endian': {
      const row = endianOperations[instruction.op];
      return { opcode: classes[row.class] | aluCodes.end | row.source, dst: instruction.dst, imm: instruction.bits };
    }
    case 'load': {
      const opcode = classes.ldx | (instruction.signed ? modes.memsx : modes.mem) | sizeCodes[instruction.size];
      return { opcode, dst: instruction.dst, src: instruction.base, offset: instruction.offset };
    }
    case 'store': {
      const { source, ...operand } = operandFields(instruction.src);
      const opcode = (source === 0 ? classes.st : classes.stx) | modes.mem | sizeCodes[instruction.size];
      return { opcode, dst: instruction.base, offset: instruction.offset, ...operand };
    }
    case 'atomic':
      return atomicFields(instruction, instruction.base, instruction.src, atomicOperations[instruction.op].imm);
    case 'loadAcquire':
      return atomicFields(instruction, instruction.dst, instruction.base, orderedAccess.loadAcquire);
    case 'storeRelease':
      return atomicFields(instruction, instruction.base, instruction.src, orderedAccess.storeRelease);
    case 'loadPacket': {
      const mode = instruction.index === null ? modes.abs : modes.ind;
      return {
        opcode: classes.ld | mode | sizeCodes[instruction.size],
        src: instruction.index ?? 0,
        imm: instruction.imm,
      };
    }
    case 'loadImm64': {
      const src = pseudoImmediates[instruction.pseudo].source;
      return { opcode: classes.ld | modes.imm | sizeCodes[8], dst: instruction.dst, src, imm: instruction.imm };
    }
    case 'jump': {
      const { source, ...operand } = operandFields(instruction.src);
      const group = instruction.width === 32 ? classes.jmp32 : classes.jmp;
      const opcode = group | jumpOperations[instruction.op].code | source;
      return { opcode, dst: instruction.dst, offset: instruction.offset, ...operand };
    }
    case 'goto':
      return instruction.long
        ? { opcode: jumpCodes.gotol, imm: instruction.offset }
        : { opcode: jumpCodes.goto, offset: instruction.offset };
    case 'mayGoto':
      return { opcode: jumpCodes.mayGoto, offset: instruction.offset };
    case 'call': {
      const src = callTargets[instruction.target];
      return { opcode: jumpCodes.call, src, offset: instruction.offset, imm: instruction.imm };
    }
    case 'callx':
      return { opcode: jumpCodes.callx, dst: instruction.dst };
    case 'exit':
      return { opcode: jumpCodes.exit };
    default:
      return assertNever(instruction);
  }
}

function aluClass(width: 32 | 64): number {
  return width === 32 ? classes.alu32 : classes.alu64;
}

function atomicFields(place: { size: 1 | 2 | 4 | 8; offset: number }, dst: number, src: number, imm: number): Fields {
  return { opcode: classes.stx | modes.atomic | sizeCodes[place.size], dst, src, offset: place.offset, imm };
}

/**
 * The bytes of instructions, 8 a slot, in their order; `slot` fields are not looked at.
 * @throws InputError when an offset does not fit 16 bits or an immediate 32, at the byte offset of the instruction
 */
export function encode(instructions: readonly InstructionBody[]): Uint8Array {
  const bytes = new Uint8Array(instructions.reduce((sum, instruction) => sum + slotsOf(instruction), 0) * 8);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const instruction of instructions) {
    const { opcode, dst = 0, src = 0, offset = 0, imm = 0 } = fieldsOf(instruction);
    if (offset !== (offset << 16) >> 16) throw tooFar(at, 'offset', offset, 16);
    if (imm !== (imm | 0)) throw tooFar(at, 'immediate', imm, 32);
    view.setUint8(at, opcode);
    view.setUint8(at + 1, dst | (src << 4));
    view.setInt16(at + 2, offset, true);
    view.setInt32(at + 4, imm, true);
    at += 8;
    if (instruction.kind === 'loadImm64') {
      view.setInt32(at + 4, instruction.nextImm, true);
      at += 8;
    }
  }
  return bytes;
}

function tooFar(offset: number, what: string, value: number, bits: number): InputError {
  return new InputError(`the ${what} ${value} does not fit ${bits} bits`, {
    at: { offset },
    expected: `a number from -2^${bits - 1} to 2^${bits - 1}-1`,
  });
}
