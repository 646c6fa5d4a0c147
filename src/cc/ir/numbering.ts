import { swappedBytes } from '../../base/index.ts';
import { BranchFacts } from './facts.ts';
import { dominators } from './flow.ts';
import { commutative, foldArithmetic, foldCompare, unsignedOf } from './fold.ts';
import {
  type Arithmetic,
  type Block,
  type IrFunction,
  isPure,
  resolve,
  resolveArguments,
  successor,
  Value,
} from './ir.ts';
import { type ProvenanceOptions, provenanceOf } from './provenance.ts';
import { ValueTable } from './value-table.ts';

/**
 * Value numbering over the dominator tree: what was computed on every way here is not computed again, and what a branch
 * told is known behind it. Loads from the context count as computations: nothing writes there.
 * @returns whether something is another since
 */
export function numberValues(f: IrFunction, origin: ProvenanceOptions): boolean {
  return new Numbering(f.blocks, origin).run();
}

class Numbering {
  readonly #blocks: readonly Block[];
  readonly #origin: ProvenanceOptions;
  readonly #table: ValueTable;
  readonly #facts = new BranchFacts();
  #changed = false;

  constructor(blocks: readonly Block[], origin: ProvenanceOptions) {
    this.#blocks = blocks;
    this.#origin = origin;
    this.#table = new ValueTable(blocks.reduce((sum, block) => sum + block.values.length, 0));
  }

  run(): boolean {
    const blocks = this.#blocks;
    const idom = dominators(blocks);
    const firstChild = new Int32Array(blocks.length).fill(-1);
    const sibling = new Int32Array(blocks.length).fill(-1);
    for (let i = blocks.length - 1; i > 0; i--) {
      const parent = idom[i] as number;
      sibling[i] = firstChild[parent] as number;
      firstChild[parent] = i;
    }
    /** What was known when a block was entered: leaving it forgets the rest. */
    const held = new Int32Array(blocks.length);
    for (let at = 0; at >= 0; ) {
      held[at] = this.#table.count;
      this.#facts.enter(blocks[at] as Block);
      this.#block(blocks[at] as Block);
      let next = firstChild[at] as number;
      while (next < 0 && at > 0) {
        this.#facts.leave();
        this.#table.forget(held[at] as number);
        next = sibling[at] as number;
        at = idom[at] as number;
      }
      at = next;
    }
    for (const { phis } of blocks) for (let i = 0; i < phis.length; i++) resolveArguments(phis[i] as Value);
    return this.#changed;
  }

  #block(block: Block): void {
    const { values } = block;
    let kept = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as Value;
      const { args } = value;
      for (let j = 0; j < args.length; j++) args[j] = this.#known(args[j] as Value, value);
      // An extension from before a test hides from the verifier what the test told.
      const tests = value.op === 'sext' ? this.#facts.testsOf(args[0] as Value) : 0;
      const same = refold(value) ?? (this.#isNumbered(value) ? this.#table.findOrAdd(value, tests) : undefined);
      if (same) value.same = same;
      else values[kept++] = value;
    }
    if (kept < values.length) {
      values.length = kept;
      this.#changed = true;
    }
    this.#end(block);
  }

  /** The constant that an operand is known to be, or the operand. */
  #known(operand: Value, user: Value | undefined): Value {
    const value = resolve(operand);
    const known = this.#facts.constantOf(value, user);
    if (known !== value) this.#changed = true;
    return known;
  }

  #isNumbered(value: Value): boolean {
    if (value.op === 'load') return !value.volatile && provenanceOf(value.args[0] as Value, this.#origin) === 'context';
    return value.op !== 'opaque' && isPure(value);
  }

  #end(block: Block): void {
    const { end } = block;
    for (let i = 0, next = successor(block, 0); next; next = successor(block, ++i)) {
      if (next.phis.length === 0) continue;
      const index = next.preds.indexOf(block);
      for (const phi of next.phis) phi.args[index] = this.#known(phi.args[index] as Value, phi);
    }
    if (end?.kind === 'return') end.value = this.#known(end.value, undefined);
    if (end?.kind !== 'branch') return;
    const known = this.#facts.answer(end.condition, resolve(end.left), resolve(end.right), end.width);
    if (known !== undefined) {
      this.#goto(block, known ? end.yes : end.no);
      return;
    }
    end.left = resolve(end.left);
    end.right = this.#known(end.right, undefined);
    // A constant stands on the right.
    if (end.right.op === 'const') end.left = this.#known(end.left, undefined);
    if (end.left.op === 'const' && end.right.op === 'const') {
      const yes = foldCompare(end.condition, end.left.constant, end.right.constant, end.width);
      this.#goto(block, yes ? end.yes : end.no);
    }
  }

  #goto(block: Block, to: Block): void {
    block.end = { kind: 'goto', to };
    this.#changed = true;
  }
}

/** A computation on constants that became such only now. */
function refold(value: Value): Value | undefined {
  if (!isPure(value) || value.args.length === 0 || value.op === 'opaque' || value.op === 'phi') return undefined;
  let [a, b] = value.args as [Value, Value];
  if (a.op === 'const' && b && b.op !== 'const' && commutative.has(value.op)) {
    [a, b] = [b, a];
    value.args = [a, b];
  }
  if (a.op !== 'const' || (b && b.op !== 'const')) return neutral(value, a, b);
  const { width } = value;
  switch (value.op) {
    case 'zext':
    case 'trunc':
      return constant(value, unsignedOf(a.constant, width));
    case 'sext':
      return constant(value, unsignedOf(BigInt.asIntN(32, a.constant), 64));
    case 'swap':
      return constant(value, swappedBytes(a.constant, value.imm));
    case 'compare':
      return constant(value, foldCompare(value.condition, a.constant, b.constant, a.width) ? 1n : 0n);
    default:
      return constant(value, foldArithmetic(value.op as Arithmetic, a.constant, b.constant, width));
  }
}

const zeroIsNeutral: ReadonlySet<string> = new Set(['add', 'sub', 'or', 'xor', 'lsh', 'rsh', 'arsh']);

/** The other operand, where the constant changes nothing. */
function neutral(value: Value, a: Value, b: Value | undefined): Value | undefined {
  if (b?.op !== 'const') return undefined;
  if (b.constant === 0n) return zeroIsNeutral.has(value.op) ? a : undefined;
  return b.constant === 1n && (value.op === 'mul' || value.op === 'div') ? a : undefined;
}

function constant(at: Value, value: bigint): Value {
  const made = new Value(at.id, 'const', at.width, [], at.at);
  made.constant = value;
  made.block = at.block;
  return made;
}
