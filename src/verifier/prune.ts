import type { Environment } from './environment.ts';
import type { Register } from './register.ts';
import { type Frame, type StackSlot, type State, slotKinds } from './state.ts';
import { tnumHolds } from './tnum.ts';

/**
 * Whether a path may stop because a state that held more was already walked to its end from here. Every number is
 * compared as if it mattered, so a stop is always safe (kernel/bpf/verifier.c: states_equal, regsafe, stacksafe).
 */
class Pairs {
  readonly #ids = new Map<number, number>();

  /** Ids correspond one to one. */
  match(old: number, now: number): boolean {
    if (old === 0) return true;
    if (now === 0) return false;
    const known = this.#ids.get(old);
    if (known !== undefined) return known === now;
    for (const used of this.#ids.values()) if (used === now) return false;
    this.#ids.set(old, now);
    return true;
  }

  same(old: number, now: number): boolean {
    return (old === 0) === (now === 0) && this.match(old, now);
  }
}

export function covers(env: Environment, old: State, now: State, exact: boolean): boolean {
  if (old.frames.length !== now.frames.length || old.references.length !== now.references.length) return false;
  if ((old.lock === undefined) !== (now.lock === undefined)) return false;
  if (old.rcuLocks !== now.rcuLocks || old.preemptLocks !== now.preemptLocks) return false;
  if (old.inSleepable !== now.inSleepable) return false;
  const pairs = new Pairs();
  for (const [index, reference] of old.references.entries()) {
    if (!pairs.same(reference.id, now.references[index]?.id ?? 0)) return false;
  }
  if (old.lock && now.lock && !pairs.same(old.lock.id, now.lock.id)) return false;
  for (const [index, frame] of old.frames.entries()) {
    const other = now.frames[index] as Frame;
    if (frame.callSite !== other.callSite || frame.callbackDepth > other.callbackDepth) return false;
    const at = index === old.frames.length - 1 ? env.slot : (old.frames[index + 1] as Frame).callSite;
    const live = env.liveRegisters[at] as number;
    for (let number = 0; number < 10; number++) {
      if (!exact && ((live >>> number) & 1) === 0) continue;
      if (!registerCovers(frame.register(number), other.register(number), pairs, exact)) return false;
    }
    if (!stackCovers(frame, other, pairs, exact)) return false;
  }
  return true;
}

function registerCovers(old: Register, now: Register, pairs: Pairs, exact: boolean): boolean {
  if (old.kind === 'uninitialised') return exact ? now.kind === 'uninitialised' : true;
  if (old.kind !== now.kind || old.flags !== now.flags) return false;
  if (exact && !old.scalar.equals(now.scalar)) return false;
  if (old.kind === 'scalar') return scalarCovers(old, now) && pairs.match(old.id, now.id);
  if (old.kind === 'stack')
    return old.frame === now.frame && old.offset === now.offset && old.scalar.equals(now.scalar);
  const same =
    old.offset === now.offset &&
    old.shape === now.shape &&
    old.size === now.size &&
    old.btf === now.btf &&
    old.btfId === now.btfId &&
    old.btfName === now.btfName &&
    old.frame === now.frame &&
    old.dynptr === now.dynptr &&
    pairs.match(old.dynptrId, now.dynptrId) &&
    pairs.same(old.id, now.id) &&
    pairs.same(old.referenceId, now.referenceId) &&
    pairs.same(old.mapUid, now.mapUid);
  return same && old.range <= now.range && scalarCovers(old, now);
}

function scalarCovers({ scalar: old }: Register, { scalar: now }: Register): boolean {
  if (old === now) return true;
  return (
    old.umin <= now.umin &&
    old.umax >= now.umax &&
    old.smin <= now.smin &&
    old.smax >= now.smax &&
    old.umin32 <= now.umin32 &&
    old.umax32 >= now.umax32 &&
    old.smin32 <= now.smin32 &&
    old.smax32 >= now.smax32 &&
    tnumHolds(old.bits, now.bits)
  );
}

function stackCovers(old: Frame, now: Frame, pairs: Pairs, exact: boolean): boolean {
  const count = exact ? Math.max(old.slots.length, now.slots.length) : old.slots.length;
  for (let index = 0; index < count; index++) {
    const before = old.slot(index);
    const after = now.slot(index);
    if (before === after) {
      if (!objectCovers(before, after, pairs)) return false;
      if (before.type(7) === slotKinds.spill && !registerCovers(before.register, after.register, pairs, exact))
        return false;
      continue;
    }
    for (let byte = 0; byte < 8; byte++) {
      const was = before.type(byte);
      const is = after.type(byte);
      if (was === is || (!exact && was === slotKinds.invalid)) continue;
      // A byte of which nothing is known covers anything but a part of a pointer.
      const anything = was === slotKinds.misc && (is !== slotKinds.spill || after.register.isScalar);
      if (exact || !anything) return false;
    }
    if (!objectCovers(before, after, pairs)) return false;
    if (before.type(7) !== slotKinds.spill) continue;
    if (after.type(7) !== slotKinds.spill || !registerCovers(before.register, after.register, pairs, exact))
      return false;
  }
  return true;
}

/** Dynptrs and iterators that stand in the same slots are the same in what a program may do with them. */
function objectCovers({ types, register: old }: StackSlot, { register: now }: StackSlot, pairs: Pairs): boolean {
  const kind = types & 15;
  if (kind === slotKinds.dynptr) {
    const sameKind = old.dynptr === now.dynptr && old.isFirstSlot === now.isFirstSlot;
    return sameKind && pairs.same(old.id, now.id) && pairs.same(old.referenceId, now.referenceId);
  }
  if (kind === slotKinds.irq) return pairs.same(old.referenceId, now.referenceId);
  if (kind !== slotKinds.iterator) return true;
  const sameKind = old.iterator?.name === now.iterator?.name && old.iterator?.state === now.iterator?.state;
  return sameKind && pairs.same(old.referenceId, now.referenceId);
}
