import { binaryValue } from '../../base/index.ts';
import { addressOf } from '../ir/decide.ts';
import type { Value } from '../ir/ir.ts';
import type { Expression } from '../syntax/ast.ts';
import { leaning } from '../syntax/parts.ts';
import type { CType } from '../types/types.ts';

/**
 * Comparisons of pointers, which C defines within one object only. The verifier does not compare pointers to the stack
 * or to a map's value, so what is known of their distance is used here.
 */
export type Comparison = Extract<Expression, { kind: 'compare' }>;

/** What a pointer points to that is compared as the number that it is; undefined of other operands. */
export function comparedTarget(e: Expression): CType | undefined {
  return e.kind === 'cast' && e.base.type.kind === 'pointer' ? e.base.type.target : undefined;
}

/** What a comparison of pointers into one object gives. */
export function pointersCompared(e: Comparison, left: Value, right: Value): boolean | undefined {
  if (!comparedTarget(e.left) || !comparedTarget(e.right)) return undefined;
  const [a, b] = [addressOf(left), addressOf(right)];
  return a.object === b.object ? binaryValue(e.op, a.offset, b.offset) !== 0n : undefined;
}

/** The comparison of two pointers in a loop's test, `p < end && *p`, which can be reckoned once more. */
export function testOfPointers(test: Expression): Comparison | undefined {
  if (test.kind === 'logical' && test.op === '&&') {
    const parts: Expression[] = [];
    let first: Expression = test;
    for (; first.kind === 'logical' && first.op === '&&'; first = first.left) parts.push(first.right);
    for (const part of [first, ...parts.reverse()]) {
      const found = testOfPointers(part);
      if (found) return found;
    }
    return undefined;
  }
  if (test.kind !== 'compare' || !comparedTarget(test.left) || !comparedTarget(test.right)) return undefined;
  return isPlain(test.left) && isPlain(test.right) ? test : undefined;
}

/** It has no effects. */
function isPlain(e: Expression): boolean {
  switch (e.kind) {
    case 'variable':
    case 'number':
      return true;
    case 'cast':
    case 'address':
    case 'member':
      return isPlain(e.base);
    case 'deref':
      return isPlain(e.base) && !(e.base.type.kind === 'pointer' && e.base.type.volatile);
    case 'binary':
      return leaning(e).every(({ left, right }, i) => (i > 0 || isPlain(left)) && isPlain(right));
    default:
      return false;
  }
}
