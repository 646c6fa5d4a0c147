import { contextOf } from '../uapi/index.ts';
import { mapArguments, pushAsync } from './callbacks.ts';
import { forgetCallerSaved, forgetPacket } from './calls.ts';
import { releaseDynptr, sliceOf } from './dynptr.ts';
import type { Environment } from './environment.ts';
import { iteratorAt, loseIterators, splitNext } from './iterators.ts';
import { checkKernelArguments } from './kernel-arguments.ts';
import {
  functionName,
  isScalarType,
  type KernelCall,
  type KernelFunction,
  resolveFunction,
  typeText,
} from './kernel-function.ts';
import { packetWriters } from './memory-access.ts';
import { giveAway, isGraphFunction, nodeRegister, startTreeCallback } from './object-graphs.ts';
import { nameOf } from './record-fields.ts';
import { checkNothingHeld, leaveRcu, release } from './references.ts';
import {
  type DynptrKind,
  flag,
  pointer,
  type Register,
  scalarRegister,
  uninitialised,
  unknownScalar,
} from './register.ts';
import { unsignedOf } from './scalar.ts';

/**
 * Calls of the kernel's own functions (kernel/bpf/verifier.c: check_kfunc_call): arguments by BTF, sections that they
 * open and close, references that they give and take, and what they give back.
 * @returns false where the program ends: bpf_throw
 */
export function callKernel(env: Environment): boolean {
  if (env.slots.imm[env.slot] === 0 && env.slots.offset[env.slot] === 0) {
    env.hasEmptyCall = true;
    env.slot++;
    return true;
  }
  const target = resolveFunction(env, env.slot);
  const { flags } = target.info;
  if (flags.has('sleepable') && !env.program.sleepable && !env.state.inSleepable)
    env.fail('EACCES', `program must be sleepable to call sleepable kfunc ${target.name}`);
  const call = startCall(target);
  checkKernelArguments(env, call);
  if (target.name === 'bpf_rbtree_add_impl') startTreeCallback(env, call);
  if (target.name === 'bpf_wq_set_callback_impl')
    pushAsync(env, call.callback, target.name, mapArguments(call.map), true);
  changeSection(env, target);
  if (flags.has('rcuProtected') && !env.inRcuSection)
    env.fail('EACCES', `kernel func ${target.name} requires RCU critical section protection`);
  endReference(env, call);
  if (/^bpf_(list_push_.*|rbtree_add)_impl$/.test(target.name)) giveAway(env, env.register(2).referenceId);
  if (target.name === 'bpf_throw') {
    checkNothingHeld(env, 'bpf_throw');
    return false;
  }
  forgetCallerSaved(env);
  env.setRegister(0, resultOf(env, call));
  if (flags.has('iterNext') && call.iterator) splitNext(env, call.iterator);
  if (target.name === 'bpf_xdp_pull_data') forgetPacket(env);
  env.slot++;
  return true;
}

/** Kernel functions that may be called while a lock is held (kfunc_spin_allowed). */
export function mayCallKernelLocked(env: Environment): boolean {
  const name = functionName(env, env.slot) ?? '';
  return isGraphFunction(name) || /^bpf_(iter_num_(new|next|destroy)|res_spin_(un)?lock.*|arena_.*)$/.test(name);
}

function startCall(target: KernelFunction): KernelCall {
  return {
    target,
    constant: undefined,
    resultSize: 0,
    resultReadOnly: false,
    releaseRegister: 0,
    reference: 0,
    dynptr: undefined,
    object: undefined,
    isOwning: false,
    head: undefined,
    headRegister: undefined,
    iterator: undefined,
    map: undefined,
    callback: -1,
  };
}

