import { nearest, quotedBytes } from '../../base/index.ts';
import type { Diagnostics } from '../diagnostics.ts';
import { tokenize } from './lexer.ts';
import { type Macro, MacroTable } from './macros.ts';
import { evaluateCondition } from './pp-expression.ts';
import { isForParser } from './pragmas.ts';
import type { Compiler } from './questions.ts';
import { type Conditional, Reading } from './reading.ts';
import { askedBy, behind, type SourceFile, spell, type Token } from './token.ts';

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
  options: { readonly system: boolean; readonly from: string; readonly next: boolean },
) => IncludeFile | undefined;

/** A text that was taken in already: its tokens and its macros. */
export interface Prelude {
  readonly tokens: readonly Token[];
  readonly macros: ReadonlyMap<string, Macro>;
}

const deepest = 64;
/** Files that a text may take in, and characters of them: one that takes in itself twice, and these again, has no end. */
const mostFiles = 10_000;
const mostCharacters = 1 << 26;
/** C11 6.10.4: a line's number fits an int. */
const mostLines = 0x7fff_ffff;
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
  'elifdef',
  'elifndef',
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
  /** Of files that `resolve` would find. */
  headerNames: () => Iterable<string> = () => [];
  readonly #diagnostics: Diagnostics;
  readonly #resolve: IncludeResolver;
  readonly #output: Token[];
  readonly #once = new Set<string>();
  #depth = 0;
  #files = 0;
  #characters = 0;
  #end: Token | undefined;

  /** @param before what stands before every text */
  constructor(
    diagnostics: Diagnostics,
    resolve: IncludeResolver,
    constant: (name: string) => bigint | undefined,
    compiler: Omit<Compiler, 'isHeader'>,
    before?: Prelude,
  ) {
    this.#diagnostics = diagnostics;
    this.#resolve = resolve;
    this.#output = [...(before?.tokens ?? [])];
    const isHeader: Compiler['isHeader'] = (path, { system, next, at }) =>
      resolve(path, { system, next, from: pathOf(askedBy(at).file) }) !== undefined;
    this.macros = new MacroTable(diagnostics, constant, { ...compiler, isHeader }, before?.macros);
  }

  /** Takes macros as `-D` gives them: `NAME` to its text, true for 1. */
  define(macros: Readonly<Record<string, string | number | true>>): void {
    for (const [name, value] of Object.entries(macros)) {
      const text = `${name} ${value === true ? '1' : value}`;
      const tokens = tokenize({ name: '<command line>', text }, this.#diagnostics).all.slice(0, -1);
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
    if (this.#once.has(pathOf(file))) return;
    this.#depth++;
    const reading = new Reading(withNewlines(file), this.#diagnostics);
    while (!reading.ended) this.#part(reading);
    this.#emit(this.macros.expand(reading.begun), reading);
    const open = reading.conditionals.at(-1);
    if (open) this.#diagnostics.error(open.token, 'unterminated conditional directive');
    this.#depth--;
    this.#end = reading.take(1)[0];
  }

  /** A directive, a line that is left out, or text up to the next directive. */
  #part(reading: Reading): void {
    if (this.#output.length > mostTokens) {
      this.#diagnostics.abandon(reading.token, 'the macros of this text expand to more than it can mean');
    }
    const active = reading.conditionals.at(-1)?.active ?? true;
    if (reading.token.text === '#' && reading.token.first) {
      const [hash, ...line] = reading.take(reading.restOfLine);
      this.#directive(line, hash as Token, reading);
    } else if (!active) reading.pass(reading.restOfLine);
    else this.#text(reading);
  }

  /** Text up to the next directive: what a macro is given may go on behind that. */
  #text(reading: Reading): void {
    const { begun } = reading;
    const count = reading.restOfText();
    const tokens = this.#sound(reading, count);
    const text = begun.length > 0 ? [...begun, ...tokens] : tokens;
    if (begun.length > 0 && reading.depth > 0) reading.begun = text;
    else {
      const { output, rest } = this.macros.expandOpen(text);
      this.#emit(output, reading);
      reading.begin(rest);
    }
  }

  /** Appends what is not to be looked at again. */
  #emit(tokens: readonly Token[], reading: Reading): void {
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i] as Token;
      if (token.kind === 'stray') this.#stray(token, reading);
      else if (token.text === '_Pragma' && tokens[i + 1]?.text === '(' && tokens[i + 3]?.text === ')') {
        this.#pragmaOperator(token, tokens[i + 2] as Token, reading);
        i += 3;
      } else this.#output.push(token);
    }
  }

  /** `_Pragma("…")` is the directive in its string (C11 6.10.9). */
  #pragmaOperator(at: Token, { kind, text }: Token, reading: Reading): void {
    if (kind !== 'string') {
      this.#diagnostics.error(at, '_Pragma takes a parenthesized string literal');
      return;
    }
    const written = text.slice(text.indexOf('"') + 1, -1).replace(/\\(["\\])/g, '$1');
    const { all } = tokenize({ name: '<scratch space>', text: written }, this.#diagnostics);
    this.#pragma(
      all.slice(0, -1).map((token) => ({ ...token, from: at })),
      at,
      reading,
    );
  }

  #stray(token: Token, reading: Reading): void {
    const fault = reading.faultAt(token.offset);
    if (fault?.severity === 'warning') this.#diagnostics.warning({ ...token, text: '' }, fault.message);
    else this.#diagnostics.error(token, fault?.message ?? `stray '${token.text}' in program`);
  }

  /** The next tokens, with what is wrong with them told; of a character that begins no token a macro may make use. */
  #sound(reading: Reading, count: number): Token[] {
    const faults = reading.faultsOf(count);
    const tokens = reading.take(count);
    for (const { index, fault } of faults) {
      const whole = tokens[index] as Token;
      if (whole.kind === 'stray') continue;
      const token = fault.offset ? { ...whole, offset: whole.offset + fault.offset, text: '' } : whole;
      if (fault.severity === 'error') this.#diagnostics.error(token, fault.message);
      else this.#diagnostics.warning(token, fault.message);
    }
    return tokens;
  }

  /** All tokens, closed by an end: nothing is taken in any more. */
  finish(): readonly Token[] {
    if (this.#end) this.#output.push(this.#end);
    return this.#output;
  }

  #directive(line: readonly Token[], hash: Token, reading: Reading): void {
    const [name, ...rest] = line;
    if (!name) return;
    const { conditionals } = reading;
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
      case 'elifdef':
      case 'elifndef':
      case 'else':
      case 'endif':
        this.#continue(name, rest, conditionals);
        return;
    }
    if (active) this.#activeDirective(name, rest, hash, reading);
  }

  #activeDirective(name: Token, rest: readonly Token[], hash: Token, reading: Reading): void {
    switch (name.text) {
      case 'define':
        this.macros.define(this.#checked(rest, reading), name);
        return;
      case 'undef': {
        const macro = this.macros.named(rest[0], name);
        if (!macro) return;
        this.macros.undefine(macro.text);
        this.#noMore(name, rest.slice(1));
        return;
      }
      case 'include':
      case 'include_next':
        this.#includeLine(rest, name);
        return;
      case 'pragma':
        this.#pragma(rest, name, reading);
        return;
      case 'error':
        this.#diagnostics.error(name, spell(rest));
        return;
      case 'warning':
        this.#diagnostics.warning(name, spell(rest));
        return;
      case 'line':
        this.#line(name, this.macros.expand(rest), reading);
        return;
      case 'ident':
      case 'sccs':
      case 'assert':
      case 'unassert':
        return;
    }
    // `# 42 "file.c"`, as preprocessors leave it.
    if (name.kind === 'number') this.#line(hash, [name, ...rest], reading);
    else {
      const near = name.kind === 'name' ? nearest(name.text, directives) : [];
      const meant = near[0] === undefined ? '' : `, did you mean '#${near[0]}'?`;
      this.#diagnostics.error(name, `invalid preprocessing directive${meant}`);
    }
  }

  /** A macro's body, with what is wrong in it told. */
  #checked(tokens: readonly Token[], reading: Reading): readonly Token[] {
    if (!reading.hasFaults) return tokens;
    // The first tells enough. A literal without an end is one all the same, until it is used.
    const wrong = tokens.find((token) => reading.faultAt(token.offset));
    const fault = wrong && reading.faultAt(wrong.offset);
    if (fault) this.#diagnostics.warning(wrong, fault.message);
    return tokens.filter((token) => token.kind !== 'stray');
  }

  /** `#line NUMBER "FILE"`: what the next line is said to be. */
  #line(name: Token, rest: readonly Token[], reading: Reading): void {
    const [number, file] = rest;
    const line = number?.kind === 'number' && /^\d+$/.test(number.text) ? Number(number.text) : -1;
    if (line < 0 || line > mostLines) {
      const message = `${name.text === '#' ? 'line marker' : '#line'} directive requires a positive integer argument`;
      this.#diagnostics.error(number ?? behind(name), message);
      return;
    }
    if (file && (file.kind !== 'string' || !file.text.startsWith('"'))) {
      this.#diagnostics.error(file, 'invalid filename for #line directive');
      return;
    }
    reading.renumber(line, file && Buffer.from(quotedBytes(file.text)).toString());
  }

  #noMore(name: Token, rest: readonly Token[]): void {
    if (rest[0]) this.#diagnostics.warning(rest[0], `extra tokens at end of #${name.text} directive`);
  }

  #condition(name: Token, rest: readonly Token[]): boolean {
    if (!name.text.endsWith('def')) return evaluateCondition(name, rest, this.macros, this.#diagnostics);
    const macro = this.macros.named(rest[0], name);
    if (!macro) return false;
    this.#noMore(name, rest.slice(1));
    return this.macros.has(macro.text) !== name.text.endsWith('ndef');
  }

  #continue(name: Token, rest: readonly Token[], conditionals: Conditional[]): void {
    const open = conditionals.at(-1);
    if (!open) {
      this.#diagnostics.error(name, `#${name.text} without #if`);
      return;
    }
    if (!name.text.startsWith('elif')) this.#noMore(name, rest);
    if (name.text === 'endif') {
      conditionals.pop();
      return;
    }
    if (open.elseSeen) this.#diagnostics.error(name, `#${name.text} after #else`);
    open.elseSeen ||= name.text === 'else';
    open.active = !open.done && (name.text === 'else' || this.#condition(name, rest));
    open.done ||= open.active;
  }

  #includeLine(rest: readonly Token[], name: Token): void {
    const tokens = rest[0]?.kind === 'string' || rest[0]?.text === '<' ? rest : this.macros.expand(rest);
    const [first] = tokens;
    const system = first?.text === '<';
    const close = tokens.findIndex((token) => token.text === '>');
    if (!first || (!system && first.kind !== 'string')) {
      this.#diagnostics.error(first ?? behind(name), 'expected "FILENAME" or <FILENAME>');
      return;
    }
    if (system && close < 0) {
      this.#diagnostics.error(behind(tokens.at(-1) as Token), `expected '>'`);
      return;
    }
    const path = system
      ? tokens
          .slice(1, close)
          .map((token) => token.text)
          .join('')
      : first.text.slice(1, -1);
    if (path === '') {
      this.#diagnostics.error(first, 'empty filename');
      return;
    }
    this.#noMore(name, tokens.slice(system ? close + 1 : 1));
    if (this.#depth > deepest) this.#diagnostics.abandon(name, `#include nested more than ${deepest} deep`);
    const next = name.text === 'include_next';
    const file = this.#resolve(path, { system, next, from: pathOf(name.file) });
    this.#files++;
    this.#characters += file?.text.length ?? 0;
    if (this.#files > mostFiles || this.#characters > mostCharacters) {
      this.#diagnostics.abandon(name, `this text includes more than ${mostFiles} files, or ${mostCharacters >> 20} MB`);
    }
    if (file) this.include({ ...file, from: name });
    else this.#notFound(path, first);
  }

  #notFound(path: string, at: Token): void {
    const [near] = nearest(path, this.headerNames(), 1);
    const hint = near ? `did you mean '${near}'?` : 'kernel headers come from BTF; name other folders with -I';
    this.#diagnostics.error(at, `'${path}' file not found`, hint);
  }

  #pragma(rest: readonly Token[], name: Token, reading: Reading): void {
    const [first, second, text] = rest;
    switch (first?.text) {
      case 'once':
        this.#once.add(pathOf(name.file));
        return;
      case 'push_macro':
        if (text?.kind === 'string') this.macros.putAside(text.text.slice(1, -1));
        return;
      case 'pop_macro':
        if (text?.kind === 'string' && !this.macros.takeBack(text.text.slice(1, -1))) {
          this.#diagnostics.warning(
            first,
            `pragma pop_macro could not pop '${text.text.slice(1, -1)}', no matching push_macro`,
          );
        }
        return;
    }
    if (!isForParser(first?.text, second?.text)) return;
    const spelled = spell(this.macros.expand(rest).map((token) => ({ ...token, space: true })));
    const pragma: Token = { ...name, kind: 'pragma', text: spelled };
    // Among what a macro is given it stays where it stands.
    if (reading.begun.length > 0) reading.begun = [...reading.begun, pragma];
    else this.#output.push(pragma);
  }
}

/** Where a file lies, whatever `#line` calls it. */
function pathOf({ path, name }: SourceFile): string {
  return path ?? name;
}

/** A carriage return alone ends a line, too. */
function withNewlines(file: SourceFile): SourceFile {
  return /\r(?!\n)/.test(file.text) ? { ...file, text: file.text.replace(/\r(?!\n)/g, '\n') } : file;
}
