import { swappedBytes } from '../../base/index.ts';
import type { JumpOperation, Size } from '../../isa/index.ts';
import type { Token } from '../preprocess/token.ts';
import type { TableObject } from '../syntax/ast.ts';
import { decide, narrow, testedBits } from './decide.ts';
import { bitsOf, commutative, foldArithmetic, foldCompare, isPowerOf2, log2, unsignedOf } from './fold.ts';
import {
  type Arithmetic,
  Block,
  type FrameScope,
  inverse,
  type Operation,
  resolve,
  type Slot,
  successors,
  swapped,
  Value,
} from './ir.ts';
import { VariableValues } from './variables.ts';

/**
 * Makes SSA while it is being lowered to. Each value is folded as it is made, so branches on constants never come into
 * being; variables.ts makes the phis.
 */
export class Builder {
  current: Block;
  at: Token;
  readonly entry: Block;
  readonly blocks: Block[] = [];
  readonly frame: FrameScope = { slots: [], inner: [], open: true };
  scope: FrameScope = this.frame;
  loops = 0;
  #ids = 0;
  readonly #variables: VariableValues;
  readonly #narrowConstants = new Map<bigint, Value>();
  readonly #wideConstants = new Map<bigint, Value>();
  #limit = 0;
  #slots = 0;

  constructor(at: Token) {
    this.at = at;
    this.#variables = new VariableValues(this);
    this.entry = this.block();
    this.entry.sealed = true;
    this.current = this.entry;
  }

  /** Values and blocks made so far. */
  get count(): number {
    return this.#limit + this.blocks.length;
  }

  /** What is lowered now can never run. */
  get dead(): boolean {
    const { current } = this;
    return current !== this.entry && current.sealed && current.preds.length === 0;
  }

  block(): Block {
    const block = new Block();
    block.place = this.blocks.length;
    block.loops = this.loops;
    this.blocks.push(block);
    return block;
  }

  slot(name: string, size: number, align: number): Slot {
    const natural = size >= 8 ? 8 : size >= 4 ? 4 : size >= 2 ? 2 : 1;
    const whole = Math.min(8, Math.max(natural, align));
    const slot: Slot = { number: this.#slots++, name, size, align: whole, scope: this.scope, place: 0 };
    this.scope.slots.push(slot);
    return slot;
  }

  /** Runs with a frame scope of its own: its slots' bytes are free afterwards. */
  inScope<T>(run: () => T): T {
    const outer = this.scope;
    const inner: FrameScope = { slots: [], inner: [], open: true };
    outer.inner.push(inner);
    this.scope = inner;
    try {
      return run();
    } finally {
      inner.open = false;
      this.scope = outer;
    }
  }

  // Control flow

  goto(to: Block): void {
    if (this.current.end) return;
    this.current.end = { kind: 'goto', to };
    this.#edge(this.current, to);
  }

  branch(condition: JumpOperation, leftIn: Value, rightIn: Value, width: 32 | 64, yes: Block, no: Block): void {
    if (this.current.end) return;
    let left = leftIn;
    let right = rightIn;
    let by = condition;
    if (left.op === 'const' && right.op === 'const') {
      this.goto(foldCompare(by, left.constant, right.constant, width) ? yes : no);
      return;
    }
    if (left.op === 'const') {
      [left, right] = [right, left];
      by = swapped[by];
    }
    // A branch on the result of a comparison is that comparison.
    if (
      left.op === 'compare' &&
      right.op === 'const' &&
      right.constant === 0n &&
      (by === 'ne' || by === 'eq' || by === 'gt')
    ) {
      const [a, b] = left.args as [Value, Value];
      if (by !== 'eq') this.branch(left.condition, a, b, left.args[0]?.width ?? 64, yes, no);
      else this.branch(left.condition, a, b, left.args[0]?.width ?? 64, no, yes);
      return;
    }
    const decided = decide(by, left, right, width);
    if (decided !== undefined) {
      this.goto(decided ? yes : no);
      return;
    }
    const narrowed = narrow(by, left, right, width);
    if (narrowed) {
      this.branch(narrowed.condition, narrowed.left, this.#orConstant(narrowed.right, 32), 32, yes, no);
      return;
    }
    const masked = by === 'ne' || by === 'eq' ? testedBits(left, right) : undefined;
    if (masked) {
      const [a, mask] = masked;
      this.#branch('set', a, mask, width, by === 'ne' ? yes : no, by === 'ne' ? no : yes);
      return;
    }
    this.#branch(by, left, right, width, yes, no);
  }

  #orConstant(value: Value | bigint, width: 32 | 64): Value {
    return typeof value === 'bigint' ? this.constant(value, width) : value;
  }

  #branch(condition: JumpOperation, left: Value, right: Value, width: 32 | 64, yes: Block, no: Block): void {
    this.current.end = { kind: 'branch', condition, width, left, right, yes, no, at: this.at };
    this.#edge(this.current, yes);
    if (yes !== no) this.#edge(this.current, no);
  }

