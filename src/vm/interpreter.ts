import { u64 } from '../base/index.ts';
import { type DecodedProgram, orderedAccess } from '../isa/index.ts';
import type { Memory } from '../memory/index.ts';
import { kernelHigh, readable, writable } from './access.ts';
import {
  add64,
  divide64,
  extend,
  isAbove,
  isGreater,
  modulo64,
  multiply64,
  negate64,
  shiftLeft64,
  shiftRight64,
  shiftSigned64,
  signedDivide64,
  signedModulo64,
  subtract64,
  swapBytes,
} from './arithmetic.ts';
import { atomicAccess } from './atomic.ts';
import {
  type CallWindow,
  codeSpace,
  type Engine,
  type Executable,
  frameSize,
  type Helper,
  type Host,
  type LinkedProgram,
  maxCallFrames,
  maxLoops,
  maxTailCalls,
  type Trap,
  type TrapKind,
} from './engine.ts';
import { callKinds, type FlatProgram, flatten, stride } from './flat.ts';
import { type Run, r6, r10, Session, saved } from './run.ts';
import { trapMessage } from './trap.ts';

/**
 * The interpreter: the instruction set as RFC 9669 and Linux's kernel/bpf/core.c define it, one case for each opcode.
 * A register is two 32-bit halves in an Int32Array, so that a run makes no object and no BigInt; a program reaches
 * memory only where the page table says that it may. It is the judge that the compiler is compared with.
 */
export function createInterpreter(options: InterpreterOptions = {}): Engine {
  const sessions = new WeakMap<Host, Session<InterpretedProgram>>();
  return {
    name: 'interpreter',
    load(program, host) {
      let session = sessions.get(host);
      if (!session) {
        session = new Session<InterpretedProgram>(host);
        sessions.set(host, session);
      }
      return new InterpretedProgram(program, session, options);
    },
  };
}

export interface InterpreterOptions {
  /** Called before each instruction, for a debugger. Without it a run takes no time for it. */
  readonly step?: Step;
}

/** How a program is held: for the compiler it stands in for a program of its own. */
export interface InterpretedOptions extends InterpreterOptions {
  readonly owner?: Executable;
  /** The program's code, already decoded and checked. */
  readonly decoded?: DecodedProgram;
}

/**
 * The instruction at `slot` of `program` is about to run. `registers` is live, to be read at once and not kept: r0–r10,
 * each as its low and its high half, signed. `depth` counts call frames, from 0.
 */
export type Step = (program: LinkedProgram, slot: number, registers: Int32Array, depth: number) => void;

/** The high half of a pointer to a function of the program, signed. */
const codeHigh = codeSpace | 0;
/** Bytes by the size bits of an opcode. */
const atomicSizes = [4, 2, 1, 8] as const;
const packetSizes = [4, 2, 1, 1] as const;

/** A program as the interpreter holds it; the compiler asks one for the last instructions of a budget. */
export class InterpretedProgram implements Executable {
  readonly program: LinkedProgram;
  readonly #session: Session<InterpretedProgram>;
  readonly #flat: FlatProgram;
  readonly #calls: readonly (Helper | undefined)[];
  readonly #window: CallWindow;
  readonly #memory: Memory;
  readonly #budget: number | undefined;
  readonly #counts: boolean;
  readonly #step: Step | null;
  /** What helpers are given as the program that calls them. */
  readonly #owner: Executable;
  /** Instructions of the last run. */
  lastRetired = 0;
  #retired = 0;
  #resultLow = 0;
  #resultHigh = 0;
  #trapped: TrapKind | null = null;
  #trapSlot = 0;
  #trapLow = 0;
  #trapHigh = 0;
  #trapSize = 0;

  constructor(program: LinkedProgram, session: Session<InterpretedProgram>, options: InterpretedOptions = {}) {
    const { host } = session;
    this.program = program;
    this.#step = options.step ?? null;
    this.#owner = options.owner ?? this;
    this.#session = session;
    this.#window = host.window;
    this.#memory = host.memory;
    this.#budget = host.budget;
    this.#counts = host.count === true;
    this.#flat = flatten(program, options.decoded);
    this.#calls = this.#flat.calls.map(({ target, id }) => (target === 'helper' ? host.helper(id) : host.kfunc?.(id)));
  }

