import type { TypeId } from '../btf/index.ts';
import { objectSlot } from './dynptr.ts';
import type { Environment } from './environment.ts';
import type { IteratorPlace } from './iterator-place.ts';
import { release } from './references.ts';
import { flag, type IteratorState, pointer, type Register, uninitialised, zeroRegister } from './register.ts';
import { type Frame, StackSlot, type State, sameTypes, slotKinds } from './state.ts';
import { widenFrom } from './widening.ts';

/**
 * Open-coded iterators: some slots of stack between a new and a destroy function. Each call of next is walked both
 * ways, with an element and at the end; a loop around it rests when a round brings nothing new
 * (kernel/bpf/verifier.c: process_iter_arg, process_iter_next_call).
 */
export interface IteratorArgument {
  readonly number: number;
  /** `num` of `struct bpf_iter_num`. */
  readonly name: string;
  readonly type: TypeId;
  readonly slots: number;
}

export function makeIterator(env: Environment, argument: IteratorArgument, rcuProtected: boolean): void {
  const { number, name, slots } = argument;
  const register = stackPointer(env, number);
  const first = objectSlot(env, register, 'iter', slots);
  const isFree = (): boolean => {
    for (let index = first; index > first - slots; index--)
      if (env.state.frames[register.frame]?.slot(index).type(0) === slotKinds.iterator) return false;
    return true;
  };
  if (first < 0 || !isFree()) env.fail('EINVAL', `expected uninitialized iter_${name} as arg #${number - 1}`);
  const frame = env.growTo(register.frame, register.offset + Number(register.constant)) as Frame;
  const reference = env.acquire();
  const rcu = !rcuProtected ? 'none' : env.inRcuSection ? 'held' : 'lost';
  for (let index = first; index > first - slots; index--) {
    const held = pointer('stack');
    held.iterator = { name, state: 'active', depth: 0, rcu };
    held.referenceId = index === first ? reference : 0;
    frame.slots[index] = new StackSlot(sameTypes(slotKinds.iterator), held);
    env.scratchSlot(index);
  }
}

function stackPointer(env: Environment, number: number): Register {
  const register = env.register(number);
  if (register.kind !== 'stack') env.fail('EINVAL', `arg#${number - 1} expected pointer to an iterator on stack`);
  return register;
}

/** Finds an iterator that was made and not destroyed; `what` calls the function for messages. */
export function findIterator(env: Environment, argument: IteratorArgument, what: string): IteratorPlace {
  const { number, name, slots } = argument;
  const register = stackPointer(env, number);
  const first = objectSlot(env, register, 'iter', slots);
  const frame = env.state.frames[register.frame] as Frame;
  if (first < 0) env.fail('EINVAL', `expected an initialized iter_${name} as arg #${number - 1}`);
  for (let index = first; index > first - slots; index--) {
    const { types, register: held } = frame.slot(index);
    if (held.iterator?.rcu === 'lost') env.fail('EPROTO', `expected an RCU CS when using ${what}`);
    const isPart = types === sameTypes(slotKinds.iterator) && held.iterator?.name === name;
    if (!isPart || (index === first) !== (held.referenceId !== 0))
      env.fail('EINVAL', `expected an initialized iter_${name} as arg #${number - 1}`);
  }
  return { frame: register.frame, slot: first };
}

export function destroyIterator(env: Environment, place: IteratorPlace, slots: number): void {
  const frame = env.state.frames[place.frame] as Frame;
  release(env, frame.slot(place.slot).register.referenceId);
  for (let index = place.slot; index > place.slot - slots; index--) {
    frame.slots[index] = new StackSlot(sameTypes(slotKinds.invalid), uninitialised);
    env.scratchSlot(index);
  }
}

export function iteratorAt(state: State, place: IteratorPlace): Register {
  return (state.frames[place.frame] as Frame).slot(place.slot).register;
}

/** Next gives an element on a path that is put aside, and nothing on this one. */
export function splitNext(env: Environment, place: IteratorPlace): void {
  const held = iteratorAt(env.state, place);
  const iterator = held.iterator as IteratorState;
  if (iterator.state === 'active') {
    const going = env.push(env.slot + 1, env.slot);
    setIterator(going, place, { ...iterator, depth: iterator.depth + 1 });
    const element = going.frame.register(0).draft();
    element.flags &= ~flag.maybeNull;
    going.frame.registers[0] = element;
    widenFrom(env, going, env.slot);
  }
  setIterator(env.state, place, { ...iterator, state: 'drained' });
  env.scratchSlot(place.slot);
  env.setRegister(0, zeroRegister);
}

function setIterator(state: State, { frame: number, slot: index }: IteratorPlace, iterator: IteratorState): void {
  const frame = state.frames[number] as Frame;
  const slot = frame.slot(index);
  const changed = slot.register.draft();
  changed.iterator = iterator;
  frame.slots[index] = new StackSlot(slot.types, changed);
}

/** Behind the RCU section an iterator that lives by it is of no use. */
export function loseIterators(env: Environment): void {
  for (const [number, frame] of env.state.frames.entries()) {
    for (const [index, { types, register }] of frame.slots.entries()) {
      if (types !== sameTypes(slotKinds.iterator) || register.iterator?.rcu !== 'held') continue;
      setIterator(env.state, { frame: number, slot: index }, { ...register.iterator, rcu: 'lost' });
    }
  }
}

/** Whether the iterator that this call of next is about may still give elements. */
export function iteratorIsActive(env: Environment): boolean {
  const register = env.register(1);
  if (register.kind !== 'stack' || !register.scalar.isConst) return false;
  const index = (-(register.offset + Number(register.constant)) - 1) >> 3;
  return env.state.frames[register.frame]?.slot(index).register.iterator?.state === 'active';
}

/** Whether some active iterator has given more elements in one of two states: then a loop still moves. */
export function depthsDiffer(old: State, now: State): boolean {
  return old.frames.some((frame, number) =>
    frame.slots.some(({ types, register }, index) => {
      if (types !== sameTypes(slotKinds.iterator) || register.iterator?.state !== 'active') return false;
      return now.frames[number]?.slot(index).register.iterator?.depth !== register.iterator.depth;
    }),
  );
}
