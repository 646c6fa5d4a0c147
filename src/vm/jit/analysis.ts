import type { Instruction } from '../../isa/index.ts';
import { type Block, successorsOf } from './blocks.ts';
import { Demand } from './demand.ts';
import { type Order, predecessorsOf, reversePostorder } from './dominators.ts';
import type { InlineCalls } from './inline-calls.ts';
import { BlockValues, definedBy, Values } from './values.ts';

/** How a function's registers are at its entry. */
export type Beginning = 'program' | 'function' | 'chunk';

/** All registers r0–r9, as a mask. */
const all = 0x3ff;

/** What the two data flows found of a function. */
export interface Analysis {
  /** What is known at the entry of each block. */
  readonly values: BlockValues;
  /** Masks of the registers that are live, and wide, at the entry of each block. */
  readonly live: Uint16Array;
  readonly wide: Uint16Array;
  /** For each instruction of each block `wants`, of the register that it defines; a block's begin at `wantsAt`. */
  readonly wants: Uint8Array;
  readonly wantsAt: Int32Array;
}

/** Whether what an instruction defines is read later, and whether its high half is. */
export const wants = { live: 1, wide: 2 } as const;

export interface AnalysisInput {
  readonly instructions: readonly Instruction[];
  readonly blocks: readonly Block[];
  readonly beginning: Beginning;
  readonly verified: boolean;
  readonly facts: Uint8Array | undefined;
  readonly mayFault: Uint8Array | undefined;
  readonly inlineCalls: InlineCalls;
}

export function analyse(input: AnalysisInput): Analysis {
  const { blocks } = input;
  const successors = blocks.map(({ end }) => successorsOf(end));
  const order = reversePostorder(successors);
  const wantsAt = new Int32Array(blocks.length);
  let instructions = 0;
  for (const [node, { count }] of blocks.entries()) {
    wantsAt[node] = instructions;
    instructions += count;
  }
  const wants = new Uint8Array(instructions);
  const values = forward(input, successors, order);
  const { live, wide } = backward(input, successors, order, { wants, wantsAt });
  return { values, live, wide, wants, wantsAt };
}

/** The first of the two data flows by itself. */
export function forwardValues(input: AnalysisInput): BlockValues {
  const successors = input.blocks.map(({ end }) => successorsOf(end));
  return forward(input, successors, reversePostorder(successors));
}

/** One instruction forwards. */
export function step(values: Values, instruction: Instruction, inlineCalls: InlineCalls): void {
  values.evaluate(instruction);
  if (instruction.kind !== 'call' && instruction.kind !== 'callx') {
    values.commit(definedBy(instruction));
    return;
  }
  if (instruction.kind === 'call' && inlineCalls.answersPointer(instruction, values)) values.answersPointer();
  values.commitCall();
}

export function beginValues(input: Pick<AnalysisInput, 'verified' | 'facts' | 'beginning'>): Values {
  const values = new Values(input.verified, input.facts);
  if (input.beginning === 'program') values.beginProgram();
  else if (input.beginning === 'function') values.beginFunction();
  else values.beginChunk();
  return values;
}

/** Blocks to look at again, first in their order first. */
class Worklist {
  readonly #order: readonly number[];
  readonly #waiting: Uint8Array;
  #at = 0;
  #least: number;

  constructor(order: readonly number[]) {
    this.#order = order;
    this.#waiting = new Uint8Array(order.length);
    this.#least = order.length;
  }

  add(place: number): void {
    this.#waiting[place] = 1;
    if (place < this.#least) this.#least = place;
  }

  /** The node of the next place; -1 when none waits. Goes through the order before it turns back. */
  next(): number {
    for (; this.#at < this.#order.length; this.#at++) {
      if (this.#waiting[this.#at] === 0) continue;
      this.#waiting[this.#at] = 0;
      return this.#order[this.#at++] as number;
    }
    if (this.#least === this.#order.length) return -1;
    this.#at = this.#least;
    this.#least = this.#order.length;
    return this.next();
  }
}

function forward(
  input: AnalysisInput,
  successors: readonly (readonly number[])[],
  { nodes: order, number: place }: Order,
): BlockValues {
  const { instructions, blocks, verified } = input;
  const entries = new BlockValues(blocks.length, verified);
  const values = beginValues(input);
  entries.meet(0, values);
  const work = new Worklist(order);
  work.add(0);
  for (let node = work.next(); node >= 0; node = work.next()) {
    const block = blocks[node] as Block;
    entries.read(node, values);
    for (let index = block.first; index < block.first + block.count; index++) {
      const instruction = instructions[index] as Instruction;
      values.refine(instruction.slot);
      step(values, instruction, input.inlineCalls);
    }
    for (const next of successors[node] as readonly number[]) {
      if (entries.meet(next, values)) work.add(place[next] as number);
    }
  }
  return entries;
}

function backward(
  input: AnalysisInput,
  successors: readonly (readonly number[])[],
  { nodes: order, number: place }: Order,
  found: Pick<Analysis, 'wants' | 'wantsAt'>,
): { live: Uint16Array; wide: Uint16Array } {
  const { blocks } = input;
  const live = new Uint16Array(blocks.length);
  const wide = new Uint16Array(blocks.length);
  const predecessors = predecessorsOf(successors, order);
  const demand = new Demand(input.verified, input.mayFault);
  const backwards = [...order].reverse();
  const work = new Worklist(backwards);
  for (let at = 0; at < order.length; at++) work.add(at);
  for (let node = work.next(); node >= 0; node = work.next()) {
    const block = blocks[node] as Block;
    demand.live = block.end.kind === 'leave' ? all : 0;
    demand.wide = demand.live;
    for (const next of successors[node] as readonly number[]) {
      demand.live |= live[next]!;
      demand.wide |= wide[next]!;
    }
    blockBackwards(input, block, demand, found.wants, found.wantsAt[node] as number);
    if (demand.live === live[node] && demand.wide === wide[node]) continue;
    live[node] = demand.live;
    wide[node] = demand.wide;
    for (const before of predecessors[node] as number[]) work.add(order.length - 1 - place[before]!);
  }
  return { live, wide };
}

function blockBackwards(input: AnalysisInput, block: Block, demand: Demand, found: Uint8Array, at: number): void {
  for (let index = block.first + block.count - 1; index >= block.first; index--) {
    const instruction = input.instructions[index] as Instruction;
    const defined = definedBy(instruction);
    if (defined >= 0) {
      const isLive = (demand.live >>> defined) & 1;
      found[at + index - block.first] = isLive * wants.live + ((demand.wide >>> defined) & isLive) * wants.wide;
    }
    demand.before(instruction);
  }
}
