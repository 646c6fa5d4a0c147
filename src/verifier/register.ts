import type { Btf, TypeId } from '../btf/index.ts';
import type { MapShape } from './program.ts';
import { constant, constantOf, type Scalar, signedText, unknown, unsignedText, zero } from './scalar.ts';

/**
 * What a register or a spilled slot holds: a kind with flags, a fixed offset, and a Scalar, which is the number itself
 * or a pointer's variable offset. A register that stands in a state never changes: `draft` gives one to change.
 */
export const kinds = {
  uninitialised: '?',
  scalar: 'scalar',
  context: 'ctx',
  map: 'map_ptr',
  mapValue: 'map_value',
  mapKey: 'map_key',
  stack: 'fp',
  packetMeta: 'pkt_meta',
  packet: 'pkt',
  packetEnd: 'pkt_end',
  flowKeys: 'flow_keys',
  socket: 'sock',
  socketCommon: 'sock_common',
  tcpSocket: 'tcp_sock',
  traceBuffer: 'tp_buffer',
  xdpSocket: 'xdp_sock',
  btf: 'ptr_',
  memory: 'mem',
  arena: 'arena',
  buffer: 'buf',
  function: 'func',
  dynptr: 'dynptr_ptr',
} as const;
export type Kind = keyof typeof kinds;

/** Flags of a pointer, as include/linux/bpf.h: enum bpf_type_flag has them. */
export const flag = {
  maybeNull: 1,
  readOnly: 2,
  ringbuf: 4,
  user: 8,
  perCpu: 16,
  rcu: 32,
  untrusted: 64,
  trusted: 128,
  alloc: 256,
  dynptrLocal: 512,
  dynptrRingbuf: 1024,
  dynptrSkb: 2048,
  dynptrXdp: 4096,
  dynptrSkbMeta: 8192,
  nonOwning: 16384,
} as const;

/** What a dynptr leads to; the words of the log. */
export type DynptrKind = 'local' | 'ringbuf' | 'skb' | 'xdp' | 'skb_meta';

/** An open-coded iterator's place on the stack. */
export interface IteratorState {
  /** `num` of `struct bpf_iter_num`. */
  readonly name: string;
  readonly state: 'active' | 'drained';
  /** How often its next function gave an element on this path. */
  readonly depth: number;
  /** Whether it lives by the RCU section that it was made in, and whether that has ended. */
  readonly rcu: 'none' | 'held' | 'lost';
}

export class Register {
  kind: Kind = 'uninitialised';
  flags = 0;
  /** Fixed part of a pointer's offset; for a linked scalar its distance from the others. */
  offset = 0;
  scalar: Scalar = unknown;
  /** Registers of one id are the same value, or were once NULL or not together. */
  id = 0;
  /** `id` names a group of scalars to which this one is linked by adding `offset`. */
  added: 0 | 32 | 64 = 0;
  referenceId = 0;
  /** Bytes behind a packet pointer that were compared with the packet's end; below 0 for marks of the comparison. */
  range = 0;
  /** Of the map for map, mapValue and mapKey. */
  shape: MapShape | undefined = undefined;
  /** Distinguishes inner maps and map values that hold locks. */
  mapUid = 0;
  /** Bytes of memory. */
  size = 0;
  /** The frame that a stack pointer points into; the program of a function. */
  frame = 0;
  /** What a btf pointer points to: a type of the kernel's or of the program's own BTF, and its name. */
  btf: Btf | undefined = undefined;
  btfId: TypeId = 0;
  btfName = '';
  precise = false;
  /** Of a dynptr's stack slots, or of a callback's constant dynptr. */
  dynptr: DynptrKind | undefined = undefined;
  /** The upper of a dynptr's two slots. */
  isFirstSlot = false;
  /** Of a slice: the dynptr that it came from, or its parent's. */
  dynptrId = 0;
  iterator: IteratorState | undefined = undefined;
  /** What facts.ts makes of it; 0 before it was asked. */
  seenAs = 0;

  draft(): Register {
    const copy = new Register();
    copy.kind = this.kind;
    copy.flags = this.flags;
    copy.offset = this.offset;
    copy.scalar = this.scalar;
    copy.id = this.id;
    copy.added = this.added;
    copy.referenceId = this.referenceId;
    copy.range = this.range;
    copy.shape = this.shape;
    copy.mapUid = this.mapUid;
    copy.size = this.size;
    copy.frame = this.frame;
    copy.btf = this.btf;
    copy.btfId = this.btfId;
    copy.btfName = this.btfName;
    copy.precise = this.precise;
    copy.dynptr = this.dynptr;
    copy.isFirstSlot = this.isFirstSlot;
    copy.dynptrId = this.dynptrId;
    copy.iterator = this.iterator;
    return copy;
  }

