import { BranchFacts } from './facts.ts';
import { dominators } from './flow.ts';
import { commutative, foldArithmetic, foldCompare, foldSwap, unsignedOf } from './fold.ts';
import { type Arithmetic, type Block, type IrFunction, isPure, resolve, type Slot, successors, Value } from './ir.ts';
import { type ProvenanceOptions, provenanceOf } from './provenance.ts';

/**
 * Value numbering over the dominator tree: what was computed on every way here is not computed again, and what a branch
 * told is known behind it. Loads from the
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
  const facts = new BranchFacts();
  const visit = (block: Block): (() => void) => {
    const added: string[] = [];
    const forget = facts.enter(block);
    const kept: Value[] = [];
    for (const phi of block.phis) phi.args = phi.args.map(resolve);
    for (const value of block.values) {
      value.args = value.args.map((arg) => facts.constantOf(resolve(arg), value));
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
    resolveEnd(block, facts);
    return () => {
      forget?.();
      for (const key of added) table.get(key)?.pop();
    };
  };
  // An explicit stack: leaving a block forgets what it added.
  const stack: { block: Block; leave: (() => void) | undefined }[] = [{ block: f.entry, leave: undefined }];
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    if (top.leave) {
      top.leave();
      stack.pop();
      continue;
    }
    top.leave = visit(top.block);
    for (const child of (children.get(top.block) ?? []).toReversed()) stack.push({ block: child, leave: undefined });
  }
  for (const block of f.blocks) for (const phi of block.phis) phi.args = phi.args.map(resolve);
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
