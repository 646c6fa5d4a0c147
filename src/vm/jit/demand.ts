import type { Instruction, Operand } from '../../isa/index.ts';
import { definedBy } from './values.ts';

/**
 * What the rest of the program wants of the registers: which are read before they are written (live), and of which
 * more than the low 32 bits matter (wide). A backward data flow; masks have a bit for each of r0–r9.
 */
export class Demand {
  live = 0;
  wide = 0;
  readonly #verified: boolean;
  readonly #mayFault: Uint8Array | undefined;

  /** @param mayFault as ProgramFacts has it: the whole of such a load's pointer is looked at */
  constructor(verified: boolean, mayFault?: Uint8Array) {
    this.#verified = verified;
    this.#mayFault = mayFault;
  }

  /** Goes over an instruction against the flow. */
  before(instruction: Instruction): void {
    const defined = definedBy(instruction);
    const bit = defined < 0 ? 0 : 1 << defined;
    const isLive = (this.live & bit) !== 0;
    const isWide = (this.wide & bit) !== 0;
    if (bit !== 0 && !isLive && this.isPure(instruction)) return;
    this.live &= ~bit;
    this.wide &= ~bit;
    this.#reads(instruction, isWide);
  }

  /** Whether an instruction does nothing but define a register. In a program that was not verified a load may trap. */
  isPure(instruction: Instruction): boolean {
    switch (instruction.kind) {
      case 'alu':
      case 'neg':
      case 'movsx':
      case 'endian':
      case 'loadImm64':
        return true;
      case 'load':
        return this.#verified;
      default:
        return false;
    }
  }

  #reads(instruction: Instruction, isWide: boolean): void {
    switch (instruction.kind) {
      case 'alu':
        this.#alu(instruction, isWide);
        return;
      case 'neg':
        this.#read(instruction.dst, isWide && instruction.width === 64);
        return;
      case 'movsx':
        this.#read(instruction.src, false);
        return;
      case 'endian':
        this.#read(instruction.dst, instruction.bits === 64 && (isWide || instruction.op !== 'le'));
        return;
      case 'load':
      case 'loadAcquire':
        this.#read(instruction.base, !this.#verified || this.#mayFault?.[instruction.slot] === 1);
        return;
      case 'store':
        this.#read(instruction.base, !this.#verified);
        this.#operand(instruction.src, instruction.size === 8);
        return;
      case 'storeRelease':
      case 'atomic':
        this.#read(instruction.base, !this.#verified);
        this.#read(instruction.src, instruction.size === 8);
        if (instruction.kind === 'atomic' && instruction.op === 'cmpxchg') this.#read(0, instruction.size === 8);
        return;
      case 'loadPacket':
        this.#read(6, false);
        if (instruction.index !== null) this.#read(instruction.index, false);
        return;
      case 'jump':
        this.#read(instruction.dst, instruction.width === 64);
        this.#operand(instruction.src, instruction.width === 64);
        return;
      case 'call':
      case 'callx':
        for (let argument = 1; argument <= 5; argument++) this.#read(argument, true);
        if (instruction.kind === 'callx') this.#read(instruction.dst, true);
        return;
      case 'exit':
        this.#read(0, true);
        return;
      default:
        return;
    }
  }

  #alu({ op, width, dst, src }: Extract<Instruction, { kind: 'alu' }>, isWide: boolean): void {
    const wide = width === 64;
    switch (op) {
      case 'mov':
        this.#operand(src, wide && isWide);
        return;
      case 'lsh':
        this.#read(dst, wide && isWide);
        this.#operand(src, false);
        return;
      case 'rsh':
      case 'arsh':
        this.#read(dst, wide);
        this.#operand(src, false);
        return;
      case 'div':
      case 'sdiv':
      case 'mod':
      case 'smod':
        this.#read(dst, wide);
        this.#operand(src, wide);
        return;
      case 'and':
        this.#read(dst, wide && isWide && !(src.kind === 'imm' && src.imm >= 0));
        this.#operand(src, wide && isWide);
        return;
      default:
        this.#read(dst, wide && isWide);
        this.#operand(src, wide && isWide);
    }
  }

  #operand(operand: Operand, wide: boolean): void {
    if (operand.kind === 'register') this.#read(operand.register, wide);
  }

  #read(register: number, wide: boolean): void {
    if (register === 10) return;
    this.live |= 1 << register;
    if (wide) this.wide |= 1 << register;
  }
}
