import { InputError } from '../../base/index.ts';
import type { KernelProfile } from '../../btf/index.ts';
import type { Arguments, FunctionEntry, FunctionExit } from '../../events/index.ts';
import { kernelSpace, type Memory } from '../../memory/index.ts';
import { registerSets } from '../../uapi/index.ts';
import { type CpuMemory, type Current, registersSize } from '../machine/current.ts';
import type { Stacks } from '../machine/stacks.ts';
import { codeHigh, type SymbolTable } from '../machine/symbols.ts';
import { type Slot, takesUserPointers, typeSlot } from './slots.ts';
import { unknownName, type Values } from './values.ts';

/**
 * struct pt_regs of x86-64 from an event's named arguments, by the calling convention and the function's BTF
 * prototype (arch/x86/include/asm/ptrace.h, System V AMD64 ABI):
 *
 *   parameters 1–6 in di, si, dx, cx, r8, r9; further ones on the stack above the return address, 8 bytes each
 *   entry: ip is the probed address + 1, sp points to the return address
 *   exit: ax is the result, ip the return address, sp lies above it
 *
 * A system call's wrapper `__x64_sys_NAME(const struct pt_regs *)` is given the registers of user space. An event may
 * hold them itself, as `regs`; or it names the system call's own parameters, as the format of
 * `syscalls:sys_enter_NAME` does, and they are put in di, si, dx, r10, r8, r9 of an inner pt_regs.
 */
export const registerOffsets = registerSets.x86_64.offsets;

const { di, si, dx, cx, r8, r9, r10, ax, ip, cs, flags, sp, ss, orig_ax } = registerOffsets;
export const parameterRegisters = [di, si, dx, cx, r8, r9] as const;
const syscallRegisters = [di, si, dx, r10, r8, r9] as const;

/** __KERNEL_CS, __KERNEL_DS; and __USER_CS, __USER_DS of a system call's caller. */
export const kernelCode = 0x10;
export const kernelData = 0x18;
export const userCode = 0x33;
export const userData = 0x2b;
/** IF, ZF, PF: what an entry by ftrace mostly finds. */
export const usualFlags = 0x246;
/** ENOSYS: what ax holds until a system call has returned. */
const notYet = -38;

interface Parameter {
  readonly name: string;
  readonly slot: Slot;
}

/** How one function's calls become registers. */
export class FunctionContext {
  readonly name: string;
  readonly params: readonly Parameter[];
  readonly #syscall: SyscallRegisters | undefined;
  readonly #returns: Slot;
  readonly #low: number;
  readonly #memory: Memory;
  readonly #values: Values;
  readonly #stacks: Stacks;

  /** @throws InputError when BTF does not know the function */
  constructor(
    profile: KernelProfile,
    symbols: SymbolTable,
    memory: Memory,
    values: Values,
    stacks: Stacks,
    name: string,
  ) {
    const prototype = profile.btf.functionPrototype(name);
    if (!prototype) throw new InputError(`this kernel has no function '${name}'`);
    const user = takesUserPointers(name);
    this.name = name;
    this.params = prototype.params.map((param) => ({
      name: param.name,
      slot: typeSlot(profile, param.type, `argument '${param.name}' of ${name}`, user),
    }));
    this.#returns = typeSlot(profile, prototype.returns, `the result of ${name}`, user);
    this.#syscall = syscallRegistersOf(profile, memory, values, name);
    this.#low = symbols.entry(name);
    this.#memory = memory;
    this.#values = values;
    this.#stacks = stacks;
  }

  /** Writes the CPU's registers for the function's entry and says so in `current`. Returns their offset. */
  enter(event: FunctionEntry, current: Current): number {
    const cpu = current.cpus[event.cpu] as CpuMemory;
    const caller = this.#callerFrame(event.stack);
    this.#reset(cpu);
    this.#setCode(cpu.registers + ip, this.#low + 1);
    this.#setPointer(cpu.registers + sp, cpu.kernelStack);
    this.#setCode(cpu.kernelStack, this.#returnAddress(event.stack, caller));
    if (this.#syscall !== undefined && !('regs' in event.args)) {
      this.#setPointer(cpu.registers + di, this.#syscall.write(cpu, event.args));
      current.systemCall = true;
    } else this.#takeArguments(cpu, event.args);
    current.stackFirst = this.#low + 1;
    current.stackSkip = caller;
    current.function = this.#low;
    current.functionHigh = codeHigh;
    return cpu.registers;
  }

