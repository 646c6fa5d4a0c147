import type { Expression, FunctionObject, Statement, Variable } from './ast.ts';
import { mostSteps, tripCount } from './trip-count.ts';

/**
 * About how many instructions statements become: what is computed, tested, loaded, stored and called, with inlined
 * bodies. Names, constants and conversions weigh nothing. A label weighs endlessly, for it cannot stand anywhere twice.
 */
export class Weights {
  /** Each function is weighed once: a chain in which each calls the next twice has as many ways as 2 to its length. */
  readonly #functions = new Map<FunctionObject, number>();
  readonly #rounds: boolean;

  /** @param rounds each round of a loop of few counts: loops of two thirty deep have a thousand million */
  constructor(rounds = false) {
    this.#rounds = rounds;
  }

  of(s: Statement): number {
    switch (s.kind) {
      case 'empty':
        return 0;
      case 'expression':
        return this.#value(s.value);
      case 'block':
        return sum(s.body, (one) => this.of(one));
      case 'declare':
        return this.#initial(s.variable);
      case 'if':
        return this.#value(s.test) + this.of(s.yes) + (s.no ? this.of(s.no) : 0);
      case 'case':
        return 1 + this.of(s.body);
      case 'switch':
        return this.#value(s.value) + this.of(s.body);
      case 'return':
        return 1 + (s.value ? this.#value(s.value) : 0);
      case 'break':
      case 'continue':
        return 1;
      case 'loop': {
        const round = (s.test ? this.#value(s.test) : 0) + (s.step ? this.#value(s.step) : 0) + this.of(s.body);
        return this.#rounds ? Math.max(1, tripCount(s, mostSteps)) * (round + 1) : round;
      }
      case 'label':
      case 'goto':
      case 'asm':
        return Number.POSITIVE_INFINITY;
    }
  }

  #value(e: Expression): number {
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
        return this.#value(e.base);
      case 'deref':
      case 'negate':
      case 'complement':
      case 'not':
        return 1 + this.#value(e.base);
      case 'binary':
      case 'logical':
        return this.#leaning(e);
      case 'compare':
      case 'assign':
      case 'update':
        return 1 + this.#value(e.left) + this.#value(e.right);
      case 'comma':
        return this.#value(e.left) + this.#value(e.right);
      case 'conditional':
        return 2 + this.#value(e.test) + (e.yes ? this.#value(e.yes) : 0) + this.#value(e.no);
      case 'call':
        return 1 + this.#all(e.args) + this.#body(e.function);
      case 'helper':
      case 'builtin':
        return 1 + e.args.length + this.#all(e.args);
      case 'method':
        return methodWeight + this.#all(e.args);
      case 'statements':
        return this.of(e.body);
      case 'literal':
        return this.#initial(e.variable);
    }
  }

  /** Of a sum of thousands, which leans to the left. */
  #leaning(e: Expression): number {
    let weight = 0;
    let left = e;
    for (; left.kind === 'binary' || left.kind === 'logical'; left = left.left) weight += 1 + this.#value(left.right);
    return weight + this.#value(left);
  }

  #all(parts: readonly Expression[]): number {
    return sum(parts, (part) => this.#value(part));
  }

  #initial({ initial }: Variable): number {
    return sum(initial?.entries ?? [], ({ value }) => 1 + this.#value(value));
  }

  /** What a call brings in. A function that calls itself comes to no end. */
  #body(f: FunctionObject): number {
    if (!f.body || f.noinline) return 0;
    const known = this.#functions.get(f);
    if (known !== undefined) return known;
    this.#functions.set(f, Number.POSITIVE_INFINITY);
    const weight = this.of(f.body);
    this.#functions.set(f, weight);
    return weight;
  }
}

/** What a method of a table becomes: its address, its arguments in memory, the call and what is done with the result. */
const methodWeight = 8;

function sum<T>(parts: readonly T[], each: (part: T) => number): number {
  return parts.reduce((total, part) => total + each(part), 0);
}
