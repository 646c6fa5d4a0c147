import { type HelperName, helperAllowed, helperById, helperPrototype } from '../uapi/index.ts';
import { checkArgument } from './arguments.ts';
import { callbackHelpers, startCallback } from './callbacks.ts';
import { isPacketSlice, releaseDynptr } from './dynptr.ts';
import type { Environment } from './environment.ts';
import { isFormat } from './format-strings.ts';
import type { HelperCall } from './helper-call.ts';
import { clobber } from './helper-memory.ts';
import { checkMapMode, checkMapOfHelper } from './map-calls.ts';
import { checkNothingHeld, dropReference, release } from './references.ts';
import { flag, kindText, uninitialised, unknownScalar } from './register.ts';
import { resultOf } from './results.ts';

/** A call of a helper by its prototype (kernel/bpf/verifier.c: check_helper_call). */
export function callHelper(env: Environment): void {
  const { slots, slot, program } = env;
  const id = slots.imm[slot] as number;
  const info = helperById(id);
  const shown = `${info ? `bpf_${info.name}` : 'unknown'}#${id}`;
  if (!info) env.fail('EINVAL', `invalid func ${shown}`);
  const { name } = info;
  if (!helperAllowed(name, program.type, program.attachType))
    env.fail('EINVAL', `program of this type cannot use helper ${shown}`);
  if (info.gpl && !env.isGpl) env.fail('EINVAL', 'cannot call GPL-restricted function from non-GPL compatible program');
  const prototype = helperPrototype(name, program.type);
  checkSleep(env, prototype.sleeps === true, shown);
  const call = startCall(id, name, prototype.args, prototype.packetAccess === true);
  for (let number = 1; number <= call.args.length; number++) checkArgument(env, call, number);
  if (name === 'tail_call' && call.map?.shape?.type !== 'prog_array')
    env.fail('EINVAL', 'expected prog array map for tail call', '');
  checkMapMode(env, name, call.map?.shape);
  for (const written of call.fills) clobber(env, written);
  if (call.releaseRegister) endReference(env, call, shown);
  checkSpecial(env, call);
  if (callbackHelpers.has(name)) startCallback(env, call);
  const fromDynptr = call.name === 'dynptr_write' && /^skb/.test(call.dynptr?.dynptr ?? '');
  forgetCallerSaved(env);
  env.setRegister(0, resultOf(env, call, prototype.returns));
  checkMapOfHelper(env, name, call.map?.shape, shown);
  if (prototype.changesPacket || fromDynptr) forgetPacket(env);
  env.slot++;
}

function startCall(id: number, name: HelperName, args: HelperCall['args'], packetAccess: boolean): HelperCall {
  return {
    id,
    name,
    args,
    packetAccess,
    map: undefined,
    releaseRegister: 0,
    reference: 0,
    allocated: 0,
    key: undefined,
    most: undefined,
    callback: -1,
    perCpu: undefined,
    kptr: undefined,
    dynptr: undefined,
    fills: [],
  };
}

function checkSleep(env: Environment, sleeps: boolean, shown: string): void {
  if (!sleeps) return;
  if (!env.program.sleepable) env.fail('EINVAL', 'helper call might sleep in a non-sleepable prog');
  if (env.state.rcuLocks) env.fail('EINVAL', `sleepable helper ${shown} in rcu_read_lock region`);
  if (env.state.preemptLocks) env.fail('EINVAL', `sleepable helper ${shown} in non-preemptible region`);
  if (env.state.references.some(({ kind }) => kind === 'irq'))
    env.fail('EINVAL', `sleepable helper ${shown} in IRQ-disabled region`);
}

function endReference(env: Environment, call: HelperCall, shown: string): void {
  const register = env.register(call.releaseRegister);
  if (call.args[call.releaseRegister - 1]?.kind === 'ptrToDynptr') {
    releaseDynptr(env, register);
  } else if (call.name === 'kptr_xchg' && call.reference) {
    exchangeReference(env, call.reference);
  } else if (call.reference) {
    release(env, call.reference);
  } else if (!register.isNull) {
    env.fail('EINVAL', `func ${shown} reference has not been acquired before`);
  }
}

/** What went into a map may still be read as RCU-protected when it is per-CPU memory of the program's. */
function exchangeReference(env: Environment, reference: number): void {
  const inRcu = env.inRcuSection;
  dropReference(env, reference);
  env.state.mapRegisters((register) => {
    if (register.referenceId !== reference) return register;
    const local = flag.alloc | flag.perCpu;
    if (!inRcu || (register.flags & local) !== local) return unknownScalar;
    const shared = register.draft();
    shared.referenceId = 0;
    shared.flags = (shared.flags & ~flag.alloc) | flag.rcu;
    return shared;
  });
}

/** Rules of single helpers. */
function checkSpecial(env: Environment, call: HelperCall): void {
  if (call.name === 'tail_call') {
    checkNothingHeld(env, 'tail_call');
    // A known index decides which program is jumped to.
    const index = env.register(3);
    if (index.isConst && index.scalar.value < BigInt(call.map?.shape?.maxEntries ?? 0)) env.needsExact(3);
  }
  if (call.name === 'get_local_storage' && !env.register(2).isNull)
    env.fail('EINVAL', "get_local_storage() doesn't support non-zero flags");
  if (call.name === 'snprintf') checkFormat(env);
  if (call.name === 'dynptr_from_mem' && (env.register(1).kind !== 'mapValue' || env.register(1).flags !== 0)) {
    const first = env.register(1);
    env.fail('EACCES', `Unsupported reg type ${kindText(first.kind, first.flags)} for bpf_dynptr_from_mem data`);
  }
}

/** The format of bpf_snprintf is known, and so is how many values there are. */
function checkFormat(env: Environment): void {
  const format = env.register(3);
  const bytes = format.shape?.frozen?.subarray(format.offset + Number(format.constant));
  const values = Number(env.register(5).scalar.umax) / 8;
  if (bytes && !isFormat(bytes, values)) env.fail('EINVAL', 'Invalid format string');
}

export function forgetCallerSaved(env: Environment): void {
  for (let number = 0; number <= 5; number++) env.frame.registers[number] = uninitialised;
}

/** The packet may have moved: pointers into it, and slices of it, are numbers. */
export function forgetPacket(env: Environment): void {
  env.state.mapRegisters((register) =>
    register.isPacket || register.kind === 'packetEnd' || isPacketSlice(register) ? unknownScalar : register,
  );
}
