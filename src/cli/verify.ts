import { type Command, Option } from 'commander';
import { attachTypes, programTypes } from '../uapi/index.ts';
import { withExamples } from './command.ts';
import type { Io } from './io.ts';
import { inputForms } from './prog-flags.ts';
import { kernelOption } from './run-options.ts';
import { logLevel, named, oneOf } from './values.ts';
import { defaultLogLevel, defaultType, type VerifyFlags, verdictForms } from './verify-flags.ts';

/** `tracebed verify`: what Linux would say to a program, and what it means. */
export function describeVerify(command: Command, io: Io, end: (code: number) => void): void {
  const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  command
    .summary("give the kernel's verdict on a program")
    .description(
      "say whether Linux would load a program: the verifier's verdict, its log word for word, and for people an explanation; exit code 0: all accepted, 1: one refused, 2: wrong usage",
    )
    .argument('<file|hex>', "assembly, hex, raw bytes, an object's text or C (.c); - for standard input; or hex itself")
    .addOption(
      new Option('--input <form>', `what it is: ${inputForms.join(', ')} (default: as its content shows)`).argParser(
        oneOf('--input', inputForms),
      ),
    )
    .option('--program <name>', 'only this one of several programs')
    .addOption(
      new Option('--type <type>', `program type, as kprobe (default: its own, else ${defaultType})`).argParser(
        named('--type', programTypes),
      ),
    )
    .addOption(
      new Option('--expected-attach-type <type>', 'as cgroup_inet4_bind (default: what its section says)').argParser(
        named('--expected-attach-type', attachTypes),
      ),
    )
    .option('--attach-to <name>', 'the function or tracepoint of a tracing program (default: what its section says)')
    .option('--license <license>', "the program's license (default: its own, else GPL)")
    .option('--strict-alignment', 'as with BPF_F_STRICT_ALIGNMENT')
    .option(
      '--log-level <n>',
      `bits: 1 the path that fails, 2 all paths, 4 statistics, 0 no log (default: ${defaultLogLevel}, and only of what is refused)`,
      logLevel,
    )
    .option('--explain', 'say in plain words what is wrong and what to do (default: on a terminal)')
    .option('--no-explain', 'only the log')
    .addOption(
      new Option('--format <format>', `${verdictForms.join(', ')}: one JSON object a program`)
        .argParser(oneOf('--format', verdictForms))
        .default('text'),
    )
    .option('-D, --define <name[=value]>', 'define a macro for C', collect, [])
    .option('-I, --include <folder>', 'look there for files that C includes', collect, [])
    .addOption(kernelOption())
    .option('--debug', 'with a fault, print where in the program it came from')
    .action(async (file: string, flags: VerifyFlags) => {
      const { verifyFile } = await import('./verify-file.ts');
      end(await verifyFile(file, flags, io));
    });
  withExamples(command, [
    { command: 'tracebed verify tool.c', what: 'every program of a C text' },
    { command: 'tracebed verify filter.s --type xdp --explain', what: 'assembly, taken for an XDP program' },
    { command: 'tracebed verify b7000000010000009500000000000000', what: 'hex: r0 = 1; exit' },
    { command: 'tracebed verify tool.bpf.s --program on_entry --log-level 2', what: 'with the log of all paths' },
    { command: 'tracebed verify tool.c --format json', what: 'verdict, errno, log, explanation, statistics' },
  ]);
}
