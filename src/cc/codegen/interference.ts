import { firstVirtual } from './machine.ts';

/** Those that a register of a program has, more or less. */
const neighbours = 32;

/** The real registers that are given out: r0 to r9. */
export const colours = 10;

/**
 * The interference graph: which registers are live at once and must not be one. A triangle of bits answers whether two
 * virtual registers interfere, and a chain for each names its neighbours; the real registers that one must not be are
 * bits of a mask. Registers that were merged into others or spilled stay in the chains of their neighbours, and stand
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
  /** The chains: where a register's begins; a neighbour and, behind it, the place of the next one. -1 ends a chain. */
  first = new Int32Array(0);
  links = new Int32Array(0);
  #end = 0;
  /** What each register was merged into. */
  #alias = new Int32Array(0);
  #bits = new Uint32Array(0);

  /** Takes in the registers up to `size`. */
  grow(size: number): void {
    const old = this.size;
    this.size = size;
    if (size > this.first.length) this.#reserve(size + (size >> 3));
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
    this.first = into(new Int32Array(capacity).fill(-1), this.first);
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
    if (this.#end + 4 > this.links.length) this.#lengthen();
    this.#chain(a, b);
    this.#chain(b, a);
  }

  #chain(of: number, other: number): void {
    const at = this.#end;
    this.#end += 2;
    this.links[at] = other;
    this.links[at + 1] = this.first[of] as number;
    this.first[of] = at;
    this.degree[of] = (this.degree[of] as number) + 1;
  }

  #lengthen(): void {
    const { links } = this;
    this.links = new Int32Array(Math.max(links.length * 2, this.size * neighbours * 2));
    this.links.set(links);
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
    for (let at = this.first[register] as number; at >= 0; at = this.links[at + 1] as number) {
      const other = this.links[at] as number;
      this.degree[other] = (this.degree[other] as number) - 1;
    }
  }

  /** Makes b the register a, which takes over its neighbours. They must not interfere. */
  merge(a: number, b: number): void {
    this.#alias[b] = a;
    this.cost[a] = (this.cost[a] as number) + (this.cost[b] as number);
    this.remove(b);
    if (a >= firstVirtual) this.forbid(a, this.forbidden[b] as number);
    for (let at = this.first[b] as number; at >= 0; at = this.links[at + 1] as number) {
      const other = this.links[at] as number;
      if (this.standing[other] === 0) continue;
      if (a < colours) this.forbid(other, 1 << a);
      else this.interfere(a, other);
    }
  }
}
