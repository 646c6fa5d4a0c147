import { helperAllowed, helperById, type MapType, mapTypes } from '../uapi/index.ts';
import { changesPacket, maxStack } from './control-flow.ts';
import type { Environment } from './environment.ts';
import {
  checkAlignment,
  checkMapFlags,
  checkMapRange,
  checkPacket,
  checkPointerOffset,
  checkRange,
  growStack,
  helperMayAccessPacket,
  stackRange,
} from './memory-access.ts';
import { markPrecise, markSlotPrecise } from './precision.ts';
import { type Argument, prototypeOf } from './prototypes.ts';
import {
  flag,
  type Kind,
  kindText,
  pointer,
  type Register,
  scalarRegister,
  uninitialised,
  unknownScalar,
} from './register.ts';
import { unknown } from './scalar.ts';
import { markRead, writeFixed } from './stack-access.ts';
import { Frame, slotKinds } from './state.ts';
import { checkRead } from './transfer.ts';

/** Calls of helpers by their prototypes, and of the program's own functions (check_helper_call, check_func_call). */
const memoryKinds: readonly Kind[] = ['stack', 'packet', 'packetMeta', 'mapKey', 'mapValue', 'memory', 'buffer'];
const memoryText = 'fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_';
const accepted: Readonly<Record<string, readonly [kinds: readonly Kind[], text: string]>> = {
  map: [['map'], 'map_ptr'],
  ctx: [['context'], 'ctx'],
  sockCommon: [['socketCommon', 'socket', 'tcpSocket', 'xdpSocket'], 'sock_common, sock, tcp_sock, xdp_sock'],
  btfSockCommon: [
    ['socketCommon', 'socket', 'tcpSocket', 'xdpSocket'],
    'sock_common, sock, tcp_sock, xdp_sock, ptr_, trusted_ptr_',
  ],
  sock: [['socket'], 'sock'],
  spinLock: [['mapValue'], 'map_value, ptr_'],
  timer: [['mapValue'], 'map_value'],
  ringbufMem: [['memory'], 'ringbuf_mem'],
  stack: [['stack'], 'fp'],
  string: [['mapValue'], 'map_value'],
};

interface Call {
  readonly id: number;
  readonly name: string;
  map: Register | undefined;
  /** The reference that an argument hands back. */
  released: number;
  memory: { number: number; argument: Argument } | undefined;
  allocated: number;
  /** A key on the stack that is known. */
  key: number | undefined;
  /** The most bytes that a size argument may say. */
  most: number | undefined;
  readonly writes: { number: number; size: number }[];
}

export function callHelper(env: Environment): void {
  const { slots, slot, program } = env;
  const id = slots.imm[slot] as number;
  const info = helperById(id);
  const shown = `${info ? `bpf_${info.name}` : 'unknown'}#${id}`;
  if (!info) env.fail('EINVAL', `invalid func ${shown}`);
  const prototype = prototypeOf(id, program.type);
  if (!helperAllowed(info.name, program.type) || !prototype) {
    env.fail('EINVAL', `program of this type cannot use helper ${shown}`);
  }
  const license = program.license ?? 'GPL';
  if (info.gpl && !/^(GPL|GPL v2|GPL and additional rights|Dual BSD\/GPL|Dual MIT\/GPL|Dual MPL\/GPL)$/.test(license)) {
    env.fail('EINVAL', 'cannot call GPL-restricted function from non-GPL compatible program');
  }
  env.helper = info.name;
  const call: Call = {
    id,
    name: info.name,
    map: undefined,
    released: 0,
    memory: undefined,
    allocated: 0,
    most: undefined,
    key: undefined,
    writes: [],
  };
  for (const [index, argument] of prototype.args.entries()) checkArgument(env, call, index + 1, argument);
  checkMapOfHelper(env, call, shown);
  if (env.state.lock && info.name !== 'spin_unlock' && info.name !== 'spin_lock') {
    env.fail('EINVAL', 'function calls are not allowed while holding a lock');
  }
  for (const { number, size } of call.writes) clobber(env, number, size);
  if (call.released) release(env, call);
  if (info.name === 'tail_call') checkNothingHeld(env, 'tail_call');
  if (info.name === 'tail_call') markTarget(env, call);
  if (info.name === 'get_local_storage' && !env.register(2).isNull)
    env.fail('EINVAL', "get_local_storage() doesn't support non-zero flags");
  lock(env, call);
  const from = env.register(1).referenceId;
  forgetCallerSaved(env);
  env.setRegister(0, resultOf(env, call, prototype.result, prototype.resultBtf, from));
  if (changesPacket(id)) forgetPacket(env);
  env.slot++;
}

