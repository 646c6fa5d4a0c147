import type { Register } from '../isa/index.ts';
import {
  firstVirtual,
  framePointer,
  Machine,
  type MachineBlock,
  type MachineFunction,
  machineSuccessors,
} from './machine.ts';

/**
 * Register allocation by colouring the interference graph (Chaitin, Briggs): copies are coalesced where that cannot
 * cost a spill, what is live over a call keeps out of r0–r5, and what finds no colour goes to the stack. BPF has ten
 * registers to give.
 */
const colours = 10;
const mostRounds = 40;

/** Gives each virtual register a real one; the frame grows by what is spilled. */
export function allocateRegisters(f: MachineFunction): void {
  const temporary = new Set<number>();
  for (let round = 0; round < mostRounds; round++) {
    const graph = new Graph(f);
    graph.build();
    graph.coalesce();
    const spilled = graph.colour(temporary);
    if (spilled.length === 0) {
      graph.apply();
      return;
    }
    for (const register of spilled) spill(f, graph.members(register), temporary);
  }
  throw new RangeError('the registers of this function cannot be given out');
}

class Graph {
  readonly #f: MachineFunction;
  readonly #adjacent: Set<number>[] = [];
  readonly #alias: Int32Array;
  readonly #cost: Float64Array;
  readonly #colour: Int32Array;
  readonly #moves: { readonly to: number; readonly from: number; readonly loops: number }[] = [];

  constructor(f: MachineFunction) {
    this.#f = f;
    this.#alias = Int32Array.from({ length: f.registers }, (_, i) => i);
    this.#cost = new Float64Array(f.registers);
    this.#colour = new Int32Array(f.registers).fill(-1);
    for (let i = 0; i < f.registers; i++) this.#adjacent.push(new Set());
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

  #interfere(a: number, b: number): void {
    if (a === b || a === framePointer || b === framePointer) return;
    this.#adjacent[a]?.add(b);
    this.#adjacent[b]?.add(a);
  }

  build(): void {
    for (let i = 0; i < colours; i++) for (let j = i + 1; j < colours; j++) this.#interfere(i, j);
    const liveOut = liveness(this.#f);
    for (const block of this.#f.blocks) {
      const live = new Set(liveOut.get(block));
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
        if (machine.move) {
          const from = machine.uses[0] as number;
          if (from !== framePointer) {
            this.#moves.push({ to: machine.def, from, loops: block.loops });
            live.delete(from);
          }
        }
        if (machine.call)
          for (const lost of [0, 1, 2, 3, 4, 5])
            for (const other of live) if (other !== machine.def) this.#interfere(lost, other);
        if (machine.def >= 0) {
          for (const other of live) this.#interfere(machine.def, other);
          if (machine.early) for (const other of machine.uses) this.#interfere(machine.def, other);
          live.delete(machine.def);
          this.#cost[machine.def] = (this.#cost[machine.def] as number) + weight;
        }
        for (const register of machine.uses) use(register);
      }
    }
  }

