import type { Nanoseconds } from '../../base/index.ts';
import type { KernelStack, Task, UserStack } from '../../events/index.ts';
import { type Memory, pageKinds } from '../../memory/index.ts';
import type { LinkResource } from '../points/points.ts';

/** The idle task of a CPU on which nothing has happened yet. */
const idle: Task = { pid: 0, tgid: 0, comm: 'swapper', uid: 0, gid: 0 };
const noStack: KernelStack = [];
const mostKnown = 16_384;

/** A CPU's end of a task's kernel stack, as far as probes look: the return address and arguments beyond the sixth. */
const kernelStack = 256;
const cellsSize = 40;
/** PERF_MAX_TRACE_SIZE: the longest tracepoint record. */
export const recordSize = 8192;
export const registersSize = 168;
/** struct bpf_perf_event_data: pt_regs, u64 sample_period, u64 addr. */
const sampleSize = registersSize + 16;
/** MAX_BPF_FUNC_ARGS */
export const mostArguments = 12;
/** What a trampoline keeps before the arguments of fentry and fexit programs: u64 address of the function, u64 count. */
export const argumentsHead = 16;
/** A user stack as far as probes look: a window for each register that an operand may go through. */
export const userWindow = 4096;
export const userWindows = 16;

/** What belongs to one CPU: memory that programs run in. Offsets. */
export interface CpuMemory {
  /** A struct bpf_perf_event_data, whose begin is a struct pt_regs: the context of probes and samples. */
  readonly registers: number;
  /** The pt_regs that a system call's wrapper is given. */
  readonly userRegisters: number;
  /** What sp points to. */
  readonly kernelStack: number;
  /** The record of a tracepoint. */
  readonly record: number;
  /** u64 arguments of raw tracepoints, fentry and fexit; the result behind them, `argumentsHead` bytes before them. */
  readonly arguments: number;
  /** User memory: `userWindows` times `userWindow` bytes. */
  readonly userStack: number;
}

/**
 * What the shortest helpers answer, in memory: compiled code reads it without a call. Offsets of u64s.
 *
 *   +0 time   +8 cpu   +16 pid | tgid << 32   +24 uid | gid << 32   +32 0
 */
export interface CurrentCells {
  readonly time: number;
  readonly cpu: number;
  readonly pidTgid: number;
  readonly uidGid: number;
  readonly zero: number;
}

/** Where the kernel is: the time, and the CPU, task and stack of the event under way. */
export class Current {
  readonly cells: CurrentCells;
  readonly cpus: readonly CpuMemory[];
  readonly memory: Memory;
  cpu = 0;
  task: Task = idle;
  stack: KernelStack = noStack;
  /** Low half of an address that the stack begins with before its own frames; 0 for none. */
  stackFirst = 0;
  /** Innermost frames of `stack` that a program does not see. */
  stackSkip = 0;
  userStack: UserStack = noStack;
  /** As `stackFirst` and `stackSkip`, of the user stack. */
  userFirstLow = 0;
  userFirstHigh = 0;
  userSkip = 0;
  /** Halves of the address of the function that a probe is in; 0 elsewhere. */
  function = 0;
  functionHigh = 0;
  /** Tasks that ran and have not ended, by pid: the newest of those that had the number. */
  readonly known = new Map<number, Task>();
  /** What each CPU ran last. */
  readonly #last: (Task | undefined)[];
  /** Whose program runs. */
  link: LinkResource | null = null;
  /** Whether the event under way has put a system call's arguments into the CPU's `userRegisters`. */
  systemCall = false;
  /** What the program under way makes the probed function return instead of running it. */
  overrides = false;
  overrideLow = 0;
  overrideHigh = 0;
  /** Records that the run under way has tried to write. */
  records = 0;
  /** Places in ringbufs that the run under way reserved and has not given back. */
  reserved = 0;
  /** bpf_prog_active: programs running on each CPU. */
  readonly active: Int32Array;
  /** In a typed array: a field would make a new number for each time. */
  readonly #now = new Float64Array(1);

  /** The same memory as words, and the first word of the cells. */
  readonly #words: Int32Array;
  readonly #first: number;

  constructor(memory: Memory, cpus: number) {
    const cells = memory.allocate(cellsSize);
    this.cells = { time: cells, cpu: cells + 8, pidTgid: cells + 16, uidGid: cells + 24, zero: cells + 32 };
    this.#words = memory.i32;
    this.#first = cells >>> 2;
    this.memory = memory;
    this.active = new Int32Array(cpus);
    this.#last = new Array<Task | undefined>(cpus).fill(undefined);
    // Written anew for each user event, and events happen one at a time: all CPUs share it.
    const userStack = memory.allocatePages(userWindow * userWindows, pageKinds.user);
    this.cpus = Array.from({ length: cpus }, () => ({
      registers: memory.allocate(sampleSize),
      userRegisters: memory.allocate(registersSize),
      kernelStack: memory.allocate(kernelStack),
      record: memory.allocatePages(recordSize),
      arguments: memory.allocate(argumentsHead + 8 * (mostArguments + 1)) + argumentsHead,
      userStack,
    }));
  }

  /** An event happens now: the probes' additions to its stacks are not there yet. */
  begin(cpu: number, task: Task, stack: KernelStack, userStack: UserStack | undefined): void {
    this.cpu = cpu;
    this.task = task;
    if (this.#last[cpu] !== task) this.#meet(cpu, task);
    this.stack = stack;
    this.stackFirst = 0;
    this.stackSkip = 0;
    this.userStack = userStack ?? noStack;
    this.userFirstLow = 0;
    this.userFirstHigh = 0;
    this.userSkip = 0;
    this.function = 0;
    this.functionHigh = 0;
    this.systemCall = false;
    const words = this.#words;
    const first = this.#first;
    const now = this.#now[0] as number;
    words[first] = now;
    words[first + 1] = now / 0x1_0000_0000;
    words[first + 2] = cpu;
    words[first + 4] = task.pid;
    words[first + 5] = task.tgid;
    words[first + 6] = task.uid;
    words[first + 7] = task.gid;
  }

  #meet(cpu: number, task: Task): void {
    this.#last[cpu] = task;
    if (task.pid === 0) return;
    const { known } = this;
    known.set(task.pid, task);
    // Where a scenario never tells of an end, the one that was met first goes.
    if (known.size > mostKnown) known.delete(known.keys().next().value as number);
  }

  /** A task has ended. */
  forget({ pid }: Task): void {
    this.known.delete(pid);
    this.#last.fill(undefined);
  }

  get now(): Nanoseconds {
    return this.#now[0] as number;
  }

  set now(time: Nanoseconds) {
    this.#now[0] = time;
  }
}