export function forgetCallerSaved(env: Environment): void {
  for (let number = 0; number <= 5; number++) env.frame.registers[number] = uninitialised;
}

function forgetPacket(env: Environment): void {
  env.state.mapRegisters((register) => (register.isPacket || register.kind === 'packetEnd' ? unknownScalar : register));
}

function checkArgument(env: Environment, call: Call, number: number, argument: Argument): void {
  const register = checkRead(env, number);
  let { kind } = argument;
  if (kind === 'any') return;
  const orNull = kind.endsWith('OrNull');
  if (orNull) {
    kind = kind.slice(0, -6);
    if (register.isNull) {
      if (kind.startsWith('mem')) call.memory = { number, argument };
      return;
    }
  }
  if (kind === 'size' || kind === 'sizeOrZero') {
    checkSize(env, call, number, kind === 'sizeOrZero' || false, orNull);
    return;
  }
  if (kind === 'allocSize') {
    if (!register.isConst) env.fail('EACCES', `R${number} is not a known constant'`);
    call.allocated = Number(register.scalar.value);
    markPrecise(env, number);
    return;
  }
  const isMemory = /^(mem|key|value|fixed)/.test(kind);
  const [kindsAllowed, text] = isMemory
    ? [memoryKinds, memoryText]
    : (accepted[kind] ?? [[], argument.btf ? 'ptr_' : kind]);
  const isBtf =
    register.kind === 'btf' &&
    (register.btfName === argument.btf || (kind === 'btfSockCommon' && /sock/.test(register.btfName)));
  if (isBtf && !register.maybeNull && !argument.releases) return;
  const allowsNull = orNull && register.maybeNull && kindsAllowed.includes(register.kind);
  if (!kindsAllowed.includes(register.kind) || (register.maybeNull && !allowsNull)) {
    env.fail('EACCES', `R${number} type=${kindText(register.kind, register.flags)} expected=${text}`);
  }
  if (kind === 'ringbufMem' && !(register.flags & flag.ringbuf)) {
    env.fail('EACCES', `R${number} type=${kindText(register.kind, register.flags)} expected=${text}`);
  }
  if (argument.releases) {
    if (register.offset !== 0 || !register.scalar.isConst) {
      env.fail('EINVAL', `R${number} must have zero offset when passed to release func or trusted arg to kfunc`);
    }
    if (register.referenceId === 0) env.fail('EINVAL', `R${number} must be referenced when passed to release function`);
    call.released = register.referenceId;
  }
  if (kind === 'ctx' || kind.toLowerCase().includes('sock')) checkPointerOffset(env, register, number);
  if (kind === 'map') call.map = register;
  else if (kind === 'key') {
    touch(env, number, call.map?.shape?.keySize ?? 0, false, false);
    call.key = constantKey(env, register);
  } else if (kind === 'value' || kind === 'valueOut')
    touch(env, number, call.map?.shape?.valueSize ?? 0, kind === 'valueOut', false, call);
  else if (kind === 'fixedOut') {
    checkAlignment(env, register, number, 0, argument.size, true);
    touch(env, number, argument.size, true, false, call);
  } else if (kind.startsWith('fixed')) touch(env, number, argument.size, kind === 'fixedOut', false, call);
  else if (kind.startsWith('mem')) call.memory = { number, argument };
}