  #edge(from: Block, to: Block): void {
    if (from !== this.entry && from.sealed && from.preds.length === 0) return;
    to.preds.push(from);
  }

  /** No edge to this block will be added any more. */
  seal(block: Block): void {
    this.#variables.seal(block);
    if (block.preds.length === 0 && block !== this.entry) this.#close(block);
  }

  /** Nobody comes to this block, a label's, so nobody goes on from it: what was lowered behind it is dead too. */
  #close(first: Block): void {
    const pending = [first];
    for (let block = pending.pop(); block; block = pending.pop()) {
      for (const to of successors(block)) {
        const index = to.preds.indexOf(block);
        if (index < 0) continue;
        to.preds.splice(index, 1);
        this.#variables.dropOperand(to, index);
        if (to.sealed && to.preds.length === 0) pending.push(to);
      }
    }
  }

  write(variable: object, value: Value): void {
    this.#variables.write(variable, value, this.current);
  }

  /** @param width of a variable that was never written to: its value is 0 then */
  read(variable: object, width: 32 | 64): Value {
    return this.#variables.read(variable, width, this.current);
  }

  /** A phi without operands yet. */
  phi(block: Block, width: 32 | 64): Value {
    const phi = new Value(this.#ids++, 'phi', width, [], this.at);
    phi.block = block;
    block.phis.push(phi);
    return phi;
  }

  // Values

  emit(op: Operation, width: 32 | 64, args: Value[], set?: Partial<Value>): Value {
    const value = new Value(this.#ids++, op, width, args, this.at);
    if (set) Object.assign(value, set);
    value.block = this.current;
    if (!this.current.end) this.current.values.push(value);
    this.#limit++;
    return value;
  }

  constant(value: bigint, width: 32 | 64): Value {
    const wrapped = unsignedOf(value, width);
    const constants = width === 64 ? this.#wideConstants : this.#narrowConstants;
    let known = constants.get(wrapped);
    if (!known) {
      known = new Value(this.#ids++, 'const', width, [], this.at);
      known.constant = wrapped;
      known.block = this.entry;
      constants.set(wrapped, known);
    }
    return known;
  }

  stack(slot: Slot, offset = 0): Value {
    return this.emit('stack', 64, [], { slot, offset });
  }

  map(table: TableObject): Value {
    return this.emit('map', 64, [], { table });
  }

  binary(op: Arithmetic, aIn: Value, bIn: Value): Value {
    let a = resolve(aIn);
    let b = resolve(bIn);
    const { width } = a;
    if (a.op === 'const' && b.op === 'const')
      return this.constant(foldArithmetic(op, a.constant, b.constant, width), width);
    if (commutative.has(op) && a.op === 'const') [a, b] = [b, a];
    if (b.op === 'const') return this.#withConstant(op, a, b);
    if (op === 'add' && b.op === 'stack') [a, b] = [b, a];
    if (a === b && (op === 'sub' || op === 'xor')) return this.constant(0n, width);
    if (a === b && (op === 'and' || op === 'or')) return a;
    return this.emit(op, width, [a, b]);
  }

  #withConstant(op: Arithmetic, a: Value, b: Value): Value {
    const { width } = a;
    const value = b.constant;
    const all = unsignedOf(-1n, width);
    switch (op) {
      case 'sub':
        return this.#withConstant('add', a, this.constant(-value, width));
      case 'add':
        if (value === 0n) return a;
        if (a.op === 'stack') return this.stack(a.slot as Slot, a.offset + Number(BigInt.asIntN(32, value)));
        if (a.op === 'data') {
          const offset = a.offset + Number(BigInt.asIntN(32, value));
          // No address of a map's value may point behind it, not even to compare with.
          if (offset >= 0 && offset < a.imm) {
            return this.emit('data', 64, [], { section: a.section, offset, imm: a.imm });
          }
        }
        if (a.op === 'add' && a.args[1]?.op === 'const') {
          return this.#withConstant(
            'add',
            resolve(a.args[0] as Value),
            this.constant(a.args[1].constant + value, width),
          );
        }
        break;
      case 'or':
      case 'xor':
      case 'lsh':
      case 'rsh':
      case 'arsh':
        if (value === 0n) return a;
        if (op === 'rsh' && BigInt(bitsOf(a)) <= value) return this.constant(0n, width);
        break;
      case 'and':
        if (value === 0n) return b;
        if (value === all || keepsAll(value, bitsOf(a))) return a;
        break;
      case 'mul':
      case 'div':
        if (value === 1n) return a;
        if (value === 0n && op === 'mul') return b;
        if (isPowerOf2(value))
          return this.#withConstant(op === 'mul' ? 'lsh' : 'rsh', a, this.constant(log2(value), width));
        break;
      case 'mod':
        if (isPowerOf2(value)) return this.#withConstant('and', a, this.constant(value - 1n, width));
        break;
    }
    return this.emit(op, width, [a, b]);
  }

  zext(valueIn: Value): Value {
    const value = resolve(valueIn);
    if (value.op === 'const') return this.constant(value.constant, 64);
    if (value.op === 'load' && value.width === 32 && value.size < 8 && !value.same)
      return this.emit('zext', 64, [value]);
    return this.emit('zext', 64, [value]);
  }

  sext(valueIn: Value): Value {
    const value = resolve(valueIn);
    if (value.op === 'const') return this.constant(BigInt.asIntN(32, value.constant), 64);
    if (bitsOf(value) < 32) return this.zext(value);
    return this.emit('sext', 64, [value]);
  }

  trunc(valueIn: Value): Value {
    const value = resolve(valueIn);
    if (value.op === 'const') return this.constant(value.constant, 32);
    if (value.op === 'zext' || value.op === 'sext') return resolve(value.args[0] as Value);
    return this.emit('trunc', 32, [value]);
  }

  swap(valueIn: Value, bits: number): Value {
    const value = resolve(valueIn);
    if (value.op === 'const') return this.constant(swappedBytes(value.constant, bits), value.width);
    return this.emit('swap', value.width, [value], { imm: bits });
  }

  /** 0 or 1, 32 bits wide. */
  compare(condition: JumpOperation, aIn: Value, bIn: Value): Value {
    let a = resolve(aIn);
    let b = resolve(bIn);
    let by = condition;
    if (a.op === 'const' && b.op === 'const') {
      return this.constant(foldCompare(by, a.constant, b.constant, a.width) ? 1n : 0n, 32);
    }
    if (a.op === 'const') {
      [a, b] = [b, a];
      by = swapped[by];
    }
    const decided = decide(by, a, b, a.width);
    if (decided !== undefined) return this.constant(decided ? 1n : 0n, 32);
    if (a.op === 'compare' && b.op === 'const' && b.constant === 0n && (by === 'ne' || by === 'eq')) {
      const [x, y] = a.args as [Value, Value];
      const flipped = inverse[a.condition];
      if (by === 'ne') return a;
      if (flipped) return this.emit('compare', 32, [x, y], { condition: flipped });
    }
    const narrowed = narrow(by, a, b, a.width);
    if (narrowed) {
      return this.emit('compare', 32, [narrowed.left, this.#orConstant(narrowed.right, 32)], {
        condition: narrowed.condition,
      });
    }
    return this.emit('compare', 32, [a, b], { condition: by });
  }

  /** A load; the address's constant part goes into its offset. 1, 2 and 4 bytes come zero-extended. */
  load(address: Value, offset: number, size: Size, options: { user?: boolean; volatile?: boolean } = {}): Value {
    const place = this.#place(address, offset);
    const load = this.emit('load', size === 8 ? 64 : 32, [place.base]);
    load.offset = place.offset;
    load.size = size;
    load.access = options.user ? 'user' : 'unknown';
    load.volatile = options.volatile ?? false;
    return load;
  }

  store(address: Value, offset: number, size: Size, value: Value): void {
    const place = this.#place(address, offset);
    const store = this.emit('store', 64, [place.base, value]);
    store.offset = place.offset;
    store.size = size;
  }

  #place(addressIn: Value, offset: number): { base: Value; offset: number } {
    const address = resolve(addressIn);
    if (address.op !== 'add') return { base: address, offset };
    const by = resolve(address.args[1] as Value);
    const sum = by.op === 'const' ? Number(BigInt.asIntN(64, by.constant)) + offset : Number.NaN;
    if (!(Math.abs(sum) < 32768)) return { base: address, offset };
    return { base: resolve(address.args[0] as Value), offset: sum };
  }
}

/** Whether a mask that is not all ones keeps all of a value of so many bits. */
function keepsAll(mask: bigint, bits: number): boolean {
  if (bits === 64) return false;
  const most = (1n << BigInt(bits)) - 1n;
  return (mask & most) === most;
}
