import { formatPosition, nearest, type Position, withoutControls } from '../base/index.ts';
import { askedBy, includesAround, positionOf, type Token } from './preprocess/token.ts';

/**
 * Diagnostics are collected values with positions; one renderer draws line and caret. A text that cannot be compiled
 * gives some, never an exception that leaves the compiler.
 */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly at: Position;
  /** What to do about it, or the nearest names. */
  readonly hint?: string;
  /** Where else to look: the macro whose expansion this is, an earlier definition. */
  readonly notes: readonly DiagnosticNote[];
  /** Characters from the position that are meant. */
  readonly length: number;
  /** What belongs to it on the same line: the operands of an operator. */
  readonly ranges: readonly Columns[];
  /** The `#include`s that led to the file, the outermost first. */
  readonly includedFrom: readonly Position[];
}

export interface DiagnosticNote {
  readonly message: string;
  readonly at: Position;
  readonly length?: number;
}

/** 1-based, the end behind the last. */
interface Columns {
  readonly start: number;
  readonly end: number;
}

/** What may stand beside the message. */
export interface Beside {
  readonly hint?: string | undefined;
  readonly notes?: readonly DiagnosticNote[];
  /** From the first token to the last. */
  readonly ranges?: readonly (readonly [first: Token, last: Token])[];
}

/** Ends the parsing of one declaration or function; what was wrong is recorded already. */
export class Abandoned extends Error {}

/** More errors than this help nobody. */
const most = 20;

export class Diagnostics {
  readonly list: Diagnostic[] = [];
  #errors = 0;

  get failed(): boolean {
    return this.#errors > 0;
  }

  /** How many were told. */
  get errors(): number {
    return this.#errors;
  }

  get full(): boolean {
    return this.#errors >= most;
  }

  /** @param beside a hint, or more */
  error(at: Token, message: string, beside?: string | Beside): void {
    // Who goes on to look for names that are near spends minutes on a text that is no C.
    if (this.full) throw new Abandoned(message);
    if (this.#known(at, message)) return;
    this.#errors++;
    if (!this.full) this.#add('error', at, message, beside);
    else {
      const { hint, notes = [], ranges } = asBeside(beside);
      const last = { message: 'too many errors: what comes after this is not shown', at: positionOf(askedBy(at)) };
      this.#add('error', at, message, { hint, notes: [...notes, last], ...(ranges ? { ranges } : {}) });
    }
  }

  warning(at: Token, message: string, beside?: string | Beside): void {
    if (this.list.length < most * 2 && !this.#known(at, message)) this.#add('warning', at, message, beside);
  }

  #known(at: Token, message: string): boolean {
    const { line, column, file } = positionOf(askedBy(at));
    return this.list.some(
      (one) => one.at.line === line && one.at.column === column && one.at.file === file && one.message === message,
    );
  }

  /** Records the error and gives up the declaration at hand. */
  abandon(at: Token, message: string, hint?: string): never {
    this.error(at, message, hint);
    throw new Abandoned(message);
  }

  #add(severity: Diagnostic['severity'], at: Token, message: string, beside: string | Beside | undefined): void {
    const { hint, notes = [], ranges = [] } = asBeside(beside);
    const expansions: DiagnosticNote[] = [];
    for (let token = at; token.from; token = token.from) {
      if (token.file.name !== token.from.file.name && token.file.name.startsWith('<')) continue;
      const where = { at: positionOf(token), length: token.text.length };
      expansions.push({ message: `expanded from macro '${token.from.text}'`, ...where });
    }
    const place = askedBy(at);
    this.list.push({
      severity,
      message,
      at: positionOf(place),
      length: place.text.length,
      ranges: ranges.flatMap(([first, last]) => columnsOf(askedBy(first), askedBy(last), place)),
      ...(hint === undefined ? {} : { hint }),
      notes: [...expansions, ...notes],
      includedFrom: includesAround(place).map(positionOf),
    });
  }
}

function asBeside(beside: string | Beside | undefined): Beside {
  return typeof beside === 'string' ? { hint: beside } : (beside ?? {});
}

/** The columns from one token to another, where both stand on the line of the diagnostic. */
function columnsOf(first: Token, last: Token, place: Token): Columns[] {
  if (first.file !== place.file || first.line !== place.line || last.file !== place.file) return [];
  const start = positionOf(first).column ?? 1;
  const length = last.offset + last.text.length - first.offset;
  return last.line === place.line && length > 0 ? [{ start, end: start + length }] : [];
}

/** `did you mean …?` for a name, or undefined when nothing is near. */
export function didYouMean(name: string, names: Iterable<string>): string | undefined {
  // Of a letter or two, anything is near.
  const near = name.length < 3 ? [] : nearest(name, new Set(names));
  return near.length === 0 ? undefined : `did you mean ${near.map((one) => `'${one}'`).join(' or ')}?`;
}

/**
 * Diagnostics as people read them: the includes that led there, `file:line:col: error: message`, the line with a caret
 * and what is meant underlined, a hint, notes.
 */
export function renderDiagnostics(diagnostics: readonly Diagnostic[]): string {
  const lines: string[] = [];
  for (const one of diagnostics) {
    for (const from of one.includedFrom) lines.push(`In file included from ${from.file}:${from.line}:`);
    lines.push(
      `${formatPosition(one.at)}: ${one.severity}: ${one.message}`,
      ...excerpt(one.at, one.length, one.ranges),
    );
    if (one.hint !== undefined) lines.push(`  hint: ${one.hint}`);
    for (const note of one.notes) {
      lines.push(`${formatPosition(note.at)}: note: ${note.message}`, ...excerpt(note.at, note.length ?? 1, []));
    }
  }
  return withoutControls(lines.join('\n'));
}

function excerpt(at: Position, length: number, ranges: readonly Columns[]): string[] {
  if (at.text === undefined || at.column === undefined) return [];
  const { text, column } = at;
  const end = Math.min(text.length + 1, column + length);
  let below = '';
  for (let i = 1; i < Math.max(end, ...ranges.map((one) => one.end)); i++) {
    if (i === column) below += '^';
    else if ((i > column && i < end) || ranges.some((one) => i >= one.start && i < one.end)) below += '~';
    else below += text[i - 1] === '\t' ? '\t' : ' ';
  }
  return [`  ${text}`, `  ${below.length < column ? `${below.padEnd(column - 1)}^` : below}`];
}
