import { InputError } from '../../base/index.ts';
import type { Argument, UserEntry, UserExit, UserMarker, UserStack } from '../../events/index.ts';
import { type Memory, userSpace } from '../../memory/index.ts';
import type { UsdtArgument, UsdtOperand, UsdtRegister } from '../../object/index.ts';
import { type CpuMemory, type Current, registersSize, userWindow, userWindows } from '../machine/current.ts';
import type { UserPoint } from '../points/points.ts';
import type { Marker, UserSpace } from '../processes/user-space.ts';
import { parameterRegisters, registerOffsets, userCode, userData, usualFlags } from './registers.ts';
import type { Slot } from './slots.ts';
import type { Values } from './values.ts';

/**
 * struct pt_regs of a task that a breakpoint stopped in user space (kernel/events/uprobes.c):
 *
 *   uprobe: ip is the probed address, sp points to the return address; arguments as the calling convention has them
 *   uretprobe: ax is the result, ip the return address, sp lies above it
 *   USDT: each argument lies where its operand says: in a register, or in memory that a register points to
 *
 * A register that an operand goes through, and that no argument sets, points into the middle of a window of its own.
 */
const middle = userWindow / 2;
const windowOf = Object.fromEntries(
  Object.keys(registerOffsets).map((name, index) => [name, index % userWindows]),
) as Readonly<Record<UsdtRegister, number>>;

const argumentSlot: Slot = {
  what: 'an argument of a user function',
  type: 'a 64-bit register',
  kind: 'pointer',
  bits: 64,
  signed: false,
  user: true,
  names: undefined,
};
const resultSlot: Slot = { ...argumentSlot, what: 'the result of a user function' };

export class UserRegisters {
  readonly #memory: Memory;
  readonly #values: Values;
  readonly #space: UserSpace;
  /** Registers that an argument of the marker under way has set: a bit for each. */
  #taken = 0;

  constructor(memory: Memory, values: Values, space: UserSpace) {
    this.#memory = memory;
    this.#values = values;
    this.#space = space;
  }

  /** Writes the registers of a call on the CPU under way. Returns their offset. */
  enter(event: UserEntry, point: UserPoint, current: Current): number {
    const cpu = current.cpus[current.cpu] as CpuMemory;
    const at = cpu.registers;
    const caller = this.#begin(event.userStack, point, current);
    const top = cpu.userStack + windowOf.sp * userWindow + middle;
    this.#setAddress(at + registerOffsets.ip, point.low, point.high);
    this.#setAddress(at + registerOffsets.sp, top, userSpace);
    this.#setReturn(top, event.userStack, caller);
    const { args } = event;
    for (let index = 0; index < args.length; index++) {
      const register = parameterRegisters[index];
      const place = register === undefined ? top + 8 * (index - 5) : at + register;
      if (register === undefined && (index - 5) * 8 >= middle) {
        throw new InputError(`${event.function} of ${event.binary} is called with ${args.length} arguments`);
      }
      this.#values.take(argumentSlot, args[index]);
      this.#setAddress(place, this.#values.low, this.#values.high);
    }
    current.userFirstLow = point.low;
    current.userFirstHigh = point.high;
    return at;
  }

  /** As `enter`, for its return. */
  exit(event: UserExit, point: UserPoint, current: Current): number {
    const cpu = current.cpus[current.cpu] as CpuMemory;
    const at = cpu.registers;
    const caller = this.#begin(event.userStack, point, current);
    const top = cpu.userStack + windowOf.sp * userWindow + middle;
    this.#setReturn(at + registerOffsets.ip, event.userStack, caller);
    this.#setAddress(at + registerOffsets.sp, top + 8, userSpace);
    this.#values.take(resultSlot, event.returns);
    this.#setAddress(at + registerOffsets.ax, this.#values.low, this.#values.high);
    return at;
  }

