import type { Btf, BtfParam, TypeId } from '../btf/index.ts';
import { contextOf, contexts } from '../uapi/index.ts';
import { checkPointerOffset } from './access.ts';
import { isTrustedPointer, structsMatch } from './btf-access.ts';
import { callbackProgram } from './callbacks.ts';
import { checkDynptrArgument, heldDynptr } from './dynptr.ts';
import type { Environment } from './environment.ts';
import { checkMemory, checkSize } from './helper-memory.ts';
import { restoreInterrupts, saveInterrupts } from './interrupt-flags.ts';
import { destroyIterator, findIterator, makeIterator } from './iterators.ts';
import { isScalarStruct, isScalarType, type KernelCall, typeText, wantsTrusted } from './kernel-function.ts';
import { checkHead, checkNode } from './object-graphs.ts';
import { nameOf } from './record-fields.ts';
import { type DynptrKind, flag, type Kind, kindText, type Register } from './register.ts';
import { Rejection } from './rejection.ts';
import { checkRead } from './transfer.ts';

/**
 * The arguments of a kernel function: what its BTF type, the suffix of its name and the register together make of each
 * (kernel/bpf/verifier.c: get_kfunc_ptr_arg_type, check_kfunc_args).
 */
type Argument =
  | 'null'
  | 'context'
  | 'object'
  | 'refcounted'
  | 'dynptr'
  | 'iterator'
  | 'listHead'
  | 'listNode'
  | 'treeRoot'
  | 'treeNode'
  | 'string'
  | 'map'
  | 'workqueue'
  | 'irqFlag'
  | 'struct'
  | 'callback'
  | 'memory'
  | 'sizedMemory';

export function checkKernelArguments(env: Environment, call: KernelCall): void {
  const { target } = call;
  const { params, btf } = target;
  for (let index = 0; index < params.length; index++) {
    const param = params[index] as BtfParam;
    if (hasSuffix(param, '__ign') || hasSuffix(param, '__prog')) continue;
    const number = index + 1;
    const register = checkRead(env, number);
    const type = btf.type(btf.strip(param.type));
    if (isScalarType(type)) {
      checkNumber(env, call, param, number, register);
      continue;
    }
    if (type.kind !== 'pointer')
      env.fail('EINVAL', `Unrecognized arg#${index} type ${typeText(btf, btf.strip(param.type))}`);
    checkTrust(env, call, param, index, register);
    const pointed = btf.strip(type.target);
    const argument = argumentKind(env, call, index, pointed);
    if (argument === 'null') continue;
    checkReferenced(env, call, argument, number, register);
    checkPointer(env, call, argument, index, register, pointed);
    if (argument === 'sizedMemory') index++;
  }
  if (target.info.flags.has('release') && !call.releaseRegister)
    env.fail('EINVAL', `release kernel function ${target.name} expects refcounted PTR_TO_BTF_ID`);
}

function hasSuffix(param: BtfParam, suffix: string): boolean {
  return param.name.endsWith(suffix);
}

function checkNumber(env: Environment, call: KernelCall, param: BtfParam, number: number, register: Register): void {
  if (!register.isScalar) env.fail('EINVAL', `R${number} is not a scalar`);
  const isSize = param.name === 'rdonly_buf_size' || param.name === 'rdwr_buf_size';
  if (hasSuffix(param, '__k')) {
    if (!register.isConst) env.fail('EINVAL', `R${number} must be a known constant`);
    env.needsExact(number);
    call.constant = Number(register.scalar.value);
  } else if (isSize) {
    if (!register.isConst) env.fail('EINVAL', `R${number} is not a const`);
    call.resultSize = Number(register.scalar.value);
    call.resultReadOnly = param.name === 'rdonly_buf_size';
    env.needsExact(number);
  }
}

function isNullable(param: BtfParam): boolean {
  return hasSuffix(param, '__nullable') || hasSuffix(param, '__opt');
}

function checkTrust(env: Environment, call: KernelCall, param: BtfParam, index: number, register: Register): void {
  const { flags } = call.target.info;
  const wantsTrust = wantsTrusted(call.target) || flags.has('rcu');
  if (wantsTrust && (register.isNull || register.maybeNull) && !hasSuffix(param, '__nullable'))
    env.fail('EACCES', `Possibly NULL pointer passed to trusted arg${index}`);
  if (!register.referenceId) return;
  call.reference = register.referenceId;
  if (flags.has('release')) call.releaseRegister = index + 1;
}

const structKinds: Readonly<Record<string, Argument>> = {
  bpf_list_head: 'listHead',
  bpf_list_node: 'listNode',
  bpf_rb_root: 'treeRoot',
  bpf_rb_node: 'treeNode',
};

