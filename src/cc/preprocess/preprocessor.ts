import type { Diagnostics } from '../diagnostics.ts';
import { didYouMean } from '../diagnostics.ts';
import { tokenize } from './lexer.ts';
import { type Macro, MacroTable } from './macros.ts';
import { evaluateCondition } from './pp-expression.ts';
import { type SourceFile, spell, type Token } from './token.ts';

/**
 * The preprocessor (C11 6.10): directives line by line, macro expansion in macros.ts. Its result is one list of tokens;
 * a pragma that the parser wants to see stands among them.
 */
export interface IncludeFile {
  readonly name: string;
  readonly text: string;
}

/** Finds an included file; undefined when it does not know it. */
export type IncludeResolver = (
  path: string,
  options: { readonly system: boolean; readonly from: string },
) => IncludeFile | undefined;

/** A text that was taken in already: its tokens and its macros. */
export interface Prelude {
  readonly tokens: readonly Token[];
  readonly macros: ReadonlyMap<string, Macro>;
}

interface Conditional {
  readonly token: Token;
  /** Tokens are being taken now. */
  active: boolean;
  /** A branch was taken, or the whole lies in skipped text. */
  done: boolean;
  elseSeen: boolean;
}

const deepest = 64;
const mostTokens = 2_000_000;
const directives = [
  'define',
  'undef',
  'include',
  'include_next',
  'if',
  'ifdef',
  'ifndef',
  'elif',
  'else',
  'endif',
  'pragma',
  'error',
  'warning',
  'line',
  'ident',
];

export class Preprocessor {
  readonly macros: MacroTable;
  readonly #diagnostics: Diagnostics;
  readonly #resolve: IncludeResolver;
  readonly #output: Token[];
  readonly #once = new Set<string>();
  #depth = 0;

  /** @param before what stands before every text */
  constructor(
    diagnostics: Diagnostics,
    resolve: IncludeResolver,
    constant: (name: string) => bigint | undefined,
    before?: Prelude,
  ) {
    this.#diagnostics = diagnostics;
    this.#resolve = resolve;
    this.#output = [...(before?.tokens ?? [])];
    this.macros = new MacroTable(diagnostics, constant, before?.macros);
  }

