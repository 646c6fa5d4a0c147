/**
 * A system call as the kernel's tracers see it (kernel/entry/common.c): sys_enter tracepoints, the call of
 * `__x64_sys_NAME(const struct pt_regs *)`, sys_exit tracepoints.
 */
import { InputError, nearest } from '../base/index.ts';
import {
  type Argument,
  type Arguments,
  type StructObject,
  syscallKernelName,
  syscallNumbers,
} from '../events/index.ts';
import { type CallOptions, CallTree, type Inside, type Nested, type Step } from './call.ts';
import type { Context, World } from './context.ts';

export type SyscallOptions = CallOptions;

/** The registers of the six arguments (arch/x86/entry/entry_64.S). */
const argumentRegisters = ['di', 'si', 'dx', 'r10', 'r8', 'r9'] as const;

/** The stack that a system call's work is done on, innermost first, as recorded on 6.18. */
export const syscallStack = ['do_syscall_64+0x71', 'entry_SYSCALL_64_after_hwframe+0x76'] as const;

/** ENOSYS: what ax holds until the call has returned. */
const notYet = -38;

/** The names of a system call's arguments in order: those of its tracepoint, or as the author gave them. */
function argumentNames(world: World, kernelName: string, args: Arguments): string[] {
  const format = world.profile.tracepoint(`syscalls:sys_enter_${kernelName}`);
  if (!format) return Object.keys(args);
  const names = format.fields.map((field) => field.name).filter((name) => name !== '__syscall_nr' && name !== 'nr');
  const stranger = Object.keys(args).find((name) => !names.includes(name));
  if (stranger === undefined) return names;
  throw new InputError(`${kernelName} has no argument '${stranger}'`, { expected: names.join(', ') });
}

function registers(values: readonly Argument[], number: number): StructObject {
  const fields: Record<string, Argument> = { orig_ax: number, ax: notYet };
  for (const [index, value] of values.entries()) fields[argumentRegisters[index]!] = value;
  return { object: 'struct', type: 'pt_regs', fields };
}

/** The tracepoints of one side that this kernel has. */
function passing(world: World, points: readonly { name: string; fields: Arguments }[]): Inside {
  const known = points.filter((point) => world.profile.tracepoint(point.name) !== undefined);
  return (inside) => known.map((point) => inside.tracepoint(point.name, point.fields));
}

class SyscallTree extends CallTree {
  readonly enter: Inside;
  readonly leave: Inside;

  constructor(
    context: Context,
    name: string,
    regs: StructObject,
    options: CallOptions,
    nested: readonly Nested[],
    sides: { readonly enter: Inside; readonly leave: Inside },
  ) {
    super(context, name, { regs }, options, nested);
    this.enter = sides.enter;
    this.leave = sides.leave;
  }

  override layOut(begin: number, below: readonly string[], steps: Step[]): void {
    const { stacks } = this.context.world;
    steps.push({ offset: begin, stack: stacks.push(below, 'syscall_trace_enter+0xb5'), make: this.enter });
    super.layOut(begin, below, steps);
    const offset = begin + this.span;
    steps.push({ offset, stack: stacks.push(below, 'syscall_exit_work+0x66'), make: this.leave });
  }
}

/**
 * The steps of one system call. `args` by the names of its tracepoint; strings in user memory as
 * `{ object: 'user', content }`. @throws InputError for an unknown system call or argument
 */
export function syscallTree(
  context: Context,
  name: string,
  args: Arguments,
  options: SyscallOptions,
  nested: readonly Nested[],
): CallTree {
  const number = syscallNumbers.get(name);
  if (number === undefined) {
    const near = nearest(name, syscallNumbers.keys());
    throw new InputError(
      `no system call '${name}'`,
      near.length > 0 ? { hint: `did you mean ${near.join(', ')}?` } : {},
    );
  }
  const { world } = context;
  const kernelName = syscallKernelName(name);
  const values = argumentNames(world, kernelName, args).map((argument) => args[argument] ?? 0);
  const returns = options.returns ?? 0;
  const enter = passing(world, [
    { name: 'raw_syscalls:sys_enter', fields: { id: number } },
    { name: `syscalls:sys_enter_${kernelName}`, fields: { __syscall_nr: number, ...args } },
  ]);
  const leave = passing(world, [
    { name: 'raw_syscalls:sys_exit', fields: { id: number, ret: returns } },
    { name: `syscalls:sys_exit_${kernelName}`, fields: { __syscall_nr: number, ret: returns } },
  ]);
  const stack = options.stack ?? (context.stack.length > 0 ? context.stack : syscallStack);
  const regs = registers(values, number);
  return new SyscallTree(context, `__x64_sys_${kernelName}`, regs, { ...options, stack }, nested, { enter, leave });
}
