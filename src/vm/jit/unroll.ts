import type { Instruction } from '../../isa/index.ts';
import { type AnalysisInput, beginValues, forwardValues, step } from './analysis.ts';
import type { Block, BlockEnd } from './blocks.ts';
import { decide } from './decide.ts';
import { innermostLoops, type Loop } from './loops.ts';
import { leadTo } from './tails.ts';
import { BlockValues, type Values } from './values.ts';

/**
 * Loops whose rounds are known are laid out one after the other: each round is a copy of the body, in which the
 * counter is a constant and so is every place of the frame that is found by it, which then can be a local. A loop of
 * which only the first rounds are known is begun outside of itself when a division there is by a constant, which is a
 * multiplication and not a division.
 *
 * What is known of the registers is carried from copy to copy; a branch that it decides becomes a goto.
 */
const mostRounds = 64;
/** Instructions of a loop's copies, and of all copies in a function. */
const mostOfLoop = 1024;
const mostAdded = 3072;
/** Rounds that are put before a loop for the sake of their divisions. */
const mostPeeled = 12;
/** How often the innermost loops are looked for: those around others come after them. */
const mostTurns = 8;

export function unrollLoops(input: AnalysisInput): readonly Block[] {
  let { blocks } = input;
  let room = mostAdded;
  const seen = new Set<number>();
  for (let turn = 0; turn < mostTurns; turn++) {
    const loops = innermostLoops(blocks).filter(({ header }) => !seen.has(header));
    if (loops.length === 0) break;
    const unroller = new Unroller({ ...input, blocks }, room);
    const changed = new Set<number>();
    for (const loop of loops) {
      // What leads here from a loop that was just laid out is known in the next turn.
      if (loop.before.some((node) => changed.has(node))) continue;
      seen.add(loop.header);
      if (unroller.loop(loop)) for (const node of loop.nodes) changed.add(node);
    }
    blocks = unroller.result();
    room = unroller.room;
  }
  return blocks;
}

function sizeOf(blocks: readonly Block[], nodes: readonly number[]): number {
  return nodes.reduce((sum, node) => sum + blocks[node]!.count, 0);
}

/** Where an edge of a copy goes: to a node of the graph as it was, or to the header of the next round. */
type Round = Map<number, number>;

class Unroller {
  readonly #input: AnalysisInput;
  readonly #blocks: Block[];
  readonly #entries: BlockValues;
  readonly #values: Values;
  /** Instructions that may still be added. */
  room: number;

  constructor(input: AnalysisInput, room: number) {
    this.#input = input;
    this.#blocks = [...input.blocks];
    this.#entries = forwardValues(input);
    this.#values = beginValues(input);
    this.room = room;
  }

  result(): readonly Block[] {
    return this.#blocks;
  }