  /** As `enter`, for the function's return. */
  exit(event: FunctionExit, current: Current): number {
    const cpu = current.cpus[event.cpu] as CpuMemory;
    const caller = this.#callerFrame(event.stack);
    this.#reset(cpu);
    this.#setCode(cpu.registers + ip, this.#returnAddress(event.stack, caller));
    this.#setPointer(cpu.registers + sp, cpu.kernelStack + 8);
    if (this.#returns.kind !== 'opaque') {
      this.#values.take(this.#returns, event.returns);
      this.#set(cpu.registers + ax);
    }
    current.stackFirst = 0;
    current.stackSkip = caller;
    current.function = this.#low;
    current.functionHigh = codeHigh;
    return cpu.registers;
  }

  /** Index in the stack of the frame that called this function: 1 where its own stands first. */
  #callerFrame(stack: FunctionEntry['stack']): number {
    const own = stack.length === 0 ? undefined : stack[0];
    if (own === undefined || !own.startsWith(this.name)) return 0;
    const next = own.charCodeAt(this.name.length);
    // `name`, `name+0x…` or `name [module]`, but not `name_with_more`.
    return Number.isNaN(next) || next === 0x2b || next === 0x20 ? 1 : 0;
  }

  #returnAddress(stack: FunctionEntry['stack'], caller: number): number {
    return caller < stack.length ? (this.#stacks.resolve(stack)[caller] as number) : 0;
  }

  #takeArguments(cpu: CpuMemory, args: Arguments): void {
    let taken = 0;
    for (let index = 0; index < this.params.length; index++) {
      const { name, slot } = this.params[index] as Parameter;
      const argument = args[name];
      if (argument !== undefined) taken++;
      if (slot.kind === 'opaque') throw this.#structByValue(slot);
      this.#values.take(slot, argument);
      const register = parameterRegisters[index];
      this.#set(register === undefined ? stackSlot(cpu, index) : cpu.registers + register);
    }
    checkNames(this.name, args, taken, this.params);
  }

  #structByValue(slot: Slot): InputError {
    return new InputError(`${slot.what} is a ${slot.type} passed by value, which registers cannot hold here`, {
      expected: 'a function whose parameters are integers, pointers and structs of up to 8 bytes',
    });
  }

  /** All registers zero but those that are always the same. */
  #reset(cpu: CpuMemory): void {
    const at = cpu.registers;
    this.#memory.u8.fill(0, at, at + registersSize);
    this.#setHalves(at + orig_ax, -1, -1);
    this.#setHalves(at + cs, kernelCode, 0);
    this.#setHalves(at + ss, kernelData, 0);
    this.#setHalves(at + flags, usualFlags, 0);
  }

  #set(at: number): void {
    this.#setHalves(at, this.#values.low, this.#values.high);
  }

  #setCode(at: number, low: number): void {
    this.#setHalves(at, low, low === 0 ? 0 : codeHigh | 0);
  }

  #setPointer(at: number, offset: number): void {
    this.#setHalves(at, offset, kernelSpace | 0);
  }

  #setHalves(at: number, low: number, high: number): void {
    const { i32 } = this.#memory;
    i32[at >>> 2] = low;
    i32[(at >>> 2) + 1] = high;
  }
}

/** Parameters on the stack that a CPU's end of the kernel stack has room for. */
const mostParameters = 6 + 31;

function stackSlot(cpu: CpuMemory, index: number): number {
  if (index >= mostParameters) throw new InputError(`a function of ${index + 1} parameters has too many`);
  return cpu.kernelStack + 8 * (index - 5);
}

