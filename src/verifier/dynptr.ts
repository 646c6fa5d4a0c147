import type { Environment } from './environment.ts';
import { release } from './references.ts';
import { type DynptrKind, flag, pointer, type Register, uninitialised, unknownScalar } from './register.ts';
import { type Frame, StackSlot, sameTypes, slotKinds } from './state.ts';

/**
 * Dynamic pointers: 16 bytes of stack, two slots marked as one, that only helpers read and write. The upper slot is
 * the first. Slices of one bear its id, and end with it (kernel/bpf/verifier.c: process_dynptr_func and around it).
 */
export interface DynptrUse {
  /** What is made there, when the argument is to be filled. */
  readonly fresh?: DynptrKind | undefined;
  /** The kind that it must be; any when absent. */
  readonly wanted?: DynptrKind | undefined;
  /** The call only reads it. */
  readonly readOnly: boolean;
  /** The reference of the dynptr that is cloned. */
  readonly reference: number;
}

export function checkDynptrArgument(env: Environment, number: number, use: DynptrUse): void {
  const register = env.register(number);
  if (register.kind !== 'stack' && register.kind !== 'dynptr')
    env.fail('EINVAL', `arg#${number - 1} expected pointer to stack or const struct bpf_dynptr`);
  if (use.fresh !== undefined) {
    makeDynptr(env, register, use.fresh, use.reference);
    return;
  }
  if (register.kind === 'dynptr' && !use.readOnly)
    env.fail('EINVAL', 'cannot pass pointer to const bpf_dynptr, the helper mutates it');
  const held = heldDynptr(env, register);
  if (!held) env.fail('EINVAL', `Expected an initialized dynptr as arg #${number - 1}`);
  if (use.wanted && held.dynptr !== use.wanted)
    env.fail('EINVAL', `Expected a dynptr of type ${use.wanted} as arg #${number - 1}`);
}

/** The index of the upper slot that a stack pointer names, for an object of so many slots; -1 and a word where none fits. */
export function objectSlot(env: Environment, register: Register, what: string, count: number): number {
  if (!register.scalar.isConst) {
    env.say(`${what} has to be at a constant offset`);
    return -1;
  }
  const offset = register.offset + Number(register.constant);
  const index = (-offset - 1) >> 3;
  if (offset % 8 === 0 && index + 1 >= count) return index;
  env.say(`cannot pass in ${what} at an offset=${offset}`);
  return -1;
}

/** What is known of the dynptr that a register leads to; undefined when there is none. */
export function heldDynptr(env: Environment, register: Register): Register | undefined {
  if (register.kind === 'dynptr') return register;
  const index = objectSlot(env, register, 'dynptr', 2);
  if (index < 0) return undefined;
  const frame = env.state.frames[register.frame];
  const upper = frame?.slot(index);
  const lower = frame?.slot(index - 1);
  const whole = sameTypes(slotKinds.dynptr);
  const isWhole = upper?.types === whole && lower?.types === whole && upper.register.isFirstSlot;
  return isWhole ? upper.register : undefined;
}

function makeDynptr(env: Environment, register: Register, kind: DynptrKind, cloned: number): void {
  const index = register.kind === 'dynptr' ? -1 : objectSlot(env, register, 'dynptr', 2);
  if (index < 0) env.fail('EINVAL', 'Dynptr has to be an uninitialized dynptr');
  const frame = env.growTo(register.frame, register.offset + Number(register.constant));
  if (!frame) return;
  destroyDynptr(env, frame, index);
  destroyDynptr(env, frame, index - 1);
  const upper = pointer('dynptr');
  upper.dynptr = kind;
  upper.isFirstSlot = true;
  upper.id = env.freshId();
  if (isCounted(kind)) upper.referenceId = cloned || env.acquire();
  const lower = upper.draft();
  lower.isFirstSlot = false;
  setSlot(env, frame, index, upper);
  setSlot(env, frame, index - 1, lower);
}

function setSlot(env: Environment, frame: Frame, index: number, register: Register): void {
  frame.slots[index] = new StackSlot(sameTypes(slotKinds.dynptr), register);
  env.scratchSlot(index);
}

/** Whether somebody must hand it back. */
function isCounted(kind: DynptrKind | undefined): boolean {
  return kind === 'ringbuf';
}

/** A store to one of a dynptr's slots ends it, unless it must be handed back (destroy_if_dynptr_stack_slot). */
export function destroyDynptr(env: Environment, frame: Frame, index: number): void {
  const slot = frame.slot(index);
  if (slot.type(0) !== slotKinds.dynptr) return;
  if (isCounted(slot.register.dynptr)) env.fail('EINVAL', 'cannot overwrite referenced dynptr');
  forgetDynptr(env, frame, slot.register.isFirstSlot ? index : index + 1);
}

/** Frees both slots; slices of the dynptr are numbers from here on. */
function forgetDynptr(env: Environment, frame: Frame, first: number): void {
  const { id } = frame.slot(first).register;
  for (const index of [first, first - 1]) {
    frame.slots[index] = new StackSlot(sameTypes(slotKinds.invalid), uninitialised);
    env.scratchSlot(index);
  }
  env.state.mapRegisters((register) =>
    register.kind === 'memory' && register.dynptrId === id && id !== 0 ? unknownScalar : register,
  );
}

/** Hands a dynptr back: its clones and slices end too (unmark_stack_slots_dynptr). */
export function releaseDynptr(env: Environment, register: Register): void {
  const index = objectSlot(env, register, 'dynptr', 2);
  const frame = env.state.frames[register.frame] as Frame;
  const held = frame.slot(index).register;
  if (!isCounted(held.dynptr)) {
    forgetDynptr(env, frame, index);
    return;
  }
  release(env, held.referenceId);
  for (const [each, slot] of [...frame.slots.entries()]) {
    const isClone = slot.type(0) === slotKinds.dynptr && slot.register.referenceId === held.referenceId;
    if (isClone && slot.register.isFirstSlot) forgetDynptr(env, frame, each);
  }
}

/** Memory that a dynptr hands out bears its id. */
export function sliceOf(held: Register | undefined, size: number, flags: number): Register {
  const slice = pointer('memory', flags);
  slice.size = size;
  slice.dynptrId = held?.id ?? 0;
  slice.referenceId = held?.referenceId ?? 0;
  return slice;
}

/** Slices of a packet end where the packet may have moved. */
export function isPacketSlice(register: Register): boolean {
  return register.kind === 'memory' && (register.flags & (flag.dynptrSkb | flag.dynptrXdp | flag.dynptrSkbMeta)) !== 0;
}
