import type { Executable, TrapKind } from '../engine.ts';

/**
 * What compiled programs of one host share: how the innermost run went wrong, and which program a tail call asked
 * for. Compiled code leaves by `unreachable` once a trap is noted here; `run` turns that into a Trap.
 */
export class Session {
  trapped: TrapKind | null = null;
  trapSlot = 0;
  trapLow = 0;
  trapHigh = 0;
  trapSize = 0;
  tailCalls = 0;
  next: Executable | null = null;
  /** Runs under way: the innermost executable last. */
  readonly active: Executable[] = [];

  trap(kind: TrapKind, slot: number): void {
    this.trapped = kind;
    this.trapSlot = slot;
  }
}
