import type { JumpOperation } from '../../isa/index.ts';
import { bitsOf, foldCompare } from './fold.ts';
import { resolve, type Value } from './ir.ts';

/** What is known of comparisons without running them, and simpler ones that say the same. */

/** What is known of a comparison without running it. */
export function decide(condition: JumpOperation, left: Value, right: Value, width: 32 | 64): boolean | undefined {
  if (left === right && condition !== 'set') return ['eq', 'ge', 'le', 'sge', 'sle'].includes(condition);
  if (left.op === 'stack' && right.op === 'const' && right.constant === 0n) {
    if (condition === 'eq') return false;
    if (condition === 'ne') return true;
  }
  if (right.op !== 'const') return decideAddresses(condition, left, right);
  const most = (1n << BigInt(bitsOf(left))) - 1n;
  const value = right.constant;
  if (condition === 'gt' && value >= most) return false;
  if (condition === 'le' && value >= most) return true;
  if (condition === 'lt' && value === 0n) return false;
  if (condition === 'ge' && value === 0n) return true;
  if (condition === 'lt' && value > most) return true;
  if (condition === 'ge' && value > most) return false;
  if (value > most && (condition === 'eq' || condition === 'ne')) return condition === 'ne';
  return width === 64 && bitsOf(left) < 32 && condition === 'slt' && value === 0n ? false : undefined;
}

/** Addresses within one object compare as their offsets do; the verifier would not know. */
function decideAddresses(condition: JumpOperation, left: Value, right: Value): boolean | undefined {
  const [a, b] = [objectOf(left), objectOf(right)];
  if (!a || !b || a.object !== b.object || condition === 'set' || condition.startsWith('s')) return undefined;
  return foldCompare(condition, BigInt(a.offset), BigInt(b.offset), 64);
}

function objectOf(value: Value): { readonly object: unknown; readonly offset: number } | undefined {
  if (value.op === 'stack') return { object: value.slot, offset: value.offset };
  if (value.op === 'data') return { object: value.section, offset: value.offset };
  const by = value.op === 'add' ? resolve(value.args[1] as Value) : undefined;
  const base = by?.op === 'const' ? objectOf(resolve(value.args[0] as Value)) : undefined;
  return base && by && { ...base, offset: base.offset + Number(BigInt.asIntN(64, by.constant)) };
}

/** The same comparison in 32 bits, where both sides are zero-extended. */
export function narrow(
  condition: JumpOperation,
  left: Value,
  right: Value,
  width: 32 | 64,
): { condition: JumpOperation; left: Value; right: Value | bigint } | undefined {
  if (width !== 64 || left.op !== 'zext') return undefined;
  const unsigned: Partial<Record<JumpOperation, JumpOperation>> = { sgt: 'gt', sge: 'ge', slt: 'lt', sle: 'le' };
  const by = unsigned[condition] ?? condition;
  const inner = resolve(left.args[0] as Value);
  if (right.op === 'zext') return { condition: by, left: inner, right: resolve(right.args[0] as Value) };
  if (right.op === 'const' && right.constant <= 0xffffffffn)
    return { condition: by, left: inner, right: right.constant };
  return undefined;
}

/** `x & mask` compared with 0: what jset tests. */
export function testedBits(left: Value, right: Value): [Value, Value] | undefined {
  if (left.op !== 'and' || right.op !== 'const' || right.constant !== 0n) return undefined;
  return [resolve(left.args[0] as Value), resolve(left.args[1] as Value)];
}
