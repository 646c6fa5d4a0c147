import type { Environment } from './environment.ts';
import { flag, type Register, unknownScalar } from './register.ts';

/**
 * What a program holds and must give back: references by id, a spin lock, the RCU and preemption sections
 * (kernel/bpf/verifier.c: acquire_reference, release_reference, process_spin_lock, check_resource_leak).
 */
export function acquire(env: Environment): number {
  const id = env.freshId();
  env.state.references = [...env.state.references, { id, slot: env.slot }];
  return id;
}

/** Ends a reference; whatever was derived from it is an unknown number from here on. */
export function release(env: Environment, reference: number): void {
  dropReference(env, reference);
  env.state.mapRegisters((register) => (register.referenceId === reference ? unknownScalar : register));
}

/** Ends a reference without a word on the registers that hold it. */
export function dropReference(env: Environment, reference: number): void {
  const { state } = env;
  if (!state.references.some(({ id }) => id === reference))
    env.fail('EINVAL', `function release of unknown reference ${reference}`);
  state.references = state.references.filter(({ id }) => id !== reference);
}

/** At a function's end, a tail call and the like nothing may be held (check_resource_leak). */
export function checkNothingHeld(env: Environment, what: string, checksLocks = true): void {
  const { references, lock, rcuLocks, preemptLocks } = env.state;
  if (checksLocks && lock) env.fail('EINVAL', `${what} cannot be used inside bpf_spin_lock-ed region`);
  if (checksLocks || env.frame.number === 0) {
    const held = references.filter(({ kind }) => kind === undefined);
    for (const { id, slot } of held) env.say(`Unreleased reference id=${id} alloc_insn=${slot}`);
    if (held.length > 0) env.fail('EINVAL', `${what} would lead to reference leak`);
  }
  if (!checksLocks) return;
  if (references.some(({ kind }) => kind === 'irq'))
    env.fail('EINVAL', `${what} cannot be used inside bpf_local_irq_save-ed region`);
  if (rcuLocks) env.fail('EINVAL', `${what} cannot be used inside bpf_rcu_read_lock-ed region`);
  if (preemptLocks) env.fail('EINVAL', `${what} cannot be used inside bpf_preempt_disable-ed region`);
}

/** Where the struct that a register points into has its lock, and how messages call that struct. */
function lockPlace(env: Environment, register: Register): number | undefined {
  if (register.kind === 'mapValue') return register.shape?.spinLock;
  return env.recordOf(register)?.find(({ kind }) => kind === 'spinLock')?.offset;
}

export function checkSpinLock(env: Environment, number: number, takes: boolean): void {
  const register = env.register(number);
  const { state } = env;
  if (env.frame.callback?.helper === 'bpf_rbtree_add_impl') env.fail('EACCES', "can't spin_{lock,unlock} in rbtree cb");
  if (!register.scalar.isConst) {
    env.fail('EINVAL', `R${number} doesn't have constant offset. bpf_spin_lock has to be at the constant offset`);
  }
  const isMap = register.kind === 'mapValue';
  if (isMap && !register.shape?.btf && register.shape?.spinLock === undefined)
    env.fail('EINVAL', `map '${register.shape?.name ?? ''}' has to have BTF in order to use bpf_spin_lock`);
  const where = lockPlace(env, register);
  if (where === undefined)
    env.fail(
      'EINVAL',
      `${isMap ? 'map' : 'local'} '${isMap ? (register.shape?.name ?? '') : 'kptr'}' has no valid bpf_spin_lock`,
    );
  const value = register.offset + Number(register.constant);
  if (where !== value) env.fail('EINVAL', `off ${value} doesn't point to 'struct bpf_spin_lock' that is at ${where}`);
  if (takes) {
    if (state.lock) env.fail('EINVAL', 'Locking two bpf_spin_locks are not allowed');
    state.lock = { id: register.id, mapUid: register.mapUid, slot: env.slot, owner: register.shape ?? register.btf };
    return;
  }
  if (!state.lock) env.fail('EINVAL', 'bpf_spin_unlock without taking a lock');
  const isSame = state.lock.id === register.id && state.lock.owner === (register.shape ?? register.btf);
  if (!isSame) env.fail('EINVAL', 'bpf_spin_unlock of different lock');
  state.lock = undefined;
  forgetNonOwning(env);
}

/** A node of a list or tree that the program does not own is only good while the lock is held. */
function forgetNonOwning(env: Environment): void {
  env.state.mapRegisters((register) => (register.flags & flag.nonOwning ? unknownScalar : register));
}

/** Behind the RCU section what it kept alive is not to be trusted. */
export function leaveRcu(env: Environment): void {
  env.state.mapRegisters((register) => {
    if (!(register.flags & flag.rcu)) return register;
    const left = register.draft();
    left.flags = (left.flags & ~(flag.rcu | flag.maybeNull)) | flag.untrusted;
    return left;
  });
}
