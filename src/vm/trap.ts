import { assertNever, hex64, u64 } from '../base/index.ts';
import { frameSize, maxCallFrames, type TrapKind } from './engine.ts';

/** What a trap's message tells besides its kind. */
export interface TrapDetails {
  /** The address of a bad access; of a bad call the id, in the low half. */
  readonly high: number;
  readonly low: number;
  /** Bytes of a bad access. */
  readonly size: number;
  readonly budget: number | undefined;
  /** First byte of the instruction. */
  readonly opcode: number | undefined;
}

/** One line for people. */
export function trapMessage(kind: TrapKind, { high, low, size, budget, opcode }: TrapDetails): string {
  const access = `${size} ${size === 1 ? 'byte' : 'bytes'} at ${hex64(u64(high, low))}`;
  switch (kind) {
    case 'unmapped-address':
      return `access to ${access}, which is not mapped`;
    case 'read-only-address':
      return `write to ${access}, which is read-only`;
    case 'stack-overflow':
      return `access below the ${frameSize} bytes of its stack frame`;
    case 'call-depth':
      return `more than ${maxCallFrames} call frames`;
    case 'budget-exhausted':
      return `more than ${budget} instructions`;
    case 'bad-instruction':
      return badInstruction(opcode);
    case 'unknown-helper':
      return `call of helper ${low}, which this kernel does not have`;
    case 'off-the-end':
      return 'control ran off the end of the program';
    default:
      return assertNever(kind);
  }
}

/** Why an instruction of the set cannot run: what it works on is not there. */
function badInstruction(opcode: number | undefined): string {
  switch (opcode) {
    case 0xbf:
      return 'addr_space_cast needs an arena map, and the program has none';
    case 0x85:
    case 0x8d:
      return 'call of a place where no function of the program begins';
    default:
      return 'access to a packet by LD_ABS or LD_IND, and this program is given none';
  }
}
