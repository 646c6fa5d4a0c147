import { formatPosition, nearest, type Position } from '../base/index.ts';
import { askedBy, positionOf, type Token } from './preprocess/token.ts';

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
}

export interface DiagnosticNote {
  readonly message: string;
  readonly at: Position;
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

  get full(): boolean {
    return this.#errors >= most;
  }

  error(at: Token, message: string, hint?: string, notes: readonly DiagnosticNote[] = []): void {
    // Who goes on to look for names that are near spends minutes on a text that is no C.
    if (this.full) throw new Abandoned(message);
    const place = positionOf(askedBy(at));
    const known = this.list.some(
      (one) => one.at.line === place.line && one.at.column === place.column && one.message === message,
    );
    if (known) return;
    this.#errors++;
    this.#add('error', at, message, hint, notes);
  }

  warning(at: Token, message: string, hint?: string): void {
    if (this.list.length < most * 2) this.#add('warning', at, message, hint, []);
  }

  /** Records the error and gives up the declaration at hand. */
  abandon(at: Token, message: string, hint?: string): never {
    this.error(at, message, hint);
    throw new Abandoned(message);
  }

  #add(
    severity: Diagnostic['severity'],
    at: Token,
    message: string,
    hint: string | undefined,
    notes: readonly DiagnosticNote[],
  ): void {
    const expansions: DiagnosticNote[] = [];
    for (let token = at; token.from; token = token.from) {
      if (token.file.name !== token.from.file.name && token.file.name.startsWith('<')) continue;
      expansions.push({ message: `in the expansion of macro '${token.from.text}'`, at: positionOf(token) });
    }
    this.list.push({
      severity,
      message,
      at: positionOf(askedBy(at)),
      ...(hint === undefined ? {} : { hint }),
      notes: [...expansions, ...notes],
    });
  }
}

/** `did you mean …?` for a name, or undefined when nothing is near. */
export function didYouMean(name: string, names: Iterable<string>): string | undefined {
  const near = nearest(name, names);
  return near.length === 0 ? undefined : `did you mean ${near.map((one) => `'${one}'`).join(' or ')}?`;
}

/** Diagnostics as people read them: `file:line:col: error: message`, the line, a caret, notes and a hint. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[]): string {
  const lines: string[] = [];
  for (const one of diagnostics) {
    lines.push(`${formatPosition(one.at)}: ${one.severity}: ${one.message}`, ...excerpt(one.at));
    if (one.hint !== undefined) lines.push(`  hint: ${one.hint}`);
    for (const note of one.notes) lines.push(`${formatPosition(note.at)}: note: ${note.message}`, ...excerpt(note.at));
  }
  return lines.join('\n');
}

function excerpt(at: Position): string[] {
  if (at.text === undefined || at.column === undefined) return [];
  const before = at.text.slice(0, at.column - 1).replace(/[^\t]/g, ' ');
  return [`  ${at.text}`, `  ${before}^`];
}
