import { Command, CommanderError } from 'commander';
import { formatFault, TracebedError, UsageError } from '../base/index.ts';
import type { Io } from './io.ts';

/** A command that leaves the process alone: it throws instead of exiting, and its help goes where the caller says. */
export function newCommand(name: string, io: Io): Command {
  const command = new Command(name);
  return quiet(command, io);
}

/** Makes a command, also one made by its parent, throw and keep silent. */
export function quiet(command: Command, io: Io): Command {
  return command
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: () => {},
    });
}

export interface Example {
  readonly command: string;
  readonly what: string;
}

/** Examples under the help, the commands aligned. */
export function withExamples(command: Command, examples: readonly Example[]): Command {
  if (examples.length === 0) return command;
  const width = Math.max(...examples.map((example) => example.command.length));
  const lines = examples.map((example) => `  ${example.command.padEnd(width)}  ${example.what}`.trimEnd());
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}

/**
 * What ended a command: the exit code, and for a fault its message on standard error, with a stack only when asked.
 * Help and version end a command by throwing too; they are no fault.
 */
export function endWith(fault: unknown, io: Io, debug: boolean, name = 'tracebed'): number {
  if (fault instanceof CommanderError) {
    if (fault.exitCode === 0 || fault.code === 'commander.help') return 0;
    return endWith(usageFault(fault), io, debug, name);
  }
  const known = fault instanceof TracebedError;
  const message = known ? formatFault(fault) : `internal error: ${formatFault(fault)}\n  hint: --debug shows where`;
  io.stderr.write(`${name}: ${message}\n`);
  if (debug && fault instanceof Error) io.stderr.write(`${stackOf(fault)}\n`);
  return known ? fault.exitCode : 1;
}

function stackOf(fault: Error): string {
  const cause = fault.cause instanceof Error ? `\ncaused by: ${stackOf(fault.cause)}` : '';
  return `${fault.stack ?? fault.message}${cause}`;
}

/** commander's words in our form: no `error:` in front, its suggestion as the hint. */
function usageFault(fault: CommanderError): UsageError {
  const [first = '', ...rest] = fault.message.replace(/^error: /, '').split('\n');
  const hint = rest
    .join(' ')
    .replace(/^\(|\)$/g, '')
    .replace(/^Did/, 'did');
  return new UsageError(first, { hint: hint === '' ? '--help shows what it takes' : hint });
}
