import { type MapType, mapFlags, mapTypes } from '../uapi/index.ts';
import { type Access, checkPointerOffset } from './access.ts';
import { extend } from './arithmetic.ts';
import { accessBtf } from './btf-access.ts';
import { contextAccess, socketAccess, socketCommonAccess, tcpSocketAccess, xdpSocketAccess } from './context.ts';
import { maxStack } from './control-flow.ts';
import type { Environment } from './environment.ts';
import { checkFields, checkKptrSource, loadedKptr } from './kernel-pointers.ts';
import { programFlagsOf } from './program.ts';
import type { RecordField } from './record-fields.ts';
import { constantRegister, flag, kindText, pointer, type Register, scalarRegister, unknownScalar } from './register.ts';
import { s64Min, unsignedOf } from './scalar.ts';
import { readFixed, readVariable, writeFixed, writeVariable } from './stack-access.ts';
import { tnumText } from './tnum.ts';
import { isTyped, typedContextAccess } from './typed-context.ts';

/**
 * One load or store: which memory the pointer leads to, whether all of it that may be touched is allowed and aligned,
 * and what a load gives (kernel/bpf/verifier.c: check_mem_access).
 */

/** Judges an access and returns what a load gives; an unknown number for a store. */
export function accessMemory(env: Environment, access: Access): Register {
  const pointed = env.register(access.base);
  checkAlignment(env, pointed, access.base, access.offset, access.size, access.atomic ?? false);
  const loaded = accessRegion(env, pointed, access);
  if (access.write || !loaded.isScalar) return loaded;
  if (access.signed) return scalarRegister(extend(loaded.scalar, access.size as 1 | 2 | 4, 64));
  return loaded;
}

function number(size: number): Register {
  return size === 8 ? unknownScalar : scalarRegister(unsignedOf(size as 1 | 2 | 4));
}

function accessRegion(env: Environment, pointed: Register, access: Access): Register {
  const { base, size, write } = access;
  const offset = pointed.offset + access.offset;
  switch (pointed.kind) {
    case 'mapKey':
      if (write) env.fail('EACCES', `write to change key R${base} not allowed`);
      checkRange(env, pointed, access.base, access.offset, size, pointed.shape?.keySize ?? 0, false);
      return number(size);
    case 'mapValue':
      return accessMapValue(env, pointed, access);
    case 'memory':
      if (pointed.maybeNull) return invalidAccess(env, pointed, base);
      if (write && pointed.flags & flag.readOnly)
        env.fail('EACCES', `R${base} cannot write into ${kindText(pointed.kind, pointed.flags)}`);
      // Memory of which nothing is known is read through a guarded load.
      if (!(pointed.flags & flag.untrusted)) checkRange(env, pointed, base, access.offset, size, pointed.size, false);
      return number(size);
    case 'context':
      return accessContext(env, pointed, access);
    case 'stack':
      return accessStack(env, pointed, access);
    case 'packet':
    case 'packetMeta':
      if (write && !mayWritePacket(env)) env.fail('EACCES', 'cannot write into packet');
      checkPacket(env, base, access.offset, size, false);
      return number(size);
    case 'flowKeys':
      if (offset < 0 || offset + size > 56)
        env.fail('EACCES', `invalid access to flow keys off=${offset} size=${size}`);
      return number(size);
    case 'socket':
    case 'socketCommon':
    case 'tcpSocket':
    case 'xdpSocket':
      return accessSocket(env, pointed, access);
    case 'traceBuffer':
    case 'buffer':
      return accessBuffer(env, pointed, access);
    case 'btf':
      return pointed.maybeNull ? invalidAccess(env, pointed, base) : accessBtf(env, pointed, access);
    case 'map':
      return accessMapObject(env, pointed, access);
    default:
      return invalidAccess(env, pointed, base);
  }
}

function invalidAccess(env: Environment, pointed: Register, base: number): never {
  const name = pointed.kind === 'scalar' ? 'scalar' : kindText(pointed.kind, pointed.flags);
  return env.fail('EACCES', `R${base} invalid mem access '${name}'`);
}

