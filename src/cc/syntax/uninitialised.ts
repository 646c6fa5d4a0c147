import type { Diagnostics } from '../diagnostics.ts';
import { askedBy, positionOf, type Token } from '../preprocess/token.ts';
import { isScalar } from '../types/types.ts';
import type { Expression, FunctionObject, Statement, Variable } from './ast.ts';
import { definedBefore } from './parsing.ts';
import { expressionsIn, leaning, operandsOf, statementsIn } from './parts.ts';
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

/** Variables that are carried along all ways together. */
const mostCopied = 2_000_000;

class Walk {
  readonly #diagnostics: Diagnostics;
  readonly #spans: Spans;
  /** Undefined where nothing comes to. */
  #state: State | undefined = new Map();
  #forks = 0;
  #copied = 0;

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
    for (const { value } of variable.initial?.entries ?? []) this.#expression(value);
    this.#state?.set(variable, isCandidate(variable) ? 'unset' : 'set');
  }

  /** A state to go another way with. Of thousands of variables in thousands of ifs nothing is said. */
  #copy(state: State | undefined): State | undefined {
    this.#copied += state?.size ?? 0;
    if (this.#copied > mostCopied) throw new Left();
    return state && new Map(state);
  }

  #if(s: Extract<Statement, { kind: 'if' }>): void {
    this.#expression(s.test);
    this.#forks++;
    const before = this.#copy(this.#state);
    this.#statement(s.yes);
    const yes = this.#state;
    this.#state = this.#copy(before);
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
    const after = this.#copy(state);
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
      case 'binary':
      case 'logical': {
        const all = leaning(e);
        this.#expression((all[0] as (typeof all)[number]).left);
        for (const { kind, right } of all) {
          if (kind === 'logical') this.#side(right);
          else this.#expression(right);
        }
        return;
      }
      case 'conditional':
        this.#expression(e.test);
        if (e.yes) this.#side(e.yes);
        this.#side(e.no);
        return;
      case 'statements':
        this.#statement(e.body);
        return;
      default:
        for (const one of operandsOf(e)) this.#expression(one);
    }
  }

  /** Runs on some ways only. */
  #side(e: Expression): void {
    this.#forks++;
    const before = this.#copy(this.#state);
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
  return s.kind === 'declare' ? isCandidate(s.variable) : statementsIn(s).some(hasCandidate);
}

/** The variables that something is put into, somewhere in there. */
function assignedIn(part: Statement): Set<Variable> {
  const found = new Set<Variable>();
  const note = (place: Expression): void => {
    if (place.kind === 'variable') found.add(place.variable);
  };
  const look = (e: Expression): void => {
    if (e.kind === 'assign' || e.kind === 'update') note(e.left);
    if (e.kind === 'statements') visit(e.body);
    if (e.kind !== 'binary' && e.kind !== 'logical') for (const one of operandsOf(e)) look(one);
    else
      for (const [i, one] of leaning(e).entries())
        for (const part of i === 0 ? [one.left, one.right] : [one.right]) look(part);
  };
  const visit = (s: Statement): void => {
    if (s.kind === 'asm') for (const { value } of s.outputs) note(value);
    for (const one of expressionsIn(s)) look(one);
    for (const one of statementsIn(s)) visit(one);
  };
  visit(part);
  return found;
}
