import type { Environment } from './environment.ts';
import { sameRegister } from './prune.ts';
import { type Register, unknownScalar } from './register.ts';
import { type Frame, isSpill, StackSlot, type State } from './state.ts';

/**
 * Numbers on which nothing depends so far are forgotten from one round of a loop of unknown length to the next, so that
 * a loop with a counter comes to rest (kernel/bpf/verifier.c: widen_imprecise_scalars, find_prev_entry).
 */

/** Back at the call of a callback: widens the present state by the round before. */
export function widenSince(env: Environment, slot: number): void {
  const before = env.visited.lastRound(env.state, slot);
  if (before) widen(before, env.state);
}

/** Widens a state that was put aside by the round before the present. */
export function widenFrom(env: Environment, state: State, slot: number): void {
  const before = env.state.parent && env.visited.lastRound(env.state.parent, slot);
  if (before) widen(before, state);
}

function widen(old: State, now: State): void {
  const pairs = new Map<number, number>();
  for (const [number, frame] of now.frames.entries()) {
    const other = old.frames[number] as Frame;
    for (let register = 0; register < 10; register++) {
      frame.registers[register] = widened(pairs, other.register(register), frame.register(register));
    }
    for (const [index, slot] of frame.slots.entries()) {
      const before = other.slot(index);
      if (!isSpill(slot) || !isSpill(before)) continue;
      const after = widened(pairs, before.register, slot.register);
      if (after !== slot.register) frame.slots[index] = new StackSlot(slot.types, after);
    }
  }
}

function widened(pairs: Map<number, number>, before: Register, now: Register): Register {
  if (!before.isScalar || !now.isScalar || before.precise || now.precise) return now;
  const isSame = sameRegister(before, now) && before.added === now.added && matches(pairs, before.id, now.id);
  return isSame ? now : unknownScalar;
}

/** Whether two ids may stand for each other. */
function matches(pairs: Map<number, number>, old: number, now: number): boolean {
  if (old === 0 || now === 0) return old === now;
  const known = pairs.get(old);
  if (known === undefined) pairs.set(old, now);
  return known === undefined || known === now;
}
