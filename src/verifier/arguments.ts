import type { ArgumentKind, HelperArgument } from '../uapi/index.ts';
import { checkPointerOffset } from './access.ts';
import { structsMatch } from './btf-access.ts';
import { callbackProgram } from './callbacks.ts';
import { checkDynptrArgument, objectSlot } from './dynptr.ts';
import type { Environment } from './environment.ts';
import type { HelperCall } from './helper-call.ts';
import { checkMemory, checkSize } from './helper-memory.ts';
import { checkKptrDestination, checkKptrSource } from './kernel-pointers.ts';
import { checkAlignment, helperMayAccessPacket } from './memory-access.ts';
import { markSlotPrecise } from './precision.ts';
import type { MapShape } from './program.ts';
import { checkSpinLock } from './references.ts';
import { flag, type Kind, kindText, type Register } from './register.ts';
import { slotKinds } from './state.ts';
import { checkRead } from './transfer.ts';

/**
 * The arguments of a helper call against its prototype (kernel/bpf/verifier.c: check_func_arg, check_reg_type). What
 * is found on the way is gathered in a HelperCall.
 */
interface Place {
  readonly kind: Kind;
  readonly flags: number;
}

function at(kind: Kind, flags = 0): Place {
  return { kind, flags };
}

const sockets = [at('socketCommon'), at('socket'), at('tcpSocket'), at('xdpSocket')];
const memory = [
  at('stack'),
  at('packet'),
  at('packetMeta'),
  at('mapKey'),
  at('mapValue'),
  at('memory'),
  at('memory', flag.ringbuf),
  at('buffer'),
  at('btf', flag.trusted),
];
const onlyMapValue = [at('mapValue')];
const compatible: Readonly<Record<Exclude<ArgumentKind, 'anything'>, readonly Place[]>> = {
  constMapPtr: [at('map')],
  ptrToMapKey: memory,
  ptrToMapValue: memory,
  ptrToMem: memory,
  constSize: [at('scalar')],
  constSizeOrZero: [at('scalar')],
  constAllocSizeOrZero: [at('scalar')],
  ptrToCtx: [at('context')],
  ptrToSpinLock: [at('mapValue'), at('btf', flag.alloc)],
  ptrToSockCommon: sockets,
  ptrToSocket: [at('socket')],
  ptrToBtfId: [at('btf'), at('btf', flag.trusted), at('btf', flag.rcu)],
  ptrToRingbufMem: [at('memory', flag.ringbuf)],
  ptrToBtfIdSockCommon: [...sockets, at('btf'), at('btf', flag.trusted)],
  ptrToPercpuBtfId: [at('btf', flag.perCpu), at('btf', flag.perCpu | flag.rcu), at('btf', flag.perCpu | flag.trusted)],
  ptrToFunc: [at('function')],
  ptrToStack: [at('stack')],
  ptrToConstStr: onlyMapValue,
  ptrToTimer: onlyMapValue,
  kptrXchgDest: [at('mapValue'), at('btf', flag.alloc), at('btf', flag.alloc | flag.rcu)],
  ptrToDynptr: [at('stack'), at('dynptr')],
};

const socket: HelperArgument = { kind: 'ptrToBtfIdSockCommon' };

/** The value of a map of sockets is a socket (resolve_map_arg_type). */
function argumentOf(call: HelperCall, argument: HelperArgument): HelperArgument {
  const holdsSockets = argument.kind === 'ptrToMapValue' && /^sock(map|hash)$/.test(call.map?.shape?.type ?? '');
  return holdsSockets ? socket : argument;
}

export function checkArgument(env: Environment, call: HelperCall, number: number): void {
  const argument = argumentOf(call, call.args[number - 1] as HelperArgument);
  const register = checkRead(env, number);
  if (argument.kind === 'anything') return;
  if (register.isPacket && !(call.packetAccess && helperMayAccessPacket(env, false)))
    env.fail('EACCES', 'helper access to the packet is not allowed');
  if (!(register.isNull && argument.orNull)) {
    checkKind(env, call, number, register, argument);
    checkOffset(env, number, register, argument);
  }
  if (argument.release) {
    checkRelease(env, number, register, argument);
    call.releaseRegister = number;
  }
  if (register.referenceId && argument.kind !== 'kptrXchgDest') call.reference = register.referenceId;
  checkContent(env, call, number, register, argument);
}

const typeFlags = ~(flag.dynptrLocal | flag.dynptrRingbuf | flag.dynptrSkb | flag.dynptrXdp | flag.dynptrSkbMeta);

