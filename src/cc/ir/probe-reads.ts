import { helpers } from '../../uapi/index.ts';
import { countUses, type IrFunction, resolve, type Slot, Value } from './ir.ts';
import { wildSlots } from './memory-passes.ts';
import { type ProvenanceOptions, provenanceOf, readsDirectly } from './provenance.ts';

/**
 * A load that may not be made directly becomes a probe read into a temporary, and a load from there. One temporary
 * serves all of them: it is read at once. A load that only goes into a local is read right there.
 * @returns whether there was any
 */
export function expandProbeReads(f: IrFunction, origin: ProvenanceOptions): boolean {
  const indirect = new Set<Value>();
  for (const { values } of f.blocks) {
    for (const value of values) if (value.op === 'load' && !isDirect(value, origin)) indirect.add(value);
  }
  if (indirect.size === 0) return false;
  new ProbeReads(f, indirect).run();
  return true;
}

function isDirect(load: Value, origin: ProvenanceOptions): boolean {
  if (load.access === 'user') return false;
  const base = resolve(load.args[0] as Value);
  return provenanceOf(base, origin) !== 'unknown' || readsDirectly(base, load.offset, load.size, origin);
}

class ProbeReads {
  readonly #f: IrFunction;
  readonly #indirect: ReadonlySet<Value>;
  readonly #wild: ReadonlySet<Slot>;
  /** Stores whose place the read itself writes. */
  readonly #gone = new Set<Value>();
  #temporary: Slot | undefined;
  #id = 1_000_000;

  constructor(f: IrFunction, indirect: ReadonlySet<Value>) {
    this.#f = f;
    this.#indirect = indirect;
    this.#wild = wildSlots(f);
    countUses(f);
  }

  run(): void {
    for (const block of this.#f.blocks) {
      const made: Value[] = [];
      for (const [i, value] of block.values.entries()) {
        if (this.#gone.has(value)) continue;
        if (this.#indirect.has(value)) this.#expand(value, this.#destination(value, block.values, i), made);
        else made.push(value);
      }
      block.values = made;
    }
  }

  #expand(load: Value, store: Value | undefined, made: Value[]): void {
    const base = resolve(load.args[0] as Value);
    const helper = load.access === 'user' ? 'probe_read_user' : 'probe_read_kernel';
    const address = this.#plus(base, load.offset, load);
    if (address !== base) made.push(address);
    const to = this.#make(load, 'stack', [], this.#place(store));
    const size = this.#make(load, 'const', [], { constant: BigInt(load.size) });
    made.push(to, this.#make(load, 'helper', [to, size, address], { helper, imm: helpers[helper].id }));
    if (store) {
      this.#gone.add(store);
      return;
    }
    load.args = [to];
    load.offset = 0;
    load.access = 'direct';
    made.push(load);
  }

  /** The store to a local that is the only use of a load, where nothing between the two names that local. */
  #destination(load: Value, values: readonly Value[], at: number): Value | undefined {
    if (load.volatile || load.uses !== 1) return undefined;
    let end = at + 1;
    while (end < values.length && !(values[end] as Value).args.some((arg) => resolve(arg) === load)) end++;
    const store = values[end];
    if (store?.op !== 'store' || resolve(store.args[1] as Value) !== load || store.size !== load.size) return undefined;
    const { slot } = resolve(store.args[0] as Value);
    if (!slot || this.#wild.has(slot)) return undefined;
    for (let i = at + 1; i < end; i++) {
      if ((values[i] as Value).args.some((arg) => resolve(arg).slot === slot)) return undefined;
    }
    return store;
  }

  /** Where a read goes: to the local that it is for, or the temporary. */
  #place(store: Value | undefined): Partial<Value> {
    if (store) {
      const { slot, offset } = resolve(store.args[0] as Value);
      return { slot, offset: offset + store.offset };
    }
    if (!this.#temporary) {
      this.#temporary = { number: -1, name: '', size: 8, align: 8, scope: this.#f.frame, place: 0 };
      this.#f.frame.slots.push(this.#temporary);
    }
    return { slot: this.#temporary };
  }

  #plus(base: Value, offset: number, like: Value): Value {
    if (offset === 0) return base;
    const by = this.#make(like, 'const', [], { constant: BigInt.asUintN(64, BigInt(offset)) });
    return this.#make(like, 'add', [base, by], {});
  }

  #make(like: Value, op: Value['op'], args: Value[], set: Partial<Value>): Value {
    const value = new Value(this.#id++, op, 64, args, like.at);
    return Object.assign(value, set, { block: like.block });
  }
}
