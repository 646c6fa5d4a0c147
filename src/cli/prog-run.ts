import { hex64, nearestOrAll, type Position, TracebedError, toHex, UsageError } from '../base/index.ts';
import { createMap, linkMaps } from '../client/index.ts';
import { type DisassemblerOptions, decode, formatInstruction, type Instruction } from '../isa/index.ts';
import { boot, type TestResult } from '../sim/index.ts';
import { type ProgramType, programTypes } from '../uapi/index.ts';
import type { Step } from '../vm/index.ts';
import { engineNamed, engineNames } from './engines.ts';
import { type Io, Output } from './io.ts';
import { defaultBudget, type RunFlags, tracedBudget } from './prog-flags.ts';
import { bytesOf, type Program, readProgram, refuseOpenMaps, wordsFor } from './prog-input.ts';
import { profileNamed } from './values.ts';

/** One run of a program in a simulated kernel where nothing else happens. @throws TracebedError for a trap */
export async function runOnce(file: string, flags: RunFlags, io: Io): Promise<void> {
  if (flags.trace && flags.engine !== undefined && flags.engine !== 'interpreter') {
    throw new UsageError(`the ${flags.engine} engine does not stop at each instruction`, {
      expected: '--engine interpreter with --trace',
    });
  }
  const program = await readProgram(file, flags, io);
  refuseOpenMaps(program);
  const output = new Output(io.stdout);
  const result = await runProgram(program, flags, output);
  report(result, flags, output);
  await output.end();
  if (result.trap) throw trapFault(program, result.trap, wordsFor(program, flags));
}

function typeNamed(text: string): ProgramType {
  if (Object.hasOwn(programTypes, text)) return text as ProgramType;
  const names = Object.keys(programTypes);
  throw new UsageError(`there is no program type '${text}'`, nearestOrAll(text, names));
}

async function runProgram(program: Program, flags: RunFlags, output: Output): Promise<TestResult> {
  const type = flags.type === undefined ? program.type : typeNamed(flags.type);
  const trace = flags.trace ? new Trace(program, wordsFor(program, flags), output) : undefined;
  const step: { step?: Step } = trace ? { step: trace.step } : {};
  const engine = await engineNamed(flags.engine ?? (trace ? 'interpreter' : engineNames[0]), step);
  const memory = flags.memory === undefined ? undefined : await bytesOf('--memory', flags.memory);
  const context = flags.context === undefined ? undefined : await bytesOf('--context', flags.context);
  const machine = boot({ profile: await profileNamed(flags.kernel), cpus: 1, engine, seed: flags.seed });
  try {
    const maps = new Map(program.maps.map((map) => [map.name, createMap(machine, map)]));
    const result = machine.testRun({
      name: program.name,
      code: linkMaps(program, maps),
      license: flags.license ?? program.license ?? 'GPL',
      ...(type === undefined ? {} : { type }),
      ...(memory === undefined ? {} : { memory }),
      ...(context === undefined ? {} : { context }),
      budget: flags.budget ?? (trace ? tracedBudget : defaultBudget),
      count: flags.count === true,
    });
    trace?.end();
    for (const line of machine.readTracePipe())
      output.write(`${line.replace(/^.*?bpf_trace_printk: /, 'printed: ')}\n`);
    return result;
  } finally {
    machine[Symbol.dispose]();
  }
}

function report({ result, trap, retired, memory, context }: TestResult, flags: RunFlags, output: Output): void {
  if (flags.count) output.write(`instructions: ${retired}\n`);
  if (flags.dump && flags.memory !== undefined) output.write(`memory: ${toHex(memory)}\n`);
  if (flags.dump && flags.context !== undefined) output.write(`context: ${toHex(context)}\n`);
  if (trap) return;
  const signed = BigInt.asIntN(64, result);
  output.write(`r0 = ${hex64(result)} (${signed < 0n ? `${signed}, unsigned ${result}` : result})\n`);
}

function trapFault(program: Program, trap: NonNullable<TestResult['trap']>, words: DisassemblerOptions): TracebedError {
  const { instruction: slot, kind, message } = trap;
  const { instructions, indexOfSlot } = decode(program.code);
  const instruction = instructions[indexOfSlot[slot] ?? -1];
  const at: Position = instruction ? program.at(slot) : { file: program.file };
  const text = instruction ? ` (${formatInstruction(instruction, words)})` : '';
  return new TracebedError(`trap at instruction ${slot}${text}: ${kind}: ${message}`, { at });
}

/** Columns that an instruction takes in a trace before the registers. */
const traceColumn = 48;
const registers = 11;

/** A line for each instruction, written when the next begins and it can be told what has changed. */
class Trace {
  readonly #output: Output;
  readonly #words: DisassemblerOptions;
  readonly #before = new Int32Array(registers * 2);
  readonly #instructions: readonly Instruction[];
  readonly #indexOfSlot: Int32Array;
  #line = 'on entry';

  constructor(program: Program, words: DisassemblerOptions, output: Output) {
    const { instructions, indexOfSlot } = decode(program.code);
    this.#instructions = instructions;
    this.#indexOfSlot = indexOfSlot;
    this.#words = words;
    this.#output = output;
  }

  readonly step: Step = (_program, slot, now, depth) => {
    this.#write(now);
    const instruction = this.#instructions[this.#indexOfSlot[slot] ?? -1];
    const text = instruction ? formatInstruction(instruction, this.#words) : 'no instruction';
    this.#line = `${'  '.repeat(depth)}${slot}: ${text}`;
  };

  /** The last instruction leaves no registers to look at. */
  end(): void {
    this.#output.write(`${this.#line}\n`);
  }

  #write(now: Int32Array): void {
    const changes: string[] = [];
    for (let register = 0; register < registers; register++) {
      const [low, high] = [now[register * 2] as number, now[register * 2 + 1] as number];
      if (low === this.#before[register * 2] && high === this.#before[register * 2 + 1]) continue;
      changes.push(`r${register}=${hex64((BigInt(high) << 32n) | BigInt(low >>> 0))}`);
    }
    this.#before.set(now);
    this.#output.write(
      changes.length === 0 ? `${this.#line}\n` : `${this.#line.padEnd(traceColumn)} ${changes.join(' ')}\n`,
    );
  }
}
