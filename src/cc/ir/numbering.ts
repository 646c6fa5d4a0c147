import { BranchFacts } from './facts.ts';
import { dominators } from './flow.ts';
import { commutative, foldArithmetic, foldCompare, foldSwap, unsignedOf } from './fold.ts';
import {
  type Arithmetic,
  type Block,
  type IrFunction,
  isPure,
  resolve,
  resolveArguments,
  successors,
  Value,
} from './ir.ts';
import { type ProvenanceOptions, provenanceOf } from './provenance.ts';
import { ValueTable } from './value-table.ts';

/**
 * Value numbering over the dominator tree: what was computed on every way here is not computed again, and what a branch
 * told is known behind it. Loads from the context count as computations: nothing writes there.
 */
export function numberValues(f: IrFunction, origin: ProvenanceOptions): void {
  const { blocks } = f;
  const idom = dominators(blocks);
  const firstChild = new Int32Array(blocks.length).fill(-1);
  const sibling = new Int32Array(blocks.length).fill(-1);
  for (let i = blocks.length - 1; i > 0; i--) {
    const parent = idom[i] as number;
    sibling[i] = firstChild[parent] as number;
    firstChild[parent] = i;
  }
  const table = new ValueTable(blocks.reduce((sum, block) => sum + block.values.length, 0));
  const facts = new BranchFacts();
  /** What was known when a block was entered: leaving it forgets the rest. */
  const held = new Int32Array(blocks.length);
  for (let at = 0; at >= 0; ) {
    held[at] = table.count;
    facts.enter(blocks[at] as Block);
    numberBlock(blocks[at] as Block, table, facts, origin);
    let next = firstChild[at] as number;
    while (next < 0 && at > 0) {
      facts.leave();
      table.forget(held[at] as number);
      next = sibling[at] as number;
      at = idom[at] as number;
    }
    at = next;
  }
  for (const block of blocks) block.phis.forEach(resolveArguments);
}

function numberBlock(block: Block, table: ValueTable, facts: BranchFacts, origin: ProvenanceOptions): void {
  const { values } = block;
  let kept = 0;
  for (const value of values) {
    const { args } = value;
    for (let i = 0; i < args.length; i++) args[i] = facts.constantOf(resolve(args[i] as Value), value);
    // An extension from before a test hides from the verifier what the test told.
    const tests = value.op === 'sext' ? facts.testsOf(args[0] as Value) : 0;
    const same = refold(value) ?? (isNumbered(value, origin) ? table.findOrAdd(value, tests) : undefined);
    if (same) value.same = same;
    else values[kept++] = value;
  }
  values.length = kept;
  resolveEnd(block, facts);
}

function isNumbered(value: Value, origin: ProvenanceOptions): boolean {
  if (value.op === 'load') return !value.volatile && provenanceOf(value.args[0] as Value, origin) === 'context';
  return value.op !== 'opaque' && isPure(value);
}

function resolveEnd(block: Block, facts: BranchFacts): void {
  const { end } = block;
  for (const next of successors(block)) {
    for (const phi of next.phis) {
      const index = next.preds.indexOf(block);
      phi.args[index] = facts.constantOf(resolve(phi.args[index] as Value), phi);
    }
  }
  if (end?.kind === 'return') end.value = facts.constantOf(resolve(end.value), undefined);
  if (end?.kind !== 'branch') return;
  const known = facts.answer(end.condition, resolve(end.left), resolve(end.right), end.width);
  if (known !== undefined) {
    block.end = { kind: 'goto', to: known ? end.yes : end.no };
    return;
  }
  end.left = resolve(end.left);
  end.right = facts.constantOf(resolve(end.right), undefined);
  // A constant stands on the right.
  if (end.right.op === 'const') end.left = facts.constantOf(end.left, undefined);
  if (end.left.op === 'const' && end.right.op === 'const') {
    const yes = foldCompare(end.condition, end.left.constant, end.right.constant, end.width);
    block.end = { kind: 'goto', to: yes ? end.yes : end.no };
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
  if (!value.args.every((arg) => arg.op === 'const')) return neutral(value, a, b);
  const { width } = value;
  switch (value.op) {
    case 'zext':
    case 'trunc':
      return constant(value, unsignedOf(a.constant, width));
    case 'sext':
      return constant(value, unsignedOf(BigInt.asIntN(32, a.constant), 64));
    case 'swap':
      return constant(value, foldSwap(a.constant, value.imm));
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
