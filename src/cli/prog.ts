import { type Command, Option } from 'commander';
import { quiet, withExamples } from './command.ts';
import { engineNames } from './engines.ts';
import type { Io } from './io.ts';
import {
  type AsmFlags,
  binaryForms,
  type CfgFlags,
  type DisasmFlags,
  defaultBudget,
  inputForms,
  type RunFlags,
  styles,
  tracedBudget,
} from './prog-flags.ts';
import { kernelOption, seedOption } from './run-options.ts';
import { budget, oneOf } from './values.ts';

/** `tracebed prog asm|disasm|run|cfg`: a program by itself, from whatever form it is in. */
export function describeProg(command: Command, io: Io): void {
  const what = 'assemble, disassemble, run or draw a program';
  command.summary(what).description(`${what}: assembly text, hex, raw bytes, or one of an object's text`);
  describeAsm(quiet(command.command('asm'), io), io);
  describeDisasm(quiet(command.command('disasm'), io), io);
  describeRun(quiet(command.command('run'), io), io);
  describeCfg(quiet(command.command('cfg'), io), io);
  withExamples(command, [
    { command: 'tracebed prog run filter.s --trace', what: 'instruction for instruction' },
    { command: 'tracebed prog asm filter.s --format c', what: 'as a table of struct bpf_insn' },
    { command: 'tracebed prog disasm filter.bin --labels', what: 'raw bytes as text that assembles again' },
    {
      command: 'llvm-objdump -d -r filter.o | tracebed prog cfg - | dot -Tsvg',
      what: "a compiler's output as a graph",
    },
  ]);
}

/** What each of the commands reads. */
function addInputOptions(command: Command): Command {
  return command
    .argument('<file>', "assembly, hex, raw bytes or an object's text; - for standard input")
    .addOption(
      new Option('--input <form>', `what it is: ${inputForms.join(', ')} (default: as its content shows)`).argParser(
        oneOf('--input', inputForms),
      ),
    )
    .option('--program <name>', 'which program of an object')
    .addOption(kernelOption())
    .option('--debug', 'with a fault, print where in the program it came from');
}

function styleOption(): Option {
  return new Option('--style <style>', `whose words: ${styles.join(', ')}`)
    .argParser(oneOf('--style', styles))
    .default('clang');
}

function describeAsm(command: Command, io: Io): void {
  addInputOptions(
    command.summary('assemble').description('assemble a program: clang, llvm-objdump, verifier or classic syntax'),
  )
    .addOption(
      new Option('--format <format>', 'hex, raw bytes, or c: a table of struct bpf_insn')
        .argParser(oneOf('--format', binaryForms))
        .default('hex'),
    )
    .option('-o, --output <file>', 'write to a file instead of standard output')
    .action(async (file: string, flags: AsmFlags) => {
      const { asm } = await import('./prog-text.ts');
      await asm(file, flags, io);
    });
  withExamples(command, [
    { command: 'tracebed prog asm filter.s', what: 'one line of hex' },
    { command: 'tracebed prog asm filter.s -o filter.bin --format raw', what: '8 bytes an instruction' },
    { command: 'tracebed prog asm tool.bpf.s --program on_entry --format c', what: "one of an object's programs" },
  ]);
}

function describeDisasm(command: Command, io: Io): void {
  addInputOptions(
    command.summary('disassemble').description('print a program as text that assembles to the same bytes'),
  )
    .addOption(styleOption())
    .option('--labels', 'name the places that jumps and calls go to')
    .option('--bytes', 'with the bytes of each instruction, in the style of clang')
    .option('--no-slots', 'without the numbers of the instructions')
    .action(async (file: string, flags: DisasmFlags) => {
      const { disasm } = await import('./prog-text.ts');
      await disasm(file, flags, io);
    });
  withExamples(command, [
    { command: 'tracebed prog disasm filter.bin', what: "in llvm-objdump's words" },
    { command: 'echo b7000000010000009500000000000000 | tracebed prog disasm -', what: 'of hex' },
    { command: 'tracebed prog disasm tool.bpf.s --program on_entry --style verifier', what: "in the verifier's words" },
  ]);
}

function describeCfg(command: Command, io: Io): void {
  addInputOptions(
    command
      .summary('draw the control flow')
      .description('print the control-flow graph for Graphviz: blocks, ways between them, functions as clusters'),
  )
    .addOption(styleOption())
    .option('-o, --output <file>', 'write to a file instead of standard output')
    .action(async (file: string, flags: CfgFlags) => {
      const { cfg } = await import('./prog-text.ts');
      await cfg(file, flags, io);
    });
  withExamples(command, [
    { command: 'tracebed prog cfg filter.s | dot -Tsvg -o filter.svg', what: 'a picture of it' },
    { command: 'tracebed prog cfg tool.bpf.s --program on_entry -o entry.dot', what: '' },
  ]);
}

function describeRun(command: Command, io: Io): void {
  addInputOptions(
    command
      .summary('run once')
      .description('run a program once, with the helpers of the simulated kernel; no verifier looks at it'),
  )
    .option('--memory <hex|@file>', 'r1 points to these bytes and r2 is their number; LD_ABS reads them')
    .option('--context <hex|@file>', 'r1 points to these bytes instead')
    .addOption(
      new Option(
        '--engine <name>',
        `${engineNames.join(', ')} (default: ${engineNames[0]}; interpreter with --trace)`,
      ).argParser(oneOf('--engine', engineNames)),
    )
    .option(
      '--budget <n>',
      `trap after so many instructions (default: ${defaultBudget}, traced ${tracedBudget})`,
      budget,
    )
    .option('--count', 'print how many instructions ran')
    .option('--trace', 'print each instruction with the registers that it changed')
    .option('--dump', 'print memory and context as the run left them')
    .option('--type <type>', "refuse helpers that this program type has not (default: an object's own, else none)")
    .option('--license <license>', "the program's license (default: an object's own, else GPL)")
    .addOption(seedOption())
    .addOption(styleOption())
    .action(async (file: string, flags: RunFlags) => {
      const { runOnce } = await import('./prog-run.ts');
      await runOnce(file, flags, io);
    });
  withExamples(command, [
    { command: "tracebed prog run parse.s --memory '4500 0054 0000' --count", what: 'r1 = a packet, r2 = 6' },
    {
      command: 'tracebed prog run parse.s --memory @packet.bin --trace',
      what: 'every instruction with what it changed',
    },
    { command: 'tracebed prog run tool.bpf.s --program on_entry --context @regs.bin', what: 'with its maps' },
  ]);
}
