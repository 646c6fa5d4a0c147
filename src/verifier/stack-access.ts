import { truncate } from './arithmetic.ts';
import { destroyDynptr } from './dynptr.ts';
import type { Environment } from './environment.ts';
import { markPrecise } from './precision.ts';
import { type Register, scalarRegister, uninitialised, unknownScalar, zeroRegister } from './register.ts';
import { unsignedOf } from './scalar.ts';
import { type Frame, isSpill, StackSlot, sameTypes, slotKinds, withType } from './state.ts';
import { nameScalar } from './transfer.ts';

/**
 * Loads from and stores to a frame's stack: registers spilled whole or in part, zeros, and bytes of which nothing is
 * known (kernel/bpf/verifier.c: check_stack_write_fixed_off, check_stack_read_fixed_off and their variable forms).
 */
const { spill, misc, zero, invalid } = slotKinds;

function position(offset: number): { index: number; byte: number } {
  const at = -offset - 1;
  return { index: at >> 3, byte: at & 7 };
}

export function writeFixed(
  env: Environment,
  frame: Frame,
  offset: number,
  size: number,
  value: Register | undefined,
): void {
  frame.grow(offset);
  const { index, byte } = position(offset);
  env.scratchSlot(index);
  destroyDynptr(env, frame, index);
  const last = position(offset + size - 1).index;
  if (last !== index) destroyDynptr(env, frame, last);
  if (size === 8) env.liveness.write(frame.number, index);
  if (value?.isScalar && offset % 8 === 0) {
    spillScalar(env, frame, index, size, value);
    return;
  }
  if (value?.isPointer) {
    if (size !== 8) env.fail('EACCES', 'invalid size of register spill');
    if (frame !== env.state.frame && value.kind === 'stack') {
      env.fail('EINVAL', 'cannot spill pointers to stack into stack frame of the caller');
    }
    frame.slots[index] = new StackSlot(sameTypes(spill), value);
    env.history().stack = { frame: frame.number, index };
    return;
  }
  const before = frame.slot(index);
  let types = isSpecial(before) ? scrubbed(before) : before.types;
  // A zero that is no spill is not followed back: the number must be zero for what comes later.
  if (value?.isNull) markStored(env);
  for (let each = 0; each < size; each++) types = withType(types, byte - each, value?.isNull ? zero : misc);
  frame.slots[index] = new StackSlot(types, uninitialised);
}

function spillScalar(env: Environment, frame: Frame, index: number, size: number, value: Register): void {
  const fits = size === 8 || value.scalar.umaxNumber < 2 ** (size * 8);
  let stored = value;
  if (fits) {
    stored = nameScalar(env, value);
    const source = storedRegister(env);
    if (stored !== value && source >= 0) env.state.frame.registers[source] = stored;
  } else if (value.id !== 0) {
    stored = value.draft();
    stored.id = 0;
    stored.added = 0;
    stored.offset = 0;
  }
  let { types } = frame.slot(index);
  for (let each = 0; each < 8; each++) {
    const kind = (types >>> (each * 4)) & 15;
    if (each >= 8 - size) types = withType(types, each, spill);
    else if (kind !== zero && kind !== invalid) types = withType(types, each, misc);
  }
  frame.slots[index] = new StackSlot(types, stored);
  env.history().stack = { frame: frame.number, index };
}

/** The register that the present instruction stores; -1 when it stores a number. */
function storedRegister(env: Environment): number {
  const { slots, slot } = env;
  return ((slots.opcode[slot] as number) & 7) === 3 ? (slots.src[slot] as number) : -1;
}

function markStored(env: Environment): void {
  const register = storedRegister(env);
  if (register >= 0) markPrecise(env, register);
}

/** Holds something whole, which a write in part destroys. */
function isSpecial(slot: StackSlot): boolean {
  const kind = slot.type(7);
  return kind !== invalid && kind !== misc && kind !== zero;
}

/** What is overwritten in part leaves bytes of which nothing is known. */
function scrubbed(slot: StackSlot): number {
  let { types } = slot;
  for (let byte = 0; byte < 8; byte++) if (slot.type(byte) !== invalid) types = withType(types, byte, misc);
  return types;
}

export function writeVariable(
  env: Environment,
  frame: Frame,
  min: number,
  max: number,
  value: Register | undefined,
): void {
  frame.grow(min);
  for (let offset = min; offset < max; offset++) destroyDynptr(env, frame, position(offset).index);
  let keepsZero = false;
  for (let offset = min; offset < max; offset++) {
    const { index, byte } = position(offset);
    const slot = frame.slot(index);
    env.scratchSlot(index);
    const kind = slot.type(byte);
    if (value?.isNull && kind === spill && slot.register.isNull) {
      keepsZero = true;
      continue;
    }
    const stays = value?.isNull === true && kind === zero;
    if (stays) keepsZero = true;
    const types = isSpecial(slot) ? scrubbed(slot) : slot.types;
    frame.slots[index] = new StackSlot(withType(types, byte, stays ? zero : misc), uninitialised);
  }
  if (keepsZero) markStored(env);
}

