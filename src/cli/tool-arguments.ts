import { Argument, type Command, Option } from 'commander';
import { UsageError } from '../base/index.ts';
import type { Tool, ToolOptionValue } from '../lab/index.ts';
import { newCommand } from './command.ts';
import type { Io } from './io.ts';

/** What the words of a command line give a tool. */
export interface ToolWords {
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, ToolOptionValue>>;
}

/**
 * Adds the tool's options to a command. Where a `reserved` one has the long flag, `--duration`, only the short one can
 * stand before `--`; where it has the short one too, none.
 */
export function addToolOptions(command: Command, tool: Tool, reserved: readonly Option[]): void {
  for (const option of toolOptions(tool)) {
    const offered = offeredBeside(reserved, option);
    if (offered) command.addOption(offered.helpGroup(`Options of ${tool.name}:`));
  }
}

function toolOptions(tool: Tool): Option[] {
  return tool.options.map((entry) => {
    const option = new Option(entry.flags, entry.what);
    if (entry.repeats) option.argParser<readonly string[]>((value, before = []) => [...before, value]);
    return entry.default === undefined ? option : option.default(entry.default);
  });
}

function offeredBeside(reserved: readonly Option[], option: Option): Option | undefined {
  const has = (flag: 'long' | 'short') =>
    option[flag] !== undefined && reserved.some((other) => other[flag] === option[flag]);
  if (has('short')) return undefined;
  if (!has('long')) return option;
  if (option.short === undefined) return undefined;
  const short = new Option(option.flags.replace(`, ${option.long}`, ''), option.description);
  if (option.parseArg) short.argParser(option.parseArg);
  return short;
}

/**
 * Words with long options written out that are cut short, as BCC's users know it: `--pidns` is `--pidnss` where no other
 * option begins so.
 */
export function withoutAbbreviations(words: readonly string[], options: readonly Option[]): string[] {
  const names = new Set(options.flatMap(({ long }) => long ?? []));
  return words.map((word) => {
    const [name = '', value = ''] = word.split(/(=.*)/s);
    if (!/^--\w/.test(name) || names.has(name)) return word;
    const [whole, ...others] = [...names].filter((one) => one.startsWith(name));
    return whole === undefined || others.length > 0 ? word : whole + value;
  });
}

/** The option of a command that stands for a tool's, whole or by its short flag alone. */
function standsFor(command: Command, option: Option): Option | undefined {
  return command.options.find(
    (other) =>
      other.flags === option.flags || (option.short !== undefined && other.short === option.short && !other.long),
  );
}

/** A tool's arguments as help lists them; how many there are is checked by toolWords. */
export function toolArguments(tool: Tool): Argument[] {
  return tool.arguments.map(({ name, what }) => new Argument(`[${name}]`, what));
}

/** `FUNCTION`, `POINT [FIELD...]`: a tool's arguments as usage shows them. */
export function argumentUsage(tool: Tool): string {
  return tool.arguments
    .map(({ name, required, variadic }) => {
      const word = variadic ? `${name}...` : name;
      return required ? word : `[${word}]`;
    })
    .join(' ');
}

/**
 * The tool's words from before `--`, parsed together with the run's own options, and from behind it, where only the
 * tool's options are known. @throws UsageError for an argument too few or too many
 */
export function toolWords(
  tool: Tool,
  before: Command,
  operands: readonly string[],
  behind: readonly string[],
  io: Io,
): ToolWords {
  const parser = newCommand(tool.name, io).helpOption(false).argument('[words...]');
  for (const option of toolOptions(tool)) parser.addOption(option);
  parser.parse(withoutAbbreviations(behind, parser.options), { from: 'user' });
  const args = [...operands, ...parser.args];
  checkCount(tool, args);
  const options: Record<string, ToolOptionValue> = {};
  for (const option of toolOptions(tool)) {
    const name = option.attributeName();
    const known = standsFor(before, option);
    const isBehind = parser.getOptionValueSource(name) === 'cli' || !known || !isGiven(before, known);
    const given = isBehind ? parser : before;
    const value: unknown = isBehind ? parser.getOptionValue(name) : before.getOptionValue(known.attributeName());
    if (typeof value === 'string' || typeof value === 'boolean') options[name] = value;
    else if (Array.isArray(value)) options[name] = given === parser ? [...listOf(before, known), ...value] : value;
  }
  return { args, options };
}

function isGiven(command: Command, option: Option): boolean {
  return command.getOptionValueSource(option.attributeName()) === 'cli';
}

/** What an option that repeats was given before `--`. */
function listOf(command: Command, option: Option | undefined): readonly string[] {
  const value: unknown = option && command.getOptionValue(option.attributeName());
  return Array.isArray(value) ? value : [];
}

function checkCount(tool: Tool, args: readonly string[]): void {
  const example = tool.examples[0];
  const hint = example && args.length < tool.arguments.length ? { hint: `for example: ${example.command}` } : {};
  const missing = tool.arguments.find((argument, i) => argument.required && args[i] === undefined);
  if (missing) throw new UsageError(`${tool.name} needs ${missing.name}: ${missing.what}`, hint);
  const variadic = tool.arguments.at(-1)?.variadic === true;
  const extra = args[tool.arguments.length];
  if (extra !== undefined && !variadic) {
    const takes = tool.arguments.length === 0 ? 'no arguments' : argumentUsage(tool);
    throw new UsageError(`${tool.name} does not take '${extra}'`, { expected: takes });
  }
}
