import { kernelSpace, type Memory } from '../memory/index.ts';

export { registerFacts } from '../isa/index.ts';

/**
 * The one contract that the interpreter and the compiler to WebAssembly both meet. A program reaches nothing but the
 * linear memory; every test of a program runs on both.
 */
export interface Engine {
  readonly name: 'interpreter' | 'jit';
  /** Makes a linked program runnable. @throws InputError when the bytes are no program (bad opcode, bad jump) */
  load(program: LinkedProgram, host: Host): Executable;
}

/**
 * Bytecode after linking: 8 bytes a slot, ld_imm64 of maps already holding the map's kernel pointer. Whatever its
 * source field says, a 64-bit immediate is taken as it stands, except a function's (BPF_PSEUDO_FUNC).
 */
export interface LinkedProgram {
  readonly name: string;
  readonly code: Uint8Array;
  /** What the verifier proved; absent for a program that it has not seen. */
  readonly facts?: ProgramFacts;
}

/**
 * What is known of a program before it runs. A verified one reads and writes only what it may, so the compiler leaves
 * out the checks and keeps stack slots in locals: its stack is then not to be looked at from outside.
 */
export interface ProgramFacts {
  readonly verified: boolean;
  /**
   * For each slot ten bytes, one a register r0–r9, of `registerFacts`: what the register holds whenever control
   * reaches that slot. Absent: the compiler finds out what it can by itself.
   */
  readonly registers?: Uint8Array;
  /** A byte a slot: 1 where a load may lead nowhere and then gives 0 (RegisterFacts.mayFault). */
  readonly mayFault?: Uint8Array;
}

/** What a program may reach outside itself. */
export interface Host {
  readonly memory: Memory;
  readonly window: CallWindow;
  /** The helper of that number, or undefined when this kernel has none: a call then traps. */
  helper(id: number): Helper | undefined;
  /** The kernel function of that BTF id, as a helper; absent or undefined when there is none: a call then traps. */
  kfunc?(btfId: number): Helper | undefined;
  /**
   * For LD_ABS and LD_IND: offset in the linear memory of `size` bytes of the packet that belongs to the context in
   * r6, or 0 when the packet has none there (the program then ends with r0 = 0). `offset` is signed: SKF_NET_OFF and
   * its like are below 0 (include/uapi/linux/filter.h). Without this hook the two instructions trap.
   */
  packet?(context: number, offset: number, size: 1 | 2 | 4): number;
  /** What a helper does, for those that compiled code can do without a call; asked at load. */
  inline?(helper: number): InlineHelper | undefined;
  /** How the map at that offset is laid out; asked at load, and true as long as the program is there. */
  mapLayout?(address: number): MapLayout | undefined;
  /** Instructions that one run may retire before it traps; no limit when absent. Read at load. */
  readonly budget?: number;
  /** Count retired instructions. Read at load. */
  readonly count?: boolean;
}

/** A helper that compiled code knows: a map's operation, bpf_loop, or one that answers with the u64 at an offset. */
export type InlineHelper =
  | { readonly kind: 'mapLookup' }
  | { readonly kind: 'mapUpdate' }
  | { readonly kind: 'mapDelete' }
  | { readonly kind: 'loop' }
  | { readonly kind: 'cell'; readonly offset: number };

/** Where a map keeps its elements in the linear memory. Sizes and strides in bytes, places as offsets. */
export type MapLayout = ArrayLayout | HashLayout;

/** Value of element i: data + i * stride + the current CPU * cpuStride. */
export interface ArrayLayout {
  readonly kind: 'array';
  readonly data: number;
  readonly stride: number;
  readonly maxEntries: number;
  readonly valueSize: number;
  readonly perCpu?: PerCpu;
}

/**
 * Chains on a table of u32 offsets, 0 at their ends. An element is u32 next, u32 hash, the key zero-padded to 8, and
 * at `valueOffset` its value. The hash of a key of n words: h = n; for each word h = (h ^ word) * 0x9e3779b1,
 * h ^= h >>> 15; then h *= 0x85ebca6b, h ^= h >>> 13; its bucket is h & bucketMask.
 */
