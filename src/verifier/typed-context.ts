import type { Btf, BtfParam, TypeId } from '../btf/index.ts';
import { attachTypes, iteratorArguments, tracepointMayGiveNull } from '../uapi/index.ts';
import type { AttachTarget } from './attach-target.ts';
import type { Environment } from './environment.ts';
import { isScalarType } from './kernel-function.ts';
import { nameOf } from './record-fields.ts';
import { flag, pointer, type Register, unknownScalar } from './register.ts';

/**
 * The context of a program that is told its types: an array of 8-byte arguments, each as the BTF of what it attaches
 * to says (kernel/bpf/btf.c: btf_ctx_access; kernel/bpf/verifier.c: check_attach_btf_id).
 */
const { trace_raw_tp, trace_fexit, trace_iter, modify_return, lsm_mac, lsm_cgroup } = attachTypes;

/** Types of programs whose context is typed. */
export function isTyped(env: Environment): boolean {
  return env.program.type === 'tracing' || env.program.type === 'lsm';
}

/** Finds what the program attaches to; refused as bpf(2) does where there is none. */
export function attachTarget(env: Environment): AttachTarget | undefined {
  const { kernel, attachTo, attachType, type } = env.program;
  if (!isTyped(env)) return undefined;
  const word = type === 'lsm' ? 'LSM' : 'Tracing';
  if (attachTo === undefined || !kernel) return env.fail('EINVAL', `${word} programs must provide btf_id`);
  if (type === 'tracing' && attachType === trace_raw_tp) return tracepointTarget(env, kernel, attachTo);
  const full =
    type === 'lsm'
      ? `bpf_lsm_${attachTo.replace(/^bpf_lsm_/, '')}`
      : attachType === trace_iter
        ? `bpf_iter_${attachTo}`
        : attachTo;
  const found = kernel.functionPrototype(full);
  if (!found) return env.fail('EINVAL', `attach_btf_id ${kernel.count} is invalid`);
  return {
    name: full,
    params: found.params,
    returns: found.returns,
    kind: type === 'tracing' && attachType === trace_iter ? 'iterator' : 'function',
  };
}

function tracepointTarget(env: Environment, kernel: Btf, attachTo: string): AttachTarget {
  const name = attachTo.replace(/^(btf_trace_|.*:)/, '');
  const id = kernel.find('typedef', `btf_trace_${name}`);
  const handle = id === undefined ? undefined : kernel.type(kernel.strip(id));
  const prototype = handle?.kind === 'pointer' ? kernel.type(handle.target) : undefined;
  if (prototype?.kind !== 'prototype') return env.fail('EINVAL', `attach_btf_id ${kernel.count} is invalid`);
  // The first argument is the tracepoint's own data.
  return { name, params: prototype.params.slice(1), returns: prototype.returns, kind: 'tracepoint' };
}

/** What a load from the typed context gives; undefined when it is not allowed. */
export function typedContextAccess(
  env: Environment,
  offset: number,
  size: number,
  write: boolean,
): Register | undefined {
  const { target } = env;
  const { kernel } = env.program;
  if (!target || !kernel || write || offset < 0 || offset >= 96 || offset % size !== 0) return undefined;
  const refuse = (text: string): undefined => {
    env.say(text);
    return undefined;
  };
  if (offset % 8 !== 0) return refuse(`func '${target.name}' offset ${offset} is not multiple of 8`);
  const argument = offset / 8;
  const missing = `func '${target.name}' doesn't have ${argument + 1}-th argument`;
  if (argument > target.params.length) return refuse(missing);
  if (argument === target.params.length) {
    if (!givesReturn(env)) return refuse(missing);
    return argumentValue(env, target, argument, kernel.strip(target.returns), size);
  }
  const param = target.params[argument] as BtfParam;
  return argumentValue(env, target, argument, kernel.strip(param.type), size);
}

/** Whether the slot behind the arguments holds what the function returned. */
function givesReturn(env: Environment): boolean {
  const { attachType, type } = env.program;
  if (type === 'lsm') return attachType === lsm_mac || attachType === lsm_cgroup;
  return attachType === trace_fexit || attachType === modify_return;
}

function argumentValue(
  env: Environment,
  target: AttachTarget,
  argument: number,
  id: TypeId,
  size: number,
): Register | undefined {
  const kernel = env.program.kernel as Btf;
  const type = kernel.type(id);
  if (isScalarType(type) || type.kind === 'struct' || type.kind === 'union') return unknownScalar;
  const refuse = (text: string): undefined => {
    env.say(text);
    return undefined;
  };
  if (type.kind !== 'pointer') {
    return refuse(
      `func '${target.name}' arg${argument} '${nameOf(kernel, id)}' has type ${type.kind.toUpperCase()}. Only pointer access is allowed`,
    );
  }
  if (size !== 8) return refuse(`func '${target.name}' size ${size} must be 8`);
  const pointed = kernel.strip(type.target);
  const behind = kernel.type(pointed);
  if (behind.kind === 'prototype')
    return refuse(`func '${target.name}' arg${argument} type FUNC_PROTO is not a struct`);
  const iterated =
    target.kind === 'iterator' ? iteratorArguments[target.name.replace(/^bpf_iter_/, '')]?.[argument] : undefined;
  if (iterated === 'buffer' || iterated === 'rdonlyBuffer') return buffer(env, iterated === 'rdonlyBuffer');
  const isStruct = behind.kind === 'struct' || behind.kind === 'union' || behind.kind === 'forward';
  if (!isStruct) return unknownScalar;
  let flags = isTrusted(env) && iterated !== 'ptr' ? flag.trusted : 0;
  if (iterated || mayBeNull(target, argument)) flags |= flag.maybeNull;
  const kind = behind.kind === 'union' ? 'UNION' : 'STRUCT';
  env.say(`func '${target.name}' arg${argument} has btf_id ${pointed} type ${kind} '${nameOf(kernel, pointed)}'`);
  const register = pointer('btf', flags);
  register.btf = kernel;
  register.btfId = pointed;
  register.btfName = nameOf(kernel, pointed);
  if (flags & flag.maybeNull) register.id = env.freshId();
  return register;
}

function buffer(env: Environment, readOnly: boolean): Register {
  const register = pointer('buffer', flag.maybeNull | (readOnly ? flag.readOnly : 0));
  register.id = env.freshId();
  return register;
}

/** Arguments of tracepoints, iterators and LSM hooks are good while the program runs (prog_args_trusted). */
function isTrusted(env: Environment): boolean {
  const { attachType, type } = env.program;
  return type === 'lsm' || attachType === trace_raw_tp || attachType === trace_iter;
}

function mayBeNull(target: AttachTarget, argument: number): boolean {
  if (target.params[argument]?.name.endsWith('__nullable')) return true;
  return target.kind === 'tracepoint' && tracepointMayGiveNull(target.name, argument);
}