function checkSize(env: Environment, call: Call, number: number, zeroAllowed: boolean, _orNull: boolean): void {
  const size = env.register(number);
  const memory = call.memory;
  if (!size.isScalar) env.fail('EACCES', `R${number} type=${kindText(size.kind, size.flags)} expected=scalar`);
  const { scalar } = size;
  if (scalar.smin < 0n) env.fail('EACCES', `R${number} min value is negative, either use unsigned or 'var &= const'`);
  if (scalar.umin === 0n && !zeroAllowed) {
    env.fail('EACCES', `R${number} invalid zero-sized read: u64=[${scalar.umin},${scalar.umax}]`);
  }
  if (scalar.umax >= 1n << 29n) {
    env.fail('EACCES', `R${number} unbounded memory access, use 'var &= const' or 'if (var < const)'`);
  }
  if (!memory) return;
  const most = Number(scalar.umax);
  call.most = most;
  const pointed = env.register(memory.number);
  if (pointed.isNull) {
    if (most !== 0) env.fail('EACCES', `R${memory.number} type=scalar expected=${memoryText}`);
    return;
  }
  if (pointed.maybeNull && most !== 0) {
    env.fail('EACCES', `R${memory.number} type=${kindText(pointed.kind, pointed.flags)} expected=${memoryText}`);
  }
  const writes = memory.argument.kind.startsWith('memOut') || memory.argument.kind.startsWith('memWrite');
  touch(env, memory.number, most, writes, zeroAllowed, scalar.isConst ? call : undefined);
  markPrecise(env, number);
  if (!scalar.isConst && writes) call.writes.push({ number: memory.number, size: most });
}

/** Four bytes on the stack that are one known number (get_constant_map_key). */
function constantKey(env: Environment, register: Register): number | undefined {
  const frame = register.kind === 'stack' ? env.state.frames[register.frame] : undefined;
  if (!frame || !register.scalar.isConst) return undefined;
  const at = -(register.offset + Number(register.constant)) - 1;
  const slot = frame.slot(at >> 3);
  const bytes = [0, 1, 2, 3].map((each) => slot.type((at & 7) - each));
  if ((at & 7) >= 3 && bytes.every((kind) => kind === slotKinds.zero)) return 0;
  const isSpilled = (at & 7) === 7 && bytes.every((kind) => kind === slotKinds.spill);
  if (!isSpilled || !slot.register.isConst || slot.type(3) === slotKinds.spill) return undefined;
  markSlotPrecise(env, frame.number, at >> 3);
  return Number(slot.register.scalar.value);
}

/** An array has a value for every index below its size, so such a look-up never fails. */
function isPresent(call: Call): boolean {
  const shape = call.map?.shape;
  const isArray = shape?.type === 'array' || shape?.type === 'percpu_array';
  return isArray && call.name === 'map_lookup_elem' && call.key !== undefined && call.key < shape.maxEntries;
}

/** Helpers that take packet memory (struct bpf_func_proto: pkt_access). */
const packetTakers =
  /^(csum_diff|map_(delete|lookup|push|update|lookup_percpu)_elem|skc?_lookup_(tcp|udp)|sock_(hash|map)_update|tcp_(raw_)?(check|gen)_syncookie(_ipv[46])?)$/;

