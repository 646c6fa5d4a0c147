import { shiftBy } from './arithmetic.ts';
import type { Place } from './history.ts';
import type { Register } from './register.ts';
import type { Scalar } from './scalar.ts';
import { isSpill, StackSlot, type State } from './state.ts';

/**
 * Numbers that are copies of each other, or a constant apart: what a comparison teaches of one is true of all
 * (kernel/bpf/verifier.c: collect_linked_regs, sync_linked_regs).
 */
const most = 6;

export class Linked {
  readonly places: Place[] = [];

  /** Finds all that have an id and are still read; those for which there is no room lose theirs. */
  collect(state: State, id: number, live: Uint16Array): void {
    for (let number = state.depth; number >= 0; number--) {
      const frame = state.frames[number] as State['frame'];
      const read = live[state.slotOf(number)] as number;
      for (let index = 0; index < 10; index++) {
        if (((read >>> index) & 1) === 0) continue;
        const register = frame.register(index);
        if (!register.isScalar || register.id !== id) continue;
        if (!this.#add({ frame: number, isRegister: true, index })) frame.registers[index] = unlinked(register);
      }
      for (const [index, slot] of frame.slots.entries()) {
        if (!isSpill(slot) || !slot.register.isScalar || slot.register.id !== id) continue;
        if (!this.#add({ frame: number, isRegister: false, index }))
          frame.slots[index] = new StackSlot(slot.types, unlinked(slot.register));
      }
    }
  }

  #add(place: Place): boolean {
    if (this.places.length >= most) return false;
    this.places.push(place);
    return true;
  }
}

function unlinked(register: Register): Register {
  const plain = register.draft();
  plain.id = 0;
  plain.added = 0;
  plain.offset = 0;
  return plain;
}

/** What a comparison of two numbers teaches, for each of its two ways. */
export class Lesson {
  readonly #left: Register;
  readonly #right: Register;
  readonly #dst: number;
  /** -1 for an immediate. */
  readonly #src: number;
  readonly #linked: readonly Place[];

  constructor(dst: number, left: Register, src: number, right: Register, linked: readonly Place[]) {
    this.#dst = dst;
    this.#left = left;
    this.#src = src;
    this.#right = right;
    this.#linked = linked;
  }

  /** `narrow` changes drafts of both sides to what is true on the way that a state takes. */
  give(state: State, narrow: (a: Scalar, b: Scalar) => void): void {
    const a = this.#left.scalar.draft();
    const isSame = this.#src === this.#dst;
    const b = isSame ? a : this.#right.scalar.draft();
    narrow(a, b);
    const left = this.#learnt(state, this.#dst, a);
    const right = this.#src >= 0 && !isSame ? this.#learnt(state, this.#src, b) : undefined;
    if (right && right.id !== 0) this.#spread(state, right);
    // What the first told the second may have been changed by it.
    const first = state.frame.register(this.#dst);
    if (left.id !== 0 && first.isScalar) this.#spread(state, first);
  }

  #learnt(state: State, number: number, scalar: Scalar): Register {
    const before = state.frame.register(number);
    const learnt = before.draft();
    if (!scalar.isEmpty) learnt.scalar = scalar;
    state.frame.registers[number] = learnt;
    return learnt;
  }

  #spread(state: State, known: Register): void {
    for (const { frame: number, isRegister, index } of this.#linked) {
      const frame = state.frames[number] as State['frame'];
      const register = isRegister ? frame.register(index) : frame.slot(index).register;
      if (register === known || !register.isScalar || register.id !== known.id) continue;
      // A distance in 32 bits says nothing of one in 64.
      if (register.added !== 0 && known.added !== 0 && register.added !== known.added) continue;
      const copy = follow(register, known);
      if (isRegister) frame.registers[index] = copy;
      else frame.slots[index] = new StackSlot(frame.slot(index).types, copy);
    }
  }
}

/** What is known of a number that is `register.offset - known.offset` away from another. */
function follow(register: Register, known: Register): Register {
  if ((register.added === 0 && known.added === 0) || register.offset === known.offset) return known;
  const copy = known.draft();
  copy.offset = register.offset;
  copy.added = register.added;
  const shifted = shiftBy(known.scalar, register.offset - known.offset);
  copy.scalar = register.added === 32 || known.added === 32 ? shifted.zeroExtend() : shifted.settle();
  return copy;
}
