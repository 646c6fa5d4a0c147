import { isJump } from './control-flow.ts';
import type { Slots } from './program.ts';

/**
 * Where control may go from each slot without going into functions: worked out once, after every jump was found to stay
 * in the program. -1 where there is no such slot.
 */
export class Successors {
  /** The slot behind, or the target of a jump that is always taken. */
  readonly next: Int32Array;
  /** Where a jump goes that may not be taken. */
  readonly jump: Int32Array;
  /** Nothing goes back: there are no loops, and from the last slot to the first each stands before those it leads to. */
  readonly isForward: boolean;

  constructor(slots: Slots) {
    const { count, opcode: opcodes, offset, imm } = slots;
    this.next = new Int32Array(count).fill(-1);
    this.jump = new Int32Array(count).fill(-1);
    let isForward = true;
    for (let slot = 0; slot < count; slot++) {
      const opcode = opcodes[slot] as number;
      const operation = isJump(opcode) ? opcode & 0xf0 : 0x80;
      if (operation === 0x90) continue;
      const always = operation === 0x00;
      const target = slot + 1 + ((opcode === 0x06 ? imm[slot] : offset[slot]) as number);
      this.next[slot] = always ? target : slot + (slots.isWide(slot) ? 2 : 1);
      if (!always && operation !== 0x80) this.jump[slot] = target;
      if (operation !== 0x80 && target <= slot) isForward = false;
    }
    this.isForward = isForward;
  }
}
