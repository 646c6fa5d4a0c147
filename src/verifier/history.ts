/**
 * How a path came to its present instruction, as far as straight lines do not tell: jumps, accesses to the stack that
 * move registers, and registers that changed together. Entries are chained from the newest to the oldest, so that a
 * state that branches off shares what lies before (kernel/bpf/verifier.c: push_jmp_history).
 */

/** A register or a stack slot of a frame. */
export interface Place {
  readonly frame: number;
  readonly isRegister: boolean;
  /** Number of the register, or index of the slot. */
  readonly index: number;
}

export interface HistoryEntry {
  readonly slot: number;
  readonly previous: number;
  /** The frame's slot that a register was spilled to or filled from. */
  stack: { readonly frame: number; readonly index: number } | undefined;
  /** A compared side that points to the stack, and is no number to be tracked. */
  sourceIsStack: boolean;
  targetIsStack: boolean;
  /** Numbers that a comparison changed together. */
  linked: readonly Place[] | undefined;
  readonly before: HistoryEntry | undefined;
  readonly count: number;
}

export function entryAfter(before: HistoryEntry | undefined, slot: number, previous: number): HistoryEntry {
  return {
    slot,
    previous,
    stack: undefined,
    sourceIsStack: false,
    targetIsStack: false,
    linked: undefined,
    before,
    count: (before?.count ?? 0) + 1,
  };
}