function accessMapValue(env: Environment, pointed: Register, access: Access): Register {
  const { base, size, write } = access;
  if (pointed.maybeNull) return invalidAccess(env, pointed, base);
  const offset = pointed.offset + access.offset;
  checkMapFlags(env, pointed, offset, size, write);
  const field = checkMapRange(env, base, access.offset, size, false, true);
  if (field) return accessKptr(env, pointed, access, field);
  const frozen = pointed.shape?.frozen;
  if (frozen && !write && pointed.scalar.isConst && size <= 8)
    return frozenValue(frozen, offset + Number(pointed.constant), size);
  return number(size);
}

function frozenValue(bytes: Uint8Array, offset: number, size: number): Register {
  let value = 0n;
  for (let each = size - 1; each >= 0; each--) value = (value << 8n) | BigInt(bytes[offset + each] ?? 0);
  return constantRegister(value);
}

export function checkMapFlags(env: Environment, pointed: Register, offset: number, size: number, write: boolean): void {
  const { shape } = pointed;
  const flags = shape ? programFlagsOf(shape) : 0;
  const forbidden = write ? (flags & mapFlags.readOnlyProgram) !== 0 : (flags & mapFlags.writeOnlyProgram) !== 0;
  if (!forbidden) return;
  const what = write ? 'write into' : 'read from';
  env.fail('EACCES', `${what} map forbidden, value_size=${shape?.valueSize} off=${offset} size=${size}`);
}

/** Bounds of a map value, and its lock and timer, which only helpers touch. */
export function checkMapRange(
  env: Environment,
  base: number,
  offset: number,
  size: number,
  zeroAllowed: boolean,
  direct = false,
): RecordField | undefined {
  const pointed = env.register(base);
  const shape = pointed.shape;
  if (!shape) return undefined;
  checkRange(env, pointed, base, offset, size, shape.valueSize, zeroAllowed);
  const from = pointed.offset + offset + pointed.scalar.sminNumber;
  const to = pointed.offset + offset + pointed.scalar.umaxNumber + size;
  if (shape.spinLock !== undefined && from < shape.spinLock + 4 && shape.spinLock < to) {
    env.fail('EACCES', 'bpf_spin_lock cannot be accessed directly by load/store');
  }
  if (shape.timer !== undefined && from < shape.timer + 16 && shape.timer < to) {
    env.fail('EACCES', 'bpf_timer cannot be accessed directly by load/store');
  }
  return shape.fields && checkFields(env, shape.fields, pointed, offset, size, direct);
}

/** A load or store of a pointer to a kernel object in a map's value. */
function accessKptr(env: Environment, pointed: Register, access: Access, field: RecordField): Register {
  if (access.atomic) env.fail('EACCES', 'kptr in map can only be accessed using BPF_MEM instruction mode');
  if (!access.write) return loadedKptr(env, field, pointed.shape?.btf);
  if (field.kind !== 'kptrUntrusted') env.fail('EACCES', 'store to referenced kptr disallowed');
  const { value } = access;
  if (access.valueNumber === undefined) {
    if (!value?.isNull) env.fail('EACCES', `BPF_ST imm must be 0 when storing to kptr at off=${field.offset}`);
  } else if (value && !value.isNull) {
    checkKptrSource(env, field, value, access.valueNumber);
  }
  return unknownScalar;
}

/** A map as the kernel's own struct of its kind: its fields may be read (check_ptr_to_map_access). */
function accessMapObject(env: Environment, pointed: Register, access: Access): Register {
  const { kernel } = env.program;
  if (!kernel || pointed.maybeNull) return invalidAccess(env, pointed, access.base);
  const struct = mapStructs[pointed.shape?.type ?? 'unspec'];
  if (struct === undefined) {
    return env.fail(
      'ENOTSUPP',
      `map_ptr access not supported for map type ${mapTypes[pointed.shape?.type ?? 'unspec']}`,
    );
  }
  const offset = pointed.offset + access.offset;
  if (offset < 0) env.fail('EACCES', `R${access.base} is ${struct} invalid negative access: off=${offset}`);
  if (access.write) env.fail('EACCES', `only read from ${struct} is supported`);
  const map = env.kernelPointer(struct);
  map.offset = pointed.offset;
  return accessBtf(env, map, access);
}

