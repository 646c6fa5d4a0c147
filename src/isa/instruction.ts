import type {
  AluOperation,
  AtomicOperation,
  CallTarget,
  EndianBits,
  EndianOperation,
  ExtendBits,
  JumpOperation,
  PseudoImmediate,
  Size,
} from './opcodes.ts';

/**
 * An instruction as a discriminated union: one variant for each shape, its operation and widths as fields. Immediates
 * and offsets are signed as in the bytes; jump distances count slots from the next instruction.
 */
export type Instruction = { readonly slot: number } & InstructionBody;

export type InstructionBody =
  /** `dst op= src`, 32-bit results zero-extended; `mov` is an operation like the others. */
  | {
      readonly kind: 'alu';
      readonly op: AluOperation;
      readonly width: Width;
      readonly dst: Register;
      readonly src: Operand;
    }
  | { readonly kind: 'neg'; readonly width: Width; readonly dst: Register }
  /** Move with sign extension of the low `bits`. */
  | {
      readonly kind: 'movsx';
      readonly width: Width;
      readonly bits: ExtendBits;
      readonly dst: Register;
      readonly src: Register;
    }
  /** `imm` holds the target address space in its high half, the source's in its low half. */
  | { readonly kind: 'addrSpaceCast'; readonly dst: Register; readonly src: Register; readonly imm: number }
  | { readonly kind: 'endian'; readonly op: EndianOperation; readonly bits: EndianBits; readonly dst: Register }
  | ({ readonly kind: 'load'; readonly signed: boolean; readonly dst: Register } & Place)
  | ({ readonly kind: 'store'; readonly src: Operand } & Place)
  | ({ readonly kind: 'atomic'; readonly op: AtomicOperation; readonly src: Register } & Place)
  | ({ readonly kind: 'loadAcquire'; readonly dst: Register } & Place)
  | ({ readonly kind: 'storeRelease'; readonly src: Register } & Place)
  /** Classic packet access: r0 = packet[imm], or packet[index + imm]; always network byte order. */
  | { readonly kind: 'loadPacket'; readonly size: 1 | 2 | 4; readonly index: Register | null; readonly imm: number }
  /** Two slots. `imm` and `nextImm` are the two immediates; for a plain value the low and the high half. */
  | {
      readonly kind: 'loadImm64';
      readonly pseudo: PseudoImmediate;
      readonly dst: Register;
      readonly imm: number;
      readonly nextImm: number;
    }
  | {
      readonly kind: 'jump';
      readonly op: JumpOperation;
      readonly width: Width;
      readonly dst: Register;
      readonly src: Operand;
      readonly offset: number;
    }
  /** `long` is gotol: 32 bits of distance. */
  | { readonly kind: 'goto'; readonly long: boolean; readonly offset: number }
  | { readonly kind: 'mayGoto'; readonly offset: number }
  /**
   * `imm` is a helper's id, the distance to a function of the program, or the BTF id of a kernel function, whose
   * `offset` is an index into the load's fd array (0 for the kernel itself).
   */
  | { readonly kind: 'call'; readonly target: CallTarget; readonly imm: number; readonly offset: number }
  | { readonly kind: 'callx'; readonly dst: Register }
  | { readonly kind: 'exit' };

export type Width = 32 | 64;

/** 0–10; 10 is the read-only frame pointer. */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

export type Operand =
  | { readonly kind: 'register'; readonly register: Register }
  /** s32, sign-extended where the operation is 64 bits wide. */
  | { readonly kind: 'imm'; readonly imm: number };

/** `size` bytes at `base + offset`. */
export interface Place {
  readonly size: Size;
  readonly base: Register;
  readonly offset: number;
}

export function register(number: Register): Operand {
  return { kind: 'register', register: number };
}

export function immediate(imm: number): Operand {
  return { kind: 'imm', imm };
}

/** Slots that an instruction takes. */
export function slotsOf(instruction: InstructionBody): 1 | 2 {
  return instruction.kind === 'loadImm64' ? 2 : 1;
}

/** The slot that a jump or a call within the program goes to, or undefined for anything else. */
export function targetOf(instruction: Instruction): number | undefined {
  switch (instruction.kind) {
    case 'jump':
    case 'goto':
    case 'mayGoto':
      return instruction.slot + 1 + instruction.offset;
    case 'call':
      return instruction.target === 'local' ? instruction.slot + 1 + instruction.imm : undefined;
    case 'loadImm64':
      return instruction.pseudo === 'func' ? instruction.slot + 1 + instruction.imm : undefined;
    default:
      return undefined;
  }
}
