import { type Block, resolve, type Value } from './ir.ts';

/** Who makes the values that variables need. */
interface ValueMaker {
  readonly blocks: readonly Block[];
  constant(value: bigint, width: 32 | 64): Value;
  /** A phi of the block, without operands yet. */
  phi(block: Block, width: 32 | 64): Value;
}

/** A phi whose operands are being looked for, and the block from whose end the variable is asked for. */
interface OpenPhi {
  readonly phi: Value;
  readonly from: Block;
  readonly operands: Value[];
}

/**
 * What variables are in each block, while SSA is made (Braun et al., "Simple and Efficient Construction of SSA Form",
 * 2013): a read looks backwards for the last write, and phis appear where ways meet.
 */
export class VariableValues {
  readonly #make: ValueMaker;
  /** Of each variable its values, by the places of blocks. */
  readonly #definitions = new Map<object, (Value | undefined)[]>();
  readonly #incomplete = new Map<Block, Map<object, Value>>();
  readonly #users = new Map<Value, Value[]>();

  constructor(make: ValueMaker) {
    this.#make = make;
  }

  /** No edge to this block will be added any more. */
  seal(block: Block): void {
    const incomplete = this.#incomplete.get(block);
    block.sealed = true;
    if (!incomplete) return;
    this.#incomplete.delete(block);
    for (const [variable, phi] of incomplete) {
      this.#complete(
        phi,
        block.preds.map((pred) => this.read(variable, phi.width, pred)),
      );
    }
  }

  /** What a variable is at the end of a block. */
  write(variable: object, value: Value, block: Block): void {
    let known = this.#definitions.get(variable);
    if (!known) {
      known = [];
      this.#definitions.set(variable, known);
    }
    known[block.place] = value;
  }

  /** @param width of a variable that was never written to: its value is 0 then */
  read(variable: object, width: 32 | 64, from: Block): Value {
    // A stack of phis whose operands are being looked for: thousands of ways may meet one behind the other.
    const open: OpenPhi[] = [];
    let value = this.#find(variable, width, from, open);
    for (let top = open.at(-1); top; top = open.at(-1)) {
      const { phi, operands } = top;
      const block = phi.block as Block;
      if (value) operands.push(value);
      if (operands.length < block.preds.length) {
        value = this.#find(variable, width, block.preds[operands.length] as Block, open);
        continue;
      }
      open.pop();
      value = this.#complete(phi, operands);
      this.write(variable, value, block);
      if (top.from !== block) this.write(variable, value, top.from);
    }
    return value as Value;
  }

  /** What is known of a variable at the end of a block; else undefined, and a phi is open. */
  #find(variable: object, width: 32 | 64, from: Block, open: OpenPhi[]): Value | undefined {
    const definitions = this.#definitions.get(variable);
    let block = from;
    for (let steps = 0; ; steps++) {
      const known = definitions?.[block.place];
      if (known) {
        if (steps > 0) this.#note(variable, known, from, steps);
        return resolve(known);
      }
      if (!block.sealed || block.preds.length !== 1) break;
      // A loop that nothing enters: it never runs.
      if (steps > this.#make.blocks.length) return this.#make.constant(0n, width);
      block = block.preds[0] as Block;
    }
    if (block.sealed && block.preds.length > 0) {
      const phi = this.#make.phi(block, width);
      this.write(variable, phi, block);
      open.push({ phi, from, operands: [] });
      return undefined;
    }
    const value = block.sealed ? this.#make.constant(0n, width) : this.#incompletePhi(variable, width, block);
    this.write(variable, value, block);
    if (from !== block) this.write(variable, value, from);
    return value;
  }

  /** Writes down what was found some blocks before, there and on the way: others will go the same way. */
  #note(variable: object, value: Value, from: Block, steps: number): void {
    let block = from;
    for (let step = 0; step < steps; step++) {
      if ((step & (step - 1)) === 0) this.write(variable, value, block);
      block = block.preds[0] as Block;
    }
  }

  /** A phi of a block that others may lead to yet. */
  #incompletePhi(variable: object, width: 32 | 64, block: Block): Value {
    const phi = this.#make.phi(block, width);
    let incomplete = this.#incomplete.get(block);
    if (!incomplete) {
      incomplete = new Map();
      this.#incomplete.set(block, incomplete);
    }
    incomplete.set(variable, phi);
    return phi;
  }

  #complete(phi: Value, operands: Value[]): Value {
    phi.args = operands;
    for (const arg of operands) this.#use(arg, phi);
    return this.#simplify(phi);
  }

  /** A way into a block is none: its phis do without it. */
  dropOperand(block: Block, index: number): void {
    for (const phi of [...block.phis]) {
      if (phi.args.length === 0 || phi.same) continue;
      phi.args.splice(index, 1);
      this.#simplify(phi);
    }
  }

  #use(value: Value, user: Value): void {
    if (value.op !== 'phi') return;
    const users = this.#users.get(value);
    if (users) users.push(user);
    else this.#users.set(value, [user]);
  }

  /** A phi of one value and itself is that value; those that it is an operand of may be so then, too. */
  #simplify(first: Value): Value {
    const pending = [first];
    for (let phi = pending.pop(); phi; phi = pending.pop()) {
      const result = phi.same ? undefined : this.#only(phi);
      if (!result) continue;
      phi.same = result;
      const block = phi.block as Block;
      block.phis.splice(block.phis.indexOf(phi), 1);
      for (const user of this.#users.get(phi) ?? []) {
        // What was found to be another is not asked again: a chain of them would hand on all that it met.
        if (user.same) continue;
        this.#use(result, user);
        if ((user.block as Block).sealed) pending.push(user);
      }
      this.#users.delete(phi);
    }
    return resolve(first);
  }

  /** The one value that a phi has besides itself. */
  #only(phi: Value): Value | undefined {
    let only: Value | undefined;
    for (const arg of phi.args) {
      const value = resolve(arg);
      if (value === only || value === phi) continue;
      if (only && !(only.op === 'const' && value.op === 'const' && only.constant === value.constant)) return undefined;
      only = value;
    }
    return only ?? this.#make.constant(0n, phi.width);
  }
}