/** The struct behind each kind of map (map_btf_id of its operations). */
const mapStructs: Readonly<Partial<Record<MapType, string>>> = {
  hash: 'bpf_htab',
  array: 'bpf_array',
  prog_array: 'bpf_array',
  perf_event_array: 'bpf_array',
  percpu_hash: 'bpf_htab',
  percpu_array: 'bpf_array',
  stack_trace: 'bpf_stack_map',
  cgroup_array: 'bpf_array',
  lru_hash: 'bpf_htab',
  lru_percpu_hash: 'bpf_htab',
  lpm_trie: 'lpm_trie',
  array_of_maps: 'bpf_array',
  hash_of_maps: 'bpf_htab',
  devmap: 'bpf_dtab',
  devmap_hash: 'bpf_dtab',
  sockmap: 'bpf_stab',
  sockhash: 'bpf_shtab',
  cpumap: 'bpf_cpu_map',
  xskmap: 'xsk_map',
  cgroup_storage: 'bpf_cgroup_storage_map',
  percpu_cgroup_storage: 'bpf_cgroup_storage_map',
  reuseport_sockarray: 'reuseport_array',
  queue: 'bpf_queue_stack',
  stack: 'bpf_queue_stack',
  sk_storage: 'bpf_local_storage_map',
  inode_storage: 'bpf_local_storage_map',
  task_storage: 'bpf_local_storage_map',
  cgrp_storage: 'bpf_local_storage_map',
  ringbuf: 'bpf_ringbuf_map',
  user_ringbuf: 'bpf_ringbuf_map',
  bloom_filter: 'bpf_bloom_filter',
  arena: 'bpf_arena',
};

const maxOffset = 1 << 29;

/** The smallest and the largest address that may be touched both lie within `limit` bytes (check_mem_region_access). */
export function checkRange(
  env: Environment,
  pointed: Register,
  base: number,
  extra: number,
  size: number,
  limit: number,
  zeroAllowed: boolean,
): void {
  const offset = pointed.offset + extra;
  const { scalar } = pointed;
  if (scalar.sminHigh < 0 && (scalar.smin === s64Min || scalar.sminNumber + offset < 0)) {
    env.fail('EACCES', `R${base} min value is negative, either use unsigned index or do a if (index >=0) check.`);
  }
  if (!fits(env, pointed, base, offset + scalar.sminNumber, size, limit, zeroAllowed)) {
    env.fail('EACCES', `R${base} min value is outside of the allowed memory range`);
  }
  if (scalar.umaxNumber >= maxOffset) {
    env.fail('EACCES', `R${base} unbounded memory access, make sure to bounds check any such access`);
  }
  if (!fits(env, pointed, base, offset + scalar.umaxNumber, size, limit, zeroAllowed)) {
    env.fail('EACCES', `R${base} max value is outside of the allowed memory range`);
  }
}

function fits(
  env: Environment,
  pointed: Register,
  base: number,
  offset: number,
  size: number,
  limit: number,
  zeroAllowed: boolean,
): boolean {
  if (offset >= 0 && (size > 0 || (size === 0 && zeroAllowed)) && offset + size <= limit) return true;
  if (pointed.kind === 'mapValue') {
    env.say(`invalid access to map value, value_size=${limit} off=${offset} size=${size}`);
  } else if (pointed.kind === 'mapKey') {
    env.say(`invalid access to map key, key_size=${limit} off=${offset} size=${size}`);
  } else if (pointed.isPacket || pointed.kind === 'packetEnd') {
    env.say(
      `invalid access to packet, off=${offset} size=${size}, R${base}(id=${pointed.id},off=${offset},r=${pointed.range})`,
    );
  } else {
    env.say(`invalid access to memory, mem_size=${limit} off=${offset} size=${size}`);
  }
  return false;
}

