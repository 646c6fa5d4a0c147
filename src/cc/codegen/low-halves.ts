import { type IrFunction, isArithmetic, resolve, type Value } from '../ir/ir.ts';

/** Truncations whose users look at the low half only: no instruction is needed for them. */
export function lowOnlyTruncations(f: IrFunction): Set<Value> {
  const candidates = new Set<Value>();
  for (const block of f.blocks) for (const value of block.values) if (value.op === 'trunc') candidates.add(value);
  if (candidates.size === 0) return candidates;
  const drop = (value: Value): void => {
    const source = resolve(value);
    if (source.op === 'trunc') candidates.delete(source);
  };
  for (const block of f.blocks) {
    for (const phi of block.phis) phi.args.forEach(drop);
    for (const value of block.values) {
      value.args.forEach((arg, i) => {
        if (!looksLow(value, i)) drop(arg);
      });
    }
    if (block.end?.kind === 'branch' && block.end.width === 64) {
      drop(block.end.left);
      drop(block.end.right);
    }
    if (block.end?.kind === 'return') drop(block.end.value);
  }
  return candidates;
}

function looksLow(user: Value, index: number): boolean {
  switch (user.op) {
    case 'store':
      return index === 1 && user.size <= 4;
    case 'compare':
      return user.args[0]?.width === 32;
    case 'sext':
      return true;
    case 'swap':
      return true;
    default:
      return isArithmetic(user.op) && user.width === 32;
  }
}