/** Memory that a helper reads or writes (check_helper_mem_access). */
function touch(
  env: Environment,
  number: number,
  size: number,
  write: boolean,
  zeroAllowed: boolean,
  call?: Call,
): void {
  const register = env.register(number);
  switch (register.kind) {
    case 'packet':
    case 'packetMeta':
      if (!packetTakers.test(env.helper) || !helperMayAccessPacket(env, write))
        env.fail('EACCES', 'helper access to the packet is not allowed');
      checkPacket(env, number, 0, size, zeroAllowed);
      break;
    case 'mapKey':
      if (write) env.fail('EACCES', `R${number} cannot write into map_key`);
      checkRange(env, register, number, 0, size, register.shape?.keySize ?? 0, zeroAllowed);
      break;
    case 'mapValue':
      checkMapFlags(env, register, register.offset, size, write);
      checkMapRange(env, number, 0, size, zeroAllowed);
      break;
    case 'memory':
      if (write && register.flags & flag.readOnly)
        env.fail('EACCES', `R${number} cannot write into ${kindText(register.kind, register.flags)}`);
      checkRange(env, register, number, 0, size, register.size, zeroAllowed);
      break;
    case 'stack': {
      if (size === 0 && zeroAllowed) break;
      const { min } = stackRange(env, number, 0, size, write ? 'write to' : 'read from');
      growStack(env, register.frame, Math.max(min, -maxStack));
      if (write) call?.writes.push({ number, size });
      else if (env.state.frames[register.frame]) {
        const most = register.offset + Number(register.scalar.smax) + size;
        markRead(env, env.state.frames[register.frame] as Frame, min, most);
      }
      break;
    }
    case 'scalar':
      if (register.isNull && size === 0 && zeroAllowed) break;
      env.fail('EACCES', `R${number} type=scalar expected=fp`);
      break;
    default:
      env.fail('EACCES', `R${number} type=${kindText(register.kind, register.flags)} expected=${memoryText}`);
  }
}

/** What a helper wrote on the stack is not known any more. */
function clobber(env: Environment, number: number, size: number): void {
  const register = env.register(number);
  const frame = register.kind === 'stack' ? env.state.frames[register.frame] : undefined;
  if (!frame) return;
  const from = register.offset + Number(register.scalar.smin);
  const to = register.offset + Number(register.scalar.smax) + size;
  for (let offset = from; offset < to; offset++) writeFixed(env, frame, offset, 1, undefined);
}

const mapHelpers: Readonly<Record<string, readonly MapType[]>> = {
  map_lookup_elem: [
    'hash',
    'array',
    'percpu_hash',
    'percpu_array',
    'lru_hash',
    'lru_percpu_hash',
    'lpm_trie',
    'array_of_maps',
    'hash_of_maps',
    'sockmap',
    'sockhash',
    'xskmap',
  ],
  tail_call: ['prog_array'],
  perf_event_output: ['perf_event_array'],
  perf_event_read: ['perf_event_array'],
  perf_event_read_value: ['perf_event_array'],
  get_stackid: ['stack_trace'],
  get_local_storage: ['cgroup_storage', 'percpu_cgroup_storage'],
  sk_storage_get: ['sk_storage'],
  sk_storage_delete: ['sk_storage'],
  ringbuf_output: ['ringbuf'],
  ringbuf_reserve: ['ringbuf'],
  ringbuf_query: ['ringbuf'],
  sk_select_reuseport: ['reuseport_sockarray', 'sockmap', 'sockhash'],
  redirect_map: ['devmap', 'devmap_hash', 'cpumap', 'xskmap'],
  sk_redirect_map: ['sockmap'],
  msg_redirect_map: ['sockmap'],
  sock_map_update: ['sockmap'],
  sk_redirect_hash: ['sockhash'],
  msg_redirect_hash: ['sockhash'],
  sock_hash_update: ['sockhash'],
  map_push_elem: ['queue', 'stack', 'bloom_filter'],
  map_pop_elem: ['queue', 'stack'],
  map_peek_elem: ['queue', 'stack', 'bloom_filter'],
  skb_under_cgroup: ['cgroup_array'],
  current_task_under_cgroup: ['cgroup_array'],
};
/** Maps that no program reaches with update or delete, or only through helpers of their own. */
const closedMaps: ReadonlySet<MapType> = new Set([
  'prog_array',
  'perf_event_array',
  'stack_trace',
  'cgroup_array',
  'cgroup_storage',
  'percpu_cgroup_storage',
  'ringbuf',
  'user_ringbuf',
  'queue',
  'stack',
  'bloom_filter',
  'sk_storage',
  'inode_storage',
  'task_storage',
  'cgrp_storage',
  'devmap',
  'devmap_hash',
  'cpumap',
  'xskmap',
  'reuseport_sockarray',
  'array_of_maps',
  'hash_of_maps',
  'struct_ops',
]);

