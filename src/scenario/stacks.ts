/**
 * Kernel stacks as shared arrays: pushing the same frame on the same stack gives the same array, so that whoever
 * resolves stacks resolves each once.
 */
import type { KernelStack } from '../events/index.ts';

export class StackTable {
  readonly #pushed = new WeakMap<KernelStack, Map<string, KernelStack>>();

  /** `frame` called from the innermost frame of `below`. */
  push(below: KernelStack, frame: string): KernelStack {
    let frames = this.#pushed.get(below);
    if (frames === undefined) {
      frames = new Map();
      this.#pushed.set(below, frames);
    }
    let stack = frames.get(frame);
    if (stack === undefined) {
      stack = [frame, ...below];
      frames.set(frame, stack);
    }
    return stack;
  }
}

/** A plausible return address in `caller` after its call of `callee`: the same for the same pair. */
export function callSite(caller: string, callee: string): string {
  if (caller.includes('+0x')) return caller;
  let hash = 0x811c9dc5;
  for (const name of [caller, ' ', callee]) {
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  }
  return `${caller}+0x${(0x11 + ((hash >>> 8) % 0x2e0)).toString(16)}`;
}
