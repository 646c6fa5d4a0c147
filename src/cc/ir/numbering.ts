import { dominators } from './flow.ts';
import { foldArithmetic, foldCompare, foldSwap, unsignedOf } from './fold.ts';
import { type Arithmetic, type Block, type IrFunction, isPure, resolve, type Slot, Value } from './ir.ts';
import { type ProvenanceOptions, provenanceOf } from './provenance.ts';

/**
 * Value numbering over the dominator tree: what was computed on every way here is not computed again. Loads from the
 * context count as computations: nothing writes there.
 */
export function numberValues(f: IrFunction, origin: ProvenanceOptions): void {
  const idom = dominators(f.blocks);
  const children = new Map<Block, Block[]>();
  for (const block of f.blocks) {
    const parent = idom.get(block);
    if (!parent || parent === block) continue;
    const list = children.get(parent);
    if (list) list.push(block);
    else children.set(parent, [block]);
  }
  const table = new Map<string, Value[]>();
  const slots = new Map<Slot, number>();
  const visit = (block: Block): string[] => {
    const added: string[] = [];
    const kept: Value[] = [];
    for (const phi of block.phis) phi.args = phi.args.map(resolve);
    for (const value of block.values) {
      value.args = value.args.map(resolve);
      const folded = refold(value);
      if (folded) {
        value.same = folded;
        continue;
      }
      const key = keyOf(value, slots, origin);
      const known = key === undefined ? undefined : table.get(key);
      const same = known?.at(-1);
      if (same) {
        value.same = same;
        continue;
      }
      if (key !== undefined) {
        if (known) known.push(value);
        else table.set(key, [value]);
        added.push(key);
      }
      kept.push(value);
    }
    block.values = kept;
    resolveEnd(block);
    return added;
  };
  // An explicit stack: leaving a block forgets what it added.
  const stack: { block: Block; added: string[] | undefined }[] = [{ block: f.entry, added: undefined }];
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    if (top.added) {
      for (const key of top.added) table.get(key)?.pop();
      stack.pop();
      continue;
    }
    top.added = visit(top.block);
    for (const child of (children.get(top.block) ?? []).toReversed()) stack.push({ block: child, added: undefined });
  }
  for (const block of f.blocks) for (const phi of block.phis) phi.args = phi.args.map(resolve);
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
  if (!isPure(value) || value.args.length === 0 || value.op === 'opaque' || value.op === 'phi') return undefined;
  if (!value.args.every((arg) => arg.op === 'const')) return undefined;
  const [a, b] = value.args as [Value, Value];
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

function keyOf(value: Value, slots: Map<Slot, number>, origin: ProvenanceOptions): string | undefined {
  const context = value.op === 'load' && !value.volatile && provenanceOf(value.args[0] as Value, origin) === 'context';
  if (!context && (!isPure(value) || value.op === 'opaque')) return undefined;
  let slot = '';
  if (value.slot) {
    let known = slots.get(value.slot);
    if (known === undefined) {
      known = slots.size;
      slots.set(value.slot, known);
    }
    slot = `s${known}`;
  }
  const args = value.args.map((arg) => (arg.op === 'const' ? `c${arg.constant}` : arg.id)).join();
  const about = `${value.imm},${value.offset},${value.size},${value.condition}`;
  return `${value.op}${value.width}:${args}:${about}:${slot}${value.table?.name ?? ''}${value.section ?? ''}`;
}
