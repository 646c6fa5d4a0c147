import type { Environment } from './environment.ts';
import { type Register, unknownScalar } from './register.ts';
import { isSpill, StackSlot, type State, slotKinds } from './state.ts';

/**
 * Numbers on which nothing depends so far are forgotten from one round of a callback or iterator to the next, so that
 * a loop with a counter comes to rest (kernel/bpf/verifier.c: widen_imprecise_scalars, find_prev_entry).
 */
export function widenSince(env: Environment, slot: number): void {
  widenFrom(env, env.state, slot, 0);
}

/** Widens a state by the last one of this path that was stored at a slot, or by one of those before it. */
export function widenFrom(env: Environment, state: State, slot: number, skipped: number): void {
  const entries = (env.explored.get(slot) ?? []).filter(
    ({ state: old }) =>
      old.branches > 0 &&
      old.frames.length === state.frames.length &&
      old.frames.every((frame, index) => frame.callSite === state.frames[index]?.callSite),
  );
  const before = entries.at(-1 - skipped)?.state;
  if (before) widen(before, state);
}

function widen(before: State, now: State): void {
  for (const [index, frame] of now.frames.entries()) {
    const old = before.frames[index];
    if (!old) return;
    for (let number = 0; number < 10; number++)
      frame.registers[number] = widened(old.register(number), frame.register(number));
    for (let each = 0; each < frame.slots.length; each++) {
      const slot = frame.slot(each);
      const was = old.slot(each);
      if (!isSpill(slot) || !isSpill(was) || slot.type(0) !== slotKinds.spill) continue;
      const after = widened(was.register, slot.register);
      if (after !== slot.register) frame.slots[each] = new StackSlot(slot.types, after);
    }
  }
}

function widened(before: Register, now: Register): Register {
  if (!before.isScalar || !now.isScalar) return now;
  if (before.precise || now.precise || before.scalar.equals(now.scalar)) return now;
  return unknownScalar;
}
