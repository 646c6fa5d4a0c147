import type { Register } from '../../isa/index.ts';
import { load } from './bodies.ts';
import { framePointer, Machine, type MachineBlock, type MachineFunction } from './machine.ts';

/**
 * Keeps registers in the stack, eight bytes for each group of them that is one: read before each use, written after each
 * change, in a new register that lives no longer. A copy to or from the stack needs none.
 */
export class Spiller {
  readonly #f: MachineFunction;
  /** Of each register, the number of its group; -1: it stays. */
  readonly #groups: Int32Array;
  /** Bytes of the frame before the groups. */
  readonly #frame: number;
  #code: Machine[] = [];

  constructor(f: MachineFunction, groups: Int32Array, count: number) {
    this.#f = f;
    this.#groups = groups;
    this.#frame = Math.ceil(f.frame / 8) * 8;
    f.frame = this.#frame + count * 8;
  }

  /** @returns the blocks that changed */
  run(): MachineBlock[] {
    return this.#f.blocks.filter((block) => this.#isTouched(block) && this.#block(block));
  }

  #isTouched({ code, end }: MachineBlock): boolean {
    if (
      end.kind === 'branch' &&
      (this.#isGone(end.left) || ('register' in end.right && this.#isGone(end.right.register)))
    )
      return true;
    for (const machine of code) if (this.#names(machine)) return true;
    return false;
  }

  #names({ def, uses }: Machine): boolean {
    if (def >= 0 && this.#isGone(def)) return true;
    for (let i = 0; i < uses.length; i++) if (this.#isGone(uses[i] as number)) return true;
    return false;
  }

  #isGone(register: number): boolean {
    return (this.#groups[register] as number) >= 0;
  }

  #block(block: MachineBlock): true {
    const { code, end } = block;
    this.#code = [];
    for (const machine of code) {
      if (!this.#names(machine)) this.#code.push(machine);
      else if (machine.move) this.#copy(machine);
      else this.#around(machine);
    }
    if (end.kind === 'branch') {
      const right = 'register' in end.right ? end.right.register : -1;
      const left = this.#reloaded(end.left, end.at);
      if (right === end.left) end.right = { register: left };
      else if (right >= 0) end.right = { register: this.#reloaded(right, end.at) };
      end.left = left;
    }
    block.code = this.#code;
    return true;
  }

  /** A copy becomes a load or a store, or nothing within one group. */
  #copy({ def, uses: [from], at }: Machine): void {
    const source = from as number;
    const into = this.#groups[def] as number;
    if (into < 0) this.#load(def, this.#groups[source] as number, at);
    else if (into !== this.#groups[source]) this.#save(this.#reloaded(source, at), into, at);
  }

  #around(machine: Machine): void {
    const { def, uses, at } = machine;
    const before = [...uses];
    for (const [i, use] of before.entries()) {
      const same = before.findIndex((one) => this.#groups[one] === this.#groups[use]);
      uses[i] = this.#isGone(use) && same < i ? (uses[same] as number) : this.#reloaded(use, at);
    }
    this.#code.push(machine);
    if (def < 0 || !this.#isGone(def)) return;
    const group = this.#groups[def] as number;
    const same = before.findIndex((one) => this.#groups[one] === group);
    machine.def = same < 0 ? this.#f.registers++ : (uses[same] as number);
    this.#save(machine.def, group, at);
  }

  /** The register itself, or a new one with what the stack holds of it. */
  #reloaded(register: number, at: Machine['at']): number {
    const group = this.#groups[register] as number;
    if (group < 0) return register;
    const to = this.#f.registers++;
    this.#load(to, group, at);
    return to;
  }

  #offset(group: number): number {
    return -(this.#frame + (group + 1) * 8);
  }

  #load(to: number, group: number, at: Machine['at']): void {
    const offset = this.#offset(group);
    this.#code.push(new Machine(to, [framePointer], at, (dst, [base]) => load(dst, base as Register, offset, 8)));
  }

  #save(from: number, group: number, at: Machine['at']): void {
    const offset = this.#offset(group);
    this.#code.push(
      new Machine(-1, [framePointer, from], at, (_, [base, src]) => ({
        kind: 'store',
        size: 8,
        base: base as Register,
        offset,
        src: { kind: 'register', register: src as Register },
      })),
    );
  }
}
