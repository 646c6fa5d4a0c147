import type { Member } from '../types/types.ts';
import type { Expression } from './ast.ts';

/** What is const may be read only (C11 6.5.16): variables, what a pointer leads to, and members of structs. */
export type Part =
  | { readonly kind: 'member'; readonly member: Member }
  | { readonly kind: 'variable'; readonly place: Extract<Expression, { kind: 'variable' }> }
  | { readonly kind: 'pointer'; readonly place: Extract<Expression, { kind: 'deref' }> };

/** The parts of a place that are const, from the place itself outwards. */
export function constantParts(place: Expression): Part[] {
  const parts: Part[] = [];
  let at: Expression | undefined = place;
  while (at) {
    if (at.kind === 'member') {
      if (at.member.constant) parts.push({ kind: 'member', member: at.member });
      at = at.base;
    } else if (at.kind === 'deref') {
      const array: Expression | undefined = arrayOf(at.base);
      if (!array && at.base.type.kind === 'pointer' && at.base.type.constant)
        parts.push({ kind: 'pointer', place: at });
      at = array;
    } else {
      if (at.kind === 'variable' && at.variable.constant) parts.push({ kind: 'variable', place: at });
      at = undefined;
    }
  }
  return parts;
}

/** The array whose element a pointer leads to. */
function arrayOf(pointer: Expression): Expression | undefined {
  if (pointer.kind === 'binary') return arrayOf(pointer.left);
  return pointer.kind === 'address' && pointer.base.type.kind === 'array' ? pointer.base : undefined;
}

/** Whether a pointer to a place is one to const. */
export function isConstantPlace(place: Expression): boolean {
  for (let at: Expression | undefined = place; at; ) {
    if (at.kind === 'member') {
      if (at.member.constant) return true;
      at = at.base;
    } else if (at.kind === 'deref') {
      const array: Expression | undefined = arrayOf(at.base);
      if (!array && at.base.type.kind === 'pointer' && at.base.type.constant) return true;
      at = array;
    } else return at.kind === 'variable' && at.variable.constant;
  }
  return false;
}
