import { askedBy, type Token } from '../preprocess/token.ts';
import type { Expression } from './ast.ts';

/** The first and the last token of an expression, as far as the tree keeps them: brackets at its ends are not. */
export function spanOf(e: Expression): readonly [first: Token, last: Token] {
  let first = askedBy(e.at);
  let last = first;
  for (const part of partsOf(e)) {
    const [start, end] = spanOf(part);
    if (start.file !== first.file) continue;
    if (start.offset < first.offset) first = start;
    if (end.offset > last.offset) last = end;
  }
  return [first, last];
}

function partsOf(e: Expression): readonly Expression[] {
  if ('args' in e) return e.args;
  if ('base' in e) return [e.base];
  if ('left' in e) return [e.left, e.right];
  if (e.kind === 'conditional') return e.yes ? [e.test, e.yes, e.no] : [e.test, e.no];
  return [];
}
