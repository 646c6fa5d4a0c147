import { assertNever, InputError } from '../base/index.ts';
import { type Instruction, immediate, type Operand, type Register, register } from './instruction.ts';
import {
  type AluOperation,
  type AtomicOperation,
  addressSpaceCast,
  aluCodes,
  aluOperations,
  atomicOperations,
  type CallTarget,
  callTargets,
  type ExtendBits,
  endianBits,
  entriesOf,
  extendBits,
  type OpcodeRow,
  opcodeTable,
  orderedAccess,
  type PseudoImmediate,
  pseudoImmediates,
} from './opcodes.ts';

/**
 * From bytes to instructions. The opcode byte finds its row in the table; the other fields choose within the row.
 * Every bit that an instruction does not use must be zero, so encoding what was decoded gives the same bytes.
 */
export interface DecodedProgram {
  readonly instructions: readonly Instruction[];
  /** 8-byte slots; at least as many as instructions, as ld_imm64 takes two. */
  readonly slots: number;
  /** For each slot the index of its instruction; -1 for the second slot of ld_imm64. */
  readonly indexOfSlot: Int32Array;
}

/**
 * Decodes 8-byte slots.
 * @throws InputError at the byte offset of what is no instruction: an unknown opcode, a register above 10, a field
 * that must be zero and is not, half an ld_imm64, bytes that are no whole slots
 */
export function decode(code: Uint8Array): DecodedProgram {
  if (code.length % 8 !== 0) {
    throw new InputError(`${code.length} bytes are no whole instructions`, {
      at: { offset: code.length - (code.length % 8) },
      expected: 'a multiple of 8 bytes',
    });
  }
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const slots = code.length / 8;
  const indexOfSlot = new Int32Array(slots).fill(-1);
  const instructions: Instruction[] = [];
  for (let slot = 0; slot < slots; slot++) {
    indexOfSlot[slot] = instructions.length;
    const instruction = new SlotReader(view, slot).instruction();
    instructions.push(instruction);
    if (instruction.kind === 'loadImm64') slot++;
  }
  return { instructions, slots, indexOfSlot };
}

const aluByCode = new Map<number, AluOperation>(
  entriesOf(aluOperations).map(([op, row]) => [row.code | (row.offset << 8), op]),
);
const atomicByImm = new Map<number, AtomicOperation>(entriesOf(atomicOperations).map(([op, row]) => [row.imm, op]));
const targetBySource = new Map<number, CallTarget>(entriesOf(callTargets).map(([target, source]) => [source, target]));
const pseudoBySource = new Map<number, PseudoImmediate>(
  entriesOf(pseudoImmediates).map(([pseudo, row]) => [row.source, pseudo]),
);

/** The fields of a slot as bits of a mask. */
const field = { dst: 1, src: 2, offset: 4, imm: 8 } as const;

/** The fields of one slot, and what they mean together. */
class SlotReader {
  readonly view: DataView;
  readonly slot: number;
  readonly at: number;
  readonly opcode: number;
  readonly dst: number;
  readonly src: number;
  readonly offset: number;
  readonly imm: number;

  constructor(view: DataView, slot: number) {
    const at = slot * 8;
    this.view = view;
    this.slot = slot;
    this.at = at;
    this.opcode = view.getUint8(at);
    this.dst = view.getUint8(at + 1) & 15;
    this.src = view.getUint8(at + 1) >>> 4;
    this.offset = view.getInt16(at + 2, true);
    this.imm = view.getInt32(at + 4, true);
  }

