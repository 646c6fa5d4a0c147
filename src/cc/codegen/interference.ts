import { firstVirtual } from './machine.ts';

/** Room for neighbours that a register begins with. */
const leastRoom = 8;

/** The real registers that are given out: r0 to r9. */
export const colours = 10;

/**
 * The interference graph: which registers are live at once and must not be one. A triangle of bits answers whether two
 * virtual registers interfere, and a row for each names its neighbours; the real registers that one must not be are
 * bits of a mask. Registers that were merged into others or spilled stay in the rows of their neighbours, and stand
 * no more.
 */
export class InterferenceGraph {
  /** How many registers there are. */
  size = 0;
  /** For each register, bits of the real ones that it must not be. */
  forbidden = new Uint16Array(0);
  /** How many registers each must not be, real ones included. */
  degree = new Int32Array(0);
  /** What spilling each would cost: its uses, those in loops counted more. */
  cost = new Float64Array(0);
  /** 1 for registers that are in the graph. */
  standing = new Uint8Array(0);
  /** The rows, one behind the other: where a register's begins and ends. The latest neighbours come last. */
  start = new Int32Array(0);
  end = new Int32Array(0);
  neighbours = new Int32Array(0);
  /** Where the room of each row ends: one that is full moves behind all others, with twice as much. */
  #limit = new Int32Array(0);
  #free = 0;
  /** What each register was merged into. */
  #alias = new Int32Array(0);
  #bits = new Uint32Array(0);

  /** Takes in the registers up to `size`. */
  grow(size: number): void {
    const old = this.size;
    this.size = size;
    if (size > this.start.length) this.#reserve(size + (size >> 3));
    for (let i = old; i < size; i++) {
      this.#alias[i] = i;
      this.standing[i] = i < firstVirtual ? 0 : 1;
    }
  }

  #reserve(capacity: number): void {
    const into = <A extends { set(from: A): void }>(to: A, from: A): A => {
      to.set(from);
      return to;
    };
    this.forbidden = into(new Uint16Array(capacity), this.forbidden);
    this.degree = into(new Int32Array(capacity), this.degree);
    this.cost = into(new Float64Array(capacity), this.cost);
    this.standing = into(new Uint8Array(capacity), this.standing);
    this.start = into(new Int32Array(capacity), this.start);
    this.end = into(new Int32Array(capacity), this.end);
    this.#limit = into(new Int32Array(capacity), this.#limit);
    this.#alias = into(new Int32Array(capacity), this.#alias);
    this.#bits = into(new Uint32Array(Math.ceil((capacity * (capacity - 1)) / 64) + 1), this.#bits);
  }

  /** The register that stands for one and all that it was merged with. */
  find(register: number): number {
    const alias = this.#alias;
    let at = register;
    for (let up = alias[at] as number; up !== at; up = alias[at] as number) {
      const above = alias[up] as number;
      alias[at] = above;
      at = above;
    }
    return at;
  }

  /** @param a, b two different registers; b is virtual */
  interferes(a: number, b: number): boolean {
    if (a < colours) return (((this.forbidden[b] as number) >>> a) & 1) !== 0;
    const bit = a > b ? (a * (a - 1)) / 2 + b : (b * (b - 1)) / 2 + a;
    return (((this.#bits[bit >>> 5] as number) >>> (bit & 31)) & 1) !== 0;
  }

  /** Notes that two virtual registers interfere. */
  interfere(a: number, b: number): void {
    if (a === b) return;
    const bit = a > b ? (a * (a - 1)) / 2 + b : (b * (b - 1)) / 2 + a;
    const old = this.#bits[bit >>> 5] as number;
    const now = (old | (1 << (bit & 31))) >>> 0;
    if (now === old) return;
    this.#bits[bit >>> 5] = now;
    this.#append(a, b);
    this.#append(b, a);
  }

  #append(of: number, other: number): void {
    if (this.end[of] === this.#limit[of]) this.#move(of);
    const at = this.end[of] as number;
    this.neighbours[at] = other;
    this.end[of] = at + 1;
    this.degree[of] = (this.degree[of] as number) + 1;
  }

  #move(row: number): void {
    const [from, to] = [this.start[row] as number, this.end[row] as number];
    const start = this.#free;
    this.#free += Math.max(leastRoom, (to - from) * 2);
    if (this.#free > this.neighbours.length) this.#lengthen();
    const { neighbours } = this;
    for (let at = from; at < to; at++) neighbours[start + at - from] = neighbours[at] as number;
    this.start[row] = start;
    this.end[row] = start + to - from;
    this.#limit[row] = this.#free;
  }

  #lengthen(): void {
    const { neighbours } = this;
    this.neighbours = new Int32Array(Math.max(this.#free * 2, this.size * leastRoom * 4));
    this.neighbours.set(neighbours);
  }

  /** Notes that a virtual register must not be any of some real ones. */
  forbid(register: number, mask: number): void {
    const old = this.forbidden[register] as number;
    let fresh = mask & ~old;
    if (fresh === 0) return;
    this.forbidden[register] = old | fresh;
    let count = 0;
    for (; fresh !== 0; fresh &= fresh - 1) count++;
    this.degree[register] = (this.degree[register] as number) + count;
  }

  /** Takes a register out; its neighbours have one less. */
  remove(register: number): void {
    this.standing[register] = 0;
    const start = this.start[register] as number;
    for (let at = (this.end[register] as number) - 1; at >= start; at--) {
      const other = this.neighbours[at] as number;
      this.degree[other] = (this.degree[other] as number) - 1;
    }
  }

  /** Makes b the register a, which takes over its neighbours. They must not interfere. */
  merge(a: number, b: number): void {
    this.#alias[b] = a;
    this.cost[a] = (this.cost[a] as number) + (this.cost[b] as number);
    this.remove(b);
    if (a >= firstVirtual) this.forbid(a, this.forbidden[b] as number);
    const start = this.start[b] as number;
    for (let at = (this.end[b] as number) - 1; at >= start; at--) {
      const other = this.neighbours[at] as number;
      if (this.standing[other] === 0) continue;
      if (a < colours) this.forbid(other, 1 << a);
      else this.interfere(a, other);
    }
  }
}