function checkMapOfHelper(env: Environment, call: Call, shown: string): void {
  const shape = call.map?.shape;
  if (!shape) return;
  const wanted = mapHelpers[call.name];
  const closed = (call.name === 'map_update_elem' || call.name === 'map_delete_elem') && closedMaps.has(shape.type);
  if (closed || (wanted && !wanted.includes(shape.type))) {
    env.fail('EINVAL', `cannot pass map_type ${mapNumber(shape.type)} into func ${shown}`);
  }
  const flags = shape.flags ?? 0;
  if (/^map_(update|delete|push|pop)_elem$/.test(call.name) && flags & 128)
    env.fail('EACCES', 'write into map forbidden');
}

function mapNumber(type: MapType): number {
  return mapTypes[type];
}

/** A known index decides which program is jumped to. */
function markTarget(env: Environment, call: Call): void {
  const index = env.register(3);
  if (index.isConst && index.scalar.value < BigInt(call.map?.shape?.maxEntries ?? 0)) markPrecise(env, 3);
}

function release(env: Environment, call: Call): void {
  const { released } = call;
  if (!env.state.references.some(({ id }) => id === released))
    env.fail('EINVAL', `function release of unknown reference ${released}`);
  env.state.references = env.state.references.filter(({ id }) => id !== released);
  env.state.mapRegisters((register) => (register.referenceId === released ? unknownScalar : register));
}

export function checkNothingHeld(env: Environment, what: string): void {
  const { references, lock: held } = env.state;
  if (held) env.fail('EINVAL', `${what} cannot be used inside bpf_spin_lock-ed region`);
  if (references.length === 0) return;
  for (const { id, slot } of references) env.say(`Unreleased reference id=${id} alloc_insn=${slot}`);
  env.fail('EINVAL', `${what} would lead to reference leak`);
}

function lock(env: Environment, call: Call): void {
  if (call.name !== 'spin_lock' && call.name !== 'spin_unlock') return;
  const register = env.register(1);
  const at = register.offset + Number(register.constant);
  if (!register.scalar.isConst)
    env.fail('EINVAL', "R1 doesn't have constant offset. bpf_spin_lock has to be at the constant offset");
  const where = register.shape?.spinLock;
  if (where === undefined) env.fail('EINVAL', "map '' has no valid bpf_spin_lock");
  if (where !== at) env.fail('EINVAL', `off ${at} doesn't point to 'struct bpf_spin_lock' that is at ${where}`);
  if (call.name === 'spin_lock') {
    if (env.state.lock) env.fail('EINVAL', 'Locking two bpf_spin_locks are not allowed');
    env.state.lock = { id: register.id, mapUid: register.mapUid, slot: env.slot };
    return;
  }
  if (!env.state.lock) env.fail('EINVAL', 'bpf_spin_unlock without taking a lock');
  if (env.state.lock?.id !== register.id) env.fail('EINVAL', 'bpf_spin_unlock of different lock');
  env.state.lock = undefined;
}

