import { assertNever } from '../base/index.ts';
import { type DecodedProgram, decode, encode, type Instruction, type Operand, targetOf } from '../isa/index.ts';
import { codeSpace, frameSize, type LinkedProgram } from './engine.ts';
import { checkProgram } from './load-check.ts';

/**
 * A program laid out for the interpreter: eight 32-bit words for each instruction in one Int32Array. Jumps hold
 * the word index of their target, immediates are extended to 64 bits, registers are indices of their low halves.
 *
 *   +0 opcode   +1 dst × 2   +2 src × 2, or -1 for the constant   +3 offset or target   +4 +5 constant   +6 slot
 *   +7 1 for a load that gives 0 where it leads nowhere (ProgramFacts.mayFault)
 *
 * The opcode is the byte of the instruction set, or one of `sentinels`. For calls +3 is the target or the index in
 * `calls`, and +2 says which kind.
 */
export interface FlatProgram {
  readonly words: Int32Array;
  /** Ids of the helpers and kernel functions that are called. */
  readonly calls: readonly { readonly target: 'helper' | 'kfunc'; readonly id: number }[];
  /** For each slot the word index of its instruction, -1 for the second half of a 64-bit immediate. */
  readonly wordOfSlot: Int32Array;
}

/** Words of an instruction. */
export const stride = 8;

/** Opcodes that no byte has: where control falls off the program, and an access below the frame. */
const sentinels = { offTheEnd: 0x100, stackOverflow: 0x101 } as const;

/** The kinds of call, in word +2. */
export const callKinds = { helper: 0, local: 1, kfunc: 2 } as const;

/** The frame pointer's register. */
const framePointer = 10;

/**
 * @param checked the program as decoded, when it has been checked already
 * @throws InputError when the bytes are no program
 */
export function flatten(program: LinkedProgram, checked?: DecodedProgram): FlatProgram {
  const decoded = checked ?? decode(program.code);
  if (!checked) checkProgram(program, decoded);
  const words = new Int32Array((decoded.instructions.length + 1) * stride);
  const calls: { target: 'helper' | 'kfunc'; id: number }[] = [];
  const mayFault = program.facts?.verified ? program.facts.mayFault : undefined;
  let at = 0;
  for (const instruction of decoded.instructions) {
    words[at] = overflowsStack(instruction) ? sentinels.stackOverflow : (program.code[instruction.slot * 8] as number);
    words[at + 6] = instruction.slot;
    if (instruction.kind === 'load') words[at + 7] = mayFault?.[instruction.slot] ?? 0;
    fill(words, at, instruction, decoded, calls);
    at += stride;
  }
  words[at] = sentinels.offTheEnd;
  words[at + 6] = decoded.slots;
  return { words, calls, wordOfSlot: decoded.indexOfSlot.map((index) => (index < 0 ? -1 : index * stride)) };
}

function fill(
  words: Int32Array,
  at: number,
  instruction: Instruction,
  decoded: DecodedProgram,
  calls: { target: 'helper' | 'kfunc'; id: number }[],
): void {
  const constant = (value: number): void => {
    words[at + 4] = value;
    words[at + 5] = value >> 31;
  };
  const source = (operand: Operand): void => {
    words[at + 2] = operand.kind === 'register' ? operand.register * 2 : -1;
    if (operand.kind === 'imm') constant(operand.imm);
  };
  const place = ({ base, offset }: { base: number; offset: number }, baseWord: 1 | 2): void => {
    words[at + baseWord] = base * 2;
    words[at + 3] = offset;
  };
  const target = (slot: number): number => decoded.indexOfSlot[slot]! * stride;

  switch (instruction.kind) {
    case 'alu':
      words[at + 1] = instruction.dst * 2;
      words[at + 3] = instruction.op === 'sdiv' || instruction.op === 'smod' ? 1 : 0;
      source(instruction.src);
      return;
    case 'neg':
    case 'callx':
      words[at + 1] = instruction.dst * 2;
      return;
    case 'movsx':
      words[at + 1] = instruction.dst * 2;
      words[at + 2] = instruction.src * 2;
      words[at + 3] = instruction.bits;
      return;
    case 'addrSpaceCast':
      words[at + 1] = instruction.dst * 2;
      words[at + 2] = instruction.src * 2;
      words[at + 3] = 1;
      return;
    case 'endian':
      words[at + 1] = instruction.dst * 2;
      words[at + 2] = -1;
      constant(instruction.bits);
      return;
    case 'load':
      words[at + 1] = instruction.dst * 2;
      place(instruction, 2);
      return;
    case 'store':
      source(instruction.src);
      place(instruction, 1);
      return;
    case 'atomic':
    case 'loadAcquire':
    case 'storeRelease':
      words.set(atomicWords(instruction), at + 1);
      return;
    case 'loadPacket':
      words[at + 2] = instruction.index === null ? -1 : instruction.index * 2;
      constant(instruction.imm);
      return;
    case 'loadImm64':
      words[at + 1] = instruction.dst * 2;
      words[at + 2] = -1;
      words[at + 4] = instruction.pseudo === 'func' ? (targetOf(instruction) as number) : instruction.imm;
      words[at + 5] = instruction.pseudo === 'func' ? codeSpace : instruction.nextImm;
      return;
    case 'jump':
      words[at + 1] = instruction.dst * 2;
      words[at + 3] = target(targetOf(instruction) as number);
      source(instruction.src);
      return;
    case 'goto':
    case 'mayGoto':
      words[at + 3] = target(targetOf(instruction) as number);
      return;
    case 'call':
      words[at + 2] = callKinds[instruction.target];
      if (instruction.target === 'local') {
        words[at + 3] = target(targetOf(instruction) as number);
      } else {
        words[at + 3] = calls.length;
        words[at + 4] = instruction.imm;
        calls.push({ target: instruction.target, id: instruction.imm });
      }
      return;
    case 'exit':
      return;
    default:
      assertNever(instruction);
  }
}

/** dst, src, offset and the immediate, as the fields of the slot have them. */
function atomicWords(instruction: Instruction & { kind: 'atomic' | 'loadAcquire' | 'storeRelease' }): number[] {
  const imm = new DataView(encode([instruction]).buffer).getInt32(4, true);
  const [dst, src] =
    instruction.kind === 'loadAcquire' ? [instruction.dst, instruction.base] : [instruction.base, instruction.src];
  return [dst * 2, src * 2, instruction.offset, imm, imm >> 31];
}

/** An access that names the frame pointer and lies below the frame. */
function overflowsStack(instruction: Instruction): boolean {
  return 'base' in instruction && instruction.base === framePointer && instruction.offset < -frameSize;
}