  get maybeNull(): boolean {
    return (this.flags & flag.maybeNull) !== 0;
  }

  get isPacket(): boolean {
    return this.kind === 'packet' || this.kind === 'packetMeta';
  }

  get isScalar(): boolean {
    return this.kind === 'scalar';
  }

  get isConst(): boolean {
    return this.kind === 'scalar' && this.scalar.isConst;
  }

  get isNull(): boolean {
    return this.kind === 'scalar' && this.scalar.isZero;
  }

  /** The value of a constant scalar as a signed number. */
  get constant(): bigint {
    return BigInt.asIntN(64, this.scalar.value);
  }

  get isPointer(): boolean {
    return this.kind !== 'scalar' && this.kind !== 'uninitialised';
  }
}

export const uninitialised = new Register();
export const unknownScalar = scalarRegister(unknown);
export const zeroRegister = scalarRegister(zero);

export function scalarRegister(scalar: Scalar): Register {
  const register = new Register();
  register.kind = 'scalar';
  register.scalar = scalar;
  return register;
}

export function constantRegister(value: bigint): Register {
  return scalarRegister(constant(value));
}

/** Numbers that programs use most, made once. */
const small: readonly Register[] = Array.from({ length: 1025 }, (_, index) => scalarRegister(constantOf(index - 512)));

/** A register that stands in a state: it is not to be changed. */
export function numberRegister(value: number): Register {
  return value >= -512 && value <= 512 ? (small[value + 512] as Register) : scalarRegister(constantOf(value));
}

export function pointer(kind: Kind, flags = 0): Register {
  const register = new Register();
  register.kind = kind;
  register.flags = flags;
  register.scalar = zero;
  return register;
}

/** `map_value_or_null`, `rdonly_mem` (kernel/bpf/log.c: reg_type_str). */
export function kindText(kind: Kind, flags: number): string {
  const prefix =
    (flags & flag.readOnly ? 'rdonly_' : '') +
    (flags & flag.ringbuf ? 'ringbuf_' : '') +
    (flags & flag.user ? 'user_' : '') +
    (flags & flag.perCpu ? 'percpu_' : '') +
    (flags & flag.rcu ? 'rcu_' : '') +
    (flags & flag.untrusted ? 'untrusted_' : '') +
    (flags & flag.trusted ? 'trusted_' : '');
  const suffix = flags & flag.maybeNull ? (kind === 'btf' ? 'or_null_' : '_or_null') : '';
  return prefix + kinds[kind] + suffix;
}

/** A register as the kernel's log shows it (kernel/bpf/log.c: print_reg_state). */
export function registerText(register: Register, inFrame: number): string {
  const { kind, scalar, offset } = register;
  if (kind === 'scalar') {
    const precise = register.precise ? 'P' : '';
    if (scalar.isConst) return precise + signedText(register.constant + BigInt(register.added ? 0 : offset));
    return `${precise}scalar(${scalarFacts(register).join(',')})`;
  }
  let text = kindText(kind, register.flags);
  if (kind === 'arena') return text;
  if (kind === 'stack') {
    if (inFrame !== register.frame) text += `[${register.frame}]`;
    if (scalar.isConst) return text + signedText(register.constant + BigInt(offset));
  }
  if (kind === 'btf') text += register.btfName;
  return `${text}(${pointerFacts(register).join(',')})`;
}

function scalarFacts(register: Register): string[] {
  const facts: string[] = [];
  if (register.id) {
    const distance = register.added ? (register.offset < 0 ? `${register.offset}` : `+${register.offset}`) : '';
    facts.push(`id=${register.id}${distance}`);
  }
  facts.push(...register.scalar.facts());
  return facts;
}

function pointerFacts(register: Register): string[] {
  const { kind, scalar, shape } = register;
  const facts: string[] = [];
  if (register.id) facts.push(`id=${register.id}`);
  if (register.referenceId) facts.push(`ref_obj_id=${register.referenceId}`);
  if (register.flags & flag.nonOwning) facts.push('non_own_ref');
  if (shape && (kind === 'map' || kind === 'mapValue' || kind === 'mapKey')) {
    if (shape.name) facts.push(`map=${shape.name}`);
    facts.push(`ks=${shape.keySize},vs=${shape.valueSize}`);
  }
  if (register.offset) facts.push(`off=${signedText(BigInt(register.offset))}`);
  if (register.isPacket) facts.push(`r=${unsignedText(BigInt.asUintN(64, BigInt(register.range)))}`);
  if (kind === 'dynptr' && register.dynptr) facts.push(`type=${register.dynptr}`);
  if (kind === 'memory') facts.push(`sz=${unsignedText(BigInt(register.size))}`);
  if (!scalar.isConst) facts.push(...scalar.facts());
  else if (scalar.value !== 0n) facts.push(`imm=${signedText(register.constant)}`);
  return facts;
}
