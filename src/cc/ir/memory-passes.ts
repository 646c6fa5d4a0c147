import type { HelperName } from '../../uapi/index.ts';
import { helperPrototype } from '../dialect/helper-prototypes.ts';
import { bitsOf } from './fold.ts';
import {
  type Block,
  type FrameScope,
  type IrFunction,
  numberBlocks,
  resolve,
  resolveArguments,
  type Slot,
  Value,
} from './ir.ts';

/**
 * Locals in memory: a load gets the value that was stored, stores that nobody reads go away. Only slots whose address
 * goes nowhere but into loads, stores and helper calls are looked at; what a helper writes is known.
 */
interface Known {
  readonly offset: number;
  readonly size: number;
  readonly value: Value;
}

/** What is known of memory, by its slot or address. A copy is made when one of those that share it changes. */
class State {
  #lists: Map<Slot | Value, Known[]>;
  #isShared = false;

  constructor(lists = new Map<Slot | Value, Known[]>()) {
    this.#lists = lists;
  }

  get(key: Slot | Value): Known[] | undefined {
    return this.#lists.get(key);
  }

  set(key: Slot | Value, list: Known[]): void {
    this.#unshare();
    this.#lists.set(key, list);
  }

  delete(key: Slot | Value): void {
    if (!this.#lists.has(key)) return;
    this.#unshare();
    this.#lists.delete(key);
  }

  clear(): void {
    if (this.#lists.size === 0) return;
    this.#lists = new Map();
    this.#isShared = false;
  }

  /** Another one that knows the same. */
  share(): State {
    const other = new State(this.#lists);
    this.#isShared = other.#isShared = true;
    return other;
  }

  #unshare(): void {
    if (this.#isShared) this.#lists = new Map(this.#lists);
    this.#isShared = false;
  }
}

/** Whether any variable lies in memory. */
function hasSlots({ slots, inner }: FrameScope): boolean {
  return slots.length > 0 || inner.some(hasSlots);
}

/** Slots whose address is mixed with others or stored somewhere. */
export function wildSlots(f: IrFunction): Set<Slot> {
  const wild = new Set<Slot>();
  if (!hasSlots(f.frame)) return wild;
  const mark = (value: Value): void => {
    const source = resolve(value);
    if (source.op === 'stack' && source.slot) wild.add(source.slot);
  };
  for (const block of f.blocks) {
    for (const phi of block.phis) for (const arg of phi.args) mark(arg);
    for (const value of block.values) {
      if (value.op === 'helper') continue;
      const from = value.op === 'load' || value.op === 'atomic' || value.op === 'store' ? 1 : 0;
      for (let i = from; i < value.args.length; i++) mark(value.args[i] as Value);
    }
    const { end } = block;
    if (end?.kind === 'return') mark(end.value);
    if (end?.kind === 'branch') {
      mark(end.left);
      mark(end.right);
    }
  }
  return wild;
}

function writtenBy(name: HelperName | undefined): readonly number[] | undefined {
  return name && helperPrototype(name).writes;
}

/** Forgets the slots that a call may write to. */
function forgetWritten(value: Value, stack: State): void {
  if (value.op === 'helper') {
    const writes = writtenBy(value.helper) ?? value.args.keys();
    for (const i of writes) forgetSlot(value.args[i], stack);
  } else if (value.op === 'atomic') forgetSlot(value.args[0], stack);
}

function forgetSlot(address: Value | undefined, stack: State): void {
  const base = address && resolve(address);
  if (base?.op === 'stack' && base.slot) stack.delete(base.slot);
}

/** What is known behind a block: of the stack, and of other memory. */
interface Behind {
  readonly stack: State;
  readonly other: State;
}

/** @returns whether a load got a value */
export function forwardStores(f: IrFunction): boolean {
  const wild = wildSlots(f);
  const behind: (Behind | undefined)[] = [];
  let changed = false;
  numberBlocks(f.blocks);
  for (const block of f.blocks) {
    const { stack, other } = knownBefore(block, behind);
    const { values } = block;
    let kept = 0;
    for (const value of values) {
      resolveArguments(value);
      if (value.op === 'load') {
        const key = keyOf(value, wild);
        if (key && forwarded(value, key, key instanceof Value ? other : stack)) continue;
      } else if (value.op === 'store') noteStore(value, stack, other, wild);
      else if (
        value.op === 'asm' ||
        value.op === 'helper' ||
        value.op === 'call' ||
        value.op === 'atomic' ||
        value.op === 'packet'
      )
        other.clear();
      forgetWritten(value, stack);
      values[kept++] = value;
    }
    if (kept < values.length) {
      values.length = kept;
      changed = true;
    }
    behind[block.place] = { stack, other };
  }
  if (!changed) return false;
  for (const { phis, end } of f.blocks) {
    phis.forEach(resolveArguments);
    if (end?.kind === 'return') end.value = resolve(end.value);
    if (end?.kind === 'branch') {
      end.left = resolve(end.left);
      end.right = resolve(end.right);
    }
  }
  return true;
}

/** What is known where a block begins: what the only block before it left, which no other goes on from takes as it is. */
function knownBefore(block: Block, behind: readonly (Behind | undefined)[]): Behind {
  const { preds } = block;
  const only = preds.length === 1 ? preds[0] : undefined;
  const before = only && behind[only.place];
  // A way in that was found closed may still be listed.
  const end = only?.end;
  if (!before || (end?.kind === 'goto' && end.to !== block)) return { stack: new State(), other: new State() };
  if (end?.kind === 'goto') return before;
  return { stack: before.stack.share(), other: before.other.share() };
}

/** What memory is known by: its slot, or the address that it is reached from. Undefined where others may write. */
function keyOf(value: Value, wild: Set<Slot>): Slot | Value | undefined {
  const base = value.args[0] as Value;
  if (value.volatile) return undefined;
  if (base.op !== 'stack') return base;
  return base.slot && !wild.has(base.slot) ? base.slot : undefined;
}

/** Gives a load the value that lies there; else notes what it reads. */
function forwarded(load: Value, key: Slot | Value, state: State): boolean {
  const offset = (load.args[0] as Value).offset * (key instanceof Value ? 0 : 1) + load.offset;
  const known = state.get(key) ?? [];
  const found = known.find((one) => one.offset === offset && one.size === load.size);
  if (found) {
    load.same = found.value;
    return true;
  }
  state.set(key, [...known, { offset, size: load.size, value: load }]);
  return false;
}

function noteStore(store: Value, stack: State, other: State, wild: Set<Slot>): void {
  const key = keyOf(store, wild);
  const onStack = key !== undefined && !(key instanceof Value);
  const offset = (store.args[0] as Value).offset * (onStack ? 1 : 0) + store.offset;
  const state = onStack ? stack : other;
  const kept = (key && state.get(key)) ?? [];
  // Two addresses may be one, but not two places at the same address.
  if (!onStack) other.clear();
  if (!key) return;
  const list = kept.filter((one) => one.offset + one.size <= offset || one.offset >= offset + store.size);
  const value = loadedAs(store.args[1] as Value, store);
  if (value) list.push({ offset, size: store.size, value });
  state.set(key, list);
}

/** What a load of the same size would give after a store of `value`. */
function loadedAs(value: Value, store: Value): Value | undefined {
  const width = store.size === 8 ? 64 : 32;
  if (value.op === 'const') {
    const made = new Value(value.id, 'const', width, [], value.at);
    made.constant = BigInt.asUintN(store.size * 8, value.constant);
    return made;
  }
  if (value.width !== width) return undefined;
  return store.size >= 4 || bitsOf(value) <= store.size * 8 ? value : undefined;
}

/**
 * Takes away stores to slots that nobody reads, and stores that are overwritten before anybody does.
 * @returns whether there were any
 */
export function removeDeadStores(f: IrFunction): boolean {
  if (!hasSlots(f.frame)) return false;
  let changed = false;
  const wild = wildSlots(f);
  const read = new Set<Slot>();
  for (const block of f.blocks) {
    for (const value of block.values) {
      for (let i = value.op === 'store' ? 1 : 0; i < value.args.length; i++) {
        const base = resolve(value.args[i] as Value);
        if (base.op === 'stack' && base.slot) read.add(base.slot);
      }
    }
  }
  for (const block of f.blocks) {
    const covered = new Map<Slot, Uint8Array>();
    const kept: Value[] = [];
    for (let i = block.values.length - 1; i >= 0; i--) {
      const value = block.values[i] as Value;
      if (!isDeadStore(value, wild, read, covered)) kept.push(value);
    }
    if (kept.length === block.values.length) continue;
    block.values = kept.reverse();
    changed = true;
  }
  return changed;
}

function isDeadStore(value: Value, wild: Set<Slot>, read: Set<Slot>, covered: Map<Slot, Uint8Array>): boolean {
  const base = value.args[0] && resolve(value.args[0]);
  const slot = base?.op === 'stack' ? base.slot : undefined;
  if (value.op === 'store' && slot && base && !wild.has(slot)) {
    if (!read.has(slot)) return true;
    let bytes = covered.get(slot);
    if (!bytes) {
      bytes = new Uint8Array(slot.size);
      covered.set(slot, bytes);
    }
    const start = base.offset + value.offset;
    if (start < 0 || start + value.size > slot.size) return false;
    if (bytes.subarray(start, start + value.size).every((one) => one === 1)) return true;
    bytes.fill(1, start, start + value.size);
    return false;
  }
  if (value.op === 'load' && slot && base) {
    covered.get(slot)?.fill(0, Math.max(0, base.offset + value.offset), base.offset + value.offset + value.size);
    return false;
  }
  if (value.op === 'stack' || value.op === 'store') return false;
  for (const arg of value.args) {
    const source = resolve(arg);
    if (source.op === 'stack' && source.slot) covered.delete(source.slot);
  }
  if (value.op === 'call' || value.op === 'helper' || value.op === 'asm') for (const one of wild) covered.delete(one);
  return false;
}
