import type { Diagnostics } from '../diagnostics.ts';
import { spell, type Token } from './token.ts';

/**
 * Macros and their expansion (C11 6.10.3), by Dave Prosser's algorithm: each token carries the set of macros that
 * produced it, and is not expanded by those again.
 */
export interface Macro {
  readonly name: string;
  /** Undefined for an object-like macro. */
  readonly parameters: readonly string[] | undefined;
  /** The name that stands for the rest of the arguments, `__VA_ARGS__` or GNU's `args...`. */
  readonly rest: string | undefined;
  readonly body: readonly Token[];
}

const none: ReadonlySet<string> = new Set();
const mostExpanded = 500_000;
/** Tokens that the bodies of macros may become in a text: a call within a call within … doubles them each time. */
const mostTokens = 300_000;
/** Calls of macros within the arguments of each other. */
const deepest = 200;

export class MacroTable {
  readonly #macros: Map<string, Macro>;
  readonly #diagnostics: Diagnostics;
  readonly #constant: (name: string) => bigint | undefined;
  readonly #undefined = new Set<string>();
  #expanded = 0;
  #tokens = 0;
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
    const [name, next, ...others] = line;
    if (name?.kind !== 'name') {
      this.#diagnostics.error(name ?? at, 'a macro has a name');
      return;
    }
    if (next?.text !== '(' || next.space) {
      this.#macros.set(name.text, { name: name.text, parameters: undefined, rest: undefined, body: line.slice(1) });
      return;
    }
    const parameters: string[] = [];
    let rest: string | undefined;
    let i = 0;
    while (others[i] && others[i]?.text !== ')') {
      const token = others[i] as Token;
      if (token.text === '...') rest = '__VA_ARGS__';
      else if (token.kind === 'name' && others[i + 1]?.text === '...') {
        rest = token.text;
        i++;
      } else if (token.kind === 'name') parameters.push(token.text);
      else if (token.text !== ',') this.#diagnostics.error(token, `a macro's parameters are names`);
      i++;
    }
    if (!others[i]) this.#diagnostics.error(next, `the parameters of macro '${name.text}' do not end`);
    this.#macros.set(name.text, { name: name.text, parameters, rest, body: others.slice(i + 1) });
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

  #builtin(token: Token): Token {
    switch (token.text) {
      case '__LINE__':
        return { ...token, kind: 'number', text: String(token.line) };
      case '__FILE__':
        return { ...token, kind: 'string', text: JSON.stringify(token.file.name) };
      case '__COUNTER__':
        return { ...token, kind: 'number', text: String(this.#counter++) };
      default:
        return token;
    }
  }

  #replace(macro: Macro, use: Token, pending: Token[]): Token[] | undefined {
    const hidden = new Set(use.hidden ?? none).add(macro.name);
    if (!macro.parameters) return this.#substitute(macro, [], use, hidden);
    if (pending.at(-1)?.text !== '(') return undefined;
    const args = collectArguments(pending);
    if (!args) {
      this.#diagnostics.error(use, `the arguments of macro '${macro.name}' do not end`);
      return [];
    }
    if (args.length === 1 && args[0]?.length === 0 && macro.parameters.length === 0) args.pop();
    const wanted = macro.parameters.length;
    if (macro.rest !== undefined && args.length >= wanted) {
      const others = args.splice(wanted);
      args.push(
        others.flatMap((one, i) => (i === 0 ? one : [{ ...use, kind: 'punctuator', text: ',' } as Token, ...one])),
      );
    } else if (args.length !== wanted && !(wanted === args.length + 1 && macro.rest !== undefined)) {
      this.#diagnostics.error(use, `macro '${macro.name}' takes ${wanted} arguments, not ${args.length}`);
      return [];
    }
    return this.#substitute(macro, args, use, hidden);
  }

  #substitute(macro: Macro, args: readonly Token[][], use: Token, hidden: ReadonlySet<string>): Token[] {
    const result: Token[] = [];
    const body = withOptional(macro, args);
    for (let i = 0; i < body.length; i++) {
      const token = body[i] as Token;
      const next = body[i + 1];
      if (token.text === '#' && next && macro.parameters && argumentOf(macro, args, next)) {
        result.push({ ...token, kind: 'string', text: stringified(argumentOf(macro, args, next) as Token[]) });
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
    const text = left.text + first.text;
    const kind = /^[A-Za-z_$]/.test(text) ? 'name' : /^\.?[0-9]/.test(text) ? 'number' : 'punctuator';
    if (kind === 'punctuator' && !/^(\.\.\.|<<=?|>>=?|->|\+\+|--|[-+*/%&|^<>=!]=|&&|\|\||##)$/.test(text)) {
      this.#diagnostics.error(use, `pasting makes '${text}', which is no token`);
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

/** The arguments between the brackets at the end of `pending`, which are taken off it. */
function collectArguments(pending: Token[]): Token[][] | undefined {
  pending.pop();
  const args: Token[][] = [[]];
  let depth = 0;
  while (pending.length > 0) {
    const token = pending.pop() as Token;
    if (token.text === ')' && depth === 0) return args;
    if (token.text === '(' || token.text === '[' || token.text === '{') depth += token.text === '(' ? 1 : 0;
    if (token.text === ')') depth--;
    if (token.text === ',' && depth === 0) args.push([]);
    else (args.at(-1) as Token[]).push(token);
  }
  return undefined;
}

/** As `push`, for more than a call takes arguments. */
function append(to: Token[], more: readonly Token[]): void {
  for (const token of more) to.push(token);
}
