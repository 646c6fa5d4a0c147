import { kernelSpace, type Memory } from '../../memory/index.ts';
import { type CpuMemory, type Current, registersSize } from '../machine/current.ts';
import type { Stacks } from '../machine/stacks.ts';
import { codeHigh } from '../machine/symbols.ts';
import type { Running, SamplingLink } from '../points/sampling.ts';
import type { UserSpace } from '../processes/user-space.ts';
import { kernelCode, kernelData, registerOffsets, usualFlags } from './registers.ts';
import type { UserRegisters } from './user-registers.ts';

/**
 * struct bpf_perf_event_data of a sample (include/uapi/linux/bpf_perf_event.h): the registers of what was interrupted,
 * in the kernel or in user space, as far as its stack tells them.
 *
 *   +0 struct pt_regs   +168 u64 sample_period   +176 u64 addr
 */
export class SampleContext {
  readonly #memory: Memory;
  readonly #stacks: Stacks;
  readonly #space: UserSpace;
  readonly #user: UserRegisters;

  constructor(memory: Memory, stacks: Stacks, space: UserSpace, user: UserRegisters) {
    this.#memory = memory;
    this.#stacks = stacks;
    this.#space = space;
    this.#user = user;
  }

  /** Writes the context on the link's CPU. Returns its offset. */
  write(link: SamplingLink, { stack, userStack }: Running, current: Current): number {
    const cpu = current.cpus[link.counter.cpu] as CpuMemory;
    const at = cpu.registers;
    const { view } = this.#memory;
    this.#user.reset(at);
    if (stack.length > 0 || userStack === undefined || userStack.length === 0) {
      this.#set(at + registerOffsets.cs, kernelCode, 0);
      this.#set(at + registerOffsets.ss, kernelData, 0);
      this.#set(at + registerOffsets.flags, usualFlags, 0);
      if (stack.length > 0) this.#set(at + registerOffsets.ip, this.#stacks.resolve(stack)[0] as number, codeHigh);
      this.#set(at + registerOffsets.sp, cpu.kernelStack, kernelSpace);
    } else {
      const halves = this.#space.resolve(userStack);
      this.#set(at + registerOffsets.ip, halves[0] as number, halves[1] as number);
    }
    const { period } = link;
    view.setInt32(at + registersSize, period, true);
    view.setInt32(at + registersSize + 4, Math.floor(period / 0x1_0000_0000), true);
    this.#set(at + registersSize + 8, 0, 0);
    return at;
  }

  #set(at: number, low: number, high: number): void {
    const { i32 } = this.#memory;
    i32[at >>> 2] = low;
    i32[(at >>> 2) + 1] = high;
  }
}
