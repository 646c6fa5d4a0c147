import type { DiagnosticNote, Diagnostics } from '../diagnostics.ts';
import { type Collected, collectArguments } from './arguments.ts';
import { type Compiler, isQuestion, Questions } from './questions.ts';
import { Substitution } from './substitution.ts';
import { askedBy, behind, includesAround, positionOf, type SourceFile, spell, type Token } from './token.ts';

/**
 * Macros and their expansion (C11 6.10.3), by Dave Prosser's algorithm: each token carries the set of macros that
 * produced it, and is not expanded by those again.
 */
export interface Macro {
  readonly name: string;
  /** Its name where it was defined. */
  readonly at: Token;
  /** Undefined for an object-like macro. */
  readonly parameters: readonly string[] | undefined;
  /** The name that stands for the rest of the arguments, `__VA_ARGS__` or GNU's `args...`. */
  readonly rest: string | undefined;
  readonly body: readonly Token[];
}

const none: ReadonlySet<string> = new Set();
/** Macros that no text defines, by what stands for a use of them. */
const own: Readonly<Record<string, (use: Token) => number | string>> = {
  __LINE__: (use) => askedBy(use).line,
  __FILE__: (use) => askedBy(use).file.name,
  __FILE_NAME__: (use) => askedBy(use).file.name.replace(/^.*\//, ''),
  __BASE_FILE__: (use) => outermost(askedBy(use)).name,
  __INCLUDE_LEVEL__: (use) => includesAround(askedBy(use)).length,
};
const counter = '__COUNTER__';
const mostExpanded = 500_000;
/** Tokens that the bodies of macros may become in a text: a call within a call within … doubles them each time. */
const mostTokens = 100_000;
/** Names that the sets of hidden macros may hold together: a macro within a macro within … copies them each time. */
const mostHidden = 1_000_000;
/** Characters that `#` and `##` may make in a text: each level of quotes within quotes doubles what escapes them. */
const mostCharacters = 1 << 24;
/** Calls of macros within the arguments of each other. */
const deepest = 200;

export class MacroTable {
  /** The text's own, before those that are known to every text. */
  readonly #own = new Map<string, Macro>();
  readonly #known: ReadonlyMap<string, Macro>;
  readonly #diagnostics: Diagnostics;
  readonly #constant: (name: string) => bigint | undefined;
  readonly #undefined = new Set<string>();
  readonly #questions: Questions;
  /** What `#pragma push_macro` put aside. */
  readonly #aside = new Map<string, (Macro | undefined)[]>();
  #expanded = 0;
  #tokens = 0;
  #hidden = 0;
  #characters = 0;
  #depth = 0;
  #counter = 0;

  /** @param constant the macros of kernel headers that stand for a number: names that conditions know */
  constructor(
    diagnostics: Diagnostics,
    constant: (name: string) => bigint | undefined,
    compiler: Compiler,
    known: ReadonlyMap<string, Macro> = new Map(),
  ) {
    this.#known = known;
    this.#diagnostics = diagnostics;
    this.#constant = constant;
    this.#questions = new Questions(diagnostics, compiler, (tokens) => this.expand(tokens));
  }

  /** Whether `#ifdef` takes it as defined. */
  has(name: string): boolean {
    return this.get(name) !== undefined || this.#constantOf(name) !== undefined || isOwn(name) || isQuestion(name);
  }

  /** What a name that is no macro of the text counts as in `#if`. */
  numberOf(name: string): bigint {
    return this.#constantOf(name) ?? 0n;
  }

  get(name: string): Macro | undefined {
    return this.#own.get(name) ?? (this.#undefined.has(name) ? undefined : this.#known.get(name));
  }

  /** From here on the name is no macro, nor a constant of the kernel's headers. */
  undefine(name: string): void {
    this.#own.delete(name);
    this.#undefined.add(name);
  }

  /** `#pragma push_macro("X")`: what X means is kept for `pop_macro`. */
  putAside(name: string): void {
    const kept = this.#aside.get(name);
    if (kept) kept.push(this.get(name));
    else this.#aside.set(name, [this.get(name)]);
  }

  /** `#pragma pop_macro("X")`: X means again what it did; false when nothing was kept. */
  takeBack(name: string): boolean {
    const kept = this.#aside.get(name);
    if (!kept || kept.length === 0) return false;
    const macro = kept.pop();
    if (macro) this.#own.set(name, macro);
    else {
      this.#own.delete(name);
      if (this.#known.has(name)) this.#undefined.add(name);
    }
    return true;
  }

  #constantOf(name: string): bigint | undefined {
    return this.#undefined.has(name) ? undefined : this.#constant(name);
  }

  all(): ReadonlyMap<string, Macro> {
    const left = [...this.#known].filter(([name]) => !this.#undefined.has(name));
    return new Map([...left, ...this.#own]);
  }

  /** Those that a text may use. */
  names(): string[] {
    return [...this.all().keys()].filter(isForTexts);
  }

  /** `#define` with the tokens behind it: NAME BODY, NAME(PARAMETERS) BODY. */
  define(line: readonly Token[], at: Token): void {
    const name = this.named(line[0], at);
    if (!name) return;
    const parameters = line[1]?.text === '(' && !line[1].space ? this.#parameters(line) : undefined;
    if (parameters === 'wrong') return;
    const { names, rest, end = 1 } = parameters ?? {};
    const made: Macro = { name: name.text, at: name, parameters: names, rest, body: line.slice(end) };
    if (!this.#isSound(made)) return;
    const earlier = this.get(name.text);
    if (earlier && !isHeaders(earlier.at) && !isAlike(earlier, made)) {
      const notes = [{ message: 'previous definition is here', at: positionOf(earlier.at), length: name.text.length }];
      this.#diagnostics.warning(name, `'${name.text}' macro redefined`, { notes });
    }
    this.#own.set(name.text, made);
  }

  /** The name that a directive is about; undefined, and told, when there is none. */
  named(name: Token | undefined, directive: Token): Token | undefined {
    if (!name) this.#diagnostics.error(behind(directive), 'macro name missing');
    else if (name.kind !== 'name') this.#diagnostics.error(name, 'macro name must be an identifier');
    else if (name.text !== 'defined') return name;
    else this.#diagnostics.error(name, `'defined' cannot be used as a macro name`);
    return undefined;
  }

  /** '(' (name (',' name)*)? (',' '...' | '...')? ')', from the second token on; `end` is what follows it. */
  #parameters(line: readonly Token[]): { names: string[]; rest: string | undefined; end: number } | 'wrong' {
    const names: string[] = [];
    let rest: string | undefined;
    const wrong = (at: Token | undefined, message: string): 'wrong' => {
      this.#diagnostics.error(at ?? behind(line.at(-1) as Token), message);
      return 'wrong';
    };
    if (line[2]?.text === ')') return { names, rest, end: 3 };
    for (let i = 2; ; ) {
      const token = line[i];
      if (token?.text === '...') rest = '__VA_ARGS__';
      else if (token?.kind !== 'name') {
        return wrong(token, token ? 'invalid token in macro parameter list' : `missing ')' in macro parameter list`);
      } else if (names.includes(token.text)) return wrong(token, `duplicate macro parameter name '${token.text}'`);
      else if (line[i + 1]?.text === '...') {
        rest = token.text;
        i++;
      } else names.push(token.text);
      const next = line[i + 1];
      if (next?.text === ')') return { names, rest, end: i + 2 };
      if (rest !== undefined) return wrong(next, `missing ')' in macro parameter list`);
      if (next?.text !== ',') return wrong(next, 'expected comma in macro parameter list');
      i += 2;
    }
  }

  /** `##` has something on both sides, and `#` a parameter behind it. */
  #isSound(macro: Macro): boolean {
    const { body, parameters } = macro;
    const wrong = (at: Token, message: string): false => {
      this.#diagnostics.error(at, message);
      return false;
    };
    const [first, last] = [body[0], body.at(-1)];
    if (first?.text === '##') return wrong(first, `'##' cannot appear at start of macro expansion`);
    if (last?.text === '##') return wrong(last, `'##' cannot appear at end of macro expansion`);
    const bare = parameters && body.findIndex((one, i) => one.text === '#' && !isParameter(macro, body[i + 1]));
    if (bare === undefined || bare < 0) return true;
    return wrong(body[bare + 1] ?? behind(body[bare] as Token), `'#' is not followed by a macro parameter`);
  }

  /** Tokens with all macros in them expanded. */
  expand(input: readonly Token[]): readonly Token[] {
    return this.#uses(input) ? this.#run(input.toReversed(), {}) : input;
  }

  /** The same of a condition, where `defined X` is a number, also where a macro made it. */
  expandCondition(input: readonly Token[]): Token[] {
    return this.#run(input.toReversed(), { condition: true });
  }

  /** The same of a text that goes on behind a directive: `rest` is a use whose arguments were not all there yet. */
  expandOpen(input: readonly Token[]): { output: readonly Token[]; rest: readonly Token[] } {
    if (!this.#uses(input)) return { output: input, rest: [] };
    const pending = input.toReversed();
    const output = this.#run(pending, { open: true });
    return { output, rest: pending.toReversed() };
  }

  /** @param pending what is still to be looked at, the next token last */
  #run(pending: Token[], { open = false, condition = false }: { open?: boolean; condition?: boolean }): Token[] {
    const output: Token[] = [];
    while (pending.length > 0) {
      const token = pending.pop() as Token;
      const macro = token.kind === 'name' ? this.get(token.text) : undefined;
      if (!macro || token.hidden?.has(token.text)) {
        const defined = condition && token.text === 'defined' && token.kind === 'name';
        if (token.kind !== 'name') output.push(token);
        else output.push(defined ? this.#defined(token, pending) : this.#builtin(token, pending));
        continue;
      }
      const call = macro.parameters && pending.at(-1)?.text === '(';
      const collected = call ? collectArguments(pending) : undefined;
      if (open && macro.parameters && !collected && (call || pending.length === 0)) {
        pending.push(token);
        return output;
      }
      if (macro.parameters && !call) {
        output.push(token);
        continue;
      }
      if (call && !collected) {
        const notes = definedHere(macro);
        this.#diagnostics.error(token, 'unterminated function-like macro invocation', { notes });
        pending.length = 0;
        continue;
      }
      const replaced = this.#replace(macro, token, collected);
      for (let i = replaced.length - 1; i >= 0; i--) pending.push(replaced[i] as Token);
    }
    return output;
  }

  /** Whether some token may stand for others: what the preprocessor itself knows begins with underscores. */
  #uses(tokens: readonly Token[]): boolean {
    return tokens.some(({ kind, text }) => kind === 'name' && (text.startsWith('__') || this.get(text) !== undefined));
  }

  #count(hidden: number, at: Token): void {
    this.#hidden += hidden;
    if (this.#hidden > mostHidden) {
      this.#diagnostics.abandon(at, 'the macros of this text expand to more than it can mean');
    }
  }

  /** Counts what `#` or `##` made in a text. */
  made(text: string, at: Token): string {
    this.#characters += text.length;
    if (this.#characters > mostCharacters) {
      this.#diagnostics.abandon(at, 'the macros of this text expand to more than it can mean');
    }
    return text;
  }

  /** `defined X` and `defined(X)`, the word read already: X is not expanded. */
  #defined(at: Token, pending: Token[]): Token {
    const bracket = pending.at(-1)?.text === '(' ? pending.pop() : undefined;
    const name = this.named(pending.pop(), bracket ?? at);
    if (!name) pending.length = 0;
    else if (bracket && pending.pop()?.text !== ')') {
      this.#diagnostics.error(behind(name), `missing ')' after 'defined'`);
      pending.length = 0;
    }
    return { ...at, kind: 'number', text: name && this.has(name.text) ? '1' : '0' };
  }

  #builtin(token: Token, pending: Token[]): Token {
    const { text } = token;
    if (!text.startsWith('__')) return token;
    if (isOwn(text)) {
      const stands = text === counter ? this.#counter++ : (own[text] as (typeof own)[string])(token);
      if (typeof stands === 'number') return { ...token, kind: 'number', text: String(stands) };
      return { ...token, kind: 'string', text: JSON.stringify(stands) };
    }
    return pending.at(-1)?.text === '(' && isQuestion(text) ? this.#questions.answer(token, pending) : token;
  }

  #replace(macro: Macro, use: Token, collected: Collected | undefined): Token[] {
    if (++this.#expanded > mostExpanded) {
      this.#diagnostics.abandon(use, 'the macros of this text expand to more than it can mean');
    }
    if (++this.#depth > deepest) {
      this.#diagnostics.abandon(use, `the calls of macro '${macro.name}' nest more than ${deepest} deep`);
    }
    const replaced = collected ? this.#call(macro, use, collected) : this.#whole(macro, use);
    this.#depth--;
    this.#tokens += replaced.length;
    if (this.#tokens > mostTokens) {
      this.#diagnostics.abandon(use, 'the macros of this text expand to more than it can mean');
    }
    return replaced;
  }

  /** What an object-like macro stands for. */
  #whole(macro: Macro, use: Token): Token[] {
    const hidden = new Set(use.hidden ?? none).add(macro.name);
    this.#count(hidden.size, use);
    return this.#substitute(macro, [], use, hidden);
  }

  #call(macro: Macro, use: Token, { args, commas, close }: Collected): Token[] {
    // A call that ends in another text than it began in is not within what the name came from.
    const both = use.hidden && close.hidden ? [...use.hidden].filter((one) => close.hidden?.has(one)) : none;
    const hidden = new Set(both).add(macro.name);
    this.#count(hidden.size, use);
    const parameters = macro.parameters ?? [];
    if (args.length === 1 && args[0]?.length === 0 && parameters.length === 0) args.pop();
    const wanted = parameters.length;
    if (macro.rest !== undefined && args.length >= wanted) {
      const others = args.splice(wanted);
      args.push(others.flatMap((one, i) => (i === 0 ? one : [commas[wanted + i - 1] as Token, ...one])));
    } else if (args.length !== wanted && !(wanted === args.length + 1 && macro.rest !== undefined)) {
      const few = args.length < wanted;
      const message = `too ${few ? 'few' : 'many'} arguments provided to function-like macro invocation`;
      this.#diagnostics.error((few ? undefined : args[wanted]?.[0]) ?? close, message, { notes: definedHere(macro) });
      // A value keeps what is around it whole.
      return [{ ...use, kind: 'number', text: '0' }];
    }
    return this.#substitute(macro, args, use, hidden);
  }

  /** What stands for a use of a macro; no macro of `hidden` is looked at in it again. */
  #substitute(macro: Macro, args: readonly Token[][], use: Token, hidden: ReadonlySet<string>): Token[] {
    const result = new Substitution(macro, args, use, this, this.#diagnostics).run();
    this.#count(
      result.reduce((sum, { hidden: own }) => sum + (own ? own.size + hidden.size : 0), 0),
      use,
    );
    return result.map((token, i) => ({
      ...token,
      space: i === 0 ? use.space : token.space,
      first: false,
      hidden: token.hidden ? new Set([...token.hidden, ...hidden]) : hidden,
      from: 'from' in token ? token.from : use,
    }));
  }
}

function definedHere({ name, at }: Macro): readonly DiagnosticNote[] {
  return isHeaders(at) ? [] : [{ message: `macro '${name}' defined here`, at: positionOf(at), length: name.length }];
}

/** What the headers keep for themselves is named so that no text has it. */
export function isForTexts(name: string): boolean {
  return !name.startsWith('__tracebed_');
}

/** It stands before every text, where nobody can look at it. */
function isHeaders(at: Token): boolean {
  return at.file.name === '<built-in>';
}

/** The same but for white space (C11 6.10.3). */
function isAlike(a: Macro, b: Macro): boolean {
  const spelled = ({ parameters, rest, body }: Macro): string =>
    `${parameters?.join()} ${rest} ${spell(body.map((one, i) => (i === 0 ? { ...one, space: false } : one)))}`;
  return spelled(a) === spelled(b);
}

function isParameter({ parameters = [], rest }: Macro, token: Token | undefined): boolean {
  if (token?.kind !== 'name') return false;
  return parameters.includes(token.text) || token.text === rest || token.text === '__VA_OPT__';
}

function outermost({ file }: Token): SourceFile {
  return file.from ? outermost(file.from) : file;
}

function isOwn(name: string): boolean {
  return name === counter || Object.hasOwn(own, name);
}
