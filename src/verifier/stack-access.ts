import { truncate } from './arithmetic.ts';
import { destroyDynptr } from './dynptr.ts';
import type { Environment } from './environment.ts';
import { type Register, scalarRegister, uninitialised, unknownScalar, zeroRegister } from './register.ts';
import { unsignedOf } from './scalar.ts';
import { type Frame, isSpill, isWholeSpill, StackSlot, sameTypes, slotKinds, withType } from './state.ts';

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
  const before = frame.slot(index);
  const spillable = value !== undefined && offset % 8 === 0 && (size === 8 || value.isScalar);
  if (value?.isPointer && frame !== env.state.frame && value.kind === 'stack') {
    env.fail('EINVAL', 'cannot spill pointers to stack into stack frame of the caller');
  }
  if (value?.isPointer && size !== 8) env.fail('EACCES', 'invalid size of register spill');
  if (spillable && value.isScalar) {
    let stored = value;
    if (size < 8 && value.scalar.umax >= 1n << BigInt(size * 8)) stored = scalarRegister(truncate(value.scalar, size));
    let types = isSpill(before) || before.type(0) === spill ? scrubbed(before) : before.types;
    for (let each = 0; each < size; each++) types = withType(types, byte - each, spill);
    frame.slots[index] = new StackSlot(types, stored);
    return;
  }
  if (value?.isPointer) {
    if (offset % 8 !== 0) env.fail('EACCES', 'misaligned stack spill');
    frame.slots[index] = new StackSlot(sameTypes(spill), value);
    return;
  }
  const kind = value?.isNull ? zero : misc;
  for (let each = 0; each < size; each++) {
    const { index: at, byte: of } = position(offset + each);
    const slot = frame.slot(at);
    const types = slot.type(7) === spill ? scrubbed(slot) : slot.types;
    frame.slots[at] = new StackSlot(withType(types, of, kind), uninitialised);
    env.scratchSlot(at);
  }
}

/** A spill that is overwritten in part leaves bytes of which nothing is known. */
function scrubbed(slot: StackSlot): number {
  let types = slot.types;
  for (let byte = 0; byte < 8; byte++) if (slot.type(byte) === spill) types = withType(types, byte, misc);
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
  for (let offset = min; offset < max; offset++) {
    const { index, byte } = position(offset);
    const slot = frame.slot(index);
    if (isSpill(slot) && slot.register.isPointer) {
      frame.slots[index] = new StackSlot(sameTypes(misc), uninitialised);
    } else {
      const keepsZero = value?.isNull === true && slot.type(byte) === zero;
      const types = isSpill(slot) ? scrubbed(slot) : slot.types;
      frame.slots[index] = new StackSlot(keepsZero ? types : withType(types, byte, misc), uninitialised);
    }
    env.scratchSlot(index);
  }
}

export function readFixed(env: Environment, frame: Frame, offset: number, size: number): Register {
  const { index, byte } = position(offset);
  const slot = frame.slot(index);
  env.scratchSlot(index);
  if (isSpill(slot) && offset % 8 === 0 && byte === 7) {
    const { register } = slot;
    const spilled = spilledBytes(slot);
    if (isWholeSpill(slot) && size === 8) return linked(env, frame, index, slot);
    if (register.isScalar && size <= spilled) {
      return scalarRegister(truncate(register.scalar, size));
    }
    if (register.isPointer) env.fail('EACCES', 'invalid size of register fill');
  } else if (isSpill(slot) && slot.register.isPointer) {
    env.fail('EACCES', 'corrupted spill memory');
  }
  return bytesRead(env, frame, offset, size);
}

/** A scalar that is filled again is the same value as the one that stays spilled. */
function linked(env: Environment, frame: Frame, index: number, slot: StackSlot): Register {
  const { register } = slot;
  if (!register.isScalar || register.isConst || register.id !== 0) return register;
  const named = register.draft();
  named.id = env.freshId();
  frame.slots[index] = new StackSlot(slot.types, named);
  return named;
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
    if (kind === zero || (kind === spill && slot.register.isNull)) zeros++;
    if (kind > zero && kind !== invalid)
      env.fail('EACCES', `invalid read from stack off ${offset}+${each} size ${size}`);
  }
  if (zeros === size) return zeroRegister;
  return size === 8 ? unknownScalar : scalarRegister(unsignedOf(size as 1 | 2 | 4));
}

export function readVariable(frame: Frame, min: number, max: number, size: number): Register {
  for (let offset = min; offset < max; offset++) {
    const { index, byte } = position(offset);
    const slot = frame.slot(index);
    if (slot.type(byte) !== zero && !(slot.type(byte) === spill && slot.register.isNull)) {
      return size === 8 ? unknownScalar : scalarRegister(unsignedOf(size as 1 | 2 | 4));
    }
  }
  return zeroRegister;
}