/** Sockets and maps as the structs that they are in the kernel. */
const structOfKind: Partial<Record<Kind, string>> = {
  socket: 'sock',
  socketCommon: 'sock_common',
  tcpSocket: 'tcp_sock',
  map: 'bpf_map',
};

function argumentKind(env: Environment, call: KernelCall, index: number, pointed: TypeId): Argument {
  const { target } = call;
  const { btf, params } = target;
  const param = params[index] as BtfParam;
  const name = nameOf(btf, pointed);
  const register = env.register(index + 1);
  if (target.name === 'bpf_cast_to_kern_ctx' || isContext(env, btf, param.type, pointed)) return 'context';
  if (hasSuffix(param, '__nullable') && register.isNull) return 'null';
  if (hasSuffix(param, '__alloc')) return 'object';
  if (hasSuffix(param, '__refcounted_kptr')) return 'refcounted';
  if (name === 'bpf_dynptr') return 'dynptr';
  if (isIterator(call, index, name)) return 'iterator';
  const graph = structKinds[name];
  if (graph) return graph;
  if (hasSuffix(param, '__str')) return 'string';
  if (hasSuffix(param, '__map')) return 'map';
  if (name === 'bpf_wq') return 'workqueue';
  if (hasSuffix(param, '__irq_flag')) return 'irqFlag';
  if (register.kind === 'btf' || structOfKind[register.kind]) {
    const { kind } = btf.type(pointed);
    if (kind === 'struct' || kind === 'union' || kind === 'forward') return 'struct';
    env.fail(
      'EINVAL',
      `kernel function ${target.name} args#${index} pointer type ${typeText(btf, pointed)} is not supported`,
    );
  }
  if (btf.type(pointed).kind === 'prototype') return 'callback';
  return memoryKind(env, call, index, pointed);
}

function memoryKind(env: Environment, call: KernelCall, index: number, pointed: TypeId): Argument {
  const { btf, params } = call.target;
  const next = params[index + 1];
  const isSized =
    next !== undefined && (hasSuffix(next, '__sz') || hasSuffix(next, '__szk')) && env.register(index + 2).isScalar;
  const type = btf.type(pointed);
  const isPlain = isScalarType(type) || isScalarStruct(btf, pointed) || (isSized && type.kind === 'void');
  if (!isPlain) {
    const what = isSized ? 'void, ' : '';
    env.fail(
      'EINVAL',
      `arg#${index} pointer type ${typeText(btf, pointed)} must point to ${what}scalar, or struct with scalar`,
    );
  }
  return isSized ? 'sizedMemory' : 'memory';
}

/** A pointer to what this program type gets in r1, by the name that programs know it by. */
function isContext(env: Environment, btf: Btf, type: TypeId, pointed: TypeId): boolean {
  const context = contextOf[env.program.type];
  if (!context) return false;
  const { type: text } = contexts[context];
  const name = nameOf(btf, pointed);
  if (name !== '' && text === `struct ${name}`) return true;
  const pointer = btf.type(btf.strip(type));
  return pointer.kind === 'pointer' && nameOf(btf, pointer.target) === text;
}

function isIterator(call: KernelCall, index: number, struct: string): boolean {
  const { flags } = call.target.info;
  if (flags.has('iterNew') || flags.has('iterNext') || flags.has('iterDestroy')) return index === 0;
  return struct.startsWith('bpf_iter_') && hasSuffix(call.target.params[index] as BtfParam, '__iter');
}

function checkReferenced(
  env: Environment,
  call: KernelCall,
  argument: Argument,
  number: number,
  register: Register,
): void {
  const { flags } = call.target.info;
  if (argument === 'map' && register.kind !== 'map') env.fail('EINVAL', `pointer in R${number} isn't map pointer`);
  const isStruct = argument === 'struct' || argument === 'object' || argument === 'map';
  if (isStruct && (wantsTrusted(call.target) || flags.has('rcu')) && !isTrustedPointer(register)) {
    if (!flags.has('rcu')) env.fail('EINVAL', `R${number} must be referenced or trusted`);
    if (!(register.flags & flag.rcu)) env.fail('EINVAL', `R${number} must be a rcu pointer`);
  }
  if (flags.has('release') && register.referenceId && register.offset !== 0)
    env.fail('EINVAL', `R${number} must have zero offset when passed to release func or trusted arg to kfunc`);
  if (register.kind === 'btf' || structOfKind[register.kind] || register.kind === 'context')
    checkPointerOffset(env, register, number, register.kind === 'btf');
}

