import type { DecodedProgram } from './decode.ts';
import { type Instruction, slotsOf, targetOf } from './instruction.ts';
import { functionSlots, isInstruction } from './labels.ts';

/**
 * The control-flow graph of a program: blocks of instructions that run one after the other, and the ways between
 * them. A function reaches from its first instruction to the next one's, as the kernel cuts subprograms
 * (kernel/bpf/verifier.c: add_subprog). A program need not be a good one: where control leaves it, the graph says so.
 */
export interface ControlFlow {
  readonly blocks: readonly Block[];
  readonly functions: readonly FlowFunction[];
}

export interface Block {
  /** Slot of its first instruction. */
  readonly slot: number;
  readonly instructions: readonly Instruction[];
  readonly edges: readonly Edge[];
  /** Index in `functions`. */
  readonly function: number;
  /** Whether control can get there from the program's first instruction, by jumps, calls and callbacks. */
  readonly reachable: boolean;
}

export interface Edge {
  readonly kind: 'taken' | 'fall-through';
  /** The slot that it goes to; it may be none of the program's, or the middle of a 64-bit immediate. */
  readonly slot: number;
  /** Index of the block that begins there, or -1 where no instruction does. */
  readonly block: number;
}

export interface FlowFunction {
  readonly slot: number;
  /** Slot behind its last instruction. */
  readonly end: number;
}

export function controlFlow(program: DecodedProgram): ControlFlow {
  const entries = functionSlots(program);
  const functions = entries.map((slot, index) => ({ slot, end: entries[index + 1] ?? program.slots }));
  const pieces = cut(program, leaders(program, entries));
  const blockAt = new Map(pieces.map((piece, index) => [piece[0]!.slot, index]));
  const edges = pieces.map((piece) =>
    waysOut(piece.at(-1)!).map(({ kind, slot }): Edge => ({ kind, slot, block: blockAt.get(slot) ?? -1 })),
  );
  const reached = reach(pieces, edges, blockAt);
  const blocks = pieces.map((instructions, index): Block => {
    const { slot } = instructions[0]!;
    const owner = functions.findIndex(({ end }) => slot < end);
    return { slot, instructions, edges: edges[index]!, function: owner, reachable: reached.has(index) };
  });
  return { blocks, functions };
}

/** Slots that begin a block: functions, targets of jumps, and what stands behind a jump or an exit. */
function leaders(program: DecodedProgram, entries: readonly number[]): Set<number> {
  const slots = new Set(entries);
  for (const instruction of program.instructions) {
    if (!endsBlock(instruction)) continue;
    slots.add(instruction.slot + 1);
    const target = targetOf(instruction);
    if (target !== undefined && isInstruction(program, target)) slots.add(target);
  }
  return slots;
}

function endsBlock({ kind }: Instruction): boolean {
  return kind === 'jump' || kind === 'goto' || kind === 'mayGoto' || kind === 'exit';
}

function cut(program: DecodedProgram, starts: ReadonlySet<number>): Instruction[][] {
  const pieces: Instruction[][] = [];
  for (const instruction of program.instructions) {
    if (pieces.length === 0 || starts.has(instruction.slot)) pieces.push([]);
    pieces.at(-1)!.push(instruction);
  }
  return pieces;
}

/** Where control goes behind the last instruction of a block. */
function waysOut(last: Instruction): { kind: Edge['kind']; slot: number }[] {
  const next = { kind: 'fall-through' as const, slot: last.slot + slotsOf(last) };
  switch (last.kind) {
    case 'exit':
      return [];
    case 'goto':
      return [{ kind: 'taken', slot: targetOf(last)! }];
    case 'jump':
    case 'mayGoto':
      return [{ kind: 'taken', slot: targetOf(last)! }, next];
    default:
      return [next];
  }
}

/** Blocks that are reached from the first, calls and pointers to functions followed. */
function reach(
  pieces: readonly (readonly Instruction[])[],
  edges: readonly (readonly Edge[])[],
  blockAt: ReadonlyMap<number, number>,
): Set<number> {
  const reached = new Set<number>();
  const waiting = pieces.length > 0 ? [0] : [];
  for (let block = waiting.pop(); block !== undefined; block = waiting.pop()) {
    if (reached.has(block)) continue;
    reached.add(block);
    for (const edge of edges[block]!) if (edge.block >= 0) waiting.push(edge.block);
    for (const instruction of pieces[block]!) {
      if (endsBlock(instruction)) continue;
      const called = blockAt.get(targetOf(instruction) ?? -1);
      if (called !== undefined) waiting.push(called);
    }
  }
  return reached;
}