/** RCU and preemption sections. */
function changeSection(env: Environment, { name, info }: KernelFunction): void {
  const { state } = env;
  const sleeps = info.flags.has('sleepable');
  if (name === 'bpf_rcu_read_lock') {
    if (state.rcuLocks) env.fail('EINVAL', `nested rcu read lock (kernel function ${name})`);
    state.rcuLocks++;
  } else if (name === 'bpf_rcu_read_unlock') {
    if (!state.rcuLocks) env.fail('EINVAL', `unmatched rcu read unlock (kernel function ${name})`);
    if (--state.rcuLocks === 0) {
      leaveRcu(env);
      loseIterators(env);
    }
  } else if (sleeps && state.rcuLocks) {
    env.fail('EACCES', `kernel func ${name} is sleepable within rcu_read_lock region`);
  }
  if (name === 'bpf_preempt_disable') {
    state.preemptLocks++;
  } else if (name === 'bpf_preempt_enable') {
    if (!state.preemptLocks) env.fail('EINVAL', `unmatched attempt to enable preemption (kernel function ${name})`);
    state.preemptLocks--;
  } else if (sleeps && state.preemptLocks) {
    env.fail('EACCES', `kernel func ${name} is sleepable within non-preemptible region`);
  }
}

function endReference(env: Environment, call: KernelCall): void {
  if (!call.releaseRegister) return;
  const register = env.register(call.releaseRegister);
  if (call.dynptr?.referenceId) releaseDynptr(env, register);
  else release(env, register.referenceId);
}

function resultOf(env: Environment, call: KernelCall): Register {
  const { target } = call;
  const { btf } = target;
  const returned = btf.strip(target.returns);
  const type = btf.type(returned);
  if (type.kind === 'void') return uninitialised;
  if (isScalarType(type)) {
    const size = btf.sizeOf(returned);
    return size === 8 || size === 0 ? unknownScalar : scalarRegister(unsignedOf(size as 1 | 2 | 4));
  }
  if (type.kind !== 'pointer') return unknownScalar;
  const register = specialResult(env, call) ?? plainResult(env, call, btf.strip(type.target));
  if (register.isScalar) return register;
  const { flags } = target.info;
  if (flags.has('retNull')) {
    register.flags |= flag.maybeNull;
    register.id = env.freshId();
  }
  if (flags.has('acquire')) {
    const id = env.acquire();
    if (flags.has('retNull')) register.id = id;
    register.referenceId = id;
  } else if (call.head) {
    register.flags |= flag.nonOwning;
  }
  const hasLock = env.recordOf(register)?.some(({ kind }) => kind === 'spinLock') === true;
  if (hasLock && !register.id) register.id = env.freshId();
  return register;
}

/** Functions whose result their arguments tell (check_special_kfunc). */
function specialResult(env: Environment, call: KernelCall): Register | undefined {
  switch (call.target.name) {
    case 'bpf_obj_new_impl':
      return newObject(env, call, flag.alloc);
    case 'bpf_percpu_obj_new_impl':
      return newObject(env, call, flag.alloc | flag.perCpu);
    case 'bpf_refcount_acquire_impl':
      return sameObject(call);
    case 'bpf_cast_to_kern_ctx':
      return env.kernelPointer(kernelContext(env), flag.trusted);
    case 'bpf_rdonly_cast':
      return castResult(env, call);
    case 'bpf_dynptr_slice':
    case 'bpf_dynptr_slice_rdwr':
      return slice(env, call);
    default:
      return call.head && isGraphFunction(call.target.name) ? nodeRegister(env, call.head) : undefined;
  }
}

function newObject(env: Environment, call: KernelCall, flags: number): Register {
  const { btf } = env.program;
  const id = call.constant ?? 0;
  if (!btf) return env.fail('EINVAL', 'bpf_obj_new/bpf_percpu_obj_new requires prog BTF');
  const type = id > 0 && id < btf.count ? btf.type(id) : undefined;
  if (type?.kind !== 'struct')
    return env.fail('EINVAL', 'bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct');
  if (flags & flag.perCpu && type.size > 512)
    env.fail('EINVAL', `bpf_percpu_obj_new type size (${type.size}) is greater than 512`);
  const register = pointer('btf', flags);
  register.btf = btf;
  register.btfId = id;
  register.btfName = type.name;
  if (flags & flag.perCpu && env.recordOf(register)?.length)
    env.fail('EINVAL', 'bpf_percpu_obj_new type ID argument must not contain special fields');
  return register;
}

function sameObject(call: KernelCall): Register {
  const register = pointer('btf', flag.alloc);
  register.btf = call.object?.btf;
  register.btfId = call.object?.btfId ?? 0;
  register.btfName = call.object?.btfName ?? '';
  return register;
}