/** A packet pointer reaches as far as it was compared with the end (check_packet_access). */
export function checkPacket(env: Environment, base: number, extra: number, size: number, zeroAllowed: boolean): void {
  const pointed = env.register(base);
  const offset = pointed.offset + extra;
  if (pointed.scalar.sminHigh < 0) {
    env.fail('EACCES', `R${base} min value is negative, either use unsigned index or do a if (index >=0) check.`);
  }
  const within = pointed.range >= 0 && fits(env, pointed, base, offset, size, pointed.range, zeroAllowed);
  if (!within) env.fail(pointed.range < 0 ? 'EINVAL' : 'EACCES', `R${base} offset is outside of the packet`);
}

/** Programs that may write packet data (may_access_direct_pkt_data). */
export const packetWriters: ReadonlySet<string> = new Set([
  'xdp',
  'lwt_xmit',
  'sk_skb',
  'sk_msg',
  'sched_cls',
  'sched_act',
  'cgroup_sockopt',
]);
const packetReaders: ReadonlySet<string> = new Set([
  ...packetWriters,
  'lwt_in',
  'lwt_out',
  'lwt_seg6local',
  'sk_reuseport',
  'flow_dissector',
  'cgroup_skb',
]);

function mayWritePacket(env: Environment): boolean {
  return packetWriters.has(env.program.type);
}

/** Whether a helper may be handed packet memory, to read or to write. */
export function helperMayAccessPacket(env: Environment, write: boolean): boolean {
  return (write ? packetWriters : packetReaders).has(env.program.type);
}

function accessContext(env: Environment, pointed: Register, access: Access): Register {
  const { base, size, write } = access;
  const offset = pointed.offset + access.offset;
  checkPointerOffset(env, pointed, base, env.program.type === 'syscall');
  if (isTyped(env)) {
    const loaded = typedContextAccess(env, offset, size, write);
    if (!loaded) return env.fail('EACCES', `invalid bpf_context access off=${offset} size=${size}`);
    return loaded.isScalar ? number(size) : loaded;
  }
  const result = contextAccess(env.program.type, env.program.attachType ?? 0, offset, size, write);
  if (!result) return env.fail('EACCES', `invalid bpf_context access off=${offset} size=${size}`);
  if (write || result.kind === 'scalar') return number(size);
  const loaded = pointer(result.kind, result.flags);
  if (result.struct) env.nameKernelType(loaded, result.struct);
  if (result.flags & flag.maybeNull) loaded.id = env.freshId();
  return loaded;
}

function accessSocket(env: Environment, pointed: Register, access: Access): Register {
  const { base, size, write } = access;
  const text = kindText(pointed.kind, pointed.flags);
  if (pointed.maybeNull) return invalidAccess(env, pointed, base);
  if (write) env.fail('EACCES', `R${base} cannot write into ${text}`);
  const offset = pointed.offset + access.offset;
  if (pointed.scalar.sminHigh < 0) {
    env.fail('EACCES', `R${base} min value is negative, either use unsigned index or do a if (index >=0) check.`);
  }
  const allowed =
    pointed.kind === 'socket'
      ? socketAccess(offset, size)
      : pointed.kind === 'socketCommon'
        ? socketCommonAccess(offset, size)
        : pointed.kind === 'tcpSocket'
          ? tcpSocketAccess(offset, size)
          : xdpSocketAccess(offset, size);
  if (!allowed) env.fail('EACCES', `R${base} invalid ${text} access off=${offset} size=${size}`);
  return number(size);
}

function accessBuffer(env: Environment, pointed: Register, access: Access): Register {
  const { base, size } = access;
  const offset = access.offset;
  const readOnly = (pointed.flags & flag.readOnly) !== 0;
  if (pointed.maybeNull) return invalidAccess(env, pointed, base);
  if (access.write && readOnly)
    env.fail('EACCES', `R${base} cannot write into ${kindText(pointed.kind, pointed.flags)}`);
  const text = pointed.kind === 'traceBuffer' ? 'tracepoint' : readOnly ? 'rdonly' : 'rdwr';
  if (offset < 0) env.fail('EACCES', `R${base} invalid ${text} buffer access: off=${offset}, size=${size}`);
  if (!pointed.scalar.isZero) {
    env.fail(
      'EACCES',
      `R${base} invalid variable buffer offset: off=${offset}, var_off=${tnumText(pointed.scalar.bits)}`,
    );
  }
  return number(size);
}

