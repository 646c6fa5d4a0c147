import { type DecodedProgram, type Instruction, slotsOf, targetOf } from '../../isa/index.ts';

/**
 * The basic blocks of one function of a program: what its entry reaches by jumps, cut where jumps leave and land.
 * Running past the last instruction is a block without instructions that traps.
 */
export interface Block {
  /** Index of the first instruction. */
  readonly first: number;
  /** Instructions, the one that ends it included; 0 where control has left the program. */
  readonly count: number;
  readonly end: BlockEnd;
}

export type BlockEnd =
  | { readonly kind: 'exit' }
  | { readonly kind: 'goto'; readonly next: number }
  /** A jump or may_goto: the last instruction decides. */
  | { readonly kind: 'branch'; readonly taken: number; readonly next: number }
  /** Control left the program: a trap at the slot. */
  | { readonly kind: 'off'; readonly slot: number }
  /** Goes on in another chunk of the function, at that entry. */
  | { readonly kind: 'leave'; readonly label: number }
  /** Where a chunk is entered: at one of several blocks, by the label that it is given. */
  | { readonly kind: 'switch'; readonly to: readonly number[] };

/** A straight line of more instructions is cut, so that no block is larger than what one chunk may hold. */
const longest = 1024;

/** The places where a function's blocks are kept while they are found, shared by all functions of a program. */
export class BlockFinder {
  readonly #program: DecodedProgram;
  readonly #splitCalls: boolean;
  /** The function that last saw an instruction, and that last found a leader at a slot: functions count from 1. */
  readonly #seen: Int32Array;
  readonly #leads: Int32Array;
  readonly #blockOf: Int32Array;
  #turn = 0;

  /** @param splitCalls a block also ends behind each call, so that a block once entered is done or traps */
  constructor(program: DecodedProgram, splitCalls: boolean) {
    this.#program = program;
    this.#splitCalls = splitCalls;
    this.#seen = new Int32Array(program.instructions.length);
    this.#leads = new Int32Array(program.slots + 1);
    this.#blockOf = new Int32Array(program.slots + 1);
  }

  /** The blocks of the function at a slot, the entry first, the others in order of their slots. */
  blocks(entrySlot: number): Block[] {
    const leaders = this.#findLeaders(entrySlot).sort((a, b) => a - b);
    const slots = [entrySlot, ...leaders.filter((slot) => slot !== entrySlot)];
    slots.forEach((slot, block) => {
      this.#blockOf[slot] = block;
    });
    return slots.map((slot) => this.#block(slot));
  }

  #block(slot: number): Block {
    const { instructions, indexOfSlot, slots } = this.#program;
    if (slot >= slots) return { first: instructions.length, count: 0, end: { kind: 'off', slot } };
    const first = indexOfSlot[slot] as number;
    for (let index = first; ; index++) {
      const instruction = instructions[index] as Instruction;
      const after = instruction.slot + slotsOf(instruction);
      const count = index - first + 1;
      switch (instruction.kind) {
        case 'exit':
          return { first, count, end: { kind: 'exit' } };
        case 'goto':
          return { first, count, end: { kind: 'goto', next: this.#blockAt(targetOf(instruction) as number) } };
        case 'jump':
        case 'mayGoto': {
          const taken = this.#blockAt(targetOf(instruction) as number);
          const next = this.#blockAt(after);
          return { first, count, end: { kind: 'branch', taken, next } };
        }
        default:
          if (this.#leads[after] === this.#turn)
            return { first, count, end: { kind: 'goto', next: this.#blockAt(after) } };
      }
    }
  }

  #blockAt(slot: number): number {
    return this.#blockOf[slot] as number;
  }

  /** Slots where a block begins: the entry, where jumps land, what follows a jump, and where the program is left. */
  #findLeaders(entrySlot: number): number[] {
    const { instructions, indexOfSlot, slots } = this.#program;
    const turn = ++this.#turn;
    const found: number[] = [];
    const lead = (slot: number): void => {
      if (this.#leads[slot] === turn) return;
      this.#leads[slot] = turn;
      found.push(slot);
    };
    lead(entrySlot);
    const work = [entrySlot];
    for (let slot = work.pop(); slot !== undefined; slot = work.pop()) {
      for (let length = 1; ; length++) {
        if (slot >= slots) {
          lead(slot);
          break;
        }
        const index: number = indexOfSlot[slot] as number;
        if (this.#seen[index] === turn) break;
        this.#seen[index] = turn;
        const instruction = instructions[index] as Instruction;
        slot += slotsOf(instruction);
        if (length % longest === 0 || (this.#splitCalls && endsCountedBlock(instruction))) lead(slot);
        if (!endsBlock(instruction)) continue;
        const target = targetOf(instruction);
        if (target !== undefined) {
          lead(target);
          work.push(target);
        }
        if (instruction.kind === 'exit' || instruction.kind === 'goto') break;
        lead(slot);
      }
    }
    return found;
  }
}

function endsBlock({ kind }: Instruction): boolean {
  return kind === 'exit' || kind === 'goto' || kind === 'jump' || kind === 'mayGoto';
}

/** What may leave the function in the middle of a block. */
function endsCountedBlock({ kind }: Instruction): boolean {
  return kind === 'call' || kind === 'callx' || kind === 'loadPacket';
}

/** The blocks that may come next. */
export function successorsOf(end: BlockEnd): readonly number[] {
  switch (end.kind) {
    case 'goto':
      return [end.next];
    case 'branch':
      return end.taken === end.next ? [end.next] : [end.next, end.taken];
    case 'switch':
      return end.to;
    default:
      return [];
  }
}
