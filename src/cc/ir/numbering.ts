import { dominators } from './flow.ts';
import { foldArithmetic, foldCompare, foldSwap, unsignedOf } from './fold.ts';
import { type Arithmetic, type Block, type IrFunction, isPure, resolve, resolveArguments, Value } from './ir.ts';
import { type ProvenanceOptions, provenanceOf } from './provenance.ts';
import { ValueTable } from './value-table.ts';

/**
 * Value numbering over the dominator tree: what was computed on every way here is not computed again. Loads from the
 * context count as computations: nothing writes there.
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
  /** What the table held when a block was entered: leaving it forgets the rest. */
  const held = new Int32Array(blocks.length);
  for (let at = 0; at >= 0; ) {
    held[at] = table.count;
    numberBlock(blocks[at] as Block, table, origin);
    let next = firstChild[at] as number;
    while (next < 0 && at > 0) {
      table.forget(held[at] as number);
      next = sibling[at] as number;
      at = idom[at] as number;
    }
    at = next;
  }
  for (const block of blocks) block.phis.forEach(resolveArguments);
}

function numberBlock(block: Block, table: ValueTable, origin: ProvenanceOptions): void {
  const { values } = block;
  let kept = 0;
  for (const value of values) {
    resolveArguments(value);
    const same = refold(value) ?? (isNumbered(value, origin) ? table.findOrAdd(value) : undefined);
    if (same) value.same = same;
    else values[kept++] = value;
  }
  values.length = kept;
  resolveEnd(block);
}

function isNumbered(value: Value, origin: ProvenanceOptions): boolean {
  if (value.op === 'load') return !value.volatile && provenanceOf(value.args[0] as Value, origin) === 'context';
  return value.op !== 'opaque' && isPure(value);
}

function resolveEnd(block: Block): void {
  const { end } = block;
  if (end?.kind === 'return') end.value = resolve(end.value);
  if (end?.kind !== 'branch') return;
  end.left = resolve(end.left);
  end.right = resolve(end.right);
  if (end.left.op === 'const' && end.right.op === 'const') {
    const yes = foldCompare(end.condition, end.left.constant, end.right.constant, end.width);
    block.end = { kind: 'goto', to: yes ? end.yes : end.no };
  }
}

/** A computation on constants that became such only now. */
function refold(value: Value): Value | undefined {
  const [a, b] = value.args as [Value, Value];
  if (a?.op !== 'const' || !isPure(value) || value.op === 'opaque' || value.op === 'phi') return undefined;
  if (b && b.op !== 'const') return undefined;
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

function constant(at: Value, value: bigint): Value {
  const made = new Value(at.id, 'const', at.width, [], at.at);
  made.constant = value;
  made.block = at.block;
  return made;
}
