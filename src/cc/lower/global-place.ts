import type { Expression, Variable } from '../syntax/ast.ts';
import { sizeOf } from '../types/types.ts';

/** The global, never assigned to, that a constant place lies in, and how many bytes from its start. */
export function globalPlace(e: Expression): { variable: Variable; offset: number } | undefined {
  if (e.kind === 'variable') {
    const { variable } = e;
    return variable.global && !variable.assigned && !variable.inMemory ? { variable, offset: 0 } : undefined;
  }
  if (e.kind === 'member') return moved(globalPlace(e.base), e.member.offset);
  if (e.kind !== 'deref') return undefined;
  if (e.base.kind === 'address') return globalPlace(e.base.base);
  if (e.base.kind !== 'binary' || e.base.op !== '+') return undefined;
  const { left, right } = e.base;
  if (left.kind !== 'address' || right.kind !== 'number') return undefined;
  return moved(globalPlace(left.base), Number(right.value) * sizeOf(e.type));
}

function moved<Place extends { offset: number }>(place: Place | undefined, by: number): Place | undefined {
  return place && { ...place, offset: place.offset + by };
}
