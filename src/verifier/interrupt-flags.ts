import { objectSlot } from './dynptr.ts';
import type { Environment } from './environment.ts';
import { pointer, type Register, uninitialised } from './register.ts';
import { type Frame, StackSlot, sameTypes, slotKinds } from './state.ts';

/** The eight bytes of stack that hold interrupt flags between save and restore (process_irq_flag). */
export function saveInterrupts(env: Environment, index: number, register: Register): void {
  const at = objectSlot(env, register, 'irq_flag', 1);
  const isFree = at >= 0 && env.state.frames[register.frame]?.slot(at).type(0) !== slotKinds.irq;
  if (!isFree) env.fail('EINVAL', `expected uninitialized irq flag as arg#${index}`);
  const frame = env.growTo(register.frame, register.offset + Number(register.constant)) as Frame;
  const held = pointer('stack');
  held.referenceId = env.acquire('irq');
  frame.slots[at] = new StackSlot(sameTypes(slotKinds.irq), held);
  env.scratchSlot(at);
}

/** Flags are restored in the opposite order. */
export function restoreInterrupts(env: Environment, index: number, register: Register): void {
  const at = objectSlot(env, register, 'irq_flag', 1);
  const frame = env.state.frames[register.frame] as Frame;
  const slot = frame.slot(at);
  if (at < 0 || slot.types !== sameTypes(slotKinds.irq))
    env.fail('EINVAL', `expected an initialized irq flag as arg#${index}`);
  const saved = env.state.references.findLast(({ kind }) => kind === 'irq');
  if (saved && saved.id !== slot.register.referenceId) {
    env.fail(
      'EACCES',
      `cannot restore irq state out of order, expected id=${saved.id} acquired at insn_idx=${saved.slot}`,
    );
  }
  env.state.references = env.state.references.filter((each) => each !== saved);
  frame.slots[at] = new StackSlot(sameTypes(slotKinds.invalid), uninitialised);
  env.scratchSlot(at);
}
