import type { KernelStack } from '../../events/index.ts';
import type { Memory } from '../../memory/index.ts';
import { codeHigh, type SymbolTable } from './symbols.ts';

/** sysctl kernel.perf_event_max_stack */
export const mostFrames = 127;

/**
 * Kernel stacks as addresses. A stack is resolved once for each array that events share; the frames of the event
 * under way are written to memory when a helper asks for them.
 *
 * As the kernel unwinds: a kprobe's stack begins with the address of the probe, a kretprobe's with the caller, since
 * the function has left the stack, a tracepoint's inside the function that it lies in.
 */
export class Stacks {
  readonly #memory: Memory;
  readonly #symbols: SymbolTable;
  readonly #resolved = new WeakMap<KernelStack, Int32Array>();
  /** Offset of u64 addresses, innermost first, as `write` left them. */
  readonly frames: number;
  #last: KernelStack | null = null;
  #lastFrames: Int32Array = new Int32Array(0);

  constructor(memory: Memory, symbols: SymbolTable) {
    this.#memory = memory;
    this.#symbols = symbols;
    this.frames = memory.allocate(mostFrames * 8);
  }

  /** The low halves of a stack's addresses, innermost first. @throws InputError for a frame that is no symbol */
  resolve(stack: KernelStack): Int32Array {
    if (stack === this.#last) return this.#lastFrames;
    let frames = this.#resolved.get(stack);
    if (frames === undefined) {
      frames = Int32Array.from(stack, (frame) => this.#symbols.locate(frame));
      this.#resolved.set(stack, frames);
    }
    this.#last = stack;
    this.#lastFrames = frames;
    return frames;
  }

  /**
   * Writes a stack to `frames`, at most `most` of it.
   * @param first the low half of an address that stands before it, or 0 for none
   * @param skip frames of the stack that are left out, from the innermost
   * @returns how many frames were written
   */
  write(stack: KernelStack, first: number, skip: number, most: number): number {
    const lows = this.resolve(stack);
    const words = this.#memory.i32;
    const limit = Math.min(most, mostFrames);
    let at = this.frames >>> 2;
    let count = 0;
    if (first !== 0 && limit > 0) {
      words[at++] = first;
      words[at++] = codeHigh | 0;
      count = 1;
    }
    for (let index = skip; index < lows.length && count < limit; index++, count++) {
      words[at++] = lows[index] as number;
      words[at++] = codeHigh | 0;
    }
    return count;
  }
}
