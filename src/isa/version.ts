import type { InstructionBody } from './instruction.ts';
import type { AtomicOperation, JumpOperation } from './opcodes.ts';

/**
 * Which version of the instruction set brought an instruction, as the `-mcpu` of clang and the groups of RFC 9669
 * count them. `linux` is what only the kernel defines.
 */
export type IsaVersion = 1 | 2 | 3 | 4 | 'linux';

/** Jumps that test for less: the first set had only greater. */
const secondJumps: ReadonlySet<JumpOperation> = new Set(['lt', 'le', 'slt', 'sle']);
/** The one atomic operation of the first set, as `lock xadd`. */
const firstAtomic: AtomicOperation = 'add';

export function isaVersion(instruction: InstructionBody): IsaVersion {
  switch (instruction.kind) {
    case 'alu':
      return instruction.op === 'sdiv' || instruction.op === 'smod' ? 4 : 1;
    case 'movsx':
      return 4;
    case 'endian':
      return instruction.op === 'bswap' ? 4 : 1;
    case 'load':
      return instruction.signed ? 4 : 1;
    case 'atomic':
      return instruction.op === firstAtomic ? 1 : 3;
    case 'jump':
      if (instruction.width === 32) return 3;
      return secondJumps.has(instruction.op) ? 2 : 1;
    case 'goto':
      return instruction.long ? 4 : 1;
    case 'call':
      if (instruction.target === 'kfunc') return 'linux';
      return instruction.target === 'local' ? 3 : 1;
    case 'mayGoto':
    case 'addrSpaceCast':
    case 'loadAcquire':
    case 'storeRelease':
      return 'linux';
    default:
      return 1;
  }
}