  /** As `enter`, for a USDT probe. */
  marker(event: UserMarker, marker: Marker, current: Current): number {
    const cpu = current.cpus[current.cpu] as CpuMemory;
    const at = cpu.registers;
    const { point } = marker;
    if (event.args.length > marker.arguments.length) {
      throw new InputError(`${marker.name} of ${event.binary} is given ${event.args.length} arguments`, {
        expected: `${marker.arguments.length}, as its note says`,
      });
    }
    this.#begin(event.userStack, point, current);
    this.#setAddress(at + registerOffsets.ip, point.low, point.high);
    this.#setAddress(at + registerOffsets.sp, cpu.userStack + windowOf.sp * userWindow + middle, userSpace);
    this.#taken = 0;
    for (let index = 0; index < marker.arguments.length; index++) {
      const { operand } = marker.arguments[index] as UsdtArgument;
      if (operand.kind === 'register') this.#setRegister(at, operand, event.args[index]);
    }
    for (let index = 0; index < marker.arguments.length; index++) {
      const argument = marker.arguments[index] as UsdtArgument;
      if (argument.operand.kind === 'memory') this.#setMemory(cpu, argument, argument.operand, event.args[index]);
    }
    current.userFirstLow = point.low;
    current.userFirstHigh = point.high;
    return at;
  }

  /** What is the same in all; says in `current` where the task is. Returns the index of the caller's frame. */
  #begin(stack: UserStack | undefined, point: UserPoint, current: Current): number {
    this.reset((current.cpus[current.cpu] as CpuMemory).registers);
    const caller = stack === undefined ? 0 : callerFrame(stack, point.function);
    current.userFirstLow = 0;
    current.userFirstHigh = 0;
    current.userSkip = caller;
    current.function = point.low;
    current.functionHigh = point.high;
    return caller;
  }

  /** All registers zero but those that are always the same in user space. */
  reset(at: number): void {
    this.#memory.u8.fill(0, at, at + registersSize);
    this.#setAddress(at + registerOffsets.orig_ax, -1, -1);
    this.#setAddress(at + registerOffsets.cs, userCode, 0);
    this.#setAddress(at + registerOffsets.ss, userData, 0);
    this.#setAddress(at + registerOffsets.flags, usualFlags, 0);
  }

  #setRegister(at: number, operand: Extract<UsdtOperand, { kind: 'register' }>, argument: Argument | undefined): void {
    const place = at + registerOffsets[operand.register];
    this.#values.take(argumentSlot, argument);
    this.#taken |= 1 << windowOf[operand.register];
    if (operand.shift === 0) this.#setAddress(place, this.#values.low, this.#values.high);
    else this.#memory.u8[place + 1] = this.#values.low;
  }

  /** Puts a value where an operand will look for it. What lies behind a pointer that is an argument stays as it is. */
  #setMemory(
    cpu: CpuMemory,
    { size, text }: UsdtArgument,
    { base, displacement, index, scale }: Extract<UsdtOperand, { kind: 'memory' }>,
    argument: Argument | undefined,
  ): void {
    const window = windowOf[base];
    if ((this.#taken & (1 << window)) !== 0) return;
    const pointer = cpu.userStack + window * userWindow + middle;
    const { i32 } = this.#memory;
    const steps = index === undefined ? 0 : (i32[(cpu.registers + registerOffsets[index]) >>> 2] as number) * scale;
    const offset = displacement + steps;
    if (offset < -middle || offset + 8 > middle) {
      throw new InputError(`the operand ${text} reaches too far from its register`, {
        expected: `an offset from ${-middle} to ${middle - 8}`,
      });
    }
    this.#setAddress(cpu.registers + registerOffsets[base], pointer, userSpace);
    this.#values.take(argumentSlot, argument);
    const { view } = this.#memory;
    const at = pointer + offset;
    if (size === 8) view.setInt32(at + 4, this.#values.high, true);
    if (size >= 4) view.setInt32(at, this.#values.low, true);
    else if (size === 2) view.setInt16(at, this.#values.low, true);
    else view.setInt8(at, this.#values.low);
  }

  #setReturn(at: number, stack: UserStack | undefined, caller: number): void {
    if (stack === undefined || caller >= stack.length) {
      this.#setAddress(at, 0, 0);
      return;
    }
    const halves = this.#space.resolve(stack);
    this.#setAddress(at, halves[caller * 2] as number, halves[caller * 2 + 1] as number);
  }

  #setAddress(at: number, low: number, high: number): void {
    const { i32 } = this.#memory;
    i32[at >>> 2] = low;
    i32[(at >>> 2) + 1] = high;
  }
}

/** Index in the stack of the frame that called this function: 1 where its own stands first. */
function callerFrame(stack: UserStack, name: string): number {
  const own = stack[0];
  if (own === undefined || !own.startsWith(name)) return 0;
  const next = own.charCodeAt(name.length);
  // `name+0x…` or `name [path]`, but not `name_with_more`.
  return next === 0x2b || next === 0x20 ? 1 : 0;
}
