import type { Diagnostics } from '../diagnostics.ts';
import { askedBy, positionOf, type Token } from '../preprocess/token.ts';
import { isScalar } from '../types/types.ts';
import type { Expression, FunctionObject, Statement, Variable } from './ast.ts';
import { definedBefore } from './parsing.ts';
import type { Spans } from './spans.ts';

/**
 * Warns of variables that are read before anything was put into them (clang's -Wuninitialized and
 * -Wsometimes-uninitialized). The verifier would refuse most of these programs, with less to go by. A function with a
 * goto is left to it.
 */
export function warnOfUninitialised(f: FunctionObject, diagnostics: Diagnostics, spans: Spans): void {
  if (f.body && hasCandidate(f.body)) new Walk(diagnostics, spans).function(f.body);
}

/** What a variable holds: something, nothing, or nothing on the way that `because` tells. */
type Content = 'set' | 'unset' | Maybe;

interface Maybe {
  /** The `if` that leaves it unset; absent where it cannot be told in a word. */
  readonly because?: { readonly test: Expression; readonly outcome: boolean };
  /** How many forks had been met then: after another one the use is not certain. */
  readonly forks: number;
}

type State = Map<Variable, Content>;

class Left extends Error {}

class Walk {
  readonly #diagnostics: Diagnostics;
  readonly #spans: Spans;
  /** Undefined where nothing comes to. */
  #state: State | undefined = new Map();
  #forks = 0;

  constructor(diagnostics: Diagnostics, spans: Spans) {
    this.#diagnostics = diagnostics;
    this.#spans = spans;
  }

  function(body: Statement): void {
    try {
      this.#statement(body);
    } catch (fault) {
      // A label: what is set where is anybody's guess.
      if (!(fault instanceof Left)) throw fault;
    }
  }