export interface HashLayout {
  readonly kind: 'hash';
  readonly keySize: number;
  readonly valueSize: number;
  readonly buckets: number;
  readonly bucketMask: number;
  readonly valueOffset: number;
  readonly stride: number;
  /** Where the elements begin and end. */
  readonly data: number;
  readonly end: number;
  /**
   * Offsets of the u32 cells that change: elements held; the first element given back, chained by its first word;
   * the first never used; the spare one that an update of an existing key fills.
   */
  readonly count: number;
  readonly free: number;
  readonly fresh: number;
  readonly spare: number;
  readonly perCpu?: PerCpu;
}

/** A value for each CPU: bytes from one to the next, and the offset of a u32 that holds the current CPU's number. */
export interface PerCpu {
  readonly stride: number;
  readonly current: number;
}

/**
 * A helper's body. It reads r1–r5 from the call window and answers through it; it never throws for what a program
 * can do. Helpers that call back into the program or replace it use `executable`.
 */
export type Helper = (window: CallWindow, executable: Executable) => void;

export interface Executable {
  readonly program: LinkedProgram;
  /**
   * Runs once with r1 = the kernel pointer to `context` (an offset), r2 = `r2` (low half, 0 by default).
   * @returns the low 32 bits of r0 as a signed number; `result` and `trap` tell the rest
   */
  run(context: number, r2?: number): number;
  /**
   * Runs once for each of `count` contexts, whose offsets are u32s from `contexts` on, and writes the whole of each
   * r0 as u64 from `results` on (both offsets). A run that traps ends the batch.
   * @returns how many runs came to their end; `trap` tells why the next did not
   */
  runBatch(contexts: number, count: number, results: number): number;
  /** The whole of r0 after the last run. */
  readonly result: bigint;
  /** Why the last run ended early, or null. */
  readonly trap: Trap | null;
  /** Instructions retired since load, when counting was asked for; else 0. */
  readonly retired: number;
  /**
   * Only inside a helper: calls a function of the program (a callback) at an instruction slot, on the next stack
   * frame. r1–r5 are the window's arguments, so the helper saves its own first and sets new ones; r0 is left in the
   * window. The program holds such a function as a pointer: high half `codeSpace`, low half the slot.
   * @returns the low 32 bits of r0, signed; 1, which ends the kernel's loops, once the run has trapped
   */
  callback(slot: number): number;
  /**
   * Only inside a helper: when it returns, `target` replaces this program on the same stack frame, with r1 as it
   * was at the call. False, and nothing happens, after `maxTailCalls` in one run or when `target` was not loaded by
   * the same engine for the same host.
   */
  tailCall(target: Executable): boolean;
}

/** Call frames of one run, callbacks included (MAX_CALL_FRAMES, include/linux/bpf_verifier.h). */
export const maxCallFrames = 8;
/** Bytes of stack of a frame (MAX_BPF_STACK, include/linux/filter.h). */
export const frameSize = 512;
/** Bytes of stack of a run; frames grow down from its end. */
export const stackSize = maxCallFrames * frameSize;
/** Tail calls of one run (MAX_TAIL_CALL_CNT, include/linux/bpf.h). */
export const maxTailCalls = 33;
/** Times that a frame may go on at its may_goto (BPF_MAX_LOOPS, include/linux/bpf.h). */
export const maxLoops = 8 << 20;
/** High half of a pointer to a function of the program; no memory is reached through it. */
export const codeSpace = 0xffffc900;

/** What a program can do wrong at run time. Closed: an engine reports nothing else, and never throws. */
export const trapKinds = [
  'unmapped-address',
  'read-only-address',
  'stack-overflow',
  'call-depth',
  'budget-exhausted',
  'bad-instruction',
  'unknown-helper',
  'off-the-end',
] as const;
export type TrapKind = (typeof trapKinds)[number];

