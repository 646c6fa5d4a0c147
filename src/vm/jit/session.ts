import type { Host, TrapKind } from '../engine.ts';
import { type StackAreas, stackAreas } from '../stack-areas.ts';
import { cells } from './module-context.ts';

/**
 * What the compiled programs of one host share: the cells in linear memory, how the run under way went wrong, and
 * what is at work at each level at which runs nest. The cells lie on a page that no program reaches.
 */
export class Session<Program, Instance> {
  readonly host: Host;
  readonly stacks: StackAreas;
  /** Offset of the cells. */
  readonly cells: number;
  readonly #words: Int32Array;
  readonly #word: number;
  /** Word of the high half of the window's r0. */
  readonly #answer: number;

  trapped: TrapKind | null = null;
  trapSlot = 0;
  trapLow = 0;
  trapHigh = 0;
  trapSize = 0;
  /** What a helper asked for in place of the program that called it. */
  next: Program | null = null;
  /** Instances under way, innermost last. */
  readonly #active: (Instance | null)[] = [];
  /** Instances under way. */
  depth = 0;

  constructor(host: Host) {
    this.host = host;
    this.stacks = stackAreas(host);
    this.cells = this.stacks.cells;
    this.#words = host.memory.i32;
    this.#word = this.cells >>> 2;
    this.#answer = (host.window.offset >>> 2) + 11;
  }

  enter(instance: Instance): void {
    this.#active[this.depth++] = instance;
  }

  leave(): void {
    this.#active[--this.depth] = null;
  }

  get innermost(): Instance | null {
    return this.#active[this.depth - 1] ?? null;
  }

  trap(kind: TrapKind, slot: number, low = 0): void {
    this.trapped = kind;
    this.trapSlot = slot;
    this.trapLow = low;
  }

  /** The high half of r0 after a run. */
  get answerHigh(): number {
    return this.#words[this.#answer] as number;
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
