import type { InterferenceGraph } from './interference.ts';
import { LiveSet } from './live-set.ts';
import type { LiveOut } from './liveness.ts';
import { firstVirtual, framePointer, type Machine, type MachineBlock } from './machine.ts';
import type { Moves } from './moves.ts';

/** r0 to r5. */
const lostByCalls = 0b111111;
const realRegisters = (1 << framePointer) - 1;

/** Registers that may be live at once: of more than these, there is no room in the stack for what finds no register. */
export const mostLive = 1000;

/**
 * Fills the interference graph from the code: each block is walked backwards, and what is live where a register is
 * written interferes with it. Blocks that got spill code are walked again for their new registers.
 */
export class GraphBuilder {
  readonly #graph: InterferenceGraph;
  readonly #moves: Moves;
  /** How many registers are live at once, at most. */
  most = 0;
  #live = new LiveSet(0);
  /** Bits of the real registers that are live. */
  #real = 0;
  /** The first register that is new in this walk. */
  #since = firstVirtual;

  constructor(graph: InterferenceGraph, moves: Moves) {
    this.#graph = graph;
    this.#moves = moves;
  }

  /**
   * Takes in the registers from `since` on.
   * @param blocks those that name them
   * @param out what is live where each block ends
   */
  add(blocks: readonly MachineBlock[], out: LiveOut, since: number): void {
    this.#live = new LiveSet(this.#graph.size);
    this.#since = since;
    for (const block of blocks) {
      this.#fill(out, block.place);
      this.#block(block);
    }
  }

  /** Sets what is live to what a row of bits names. */
  #fill({ bits, words }: LiveOut, row: number): void {
    const graph = this.#graph;
    const live = this.#live;
    live.clear();
    const start = row * words;
    this.#real = (bits[start] as number) & realRegisters;
    for (let w = 0; w < words; w++) {
      let rest = bits[start + w] as number;
      if (w === 0) rest &= ~realRegisters;
      for (; rest !== 0; rest &= rest - 1) live.add(graph.find(w * 32 + 31 - Math.clz32(rest & -rest)));
    }
  }

  #block(block: MachineBlock): void {
    const { code, end, loops } = block;
    const gain = loops * 2 + (isAllCopies(block) ? 1 : 0);
    const graph = this.#graph;
    const live = this.#live;
    const weight = 10 ** Math.min(loops, 4);
    if (end.kind === 'branch') {
      this.#use(end.left, weight);
      if ('register' in end.right) this.#use(end.right.register, weight);
    } else if (end.kind === 'exit') this.#use(0, weight);
    for (let i = code.length - 1; i >= 0; i--) {
      const { def, uses, move, call, early } = code[i] as Machine;
      const to = def < firstVirtual ? def : graph.find(def);
      if (move && !this.#move(def, to, uses[0] as number, gain)) continue;
      if (call) for (let j = 0; j < live.count; j++) graph.forbid(live.list[j] as number, lostByCalls);
      if (to >= 0) {
        this.#define(to);
        this.#count(def, weight);
      }
      for (let j = 0; j < uses.length; j++) {
        const use = uses[j] as number;
        if (early) this.#apart(to, use);
        this.#use(use, weight);
      }
    }
  }

  /** Notes a copy, whose ends may be one. @returns whether they are still two */
  #move(def: number, to: number, from: number, gain: number): boolean {
    if (from === framePointer) return true;
    const source = this.#graph.find(from);
    if (source === to) return false;
    if (def >= this.#since || from >= this.#since) this.#moves.add(def, from, gain);
    if (source < firstVirtual) this.#real &= ~(1 << source);
    else this.#live.delete(source);
    return true;
  }

  #define(register: number): void {
    const graph = this.#graph;
    const { list } = this.#live;
    if (register < firstVirtual) {
      this.#real &= ~(1 << register);
      for (let j = 0; j < this.#live.count; j++) graph.forbid(list[j] as number, 1 << register);
      return;
    }
    this.#live.delete(register);
    if (this.#live.count > this.most) this.most = this.#live.count;
    if (this.most > mostLive) return;
    if (this.#real !== 0) graph.forbid(register, this.#real);
    for (let j = 0; j < this.#live.count; j++) graph.interfere(register, list[j] as number);
  }

  /** The result is written before this operand is read. */
  #apart(to: number, use: number): void {
    const other = this.#graph.find(use);
    if (to === other || use === framePointer) return;
    if (to >= firstVirtual && other >= firstVirtual) this.#graph.interfere(to, other);
    else if (to >= firstVirtual) this.#graph.forbid(to, 1 << other);
    else if (other >= firstVirtual) this.#graph.forbid(other, 1 << to);
  }

  #use(register: number, weight: number): void {
    if (register < firstVirtual) {
      if (register !== framePointer) this.#real |= 1 << register;
      return;
    }
    this.#live.add(this.#graph.find(register));
    this.#count(register, weight);
  }

  #count(register: number, weight: number): void {
    const { cost } = this.#graph;
    if (register >= this.#since) cost[register] = (cost[register] as number) + weight;
  }
}

/** Without its copies the block is empty, and the jump to it gone. */
function isAllCopies({ code, end }: MachineBlock): boolean {
  if (end.kind !== 'goto') return false;
  for (const { move } of code) if (!move) return false;
  return true;
}
