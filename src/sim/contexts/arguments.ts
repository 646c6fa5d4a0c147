import { InputError } from '../../base/index.ts';
import type { KernelProfile, TypeId } from '../../btf/index.ts';
import type { Argument, Arguments, Task } from '../../events/index.ts';
import { kernelSpace, type Memory } from '../../memory/index.ts';
import { argumentsHead, type CpuMemory, type Current, mostArguments } from '../machine/current.ts';
import { codeHigh, type SymbolTable } from '../machine/symbols.ts';
import { CallsOfTasks } from '../points/calls-of-tasks.ts';
import { checkNames, type SyscallRegisters, syscallRegistersOf } from './registers.ts';
import { type Slot, takesUserPointers, typeSlot } from './slots.ts';
import type { Values } from './values.ts';

/**
 * Contexts that are an array of u64 arguments: struct bpf_raw_tracepoint_args of raw tracepoints
 * (include/trace/bpf_probe.h), and what the trampoline of fentry and fexit stores (arch/x86/net/bpf_jit_comp.c):
 *
 *   -16 u64 address of the function   -8 u64 number of arguments   +0 u64 arguments …   behind them: u64 result (fexit)
 *
 * A raw tracepoint widens each argument with zeros by its size; a trampoline stores whole registers.
 */
interface Parameter {
  readonly name: string;
  readonly slot: Slot;
  /** The field that stands for it when an event has only fields: its name, or with `addr` behind. */
  readonly field: string;
}

export class ArgumentsContext {
  readonly name: string;
  readonly count: number;
  readonly #parameters: readonly Parameter[];
  readonly #returns: Slot | undefined;
  /** Low half of the function's address; 0 of a raw tracepoint. */
  readonly #low: number;
  /** Of a system call's wrapper: its events may name the call's own parameters. */
  readonly #syscall: SyscallRegisters | undefined;
  readonly #memory: Memory;
  readonly #values: Values;

  constructor(
    name: string,
    parameters: readonly Parameter[],
    returns: Slot | undefined,
    low: number,
    memory: Memory,
    values: Values,
    syscall?: SyscallRegisters,
  ) {
    this.#syscall = syscall;
    this.name = name;
    this.count = parameters.length;
    this.#parameters = parameters;
    this.#returns = returns;
    this.#low = low;
    this.#memory = memory;
    this.#values = values;
  }

  /** Writes the arguments on the CPU under way. Returns their offset. @throws InputError for one that has no place */
  write(args: Arguments, current: Current): number {
    const cpu = current.cpus[current.cpu] as CpuMemory;
    const at = cpu.arguments;
    if (this.#syscall !== undefined && !('regs' in args)) {
      this.#memory.i32[at >>> 2] = this.#syscall.write(cpu, args);
      current.systemCall = true;
      this.#memory.i32[(at >>> 2) + 1] = kernelSpace | 0;
      this.#finish(at, current);
      return at;
    }
    let taken = 0;
    for (let index = 0; index < this.#parameters.length; index++) {
      const { name, slot } = this.#parameters[index] as Parameter;
      const argument = args[name];
      if (argument !== undefined) taken++;
      this.#values.take(slot, argument);
      this.#set(at + index * 8);
    }
    checkNames(this.name, args, taken, this.#parameters);
    this.#finish(at, current);
    return at;
  }

  /** As `write`, from the fields of the tracepoint's record, as far as their names tell. */
  writeFields(fields: Arguments, current: Current): number {
    const at = (current.cpus[current.cpu] as CpuMemory).arguments;
    for (let index = 0; index < this.#parameters.length; index++) {
      const { name, slot, field } = this.#parameters[index] as Parameter;
      const argument = fields[name] ?? fields[field];
      this.#values.take(slot, fits(slot, argument) ? argument : undefined);
      this.#set(at + index * 8);
    }
    this.#finish(at, current);
    return at;
  }

  /** Writes what a call was given and what it returns. Returns the offset. */
  writeResult(given: ArgumentCalls, returns: Argument, current: Current): number {
    const at = (current.cpus[current.cpu] as CpuMemory).arguments;
    given.restore(this.#memory, at);
    const result = this.#returns;
    this.#values.take(result ?? noResult, result === undefined ? 0 : returns);
    this.#set(at + this.count * 8);
    this.#finish(at, current);
    return at;
  }

  /** Puts 0 where the result of the call at `at` is told, which is behind its arguments. */
  clearResult(at: number): void {
    const word = (at + this.count * 8) >>> 2;
    this.#memory.i32[word] = 0;
    this.#memory.i32[word + 1] = 0;
  }

  #finish(at: number, current: Current): void {
    const { i32 } = this.#memory;
    const word = (at - argumentsHead) >>> 2;
    i32[word] = this.#low;
    i32[word + 1] = this.#low === 0 ? 0 : codeHigh | 0;
    i32[word + 2] = this.count;
    i32[word + 3] = 0;
    current.function = this.#low;
    current.functionHigh = this.#low === 0 ? 0 : codeHigh;
  }

  #set(at: number): void {
    const { i32 } = this.#memory;
    i32[at >>> 2] = this.#values.low;
    i32[(at >>> 2) + 1] = this.#values.high;
  }
}