  coalesce(): void {
    const moves = this.#moves.toSorted((a, b) => b.loops - a.loops);
    for (let changed = true; changed; ) {
      changed = false;
      for (const { to, from } of moves) {
        let a = this.find(to);
        let b = this.find(from);
        if (a === b || this.#adjacent[a]?.has(b)) continue;
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
    for (const other of this.#adjacent[b] as Set<number>) {
      const at = this.find(other);
      if (at < colours || this.#adjacent[a]?.has(at)) continue;
      if (this.#degree(at) >= colours) return false;
    }
    return true;
  }

  #briggsAllows(a: number, b: number): boolean {
    let significant = 0;
    const first = this.#adjacent[a] as Set<number>;
    for (const other of first) if (this.#isSignificant(other) && ++significant >= colours) return false;
    for (const other of this.#adjacent[b] as Set<number>) {
      if (!first.has(other) && this.#isSignificant(other) && ++significant >= colours) return false;
    }
    return true;
  }

  #isSignificant(register: number): boolean {
    return this.find(register) === register && (register < colours || this.#degree(register) >= colours);
  }

  #degree(register: number): number {
    return this.#adjacent[register]?.size ?? 0;
  }

  #merge(a: number, b: number): void {
    this.#alias[b] = a;
    this.#cost[a] = (this.#cost[a] as number) + (this.#cost[b] as number);
    for (const other of this.#adjacent[b] as Set<number>) {
      this.#adjacent[other]?.delete(b);
      this.#interfere(a, other);
    }
    (this.#adjacent[b] as Set<number>).clear();
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
      const taken = new Set<number>();
      for (const other of this.#adjacent[node] as Set<number>) {
        const colour = this.#colour[this.find(other)] as number;
        if (colour >= 0) taken.add(colour);
      }
      const wanted = (partners.get(node) ?? []).map((one) => this.#colour[one] as number);
      const free = [...wanted, 1, 2, 3, 4, 5, 0, 6, 7, 8, 9].find(
        (one) => one >= 0 && one < colours && !taken.has(one),
      );
      if (free === undefined) spilled.push(node);
      else this.#colour[node] = free;
    }
    return spilled;
  }

  /** The order to colour in, last first: easy nodes are taken away until only hard ones are left. */
  #simplify(temporary: ReadonlySet<number>): number[] {
    const stack: number[] = [];
    const degree = new Map<number, number>();
    for (let i = firstVirtual; i < this.#f.registers; i++) {
      if (this.find(i) === i && ((this.#cost[i] as number) > 0 || this.#degree(i) > 0)) degree.set(i, this.#degree(i));
    }
    const easy = [...degree].filter(([, d]) => d < colours).map(([node]) => node);
    const remove = (node: number): void => {
      degree.delete(node);
      stack.push(node);
      for (const other of this.#adjacent[node] as Set<number>) {
        const d = degree.get(other);
        if (d === undefined) continue;
        degree.set(other, d - 1);
        if (d === colours) easy.push(other);
      }
    };
    while (degree.size > 0) {
      const node = easy.pop();
      if (node !== undefined) {
        if (degree.has(node)) remove(node);
        continue;
      }
      let best = -1;
      let least = Number.POSITIVE_INFINITY;
      for (const [candidate, d] of degree) {
        const cost = temporary.has(candidate) ? 1e12 : (this.#cost[candidate] as number) / d;
        if (cost < least) {
          least = cost;
          best = candidate;
        }
      }
      remove(best);
    }
    return stack;
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

/** The registers that are live where each block ends. */
function liveness(f: MachineFunction): Map<MachineBlock, Set<number>> {
  const uses = new Map<MachineBlock, Set<number>>();
  const defs = new Map<MachineBlock, Set<number>>();
  for (const block of f.blocks) {
    const used = new Set<number>();
    const defined = new Set<number>();
    const use = (register: number): void => {
      if (register !== framePointer && !defined.has(register)) used.add(register);
    };
    for (const machine of block.code) {
      for (const register of machine.uses) use(register);
      if (machine.def >= 0) defined.add(machine.def);
    }
    if (block.end.kind === 'branch') {
      use(block.end.left);
      if ('register' in block.end.right) use(block.end.right.register);
    }
    uses.set(block, used);
    defs.set(block, defined);
  }
  const liveIn = new Map<MachineBlock, Set<number>>(f.blocks.map((block) => [block, new Set(uses.get(block))]));
  const liveOut = new Map<MachineBlock, Set<number>>(f.blocks.map((block) => [block, new Set<number>()]));
  const pending = [...f.blocks];
  const waiting = new Set(pending);
  const preds = new Map<MachineBlock, MachineBlock[]>();
  for (const block of f.blocks) {
    for (const to of machineSuccessors(block)) {
      const list = preds.get(to);
      if (list) list.push(block);
      else preds.set(to, [block]);
    }
  }
  for (let block = pending.pop(); block; block = pending.pop()) {
    waiting.delete(block);
    const out = liveOut.get(block) as Set<number>;
    for (const to of machineSuccessors(block)) for (const register of liveIn.get(to) as Set<number>) out.add(register);
    const into = liveIn.get(block) as Set<number>;
    const before = into.size;
    const defined = defs.get(block) as Set<number>;
    for (const register of out) if (!defined.has(register)) into.add(register);
    if (into.size === before) continue;
    for (const pred of preds.get(block) ?? []) {
      if (waiting.has(pred)) continue;
      waiting.add(pred);
      pending.push(pred);
    }
  }
  return liveOut;
}

/** Keeps registers in eight bytes of the stack: read before each use, written after each change. */
function spill(f: MachineFunction, members: readonly number[], temporary: Set<number>): void {
  f.frame = Math.ceil((f.frame + 8) / 8) * 8;
  const offset = -f.frame;
  const gone = new Set(members);
  const fresh = (): number => {
    temporary.add(f.registers);
    return f.registers++;
  };
  const reload = (to: number, at: Machine['at']): Machine =>
    new Machine(to, [framePointer], at, (dst, uses) => ({
      kind: 'load',
      signed: false,
      dst,
      size: 8,
      base: uses[0] as Register,
      offset,
    }));
  const save = (from: number, at: Machine['at']): Machine =>
    new Machine(-1, [framePointer, from], at, (_, uses) => ({
      kind: 'store',
      size: 8,
      base: uses[0] as Register,
      offset,
      src: { kind: 'register', register: uses[1] as Register },
    }));
  for (const block of f.blocks) {
    const code: Machine[] = [];
    for (const machine of block.code) {
      const reads = machine.uses.some((one) => gone.has(one));
      const writes = gone.has(machine.def);
      if (machine.move && reads && writes) continue;
      const register = reads || writes ? fresh() : -1;
      if (reads) code.push(reload(register, machine.at));
      if (reads) machine.uses = machine.uses.map((one) => (gone.has(one) ? register : one));
      if (writes) machine.def = register;
      code.push(machine);
      if (writes) code.push(save(register, machine.at));
    }
    const { end } = block;
    if (end.kind === 'branch') {
      const right = 'register' in end.right ? end.right.register : -1;
      if (gone.has(end.left) || gone.has(right)) {
        const register = fresh();
        code.push(reload(register, end.at));
        if (gone.has(end.left)) end.left = register;
        if (gone.has(right)) end.right = { register };
      }
    }
    block.code = code;
  }
}
