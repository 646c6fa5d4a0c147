import type { Expression, Statement } from './ast.ts';

/**
 * About how many instructions a statement becomes: what is computed, tested, loaded, stored and called, with inlined
 * bodies. Names, constants and conversions weigh nothing. A label weighs endlessly, for it cannot stand anywhere twice.
 */
export function weightOf(s: Statement): number {
  switch (s.kind) {
    case 'empty':
      return 0;
    case 'expression':
      return weight(s.value);
    case 'block':
      return sum(s.body, weightOf);
    case 'declare':
      return sum(s.variable.initial?.entries ?? [], (entry) => 1 + weight(entry.value));
    case 'if':
      return weight(s.test) + weightOf(s.yes) + (s.no ? weightOf(s.no) : 0);
    case 'case':
      return 1 + weightOf(s.body);
    case 'switch':
      return weight(s.value) + weightOf(s.body);
    case 'return':
      return 1 + (s.value ? weight(s.value) : 0);
    case 'break':
    case 'continue':
      return 1;
    case 'loop':
      return (s.test ? weight(s.test) : 0) + (s.step ? weight(s.step) : 0) + weightOf(s.body);
    case 'label':
    case 'goto':
    case 'asm':
      return Number.POSITIVE_INFINITY;
  }
}

/** What a method of a table becomes: its address, its arguments in memory, the call and what is done with the result. */
const methodWeight = 8;

function weight(e: Expression): number {
  switch (e.kind) {
    case 'number':
    case 'string':
    case 'variable':
    case 'table':
    case 'function':
      return 0;
    case 'member':
    case 'address':
    case 'cast':
      return weight(e.base);
    case 'deref':
    case 'negate':
    case 'complement':
    case 'not':
      return 1 + weight(e.base);
    case 'binary':
    case 'compare':
    case 'logical':
    case 'assign':
    case 'update':
      return 1 + weight(e.left) + weight(e.right);
    case 'comma':
      return weight(e.left) + weight(e.right);
    case 'conditional':
      return 2 + weight(e.test) + (e.yes ? weight(e.yes) : 0) + weight(e.no);
    case 'call':
      return 1 + sum(e.args, weight) + (e.function.body && !e.function.noinline ? weightOf(e.function.body) : 0);
    case 'helper':
    case 'builtin':
      return 1 + sum(e.args, (one) => 1 + weight(one));
    case 'method':
      return methodWeight + sum(e.args, weight);
    case 'statements':
      return weightOf(e.body);
    case 'literal':
      return sum(e.variable.initial?.entries ?? [], (entry) => 1 + weight(entry.value));
  }
}

function sum<T>(parts: readonly T[], each: (part: T) => number): number {
  return parts.reduce((total, part) => total + each(part), 0);
}