export interface Trap {
  readonly kind: TrapKind;
  /** Slot of the instruction (8-byte units from the start). */
  readonly instruction: number;
  /** One line for people. */
  readonly message: string;
}

/**
 * The window through which helper calls pass: five u64 arguments and the answer, in linear memory, so that no BigInt
 * and no array is made for a call.
 *
 *   +0 r1   +8 r2   +16 r3   +24 r4   +32 r5   +40 r0
 */
export class CallWindow {
  readonly memory: Memory;
  readonly offset: number;
  readonly #word: number;

  constructor(memory: Memory) {
    this.memory = memory;
    this.offset = memory.allocate(64);
    this.#word = this.offset >>> 2;
  }

  /** Low 32 bits of argument 1–5, unsigned: an offset where the argument is a pointer. */
  low(argument: number): number {
    return this.memory.u32[this.#word + (argument - 1) * 2] as number;
  }

  /**
   * Low 32 bits of argument 1–5 as an int32, for what is often beyond 2^31, as BPF_F_CURRENT_CPU is: V8 makes such a
   * number anew to hand it over.
   */
  signedLow(argument: number): number {
    return this.memory.i32[this.#word + (argument - 1) * 2] as number;
  }

  /** High 32 bits of argument 1–5, unsigned: the space where the argument is a pointer. */
  high(argument: number): number {
    return this.memory.u32[this.#word + (argument - 1) * 2 + 1] as number;
  }

  /** Whether all 64 bits of argument 1–5 are 0, as flags that nobody knows must be. */
  isZero(argument: number): boolean {
    return this.low(argument) === 0 && this.high(argument) === 0;
  }

  /** Whether argument 1–5 points to so many bytes that are mapped. */
  isMapped(argument: number, length: number): boolean {
    return this.memory.isMapped(this.#signedHigh(argument), this.signedLow(argument), length);
  }

  /** As isMapped, and may be written. */
  isWritable(argument: number, length: number): boolean {
    return this.memory.isWritable(this.#signedHigh(argument), this.signedLow(argument), length);
  }

  #signedHigh(argument: number): number {
    return this.memory.i32[this.#word + (argument - 1) * 2 + 1] as number;
  }

  /** Argument 1–5 whole, unsigned. Makes a BigInt: not for hot paths. */
  whole(argument: number): bigint {
    return this.memory.u64[(this.offset >>> 3) + argument - 1] as bigint;
  }

  /** Argument 1–5 from its halves: for a callback. */
  setArgument(argument: number, high: number, low: number): void {
    this.memory.i32[this.#word + (argument - 1) * 2] = low;
    this.memory.i32[this.#word + (argument - 1) * 2 + 1] = high;
  }

  /** Argument 1–5 as a pointer of the kernel to an offset: for a callback. */
  setPointer(argument: number, offset: number): void {
    this.setArgument(argument, kernelSpace | 0, offset);
  }

  /** r0 = a signed 32-bit number, sign-extended: 0, -ENOENT, a small count. */
  answer(value: number): void {
    this.memory.i32[this.#word + 10] = value;
    this.memory.i32[this.#word + 11] = value >> 31;
  }

  /** r0 from its halves. */
  answerHalves(high: number, low: number): void {
    this.memory.i32[this.#word + 10] = low;
    this.memory.i32[this.#word + 11] = high;
  }

  /** r0 = a pointer of the kernel to an offset; NULL for 0. */
  answerPointer(offset: number): void {
    this.answerHalves(offset === 0 ? 0 : kernelSpace | 0, offset);
  }

  /** r0 = a whole number from 0 to 2^53. */
  answerNumber(value: number): void {
    this.answerHalves((value / 0x1_0000_0000) | 0, value | 0);
  }

  /** r0 keeps its low half: what a function of the kernel gives that returns an int. */
  narrow(): void {
    this.memory.i32[this.#word + 11] = 0;
  }

  answerWhole(value: bigint): void {
    this.memory.u64[(this.offset >>> 3) + 5] = BigInt.asUintN(64, value);
  }
}