function checkKind(
  env: Environment,
  call: HelperCall,
  number: number,
  register: Register,
  argument: HelperArgument,
): void {
  const places = compatible[argument.kind as Exclude<ArgumentKind, 'anything'>];
  let flags = register.flags;
  if (argument.readOnly) flags &= ~flag.readOnly;
  if (argument.orNull) flags &= ~flag.maybeNull;
  if (argument.kind === 'ptrToMem') flags &= typeFlags;
  if (call.name === 'kptr_xchg' && number === 2 && register.flags & flag.alloc) flags &= ~(flag.alloc | flag.perCpu);
  if (!places.some((place) => place.kind === register.kind && place.flags === flags)) {
    const expected = places.map((place) => kindText(place.kind, place.flags)).join(', ');
    env.fail('EACCES', `R${number} type=${kindText(register.kind, register.flags)} expected=${expected}`);
  }
  if (register.kind === 'btf') checkStruct(env, call, number, register, argument, places === memory);
}

function checkStruct(
  env: Environment,
  call: HelperCall,
  number: number,
  register: Register,
  argument: HelperArgument,
  asMemory: boolean,
): void {
  if (asMemory) {
    if (argument.readOnly) return;
    const what = kindText(register.kind, register.flags);
    env.fail('EACCES', `bpf_${call.name}() may write into memory pointed by R${number} type=${what}`);
  }
  if (register.flags & flag.perCpu && argument.kind === 'ptrToPercpuBtfId') return;
  if (argument.kind === 'ptrToSpinLock' || argument.kind === 'kptrXchgDest') return;
  if (register.maybeNull && (!argument.orNull || argument.release))
    env.fail('EACCES', `Possibly NULL pointer passed to helper arg${number}`);
  if (call.name === 'kptr_xchg') {
    checkKptrSource(env, call.kptr, register, number);
    return;
  }
  const wanted = argument.struct ?? 'sock_common';
  checkBtfOffset(env, register, number);
  const strict = argument.release === true && call.name !== 'sk_release';
  if (!register.btf || structsMatch(register.btf, register.btfId, register.offset, wanted, strict)) return;
  env.fail('EACCES', `R${number} is of type ${register.btfName} but ${wanted} is expected`);
}

/** A typed pointer may stand at a fixed place within its struct. */
function checkBtfOffset(env: Environment, register: Register, number: number): void {
  checkPointerOffset(env, register, number, true);
}

const freeOffset: ReadonlySet<Kind> = new Set([
  'stack',
  'packet',
  'packetMeta',
  'mapKey',
  'mapValue',
  'memory',
  'buffer',
  'arena',
  'scalar',
]);

function checkOffset(env: Environment, number: number, register: Register, argument: HelperArgument): void {
  if (argument.release) {
    if (argument.kind === 'ptrToDynptr' && register.kind === 'stack') return;
    if (register.offset !== 0)
      env.fail('EINVAL', `R${number} must have zero offset when passed to release func or trusted arg to kfunc`);
  }
  if (freeOffset.has(register.kind)) return;
  checkPointerOffset(env, register, number, register.kind === 'btf');
}

function checkRelease(env: Environment, number: number, register: Register, argument: HelperArgument): void {
  if (argument.kind === 'ptrToDynptr') {
    if (register.kind !== 'stack') env.fail('EINVAL', 'cannot release unowned const bpf_dynptr');
    const index = objectSlot(env, register, 'dynptr', 2);
    const slot = index < 0 ? undefined : env.state.frames[register.frame]?.slot(index);
    if (!slot || slot.type(0) !== slotKinds.dynptr || !slot.register.referenceId)
      env.fail('EINVAL', `arg ${number} is an unacquired reference`);
  } else if (!register.referenceId && !register.isNull) {
    env.fail('EINVAL', `R${number} must be referenced when passed to release function`);
  }
}

