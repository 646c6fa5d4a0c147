import type { LiveOut } from './liveness.ts';
import { firstVirtual, framePointer, type Machine, type MachineBlock, type MachineFunction } from './machine.ts';

/**
 * The interference graph: which registers are live at once and must not be one. A triangle of bits answers whether two
 * interfere; a list for each virtual register names its neighbours. The real registers need no lists.
 */
const colours = 10;
const lostByCalls = [0, 1, 2, 3, 4, 5];
/** What a call loses first: the others are for what lives over one. */
const preferred = [1, 2, 3, 4, 5, 0, 6, 7, 8, 9];

/** A set of small numbers that costs nothing to go through: a dense list, and where in it each number is. */
class LiveSet {
  readonly list: Int32Array;
  count = 0;
  readonly #place: Int32Array;

  constructor(size: number) {
    this.list = new Int32Array(size);
    this.#place = new Int32Array(size).fill(-1);
  }

  add(register: number): void {
    if ((this.#place[register] as number) >= 0) return;
    this.#place[register] = this.count;
    this.list[this.count++] = register;
  }

  delete(register: number): void {
    const place = this.#place[register] as number;
    if (place < 0) return;
    this.#place[register] = -1;
    const last = this.list[--this.count] as number;
    if (last === register) return;
    this.list[place] = last;
    this.#place[last] = place;
  }

  /** Takes what a row of bits names in place of what it held. */
  fill({ bits, words }: LiveOut, row: number): void {
    for (let i = 0; i < this.count; i++) this.#place[this.list[i] as number] = -1;
    this.count = 0;
    for (let w = 0; w < words; w++) {
      for (let rest = bits[row * words + w] as number; rest !== 0; rest &= rest - 1) {
        this.add(w * 32 + 31 - Math.clz32(rest & -rest));
      }
    }
  }
}

interface Move {
  readonly to: number;
  readonly from: number;
  readonly loops: number;
  /** How many merges there had been when it was last looked at in vain. */
  refusedAt: number;
}

/** What each register is copied to or from, and is still apart from: chains in the order of the copies. */
class Partners {
  readonly #first: Int32Array;
  readonly #next: Int32Array;
  readonly #other: Int32Array;

  constructor(moves: readonly Move[], registers: number, graph: InterferenceGraph) {
    this.#first = new Int32Array(registers).fill(-1);
    this.#next = new Int32Array(moves.length * 2);
    this.#other = new Int32Array(moves.length * 2);
    for (let i = moves.length - 1; i >= 0; i--) {
      const { to, from } = moves[i] as Move;
      const a = graph.find(to);
      const b = graph.find(from);
      if (a === b) continue;
      this.#add(i * 2, a, b);
      this.#add(i * 2 + 1, b, a);
    }
  }

  #add(at: number, of: number, other: number): void {
    this.#other[at] = other;
    this.#next[at] = this.#first[of] as number;
    this.#first[of] = at;
  }

  /** A colour that is not taken: rather that of a partner, for the copy is then gone. -1 when there is none. */
  freeColour(register: number, taken: number, colourOf: Int32Array): number {
    for (let at = this.#first[register] as number; at >= 0; at = this.#next[at] as number) {
      const colour = colourOf[this.#other[at] as number] as number;
      if (colour >= 0 && ((taken >>> colour) & 1) === 0) return colour;
    }
    for (const colour of preferred) if (((taken >>> colour) & 1) === 0) return colour;
    return -1;
  }
}

export class InterferenceGraph {
  readonly #f: MachineFunction;
  readonly #bits: Uint32Array;
  /** Neighbours in the order in which they came to be; those that were merged into others since stay in the lists. */
  readonly #adjacent: number[][] = [];
  /** Neighbours that there are. */
  readonly #degree: Int32Array;
  readonly #alias: Int32Array;
  readonly #cost: Float64Array;
  readonly #colour: Int32Array;
  readonly #moves: Move[] = [];
  #merges = 0;
  /** The last merge that changed something about a register or its neighbours. */
  readonly #changedAt: Int32Array;

  constructor(f: MachineFunction) {
    this.#f = f;
    const { registers } = f;
    this.#bits = new Uint32Array(Math.ceil((registers * (registers - 1)) / 64) + 1);
    this.#alias = new Int32Array(registers);
    this.#cost = new Float64Array(registers);
    this.#degree = new Int32Array(registers);
    this.#changedAt = new Int32Array(registers);
    this.#colour = new Int32Array(registers).fill(-1);
    for (let i = 0; i < registers; i++) {
      this.#alias[i] = i;
      this.#adjacent.push([]);
    }
    for (let i = 0; i < colours; i++) this.#colour[i] = i;
  }

  find(register: number): number {
    let at = register;
    while (this.#alias[at] !== at) at = this.#alias[at] as number;
    return at;
  }

  /** All registers that were merged into one. */
  members(register: number): number[] {
    const result: number[] = [];
    for (let i = firstVirtual; i < this.#f.registers; i++) if (this.find(i) === register) result.push(i);
    return result;
  }

  #interferes(a: number, b: number): boolean {
    const bit = a > b ? (a * (a - 1)) / 2 + b : (b * (b - 1)) / 2 + a;
    return a !== b && (((this.#bits[bit >>> 5] as number) >>> (bit & 31)) & 1) !== 0;
  }

  #interfere(a: number, b: number): void {
    if (a === b || a === framePointer || b === framePointer) return;
    const bit = a > b ? (a * (a - 1)) / 2 + b : (b * (b - 1)) / 2 + a;
    const old = this.#bits[bit >>> 5] as number;
    const now = (old | (1 << (bit & 31))) >>> 0;
    if (now === old) return;
    this.#bits[bit >>> 5] = now;
    if (a >= firstVirtual) this.#neighbour(a, b);
    if (b >= firstVirtual) this.#neighbour(b, a);
  }

  #neighbour(of: number, other: number): void {
    (this.#adjacent[of] as number[]).push(other);
    this.#degree[of] = (this.#degree[of] as number) + 1;
  }

  /** @param out what is live where each block ends */
  build(out: LiveOut): void {
    for (let i = 0; i < colours; i++) for (let j = i + 1; j < colours; j++) this.#interfere(i, j);
    const live = new LiveSet(this.#f.registers);
    for (const [i, block] of this.#f.blocks.entries()) {
      live.fill(out, i);
      this.#block(block, live);
    }
  }

  /** Goes backwards through a block: what is live where something is written interferes with it. */
  #block({ code, end, loops }: MachineBlock, live: LiveSet): void {
    const weight = 10 ** Math.min(loops, 4);
    if (end.kind === 'branch') {
      this.#use(end.left, weight, live);
      if ('register' in end.right) this.#use(end.right.register, weight, live);
    } else if (end.kind === 'exit') this.#use(0, weight, live);
    for (let i = code.length - 1; i >= 0; i--) {
      const { def, uses, move, call, early } = code[i] as Machine;
      const from = uses[0];
      if (move && from !== undefined && from !== framePointer) {
        this.#moves.push({ to: def, from, loops, refusedAt: -1 });
        live.delete(from);
      }
      if (call) {
        for (const lost of lostByCalls) {
          for (let j = 0; j < live.count; j++) if (live.list[j] !== def) this.#interfere(lost, live.list[j] as number);
        }
      }
      if (def >= 0) {
        for (let j = 0; j < live.count; j++) this.#interfere(def, live.list[j] as number);
        if (early) for (const other of uses) this.#interfere(def, other);
        live.delete(def);
        this.#cost[def] = (this.#cost[def] as number) + weight;
      }
      for (let j = 0; j < uses.length; j++) this.#use(uses[j] as number, weight, live);
    }
  }

  #use(register: number, weight: number, live: LiveSet): void {
    if (register === framePointer) return;
    live.add(register);
    this.#cost[register] = (this.#cost[register] as number) + weight;
  }

  coalesce(): void {
    let moves = this.#moves.toSorted((a, b) => b.loops - a.loops);
    for (let changed = true; changed; ) {
      changed = false;
      // Registers that interfere go on doing so, and those that are one stay one: their copies are done with.
      const left: Move[] = [];
      for (const move of moves) {
        let a = this.find(move.to);
        let b = this.find(move.from);
        if (a === b || this.#interferes(a, b)) continue;
        if (b < colours) [a, b] = [b, a];
        if (b < colours) continue;
        if (this.#isAllowed(move, a, b)) {
          this.#merge(a, b);
          changed = true;
        } else left.push(move);
      }
      moves = left;
    }
  }

  /** Most copies are refused, and again in the next round: they are looked at again only when something has changed. */
  #isAllowed(move: Move, a: number, b: number): boolean {
    const { refusedAt } = move;
    if ((this.#changedAt[a] as number) <= refusedAt && (this.#changedAt[b] as number) <= refusedAt) return false;
    move.refusedAt = this.#merges;
    return a < colours ? this.#georgeAllows(a, b) : this.#briggsAllows(a, b);
  }

  /** Every neighbour of b is no trouble for the real register a. */
  #georgeAllows(a: number, b: number): boolean {
    for (const other of this.#adjacent[b] as number[]) {
      if (other < colours || this.#alias[other] !== other || this.#interferes(a, other)) continue;
      if ((this.#degree[other] as number) >= colours) return false;
    }
    return true;
  }

  #briggsAllows(a: number, b: number): boolean {
    let significant = 0;
    for (const other of this.#adjacent[a] as number[]) {
      if (this.#isSignificant(other) && ++significant >= colours) return false;
    }
    for (const other of this.#adjacent[b] as number[]) {
      if (this.#isSignificant(other) && !this.#interferes(a, other) && ++significant >= colours) return false;
    }
    return true;
  }

  #isSignificant(register: number): boolean {
    if (register < colours) return true;
    return (this.#degree[register] as number) >= colours && this.#alias[register] === register;
  }

  #merge(a: number, b: number): void {
    this.#alias[b] = a;
    this.#cost[a] = (this.#cost[a] as number) + (this.#cost[b] as number);
    this.#merges++;
    this.#changedAt[a] = this.#merges;
    for (const other of this.#adjacent[b] as number[]) {
      if (this.#alias[other] !== other) continue;
      const degree = this.#degree[other] as number;
      if (other >= firstVirtual) this.#degree[other] = degree - 1;
      this.#interfere(a, other);
      this.#changedAt[other] = this.#merges;
      if (degree >= colours && (this.#degree[other] as number) < colours) this.#noteInsignificant(other);
    }
    this.#adjacent[b] = [];
    this.#degree[b] = 0;
  }

  #noteInsignificant(register: number): void {
    for (const other of this.#adjacent[register] as number[]) this.#changedAt[other] = this.#merges;
  }

  /** Gives colours; the registers that get none. */
  colour(temporary: ReadonlySet<number>): number[] {
    const stack = this.#simplify(temporary);
    const partners = new Partners(this.#moves, this.#f.registers, this);
    const spilled: number[] = [];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      let taken = 0;
      for (const other of this.#adjacent[node] as number[]) {
        const colour = this.#colour[other] as number;
        if (colour >= 0) taken |= 1 << colour;
      }
      const free = partners.freeColour(node, taken, this.#colour);
      if (free < 0) spilled.push(node);
      else this.#colour[node] = free;
    }
    return spilled;
  }

  /** The order to colour in, last first: easy nodes are taken away until only hard ones are left. */
  #simplify(temporary: ReadonlySet<number>): number[] {
    const stack: number[] = [];
    const degree = new Int32Array(this.#f.registers).fill(-1);
    let left: number[] = [];
    for (let i = firstVirtual; i < this.#f.registers; i++) {
      if (this.#alias[i] !== i || ((this.#cost[i] as number) === 0 && this.#degree[i] === 0)) continue;
      degree[i] = this.#degree[i] as number;
      left.push(i);
    }
    const easy = left.filter((node) => (degree[node] as number) < colours);
    const remove = (node: number): void => {
      degree[node] = -1;
      stack.push(node);
      for (const other of this.#adjacent[node] as number[]) {
        const d = degree[other] as number;
        if (d < 0) continue;
        degree[other] = d - 1;
        if (d === colours) easy.push(other);
      }
    };
    for (;;) {
      for (let node = easy.pop(); node !== undefined; node = easy.pop())
        if ((degree[node] as number) >= 0) remove(node);
      left = left.filter((node) => (degree[node] as number) >= 0);
      if (left.length === 0) break;
      remove(this.#cheapest(left, degree, temporary));
    }
    return stack;
  }

  /** The node whose spilling costs least for the neighbours that it frees. */
  #cheapest(nodes: readonly number[], degree: Int32Array, temporary: ReadonlySet<number>): number {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (const node of nodes) {
      const cost = temporary.has(node) ? 1e12 : (this.#cost[node] as number) / (degree[node] as number);
      if (cost < least) {
        least = cost;
        best = node;
      }
    }
    return best;
  }

  apply(): void {
    const colourOf = (register: number): number =>
      register < firstVirtual ? register : Math.max(0, this.#colour[this.find(register)] as number);
    for (const block of this.#f.blocks) {
      for (const machine of block.code) {
        if (machine.def >= 0) machine.def = colourOf(machine.def);
        for (let i = 0; i < machine.uses.length; i++) machine.uses[i] = colourOf(machine.uses[i] as number);
      }
      block.code = block.code.filter((machine) => !(machine.move && machine.def === machine.uses[0]));
      if (block.end.kind === 'branch') {
        block.end.left = colourOf(block.end.left);
        if ('register' in block.end.right) block.end.right = { register: colourOf(block.end.right.register) };
      }
    }
  }
}
