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
class SlotWriter {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(slots: number) {
    this.bytes = new Uint8Array(slots * 8);
    this.#view = new DataView(this.bytes.buffer);
  }

  slot(opcode: number, dst: number, src: number, offset: number, imm: number): void {
    const at = this.#at;
    if (offset !== (offset << 16) >> 16) throw tooFar(at, 'offset', offset, 16);
    if (imm !== (imm | 0)) throw tooFar(at, 'immediate', imm, 32);
    this.#view.setUint8(at, opcode);
    this.#view.setUint8(at + 1, dst | (src << 4));
    this.#view.setInt16(at + 2, offset, true);
    this.#view.setInt32(at + 4, imm, true);
    this.#at = at + 8;
  }

  /** A slot whose operand is a register or an immediate, as `sourceRegister` in the opcode tells. */
  withOperand(opcode: number, dst: number, operand: Operand, offset: number): void {
    if (operand.kind === 'register') this.slot(opcode | sourceRegister, dst, operand.register, offset, 0);
    else this.slot(opcode, dst, 0, offset, operand.imm);
  }

  /** The second slot of an instruction that has two: nothing but an immediate. */
  second(imm: number): void {
    this.#view.setInt32(this.#at + 4, imm, true);
    this.#at += 8;
  }
}

function write(to: SlotWriter, instruction: InstructionBody): void {
  switch (instruction.kind) {
    case 'alu': {
      const { code, offset } = aluOperations[instruction.op];
      to.withOperand(aluClass(instruction.width) | code, instruction.dst, instruction.src, offset);
      return;
    }
    case 'neg':
      to.slot(aluClass(instruction.width) | aluCodes.neg, instruction.dst, 0, 0, 0);
      return;
    case 'movsx': {
      const opcode = aluClass(instruction.width) | aluCodes.mov | sourceRegister;
      to.slot(opcode, instruction.dst, instruction.src, instruction.bits, 0);
      return;
    }
    case 'addrSpaceCast': {
      const opcode = classes.alu64 | aluCodes.mov | sourceRegister;
      to.slot(opcode, instruction.dst, instruction.src, addressSpaceCast, instruction.imm);
      return;
    }
    case 'endian': {
      const row = endianOperations[instruction.op];
      to.slot(classes[row.class] | aluCodes.end | row.source, instruction.dst, 0, 0, instruction.bits);
      return;
    }
    case 'load': {
      const opcode = classes.ldx | (instruction.signed ? modes.memsx : modes.mem) | sizeCodes[instruction.size];
      to.slot(opcode, instruction.dst, instruction.base, instruction.offset, 0);
      return;
    }
    case 'store': {
      const { size, base, src, offset } = instruction;
      const opcode = modes.mem | sizeCodes[size];
      if (src.kind === 'register') to.slot(classes.stx | opcode, base, src.register, offset, 0);
      else to.slot(classes.st | opcode, base, 0, offset, src.imm);
      return;
    }
    case 'atomic':
      writeAtomic(to, instruction, instruction.base, instruction.src, atomicOperations[instruction.op].imm);
      return;
    case 'loadAcquire':
      writeAtomic(to, instruction, instruction.dst, instruction.base, orderedAccess.loadAcquire);
      return;
    case 'storeRelease':
      writeAtomic(to, instruction, instruction.base, instruction.src, orderedAccess.storeRelease);
      return;
    case 'loadPacket': {
      const mode = instruction.index === null ? modes.abs : modes.ind;
      to.slot(classes.ld | mode | sizeCodes[instruction.size], 0, instruction.index ?? 0, 0, instruction.imm);
      return;
    }
    case 'loadImm64': {
      const src = pseudoImmediates[instruction.pseudo].source;
      to.slot(classes.ld | modes.imm | sizeCodes[8], instruction.dst, src, 0, instruction.imm);
      to.second(instruction.nextImm);
      return;
    }
    case 'jump': {
      const group = instruction.width === 32 ? classes.jmp32 : classes.jmp;
      const opcode = group | jumpOperations[instruction.op].code;
      to.withOperand(opcode, instruction.dst, instruction.src, instruction.offset);
      return;
    }
    case 'goto':
      if (instruction.long) to.slot(jumpCodes.gotol, 0, 0, 0, instruction.offset);
      else to.slot(jumpCodes.goto, 0, 0, instruction.offset, 0);
      return;
    case 'mayGoto':
      to.slot(jumpCodes.mayGoto, 0, 0, instruction.offset, 0);
      return;
    case 'call':
      to.slot(jumpCodes.call, 0, callTargets[instruction.target], instruction.offset, instruction.imm);
      return;
    case 'callx':
      to.slot(jumpCodes.callx, instruction.dst, 0, 0, 0);
      return;
    case 'exit':
      to.slot(jumpCodes.exit, 0, 0, 0, 0);
      return;
    default:
      assertNever(instruction);
  }
}

function aluClass(width: 32 | 64): number {
  return width === 32 ? classes.alu32 : classes.alu64;
}

function writeAtomic(
  to: SlotWriter,
  place: { size: 1 | 2 | 4 | 8; offset: number },
  dst: number,
  src: number,
  imm: number,
): void {
  to.slot(classes.stx | modes.atomic | sizeCodes[place.size], dst, src, place.offset, imm);
}

/**
 * The bytes of instructions, 8 a slot, in their order; `slot` fields are not looked at.
 * @throws InputError when an offset does not fit 16 bits or an immediate 32, at the byte offset of the instruction
 */
export function encode(instructions: readonly InstructionBody[]): Uint8Array {
  let slots = 0;
  for (const instruction of instructions) slots += slotsOf(instruction);
  const to = new SlotWriter(slots);
  for (const instruction of instructions) write(to, instruction);
  return to.bytes;
}

function tooFar(offset: number, what: string, value: number, bits: number): InputError {
  return new InputError(`the ${what} ${value} does not fit ${bits} bits`, {
    at: { offset },
    expected: `a number from -2^${bits - 1} to 2^${bits - 1}-1`,
  });
}
