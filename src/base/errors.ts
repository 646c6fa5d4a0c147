import { type ErrnoName, errno } from './errno.ts';

/** Where in an input a fault lies: a text position (1-based line and column) or a byte offset. */
export interface Position {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** Bytes from the start of the file. */
  readonly offset?: number;
  /** The text of that line, for a caret. */
  readonly text?: string;
}

export interface FaultDetails {
  readonly at?: Position;
  readonly expected?: string;
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * A fault that a user can mend: its message is one clear sentence, `at` says where, `expected` what would have been
 * right, `hint` what to do. `exitCode` is the process's: 1 for a run that failed, 2 for wrong usage.
 */
export class TracebedError extends Error {
  readonly exitCode: 1 | 2 = 1;
  readonly at: Position | undefined;
  readonly expected: string | undefined;
  readonly hint: string | undefined;

  constructor(message: string, details: FaultDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.at = details.at;
    this.expected = details.expected;
    this.hint = details.hint;
  }
}

/** A source, object, scenario or recording that cannot be taken. */
export class InputError extends TracebedError {}

/** A command line or option that cannot be taken. */
export class UsageError extends TracebedError {
  override readonly exitCode = 2 as const;
}

/** What a system call of the simulated kernel answers instead of a result. */
export class SysError extends TracebedError {
  readonly errno: ErrnoName;
  readonly op: string;
  /** The message without call and errno. */
  readonly reason: string;

  constructor(name: ErrnoName, op: string, message: string, details: FaultDetails = {}) {
    super(`${op}: ${name}: ${message}`, details);
    this.errno = name;
    this.op = op;
    this.reason = message;
  }

  /** The errno's number, positive. */
  get code(): number {
    return errno[this.errno];
  }
}

/** `FILE:LINE:COLUMN`, `FILE: byte OFFSET`, or as much of it as is known; empty when nothing is. */
export function formatPosition(at: Position | undefined): string {
  if (!at) return '';
  const parts = [at.file, at.line, at.column].filter((part) => part !== undefined).join(':');
  if (at.offset === undefined) return parts;
  return parts === '' ? `byte ${at.offset}` : `${parts}: byte ${at.offset}`;
}

/** Lines with `?` for control characters, tabs aside: what stands in somebody's file must not steer the terminal. */
export function withoutControls(lines: string): string {
  return lines.replace(/(?![\t\n])\p{Cc}/gu, '?');
}

/** A fault as people read it: position and message, the line with a caret, what was expected, a hint. No stack. */
export function formatFault(fault: unknown): string {
  return withoutControls(fault instanceof TracebedError ? faultLines(fault) : messageOf(fault));
}

function messageOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault);
}

function faultLines(fault: TracebedError): string {
  const where = formatPosition(fault.at);
  const lines = [where === '' ? fault.message : `${where}: ${fault.message}`];
  if (fault.at?.text !== undefined) {
    lines.push(`  ${fault.at.text}`);
    if (fault.at.column !== undefined) {
      const before = fault.at.text.slice(0, fault.at.column - 1).replace(/[^\t]/g, ' ');
      lines.push(`  ${before}^`);
    }
  }
  if (fault.expected !== undefined) lines.push(`  expected: ${fault.expected}`);
  if (fault.hint !== undefined) lines.push(`  hint: ${fault.hint}`);
  return lines.join('\n');
}

/** The end of a switch over a closed union: the compiler proves that it is never reached. */
export function assertNever(value: never): never {
  throw new Error(`unexpected variant: ${JSON.stringify(value)}`);
}
