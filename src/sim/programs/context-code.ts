import { viewOf } from '../../base/index.ts';
import {
  type ContextName,
  contextField,
  contextOf,
  contexts,
  type FieldPlace,
  type ProgramType,
} from '../../uapi/index.ts';

/**
 * What a verified program's accesses of its context become (the part of kernel/bpf/verifier.c: convert_ctx_accesses
 * that is needed here). A context lies in memory as user space's struct says, so nearly every load and store is right as
 * it stands, a narrow one of a wide field too. Two kinds are not: fields of 4 bytes that give a packet's pointers, which
 * lie whole behind the struct; and fields of which the kernel keeps fewer bits than a store brings. Each of them is
 * changed in its place, so line info and facts go on speaking of the same slots. A store to queue_mapping comes behind
 * an instruction that passes it over where the kernel would (`queueGuard`).
 */
export type PacketContext = '__sk_buff' | 'xdp_md';

/**
 * What lies behind the struct, a u64 each. Pointers that fields of 4 bytes give; where the headers begin, 0 for one
 * that is not set; how far the packet may grow down (`head`) and up (`limit`); the end of an XDP frame with its
 * fragments; and what else the kernel keeps of a packet: ip_summed, csum_level, l4_hash and sw_hash, encapsulation,
 * and the bytes of meta data before it.
 */
const pointers = [
  'data',
  'data_end',
  'data_meta',
  'mac_header',
  'network_header',
  'transport_header',
  'head',
  'limit',
  'frame_end',
  'ip_summed',
  'csum_level',
  'hash_kind',
  'encapsulation',
  'meta_len',
] as const;
export type PacketPointer = (typeof pointers)[number];

/** Fields of which the kernel keeps 16 bits (struct sk_buff, struct qdisc_skb_cb). */
const halves: ReadonlySet<number> = new Set(
  ['queue_mapping', 'tc_index', 'tc_classid'].map((field) => placeOf('__sk_buff', field)),
);

const queueMapping = placeOf('__sk_buff', 'queue_mapping');

/** Offset of a packet's pointer from the begin of the context. */
export function packetPointer(context: PacketContext, name: PacketPointer): number {
  return contexts[context].size + 8 * pointers.indexOf(name);
}

/** Bytes of a context in memory. */
export function contextSize(context: PacketContext): number {
  return contexts[context].size + 8 * pointers.length;
}

/** Classes, sizes and modes of loads and stores (include/uapi/linux/bpf_common.h). */
const classOf = (opcode: number): number => opcode & 7;
const storeImmediate = 2;
const storeRegister = 3;
const load = 1;
const sizeMask = 0x18;
/** By the size bits: word, half, byte, double. */
const bytesOf = [4, 2, 1, 8] as const;
const sizes = { word: 0x00, half: 0x08, double: 0x18 } as const;

/** NO_QUEUE_MAPPING: no queue has that number, and a store of it or more is none. */
const noQueue = 0xffff;
/** BPF_JMP | BPF_JGE | BPF_K, over one instruction; BPF_JMP | BPF_JA to the next. */
const jumpIfAtLeast = 0x35;
const goOn = 0x05;

/** The instruction that stands before a store of a register to queue_mapping: over it from NO_QUEUE_MAPPING on. */
export function queueGuard(register: number): Uint8Array {
  return new Uint8Array([jumpIfAtLeast, register, 1, 0, noQueue & 0xff, noQueue >>> 8, 0, 0]);
}

/**
 * Changes a verified program's code in place.
 * @param throughContext a byte a slot: 1 where an access goes through the context
 * @returns slots of the stores that want a `queueGuard` of the register that they store, ascending
 */
export function convertContextAccesses(code: Uint8Array, type: ProgramType, throughContext: Uint8Array): number[] {
  const context = contextOf[type];
  const guarded: number[] = [];
  if (context !== '__sk_buff' && context !== 'xdp_md') return guarded;
  const behind = pointersOf(context);
  const view = viewOf(code);
  for (let slot = 0; slot < throughContext.length; slot++) {
    if (throughContext[slot] === 0) continue;
    const at = slot * 8;
    const opcode = code[at] as number;
    const offset = view.getInt16(at + 2, true);
    const pointer = behind.get(offset);
    if (classOf(opcode) === load && pointer !== undefined) {
      code[at] = opcode | sizes.double;
      view.setInt16(at + 2, pointer, true);
    } else if (isStore(opcode) && (opcode & sizeMask) === sizes.word && halves.has(offset) && context === '__sk_buff') {
      code[at] = opcode | sizes.half;
      if (offset !== queueMapping) continue;
      if (classOf(opcode) === storeRegister) guarded.push(slot);
      else if (view.getInt32(at + 4, true) >= noQueue) code.set([goOn, 0, 0, 0, 0, 0, 0, 0], at);
    }
  }
  return guarded;
}

/** The end of the last byte of the context that the code accesses (max_ctx_offset of struct bpf_prog_aux). */
export function reachOf(code: Uint8Array, throughContext: Uint8Array): number {
  const view = viewOf(code);
  let end = 0;
  for (let slot = 0; slot < throughContext.length; slot++) {
    if (throughContext[slot] === 0) continue;
    const size = bytesOf[((code[slot * 8] as number) & sizeMask) >>> 3] as number;
    end = Math.max(end, view.getInt16(slot * 8 + 2, true) + size);
  }
  return end;
}

function isStore(opcode: number): boolean {
  return classOf(opcode) === storeImmediate || classOf(opcode) === storeRegister;
}

/** Where the pointers lie whose 4-byte fields are at these offsets. */
function pointersOf(context: PacketContext): ReadonlyMap<number, number> {
  const fields = pointers.filter((name) => contextField(context, name) !== undefined);
  return new Map(fields.map((name) => [placeOf(context, name), packetPointer(context, name)]));
}

function placeOf(context: ContextName, field: string): number {
  return (contextField(context, field) as FieldPlace)[0];
}