/** @throws InputError when the arguments given are not those that were taken: one of them is nobody's parameter */
export function checkNames(
  owner: string,
  args: Arguments,
  taken: number,
  parameters: readonly { readonly name: string }[],
): void {
  let given = 0;
  for (const _ in args) given++;
  if (given === taken) return;
  const names = parameters.map(({ name }) => name);
  const stranger = Object.keys(args).find((name) => !names.includes(name));
  if (stranger !== undefined) throw unknownName(owner, 'argument', stranger, names);
}

/** The registers of user space that a system call's wrapper is given, from the call's own parameters. */
export class SyscallRegisters {
  readonly name: string;
  readonly #parameters: readonly Parameter[];
  readonly #memory: Memory;
  readonly #values: Values;

  constructor(name: string, parameters: readonly Parameter[], memory: Memory, values: Values) {
    this.name = name;
    this.#parameters = parameters;
    this.#memory = memory;
    this.#values = values;
  }

  /** Writes the CPU's registers of its user. Returns their offset. @throws InputError */
  write(cpu: CpuMemory, args: Arguments): number {
    const at = cpu.userRegisters;
    this.#memory.u8.fill(0, at, at + registersSize);
    let taken = 0;
    for (let index = 0; index < this.#parameters.length; index++) {
      const { name, slot } = this.#parameters[index] as Parameter;
      const argument = args[name];
      if (argument !== undefined) taken++;
      this.#values.take(slot, argument);
      this.#set(at + (syscallRegisters[index] as number), this.#values.low, this.#values.high);
    }
    checkNames(this.name, args, taken, this.#parameters);
    this.#set(at + ax, notYet, -1);
    this.#set(at + cs, userCode, 0);
    this.#set(at + ss, userData, 0);
    this.#set(at + flags, usualFlags, 0);
    return at;
  }

  #set(at: number, low: number, high: number): void {
    const { i32 } = this.#memory;
    i32[at >>> 2] = low;
    i32[(at >>> 2) + 1] = high;
  }
}

/** The writer of a system call by its wrapper's name, or undefined for any other function. */
export function syscallRegistersOf(
  profile: KernelProfile,
  memory: Memory,
  values: Values,
  name: string,
): SyscallRegisters | undefined {
  const parameters = syscallParameters(profile, name);
  return parameters === undefined ? undefined : new SyscallRegisters(name, parameters, memory, values);
}

/** The parameters of a system call by its wrapper's name, or undefined for any other function. */
function syscallParameters(profile: KernelProfile, name: string): readonly Parameter[] | undefined {
  const match = /^__x64_sys_(\w+)$/.exec(name);
  const format = match && profile.tracepoint(`syscalls:sys_enter_${match[1]}`);
  if (!format) return undefined;
  const fields = format.fields.filter((field) => field.name !== '__syscall_nr' && !field.name.startsWith('common_'));
  return fields.slice(0, syscallRegisters.length).map((field) => ({
    name: field.name,
    slot: {
      what: `argument '${field.name}' of ${name}`,
      type: field.type,
      kind: field.type.includes('*') ? 'pointer' : 'integer',
      bits: field.type.includes('*') ? 64 : declaredBits(profile, field.type, field.size * 8),
      signed: field.signed,
      user: true,
      names: undefined,
    },
  }));
}

const basicBits: Readonly<Record<string, number>> = {
  int: 32,
  unsigned: 32,
  'unsigned int': 32,
  short: 16,
  'unsigned short': 16,
  char: 8,
  'unsigned char': 8,
};

/** The width of an integer type by its name; `otherwise` when BTF does not tell. */
export function declaredBits(profile: KernelProfile, type: string, otherwise: number): number {
  const name = type.replace(/\b(const|volatile)\b/g, '').trim();
  const basic = basicBits[name];
  if (basic !== undefined) return basic;
  const id = profile.btf.find('typedef', name) ?? profile.btf.find('int', name);
  const bits = id === undefined ? 0 : profile.btf.sizeOf(id) * 8;
  return bits === 0 ? otherwise : bits;
}
