import { colours, type InterferenceGraph } from './interference.ts';
import { firstVirtual } from './machine.ts';

interface Move {
  readonly to: number;
  readonly from: number;
  /** How much is won without it: those that gain most are looked at first. */
  readonly gain: number;
  /** How many merges there had been when it was last looked at in vain. */
  refusedAt: number;
}

/** What a call loses first: the others are for what lives over one. */
const preferred = [1, 2, 3, 4, 5, 0, 6, 7, 8, 9];

/**
 * The copies of a function. Those whose ends may be one register are coalesced where that cannot cost a colour (Briggs,
 * George); what is left of them tells which colour a register had best get.
 */
export class Moves {
  readonly #graph: InterferenceGraph;
  /** Copies of two registers that do not interfere, as far as is known. */
  #list: Move[] = [];
  /** Counts the changes to the graph. */
  #clock = 0;
  /** When something last changed about a register or its neighbours. */
  #changedAt = new Int32Array(0);
  /** Chains of the copies that each register is an end of. */
  #first = new Int32Array(0);
  #next = new Int32Array(0);
  #other = new Int32Array(0);

  constructor(graph: InterferenceGraph) {
    this.#graph = graph;
  }

  add(to: number, from: number, gain: number): void {
    if (to >= firstVirtual || from >= firstVirtual) this.#list.push({ to, from, gain, refusedAt: -1 });
  }

  /** Forgets the copies that spilling made stores and loads of, and takes spilled registers out of the graph. */
  remove(registers: readonly number[]): void {
    const graph = this.#graph;
    const gone = new Uint8Array(graph.size);
    for (const register of registers) {
      this.#clock++;
      graph.remove(register);
      this.#noteNeighbours(register);
      gone[register] = 1;
    }
    this.#list = this.#list.filter(({ to, from }) => gone[graph.find(to)] === 0 && gone[graph.find(from)] === 0);
  }

  coalesce(): void {
    const graph = this.#graph;
    const changedAt = new Int32Array(graph.size);
    changedAt.set(this.#changedAt);
    this.#changedAt = changedAt;
    let moves = this.#list;
    if (moves.some(({ gain }) => gain > 0)) moves.sort((a, b) => b.gain - a.gain);
    for (let changed = true; changed; ) {
      changed = false;
      // Registers that interfere go on doing so, and those that are one stay one: their copies are done with.
      const left: Move[] = [];
      for (const move of moves) {
        let a = graph.find(move.to);
        let b = graph.find(move.from);
        if (b < firstVirtual) [a, b] = [b, a];
        if (a === b || b < firstVirtual || graph.interferes(a, b)) continue;
        if (this.#isAllowed(move, a, b)) {
          // The one with fewer neighbours goes: what is changed in thousands of places is one register in the end.
          if (a >= firstVirtual && (graph.degree[b] as number) > (graph.degree[a] as number)) [a, b] = [b, a];
          this.#merge(a, b);
          changed = true;
        } else left.push(move);
      }
      moves = left;
    }
    this.#list = moves;
  }

  /** Most copies are refused, and again in the next round: they are looked at again only when something has changed. */
  #isAllowed(move: Move, a: number, b: number): boolean {
    const { refusedAt } = move;
    if ((this.#changedAt[a] as number) <= refusedAt && (this.#changedAt[b] as number) <= refusedAt) return false;
    move.refusedAt = this.#clock;
    return a < colours ? this.#georgeAllows(a, b) : this.#briggsAllows(a, b);
  }

  /** Every neighbour of b is no trouble for the real register a. */
  #georgeAllows(a: number, b: number): boolean {
    const { start, end, neighbours, standing, degree, forbidden } = this.#graph;
    for (let at = (end[b] as number) - 1; at >= (start[b] as number); at--) {
      const one = neighbours[at] as number;
      if (standing[one] === 0 || (degree[one] as number) < colours) continue;
      if ((((forbidden[one] as number) >>> a) & 1) === 0) return false;
    }
    return true;
  }

  /** The two together have fewer neighbours that may be hard to colour than there are colours. */
  #briggsAllows(a: number, b: number): boolean {
    const graph = this.#graph;
    const { start, end, neighbours, standing, degree, forbidden } = graph;
    let significant = 0;
    for (let mask = (forbidden[a] as number) | (forbidden[b] as number); mask !== 0; mask &= mask - 1) significant++;
    for (let at = (end[a] as number) - 1; at >= (start[a] as number) && significant < colours; at--) {
      const one = neighbours[at] as number;
      if (standing[one] === 1 && (degree[one] as number) >= colours) significant++;
    }
    for (let at = (end[b] as number) - 1; at >= (start[b] as number) && significant < colours; at--) {
      const one = neighbours[at] as number;
      if (standing[one] === 1 && (degree[one] as number) >= colours && !graph.interferes(a, one)) significant++;
    }
    return significant < colours;
  }

  #merge(a: number, b: number): void {
    this.#clock++;
    this.#changedAt[a] = this.#clock;
    this.#graph.merge(a, b);
    this.#noteNeighbours(b);
  }

  /** The neighbours of a register that went away have changed, and theirs, where one is easy to colour since. */
  #noteNeighbours(register: number): void {
    const { start, end, neighbours, standing, degree } = this.#graph;
    for (let at = (end[register] as number) - 1; at >= (start[register] as number); at--) {
      const one = neighbours[at] as number;
      if (standing[one] === 0) continue;
      this.#changedAt[one] = this.#clock;
      if (degree[one] !== colours - 1) continue;
      for (let i = (end[one] as number) - 1; i >= (start[one] as number); i--)
        this.#changedAt[neighbours[i] as number] = this.#clock;
    }
  }

  /** Makes ready for `freeColour`. */
  link(): void {
    const graph = this.#graph;
    const moves = this.#list;
    this.#first = new Int32Array(graph.size).fill(-1);
    this.#next = new Int32Array(moves.length * 2);
    this.#other = new Int32Array(moves.length * 2);
    for (let i = moves.length - 1; i >= 0; i--) {
      const { to, from } = moves[i] as Move;
      this.#link(i * 2, graph.find(to), graph.find(from));
      this.#link(i * 2 + 1, graph.find(from), graph.find(to));
    }
  }

  #link(at: number, of: number, other: number): void {
    this.#other[at] = other;
    this.#next[at] = this.#first[of] as number;
    this.#first[of] = at;
  }

  /** A colour that is not taken: rather that of the other end of a copy, which is then gone. -1 when there is none. */
  freeColour(register: number, taken: number, colourOf: Int8Array): number {
    for (let at = this.#first[register] as number; at >= 0; at = this.#next[at] as number) {
      const colour = colourOf[this.#other[at] as number] as number;
      if (colour >= 0 && ((taken >>> colour) & 1) === 0) return colour;
    }
    for (const colour of preferred) if (((taken >>> colour) & 1) === 0) return colour;
    return -1;
  }
}
