import type { Command } from 'commander';
import type { Run, Tool } from '../lab/index.ts';
import type { ReportFormat } from '../report/index.ts';
import { type Example, newCommand, withExamples } from './command.ts';
import { type Io, print } from './io.ts';
import { addRunOptions, defaultRingPages, type Format, type RunFlags } from './run-options.ts';
import {
  addToolOptions,
  argumentUsage,
  type ToolWords,
  toolArguments,
  toolWords,
  withoutAbbreviations,
} from './tool-arguments.ts';
import { profileNamed } from './values.ts';

const summary = 'run a tool on a scenario';
const defaultTool = 'drop-monitor';

const examples: readonly Example[] = [
  { command: 'tracebed run', what: `${defaultTool} on its own scenario` },
  { command: 'tracebed run --scenario my.trace', what: 'on a recording of yours' },
  { command: 'tracebed run --scenario drop-storm --cpus 4 --duration 10m --format json', what: 'JSON lines' },
  { command: 'tracebed run --scenario drop-storm --ring-pages 1', what: 'see a ring overrun, and what is lost' },
  { command: 'tracebed run funclatency tcp_v4_connect -u', what: "a tool's own arguments and options" },
  { command: 'tracebed run funclatency --help', what: "what a tool's are" },
];

/** The command as help shows it; its options before any tool is known. */
export function describeRun(command: Command): Command {
  addRunOptions(
    command.summary(summary).description(`${summary}: by default ${defaultTool} on the tool's own scenario`),
  )
    .usage('[TOOL] [ARGUMENT...] [options] [-- tool options]')
    .addHelpText(
      'after',
      "\nTools and scenarios: tracebed list. A tool's arguments and options: tracebed run TOOL --help.",
    );
  return withExamples(command, examples);
}

/**
 * `tracebed run`, from its own words. First the tool is found among them, for it brings arguments and options of its
 * own; then all words are parsed, in any order.
 */
export async function runCommand(argv: readonly string[], io: Io): Promise<number> {
  const split = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const before = argv.slice(0, split);
  const behind = argv.slice(split + 1);
  const own = addRunOptions(newCommand('run', io));
  const named = own.parseOptions(withoutAbbreviations(before, own.options)).operands[0];
  if (named === undefined && before.some((word) => word === '--help' || word === '-h')) {
    describeRun(newCommand('tracebed run', io)).help();
  }
  const { loadTool } = await import('../lab/index.ts');
  const first = named === undefined && behind[0]?.startsWith('-') === false ? behind.shift() : undefined;
  const tool = await loadTool(named ?? first ?? defaultTool);
  const command = describeToolRun(tool, io);
  if (behind.some((word) => word === '--help' || word === '-h')) command.help();
  command.parse(withoutAbbreviations(before, command.options), { from: 'user' });
  const words = toolWords(tool, command, command.args.slice(named === undefined ? 0 : 1), behind, io);
  try {
    return await play(tool, command.opts<RunFlags>(), words, io);
  } catch (fault) {
    if (tool.file === undefined) throw fault;
    const { blameUserModule } = await import('../scenario/index.ts');
    throw blameUserModule(fault, tool.file, 'tool');
  }
}

/** The command of one tool, with its options beside the run's. */
function describeToolRun(tool: Tool, io: Io): Command {
  const command = newCommand(`tracebed run ${tool.name}`, io)
    .description(tool.summary)
    .usage(`${argumentUsage(tool)} [options]`.trim())
    .argument('[words...]')
    .configureHelp({ visibleArguments: () => toolArguments(tool) });
  addToolOptions(command, tool, addRunOptions(newCommand('run', io)).options);
  addRunOptions(command);
  command.addHelpText('after', `\nIts own scenario: ${tool.scenario}`);
  return withExamples(command, tool.examples);
}

async function play(tool: Tool, flags: RunFlags, words: ToolWords, io: Io): Promise<number> {
  const [{ createRun }, { loadScenario }] = await Promise.all([
    import('../lab/index.ts'),
    import('../scenario/index.ts'),
  ]);
  const format = formatFor(flags.format, io);
  const run = createRun({
    tool,
    args: words.args,
    toolOptions: words.options,
    scenario: await loadScenario(flags.scenario ?? tool.scenario),
    profile: await profileNamed(flags.kernel),
    seed: flags.seed,
    cpus: flags.cpus,
    duration: flags.duration,
    speed: flags.speed ?? (format === 'dashboard' ? 1 : 'max'),
    ringPages: flags.ringPages ?? tool.ringPages ?? defaultRingPages,
    ...(flags.engine === undefined ? {} : { engine: flags.engine }),
  });
  try {
    if (run.answer) {
      await print(io, run.answer.map((line) => `${line}\n`).join(''));
      return 0;
    }
    const code = format === 'dashboard' ? await showDashboard(run, flags, io) : await showLines(run, format, flags, io);
    if (run.state === 'failed') throw run.failure;
    return code;
  } finally {
    run[Symbol.dispose]();
  }
}

/** The dashboard needs a terminal that can be drawn on, at both ends; without one the lines take its place. */
function formatFor(wanted: Format | undefined, io: Io): Format {
  const term = (io.env ?? process.env).TERM;
  const terminal = io.stdin.isTTY === true && io.stdout.isTTY === true && term !== 'dumb';
  if (wanted === undefined || wanted === 'dashboard') return terminal ? 'dashboard' : 'table';
  return wanted;
}

async function showLines(run: Run, format: ReportFormat, flags: RunFlags, io: Io): Promise<number> {
  const { playPlain } = await import('./plain.ts');
  return await playPlain(run, format, flags, io);
}

/** A dashboard leaves nothing on the terminal: what it came to is written behind it, unless the terminal has gone. */
async function showDashboard(run: Run, flags: RunFlags, io: Io): Promise<number> {
  const [{ runDashboard, signalExitCodes }, { closing }] = await Promise.all([
    import('../tui/index.ts'),
    import('../report/index.ts'),
  ]);
  const close = closing(run);
  const code = await runDashboard(run, { input: io.stdin, output: io.stdout });
  if (code === signalExitCodes.SIGHUP) return code;
  run.stop();
  await print(io, close(flags));
  return code;
}
