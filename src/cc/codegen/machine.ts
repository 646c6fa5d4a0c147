import type { InstructionBody, JumpOperation, Register } from '../../isa/index.ts';
import type { Token } from '../preprocess/token.ts';

/**
 * BPF instructions before registers are given out. Registers are numbers: 0 to 9 are BPF's own, 10 the frame pointer,
 * from 11 on virtual ones. An instruction that changes its operand has it as result and as first operand.
 */
export const firstVirtual = 11;
export const framePointer = 10;

export class Machine {
  /** -1: none */
  def: number;
  uses: number[];
  readonly make: (def: Register, uses: readonly Register[]) => InstructionBody | readonly InstructionBody[];
  readonly at: Token;
  /** A plain copy: gone when both ends get one register. */
  move = false;
  /** A call: r0 to r5 are lost. */
  call = false;
  /** The result is the first operand, changed. */
  tied = false;
  /** The result is written before the operands are read: it shares no register with them. */
  early = false;
  /** The map or the place in the data whose address this loads. */
  relocation: { readonly map: string; readonly offset: number | undefined } | undefined;
  /** The function that this calls. */
  callee: string | undefined;

  constructor(def: number, uses: number[], at: Token, make: Machine['make']) {
    this.def = def;
    this.uses = uses;
    this.at = at;
    this.make = make;
  }
}

export interface MachineBlock {
  /** Its number among the function's blocks. */
  readonly place: number;
  code: Machine[];
  end: MachineEnd;
  readonly loops: number;
}

export type MachineEnd =
  | { readonly kind: 'goto'; to: MachineBlock }
  | {
      readonly kind: 'branch';
      readonly condition: JumpOperation;
      readonly width: 32 | 64;
      left: number;
      /** A register, or an immediate. */
      right: { register: number } | { readonly imm: number };
      yes: MachineBlock;
      no: MachineBlock;
      readonly at: Token;
    }
  /** r0 holds what is returned. */
  | { readonly kind: 'exit'; readonly at: Token };

export interface MachineFunction {
  readonly name: string;
  blocks: MachineBlock[];
  /** How many registers there are, virtual ones included. */
  registers: number;
  /** Bytes of the stack frame so far. */
  frame: number;
}
