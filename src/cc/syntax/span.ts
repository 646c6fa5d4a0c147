import { askedBy, type Token } from '../preprocess/token.ts';
import type { Expression } from './ast.ts';

/** Parts of an expression that are looked at. */
const mostParts = 64;

/** The first and the last token of an expression, as far as the tree keeps them: brackets at its ends are not. */
export function spanOf(e: Expression): readonly [first: Token, last: Token] {
  let first = askedBy(e.at);
  let last = first;
  // No recursion, and no more than is read: a sum of thousands is a tree as deep.
  const open = [e];
  for (let part = open.pop(), left = mostParts; part && left > 0; part = open.pop(), left--) {
    const at = askedBy(part.at);
    if (at.file === first.file) {
      if (at.offset < first.offset) first = at;
      if (at.offset > last.offset) last = at;
    }
    open.push(...partsOf(part));
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