function accessStack(env: Environment, pointed: Register, access: Access): Register {
  const { base, size, write, value } = access;
  const frame = env.state.frames[pointed.frame];
  if (!frame) return env.fail('EFAULT', 'stack frame is gone');
  const { min, max } = stackRange(env, base, access.offset, size, write ? 'write to' : 'read from');
  growStack(env, pointed.frame, min);
  if (pointed.scalar.isConst) {
    if (write) {
      writeFixed(env, frame, min, size, value);
      return unknownScalar;
    }
    return readFixed(env, frame, min, size);
  }
  if (access.inPlace && !write) {
    const bits = tnumText(pointed.scalar.bits);
    const at = pointed.offset + access.offset;
    env.fail(
      'EACCES',
      `variable offset stack pointer cannot be passed into helper function; var_off=${bits} off=${at} size=${size}`,
    );
  }
  if (write) {
    writeVariable(env, frame, min, max + size, value);
    return unknownScalar;
  }
  return readVariable(env, frame, min, max + size, size);
}

/** Remembers how deep a function's stack goes. */
export function growStack(env: Environment, frameNumber: number, offset: number): void {
  env.growTo(frameNumber, offset);
}

/** The offsets from the frame's top that may be touched; refused where they leave the stack. */
export function stackRange(
  env: Environment,
  base: number,
  extra: number,
  size: number,
  what: string,
): { min: number; max: number } {
  const pointed = env.register(base);
  const { scalar } = pointed;
  const offset = pointed.offset + extra;
  if (!scalar.isConst && (scalar.smaxNumber >= maxOffset || scalar.sminNumber <= -maxOffset)) {
    env.fail('EACCES', `invalid unbounded variable-offset ${what} stack R${base}`);
  }
  const min = offset + scalar.sminNumber;
  const max = offset + scalar.smaxNumber;
  if (min < -maxStack || max + size > 0 || min >= 0) {
    const errno = min < -maxStack || min >= 0 ? 'EACCES' : 'EINVAL';
    if (scalar.isConst) env.fail(errno, `invalid ${what} stack R${base} off=${min} size=${size}`);
    env.fail(
      errno,
      `invalid variable-offset ${what} stack R${base} var_off=${tnumText(scalar.bits)} off=${offset} size=${size}`,
    );
  }
  return { min, max };
}

const alignedKinds: Readonly<Record<string, string>> = {
  mapValue: 'value ',
  mapKey: 'key ',
  context: 'context ',
  stack: 'stack ',
  socket: 'sock ',
  socketCommon: 'sock_common ',
  tcpSocket: 'tcp_sock ',
  xdpSocket: 'xdp_sock ',
};

export function checkAlignment(
  env: Environment,
  pointed: Register,
  base: number,
  offset: number,
  size: number,
  asked: boolean,
): void {
  const isPacket = pointed.kind === 'packet' || pointed.kind === 'packetMeta';
  const strict = asked || env.strictAlignment || pointed.kind === 'stack';
  if (!strict || size === 1) return;
  env.scratchRegister(base);
  const { valueLow, maskLow } = pointed.scalar;
  const fixed = pointed.offset + offset;
  // A packet begins 2 bytes before a 4-byte boundary (NET_IP_ALIGN) when it is asked for strictly.
  const lead = isPacket ? 2 : 0;
  // The low bits of the sum, known or not (tnum_add).
  const sum = valueLow + lead + fixed;
  if (((sum | maskLow | ((sum + maskLow) ^ sum)) & (size - 1)) === 0) return;
  const variable = pointed.scalar.bits;
  const varText = variable.mask === 0n && variable.value === 0n ? '0' : tnumText(variable);
  if (isPacket)
    env.fail('EACCES', `misaligned packet access off ${lead}+${varText}+${pointed.offset}+${offset} size ${size}`);
  env.fail(
    'EACCES',
    `misaligned ${alignedKinds[pointed.kind] ?? ''}access off ${varText}+${pointed.offset}+${offset} size ${size}`,
  );
}
