import {
  Block,
  goesTo,
  type IrFunction,
  numberBlocks,
  resolve,
  resolveArguments,
  successor,
  successors,
  type Value,
} from './ir.ts';

/** The shape of the control flow: which blocks are reached, in which order, and what dominates what. */

/**
 * Puts the blocks that are reached into reverse postorder, and sets their places; of a branch, the side that is not taken
 * comes first.
 */
function orderBlocks(f: IrFunction): void {
  for (const block of f.blocks) block.place = -1;
  const order: Block[] = [];
  // An explicit stack: an unrolled loop is a long chain of blocks.
  const stack: Block[] = [f.entry];
  const visited: number[] = [0];
  f.entry.place = 0;
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const to = successor(top, visited[stack.length - 1] as number);
    if (!to) {
      order.push(top);
      stack.pop();
      visited.pop();
      continue;
    }
    visited[stack.length - 1] = (visited[stack.length - 1] as number) + 1;
    if (to.place >= 0) continue;
    to.place = 0;
    stack.push(to);
    visited.push(0);
  }
  f.blocks = order.reverse();
  numberBlocks(order);
}

/** Drops what is not reached, and the operands of phis that came from there. */
function pruneBlocks(f: IrFunction): boolean {
  const before = f.blocks.length;
  orderBlocks(f);
  const { blocks } = f;
  let changed = blocks.length !== before;
  for (const block of blocks) {
    const { preds, phis } = block;
    let kept = 0;
    for (let i = 0; i < preds.length; i++) {
      const pred = preds[i] as Block;
      if (blocks[pred.place] !== pred || !goesTo(pred, block)) continue;
      if (kept < i) {
        preds[kept] = pred;
        for (const { args } of phis) args[kept] = args[i] as Value;
      }
      kept++;
    }
    if (kept === preds.length) continue;
    changed = true;
    preds.length = kept;
    for (const { args } of phis) args.length = kept;
  }
  return changed;
}

/** Phis of one value only are that value. */
function simplifyPhis(f: IrFunction): boolean {
  let found = false;
  for (let changed = true; changed; ) {
    changed = false;
    for (const { phis } of f.blocks) {
      for (let i = phis.length - 1; i >= 0; i--) {
        const phi = phis[i] as Value;
        resolveArguments(phi);
        const only = onlyValueOf(phi);
        if (!only) continue;
        phi.same = only;
        phis.splice(i, 1);
        changed = true;
        found = true;
      }
    }
  }
  return found;
}

/** The one value that a phi is besides itself; constants are one when they are equal. */
function onlyValueOf(phi: Value): Value | undefined {
  let only: Value | undefined;
  for (const arg of phi.args) {
    if (arg === phi || arg === only) continue;
    only ??= arg;
    if (arg !== only && !(arg.op === 'const' && only.op === 'const' && arg.constant === only.constant))
      return undefined;
  }
  return only;
}

/** The place of each block's immediate dominator, by Cooper, Harvey and Kennedy; `blocks` in reverse postorder. */
export function dominators(blocks: readonly Block[]): Int32Array {
  numberBlocks(blocks);
  const idom = new Int32Array(blocks.length).fill(-1);
  idom[0] = 0;
  const intersect = (a: number, b: number): number => {
    let x = a;
    let y = b;
    while (x !== y) {
      while (x > y) x = idom[x] as number;
      while (y > x) y = idom[y] as number;
    }
    return x;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = 1; i < blocks.length; i++) {
      let found = -1;
      for (const pred of (blocks[i] as Block).preds) {
        const { place } = pred;
        if (blocks[place] !== pred || idom[place] === -1) continue;
        found = found < 0 ? place : intersect(place, found);
      }
      if (found >= 0 && idom[i] !== found) {
        idom[i] = found;
        changed = true;
      }
    }
  }
  return idom;
}

/** Drops what is not reached, joins chains, skips empty blocks, and keeps one block of each `return K`. */
export function simplifyFlow(f: IrFunction): boolean {
  let found = false;
  for (let changed = true; changed; ) {
    changed = foldBranches(f);
    if (pruneBlocks(f)) found = true;
    if (simplifyPhis(f)) found = true;
    changed = mergeReturns(f) || changed;
    changed = skipEmpty(f) || changed;
    changed = joinChains(f) || changed;
    found ||= changed;
  }
  return found;
}