/** Whether a field's value can stand for the argument: a record may hold a text where the argument is a pointer to more. */
function fits(slot: Slot, argument: Argument | undefined): boolean {
  if (slot.kind === 'integer')
    return typeof argument === 'number' || typeof argument === 'bigint' || slot.names !== undefined;
  return typeof argument !== 'string' || slot.type.includes('char *');
}

/** What a function that returns nothing leaves. */
const noResult: Slot = {
  what: 'no result',
  type: 'void',
  kind: 'integer',
  bits: 64,
  signed: false,
  user: false,
  names: undefined,
};

/** The context of a raw tracepoint, or undefined when this kernel has none of the name. */
export function rawContext(
  profile: KernelProfile,
  memory: Memory,
  values: Values,
  name: string,
): ArgumentsContext | undefined {
  const prototype = profile.btf.functionPrototype(`__traceiter_${name}`);
  if (!prototype) return undefined;
  // The first is `void *__data`, the tracepoint's own.
  const parameters = prototype.params.slice(1).map(({ name: parameter, type }): Parameter => {
    const slot = typeSlot(profile, type, `argument '${parameter}' of ${name}`, false);
    return { name: parameter, field: `${parameter}addr`, slot: { ...slot, signed: false } };
  });
  return new ArgumentsContext(name, parameters, undefined, 0, memory, values);
}

/**
 * The context of fentry and fexit programs of a function.
 * @throws InputError for a function that a trampoline cannot hold: too many arguments, a large struct by value
 */
export function trampolineContext(
  profile: KernelProfile,
  symbols: SymbolTable,
  memory: Memory,
  values: Values,
  name: string,
): ArgumentsContext {
  const prototype = profile.btf.functionPrototype(name);
  if (!prototype) throw new InputError(`this kernel has no function '${name}'`);
  const user = takesUserPointers(name);
  const slotOf = (type: TypeId, what: string) => typeSlot(profile, type, what, user);
  const parameters = prototype.params.map(
    ({ name: parameter, type }): Parameter => ({
      name: parameter,
      field: parameter,
      slot: slotOf(type, `argument '${parameter}' of ${name}`),
    }),
  );
  const large = parameters.find(({ slot }) => slot.kind === 'opaque' || slot.kind === 'bytes');
  if (large) throw new InputError(`${large.slot.what} is a ${large.slot.type} passed by value`);
  if (parameters.length > mostArguments) {
    throw new InputError(`${name} has ${parameters.length} arguments`, { expected: `at most ${mostArguments}` });
  }
  const returns = slotOf(prototype.returns, `the result of ${name}`);
  const result = returns.kind === 'integer' || returns.kind === 'pointer' ? returns : undefined;
  const syscall = syscallRegistersOf(profile, memory, values, name);
  return new ArgumentsContext(name, parameters, result, symbols.entry(name), memory, values, syscall);
}

/** Whether the kernel has a raw tracepoint of that name. */
export function hasRawTracepoint(profile: KernelProfile, name: string): boolean {
  return (
    profile.btf.functionPrototype(`__traceiter_${name}`) !== undefined &&
    profile.btf.find('typedef', `btf_trace_${name}`) !== undefined
  );
}

const wordsOfCall = mostArguments * 2;

/**
 * The arguments of calls under way, as a trampoline keeps them on the stack until the function returns. Of a call that
 * was under way before the program was attached, or is too deep, they are not known: its return goes unseen.
 */
export class ArgumentCalls {
  readonly #calls = new CallsOfTasks(wordsOfCall);

  /** A call begins with the arguments at `at`. */
  enter(task: Task, memory: Memory, at: number): void {
    const calls = this.#calls;
    if (!calls.enter(task)) return;
    for (let word = 0; word < wordsOfCall; word++) {
      calls.rows[calls.at + word] = memory.i32[(at >>> 2) + word] as number;
    }
  }

  /** The innermost call returns: its arguments are what `restore` writes. False when it was not seen to begin. */
  exit(task: Task): boolean {
    return this.#calls.exit(task);
  }

  restore(memory: Memory, at: number): void {
    const { rows, at: from } = this.#calls;
    for (let word = 0; word < wordsOfCall; word++) memory.i32[(at >>> 2) + word] = rows[from + word] as number;
  }

  forget(task: Task): void {
    this.#calls.forget(task, () => {});
  }
}