  #statement(s: Statement): void {
    switch (s.kind) {
      case 'expression':
        this.#expression(s.value);
        return;
      case 'block':
        for (const one of s.body) this.#statement(one);
        return;
      case 'declare':
        this.#declare(s.variable);
        return;
      case 'if':
        this.#if(s);
        return;
      case 'loop':
        this.#loop(s);
        return;
      case 'switch':
        this.#expression(s.value);
        this.#several(s, () => this.#statement(s.body));
        return;
      case 'case':
        // Only a switch comes here, or what falls through.
        this.#state ??= new Map();
        this.#statement(s.body);
        return;
      case 'return':
        if (s.value) this.#expression(s.value);
        this.#state = undefined;
        return;
      case 'break':
      case 'continue':
        this.#state = undefined;
        return;
      case 'asm':
        for (const { value } of s.inputs) this.#expression(value);
        for (const { value } of s.outputs) this.#set(value);
        return;
      case 'label':
      case 'goto':
        throw new Left();
      default:
        return;
    }
  }

  #declare(variable: Variable): void {
    const { initial } = variable;
    for (const { value } of initial?.entries ?? []) this.#expression(value);
    const open = !initial && isCandidate(variable);
    this.#state?.set(variable, open ? 'unset' : 'set');
  }

  #if(s: Extract<Statement, { kind: 'if' }>): void {
    this.#expression(s.test);
    this.#forks++;
    const before = this.#state && new Map(this.#state);
    this.#statement(s.yes);
    const yes = this.#state;
    this.#state = before && new Map(before);
    if (s.no) this.#statement(s.no);
    this.#state = this.#joined(yes, this.#state, s.test);
  }

  #loop(s: Extract<Statement, { kind: 'loop' }>): void {
    if (s.initial) this.#statement(s.initial);
    if (s.test && !s.testLast) this.#expression(s.test);
    this.#several(s, () => {
      this.#statement(s.body);
      if (s.testLast && s.test) this.#expression(s.test);
      if (s.step) this.#expression(s.step);
    });
  }

  /** What runs more than once, or in part: all that is set in it may be so or not, in it and afterwards. */
  #several(s: Statement, run: () => void): void {
    this.#forks++;
    const state = this.#state ?? new Map<Variable, Content>();
    for (const variable of assignedIn(s)) if (state.get(variable) === 'unset') state.set(variable, { forks: -1 });
    const after = new Map(state);
    this.#state = state;
    run();
    this.#state = after;
    this.#forks++;
  }

  #joined(yes: State | undefined, no: State | undefined, test: Expression): State | undefined {
    if (!yes || !no) return yes ?? no;
    const joined: State = new Map();
    for (const [variable, a] of yes) {
      const b = no.get(variable);
      if (b === undefined || a === b) joined.set(variable, a);
      else if (a === 'unset' && b === 'set')
        joined.set(variable, { because: { test, outcome: true }, forks: this.#forks });
      else if (a === 'set' && b === 'unset')
        joined.set(variable, { because: { test, outcome: false }, forks: this.#forks });
      else joined.set(variable, { forks: -1 });
    }
    return joined;
  }

  #expression(e: Expression): void {
    switch (e.kind) {
      case 'variable':
        this.#read(e.variable, e.at);
        return;
      case 'assign':
        this.#expression(e.right);
        this.#set(e.left);
        return;
      case 'update':
        this.#expression(e.right);
        this.#expression(e.left);
        this.#set(e.left);
        return;
      case 'logical':
        this.#expression(e.left);
        this.#side(e.right);
        return;
      case 'conditional':
        this.#expression(e.test);
        if (e.yes) this.#side(e.yes);
        this.#side(e.no);
        return;
      case 'binary':
      case 'compare':
      case 'comma':
        this.#expression(e.left);
        this.#expression(e.right);
        return;
      case 'statements':
        this.#statement(e.body);
        return;
      case 'literal':
        for (const { value } of e.variable.initial?.entries ?? []) this.#expression(value);
        return;
      case 'call':
      case 'helper':
      case 'method':
      case 'builtin':
        for (const one of e.args) this.#expression(one);
        return;
      case 'member':
      case 'deref':
      case 'address':
      case 'cast':
      case 'not':
      case 'negate':
      case 'complement':
        this.#expression(e.base);
        return;
      default:
        return;
    }
  }

  /** Runs on some ways only. */
  #side(e: Expression): void {
    this.#forks++;
    const before = this.#state && new Map(this.#state);
    this.#expression(e);
    const state = this.#state;
    this.#state = before;
    for (const [variable, content] of state ?? []) {
      if (before?.get(variable) !== content) before?.set(variable, { forks: -1 });
    }
    this.#forks++;
  }

  #set(place: Expression): void {
    if (place.kind === 'variable') this.#state?.set(place.variable, 'set');
    else this.#expression(place);
  }

  #read(variable: Variable, at: Token): void {
    const content = this.#state?.get(variable);
    if (content === undefined || content === 'set') return;
    this.#state?.set(variable, 'set');
    const { name } = variable;
    const notes = [definedBefore(variable.at, `initialize the variable '${name}' to silence this warning`)];
    if (content === 'unset') {
      this.#diagnostics.warning(at, `variable '${name}' is uninitialized when used here`, { notes });
      return;
    }
    if (!content.because || content.forks !== this.#forks) return;
    const { test, outcome } = content.because;
    const use = askedBy(at);
    const message = `variable '${name}' is used uninitialized whenever 'if' condition is ${outcome}`;
    this.#diagnostics.warning(this.#spans.first(test), message, {
      notes: [{ message: 'uninitialized use occurs here', at: positionOf(use), length: use.text.length }, ...notes],
      ranges: [this.#spans.of(test)],
    });
  }
}

/** Kept in a register, and nothing is put into it where it is declared. */
function isCandidate(variable: Variable): boolean {
  return !variable.initial && !variable.inMemory && !variable.global && isScalar(variable.type);
}

function hasCandidate(s: Statement): boolean {
  switch (s.kind) {
    case 'block':
      return s.body.some(hasCandidate);
    case 'declare':
      return isCandidate(s.variable);
    case 'if':
      return hasCandidate(s.yes) || (s.no !== undefined && hasCandidate(s.no));
    case 'loop':
      return hasCandidate(s.body) || (s.initial !== undefined && hasCandidate(s.initial));
    case 'switch':
    case 'case':
      return hasCandidate(s.body);
    default:
      return false;
  }
}

/** The variables that something is put into, somewhere in there. */
function assignedIn(part: Statement | Expression): Set<Variable> {
  const found = new Set<Variable>();
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null || node instanceof Set || node instanceof Map) return;
    if (Array.isArray(node)) {
      for (const one of node) visit(one);
      return;
    }
    const { kind, left } = node as { kind?: string; left?: Expression };
    if ((kind === 'assign' || kind === 'update') && left?.kind === 'variable') found.add(left.variable);
    for (const key of followed) if (key in node) visit((node as Record<string, unknown>)[key]);
  };
  visit(part);
  return found;
}

/** The properties that lead from a node of the tree to those within it. */
const followed = ['body', 'yes', 'no', 'test', 'step', 'initial', 'value', 'left', 'right', 'base', 'args', 'outputs'];