  instruction(): Instruction {
    const row = opcodeTable[this.opcode];
    if (!row) return this.#fault(0, `no instruction has the opcode ${hex(this.opcode)}`);
    const { slot } = this;
    switch (row.kind) {
      case 'alu':
        return this.#alu(row);
      case 'neg':
        this.#unused(field.src | field.offset | field.imm);
        return { kind: 'neg', slot, width: row.width, dst: this.#dst };
      case 'endian': {
        this.#unused(field.src | field.offset);
        const bits = endianBits.find((width) => width === this.imm);
        if (bits === undefined) return this.#fault(4, `a byte swap of ${this.imm} bits`, '16, 32 or 64');
        return { kind: 'endian', slot, op: row.op, bits, dst: this.#dst };
      }
      case 'load': {
        this.#unused(field.imm);
        const { size, signed } = row;
        return { kind: 'load', slot, size, signed, dst: this.#dst, base: this.#src, offset: this.offset };
      }
      case 'store': {
        this.#unused(row.register ? field.imm : field.src);
        return {
          kind: 'store',
          slot,
          size: row.size,
          src: this.#operand(row.register),
          base: this.#dst,
          offset: this.offset,
        };
      }
      case 'atomic':
        return this.#atomic(row);
      case 'loadPacket': {
        this.#unused(field.dst | field.offset);
        if (!row.register) this.#unused(field.src);
        const index = row.register ? this.#src : null;
        return { kind: 'loadPacket', slot, size: row.size, index, imm: this.imm };
      }
      case 'loadImm64':
        return this.#loadImm64();
      case 'jump': {
        this.#unused(row.register ? field.imm : field.src);
        const { op, width } = row;
        const src = this.#operand(row.register);
        return { kind: 'jump', slot, op, width, dst: this.#dst, src, offset: this.offset };
      }
      case 'goto':
        this.#unused(field.dst | field.src | field.imm);
        return { kind: 'goto', slot, long: false, offset: this.offset };
      case 'gotol':
        this.#unused(field.dst | field.src | field.offset);
        return { kind: 'goto', slot, long: true, offset: this.imm };
      case 'mayGoto':
        this.#unused(field.dst | field.src | field.imm);
        return { kind: 'mayGoto', slot, offset: this.offset };
      case 'call': {
        const target = targetBySource.get(this.src);
        if (target === undefined) return this.#fault(1, `no call has the source field ${this.src}`, '0, 1 or 2');
        this.#unused(field.dst);
        if (target !== 'kfunc') this.#unused(field.offset);
        return { kind: 'call', slot, target, imm: this.imm, offset: this.offset };
      }
      case 'callx':
        this.#unused(field.src | field.offset | field.imm);
        return { kind: 'callx', slot, dst: this.#dst };
      case 'exit':
        this.#unused(field.dst | field.src | field.offset | field.imm);
        return { kind: 'exit', slot };
      default:
        return assertNever(row);
    }
  }

  #alu(row: OpcodeRow & { kind: 'alu' }): Instruction {
    const { slot, offset } = this;
    const { width } = row;
    const dst = this.#dst;
    if (row.code === aluCodes.mov && row.register && offset !== 0) {
      const src = this.#src;
      if (offset === addressSpaceCast && width === 64) return { kind: 'addrSpaceCast', slot, dst, src, imm: this.imm };
      const widths: readonly ExtendBits[] = width === 64 ? extendBits.alu64 : extendBits.alu32;
      const bits = widths.find((candidate) => candidate === offset);
      if (bits === undefined) return this.#fault(2, `a move with the offset ${offset}`, `0, ${widths.join(', ')}`);
      this.#unused(field.imm);
      return { kind: 'movsx', slot, width, bits, dst, src };
    }
    this.#unused(row.register ? field.imm : field.src);
    const op = offset === 0 || offset === 1 ? aluByCode.get(row.code | (offset << 8)) : undefined;
    if (op === undefined) return this.#fault(2, `this operation cannot have the offset ${offset}`);
    return { kind: 'alu', slot, op, width, dst, src: this.#operand(row.register) };
  }

  #atomic(row: OpcodeRow & { kind: 'atomic' }): Instruction {
    const { slot, imm } = this;
    const { size } = row;
    if (imm === orderedAccess.loadAcquire) {
      return { kind: 'loadAcquire', slot, size, dst: this.#dst, base: this.#src, offset: this.offset };
    }
    if (imm === orderedAccess.storeRelease) {
      return { kind: 'storeRelease', slot, size, src: this.#src, base: this.#dst, offset: this.offset };
    }
    const op = atomicByImm.get(imm);
    if (op === undefined) return this.#fault(4, `no atomic operation has the immediate ${hex(imm >>> 0)}`);
    if (size < 4) return this.#fault(0, `an atomic operation on ${size === 1 ? '1 byte' : '2 bytes'}`, '4 or 8 bytes');
    return { kind: 'atomic', slot, op, size, src: this.#src, base: this.#dst, offset: this.offset };
  }

  #loadImm64(): Instruction {
    const { slot, view, at, imm } = this;
    this.#unused(field.offset);
    const pseudo = pseudoBySource.get(this.src);
    if (pseudo === undefined) return this.#fault(1, `no 64-bit immediate has the source field ${this.src}`, '0 to 6');
    if (at + 16 > view.byteLength) return this.#fault(0, 'the second half of this 64-bit immediate is missing');
    if (view.getUint32(at + 8, true) !== 0) {
      return this.#fault(8, 'the second half of a 64-bit immediate holds more than an immediate');
    }
    const nextImm = view.getInt32(at + 12, true);
    if (pseudoImmediates[pseudo].second === 'zero' && nextImm !== 0) {
      return this.#fault(12, `the second immediate of this form must be 0, not ${nextImm}`);
    }
    return { kind: 'loadImm64', slot, pseudo, dst: this.#dst, imm, nextImm };
  }

  #operand(fromRegister: boolean): Operand {
    return fromRegister ? register(this.#src) : immediate(this.imm);
  }

  get #dst(): Register {
    return this.dst <= 10 ? (this.dst as Register) : this.#noRegister(this.dst);
  }

  get #src(): Register {
    return this.src <= 10 ? (this.src as Register) : this.#noRegister(this.src);
  }

  #noRegister(number: number): never {
    return this.#fault(1, `there is no register r${number}`, 'r0 to r10');
  }

  /** Refuses an instruction that has anything in fields that it does not use. */
  #unused(fields: number): void {
    if ((fields & field.dst) !== 0 && this.dst !== 0) this.#used('dst', 1, this.dst);
    if ((fields & field.src) !== 0 && this.src !== 0) this.#used('src', 1, this.src);
    if ((fields & field.offset) !== 0 && this.offset !== 0) this.#used('offset', 2, this.offset);
    if ((fields & field.imm) !== 0 && this.imm !== 0) this.#used('imm', 4, this.imm);
  }

  #used(name: keyof typeof field, within: number, value: number): never {
    const opcode = hex(this.opcode);
    return this.#fault(within, `opcode ${opcode} does not use its ${name} field, which holds ${value}`, '0');
  }

  #fault(within: number, message: string, expected?: string): never {
    const at = { offset: this.at + within };
    throw new InputError(`instruction ${this.slot}: ${message}`, expected === undefined ? { at } : { at, expected });
  }
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`;
}
