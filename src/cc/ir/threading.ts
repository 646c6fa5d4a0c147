import { foldCompare } from './fold.ts';
import { type Block, type IrFunction, resolve, type Terminator, type Value } from './ir.ts';

/**
 * Jump threading: a way into a block that does nothing but branch on a phi, and on which the phi is a constant, leads
 * past it. Flags (`if (!found && …) found = 1;`) become jumps so.
 */
export function threadJumps(f: IrFunction): boolean {
  const users = otherUsers(f);
  const order = new Map(f.blocks.map((block, i) => [block, i] as const));
  let changed = false;
  for (const block of f.blocks) {
    const { end } = block;
    if (end?.kind !== 'branch' || block.values.length > 0 || block.phis.length === 0 || block === f.entry) continue;
    const at = order.get(block) as number;
    // A loop's head stays: a second way into a loop is no loop to the verifier.
    if (block.preds.some((pred) => (order.get(pred) ?? 0) >= at) || block.phis.some((phi) => users.has(phi))) continue;
    for (let i = block.preds.length - 1; i >= 0; i--) {
      const to = target(block, end, i);
      if (to && to !== block) changed = thread(block, i, to) || changed;
    }
  }
  return changed;
}

type Branch = Extract<Terminator, { kind: 'branch' }>;

/** Where the i-th way into a block goes on to, when that is known. */
function target(block: Block, end: Branch, i: number): Block | undefined {
  const [left, right] = [end.left, end.right].map((value) => along(block, resolve(value), i)) as [Value, Value];
  if (left.op !== 'const' || right.op !== 'const') return undefined;
  return foldCompare(end.condition, left.constant, right.constant, end.width) ? end.yes : end.no;
}

/** What a value is for who comes the i-th way. */
function along(block: Block, value: Value, i: number): Value {
  return value.op === 'phi' && value.block === block ? resolve(value.args[i] as Value) : value;
}

function thread(block: Block, i: number, to: Block): boolean {
  const pred = block.preds[i] as Block;
  // A second edge between the same blocks would need operands of its own.
  if (to.preds.includes(pred) || !retarget(pred, block, to)) return false;
  const own = to.preds.indexOf(block);
  for (const phi of to.phis) phi.args.push(along(block, resolve(phi.args[own] as Value), i));
  to.preds.push(pred);
  for (const phi of block.phis) phi.args.splice(i, 1);
  block.preds.splice(i, 1);
  return true;
}

function retarget(pred: Block, from: Block, to: Block): boolean {
  const { end } = pred;
  if (end?.kind === 'goto') end.to = to;
  else if (end?.kind === 'branch' && end.yes !== end.no) {
    if (end.yes === from) end.yes = to;
    else end.no = to;
  } else return false;
  return true;
}

/** Phis that are wanted elsewhere than at the end of their block and in the phis behind it. */
function otherUsers(f: IrFunction): Set<Value> {
  const wanted = new Set<Value>();
  for (const block of f.blocks) {
    for (const value of block.values) for (const arg of value.args) wanted.add(resolve(arg));
    for (const phi of block.phis) {
      for (const [i, arg] of phi.args.entries()) {
        const source = resolve(arg);
        if (source.block !== block.preds[i]) wanted.add(source);
      }
    }
    const { end } = block;
    if (end?.kind === 'return') wanted.add(resolve(end.value));
    if (end?.kind !== 'branch') continue;
    for (const value of [end.left, end.right].map(resolve)) if (value.block !== block) wanted.add(value);
  }
  return wanted;
}
