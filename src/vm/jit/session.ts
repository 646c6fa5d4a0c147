import type { Host, TrapKind } from '../engine.ts';
import { Session as InterpreterSession } from '../run.ts';
import { type StackAreas, stackAreas } from '../stack-areas.ts';
import { cells } from './module-context.ts';

/**
 * What the compiled programs of one host share: the cells in linear memory, how the run under way went wrong, and
 * what is at work at each level at which runs nest. The cells lie on a page that no program reaches.
 */
export class Session<Program, Instance, Interpreted> {
  readonly host: Host;
  /** Of large programs, which begin in the interpreter. */
  readonly interpreter: InterpreterSession<Interpreted>;
  readonly stacks: StackAreas;
  /** Offset of the cells. */
  readonly cells: number;
  readonly #words: Int32Array;
  readonly #word: number;

  trapped: TrapKind | null = null;
  trapSlot = 0;
  trapLow = 0;
  trapHigh = 0;
  trapSize = 0;
  /** What a helper asked for in place of the program that called it. */
  next: Program | null = null;
  /** Instances under way, innermost last; null for a run in the interpreter. */
  readonly #active: (Instance | null)[] = [];
  /** Instances under way. */
  depth = 0;

  constructor(host: Host) {
    this.host = host;
    this.interpreter = new InterpreterSession<Interpreted>(host);
    this.stacks = stackAreas(host);
    this.cells = this.stacks.cells;
    this.#words = host.memory.i32;
    this.#word = this.cells >>> 2;
  }

  enter(instance: Instance | null): void {
    this.#active[this.depth++] = instance;
  }

  leave(): void {
    this.#active[--this.depth] = null;
  }

  get innermost(): Instance | null {
    return this.#active[this.depth - 1] ?? null;
  }

  /** Whether the innermost run is one in the interpreter. */
  get isInterpreting(): boolean {
    return this.depth > 0 && this.innermost === null;
  }

  trap(kind: TrapKind, slot: number, low = 0): void {
    this.trapped = kind;
    this.trapSlot = slot;
    this.trapLow = low;
  }

  /** A trap leaves compiled code as a RuntimeError; anything else is a fault of the host and goes on. */
  caught(error: unknown): void {
    if (error instanceof WebAssembly.RuntimeError) {
      if (this.trapped === null) this.trap('unmapped-address', this.trapSlot);
      return;
    }
    if (error instanceof RangeError && /call stack/i.test(error.message)) {
      this.trap('call-depth', this.trapSlot);
      return;
    }
    this.trapped = null;
    this.next = null;
    throw error;
  }

  // --- Cells

  /** Instructions left; a number of up to 53 bits, negative once a block was begun that does not fit. */
  get left(): number {
    return this.#words[this.#word + 1]! * 0x1_0000_0000 + (this.#words[this.#word]! >>> 0);
  }

  set left(count: number) {
    this.#words[this.#word] = count | 0;
    this.#words[this.#word + 1] = Math.floor(count / 0x1_0000_0000);
  }

  get frame(): number {
    return this.#cell(cells.frame);
  }

  set frame(offset: number) {
    this.#set(cells.frame, offset);
  }

  get tailCalls(): number {
    return this.#cell(cells.tailCalls);
  }

  set tailCalls(count: number) {
    this.#set(cells.tailCalls, count);
  }

  get done(): number {
    return this.#cell(cells.done);
  }

  set done(count: number) {
    this.#set(cells.done, count);
  }

  /** The registers that a block left when its budget ended, as halves. */
  registers(): Int32Array {
    const from = this.#word + (cells.registers >>> 2);
    return this.#words.subarray(from, from + 22);
  }

  #cell(offset: number): number {
    return this.#words[this.#word + (offset >>> 2)] as number;
  }

  #set(offset: number, value: number): void {
    this.#words[this.#word + (offset >>> 2)] = value;
  }
}