/** What the kind of an argument asks of its value. */
function checkContent(
  env: Environment,
  call: HelperCall,
  number: number,
  register: Register,
  argument: HelperArgument,
): void {
  const { fills } = call;
  const write = argument.write === true;
  switch (argument.kind) {
    case 'constMapPtr':
      if (call.map && (call.map.shape !== register.shape || call.map.mapUid !== register.mapUid)) {
        env.fail(
          'EINVAL',
          `timer pointer in R1 map_uid=${call.map.mapUid} doesn't match map pointer in R2 map_uid=${register.mapUid}`,
        );
      }
      call.map = register;
      break;
    case 'ptrToMapKey':
      checkMemory(env, number, { size: call.map?.shape?.keySize ?? 0, write: false, zeroAllowed: false });
      if (/^(percpu_)?array$/.test(call.map?.shape?.type ?? '')) call.key = constantKey(env, register);
      break;
    case 'ptrToMapValue':
      if (register.isNull && argument.orNull) break;
      checkMemory(env, number, {
        size: call.map?.shape?.valueSize ?? 0,
        write,
        zeroAllowed: false,
        fills: argument.uninit && fills,
      });
      break;
    case 'ptrToMem':
      if (!argument.size) break;
      checkMemory(env, number, { size: argument.size, write, zeroAllowed: false, fills: argument.uninit && fills });
      if (argument.aligned) checkAlignment(env, register, number, 0, argument.size, true);
      break;
    case 'constSize':
    case 'constSizeOrZero': {
      const before = call.args[number - 2];
      call.most = checkSize(env, number - 1, register, {
        write: before?.write === true,
        zeroAllowed: argument.kind === 'constSizeOrZero',
        fills: before?.uninit && fills,
      });
      break;
    }
    case 'constAllocSizeOrZero':
      if (!register.isConst) env.fail('EACCES', `R${number} is not a known constant'`);
      call.allocated = Number(register.scalar.value);
      env.needsExact(number);
      break;
    case 'ptrToSpinLock':
      checkSpinLock(env, number, call.name === 'spin_lock');
      break;
    case 'ptrToTimer':
      checkTimer(env, call, number, register);
      break;
    case 'ptrToFunc':
      call.callback = callbackProgram(register);
      break;
    case 'ptrToPercpuBtfId':
      call.perCpu = register;
      break;
    case 'ptrToDynptr':
      checkDynptrArgument(env, number, {
        fresh: argument.uninit ? argument.dynptr : undefined,
        wanted: argument.dynptr,
        readOnly: argument.readOnly === true,
        reference: call.reference,
      });
      call.dynptr = dynptrOf(env, register);
      break;
    case 'ptrToConstStr':
      checkString(env, number, register);
      break;
    case 'kptrXchgDest':
      call.kptr = checkKptrDestination(env, number, register);
      break;
    default:
  }
}

/** What is known of the dynptr that a register leads to. */
function dynptrOf(env: Environment, register: Register): Register | undefined {
  if (register.kind === 'dynptr') return register;
  const frame = env.state.frames[register.frame];
  return frame?.slot((-(register.offset + Number(register.constant)) - 1) >> 3).register;
}

/** Four or eight bytes on the stack that are one known number (get_constant_map_key). */
function constantKey(env: Environment, register: Register): number | undefined {
  const frame = register.kind === 'stack' ? env.state.frames[register.frame] : undefined;
  if (!frame || !register.scalar.isConst) return undefined;
  const from = -(register.offset + Number(register.constant)) - 1;
  const slot = frame.slot(from >> 3);
  const bytes = [0, 1, 2, 3].map((each) => slot.type((from & 7) - each));
  if ((from & 7) >= 3 && bytes.every((kind) => kind === slotKinds.zero)) return 0;
  const isSpilled = (from & 7) === 7 && bytes.every((kind) => kind === slotKinds.spill);
  if (!isSpilled || !slot.register.isConst || slot.type(3) === slotKinds.spill) return undefined;
  markSlotPrecise(env, frame.number, from >> 3);
  return Number(slot.register.scalar.value);
}

function checkTimer(env: Environment, call: HelperCall, number: number, register: Register): void {
  if (!register.scalar.isConst)
    env.fail('EINVAL', `R${number} doesn't have constant offset. bpf_timer has to be at the constant offset`);
  const shape = register.shape as MapShape;
  const where = shape.timer;
  const value = register.offset + Number(register.constant);
  if (where === undefined) {
    const why = shape.btf ? 'has no valid bpf_timer' : 'has to have BTF in order to use bpf_timer';
    env.fail('EINVAL', `map '${shape.name ?? ''}' ${why}`);
  }
  if (where !== value) env.fail('EINVAL', `off ${value} doesn't point to 'struct bpf_timer' that is at ${where}`);
  call.map = register;
}

/** A string that cannot change and ends within its map's value (check_reg_const_str). */
function checkString(env: Environment, number: number, register: Register): void {
  if (register.kind !== 'mapValue') return;
  const shape = register.shape as MapShape;
  if (!shape.frozen) env.fail('EACCES', `R${number} does not point to a readonly map'`);
  if (!register.scalar.isConst) env.fail('EACCES', `R${number} is not a constant address'`);
  if (shape.type !== 'array') env.fail('EACCES', 'no direct value access support for this map type');
  const from = register.offset + Number(register.constant);
  checkMemory(env, number, { size: shape.valueSize - register.offset, write: false, zeroAllowed: false });
  if (!shape.frozen.subarray(from).includes(0)) env.fail('EINVAL', 'string is not zero-terminated');
}
