import type { Btf, TypeId } from '../../btf/index.ts';
import type { Memory } from '../../memory/index.ts';

/**
 * The kernel's variables that BTF tells of, which are those of each CPU (.data..percpu): a copy for each, side by side.
 * Nobody plays the scheduler or the page allocator, so they hold zeros, but for a CPU's own number. Made when a program
 * first names one.
 */
export class KernelVariables {
  readonly #memory: Memory;
  readonly #btf: Btf;
  readonly #cpus: number;
  readonly #places = new Map<TypeId, number>();
  /** Bytes from one CPU's copy to the next, by the offset of the first. */
  readonly #strides = new Map<number, number>();

  constructor(memory: Memory, btf: Btf, cpus: number) {
    this.#memory = memory;
    this.#btf = btf;
    this.#cpus = cpus;
  }

  /** The offset of the first CPU's copy; 0 for an id that is no variable. */
  address(id: TypeId): number {
    const known = this.#places.get(id);
    if (known !== undefined) return known;
    const variable = this.#btf.type(id);
    if (variable.kind !== 'variable') return 0;
    const stride = Math.max(8, Math.ceil(this.#btf.sizeOf(variable.type) / 8) * 8);
    const at = this.#memory.allocate(stride * this.#cpus);
    this.#places.set(id, at);
    this.#strides.set(at, stride);
    if (variable.name === 'cpu_number') {
      for (let cpu = 0; cpu < this.#cpus; cpu++) this.#memory.view.setUint32(at + cpu * stride, cpu, true);
    }
    return at;
  }

  /** A CPU's copy of the variable at an offset; 0 for no variable, or no CPU. */
  ofCpu(first: number, cpu: number): number {
    const stride = this.#strides.get(first);
    return stride === undefined || cpu >= this.#cpus ? 0 : first + cpu * stride;
  }
}