export function readFixed(env: Environment, frame: Frame, offset: number, size: number): Register {
  const { index, byte } = position(offset);
  const slot = frame.slot(index);
  env.scratchSlot(index);
  env.liveness.read(frame.number, index);
  if (!isSpill(slot)) return bytesRead(env, frame, offset, size);
  const spilled = spilledBytes(slot);
  if (size === 8 && spilled === 8) {
    env.history().stack = { frame: frame.number, index };
    return nameSpilled(env, frame, index);
  }
  if (!slot.register.isScalar) env.fail('EACCES', 'invalid size of register fill');
  if (size > spilled || offset % 8 !== 0) return partRead(env, frame, offset, size, slot, byte);
  env.history().stack = { frame: frame.number, index };
  const fits = size === 8 || slot.register.scalar.umaxNumber < 2 ** (size * 8);
  const named = size === 4 && spilled === 4 && fits ? nameSpilled(env, frame, index) : slot.register;
  const filled = named.draft();
  filled.scalar = truncate(named.scalar, size);
  if (!fits) {
    filled.id = 0;
    filled.added = 0;
    filled.offset = 0;
  }
  return filled;
}

/** A number that is filled again is the same value as the one that stays spilled. */
function nameSpilled(env: Environment, frame: Frame, index: number): Register {
  const slot = frame.slot(index);
  const named = nameScalar(env, slot.register);
  if (named !== slot.register) frame.slots[index] = new StackSlot(slot.types, named);
  return named;
}

/** Bytes of a spilled number, and others, that are not its low end. */
function partRead(
  env: Environment,
  frame: Frame,
  offset: number,
  size: number,
  slot: StackSlot,
  byte: number,
): Register {
  let zeros = 0;
  let spills = 0;
  for (let each = 0; each < size; each++) {
    const kind = slot.type(byte - each);
    if (kind === spill) spills++;
    else if (kind === zero) zeros++;
    else if (kind !== misc && kind !== invalid)
      env.fail('EACCES', `invalid read from stack off ${offset}+${each} size ${size}`);
  }
  if (spills === size && slot.register.isNull) {
    env.history().stack = { frame: frame.number, index: position(offset).index };
    return zeroRegister;
  }
  if (zeros === size) return zeroRegister;
  return size === 8 ? unknownScalar : scalarRegister(unsignedOf(size as 1 | 2 | 4));
}

function spilledBytes(slot: StackSlot): number {
  let bytes = 0;
  while (bytes < 8 && slot.type(7 - bytes) === spill) bytes++;
  return bytes;
}

function bytesRead(env: Environment, frame: Frame, offset: number, size: number): Register {
  let zeros = 0;
  for (let each = 0; each < size; each++) {
    const { index, byte } = position(offset + each);
    const slot = frame.slot(index);
    const kind = slot.type(byte);
    if (kind === zero) zeros++;
    else if (kind !== misc && kind !== invalid)
      env.fail('EACCES', `invalid read from stack off ${offset}+${each} size ${size}`);
  }
  if (zeros === size) return zeroRegister;
  return size === 8 ? unknownScalar : scalarRegister(unsignedOf(size as 1 | 2 | 4));
}

export function readVariable(env: Environment, frame: Frame, min: number, max: number, size: number): Register {
  markRead(env, frame, min, max);
  for (let offset = min; offset < max; offset++) {
    const { index, byte } = position(offset);
    const slot = frame.slot(index);
    env.scratchSlot(index);
    if (slot.type(byte) !== zero) {
      return size === 8 ? unknownScalar : scalarRegister(unsignedOf(size as 1 | 2 | 4));
    }
  }
  return zeroRegister;
}

/** A slot of which a byte may have been written with anything. */
export function blurred(frame: Frame, offset: number): StackSlot {
  const { index, byte } = position(offset);
  const slot = frame.slot(index);
  if (isSpecial(slot)) return new StackSlot(scrubbed(slot), uninitialised);
  return slot.type(byte) === misc ? slot : new StackSlot(withType(slot.types, byte, misc), uninitialised);
}

/** Whoever reads a byte reads its slot. */
export function markRead(env: Environment, frame: Frame, min: number, max: number): void {
  for (let index = -max >> 3; index <= (-min - 1) >> 3; index++) env.liveness.read(frame.number, index);
}
