/**
 * A system call as the kernel's tracers see it (kernel/entry/common.c): sys_enter tracepoints, the call of
 * `__x64_sys_NAME(const struct pt_regs *)`, sys_exit tracepoints.
 */

import { InputError, nearestHint } from '../base/index.ts';
import type { KernelProfile } from '../btf/index.ts';
import {
  type Argument,
  type Arguments,
  type StructObject,
  syscallKernelName,
  syscallNumbers,
} from '../events/index.ts';
import { type CallOptions, CallTree, type Inside, type Nested, returning, type Step } from './call.ts';
import type { Context } from './context.ts';

export type SyscallOptions = CallOptions;

/** The registers of the six arguments (arch/x86/entry/entry_64.S). */
const argumentRegisters = ['di', 'si', 'dx', 'r10', 'r8', 'r9'] as const;

/** The stack that a system call's work is done on, innermost first, as recorded on 6.18. */
export const syscallStack = ['do_syscall_64+0x71', 'entry_SYSCALL_64_after_hwframe+0x76'] as const;

/** ENOSYS: what ax holds until the call has returned. */
const notYet = -38;

/** What a kernel has of one system call. */
export interface SyscallPoints {
  readonly number: number;
  /** `newstat` of `stat`. */
  readonly kernelName: string;
  /** The name of its one parameter: `regs`, or what BTF calls it where several functions share a prototype. */
  readonly parameter: string;
  /** Its arguments in order, as its tracepoint names them; undefined when it has none. */
  readonly names: readonly string[] | undefined;
  /** The tracepoints of its own and of all system calls that there are. */
  readonly enter: string | undefined;
  readonly exit: string | undefined;
  readonly rawEnter: boolean;
  readonly rawExit: boolean;
}

/** Looks a system call up in a kernel. @throws InputError when there is none of that name */
export function syscallPoints(profile: KernelProfile, name: string): SyscallPoints {
  const number = syscallNumbers.get(name);
  if (number === undefined) {
    throw new InputError(`no system call '${name}'`, nearestHint(name, syscallNumbers.keys()));
  }
  const kernelName = syscallKernelName(name);
  const format = profile.tracepoint(`syscalls:sys_enter_${kernelName}`);
  const exit = profile.tracepoint(`syscalls:sys_exit_${kernelName}`);
  return {
    number,
    kernelName,
    parameter: profile.btf.functionPrototype(`__x64_sys_${kernelName}`)?.params[0]?.name ?? 'regs',
    names: format?.fields.map((field) => field.name).filter((field) => field !== '__syscall_nr' && field !== 'nr'),
    enter: format?.name,
    exit: exit?.name,
    rawEnter: profile.tracepoint('raw_syscalls:sys_enter') !== undefined,
    rawExit: profile.tracepoint('raw_syscalls:sys_exit') !== undefined,
  };
}

/** The values of a system call's arguments in order. */
function valuesOf({ names, kernelName }: SyscallPoints, args: Arguments): Argument[] {
  if (!names) return Object.values(args);
  const stranger = Object.keys(args).find((name) => !names.includes(name));
  if (stranger === undefined) return names.map((name) => args[name] ?? 0);
  throw new InputError(`${kernelName} has no argument '${stranger}'`, { expected: names.join(', ') });
}

/**
 * `unsigned long args[6]` of raw_syscalls:sys_enter: little-endian u64 each. A pointer is 0 there, because an event
 * holds no address; the registers and the call's own tracepoint have it.
 */
function rawArguments(values: readonly Argument[]): Uint8Array {
  const bytes = new Uint8Array(48);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.slice(0, 6).entries()) {
    if (typeof value === 'number' || typeof value === 'bigint') view.setBigInt64(index * 8, BigInt(value), true);
  }
  return bytes;
}

function registers(values: readonly Argument[], number: number): StructObject {
  const fields: Record<string, Argument> = { orig_ax: number, ax: notYet };
  for (const [index, value] of values.entries()) fields[argumentRegisters[index]!] = value;
  return { object: 'struct', type: 'pt_regs', fields };
}

class SyscallTree extends CallTree {
  readonly enter: Inside;
  readonly leave: Inside;

  constructor(
    context: Context,
    name: string,
    args: Arguments,
    options: CallOptions,
    nested: readonly Nested[],
    sides: { readonly enter: Inside; readonly leave: Inside },
  ) {
    super(context, name, args, options, nested);
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
  const points = context.world.syscall(name);
  const values = valuesOf(points, args);
  const { number } = points;
  const ret = options.returns ?? 0;
  const regs = registers(values, number);
  const enter: Inside = (inside) => [
    ...(points.rawEnter
      ? [
          inside.tracepoint(
            'raw_syscalls:sys_enter',
            { id: number, args: rawArguments(values) },
            {},
            { regs, id: number },
          ),
        ]
      : []),
    ...(points.enter ? [inside.tracepoint(points.enter, { __syscall_nr: number, ...args })] : []),
  ];
  const leave: Inside = (context) => {
    const inside = returning(context, options);
    return [
      ...(points.rawExit ? [inside.tracepoint('raw_syscalls:sys_exit', { id: number, ret }, {}, { regs, ret })] : []),
      ...(points.exit ? [inside.tracepoint(points.exit, { __syscall_nr: number, ret })] : []),
    ];
  };
  const stack = options.stack ?? (context.stack.length > 0 ? context.stack : syscallStack);
  // By the names of its own parameters, which the kernel puts into the caller's registers; where no format tells
  // them, as those registers.
  const given = points.names ? args : { [points.parameter]: registers(values, number) };
  return new SyscallTree(context, `__x64_sys_${points.kernelName}`, given, { ...options, stack }, nested, {
    enter,
    leave,
  });
}
