import { InputError } from '../base/index.ts';
import { type DecodedProgram, type Instruction, targetOf } from '../isa/index.ts';
import type { LinkedProgram } from './engine.ts';

/** The frame pointer's register. */
const framePointer = 10;

/**
 * What every engine refuses to load: a jump or call that lands outside the program or in the middle of a 64-bit
 * immediate, and a write to r10.
 * @throws InputError at the byte offset of the instruction
 */
export function checkProgram(program: LinkedProgram, decoded: DecodedProgram): void {
  for (const instruction of decoded.instructions) checkInstruction(program, decoded, instruction);
}

function checkInstruction(program: LinkedProgram, decoded: DecodedProgram, instruction: Instruction): void {
  const target = targetOf(instruction);
  if (target !== undefined && !(decoded.indexOfSlot[target]! >= 0)) {
    const what = target >= 0 && target < decoded.slots ? 'the middle of a 64-bit immediate' : 'a place outside it';
    throw fault(
      program,
      instruction,
      `it goes to slot ${target}, ${what}`,
      `the first slot of an instruction, 0 to ${decoded.slots - 1}`,
    );
  }
  if (writtenBy(instruction) === framePointer)
    throw fault(program, instruction, 'it writes r10, the frame pointer', 'r0 to r9');
}

function fault({ name }: LinkedProgram, { slot }: Instruction, message: string, expected: string): InputError {
  return new InputError(`${name}: instruction ${slot}: ${message}`, { at: { offset: slot * 8 }, expected });
}

/** The register that an instruction writes by itself, or undefined. */
function writtenBy(instruction: Instruction): number | undefined {
  switch (instruction.kind) {
    case 'alu':
    case 'neg':
    case 'movsx':
    case 'addrSpaceCast':
    case 'endian':
    case 'load':
    case 'loadAcquire':
    case 'loadImm64':
      return instruction.dst;
    case 'atomic':
      return instruction.op.startsWith('fetch') || instruction.op === 'xchg' ? instruction.src : undefined;
    default:
      return undefined;
  }
}
