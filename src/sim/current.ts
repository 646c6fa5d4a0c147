import type { Nanoseconds } from '../base/index.ts';
import type { KernelStack, Task } from '../events/index.ts';
import type { Memory } from '../memory/index.ts';

/** The idle task of a CPU on which nothing has happened yet. */
const idle: Task = { pid: 0, tgid: 0, comm: 'swapper', uid: 0, gid: 0 };
const noStack: KernelStack = [];

/** Frames of a program's stack: 8 of 512 bytes. */
const programStack = 8 * 512;
/** A CPU's end of a task's kernel stack, as far as probes look: the return address and arguments beyond the sixth. */
const kernelStack = 256;
/** PERF_MAX_TRACE_SIZE: the longest tracepoint record. */
export const recordSize = 8192;
export const registersSize = 168;

/** What belongs to one CPU: memory that programs run in. Offsets. */
export interface CpuMemory {
  /** 8 frames, growing down from the end. */
  readonly stack: number;
  /** A struct pt_regs, the context of kprobes. */
  readonly registers: number;
  /** The pt_regs that a system call's wrapper is given. */
  readonly userRegisters: number;
  /** What sp points to. */
  readonly kernelStack: number;
  /** The record of a tracepoint. */
  readonly record: number;
}

/** Where the kernel is: the time, and the CPU, task and stack of the event under way. */
export class Current {
  readonly cpus: readonly CpuMemory[];
  cpu = 0;
  task: Task = idle;
  stack: KernelStack = noStack;
  /** Low half of an address that the stack begins with before its own frames; 0 for none. */
  stackFirst = 0;
  /** Innermost frames of `stack` that a program does not see. */
  stackSkip = 0;
  /** Low half of the address of the function that a kprobe or kretprobe is in; 0 elsewhere. */
  function = 0;
  /** Records that the run under way has tried to write. */
  records = 0;
  /** bpf_prog_active: programs running on each CPU. */
  readonly active: Int32Array;
  /** In a typed array: a field would make a new number for each time. */
  readonly #now = new Float64Array(1);

  constructor(memory: Memory, cpus: number) {
    this.active = new Int32Array(cpus);
    this.cpus = Array.from({ length: cpus }, () => ({
      stack: memory.allocatePages(programStack),
      registers: memory.allocate(registersSize),
      userRegisters: memory.allocate(registersSize),
      kernelStack: memory.allocate(kernelStack),
      record: memory.allocatePages(recordSize),
    }));
  }

  get now(): Nanoseconds {
    return this.#now[0] as number;
  }

  set now(time: Nanoseconds) {
    this.#now[0] = time;
  }
}