  /** Lays a loop out where that pays. @returns whether it did */
  loop(loop: Loop): boolean {
    const size = sizeOf(this.#blocks, loop.nodes);
    if (size > mostOfLoop / 2 || loop.header === 0) return false;
    const from = this.#blocks.length;
    const first = this.#valuesBefore(loop);
    if (!first) return false;
    const rounds: Round[] = [];
    let known: BlockValues | undefined = first;
    let added = 0;
    let useful = 0;
    while (known && rounds.length < mostRounds && added < Math.min(mostOfLoop, this.room)) {
      const at = this.#blocks.length;
      const round = this.#round(loop, known);
      rounds.push(round.copies);
      for (let block = at; block < this.#blocks.length; block++) added += this.#blocks[block]!.count;
      if (round.dividesByConstant && useful === rounds.length - 1) useful++;
      known = round.next;
    }
    const keep = known ? Math.min(useful, mostPeeled) : rounds.length;
    this.#keep(loop, rounds.slice(0, keep), from);
    return keep > 0;
  }

  /** What is known at the header when the loop is entered. */
  #valuesBefore(loop: Loop): BlockValues | undefined {
    const met = new BlockValues(1, this.#input.verified);
    const values = this.#values;
    for (const node of loop.before) {
      if (!this.#entries.isReached(node)) continue;
      this.#entries.read(node, values);
      this.#run(this.#blocks[node] as Block);
      met.meet(0, values);
    }
    return met.isReached(0) ? met : undefined;
  }

  #run(block: Block): boolean {
    const { instructions, inlineCalls } = this.#input;
    const values = this.#values;
    let divides = false;
    for (let index = block.first; index < block.first + block.count; index++) {
      const instruction = instructions[index] as Instruction;
      values.refine(instruction.slot);
      divides ||= dividesByRegister(instruction) && values.isConstant(divisorOf(instruction));
      step(values, instruction, inlineCalls);
    }
    return divides;
  }

  /** Appends the copy of a round: its blocks lead to the nodes that they are copies of, until `#keep` renames them. */
  #round(loop: Loop, known: BlockValues): { copies: Round; next: BlockValues | undefined; dividesByConstant: boolean } {
    const { instructions, verified } = this.#input;
    const values = this.#values;
    const place = new Map(loop.nodes.map((node, index) => [node, index] as const));
    const entries = new BlockValues(loop.nodes.length, verified);
    known.read(0, values);
    entries.meet(0, values);
    const next = new BlockValues(1, verified);
    const copies: Round = new Map();
    let dividesByConstant = false;
    for (const [index, node] of loop.nodes.entries()) {
      if (!entries.isReached(index)) continue;
      entries.read(index, values);
      const block = this.#blocks[node] as Block;
      if (this.#run(block)) dividesByConstant = true;
      const end = decidedEnd(block, instructions, values);
      copies.set(node, this.#blocks.push({ ...block, end }) - 1);
      leadTo(end, (to) => {
        const at = place.get(to);
        if (to === loop.header) next.meet(0, values);
        else if (at !== undefined) entries.meet(at, values);
        return to;
      });
    }
    return { copies, next: next.isReached(0) ? next : undefined, dividesByConstant };
  }

  /** Joins the rounds to each other, and what comes before the loop to the first; the others are taken away. */
  #keep(loop: Loop, rounds: readonly Round[], from: number): void {
    const last = rounds.at(-1);
    this.#blocks.length = last ? Math.max(...last.values()) + 1 : from;
    if (!last) return;
    for (const [index, copies] of rounds.entries()) {
      const after = rounds[index + 1]?.get(loop.header) ?? loop.header;
      for (const copy of copies.values()) {
        const block = this.#blocks[copy] as Block;
        this.room -= block.count;
        this.#rename(copy, (to) => (to === loop.header ? after : (copies.get(to) ?? to)));
      }
    }
    const first = rounds[0]?.get(loop.header) as number;
    for (const node of loop.before) this.#rename(node, (to) => (to === loop.header ? first : to));
  }

  #rename(node: number, rename: (to: number) => number): void {
    const block = this.#blocks[node] as Block;
    this.#blocks[node] = { ...block, end: leadTo(block.end, rename) };
  }
}

/** A branch that what is known decides is a goto. */
function decidedEnd(block: Block, instructions: readonly Instruction[], values: Values): BlockEnd {
  const { end } = block;
  if (end.kind !== 'branch') return end;
  const taken = decide(instructions[block.first + block.count - 1] as Instruction, values);
  if (taken === undefined) return end;
  return { kind: 'goto', next: taken ? end.taken : end.next };
}

function dividesByRegister(instruction: Instruction): boolean {
  if (instruction.kind !== 'alu' || instruction.src.kind !== 'register') return false;
  return ['div', 'mod', 'sdiv', 'smod'].includes(instruction.op);
}

function divisorOf(instruction: Instruction): number {
  return instruction.kind === 'alu' && instruction.src.kind === 'register' ? instruction.src.register : -1;
}
