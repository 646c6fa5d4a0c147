import { errno } from '../../src/base/index.ts';
import type { MapSpec } from '../../src/object/index.ts';
import type { Helper } from '../../src/vm/index.ts';
import type { TestHost } from '../vm/host.ts';

/** Tables of compiled C on a test's host: what lookup, update and delete do, on arrays and hash tables. */
export const kernelSpace = 0xffff8880;

/** Keys have 32 bits. */
export class Tables {
  readonly helpers: Readonly<Record<number, Helper>> = {
    1: (window) => {
      const found = this.#tables.get(window.low(1))?.at(window.memory.u32[window.low(2) >>> 2] as number);
      if (found === undefined) window.answer(0);
      else window.answerHalves(kernelSpace, found);
    },
    2: (window) => {
      const table = this.#tables.get(window.low(1));
      const key = window.memory.u32[window.low(2) >>> 2] as number;
      window.answer(table?.update(key, window.low(3), window.low(4)) ?? -22);
    },
    3: (window) => {
      const key = window.memory.u32[window.low(2) >>> 2] as number;
      window.answer(this.#tables.get(window.low(1))?.remove(key) ?? -22);
    },
  };
  readonly #tables = new Map<number, Table>();

  /** The address that stands for a table. */
  add(spec: MapSpec, host: TestHost): number {
    const place = host.place(new Uint8Array(8));
    this.#tables.set(place, new Table(spec, host));
    return place;
  }
}

class Table {
  readonly #spec: MapSpec;
  readonly #host: TestHost;
  readonly #values = new Map<number, number>();

  constructor(spec: MapSpec, host: TestHost) {
    this.#spec = spec;
    this.#host = host;
    if (spec.type === 'array') for (let key = 0; key < spec.maxEntries; key++) this.#make(key);
  }

  #make(key: number): number {
    const place = this.#host.place(new Uint8Array(this.#spec.valueSize));
    this.#values.set(key, place);
    return place;
  }

  at(key: number): number | undefined {
    return this.#values.get(key);
  }

  update(key: number, from: number, flags: number): number {
    if (this.#spec.type === 'array' && key >= this.#spec.maxEntries) return -errno.E2BIG;
    if (flags === 1 && this.#values.has(key)) return -errno.EEXIST;
    const to = this.#values.get(key) ?? this.#make(key);
    this.#host.memory.u8.copyWithin(to, from, from + this.#spec.valueSize);
    return 0;
  }

  remove(key: number): number {
    if (this.#spec.type === 'array') return -errno.EINVAL;
    return this.#values.delete(key) ? 0 : -errno.ENOENT;
  }
}
