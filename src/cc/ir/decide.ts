import type { JumpOperation } from '../../isa/index.ts';
import { bitsOf, foldCompare } from './fold.ts';
import { resolve, type Slot, Value } from './ir.ts';

/** What is known of comparisons without running them, and simpler ones that say the same. */

/** What is known of a comparison without running it. */
export function decide(condition: JumpOperation, left: Value, right: Value, width: 32 | 64): boolean | undefined {
  if (left === right && condition !== 'set') return ['eq', 'ge', 'le', 'sge', 'sle'].includes(condition);
  if (left.op === 'stack' && right.op === 'const' && right.constant === 0n) {
    if (condition === 'eq') return false;
    if (condition === 'ne') return true;
  }
  if (right.op !== 'const') return decideAddresses(condition, left, right);
  const value = right.constant;
  if (value === 0n) return decideZero(condition, left, width);
  const most = (1n << BigInt(bitsOf(left))) - 1n;
  if (condition === 'gt' && value >= most) return false;
  if (condition === 'le' && value >= most) return true;
  if (condition === 'lt' && value > most) return true;
  if (condition === 'ge' && value > most) return false;
  return value > most && (condition === 'eq' || condition === 'ne') ? condition === 'ne' : undefined;
}

function decideZero(condition: JumpOperation, left: Value, width: 32 | 64): boolean | undefined {
  if (condition === 'lt') return false;
  if (condition === 'ge') return true;
  return condition === 'slt' && width === 64 && bitsOf(left) < 32 ? false : undefined;
}

/** Addresses within one object compare as their offsets do; the verifier would not know. */
function decideAddresses(condition: JumpOperation, left: Value, right: Value): boolean | undefined {
  if (condition === 'set' || condition.startsWith('s') || left.width === 32) return undefined;
  const [a, b] = [addressOf(left), addressOf(right)];
  // Of other values it is not known that they are addresses, which do not wrap.
  if (a.object instanceof Value && condition !== 'eq' && condition !== 'ne') return undefined;
  return a.object === b.object ? foldCompare(condition, a.offset, b.offset, 64) : undefined;
}

/** An address within an object: a slot, a section of data, or what a value points to. */
export interface AddressWithin {
  readonly object: Slot | string | Value;
  readonly offset: bigint;
}

export function addressOf(addressIn: Value): AddressWithin {
  const address = resolve(addressIn);
  if (address.op === 'stack') return { object: address.slot as Slot, offset: BigInt(address.offset) };
  if (address.op === 'data') return { object: address.section as string, offset: BigInt(address.offset) };
  const by = address.op === 'add' ? resolve(address.args[1] as Value) : undefined;
  if (by?.op !== 'const') return { object: address, offset: 0n };
  const base = addressOf(address.args[0] as Value);
  return { ...base, offset: base.offset + BigInt.asIntN(64, by.constant) };
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
