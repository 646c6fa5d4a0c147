import type { Expression, Statement, Variable } from './ast.ts';

/** What the tree's nodes are made of, in the order in which it runs: for whoever goes through all of it. */

/** The statements that stand in a statement. */
export function statementsIn(s: Statement): readonly Statement[] {
  switch (s.kind) {
    case 'block':
      return s.body;
    case 'if':
      return s.no ? [s.yes, s.no] : [s.yes];
    case 'loop':
      return s.initial ? [s.initial, s.body] : [s.body];
    case 'switch':
    case 'case':
    case 'label':
      return [s.body];
    default:
      return [];
  }
}

/** The value of a statement expression whose last statement this is: labels may stand before it. */
export function lastValue(s: Statement | undefined): Expression | undefined {
  if (s?.kind === 'label') return lastValue(s.body);
  return s?.kind === 'expression' ? s.value : undefined;
}

/** The expressions of a statement itself. */
export function expressionsIn(s: Statement): readonly Expression[] {
  switch (s.kind) {
    case 'expression':
    case 'switch':
      return [s.value];
    case 'declare':
      return initialValues(s.variable);
    case 'if':
      return [s.test];
    case 'loop':
      return [s.test, s.step].filter((one) => one !== undefined);
    case 'return':
      return s.value ? [s.value] : [];
    case 'asm':
      return [...s.inputs, ...s.outputs].map(({ value }) => value);
    default:
      return [];
  }
}

/** The expressions that an expression is made of; the body of a statement expression is not among them. */
export function operandsOf(e: Expression): readonly Expression[] {
  switch (e.kind) {
    case 'member':
    case 'deref':
    case 'address':
    case 'cast':
    case 'not':
    case 'negate':
    case 'complement':
      return [e.base];
    case 'binary':
    case 'compare':
    case 'logical':
    case 'comma':
    case 'assign':
    case 'update':
      return [e.left, e.right];
    case 'conditional':
      return e.yes ? [e.test, e.yes, e.no] : [e.test, e.no];
    case 'call':
    case 'helper':
    case 'method':
    case 'builtin':
      return e.args;
    case 'literal':
      return initialValues(e.variable);
    default:
      return [];
  }
}

/** The operators of a sum or of `a && b && …`, the first one first: thousands of them are a tree that leans to the left. */
export function leaning(e: Leaning): Leaning[] {
  const all: Leaning[] = [];
  for (let at: Expression = e; at.kind === 'binary' || at.kind === 'logical'; at = at.left) all.push(at);
  return all.reverse();
}

type Leaning = Extract<Expression, { kind: 'binary' | 'logical' }>;

function initialValues({ initial }: Variable): readonly Expression[] {
  return initial?.entries.map(({ value }) => value) ?? [];
}
