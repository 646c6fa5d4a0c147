import type { DecodedProgram, Instruction } from '../../isa/index.ts';
import { targetOf } from '../../isa/index.ts';

/**
 * The basic blocks of one function of a program: what its entry reaches by jumps, cut where jumps leave and land. A
 * place that is no instruction (outside, the second slot of ld_imm64, past the end) becomes a block without
 * instructions that traps.
 */
export interface Block {
  /** Index of the first instruction; the slot where it is none. */
  readonly first: number;
  /** Instructions, the terminator included. */
  readonly count: number;
  readonly end: BlockEnd;
}

export type BlockEnd =
  | { readonly kind: 'exit' }
  | { readonly kind: 'goto'; readonly next: number }
  /** A jump or may_goto: the last instruction decides. */
  | { readonly kind: 'branch'; readonly taken: number; readonly next: number }
  /** Control left the program: a trap at the slot. */
  | { readonly kind: 'off'; readonly slot: number };

export interface FunctionBlocks {
  readonly entrySlot: number;
  /** Blocks in order of their slots; the entry first. */
  readonly blocks: readonly Block[];
}

const ends = new Set<Instruction['kind']>(['exit', 'goto', 'jump', 'mayGoto']);

/** @param splitCalls a block also ends behind each call, so that a block once entered is done or traps */
export function functionBlocks(program: DecodedProgram, entrySlot: number, splitCalls: boolean): FunctionBlocks {
  const { instructions, indexOfSlot } = program;
  const indexAt = (slot: number): number => (slot >= 0 && slot < program.slots ? (indexOfSlot[slot] as number) : -1);
  const leaders = findLeaders(program, entrySlot, indexAt, splitCalls);
  const slots = [entrySlot, ...[...leaders].filter((slot) => slot !== entrySlot).sort((a, b) => a - b)];
  const blockOf = new Map(slots.map((slot, block) => [slot, block] as const));
  const blockAt = (slot: number): number => blockOf.get(slot) as number;

  const blocks = slots.map((slot): Block => {
    const first = indexAt(slot);
    if (first < 0) return { first: slot, count: 0, end: { kind: 'off', slot } };
    for (let index = first; ; index++) {
      const instruction = instructions[index] as Instruction;
      const after = instruction.slot + (instruction.kind === 'loadImm64' ? 2 : 1);
      const count = index - first + 1;
      switch (instruction.kind) {
        case 'exit':
          return { first, count, end: { kind: 'exit' } };
        case 'goto':
          return { first, count, end: { kind: 'goto', next: blockAt(targetOf(instruction) as number) } };
        case 'jump':
        case 'mayGoto': {
          const taken = blockAt(targetOf(instruction) as number);
          return { first, count, end: { kind: 'branch', taken, next: blockAt(after) } };
        }
        default:
          if (leaders.has(after)) return { first, count, end: { kind: 'goto', next: blockAt(after) } };
      }
    }
  });
  return { entrySlot, blocks };
}

/** Slots where a block begins: the entry, where jumps land, what follows a jump, and where the program is left. */
function findLeaders(
  program: DecodedProgram,
  entrySlot: number,
  indexAt: (slot: number) => number,
  splitCalls: boolean,
): Set<number> {
  const leaders = new Set([entrySlot]);
  const seen = new Uint8Array(program.instructions.length);
  const work = [entrySlot];
  while (work.length > 0) {
    let slot = work.pop() as number;
    for (;;) {
      const index = indexAt(slot);
      if (index < 0) {
        leaders.add(slot);
        break;
      }
      if (seen[index] === 1) break;
      seen[index] = 1;
      const instruction = program.instructions[index] as Instruction;
      slot += instruction.kind === 'loadImm64' ? 2 : 1;
      if (splitCalls && (instruction.kind === 'call' || instruction.kind === 'callx')) leaders.add(slot);
      if (!ends.has(instruction.kind)) continue;
      const target = targetOf(instruction);
      if (target !== undefined) {
        leaders.add(target);
        work.push(target);
      }
      if (instruction.kind === 'exit' || instruction.kind === 'goto') break;
      leaders.add(slot);
    }
  }
  return leaders;
}
