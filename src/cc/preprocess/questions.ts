import type { Diagnostics } from '../diagnostics.ts';
import { behind, type Token } from './token.ts';

/**
 * What a text asks of the compiler that reads it: `defined X` (C11 6.10.1), and clang's `__has_include(<x.h>)`,
 * `__has_builtin(x)` and their like.
 */
export interface Compiler {
  isBuiltin(name: string): boolean;
  isAttribute(name: string): boolean;
  isKeyword(name: string): boolean;
  /** @param next behind the folder of the file that asks */
  isHeader(path: string, options: { readonly system: boolean; readonly next: boolean; readonly at: Token }): boolean;
}

/** Of clang's names for features of C11, those that are here. */
const features: ReadonlySet<string> = new Set([
  'c_alignas',
  'c_alignof',
  'c_fixed_enum',
  'c_generic_selections',
  'c_generic_selection_with_controlling_type',
  'c_static_assert',
  'gnu_asm',
  'overloadable_unmarked',
  'statement_attributes_with_gnu_syntax',
]);

const questions: Readonly<Record<string, (compiler: Compiler, name: string) => number>> = {
  __has_builtin: (compiler, name) => Number(compiler.isBuiltin(name)),
  __has_attribute: (compiler, name) => Number(compiler.isAttribute(plain(name))),
  __has_c_attribute: () => 0,
  __has_cpp_attribute: () => 0,
  __has_declspec_attribute: () => 0,
  __has_feature: (_compiler, name) => Number(features.has(plain(name))),
  __has_extension: (_compiler, name) => Number(features.has(plain(name))),
  __has_warning: (_compiler, name) => Number(name.startsWith('"-W')),
  __is_identifier: (compiler, name) => Number(!compiler.isKeyword(name)),
  __building_module: () => 0,
};

/** `__packed__` is `packed`. */
function plain(name: string): string {
  return name.replace(/^__(.*)__$/, '$1');
}

/** Whether `#ifdef` takes it as defined. */
export function isQuestion(name: string): boolean {
  return Object.hasOwn(questions, name) || name === '__has_include' || name === '__has_include_next';
}

export class Questions {
  readonly #diagnostics: Diagnostics;
  readonly #compiler: Compiler;
  readonly #expand: (tokens: readonly Token[]) => readonly Token[];

  /** @param expand expands what stands where the name of a header should */
  constructor(diagnostics: Diagnostics, compiler: Compiler, expand: (tokens: readonly Token[]) => readonly Token[]) {
    this.#diagnostics = diagnostics;
    this.#compiler = compiler;
    this.#expand = expand;
  }

  /** The answer to a question whose brackets are the next of `pending`, which are taken off it. */
  answer(question: Token, pending: Token[]): Token {
    const open = pending.pop() as Token;
    const asked: Token[] = [];
    for (let depth = 1; pending.length > 0; ) {
      const token = pending.pop() as Token;
      depth += token.text === '(' ? 1 : token.text === ')' ? -1 : 0;
      if (depth === 0) return this.#number(question, this.#value(question, asked));
      asked.push(token);
    }
    this.#diagnostics.error(behind(asked.at(-1) ?? open), `missing ')' after '${question.text}'`);
    return this.#number(question, 0);
  }

  #number(at: Token, value: number): Token {
    return { ...at, kind: 'number', text: String(value) };
  }

  #value(question: Token, asked: readonly Token[]): number {
    const ask = Object.hasOwn(questions, question.text) ? questions[question.text] : undefined;
    if (ask) return ask(this.#compiler, asked.map((one) => one.text).join(''));
    const [first] = asked;
    const named = first?.text === '<' || first?.kind === 'string' ? asked : this.#expand(asked);
    const text = named.map((one) => (one.space && one !== named[0] ? ` ${one.text}` : one.text)).join('');
    const [, system, own] = /^(?:<(.*)>|"(.*)")$/.exec(text) ?? [];
    const path = system ?? own;
    if (path === undefined) {
      this.#diagnostics.error(first ?? behind(question), 'expected "FILENAME" or <FILENAME>');
      return 0;
    }
    const next = question.text.endsWith('_next');
    return Number(this.#compiler.isHeader(path, { system: system !== undefined, next, at: question }));
  }
}