  run(context: number, r2 = 0): number {
    const { stacks } = this.#session;
    const top = stacks.top(stacks.level);
    const run = this.#session.enter();
    try {
      run.start(this.#budget, this.#step !== null);
      const { registers } = run;
      registers.fill(0);
      registers[2] = context;
      registers[3] = kernelHigh;
      registers[4] = r2;
      registers[r10] = top;
      registers[r10 + 1] = kernelHigh;
      this.#execute(run, 0);
    } finally {
      this.#session.leave();
    }
    return this.#finish(run);
  }

  runBatch(contexts: number, count: number, results: number): number {
    const { i32, u32 } = this.#memory;
    for (let index = 0; index < count; index++) {
      this.run(u32[(contexts >>> 2) + index] as number);
      if (this.#trapped !== null) return index;
      i32[(results >>> 2) + index * 2] = this.#resultLow;
      i32[(results >>> 2) + index * 2 + 1] = this.#resultHigh;
    }
    return count;
  }

  /**
   * Goes on in the middle of a run that compiled code began: at most `budget` instructions from a slot, none of which
   * leaves the frame, with `registers` as halves. The run returned has trapped.
   */
  finish(registers: Int32Array, slot: number, budget: number): Run<InterpretedProgram> {
    const run = this.#session.enter();
    run.start(budget);
    run.registers.set(registers);
    this.#execute(run, this.#flat.wordOfSlot[slot] as number);
    this.#session.leave();
    return run;
  }

  #finish(run: Run<InterpretedProgram>): number {
    this.lastRetired = run.granted - run.left;
    if (this.#counts) this.#retired += this.lastRetired;
    this.#trapped = run.trapped;
    if (run.trapped === null) {
      this.#resultLow = run.registers[0]!;
      this.#resultHigh = run.registers[1]!;
      return this.#resultLow;
    }
    this.#trapSlot = run.trapSlot;
    this.#trapLow = run.trapLow;
    this.#trapHigh = run.trapHigh;
    this.#trapSize = run.trapSize;
    this.#resultLow = 0;
    this.#resultHigh = 0;
    return 0;
  }

  get result(): bigint {
    return u64(this.#resultHigh, this.#resultLow);
  }

  get retired(): number {
    return this.#retired;
  }

  get trap(): Trap | null {
    const kind = this.#trapped;
    if (kind === null) return null;
    const details = {
      high: this.#trapHigh,
      low: this.#trapLow,
      size: this.#trapSize,
      budget: this.#budget,
      opcode: this.program.code[this.#trapSlot * 8],
    };
    return { kind, instruction: this.#trapSlot, message: trapMessage(kind, details) };
  }

  callback(slot: number): number {
    const run = this.#session.current;
    if (!run || run.trapped !== null) return 1;
    const window = this.#window;
    const { registers } = run;
    const word = this.#flat.wordOfSlot[slot] ?? -1;
    if (word < 0) {
      this.#trapAt(run, 'bad-instruction', run.trapSlot);
      return 1;
    }
    if (!this.#push(run, -1)) {
      this.#trapAt(run, 'call-depth', run.trapSlot);
      return 1;
    }
    const calledFrom = run.trapSlot;
    for (let argument = 1; argument <= 5; argument++) {
      registers[argument * 2] = window.low(argument);
      registers[argument * 2 + 1] = window.high(argument);
    }
    if (!this.#execute(run, word)) return 1;
    run.trapSlot = calledFrom;
    window.answerHalves(registers[1]!, registers[0]!);
    return registers[0]!;
  }

  tailCall(target: Executable): boolean {
    const run = this.#session.current;
    if (!run || !(target instanceof InterpretedProgram) || target.#session !== this.#session) return false;
    if (run.tailCalls >= maxTailCalls) return false;
    run.tailCalls++;
    run.next = target;
    return true;
  }

  /** A new frame below the current one; `returnTo` is a word index, or -1 to leave `#execute`. False when too deep. */
  #push(run: Run<InterpretedProgram>, returnTo: number): boolean {
    if (run.depth + 1 >= maxCallFrames) return false;
    const { registers, frames } = run;
    run.callers[run.depth] = this;
    run.depth++;
    const base = run.depth * saved.words;
    for (let i = 0; i < 18; i++) frames[base + i] = registers[2 + i]!;
    registers.fill(0, r6, r10);
    registers[0] = 0;
    registers[1] = 0;
    frames[base + saved.framePointer] = registers[r10]!;
    frames[base + saved.returnTo] = returnTo;
    frames[base + saved.loops] = maxLoops;
    registers[r10] = registers[r10]! - frameSize;
    return true;
  }

  #callHelper(run: Run<InterpretedProgram>, helper: Helper, slot: number): void {
    const { registers } = run;
    const { i32 } = this.#memory;
    const word = this.#window.offset >>> 2;
    for (let i = 0; i < 10; i++) i32[word + i] = registers[2 + i]!;
    i32[word + 10] = 0;
    i32[word + 11] = 0;
    run.trapSlot = slot;
    helper(this.#window, this.#owner);
    registers[0] = i32[word + 10]!;
    registers[1] = i32[word + 11]!;
  }

  /** A tail call: the program that takes over the current frame, from its start, with r1 alone. */
  #replaced(run: Run<InterpretedProgram>, target: InterpretedProgram): InterpretedProgram {
    run.next = null;
    const { registers } = run;
    registers.fill(0, 4, r10);
    registers[0] = 0;
    registers[1] = 0;
    run.frames[run.depth * saved.words + saved.loops] = maxLoops;
    return target;
  }

  #leave(run: Run<InterpretedProgram>, left: number, kind: TrapKind, slot: number, low = 0): false {
    run.left = left + 1;
    this.#trapAt(run, kind, slot, low);
    return false;
  }

  /** A load through a kernel object's pointer that leads nowhere gives 0 (ProgramFacts.mayFault). */
  #readsZero(regs: Int32Array, words: Int32Array, at: number): boolean {
    if (words[at + 7] === 0) return false;
    regs[words[at + 1]!] = 0;
    regs[words[at + 1]! + 1] = 0;
    return true;
  }

  #badRead(run: Run<InterpretedProgram>, left: number, words: Int32Array, at: number, size: number): false {
    run.left = left + 1;
    this.#trapAccess(run, words[at + 6]!, words[at + 2]!, words[at + 3]!, size, false);
    return false;
  }

  #badWrite(run: Run<InterpretedProgram>, left: number, words: Int32Array, at: number, size: number): false {
    run.left = left + 1;
    this.#trapAccess(run, words[at + 6]!, words[at + 1]!, words[at + 3]!, size, true);
    return false;
  }

  #trapAt(run: Run<InterpretedProgram>, kind: TrapKind, slot: number, low = 0): void {
    run.trapped = kind;
    run.trapSlot = slot;
    run.trapLow = low;
  }