function checkPointer(
  env: Environment,
  call: KernelCall,
  argument: Argument,
  index: number,
  register: Register,
  pointed: TypeId,
): void {
  const number = index + 1;
  switch (argument) {
    case 'context':
      if (register.kind !== 'context') {
        const got = kindText(register.kind, register.flags);
        env.fail('EINVAL', `arg#${index} expected pointer to ctx, but got ${got}`);
      }
      break;
    case 'object':
      checkObject(env, call, index, register);
      break;
    case 'refcounted':
      checkRefcounted(env, call, index, register);
      break;
    case 'dynptr':
      checkDynptr(env, call, number, register);
      break;
    case 'iterator':
      checkIterator(env, call, number, pointed);
      break;
    case 'listHead':
    case 'treeRoot':
      checkHead(env, call, argument, index, register);
      break;
    case 'listNode':
    case 'treeNode':
      checkNode(env, call, argument, index, register);
      break;
    case 'struct':
    case 'map':
      checkStruct(env, call, index, register, pointed);
      break;
    case 'memory':
      checkFixedMemory(env, call, index, pointed);
      break;
    case 'sizedMemory':
      checkSizedMemory(env, call, index, register);
      break;
    case 'callback':
      if (register.kind !== 'function') env.fail('EINVAL', `arg${index} expected pointer to func`);
      call.callback = callbackProgram(register);
      break;
    default:
      checkInMap(env, call, argument, index, register);
  }
}

function checkObject(env: Environment, call: KernelCall, index: number, register: Register): void {
  const local = register.flags & (flag.alloc | flag.perCpu);
  const isObject = register.kind === 'btf' && (register.flags & ~(flag.alloc | flag.perCpu)) === 0;
  if (!isObject || !(local & flag.alloc)) env.fail('EINVAL', `arg#${index} expected pointer to allocated object`);
  const wanted = local & flag.perCpu ? 'bpf_percpu_obj_drop_impl' : 'bpf_obj_drop_impl';
  if (call.target.name !== wanted) env.fail('EINVAL', `arg#${index} expected for ${wanted}()`);
  if (!register.referenceId) env.fail('EINVAL', 'allocated object must be referenced');
  call.object = register;
}

function checkRefcounted(env: Environment, call: KernelCall, index: number, register: Register): void {
  if (register.kind !== 'btf' || !(register.flags & flag.alloc))
    env.fail('EINVAL', `arg#${index} is neither owning or non-owning ref`);
  call.isOwning = (register.flags & flag.nonOwning) === 0;
  const fields = env.recordOf(register);
  if (!fields?.length) env.fail('EFAULT', "verifier bug: Couldn't find btf_record");
  if (!fields.some(({ kind }) => kind === 'refcount'))
    env.fail('EINVAL', `arg#${index} doesn't point to a type with bpf_refcount field`);
  call.object = register;
}

const freshDynptrs: Readonly<Record<string, DynptrKind>> = {
  bpf_dynptr_from_skb: 'skb',
  bpf_dynptr_from_skb_meta: 'skb_meta',
  bpf_dynptr_from_xdp: 'xdp',
};

function checkDynptr(env: Environment, call: KernelCall, number: number, register: Register): void {
  const param = call.target.params[number - 1] as BtfParam;
  if (!hasSuffix(param, '__uninit')) {
    checkDynptrArgument(env, number, { readOnly: register.kind === 'dynptr', reference: 0 });
    call.dynptr = heldDynptr(env, register);
    return;
  }
  const fresh = freshDynptrs[call.target.name] ?? call.dynptr?.dynptr;
  const reference = call.target.name === 'bpf_dynptr_clone' ? (call.dynptr?.referenceId ?? 0) : 0;
  checkDynptrArgument(env, number, { fresh, readOnly: false, reference });
}

function checkIterator(env: Environment, call: KernelCall, number: number, type: TypeId): void {
  const { target } = call;
  const { flags } = target.info;
  const slots = target.btf.sizeOf(type) / 8;
  const argument = { number, name: nameOf(target.btf, type).replace(/^bpf_iter_/, ''), type, slots };
  if (
    target.name === 'bpf_iter_css_task_new' &&
    !env.program.sleepable &&
    env.program.type !== 'lsm' &&
    env.program.attachType !== 28
  )
    env.fail('EINVAL', 'css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs');
  if (flags.has('iterNew')) {
    makeIterator(env, argument, flags.has('rcuProtected'));
    return;
  }
  const place = findIterator(env, argument, target.name);
  call.iterator = place;
  call.reference = env.state.frames[place.frame]?.slot(place.slot).register.referenceId ?? 0;
  if (flags.has('iterDestroy')) destroyIterator(env, place, slots);
}

/** Flags that make a pointer unfit for a kernel function, unless RCU keeps it. */
const unsafe = flag.user | flag.untrusted | flag.perCpu | flag.rcu;

