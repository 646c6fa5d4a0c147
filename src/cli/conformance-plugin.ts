import { fromHex, InputError, TracebedError, UsageError } from '../base/index.ts';
import type { Helper } from '../vm/index.ts';
import { endWith, newCommand, withExamples } from './command.ts';
import { type EngineName, engineNamed, engineNames } from './engines.ts';
import { type Io, print } from './io.ts';
import { oneOf } from './values.ts';

/**
 * The plugin that the public suite bpf_conformance runs an engine through: the program as a line of hex on standard
 * input, the memory as an argument of hex; r0 in hex on standard output. On entry r1 is the memory's address and r2
 * its length. Returns the exit code: 0, or 1 for a trap and 2 for wrong usage, with the reason on standard error.
 */
export async function runConformancePlugin(argv: readonly string[], io: Io): Promise<number> {
  const command = newCommand('bpf-conformance-plugin', io)
    .description(
      'run one program of hex on standard input and print r0 in hex: the plugin of the suite bpf_conformance',
    )
    .argument('[memory]', 'bytes that r1 points to, in hex; r2 is their number')
    .option('--engine <name>', engineNames.join(', '), oneOf('--engine', engineNames), engineNames[0])
    .option('--debug', 'with a fault, print where in the program it came from')
    .action(async (memory: string | undefined, flags: { engine: EngineName }) => {
      const code = hexOf('the program on standard input', await readLines(io));
      if (code.length === 0) throw new UsageError('no program on standard input', { expected: 'a line of hex' });
      await print(io, `${await runProgram(code, hexOf('the memory', memory ?? ''), flags.engine)}\n`);
    });
  withExamples(command, [
    { command: 'echo b7000000010000009500000000000000 | bpf-conformance-plugin', what: 'prints 1' },
    { command: 'bpf_conformance_runner --plugin_path bpf-conformance-plugin', what: 'the whole suite' },
  ]);
  try {
    await command.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (fault) {
    return endWith(fault, io, argv.includes('--debug'), 'bpf-conformance-plugin');
  }
}

async function readLines({ stdin }: Io): Promise<string> {
  let text = '';
  for await (const chunk of stdin) text += String(chunk);
  return text;
}

function hexOf(what: string, text: string): Uint8Array {
  const bytes = fromHex(text);
  if (!bytes) throw new InputError(`${what} is no hex`, { expected: 'two digits a byte' });
  return bytes;
}

/** Enough for a stack and what an argument can hold. */
const memorySize = 4 << 20;
/** The suite's one helper answers with its argument. */
const suiteHelper = 5;
const answerArgument: Helper = (window) => window.answerHalves(window.high(1), window.low(1));

/** r0 in hex. @throws TracebedError for a trap */
async function runProgram(code: Uint8Array, bytes: Uint8Array, name: EngineName): Promise<string> {
  const [engine, { Memory }, { CallWindow, stackSize }] = await Promise.all([
    engineNamed(name),
    import('../memory/index.ts'),
    import('../vm/index.ts'),
  ]);
  const memory = new Memory(memorySize);
  const stack = memory.allocatePages(stackSize);
  const start = memory.allocatePages(bytes.length);
  memory.u8.set(bytes, start);
  const host = {
    memory,
    window: new CallWindow(memory),
    helper: (id: number) => (id === suiteHelper ? answerArgument : undefined),
    stack: () => stack,
  };
  const program = engine.load({ name: 'program', code }, host);
  program.run(start, bytes.length);
  const { trap, result } = program;
  if (trap) throw new TracebedError(`instruction ${trap.instruction}: ${trap.kind}: ${trap.message}`);
  return result.toString(16);
}