function foldBranches(f: IrFunction): boolean {
  let changed = false;
  for (const block of f.blocks) {
    const { end } = block;
    if (end?.kind === 'branch' && end.yes === end.no) {
      block.end = { kind: 'goto', to: end.yes };
      changed = true;
    }
  }
  return changed;
}

function mergeReturns(f: IrFunction): boolean {
  const kept = new Map<string, Block>();
  const ways = new Ways();
  let changed = false;
  for (const block of f.blocks) {
    const { end } = block;
    if (end?.kind !== 'return' || block.values.length > 0 || block.phis.length > 0 || block === f.entry) continue;
    const value = resolve(end.value);
    if (value.op !== 'const') continue;
    const key = `${value.constant}`;
    const other = kept.get(key);
    if (!other) {
      kept.set(key, block);
      continue;
    }
    for (const pred of [...block.preds]) redirect(pred, block, other, ways);
    block.preds = [];
    changed = true;
  }
  return changed;
}

/** What leads to each block, where that was asked: thousands of ways may lead to one. */
class Ways {
  readonly #sets = new Map<Block, Set<Block>>();

  /** The blocks that lead to one; who changes its list changes this too. */
  of(block: Block): Set<Block> {
    let set = this.#sets.get(block);
    if (!set) {
      set = new Set(block.preds);
      this.#sets.set(block, set);
    }
    return set;
  }
}

/** Makes `from` go to another block than before; the other has no phis, or gets their operands by the caller. */
function redirect(from: Block, old: Block, to: Block, ways: Ways): void {
  const { end } = from;
  if (end?.kind === 'goto' && end.to === old) end.to = to;
  if (end?.kind === 'branch') {
    if (end.yes === old) end.yes = to;
    if (end.no === old) end.no = to;
  }
  const known = ways.of(to);
  if (known.has(from)) return;
  known.add(from);
  to.preds.push(from);
}

function skipEmpty(f: IrFunction): boolean {
  const ways = new Ways();
  let changed = false;
  for (const block of f.blocks) {
    const { end } = block;
    if (end?.kind !== 'goto' || block.values.length > 0 || block.phis.length > 0 || block === f.entry) continue;
    const { to } = end;
    if (to === block) continue;
    const known = ways.of(to);
    // With phis, a block that reaches `to` already would need two operands.
    if (to.phis.length > 0 && block.preds.some((pred) => known.has(pred))) continue;
    const index = to.preds.indexOf(block);
    for (const pred of block.preds) {
      if (!known.has(pred)) for (const phi of to.phis) phi.args.push(phi.args[index] as (typeof phi.args)[number]);
      redirect(pred, block, to, ways);
    }
    for (const phi of to.phis) phi.args.splice(index, 1);
    to.preds.splice(index, 1);
    known.delete(block);
    ways.of(block).clear();
    block.preds = [];
    block.end = { kind: 'unreachable' };
    changed = true;
  }
  return changed;
}

function joinChains(f: IrFunction): boolean {
  let changed = false;
  for (const block of f.blocks) {
    for (let { end } = block; end?.kind === 'goto'; { end } = block) {
      const { to } = end;
      if (to.preds.length !== 1 || to === block || to === f.entry || to.phis.length > 0) break;
      for (const value of to.values) {
        value.block = block;
        block.values.push(value);
      }
      block.end = to.end;
      for (const { preds } of successors(to)) preds[preds.indexOf(to)] = block;
      to.values = [];
      to.preds = [];
      to.end = { kind: 'unreachable' };
      changed = true;
    }
  }
  return changed;
}

/** Puts a block on each edge from a branch to a block with phis. */
export function splitCriticalEdges(f: IrFunction): void {
  for (const block of [...f.blocks]) {
    if (block.phis.length === 0 || block.preds.length < 2) continue;
    for (const [i, pred] of block.preds.entries()) {
      if (pred.end?.kind !== 'branch') continue;
      const middle = new Block();
      middle.sealed = true;
      middle.loops = Math.min(pred.loops, block.loops);
      middle.preds = [pred];
      middle.end = { kind: 'goto', to: block };
      if (pred.end.yes === block) pred.end.yes = middle;
      else pred.end.no = middle;
      block.preds[i] = middle;
      f.blocks.push(middle);
    }
  }
  orderBlocks(f);
}
