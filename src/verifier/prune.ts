import type { Environment } from './environment.ts';
import { type Register, unknownScalar } from './register.ts';
import { type Frame, type StackSlot, type State, slotKinds } from './state.ts';

/**
 * Whether a path may stop because a state that held more was already walked to its end from here
 * (kernel/bpf/verifier.c: states_equal, regsafe, stacksafe). What is dead is not compared.
 */

/**
 * `precise`: numbers only where they matter behind the old state. `within`: all numbers, since it is not known yet
 * which matter. `same`: nothing may differ. `values`: whatever the present state may hold, the old one may hold.
 */
export type Exactness = 'precise' | 'within' | 'same' | 'values';

/** Ids of two states that stand for each other, one to one. */
export class Pairs {
  readonly #old: number[] = [];
  readonly #now: number[] = [];
  #count = 0;
  #next = 0;

  /** Forgets all. `next`: no id that is in use is higher. */
  reset(next: number): this {
    this.#count = 0;
    this.#next = next;
    return this;
  }

  same(old: number, now: number): boolean {
    if ((old === 0) !== (now === 0)) return false;
    if (old === 0) return true;
    for (let index = 0; index < this.#count; index++) {
      if (this.#old[index] === old) return this.#now[index] === now;
      if (this.#now[index] === now) return false;
    }
    this.#old[this.#count] = old;
    this.#now[this.#count++] = now;
    return true;
  }

  /** A number without an id is like none other. */
  sameScalars(old: Register, now: Register): boolean {
    return this.same(scalarId(old) || ++this.#next, scalarId(now) || ++this.#next);
  }
}

/** A distance from the group makes it another id. */
function scalarId(register: Register): number {
  return register.added === 0 ? register.id : register.id + (register.added === 64 ? 0x8000_0000 : 0x4000_0000);
}

export function covers(env: Environment, old: State, now: State, exact: Exactness): boolean {
  if (old.frames.length !== now.frames.length || old.references.length !== now.references.length) return false;
  if ((old.lock === undefined) !== (now.lock === undefined)) return false;
  if (old.rcuLocks !== now.rcuLocks || old.preemptLocks !== now.preemptLocks) return false;
  if (old.inSleepable !== now.inSleepable) return false;
  const pairs = env.pairs.reset(env.nextId);
  for (let index = 0; index < old.references.length; index++) {
    if (!pairs.same(old.references[index]?.id ?? 0, now.references[index]?.id ?? 0)) return false;
  }
  if (old.lock && now.lock && !pairs.same(old.lock.id, now.lock.id)) return false;
  for (let index = 0; index < old.frames.length; index++) {
    const frame = old.frames[index] as Frame;
    const other = now.frames[index] as Frame;
    if (frame.callSite !== other.callSite || frame.callbackDepth > other.callbackDepth) return false;
    const live = env.liveRegisters[old.slotOf(index)] as number;
    for (let number = 0; number < 11; number++) {
      if (((live >>> number) & 1) === 0) continue;
      if (!registerCovers(frame.register(number), other.register(number), pairs, exact)) return false;
    }
    if (!stackCovers(frame, other, pairs, exact)) return false;
  }
  return true;
}

/** All that a state holds of a register, without ids, is the same (offsetof(struct bpf_reg_state, id)). */
export function sameRegister(old: Register, now: Register): boolean {
  return (
    old === now ||
    (old.kind === now.kind &&
      old.flags === now.flags &&
      old.offset === now.offset &&
      old.range === now.range &&
      old.shape === now.shape &&
      old.mapUid === now.mapUid &&
      old.size === now.size &&
      old.btf === now.btf &&
      old.btfId === now.btfId &&
      old.btfName === now.btfName &&
      old.frame === now.frame &&
      old.dynptr === now.dynptr &&
      old.isFirstSlot === now.isFirstSlot &&
      old.scalar.equals(now.scalar))
  );
}

function exactlyCovers(old: Register, now: Register, pairs: Pairs): boolean {
  return (
    sameRegister(old, now) && pairs.same(scalarId(old), scalarId(now)) && pairs.same(old.referenceId, now.referenceId)
  );
}

function registerCovers(old: Register, now: Register, pairs: Pairs, exact: Exactness): boolean {
  if (exact === 'same') return exactlyCovers(old, now, pairs);
  if (old.kind === 'uninitialised') return true;
  if (old.kind !== now.kind || old.flags !== now.flags) return false;
  switch (old.kind) {
    case 'scalar':
      if (!old.precise && exact === 'precise') return true;
      if (exact === 'values')
        return old.scalar.holds(now.scalar) && (old.id === 0 || pairs.same(scalarId(old), scalarId(now)));
      if (old.added !== now.added || (old.added && old.offset !== now.offset)) return false;
      return old.scalar.holds(now.scalar) && pairs.sameScalars(old, now);
    case 'mapKey':
    case 'mapValue':
    case 'memory':
    case 'buffer':
    case 'traceBuffer':
      return (
        old.offset === now.offset &&
        old.shape === now.shape &&
        old.mapUid === now.mapUid &&
        old.size === now.size &&
        old.scalar.holds(now.scalar) &&
        pairs.same(old.id, now.id) &&
        pairs.same(old.referenceId, now.referenceId)
      );
    case 'packet':
    case 'packetMeta':
      if (old.range < 0 || now.range < 0 ? old.range !== now.range : old.range > now.range) return false;
      return old.offset === now.offset && pairs.same(old.id, now.id) && old.scalar.holds(now.scalar);
    case 'stack':
      return exactlyCovers(old, now, pairs) && old.frame === now.frame;
    case 'arena':
      return true;
    default:
      return exactlyCovers(old, now, pairs);
  }
}

const { invalid, spill, misc, zero } = slotKinds;

function stackCovers(old: Frame, now: Frame, pairs: Pairs, exact: Exactness): boolean {
  for (let index = 0; index < old.slots.length; index++) {
    const before = old.slot(index);
    const after = now.slot(index);
    if (exact === 'same' && (index >= now.slots.length || before.types !== after.types)) return false;
    if (!slotCovers(before, after, index < now.slots.length, pairs, exact)) return false;
  }
  return true;
}

function slotCovers(before: StackSlot, after: StackSlot, exists: boolean, pairs: Pairs, exact: Exactness): boolean {
  if (before.types === 0) return true;
  for (let byte = 0; byte < 8; byte++) {
    const was = before.type(byte);
    // Bytes of which nothing is known, or that were never read.
    if (was === invalid || was === misc) continue;
    if (!exists) return false;
    const old = asScalar(before);
    const now = old && asScalar(after);
    if (old && now) return registerCovers(old, now, pairs, exact);
    if (was !== after.type(byte)) return false;
  }
  // Bytes that are not compared end the comparison before its last step.
  const last = before.type(7);
  if (last === invalid || last === misc || last === zero) return true;
  if (last === spill) return registerCovers(before.register, after.register, pairs, exact);
  return objectCovers(before, after, pairs);
}

/** A whole slot as a number: one that was spilled, or any. */
export function asScalar(slot: StackSlot): Register | undefined {
  if (slot.type(0) === spill) return slot.register.isScalar ? slot.register : undefined;
  for (let byte = 0; byte < 8; byte++) {
    const kind = slot.type(byte);
    if (kind !== misc && kind !== invalid) return undefined;
  }
  return unknownScalar;
}

/** Cheap test that a path may have come round to where it was (states_maybe_looping). */
export function mayLoop(old: State, now: State): boolean {
  if (old.frames.length !== now.frames.length) return false;
  const before = old.frame;
  const after = now.frame;
  for (let number = 0; number < 11; number++) {
    const a = before.register(number);
    const b = after.register(number);
    if (a === b) continue;
    if (!sameRegister(a, b) || scalarId(a) !== scalarId(b) || a.referenceId !== b.referenceId) return false;
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