function checkStruct(env: Environment, call: KernelCall, index: number, register: Register, pointed: TypeId): void {
  const { target } = call;
  const { btf } = target;
  const isUnsafe = (register.flags & unsafe) !== 0 && !(register.flags & flag.rcu);
  const alias = structOfKind[register.kind];
  if ((register.kind !== 'btf' || isUnsafe) && !alias) {
    const kept = register.flags & (flag.trusted | flag.rcu | flag.alloc | flag.nonOwning);
    const expected = kindText(register.kind, kept);
    env.fail('EINVAL', `arg#${index} is ${kindText(register.kind, register.flags)} expected ${expected} or socket`);
  }
  const wanted = call.target.params[index]?.name.endsWith('__map') ? 'bpf_map' : nameOf(btf, pointed);
  const strict = target.info.flags.has('release') && register.referenceId !== 0;
  const own = alias === undefined ? register.btf : btf;
  const id = alias === undefined ? register.btfId : (btf.find('struct', alias) ?? 0);
  if (!own) return;
  const isProjection = wanted === '__sk_buff' && nameOf(own, id) === 'sk_buff';
  const noCast = wanted === `${nameOf(own, id)}___init` || nameOf(own, id) === `${wanted}___init`;
  if (isProjection || (!noCast && structsMatch(own, id, register.offset, wanted, strict))) return;
  env.fail(
    'EINVAL',
    `kernel function ${target.name} args#${index} expected pointer to ${typeText(btf, pointed)} but R${index + 1} has a pointer to ${typeText(own, own.strip(id))}`,
  );
}

function checkFixedMemory(env: Environment, call: KernelCall, index: number, pointed: TypeId): void {
  const size = call.target.btf.sizeOf(pointed);
  const register = env.register(index + 1);
  if (register.isNull) return;
  const { maybeNull } = register;
  if (maybeNull) withoutNull(env, index + 1);
  checkMemory(env, index + 1, { size, write: false, zeroAllowed: true });
  checkMemory(env, index + 1, { size, write: true, zeroAllowed: true });
  if (maybeNull) env.state.frame.registers[index + 1] = register;
}

/** Memory that may be absent is judged as if it were there. */
function withoutNull(env: Environment, number: number): void {
  const present = env.register(number).draft();
  present.flags &= ~flag.maybeNull;
  env.state.frame.registers[number] = present;
}

function checkSizedMemory(env: Environment, call: KernelCall, index: number, register: Register): void {
  const { params } = call.target;
  const size = env.register(index + 2);
  if (!register.isNull || !isNullable(params[index] as BtfParam)) {
    try {
      const { maybeNull } = register;
      if (maybeNull) withoutNull(env, index + 1);
      checkSize(env, index + 1, size, { write: false, zeroAllowed: true });
      checkSize(env, index + 1, size, { write: true, zeroAllowed: true });
      if (maybeNull) env.state.frame.registers[index + 1] = register;
    } catch (fault) {
      if (!(fault instanceof Rejection)) throw fault;
      env.fail(fault.errno, `arg#${index} arg#${index + 1} memory, len pair leads to invalid memory access`);
    }
  }
  if (!hasSuffix(params[index + 1] as BtfParam, '__szk')) return;
  if (!size.isConst) env.fail('EINVAL', `R${index + 2} must be a known constant`);
  call.constant = Number(size.scalar.value);
}

/** Strings, work queues and saved interrupt flags. */
function checkInMap(env: Environment, call: KernelCall, argument: Argument, index: number, register: Register): void {
  const number = index + 1;
  if (argument === 'irqFlag') {
    if (register.kind !== 'stack') env.fail('EINVAL', `arg#${index} doesn't point to an irq flag on stack`);
    if (/save$/.test(call.target.name)) saveInterrupts(env, index, register);
    else restoreInterrupts(env, index, register);
    return;
  }
  if (argument === 'string') {
    if (register.kind !== 'mapValue') env.fail('EINVAL', `arg#${index} doesn't point to a const string`);
    return;
  }
  if (register.kind !== 'mapValue') env.fail('EINVAL', `arg#${index} doesn't point to a map value`);
  if (!register.scalar.isConst)
    env.fail('EINVAL', `R${number} doesn't have constant offset. bpf_wq has to be at the constant offset`);
  const where = env.recordOf(register)?.find(({ kind }) => kind === 'wq')?.offset;
  const value = register.offset + Number(register.constant);
  const name = register.shape?.name ?? '';
  if (where === undefined) env.fail('EINVAL', `map '${name}' has no valid bpf_wq`);
  if (where !== value) env.fail('EINVAL', `off ${value} doesn't point to 'struct bpf_wq' that is at ${where}`);
  call.map = register;
}