/** What the context is to the kernel (kernel/bpf/btf.c: bpf_ctx_convert). */
const kernelContexts: Readonly<Record<string, string>> = {
  __sk_buff: 'sk_buff',
  xdp_md: 'xdp_buff',
  bpf_user_pt_regs_t: 'pt_regs',
  bpf_perf_event_data: 'bpf_perf_event_data_kern',
  bpf_sock: 'sock',
  bpf_sock_addr: 'bpf_sock_addr_kern',
  bpf_sock_ops: 'bpf_sock_ops_kern',
  sk_msg_md: 'sk_msg',
  bpf_sysctl: 'bpf_sysctl_kern',
  bpf_sockopt: 'bpf_sockopt_kern',
  sk_reuseport_md: 'sk_reuseport_kern',
  bpf_sk_lookup: 'bpf_sk_lookup_kern',
  bpf_cgroup_dev_ctx: 'bpf_cgroup_dev_ctx',
  bpf_nf_ctx: 'bpf_nf_ctx',
};

function kernelContext(env: Environment): string {
  const context = contextOf[env.program.type];
  return (context && kernelContexts[context]) ?? '';
}

function castResult(env: Environment, call: KernelCall): Register {
  const { btf } = call.target;
  const id = call.constant ?? 0;
  if (id < 0 || id >= btf.count) return env.fail('EINVAL', `Unknown type ID ${id} passed to kfunc bpf_rdonly_cast`);
  const { kind } = btf.type(id);
  if (kind === 'void') return pointer('memory', flag.readOnly | flag.untrusted);
  if (kind !== 'struct') env.fail('EINVAL', 'kfunc bpf_rdonly_cast type ID argument must be of a struct or void');
  const register = pointer('btf', flag.untrusted);
  register.btf = btf;
  register.btfId = id;
  register.btfName = nameOf(btf, id);
  return register;
}

const sliceFlags: Readonly<Record<DynptrKind, number>> = {
  local: flag.dynptrLocal,
  ringbuf: flag.dynptrRingbuf,
  skb: flag.dynptrSkb,
  xdp: flag.dynptrXdp,
  skb_meta: flag.dynptrSkbMeta,
};
function slice(env: Environment, call: KernelCall): Register {
  const held = call.dynptr;
  const readOnly = call.target.name === 'bpf_dynptr_slice';
  if (!readOnly && !packetWriters.has(env.program.type))
    env.fail('EINVAL', 'the prog does not allow writes to packet data');
  const register = sliceOf(held, call.constant ?? 0, held?.dynptr ? sliceFlags[held.dynptr] : 0);
  register.referenceId = 0;
  if (readOnly) register.flags |= flag.readOnly;
  return register;
}

function plainResult(env: Environment, call: KernelCall, pointed: number): Register {
  const { target } = call;
  const { btf } = target;
  const { kind } = btf.type(pointed);
  if (kind === 'void') return unknownScalar;
  const rcuProtected = target.info.flags.has('rcuProtected');
  if (kind === 'struct' || kind === 'union' || kind === 'forward') {
    const register = pointer(
      'btf',
      target.name === 'bpf_get_kmem_cache' ? flag.untrusted : rcuProtected ? flag.rcu : 0,
    );
    register.btf = btf;
    register.btfId = pointed;
    register.btfName = nameOf(btf, pointed);
    if (call.iterator && target.info.flags.has('iterNext'))
      register.flags |= iteratorAt(env.state, call.iterator).iterator?.rcu === 'held' ? flag.rcu : flag.trusted;
    return register;
  }
  const size = call.resultSize || btf.sizeOf(pointed);
  if (!size)
    env.fail(
      'EINVAL',
      `kernel function ${target.name} returns pointer type ${typeText(btf, pointed)} is not supported`,
    );
  const readOnly = !call.resultSize || call.resultReadOnly;
  const register = pointer('memory', (readOnly ? flag.readOnly : 0) | (rcuProtected ? flag.rcu : 0));
  register.size = size;
  register.referenceId = call.reference;
  return register;
}