function resultOf(env: Environment, call: Call, result: string, btf: string, from: number): Register {
  if (result === 'int') return boundedResult(call);
  if (result === 'void') return uninitialised;
  const named = result.endsWith('OrNull');
  const orNull = named && !isPresent(call);
  const kindsOfResult: Readonly<Record<string, Kind>> = {
    mapValue: 'mapValue',
    sock: 'socket',
    sockCommon: 'socketCommon',
    tcpSock: 'tcpSocket',
    ringbufMem: 'memory',
    btf: 'btf',
  };
  const kind = kindsOfResult[named ? result.slice(0, -6) : result];
  if (!kind) return env.fail('EINVAL', `result of bpf_${call.name} is not judged yet`);
  const register = pointer(kind, orNull ? flag.maybeNull : 0);
  if (kind === 'mapValue') {
    const shape = call.map?.shape;
    if (shape?.inner) register.kind = 'map';
    register.shape = shape?.inner ?? shape;
    register.mapUid = shape?.inner ? env.freshId() : (call.map?.mapUid ?? 0);
  }
  if (kind === 'memory') {
    register.flags |= flag.ringbuf;
    register.size = call.allocated;
  }
  register.btfName = btf;
  const sockets = call.map?.shape?.type;
  const isLookup = call.name === 'map_lookup_elem';
  if (isLookup && (sockets === 'sockmap' || sockets === 'sockhash')) register.kind = 'socket';
  if (isLookup && sockets === 'xskmap') register.kind = 'xdpSocket';
  if (register.kind === 'socket' || register.kind === 'xdpSocket') register.shape = undefined;
  const acquires =
    (isLookup && register.kind === 'socket') ||
    /^(sk_lookup_tcp|sk_lookup_udp|skc_lookup_tcp|ringbuf_reserve)$/.test(call.name);
  if (acquires) {
    register.id = env.freshId();
    register.referenceId = register.id;
    env.state.references = [...env.state.references, { id: register.id, slot: env.slot }];
  } else if (orNull || register.shape?.spinLock !== undefined) register.id = env.freshId();
  if (/^(sk_fullsock|tcp_sock|skc_to_.*)$/.test(call.name)) register.referenceId = from;
  return register;
}

/** A few helpers promise a range. */
function boundedResult(call: Call): Register {
  if (!/^(get_stack|get_task_stack|probe_read_str|probe_read_kernel_str|probe_read_user_str)$/.test(call.name))
    return unknownScalar;
  const scalar = unknown.draft();
  const { most } = call;
  scalar.smin = -4095n;
  scalar.smin32 = -4095;
  if (most !== undefined) {
    scalar.smax = BigInt(most);
    scalar.smax32 = most;
  }
  return scalarRegister(scalar.settle());
}

const maxFrames = 8;

export function callLocal(env: Environment): void {
  const { state, slot } = env;
  const target = slot + 1 + (env.slots.imm[slot] as number);
  if (state.frames.length >= maxFrames)
    env.fail('E2BIG', `the call stack of ${state.frames.length + 1} frames is too deep`);
  if (state.lock) env.fail('EINVAL', 'function calls are not allowed while holding a lock');
  const caller = state.frame;
  const callee = new Frame(slot, state.frames.length, env.subprogramAt(target));
  for (let number = 1; number <= 5; number++) callee.registers[number] = caller.register(number);
  callee.registers[10] = pointer('stack').draft();
  (callee.registers[10] as Register).frame = callee.number;
  forgetCallerSaved(env);
  state.frames.push(callee);
  env.slot = target;
  if (!env.log.detailed) return;
  env.say('caller:');
  env.sayFrame(callee.number - 1);
  env.say('callee:');
  env.sayFrame(callee.number);
  env.scratchAll();
}

/** Leaves a function; its r0 goes to the caller. */
export function returnLocal(env: Environment): void {
  const { state } = env;
  const callee = state.frame;
  const result = callee.register(0);
  if (result.kind === 'stack') env.fail('EINVAL', 'cannot return stack pointer to the caller');
  state.frames.pop();
  state.frame.registers[0] = result;
  env.slot = callee.callSite + 1;
  if (!env.log.detailed) return;
  env.say('returning from callee:');
  state.frames.push(callee);
  env.sayFrame(callee.number);
  state.frames.pop();
  env.say(`to caller at ${env.slot}:`);
  env.sayFrame(state.depth);
}