  /** Takes macros as `-D` gives them: `NAME` to its text, true for 1. */
  define(macros: Readonly<Record<string, string | number | true>>): void {
    for (const [name, value] of Object.entries(macros)) {
      const text = `${name} ${value === true ? '1' : value}`;
      const tokens = tokenize({ name: '<command line>', text }, this.#diagnostics).slice(0, -1);
      const [first] = tokens;
      if (first) this.macros.define(tokens, first);
    }
  }

  /** What was taken in so far, to begin others with. */
  prelude(): Prelude {
    return { tokens: [...this.#output], macros: this.macros.all() };
  }

  /** Takes in a file; what it leaves is appended to the output. */
  include(file: SourceFile): void {
    if (this.#once.has(file.name)) return;
    this.#depth++;
    const tokens = tokenize(file, this.#diagnostics);
    const conditionals: Conditional[] = [];
    let at = 0;
    while ((tokens[at] as Token).kind !== 'end') {
      if (this.#output.length > mostTokens) {
        this.#diagnostics.abandon(tokens[at] as Token, 'the macros of this text expand to more than it can mean');
      }
      const token = tokens[at] as Token;
      const active = conditionals.at(-1)?.active ?? true;
      if (token.text === '#' && token.first) {
        const end = endOfLine(tokens, at + 1);
        this.#directive(tokens.slice(at + 1, end), token, conditionals);
        at = end;
      } else if (!active) at = endOfLine(tokens, at + 1);
      else {
        const end = textEnd(tokens, at);
        for (const one of this.macros.expand(tokens.slice(at, end))) this.#output.push(one);
        at = end;
      }
    }
    const open = conditionals.at(-1);
    if (open) this.#diagnostics.error(open.token, `#${open.token.text} without #endif`);
    this.#depth--;
  }

  /** All tokens so far, closed by an end. */
  finish(file: SourceFile): Token[] {
    const lines = file.text.split('\n').length;
    const end: Token = {
      kind: 'end',
      text: '',
      file,
      offset: file.text.length,
      line: lines,
      space: true,
      first: true,
    };
    return [...this.#output, end];
  }

  #directive(line: readonly Token[], hash: Token, conditionals: Conditional[]): void {
    const [name, ...rest] = line;
    if (!name || name.kind === 'number') return;
    const active = conditionals.at(-1)?.active ?? true;
    switch (name.text) {
      case 'if':
      case 'ifdef':
      case 'ifndef': {
        const taken = active && this.#condition(name, rest);
        conditionals.push({ token: name, active: taken, done: taken || !active, elseSeen: false });
        return;
      }
      case 'elif':
      case 'else':
      case 'endif':
        this.#continue(name, rest, conditionals);
        return;
    }
    if (!active) return;
    switch (name.text) {
      case 'define':
        this.macros.define(rest, name);
        return;
      case 'undef':
        if (rest[0]) this.macros.undefine(rest[0].text);
        return;
      case 'include':
      case 'include_next':
        this.#includeLine(rest, name);
        return;
      case 'pragma':
        this.#pragma(rest, name);
        return;
      case 'error':
        this.#diagnostics.error(name, `#error ${spell(rest)}`);
        return;
      case 'warning':
        this.#diagnostics.warning(name, `#warning ${spell(rest)}`);
        return;
      case 'line':
      case 'ident':
        return;
      default:
        this.#diagnostics.error(hash, `no such directive '#${name.text}'`, didYouMean(name.text, directives));
    }
  }

  #condition(name: Token, rest: readonly Token[]): boolean {
    if (name.text === 'if') return evaluateCondition(name, rest, this.macros, this.#diagnostics);
    if (!rest[0]) {
      this.#diagnostics.error(name, `#${name.text} without a name`);
      return false;
    }
    return this.macros.has(rest[0].text) === (name.text === 'ifdef');
  }

  #continue(name: Token, rest: readonly Token[], conditionals: Conditional[]): void {
    const open = conditionals.at(-1);
    if (!open) {
      this.#diagnostics.error(name, `#${name.text} without #if`);
      return;
    }
    if (name.text === 'endif') {
      conditionals.pop();
      return;
    }
    if (open.elseSeen) this.#diagnostics.error(name, `#${name.text} after #else`);
    open.elseSeen ||= name.text === 'else';
    open.active = !open.done && (name.text === 'else' || evaluateCondition(name, rest, this.macros, this.#diagnostics));
    open.done ||= open.active;
  }

  #includeLine(rest: readonly Token[], name: Token): void {
    const tokens = rest[0]?.kind === 'string' || rest[0]?.text === '<' ? rest : this.macros.expand(rest);
    const first = tokens[0];
    const system = first?.text === '<';
    const close = tokens.findIndex((token) => token.text === '>');
    const path = system
      ? tokens
          .slice(1, close < 0 ? undefined : close)
          .map((token) => token.text)
          .join('')
      : first?.kind === 'string'
        ? first.text.slice(1, -1)
        : undefined;
    if (path === undefined || (system && close < 0)) {
      this.#diagnostics.error(first ?? name, '#include wants <FILE> or "FILE"');
      return;
    }
    if (this.#depth > deepest) this.#diagnostics.abandon(name, `#include nested more than ${deepest} deep`);
    const file = this.#resolve(path, { system, from: name.file.name });
    if (file) this.include({ ...file, from: name });
    else
      this.#diagnostics.error(
        first ?? name,
        `no file '${path}'`,
        'kernel headers come from BTF; name other folders with -I',
      );
  }

  #pragma(rest: readonly Token[], name: Token): void {
    const [first, second] = rest;
    if (first?.text === 'once') this.#once.add(name.file.name);
    const loop = first?.text === 'clang' && second?.text === 'loop';
    if (first?.text === 'unroll' || first?.text === 'nounroll' || loop) {
      const text = spell(this.macros.expand(rest).map((token) => ({ ...token, space: true })));
      this.#output.push({ ...name, kind: 'pragma', text });
    }
  }
}

function endOfLine(tokens: readonly Token[], at: number): number {
  let end = at;
  while (!(tokens[end] as Token).first && (tokens[end] as Token).kind !== 'end') end++;
  return end;
}

/** Text runs to the next directive: a macro's arguments may go over lines. */
function textEnd(tokens: readonly Token[], at: number): number {
  let end = at;
  let depth = 0;
  for (; (tokens[end] as Token).kind !== 'end'; end++) {
    const token = tokens[end] as Token;
    if (token.first && token.text === '#') return end;
    if (token.text === '(') depth++;
    else if (token.text === ')') depth--;
    else if ((token.text === ';' || token.text === '}') && depth <= 0) return end + 1;
  }
  return end;
}
