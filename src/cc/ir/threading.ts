import { foldCompare } from './fold.ts';
import { type Block, type IrFunction, numberBlocks, resolve, type Terminator, type Value } from './ir.ts';

/**
 * Jump threading: a way into a block that does nothing but branch on a phi, and on which the phi is a constant, leads
 * past it. Flags (`if (!found && …) found = 1;`) become jumps so.
 */
export function threadJumps(f: IrFunction): boolean {
  numberBlocks(f.blocks);
  const candidates = f.blocks.filter(branchesOnPhis);
  if (candidates.length === 0) return false;
  const users = otherUsers(f);
  let changed = false;
  for (const block of candidates) {
    const end = block.end as Branch;
    if (block === f.entry || block.phis.some((phi) => users.has(phi))) continue;
    for (let i = block.preds.length - 1; i >= 0; i--) {
      const to = target(block, end, i);
      if (to && to !== block) changed = thread(block, i, to) || changed;
    }
  }
  return changed;
}

/** It does nothing else. A loop's head stays: a second way into a loop is no loop to the verifier. */
function branchesOnPhis({ end, values, phis, preds, place }: Block): boolean {
  if (end?.kind !== 'branch' || values.length > 0 || phis.length === 0) return false;
  return preds.every((pred) => pred.place < place);
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
  const want = (operand: Value, at: Block | undefined): void => {
    const value = resolve(operand);
    if (value.op === 'phi' && value.block !== at) wanted.add(value);
  };
  for (const block of f.blocks) {
    const { values, phis, preds, end } = block;
    for (const { args } of values) for (let i = 0; i < args.length; i++) want(args[i] as Value, undefined);
    for (const { args } of phis) for (let i = 0; i < args.length; i++) want(args[i] as Value, preds[i]);
    if (end?.kind === 'return') want(end.value, undefined);
    if (end?.kind !== 'branch') continue;
    want(end.left, block);
    want(end.right, block);
  }
  return wanted;
}