  /** Traps for an access that `readable` or `writable` refused. */
  #trapAccess(
    run: Run<InterpretedProgram>,
    slot: number,
    base: number,
    offset: number,
    size: number,
    write: boolean,
  ): void {
    const low = (run.registers[base]! >>> 0) + offset;
    run.trapLow = low | 0;
    run.trapHigh = (run.registers[base + 1]! + Math.floor(low / 0x1_0000_0000)) | 0;
    run.trapSize = size;
    run.trapSlot = slot;
    const readOnly = write && this.#memory.isMapped(run.trapHigh, run.trapLow, size);
    run.trapped = readOnly && run.trapHigh === kernelHigh ? 'read-only-address' : 'unmapped-address';
  }

  /** Atomics, load_acquire and store_release. False when it trapped. */
  #atomic(run: Run<InterpretedProgram>, words: Int32Array, at: number): boolean {
    const regs = run.registers;
    const loads = words[at + 4] === orderedAccess.loadAcquire;
    const base = words[at + (loads ? 2 : 1)]!;
    const size = atomicSizes[(words[at]! >>> 3) & 3]!;
    const reach = loads ? readable : writable;
    const place = reach(this.#memory.pages, regs[base]!, regs[base + 1]!, words[at + 3]!, size);
    if (place >= 0) {
      atomicAccess(this.#memory.view, regs, words, at, place, size);
      return true;
    }
    this.#trapAccess(run, words[at + 6]!, base, words[at + 3]!, size, !loads);
    return false;
  }

  /** LD_ABS and LD_IND. 1 when r0 holds the bytes, 0 when the packet has none there, -1 without packets. */
  #loadPacket(run: Run<InterpretedProgram>, words: Int32Array, at: number): number {
    const { host } = this.#session;
    if (!host.packet) return -1;
    const { registers: regs } = run;
    const { view } = this.#memory;
    const index = words[at + 2]!;
    const offset = (words[at + 4]! + (index < 0 ? 0 : regs[index]!)) | 0;
    const size = packetSizes[(words[at]! >>> 3) & 3]!;
    const from = host.packet(regs[r6]!, offset, size);
    if (from === 0) return 0;
    if (size === 1) regs[0] = view.getUint8(from);
    else regs[0] = size === 2 ? view.getUint16(from) : view.getInt32(from);
    regs[1] = 0;
    return 1;
  }

  /**
   * Runs from a word index until the frame that it began in returns; false when the run trapped. The loop is long because the
   * instruction set is: a case for each opcode, and what is rare in functions of its own.
   */
  #execute(run: Run<InterpretedProgram>, start: number): boolean {
    const { registers: regs, frames } = run;
    const { view, pages } = this.#memory;
    const floor = run.depth;
    let program: InterpretedProgram = this;
    let words = this.#flat.words;
    let left = run.left;
    let pc = start;

    for (;;) {
      if (left === 0) {
        if (!run.refill()) {
          this.#trapAt(run, 'budget-exhausted', words[pc + 6]!);
          return false;
        }
        left = run.left;
        if (program.#step !== null) program.#step(program.program, words[pc + 6]!, regs, run.depth);
      }
      left--;
      const at = pc;
      const d = words[at + 1]!;
      const s = words[at + 2]!;
      let lo: number;
      let hi: number;
      if (s < 0) {
        lo = words[at + 4]!;
        hi = words[at + 5]!;
      } else {
        lo = regs[s]!;
        hi = regs[s + 1]!;
      }
      pc += stride;

      switch (words[at]) {
        // --- 64-bit arithmetic: dst op= imm, dst op= src
        case 0x07:
        case 0x0f: // add
          add64(regs, d, lo, hi);
          continue;
        case 0x17:
        case 0x1f: // sub
          subtract64(regs, d, lo, hi);
          continue;
        case 0x27:
        case 0x2f: // mul
          multiply64(regs, d, lo, hi);
          continue;
        case 0x37:
        case 0x3f: // div, sdiv
          if (words[at + 3] === 0) divide64(regs, d, lo, hi);
          else signedDivide64(regs, d, lo, hi);
          continue;
        case 0x47:
        case 0x4f: // or
          regs[d] = regs[d]! | lo;
          regs[d + 1] = regs[d + 1]! | hi;
          continue;
        case 0x57:
        case 0x5f: // and
          regs[d] = regs[d]! & lo;
          regs[d + 1] = regs[d + 1]! & hi;
          continue;
        case 0x67:
        case 0x6f: // lsh
          shiftLeft64(regs, d, lo & 63);
          continue;
        case 0x77:
        case 0x7f: // rsh
          shiftRight64(regs, d, lo & 63);
          continue;
        case 0x87: // neg
          negate64(regs, d);
          continue;
        case 0x97:
        case 0x9f: // mod, smod
          if (words[at + 3] === 0) modulo64(regs, d, lo, hi);
          else signedModulo64(regs, d, lo, hi);
          continue;
        case 0xa7:
        case 0xaf: // xor
          regs[d] = regs[d]! ^ lo;
          regs[d + 1] = regs[d + 1]! ^ hi;
          continue;
        case 0xb7: // mov
          regs[d] = lo;
          regs[d + 1] = hi;
          continue;
        case 0xbf: {
          // mov, movsx, addr_space_cast
          const bits = words[at + 3]!;
          if (bits === 0) {
            regs[d] = lo;
            regs[d + 1] = hi;
            continue;
          }
          if (bits === 1) return this.#leave(run, left, 'bad-instruction', words[at + 6]!);
          regs[d] = extend(lo, bits);
          regs[d + 1] = regs[d]! >> 31;
          continue;
        }
        case 0xc7:
        case 0xcf: // arsh
          shiftSigned64(regs, d, lo & 63);
          continue;
        case 0xd7: // bswap
          swapBytes(regs, d, lo);
          continue;

        // --- 32-bit arithmetic: the high half becomes 0
        case 0x04:
        case 0x0c: // add
          regs[d] = regs[d]! + lo;
          regs[d + 1] = 0;
          continue;
        case 0x14:
        case 0x1c: // sub
          regs[d] = regs[d]! - lo;
          regs[d + 1] = 0;
          continue;
        case 0x24:
        case 0x2c: // mul
          regs[d] = Math.imul(regs[d]!, lo);
          regs[d + 1] = 0;
          continue;
        case 0x34:
        case 0x3c: // div, sdiv; by 0 gives 0
          if (words[at + 3] === 0) regs[d] = lo === 0 ? 0 : (regs[d]! >>> 0) / (lo >>> 0);
          else regs[d] = lo === 0 ? 0 : regs[d]! / lo;
          regs[d + 1] = 0;
          continue;
        case 0x44:
        case 0x4c: // or
          regs[d] = regs[d]! | lo;
          regs[d + 1] = 0;
          continue;
        case 0x54:
        case 0x5c: // and
          regs[d] = regs[d]! & lo;
          regs[d + 1] = 0;
          continue;
        case 0x64:
        case 0x6c: // lsh
          regs[d] = regs[d]! << (lo & 31);
          regs[d + 1] = 0;
          continue;
        case 0x74:
        case 0x7c: // rsh
          regs[d] = regs[d]! >>> (lo & 31);
          regs[d + 1] = 0;
          continue;
        case 0x84: // neg
          regs[d] = -regs[d]!;
          regs[d + 1] = 0;
          continue;
        case 0x94:
        case 0x9c: // mod, smod; by 0 leaves the low half
          if (lo !== 0) regs[d] = words[at + 3] === 0 ? (regs[d]! >>> 0) % (lo >>> 0) : regs[d]! % lo;
          regs[d + 1] = 0;
          continue;
        case 0xa4:
        case 0xac: // xor
          regs[d] = regs[d]! ^ lo;
          regs[d + 1] = 0;
          continue;
        case 0xb4: // mov
          regs[d] = lo;
          regs[d + 1] = 0;
          continue;
        case 0xbc: // mov, movsx
          regs[d] = words[at + 3] === 0 ? lo : extend(lo, words[at + 3]!);
          regs[d + 1] = 0;
          continue;
        case 0xc4:
        case 0xcc: // arsh
          regs[d] = regs[d]! >> (lo & 31);
          regs[d + 1] = 0;
          continue;
        case 0xd4: // le: the host's own order, so only the width counts
          if (lo === 16) regs[d] = regs[d]! & 0xffff;
          if (lo !== 64) regs[d + 1] = 0;
          continue;
        case 0xdc: // be
          swapBytes(regs, d, lo);
          continue;

        // --- jumps on 64 bits
        case 0x05: // goto
        case 0x06: // gotol
          pc = words[at + 3]!;
          continue;
        case 0x15:
        case 0x1d: // ==
          if (regs[d] === lo && regs[d + 1] === hi) pc = words[at + 3]!;
          continue;
        case 0x25:
        case 0x2d: // >
          if (isAbove(regs[d]!, regs[d + 1]!, lo, hi)) pc = words[at + 3]!;
          continue;
        case 0x35:
        case 0x3d: // >=
          if (!isAbove(lo, hi, regs[d]!, regs[d + 1]!)) pc = words[at + 3]!;
          continue;
        case 0x45:
        case 0x4d: // &
          if (((regs[d]! & lo) | (regs[d + 1]! & hi)) !== 0) pc = words[at + 3]!;
          continue;
        case 0x55:
        case 0x5d: // !=
          if (regs[d] !== lo || regs[d + 1] !== hi) pc = words[at + 3]!;
          continue;
        case 0x65:
        case 0x6d: // s>
          if (isGreater(regs[d]!, regs[d + 1]!, lo, hi)) pc = words[at + 3]!;
          continue;
        case 0x75:
        case 0x7d: // s>=
          if (!isGreater(lo, hi, regs[d]!, regs[d + 1]!)) pc = words[at + 3]!;
          continue;
        case 0xa5:
        case 0xad: // <
          if (isAbove(lo, hi, regs[d]!, regs[d + 1]!)) pc = words[at + 3]!;
          continue;
        case 0xb5:
        case 0xbd: // <=
          if (!isAbove(regs[d]!, regs[d + 1]!, lo, hi)) pc = words[at + 3]!;
          continue;
        case 0xc5:
        case 0xcd: // s<
          if (isGreater(lo, hi, regs[d]!, regs[d + 1]!)) pc = words[at + 3]!;
          continue;
        case 0xd5:
        case 0xdd: // s<=
          if (!isGreater(regs[d]!, regs[d + 1]!, lo, hi)) pc = words[at + 3]!;
          continue;
        case 0xe5: {
          // may_goto: out of the loop when this frame has gone round it often enough
          const loops = run.depth * saved.words + saved.loops;
          if (frames[loops] === 0) pc = words[at + 3]!;
          else frames[loops] = frames[loops]! - 1;
          continue;
        }

        // --- jumps on the low halves
        case 0x16:
        case 0x1e: // ==
          if (regs[d] === lo) pc = words[at + 3]!;
          continue;
        case 0x26:
        case 0x2e: // >
          if (regs[d]! >>> 0 > lo >>> 0) pc = words[at + 3]!;
          continue;
        case 0x36:
        case 0x3e: // >=
          if (regs[d]! >>> 0 >= lo >>> 0) pc = words[at + 3]!;
          continue;
        case 0x46:
        case 0x4e: // &
          if ((regs[d]! & lo) !== 0) pc = words[at + 3]!;
          continue;
        case 0x56:
        case 0x5e: // !=
          if (regs[d] !== lo) pc = words[at + 3]!;
          continue;
        case 0x66:
        case 0x6e: // s>
          if (regs[d]! > lo) pc = words[at + 3]!;
          continue;
        case 0x76:
        case 0x7e: // s>=
          if (regs[d]! >= lo) pc = words[at + 3]!;
          continue;
        case 0xa6:
        case 0xae: // <
          if (regs[d]! >>> 0 < lo >>> 0) pc = words[at + 3]!;
          continue;
        case 0xb6:
        case 0xbe: // <=
          if (regs[d]! >>> 0 <= lo >>> 0) pc = words[at + 3]!;
          continue;
        case 0xc6:
        case 0xce: // s<
          if (regs[d]! < lo) pc = words[at + 3]!;
          continue;
        case 0xd6:
        case 0xde: // s<=
          if (regs[d]! <= lo) pc = words[at + 3]!;
          continue;

        // --- loads: dst = *(src + offset)
        case 0x71: {
          const from = readable(pages, lo, hi, words[at + 3]!, 1);
          if (from < 0) {
            if (this.#readsZero(regs, words, at)) continue;
            return this.#badRead(run, left, words, at, 1);
          }
          regs[d] = view.getUint8(from);
          regs[d + 1] = 0;
          continue;
        }
        case 0x69: {
          const from = readable(pages, lo, hi, words[at + 3]!, 2);
          if (from < 0) {
            if (this.#readsZero(regs, words, at)) continue;
            return this.#badRead(run, left, words, at, 2);
          }
          regs[d] = view.getUint16(from, true);
          regs[d + 1] = 0;
          continue;
        }
        case 0x61: {
          const from = readable(pages, lo, hi, words[at + 3]!, 4);
          if (from < 0) {
            if (this.#readsZero(regs, words, at)) continue;
            return this.#badRead(run, left, words, at, 4);
          }
          regs[d] = view.getInt32(from, true);
          regs[d + 1] = 0;
          continue;
        }
        case 0x79: {
          const from = readable(pages, lo, hi, words[at + 3]!, 8);
          if (from < 0) {
            if (this.#readsZero(regs, words, at)) continue;
            return this.#badRead(run, left, words, at, 8);
          }
          regs[d] = view.getInt32(from, true);
          regs[d + 1] = view.getInt32(from + 4, true);
          continue;
        }
        case 0x91: {
          const from = readable(pages, lo, hi, words[at + 3]!, 1);
          if (from < 0) {
            if (this.#readsZero(regs, words, at)) continue;
            return this.#badRead(run, left, words, at, 1);
          }
          regs[d] = view.getInt8(from);
          regs[d + 1] = regs[d]! >> 31;
          continue;
        }
        case 0x89: {
          const from = readable(pages, lo, hi, words[at + 3]!, 2);
          if (from < 0) {
            if (this.#readsZero(regs, words, at)) continue;
            return this.#badRead(run, left, words, at, 2);
          }
          regs[d] = view.getInt16(from, true);
          regs[d + 1] = regs[d]! >> 31;
          continue;
        }
        case 0x81: {
          const from = readable(pages, lo, hi, words[at + 3]!, 4);
          if (from < 0) {
            if (this.#readsZero(regs, words, at)) continue;
            return this.#badRead(run, left, words, at, 4);
          }
          regs[d] = view.getInt32(from, true);
          regs[d + 1] = regs[d]! >> 31;
          continue;
        }
        case 0x18: // 64-bit immediate
          regs[d] = lo;
          regs[d + 1] = hi;
          continue;

        // --- stores: *(dst + offset) = imm, *(dst + offset) = src
        case 0x72:
        case 0x73: {
          const to = writable(pages, regs[d]!, regs[d + 1]!, words[at + 3]!, 1);
          if (to < 0) return this.#badWrite(run, left, words, at, 1);
          view.setInt8(to, lo);
          continue;
        }
        case 0x6a:
        case 0x6b: {
          const to = writable(pages, regs[d]!, regs[d + 1]!, words[at + 3]!, 2);
          if (to < 0) return this.#badWrite(run, left, words, at, 2);
          view.setInt16(to, lo, true);
          continue;
        }
        case 0x62:
        case 0x63: {
          const to = writable(pages, regs[d]!, regs[d + 1]!, words[at + 3]!, 4);
          if (to < 0) return this.#badWrite(run, left, words, at, 4);
          view.setInt32(to, lo, true);
          continue;
        }
        case 0x7a:
        case 0x7b: {
          const to = writable(pages, regs[d]!, regs[d + 1]!, words[at + 3]!, 8);
          if (to < 0) return this.#badWrite(run, left, words, at, 8);
          view.setInt32(to, lo, true);
          view.setInt32(to + 4, hi, true);
          continue;
        }

        // --- atomics, load_acquire, store_release
        case 0xc3:
        case 0xcb:
        case 0xd3:
        case 0xdb:
          if (this.#atomic(run, words, at)) continue;
          run.left = left + 1;
          return false;

        // --- classic packet access
        case 0x20:
        case 0x28:
        case 0x30:
        case 0x40:
        case 0x48:
        case 0x50: {
          const state = this.#loadPacket(run, words, at);
          if (state < 0) return this.#leave(run, left, 'bad-instruction', words[at + 6]!);
          if (state > 0) continue;
          regs[0] = 0;
          regs[1] = 0;
          break;
        }

        // --- calls
        case 0x85: {
          if (s === callKinds.local) {
            if (!program.#push(run, pc)) return this.#leave(run, left, 'call-depth', words[at + 6]!);
            pc = words[at + 3]!;
            continue;
          }
          const helper = program.#calls[words[at + 3]!];
          if (!helper) return this.#leave(run, left, 'unknown-helper', words[at + 6]!, words[at + 4]!);
          run.left = left;
          program.#callHelper(run, helper, words[at + 6]!);
          left = run.left;
          if (run.trapped !== null) return false;
          if (run.next === null) continue;
          program = this.#replaced(run, run.next);
          words = program.#flat.words;
          pc = 0;
          continue;
        }
        case 0x8d: {
          // callx: a function of the program, or a helper by its id
          const target = regs[d]!;
          if (regs[d + 1] === codeHigh) {
            const word = program.#flat.wordOfSlot[target] ?? -1;
            if (word < 0) return this.#leave(run, left, 'bad-instruction', words[at + 6]!);
            if (!program.#push(run, pc)) return this.#leave(run, left, 'call-depth', words[at + 6]!);
            pc = word;
            continue;
          }
          const helper = regs[d + 1] === 0 ? this.#session.host.helper(target) : undefined;
          if (!helper) return this.#leave(run, left, 'unknown-helper', words[at + 6]!, target);
          run.left = left;
          program.#callHelper(run, helper, words[at + 6]!);
          left = run.left;
          if (run.trapped !== null) return false;
          if (run.next === null) continue;
          program = this.#replaced(run, run.next);
          words = program.#flat.words;
          pc = 0;
          continue;
        }
        case 0x95: // exit
          break;

        case 0x100: // sentinels.offTheEnd
          return this.#leave(run, left, 'off-the-end', words[at + 6]!);
        case 0x101: // sentinels.stackOverflow
          return this.#leave(run, left, 'stack-overflow', words[at + 6]!);
        default:
          return this.#leave(run, left, 'bad-instruction', words[at + 6]!);
      }

      // The frame returns.
      if (run.depth === 0) {
        run.left = left;
        return true;
      }
      const base = run.depth * saved.words;
      for (let i = 0; i < 18; i++) regs[2 + i] = frames[base + i]!;
      regs[r10] = frames[base + saved.framePointer]!;
      const returnTo = frames[base + saved.returnTo]!;
      run.depth--;
      if (run.depth < floor) {
        run.left = left;
        return true;
      }
      program = run.callers[run.depth]!;
      words = program.#flat.words;
      pc = returnTo;
    }
  }
}
