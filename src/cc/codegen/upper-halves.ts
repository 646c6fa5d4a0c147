import { type IrFunction, resolve, type Value } from '../ir/ir.ts';

/**
 * 32-bit values of which the verifier does not see that the upper half is zero: of a quotient, a remainder, and of a
 * shift by a variable it knows nothing at all. A 32-bit test of such a value says nothing about its 64 bits, which an
 * index is made of, so those that are tested and extended are moved onto themselves, which shows it.
 */
export function hiddenUpperHalves(f: IrFunction): Set<Value> {
  const tested = new Set<Value>();
  for (const { end } of f.blocks) {
    if (end?.kind !== 'branch' || end.width !== 32) continue;
    tested.add(resolve(end.left));
    tested.add(resolve(end.right));
  }
  const hidden = new Set<Value>();
  const seen = new Set<Value>();
  const look = (first: Value): void => {
    const pending = [first];
    for (let next = pending.pop(); next; next = pending.pop()) {
      const value = resolve(next);
      if (seen.has(value)) continue;
      seen.add(value);
      if (isUnknown(value)) hidden.add(value);
      if (value.op === 'phi') for (const arg of value.args) pending.push(arg);
    }
  };
  for (const { values } of f.blocks) {
    for (const { op, args } of values)
      if (op === 'zext' && tested.has(resolve(args[0] as Value))) look(args[0] as Value);
  }
  return hidden;
}

/** is_safe_to_compute_dst_reg_range in the kernel's verifier.c */
function isUnknown({ op, args }: Value): boolean {
  if (op === 'div' || op === 'mod') return true;
  return (op === 'lsh' || op === 'rsh' || op === 'arsh') && resolve(args[1] as Value).op !== 'const';
}
