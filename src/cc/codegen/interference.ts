import { liveOut } from './liveness.ts';
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
  readonly list: number[] = [];
  readonly #place: Int32Array;

  constructor(size: number) {
    this.#place = new Int32Array(size).fill(-1);
  }

  add(register: number): void {
    if ((this.#place[register] as number) >= 0) return;
    this.#place[register] = this.list.length;
    this.list.push(register);
  }

  delete(register: number): void {
    const place = this.#place[register] as number;
    if (place < 0) return;
    this.#place[register] = -1;
    const last = this.list.pop() as number;
    if (last === register) return;
    this.list[place] = last;
    this.#place[last] = place;
  }

  /** Takes what a row of bits names in place of what it held. */
  fill(bits: Uint32Array): void {
    for (const register of this.list) this.#place[register] = -1;
    this.list.length = 0;
    for (let w = 0; w < bits.length; w++) {
      for (let rest = bits[w] as number; rest !== 0; rest &= rest - 1) this.add(w * 32 + 31 - Math.clz32(rest & -rest));
    }
  }
}

export class InterferenceGraph {
  readonly #f: MachineFunction;
  readonly #bits: Uint32Array;
  readonly #adjacent: number[][] = [];
  readonly #alias: Int32Array;
  readonly #cost: Float64Array;
  readonly #colour: Int32Array;
  readonly #moves: { readonly to: number; readonly from: number; readonly loops: number }[] = [];

  constructor(f: MachineFunction) {
    this.#f = f;
    const { registers } = f;
    this.#bits = new Uint32Array(Math.ceil((registers * (registers - 1)) / 64) + 1);
    this.#alias = Int32Array.from({ length: registers }, (_, i) => i);
    this.#cost = new Float64Array(registers);
    this.#colour = new Int32Array(registers).fill(-1);
    for (let i = 0; i < registers; i++) this.#adjacent.push([]);
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
    return a !== b && (((this.#bits[Math.floor(bit / 32)] as number) >>> (bit % 32)) & 1) !== 0;
  }

  #interfere(a: number, b: number): void {
    if (a === b || a === framePointer || b === framePointer) return;
    const bit = a > b ? (a * (a - 1)) / 2 + b : (b * (b - 1)) / 2 + a;
    const word = Math.floor(bit / 32);
    const old = this.#bits[word] as number;
    const now = (old | (1 << (bit % 32))) >>> 0;
    if (now === old) return;
    this.#bits[word] = now;
    if (a >= firstVirtual) (this.#adjacent[a] as number[]).push(b);
    if (b >= firstVirtual) (this.#adjacent[b] as number[]).push(a);
  }

  build(): void {
    for (let i = 0; i < colours; i++) for (let j = i + 1; j < colours; j++) this.#interfere(i, j);
    const out = liveOut(this.#f);
    const live = new LiveSet(this.#f.registers);
    for (const block of this.#f.blocks) {
      live.fill(out.get(block) as Uint32Array);
      this.#block(block, live);
    }
  }

  /** Goes backwards through a block: what is live where something is written interferes with it. */
  #block(block: MachineBlock, live: LiveSet): void {
    const weight = 10 ** Math.min(block.loops, 4);
    const use = (register: number): void => {
      if (register === framePointer) return;
      live.add(register);
      this.#cost[register] = (this.#cost[register] as number) + weight;
    };
    if (block.end.kind === 'branch') {
      use(block.end.left);
      if ('register' in block.end.right) use(block.end.right.register);
    } else if (block.end.kind === 'exit') use(0);
    for (let i = block.code.length - 1; i >= 0; i--) {
      const machine = block.code[i] as Machine;
      const { def, uses } = machine;
      if (machine.move) {
        const from = uses[0] as number;
        if (from !== framePointer) {
          this.#moves.push({ to: def, from, loops: block.loops });
          live.delete(from);
        }
      }
      if (machine.call)
        for (const lost of lostByCalls) for (const other of live.list) if (other !== def) this.#interfere(lost, other);
      if (def >= 0) {
        for (const other of live.list) this.#interfere(def, other);
        if (machine.early) for (const other of uses) this.#interfere(def, other);
        live.delete(def);
        this.#cost[def] = (this.#cost[def] as number) + weight;
      }
      for (const register of uses) use(register);
    }
  }

  coalesce(): void {
    const moves = this.#moves.toSorted((a, b) => b.loops - a.loops);
    for (let changed = true; changed; ) {
      changed = false;
      for (const { to, from } of moves) {
        let a = this.find(to);
        let b = this.find(from);
        if (a === b || this.#interferes(a, b)) continue;
        if (b < colours) [a, b] = [b, a];
        if (b < colours) continue;
        if (!(a < colours ? this.#georgeAllows(a, b) : this.#briggsAllows(a, b))) continue;
        this.#merge(a, b);
        changed = true;
      }
    }
  }

  /** Every neighbour of b is no trouble for the real register a. */
  #georgeAllows(a: number, b: number): boolean {
    for (const other of this.#adjacent[b] as number[]) {
      const at = this.find(other);
      if (at < colours || this.#interferes(a, at)) continue;
      if (this.#degree(at) >= colours) return false;
    }
    return true;
  }

  #briggsAllows(a: number, b: number): boolean {
    let significant = 0;
    const first = this.#adjacent[a] as number[];
    for (const other of first) if (this.#isSignificant(other) && ++significant >= colours) return false;
    for (const other of this.#adjacent[b] as number[]) {
      if (!this.#interferes(a, other) && this.#isSignificant(other) && ++significant >= colours) return false;
    }
    return true;
  }

  #isSignificant(register: number): boolean {
    return this.find(register) === register && (register < colours || this.#degree(register) >= colours);
  }

  #degree(register: number): number {
    return this.#adjacent[register]?.length ?? 0;
  }

  #merge(a: number, b: number): void {
    this.#alias[b] = a;
    this.#cost[a] = (this.#cost[a] as number) + (this.#cost[b] as number);
    for (const other of this.#adjacent[b] as number[]) {
      const list = this.#adjacent[other] as number[];
      if (other >= firstVirtual) list.splice(list.indexOf(b), 1);
      this.#interfere(a, other);
    }
    this.#adjacent[b] = [];
  }

  /** Gives colours; the registers that get none. */
  colour(temporary: ReadonlySet<number>): number[] {
    const stack = this.#simplify(temporary);
    const partners = new Map<number, number[]>();
    for (const { to, from } of this.#moves) {
      const a = this.find(to);
      const b = this.find(from);
      for (const [x, y] of [
        [a, b],
        [b, a],
      ] as const) {
        const list = partners.get(x);
        if (list) list.push(y);
        else partners.set(x, [y]);
      }
    }
    const spilled: number[] = [];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      let taken = 0;
      for (const other of this.#adjacent[node] as number[]) {
        const colour = this.#colour[other] as number;
        if (colour >= 0) taken |= 1 << colour;
      }
      const isFree = (one: number): boolean => one >= 0 && ((taken >>> one) & 1) === 0;
      const wanted = partners.get(node)?.map((one) => this.#colour[one] as number);
      const free = wanted?.find(isFree) ?? preferred.find(isFree);
      if (free === undefined) spilled.push(node);
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
      if (this.find(i) !== i || ((this.#cost[i] as number) === 0 && this.#degree(i) === 0)) continue;
      degree[i] = this.#degree(i);
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
        machine.uses = machine.uses.map(colourOf);
      }
      block.code = block.code.filter((machine) => !(machine.move && machine.def === machine.uses[0]));
      if (block.end.kind === 'branch') {
        block.end.left = colourOf(block.end.left);
        if ('register' in block.end.right) block.end.right = { register: colourOf(block.end.right.register) };
      }
    }
  }
}
