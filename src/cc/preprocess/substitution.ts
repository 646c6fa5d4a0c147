import type { Diagnostics } from '../diagnostics.ts';
import type { Macro } from './macros.ts';
import { append, spell, type Token, type TokenKind } from './token.ts';

/** What a substitution asks of those who know all macros. */
interface Table {
  /** Expands an argument by itself. */
  expand(tokens: readonly Token[]): readonly Token[];
  /** Takes note of what `#` or `##` made. */
  made(text: string, at: Token): string;
}

/**
 * What a use of a macro becomes before it is looked at again (C11 6.10.3.1 to 6.10.3.3): arguments in the places of
 * parameters, `#`, `##`, and C23's `__VA_OPT__`.
 */
export class Substitution {
  readonly #macro: Macro;
  readonly #args: readonly Token[][];
  readonly #use: Token;
  readonly #table: Table;
  readonly #diagnostics: Diagnostics;
  /** What each `__VA_OPT__(…)` of the body stands for, by the token that stands for it. */
  readonly #optional = new Map<Token, Token[]>();

  constructor(macro: Macro, args: readonly Token[][], use: Token, table: Table, diagnostics: Diagnostics) {
    this.#macro = macro;
    this.#args = args;
    this.#use = use;
    this.#table = table;
    this.#diagnostics = diagnostics;
  }

  run(): Token[] {
    return this.#replaced(this.#withOptional(this.#macro.body));
  }

  #replaced(body: readonly Token[]): Token[] {
    const result: Token[] = [];
    for (let i = 0; i < body.length; i++) {
      const token = body[i] as Token;
      const next = body[i + 1];
      const text = token.text === '#' && next && this.#macro.parameters ? this.#argumentOf(next) : undefined;
      if (text) {
        result.push({ ...token, kind: 'string', text: this.#table.made(stringified(text), this.#use) });
        i++;
      } else if (token.text === '##' && next) {
        i++;
        this.#paste(result, this.#asWritten(next), next.text === this.#macro.rest);
      } else if (next?.text === '##' && this.#argumentOf(token)) {
        const left = this.#asWritten(token);
        append(result, left);
        // An empty left side: what follows stands alone.
        if (left.length === 0 && body[i + 2]) {
          i += 2;
          append(result, this.#asWritten(body[i] as Token));
        }
      } else append(result, this.#expanded(token));
    }
    return result;
  }

  #argumentOf(token: Token): Token[] | undefined {
    const { parameters, rest } = this.#macro;
    if (token.kind !== 'name' || !parameters) return undefined;
    if (token.text === '__VA_OPT__') return this.#optional.get(token);
    const index = token.text === rest ? parameters.length : parameters.indexOf(token.text);
    if (index < 0) return undefined;
    return this.#args[index] ?? [];
  }

  /** A token beside `##`: of a parameter, its argument as it is. */
  #asWritten(token: Token): readonly Token[] {
    const argument = this.#argumentOf(token);
    if (!argument) return [token];
    return this.#optional.has(token) ? argument : argument.map(given);
  }

  #expanded(token: Token): readonly Token[] {
    const argument = this.#argumentOf(token);
    if (!argument) return [token];
    if (this.#optional.has(token)) return argument;
    return this.#table.expand(argument).map((one, i) => given(i === 0 ? { ...one, space: token.space } : one));
  }

  /** The body with one token for each `__VA_OPT__(…)` (C23 6.10.5.2), which stands for nothing without more arguments. */
  #withOptional(body: readonly Token[]): readonly Token[] {
    const { rest, parameters } = this.#macro;
    if (rest === undefined || !body.some((token) => token.text === '__VA_OPT__')) return body;
    const some = this.#table.expand(this.#args[parameters?.length ?? 0] ?? []).length > 0;
    const result: Token[] = [];
    for (let i = 0; i < body.length; i++) {
      const token = body[i] as Token;
      result.push(token);
      if (token.text !== '__VA_OPT__' || body[i + 1]?.text !== '(') continue;
      const inner: Token[] = [];
      let depth = 1;
      for (i += 2; i < body.length; i++) {
        const one = body[i] as Token;
        depth += one.text === '(' ? 1 : one.text === ')' ? -1 : 0;
        if (depth === 0) break;
        inner.push(one);
      }
      this.#optional.set(token, some ? this.#replaced(inner) : []);
    }
    return result;
  }

  /** `##`: the last token so far and the first of the right side become one. */
  #paste(result: Token[], right: readonly Token[], isRest: boolean): void {
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
    const text = this.#table.made(left.text + first.text, this.#use);
    const kind = kindOf(text);
    if (!kind) this.#diagnostics.error(this.#use, `pasting formed '${text}', an invalid preprocessing token`);
    result.pop();
    result.push({ ...left, kind: kind ?? 'punctuator', text });
    append(result, others);
  }
}

/** What kind of token a text is as one; undefined when it is none. */
function kindOf(text: string): TokenKind | undefined {
  if (/^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u.test(text)) return 'name';
  if (/^\.?[0-9](?:[eEpP][-+]|[\w.])*$/.test(text)) return 'number';
  if (/^(?:u8|[uUL])"/.test(text)) return 'string';
  if (/^[uUL]'/.test(text)) return 'char';
  return /^(?:\.\.\.|<<=?|>>=?|->|\+\+|--|[-+*/%&|^<>=!]=|&&|\|\||##)$/.test(text) ? 'punctuator' : undefined;
}

/** A token that the text gave as an argument stands where it was written, and not in the macro: its `from` is set. */
function given(token: Token): Token {
  return 'from' in token ? token : { ...token, from: undefined };
}

/** `#`: the argument as it is written, quotes and backslashes of strings and characters escaped. */
function stringified(tokens: readonly Token[]): string {
  const escaped = tokens.map((one) =>
    one.kind === 'string' || one.kind === 'char' ? { ...one, text: one.text.replace(/["\\]/g, '\\$&') } : one,
  );
  return `"${spell(escaped)}"`;
}
