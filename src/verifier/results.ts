import type { HelperReturn, ReturnKind } from '../uapi/index.ts';
import { sliceOf } from './dynptr.ts';
import type { Environment } from './environment.ts';
import type { HelperCall } from './helper-call.ts';
import { typeOfKptr } from './kernel-pointers.ts';
import { nameOf } from './record-fields.ts';
import { flag, type Kind, pointer, type Register, scalarRegister, uninitialised, unknownScalar } from './register.ts';
import { unknown } from './scalar.ts';

/** What a helper gives back in r0 (kernel/bpf/verifier.c: check_helper_call, from the return type on). */
const kindOf: Readonly<Partial<Record<ReturnKind, Kind>>> = {
  ptrToMapValue: 'mapValue',
  ptrToSocket: 'socket',
  ptrToTcpSock: 'tcpSocket',
  ptrToSockCommon: 'socketCommon',
  ptrToRingbufMem: 'memory',
  ptrToDynptrMem: 'memory',
  ptrToBtfId: 'btf',
};

const casts: ReadonlySet<string> = new Set([
  'tcp_sock',
  'sk_fullsock',
  'skc_to_tcp_sock',
  'skc_to_tcp6_sock',
  'skc_to_udp6_sock',
  'skc_to_mptcp_sock',
  'skc_to_tcp_timewait_sock',
  'skc_to_tcp_request_sock',
]);
const acquirers: ReadonlySet<string> = new Set([
  'sk_lookup_tcp',
  'sk_lookup_udp',
  'skc_lookup_tcp',
  'ringbuf_reserve',
  'kptr_xchg',
]);

export function resultOf(env: Environment, call: HelperCall, returns: HelperReturn): Register {
  if (returns.kind === 'integer') return boundedNumber(call);
  if (returns.kind === 'void') return uninitialised;
  const register = plainResult(env, call, returns);
  if (register.maybeNull || (register.kind === 'mapValue' && register.shape?.spinLock !== undefined))
    register.id = env.freshId();
  if (casts.has(call.name)) {
    register.referenceId = call.reference;
  } else if (acquirers.has(call.name) || (call.name === 'map_lookup_elem' && isSocketMap(call))) {
    const id = env.acquire();
    register.id = id;
    register.referenceId = id;
  }
  return register;
}

function isSocketMap(call: HelperCall): boolean {
  const type = call.map?.shape?.type;
  return type === 'sockmap' || type === 'sockhash';
}

function plainResult(env: Environment, call: HelperCall, returns: HelperReturn): Register {
  const orNull = returns.orNull && !isPresent(call) ? flag.maybeNull : 0;
  if (returns.kind === 'ptrToMemOrBtfId') return perCpuResult(call, orNull);
  if (returns.kind === 'ptrToDynptrMem') return sliceOf(call.dynptr, call.allocated, orNull);
  const register = pointer(kindOf[returns.kind] ?? 'scalar', orNull | (returns.trusted ? flag.trusted : 0));
  if (returns.kind === 'ptrToRingbufMem') {
    register.flags |= flag.ringbuf;
    register.size = call.allocated;
  } else if (returns.kind === 'ptrToMapValue') {
    register.shape = call.map?.shape;
    register.mapUid = call.map?.mapUid ?? 0;
  } else if (register.kind === 'btf') {
    asKernelStruct(env, call, returns, register);
  }
  return register;
}

function asKernelStruct(env: Environment, call: HelperCall, returns: HelperReturn, register: Register): void {
  if (call.name === 'kptr_xchg' && call.kptr) {
    const target = typeOfKptr(env, call.kptr, env.program.btf);
    register.btf = target.btf;
    register.btfId = target.btfId;
    register.btfName = call.kptr.struct;
    if (target.btf !== env.program.kernel)
      register.flags |= flag.alloc | (call.kptr.kind === 'perCpuKptr' ? flag.perCpu : 0);
    return;
  }
  env.nameKernelType(register, returns.struct ?? '');
}

/** A per-CPU variable on one CPU: a struct by its type, anything else as bytes. */
function perCpuResult(call: HelperCall, orNull: number): Register {
  const variable = call.perCpu;
  const btf = variable?.btf;
  if (!variable || !btf) return unknownScalar;
  const type = btf.strip(variable.btfId);
  const { kind } = btf.type(type);
  if (kind !== 'struct' && kind !== 'union') {
    const bytes = pointer('memory', flag.readOnly | orNull);
    bytes.size = btf.sizeOf(type);
    return bytes;
  }
  const isLocal = (variable.flags & flag.rcu) !== 0;
  const register = pointer('btf', orNull | (isLocal ? flag.alloc | flag.rcu : 0));
  register.btf = btf;
  register.btfId = type;
  register.btfName = nameOf(btf, type);
  return register;
}

/** An array has a value for every index below its size, so such a look-up never fails. */
function isPresent(call: HelperCall): boolean {
  const shape = call.map?.shape;
  const isArray = shape?.type === 'array' || shape?.type === 'percpu_array';
  return isArray && call.name === 'map_lookup_elem' && call.key !== undefined && call.key < shape.maxEntries;
}

const bounded: ReadonlySet<string> = new Set([
  'get_stack',
  'get_task_stack',
  'probe_read_str',
  'probe_read_kernel_str',
  'probe_read_user_str',
]);

/** A few helpers promise a range: an error, or no more than the size that was given (do_refine_retval_range). */
function boundedNumber(call: HelperCall): Register {
  if (!bounded.has(call.name)) return unknownScalar;
  const scalar = unknown.draft();
  scalar.smin = -4095n;
  scalar.smin32 = -4095;
  if (call.most !== undefined) {
    scalar.smax = BigInt(call.most);
    scalar.smax32 = call.most;
  }
  return scalarRegister(scalar.settle());
}
