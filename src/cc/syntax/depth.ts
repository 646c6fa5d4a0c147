import type { Token } from '../preprocess/token.ts';
import type { Expression, Statement } from './ast.ts';
import { expressionsIn, leaning, operandsOf, statementsIn } from './parts.ts';

/** How deep the tree of a function's body may be: `a->b->c->…` and `a < b < c < …` are such trees without a bracket. */
export const deepest = 1000;

/** What an `else if` counts: a chain of them is no more than a list to who reads it. */
const ofElse = 1 / 4;

interface Node {
  readonly depth: number;
  readonly statement?: Statement;
  readonly expression?: Expression;
}

/** Where a body first nests deeper than whoever goes through it follows; undefined where it does not. */
export function tooDeep(body: Statement): Token | undefined {
  // No recursion: that is what this is about. The next to be looked at is the last.
  const pending: Node[] = [{ statement: body, depth: 0 }];
  for (let node = pending.pop(); node; node = pending.pop()) {
    const { statement, expression, depth } = node;
    if (depth > deepest) return statement?.at ?? expression?.at;
    const parts = statement ? partsOf(statement, depth) : operands(expression as Expression, depth);
    for (const part of parts.reverse()) pending.push(part);
  }
  return undefined;
}

function partsOf(s: Statement, depth: number): Node[] {
  const parts: Node[] = expressionsIn(s).map((expression) => ({ expression, depth: depth + 1 }));
  for (const statement of statementsIn(s)) {
    const chained = s.kind === 'if' && statement === s.no && statement.kind === 'if';
    parts.push({ statement, depth: depth + (chained ? ofElse : 1) });
  }
  return parts;
}

function operands(e: Expression, depth: number): Node[] {
  if (e.kind === 'statements') return [{ statement: e.body, depth: depth + 1 }];
  const parts = e.kind === 'binary' || e.kind === 'logical' ? ends(e) : operandsOf(e);
  return parts.map((expression) => ({ expression, depth: depth + 1 }));
}

/** Sums and the like lean to the left, which nobody follows by recursion. */
function ends(e: Extract<Expression, { kind: 'binary' | 'logical' }>): Expression[] {
  const all = leaning(e);
  return [(all[0] as (typeof all)[number]).left, ...all.map(({ right }) => right)];
}
