import type { DiagnosticNote, Diagnostics } from '../diagnostics.ts';
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
  readonly #macros: Map<string, Macro>;
  readonly #diagnostics: Diagnostics;
  readonly #constant: (name: string) => bigint | undefined;
  readonly #undefined = new Set<string>();
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
    known: ReadonlyMap<string, Macro> = new Map(),
  ) {
    this.#macros = new Map(known);
    this.#diagnostics = diagnostics;
    this.#constant = constant;
  }

  /** Whether `#ifdef` takes it as defined. */
  has(name: string): boolean {
    return this.#macros.has(name) || this.#constantOf(name) !== undefined;
  }

  /** What a name that is no macro of the text counts as in `#if`. */
  numberOf(name: string): bigint {
    return this.#constantOf(name) ?? 0n;
  }

  get(name: string): Macro | undefined {
    return this.#macros.get(name);
  }

  /** From here on the name is no macro, nor a constant of the kernel's headers. */
  undefine(name: string): void {
    this.#macros.delete(name);
    this.#undefined.add(name);
  }

  #constantOf(name: string): bigint | undefined {
    return this.#undefined.has(name) ? undefined : this.#constant(name);
  }

  all(): ReadonlyMap<string, Macro> {
    return new Map(this.#macros);
  }

  /** Those that a text may use. */
  names(): string[] {
    return [...this.#macros.keys()].filter((name) => !name.startsWith('__tracebed_'));
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
    const earlier = this.#macros.get(name.text);
    if (earlier && !isHeaders(earlier.at) && !isAlike(earlier, made)) {
      const notes = [{ message: 'previous definition is here', at: positionOf(earlier.at), length: name.text.length }];
      this.#diagnostics.warning(name, `'${name.text}' macro redefined`, { notes });
    }
    this.#macros.set(name.text, made);
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
  expand(input: readonly Token[]): Token[] {
    const output: Token[] = [];
    // What is still to be looked at, the next token last.
    const pending = input.toReversed();
    while (pending.length > 0) {
      const token = pending.pop() as Token;
      const macro = token.kind === 'name' ? this.#macros.get(token.text) : undefined;
      if (!macro || token.hidden?.has(token.text)) {
        output.push(token.kind === 'name' ? this.#builtin(token) : token);
        continue;
      }
      if (++this.#expanded > mostExpanded) {
        this.#diagnostics.abandon(token, 'the macros of this text expand to more than it can mean');
      }
      if (++this.#depth > deepest) {
        this.#diagnostics.abandon(token, `the calls of macro '${macro.name}' nest more than ${deepest} deep`);
      }
      const replaced = this.#replace(macro, token, pending);
      this.#depth--;
      this.#tokens += replaced?.length ?? 0;
      if (this.#tokens > mostTokens) {
        this.#diagnostics.abandon(token, 'the macros of this text expand to more than it can mean');
      }
      if (!replaced) output.push(token);
      else for (let i = replaced.length - 1; i >= 0; i--) pending.push(replaced[i] as Token);
    }
    return output;
  }

  #count(hidden: number, at: Token): void {
    this.#hidden += hidden;
    if (this.#hidden > mostHidden) {
      this.#diagnostics.abandon(at, 'the macros of this text expand to more than it can mean');
    }
  }

  /** What `#` or `##` made. */
  #made(text: string, at: Token): string {
    this.#characters += text.length;
    if (this.#characters > mostCharacters) {
      this.#diagnostics.abandon(at, 'the macros of this text expand to more than it can mean');
    }
    return text;
  }

  #builtin(token: Token): Token {
    switch (token.text) {
      case '__LINE__':
        return { ...token, kind: 'number', text: String(askedBy(token).line) };
      case '__FILE__':
        return { ...token, kind: 'string', text: JSON.stringify(askedBy(token).file.name) };
      case '__BASE_FILE__':
        return { ...token, kind: 'string', text: JSON.stringify(outermost(askedBy(token)).name) };
      case '__INCLUDE_LEVEL__':
        return { ...token, kind: 'number', text: String(includesAround(askedBy(token)).length) };
      case '__COUNTER__':
        return { ...token, kind: 'number', text: String(this.#counter++) };
      default:
        return token;
    }
  }

  #replace(macro: Macro, use: Token, pending: Token[]): Token[] | undefined {
    const hidden = new Set(use.hidden ?? none).add(macro.name);
    this.#count(hidden.size, use);
    if (!macro.parameters) return this.#substitute(macro, [], use, hidden);
    if (pending.at(-1)?.text !== '(') return undefined;
    const collected = collectArguments(pending);
    if (!collected) {
      this.#diagnostics.error(use, 'unterminated function-like macro invocation', { notes: definedHere(macro) });
      return [];
    }
    const { args, close } = collected;
    if (args.length === 1 && args[0]?.length === 0 && macro.parameters.length === 0) args.pop();
    const wanted = macro.parameters.length;
    if (macro.rest !== undefined && args.length >= wanted) {
      const others = args.splice(wanted);
      args.push(
        others.flatMap((one, i) => (i === 0 ? one : [{ ...use, kind: 'punctuator', text: ',' } as Token, ...one])),
      );
    } else if (args.length !== wanted && !(wanted === args.length + 1 && macro.rest !== undefined)) {
      const few = args.length < wanted;
      const message = `too ${few ? 'few' : 'many'} arguments provided to function-like macro invocation`;
      this.#diagnostics.error((few ? undefined : args[wanted]?.[0]) ?? close, message, { notes: definedHere(macro) });
      // A value keeps what is around it whole.
      return [{ ...use, kind: 'number', text: '0' }];
    }
    return this.#substitute(macro, args, use, hidden);
  }

  #substitute(macro: Macro, args: readonly Token[][], use: Token, hidden: ReadonlySet<string>): Token[] {
    const result: Token[] = [];
    const body = withOptional(macro, args);
    for (let i = 0; i < body.length; i++) {
      const token = body[i] as Token;
      const next = body[i + 1];
      const spelt = token.text === '#' && next && macro.parameters ? argumentOf(macro, args, next) : undefined;
      if (spelt) {
        result.push({ ...token, kind: 'string', text: this.#made(stringified(spelt), use) });
        i++;
      } else if (token.text === '##' && next) {
        i++;
        const right = argumentOf(macro, args, next)?.map(given) ?? [next];
        this.#paste(result, right, next.text === macro.rest, use);
      } else {
        const argument = argumentOf(macro, args, token);
        if (!argument) result.push(token);
        else if (next?.text === '##') {
          append(result, argument.map(given));
          // An empty left side: what follows stands alone.
          if (argument.length === 0 && body[i + 2]) {
            i += 2;
            const right = body[i] as Token;
            append(result, argumentOf(macro, args, right)?.map(given) ?? [right]);
          }
        } else {
          for (const [j, one] of this.expand(argument).entries()) {
            result.push(given(j === 0 ? { ...one, space: token.space } : one));
          }
        }
      }
    }
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

  /** `##`: the last token so far and the first of the right side become one. */
  #paste(result: Token[], right: readonly Token[], isRest: boolean, use: Token): void {
    const left = result.at(-1);
    const [first, ...others] = right;
    if (left?.text === ',' && isRest) {
      // GNU: `, ##args` drops the comma when there are no more arguments.
      if (!first) result.pop();
      else append(result, right);
      return;
    }
    if (!first || !left) {
      append(result, right);
      return;
    }
    const text = this.#made(left.text + first.text, use);
    const kind = /^[A-Za-z_$][\w$]*$/.test(text)
      ? 'name'
      : /^\.?[0-9](?:[eEpP][-+]|[\w.])*$/.test(text)
        ? 'number'
        : 'punctuator';
    if (kind === 'punctuator' && !/^(\.\.\.|<<=?|>>=?|->|\+\+|--|[-+*/%&|^<>=!]=|&&|\|\||##)$/.test(text)) {
      this.#diagnostics.error(use, `pasting formed '${text}', an invalid preprocessing token`);
    }
    result.pop();
    result.push({ ...left, kind, text });
    append(result, others);
  }
}

/** A token that the text gave as an argument stands where it was written, and not in the macro: its `from` is set. */
function given(token: Token): Token {
  return 'from' in token ? token : { ...token, from: undefined };
}

/** The body with what `__VA_OPT__(…)` holds, or without it where there are no more arguments (C23 6.10.5.2). */
function withOptional(macro: Macro, args: readonly Token[][]): readonly Token[] {
  const { body, rest, parameters } = macro;
  if (rest === undefined || !body.some((token) => token.text === '__VA_OPT__')) return body;
  const some = (args[parameters?.length ?? 0] ?? []).length > 0;
  const result: Token[] = [];
  for (let i = 0; i < body.length; i++) {
    const token = body[i] as Token;
    if (token.text !== '__VA_OPT__' || body[i + 1]?.text !== '(') {
      result.push(token);
      continue;
    }
    let depth = 1;
    for (i += 2; i < body.length; i++) {
      const inner = body[i] as Token;
      depth += inner.text === '(' ? 1 : inner.text === ')' ? -1 : 0;
      if (depth === 0) break;
      if (some) result.push(inner);
    }
  }
  return result;
}

/** `#`: the argument as it is written, quotes and backslashes of strings and characters escaped. */
function stringified(tokens: readonly Token[]): string {
  const escaped = tokens.map((one) =>
    one.kind === 'string' || one.kind === 'char' ? { ...one, text: one.text.replace(/["\\]/g, '\\$&') } : one,
  );
  return `"${spell(escaped)}"`;
}

function argumentOf(macro: Macro, args: readonly Token[][], token: Token): Token[] | undefined {
  if (token.kind !== 'name' || !macro.parameters) return undefined;
  const index = token.text === macro.rest ? macro.parameters.length : macro.parameters.indexOf(token.text);
  if (index < 0) return undefined;
  return args[index] ?? [];
}

/** The arguments between the brackets at the end of `pending`, which are taken off it, and the closing one. */
function collectArguments(pending: Token[]): { args: Token[][]; close: Token } | undefined {
  pending.pop();
  const args: Token[][] = [[]];
  let depth = 0;
  while (pending.length > 0) {
    const token = pending.pop() as Token;
    if (token.text === ')' && depth === 0) return { args, close: token };
    if (token.text === '(') depth++;
    else if (token.text === ')') depth--;
    if (token.text === ',' && depth === 0) args.push([]);
    else (args.at(-1) as Token[]).push(token);
  }
  return undefined;
}

function definedHere({ name, at }: Macro): readonly DiagnosticNote[] {
  return isHeaders(at) ? [] : [{ message: `macro '${name}' defined here`, at: positionOf(at), length: name.length }];
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

/** As `push`, for more than a call takes arguments. */
function append(to: Token[], more: readonly Token[]): void {
  for (const token of more) to.push(token);
}
