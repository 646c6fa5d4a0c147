import type { Command } from 'commander';
import { describeCc } from './cc.ts';
import { endWith, newCommand, quiet, withExamples } from './command.ts';
import { describeEvents } from './events.ts';
import type { Io } from './io.ts';
import { describeList } from './list.ts';
import { describeProg } from './prog.ts';
import { describeRun, runCommand } from './run.ts';
import { describeScenario } from './scenario.ts';
import { describeVerify } from './verify.ts';
import { version } from './version.ts';

/**
 * The command line: arguments in, exit code out. 0 is success, 1 a run that failed, 2 wrong usage, 130 and 143 a run
 * that SIGINT or SIGTERM ended. Never exits the process and never throws. A command loads what it needs when it runs,
 * so help is quick.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  const debug = own.includes('--debug');
  for (const stream of [io.stdout, io.stderr]) {
    if (!stream.listeners('error').includes(readerGone)) stream.on('error', readerGone);
  }
  try {
    if (argv[0] === 'run') return await runCommand(argv.slice(1), io);
    let code = 0;
    const program = describe(io, (own) => {
      code = own;
    });
    if (argv.length === 0) program.help();
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (fault) {
    return endWith(fault, io, debug);
  }
}

/** `| head` closes the pipe: no fault for help and messages; output that matters has a listener of its own. */
function readerGone(): void {}

/** All commands; `end` takes the exit code of one that has its own. */
function describe(io: Io, end: (code: number) => void): Command {
  const program = newCommand('tracebed', io)
    .description(
      'A test bed for eBPF tracing tools: real bytecode, a simulated kernel, deterministic scenarios, no root.',
    )
    .version(version(), '-V, --version', 'print the version')
    .option('--debug', 'with a fault, print where in the program it came from')
    .helpCommand('help [command]', 'help for a command');
  // `run` is parsed by itself, for its options depend on the tool; here it stands for the help.
  describeRun(quiet(program.command('run'), io));
  describeList(quiet(program.command('list'), io), io);
  describeEvents(quiet(program.command('events'), io), io);
  describeScenario(quiet(program.command('scenario'), io), io);
  describeProg(quiet(program.command('prog'), io), io);
  describeCc(quiet(program.command('cc'), io), io);
  describeVerify(quiet(program.command('verify'), io), io, end);
  return withExamples(program, [
    { command: 'tracebed run', what: 'watch the packets that a recorded kernel dropped' },
    { command: 'tracebed run --scenario drop-storm --format json', what: 'the same of a storm, as JSON lines' },
    { command: 'tracebed run funclatency tcp_v4_connect', what: 'a histogram of how long a function takes' },
    { command: 'tracebed list', what: 'tools and scenarios' },
    { command: "tracebed events 'tcp_*' -v", what: 'what can be traced, with arguments' },
    { command: 'tracebed prog run filter.s --trace', what: 'a program by itself, instruction for instruction' },
    { command: 'tracebed verify tool.c', what: 'whether Linux would load it, and if not, why' },
  ]);
}
