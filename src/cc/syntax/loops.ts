import type { Token } from '../preprocess/token.ts';
import type { Expression, Statement } from './ast.ts';
import { isWithoutEnd } from './completion.ts';
import type { Parsing } from './parsing.ts';

/** Loops (C11 6.8.5), the pragmas that unroll them, and the conditions that they and `if` have. */
type Loop = Extract<Statement, { kind: 'loop' }>;

/** How far a loop is unrolled when the pragma gives no number. */
const fully = 4096;

export class LoopParser {
  readonly #p: Parsing;
  /** How many loops are around what is being read. */
  open = 0;
  /** The labels of the function so far, and the loops with some of them. */
  #names: string[] = [];
  #labelled: { readonly loop: Loop; readonly from: number; readonly to: number }[] = [];
  /** Cases that stand in a loop within their switch. */
  #casesInside = 0;

  constructor(parsing: Parsing) {
    this.#p = parsing;
  }

  /** A pragma and the statement behind it, which it says something of when that is a loop. */
  pragma(): Statement {
    const p = this.#p;
    const { text } = p.next();
    const count = /^(?:GCC )?unroll\s*\(?\s*(\d+)/.exec(text) ?? /unroll_count\s*\(\s*(\d+)/.exec(text);
    const wanted = /^(?:GCC )?unroll\b|unroll\s*\(\s*(full|enable)|unroll_count/.test(text);
    // With a count, clang may leave a loop; without, it is to be gone.
    const unroll = !wanted ? 0 : count ? -Number(count[1]) : fully;
    while (p.token.kind === 'pragma') p.next();
    if (['for', 'while', 'do'].includes(p.token.text)) return this.loop(unroll);
    return p.statements.statement();
  }

  /** for, while and do … while */
  loop(unroll: number): Statement {
    const { gotos } = this.#p;
    const [first, from, cases] = [this.#names.length, gotos.length, this.#casesInside];
    const read = this.#anyLoop(unroll);
    if (this.#names.length === first && this.#casesInside === cases) return read;
    const loop = { ...read, labels: this.#names.slice(first), entered: this.#casesInside > cases };
    this.#labelled.push({ loop, from, to: gotos.length });
    return loop;
  }

  label(name: string): void {
    this.#names.push(name);
  }

  /** @param loops that were open where its switch began */
  caseWithin(loops: number): void {
    if (this.open > loops) this.#casesInside++;
  }

  /** At the end of a function all gotos are known: those that lead into loops from outside. */
  finish(): void {
    const first = new Map<string, number>();
    const last = new Map<string, number>();
    for (const [i, { label }] of this.#p.gotos.entries()) {
      if (!first.has(label)) first.set(label, i);
      last.set(label, i);
    }
    for (const { loop, from, to } of this.#labelled) {
      const inside = (name: string): boolean =>
        (first.get(name) ?? from) >= from && (last.get(name) ?? from) < Math.max(to, from + 1);
      loop.entered ||= !loop.labels.every(inside);
    }
    this.#names = [];
    this.#labelled = [];
    this.#casesInside = 0;
  }

  #anyLoop(unroll: number): Loop {
    const p = this.#p;
    const at = p.next();
    this.open++;
    try {
      if (at.text === 'for') return p.withScope(() => this.#for(at, unroll));
      const testLast = at.text === 'do';
      let body = testLast ? p.statements.statement() : undefined;
      if (testLast) p.expect('while', 'in do/while loop');
      const open = p.expect('(', `after '${testLast ? 'while' : at.text}'`);
      const test = this.condition(at);
      p.close(')', open);
      if (testLast) p.semicolon('after do/while statement');
      body ??= p.statements.statement();
      return this.#ending({ kind: 'loop', at, initial: undefined, test, step: undefined, body, testLast, unroll });
    } finally {
      this.open--;
    }
  }

  /**
   * The condition of an if or a loop; an assignment there is mostly meant to be a comparison.
   * @param at the word whose condition it is
   */
  condition(at: Token): Expression {
    const p = this.#p;
    const bracket = p.is('(');
    const value = p.expressions.expression();
    if (value.kind === 'assign' && !bracket) {
      const message = 'using the result of an assignment as a condition without parentheses';
      p.diagnostics.warning(value.at, message, {
        hint: "'==' compares; brackets around it say that '=' is meant",
        ranges: [p.spans.of(value)],
      });
    }
    return p.typing.condition(value, at);
  }

  #ending(read: Omit<Loop, 'labels' | 'entered'>): Loop {
    const loop: Loop = { ...read, labels: [], entered: false };
    if (loop.unroll === 0 && isWithoutEnd(loop)) {
      const hint = 'give it a bound that is a constant, or call bpf_loop()';
      this.#p.diagnostics.warning(loop.at, 'this loop has no end, and the verifier refuses it', hint);
    }
    return loop;
  }

  /** for = 'for' '(' (declaration | expression? ';') expression? ';' expression? ')' statement */
  #for(at: Token, unroll: number): Loop {
    const p = this.#p;
    const open = p.expect('(', `after 'for'`);
    const first: Statement[] = [];
    if (p.declarations.startsType()) p.statements.declaration(first);
    else if (!p.accept(';')) {
      first.push({ kind: 'expression', at: p.token, value: p.expressions.expression() });
      p.expect(';', `in 'for' statement specifier`);
    }
    const test = p.is(';') ? undefined : this.condition(at);
    p.expect(';', `in 'for' statement specifier`);
    const step = p.is(')') ? undefined : p.expressions.expression();
    p.close(')', open);
    const body = p.statements.statement();
    const initial: Statement = { kind: 'block', at, body: first, end: at };
    return this.#ending({ kind: 'loop', at, initial, test, step, body, testLast: false, unroll });
  }
}
