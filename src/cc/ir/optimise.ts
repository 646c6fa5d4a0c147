import { helpers } from '../../uapi/index.ts';
import { pruneBlocks, simplifyFlow, simplifyPhis, splitCriticalEdges } from './flow.ts';
import { type IrFunction, isPure, resolve, type Slot, Value } from './ir.ts';
import { forwardStores, removeDeadStores, wildSlots } from './memory-passes.ts';
import { numberValues } from './numbering.ts';
import { type ProvenanceOptions, provenanceOf, readsDirectly } from './provenance.ts';
import { threadJumps } from './threading.ts';

/** The passes over SSA, in their order. */
export function optimise(f: IrFunction, origin: ProvenanceOptions): void {
  pruneBlocks(f);
  simplifyPhis(f);
  numberValues(f, origin);
  forwardStores(f);
  removeUnused(f);
  expandProbeReads(f, origin);
  for (let round = 0; round < 2; round++) {
    forwardStores(f);
    numberValues(f, origin);
    simplifyFlow(f);
    if (threadJumps(f)) simplifyFlow(f);
  }
  removeDeadStores(f);
  removeUnused(f);
  simplifyFlow(f);
  splitCriticalEdges(f);
}

/** Keeps what has effects and what that needs; an atomic operation whose result nobody wants fetches none. */
export function removeUnused(f: IrFunction): void {
  const used = new Set<Value>();
  const pending: Value[] = [];
  const need = (value: Value): void => {
    const source = resolve(value);
    if (used.has(source)) return;
    used.add(source);
    pending.push(source);
  };
  const effects = new Set<Value>();
  for (const block of f.blocks) {
    for (const value of block.values) {
      if (isPure(value) || (value.op === 'load' && !value.volatile)) continue;
      effects.add(value);
      pending.push(value);
    }
    if (block.end?.kind === 'return') need(block.end.value);
    if (block.end?.kind === 'branch') {
      need(block.end.left);
      need(block.end.right);
    }
  }
  for (let value = pending.pop(); value; value = pending.pop()) for (const arg of value.args) need(arg);
  for (const block of f.blocks) {
    block.values = block.values.filter((value) => effects.has(value) || used.has(value));
    for (let i = block.phis.length - 1; i >= 0; i--) if (!used.has(block.phis[i] as Value)) block.phis.splice(i, 1);
    for (const value of block.values) if (value.op === 'atomic' && !used.has(value)) withoutFetch(value);
  }
}

function withoutFetch(value: Value): void {
  const plain = { fetchAdd: 'add', fetchOr: 'or', fetchAnd: 'and', fetchXor: 'xor' } as const;
  if (Object.hasOwn(plain, value.atomic)) value.atomic = plain[value.atomic as keyof typeof plain];
}

/**
 * A load that may not be made directly becomes a probe read into a temporary, and a load from there. One temporary
 * serves all of them: it is read at once.
 */
function expandProbeReads(f: IrFunction, origin: ProvenanceOptions): void {
  let temporary: Slot | undefined;
  let id = 1_000_000;
  const make = (like: Value, op: Value['op'], args: Value[], set: Partial<Value>): Value => {
    const value = new Value(id++, op, 64, args, like.at);
    return Object.assign(value, set, { block: like.block });
  };
  const destinations = storedAtOnce(f);
  const gone = new Set<Value>();
  for (const block of f.blocks) {
    const values: Value[] = [];
    for (const value of block.values) {
      if (gone.has(value)) continue;
      const base = value.op === 'load' ? resolve(value.args[0] as Value) : undefined;
      const user = value.access === 'user';
      if (!base || (!user && isDirect(value, base, origin))) {
        values.push(value);
        continue;
      }
      const store = destinations.get(value);
      const into = store && resolve(store.args[0] as Value);
      if (!temporary && !into) {
        temporary = { name: '', size: 8, align: 8, scope: f.frame, place: 0 };
        f.frame.slots.push(temporary);
      }
      const helper = user ? 'probe_read_user' : 'probe_read_kernel';
      const address = addOffset(base, value.offset, make, value);
      const place = into ? { slot: into.slot, offset: into.offset + (store?.offset ?? 0) } : { slot: temporary };
      const to = make(value, 'stack', [], place);
      const size = make(value, 'const', [], { constant: BigInt(value.size) });
      values.push(...(address === base ? [] : [address]), to);
      values.push(make(value, 'helper', [to, size, address], { helper, imm: helpers[helper].id }));
      if (store) {
        gone.add(store);
        continue;
      }
      value.args = [to];
      value.offset = 0;
      value.access = 'direct';
      values.push(value);
    }
    block.values = values;
  }
}

function isDirect(load: Value, base: Value, origin: ProvenanceOptions): boolean {
  return provenanceOf(base, origin) !== 'unknown' || readsDirectly(base, load.offset, load.size, origin);
}

/** Loads whose value goes nowhere but into one local, untouched in between: the read can be made right there. */
function storedAtOnce(f: IrFunction): Map<Value, Value> {
  const uses = new Map<Value, number>();
  const count = (value: Value): void => {
    uses.set(resolve(value), (uses.get(resolve(value)) ?? 0) + 1);
  };
  for (const block of f.blocks) {
    for (const value of [...block.phis, ...block.values]) value.args.forEach(count);
    if (block.end?.kind === 'return') count(block.end.value);
    if (block.end?.kind === 'branch') [block.end.left, block.end.right].forEach(count);
  }
  const wild = wildSlots(f);
  const found = new Map<Value, Value>();
  for (const block of f.blocks) {
    for (const [i, value] of block.values.entries()) {
      if (value.op !== 'load' || value.volatile || uses.get(value) !== 1) continue;
      const store = block.values.slice(i + 1).find((one) => one.args.some((arg) => resolve(arg) === value));
      if (store?.op !== 'store' || resolve(store.args[1] as Value) !== value || store.size !== value.size) continue;
      const slot = resolve(store.args[0] as Value).slot;
      if (!slot || wild.has(slot)) continue;
      const between = block.values.slice(i + 1, block.values.indexOf(store));
      if (!between.some((one) => one.args.some((arg) => resolve(arg).slot === slot))) found.set(value, store);
    }
  }
  return found;
}

function addOffset(
  base: Value,
  offset: number,
  make: (like: Value, op: Value['op'], args: Value[], set: Partial<Value>) => Value,
  like: Value,
): Value {
  if (offset === 0) return base;
  const by = make(like, 'const', [], { constant: BigInt.asUintN(64, BigInt(offset)) });
  return make(like, 'add', [base, by], {});
}
