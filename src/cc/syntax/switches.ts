import type { Token } from '../preprocess/token.ts';
import { quoted } from '../types/types.ts';
import type { Statement, SwitchCase } from './ast.ts';
import { definedBefore, type Parsing } from './parsing.ts';

/** `switch` and its labels (C11 6.8.4.2 and 6.8.1), with GNU's ranges. */
interface OpenSwitch {
  readonly cases: SwitchCase[];
  /** The values met, `undefined` for default, and where. */
  readonly seen: Map<bigint | undefined, Token>;
  /** Loops around it. */
  readonly loops: number;
}

export class SwitchParser {
  readonly #p: Parsing;
  readonly #open: OpenSwitch[] = [];

  constructor(parsing: Parsing) {
    this.#p = parsing;
  }

  /** Whether what is being read stands in one. */
  get open(): boolean {
    return this.#open.length > 0;
  }

  /** switch = 'switch' '(' expression ')' statement */
  switch(): Statement {
    const p = this.#p;
    const at = p.next();
    const bracket = p.expect('(', `after 'switch'`);
    const written = p.expressions.expression();
    const value = p.typing.promote(written);
    p.close(')', bracket);
    if (value.type.kind !== 'int') {
      const message = `statement requires expression of integer type (${quoted(value.type)} invalid)`;
      p.diagnostics.error(at, message, { ranges: [p.spans.of(written)] });
    }
    const open: OpenSwitch = { cases: [], seen: new Map(), loops: p.loops.open };
    this.#open.push(open);
    let body: Statement;
    try {
      body = p.statements.statement();
    } finally {
      this.#open.pop();
    }
    return { kind: 'switch', at, value, cases: open.cases, body };
  }

  /** case = ('case' constant ('...' constant)? | 'default') ':' statement; one loop for many in a row */
  case(): Statement {
    const p = this.#p;
    const labels: { at: Token; label: SwitchCase | undefined }[] = [];
    for (;;) {
      const at = p.next();
      labels.push({ at, label: at.text === 'case' ? this.#caseValue(at) : this.#default(at) });
      if (!p.is('case') && !p.is('default')) break;
    }
    let body: Statement = p.is('}') ? { kind: 'empty', at: p.token } : p.statements.afterLabel();
    for (const { at, label } of labels.reverse()) if (label) body = { kind: 'case', at, label, body };
    return body;
  }

  /** What follows `case`, up to the colon; undefined, and told, where it cannot stand. */
  #caseValue(at: Token): SwitchCase | undefined {
    const p = this.#p;
    const place = p.token;
    const low = p.constant('the value of a case');
    const high = p.accept('...') ? p.constant('the value of a case') : low;
    p.expect(':', `after 'case'`);
    const open = this.#open.at(-1);
    if (!open) {
      p.diagnostics.error(at, `'case' statement not in switch statement`);
      return undefined;
    }
    p.loops.caseWithin(open.loops);
    if (high < low) p.diagnostics.warning(place, 'empty case range specified');
    const earlier = open.seen.get(low);
    if (earlier) {
      const notes = [definedBefore(earlier, 'previous case defined here')];
      p.diagnostics.error(place, `duplicate case value '${low}'`, { notes });
      return undefined;
    }
    open.seen.set(low, place);
    const label = { low, high };
    open.cases.push(label);
    return label;
  }

  #default(at: Token): SwitchCase | undefined {
    const p = this.#p;
    p.expect(':', `after 'default'`);
    const open = this.#open.at(-1);
    if (!open) {
      p.diagnostics.error(at, `'default' statement not in switch statement`);
      return undefined;
    }
    const earlier = open.seen.get(undefined);
    if (earlier) {
      const notes = [definedBefore(at, 'previous case defined here')];
      p.diagnostics.error(earlier, 'multiple default labels in one switch', { notes });
      return undefined;
    }
    p.loops.caseWithin(open.loops);
    open.seen.set(undefined, at);
    const label = { low: undefined, high: undefined };
    open.cases.push(label);
    return label;
  }
}
