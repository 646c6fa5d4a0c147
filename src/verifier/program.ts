import type { Btf, TypeId } from '../btf/index.ts';
import { type MapType, mapFlags, type ProgramType } from '../uapi/index.ts';
import type { RecordField } from './record-fields.ts';

/**
 * A program as it is handed to the verifier: raw slots as parallel arrays, because what is judged may be no
 * instruction at all, and the maps that its immediates name.
 */
export interface MapShape {
  readonly type: MapType;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  /** BPF_F_RDONLY_PROG and its like. */
  readonly flags?: number;
  readonly name?: string;
  /** Byte offset of the value's `struct bpf_spin_lock`. */
  readonly spinLock?: number;
  /** Byte offset of the value's `struct bpf_timer`. */
  readonly timer?: number;
  /** What else of the kernel's lies in the value, by its BTF (see recordFields): kernel pointers, lists, trees. */
  readonly fields?: readonly RecordField[];
  /** The BTF that `fields` refer to. */
  readonly btf?: Btf;
  readonly inner?: MapShape;
  /** A read-only array whose contents cannot change any more: a load at a constant offset is a constant. */
  readonly frozen?: Uint8Array;
}

/** A map's flags as programs meet them: a devmap's values are the kernel's own (dev_map_init_map). */
export function programFlagsOf({ type, flags = 0 }: MapShape): number {
  return type === 'devmap' || type === 'devmap_hash' ? flags | mapFlags.readOnlyProgram : flags;
}

export interface LineInfo {
  /** The first slot that comes from this line. */
  readonly slot: number;
  readonly file: string;
  readonly line: number;
  readonly column?: number;
  readonly text: string;
}

export interface ProgramText {
  /** 8 bytes a slot. */
  readonly code: Uint8Array;
  readonly type: ProgramType;
  /** enum bpf_attach_type as a number. */
  readonly attachType?: number;
  /** `GPL` when absent. */
  readonly license?: string;
  /** The function, hook, iterator target or tracepoint that a program which is told its types attaches to. */
  readonly attachTo?: string;
  /** It may sleep (BPF_F_SLEEPABLE). */
  readonly sleepable?: boolean;
  /** The kernel's types; without them no typed pointers and no kernel functions. */
  readonly kernel?: Btf;
  /** The program's own types, and the first slot and type of each of its functions (func_info). */
  readonly btf?: Btf;
  readonly functions?: readonly { readonly slot: number; readonly type: TypeId }[];
  /** What BPF_PSEUDO_MAP_FD immediates name. */
  readonly maps?: ReadonlyMap<number, MapShape>;
  /** Fds that are open, but for no map: to name one is another errno than to name one that is closed. */
  readonly otherFds?: ReadonlySet<number>;
  /** Line info that the kernel would have: in the log, and in the explanation. */
  readonly lines?: readonly LineInfo[];
  /** Where instructions come from that have no line info, as those of assembly: only in the explanation. */
  readonly places?: readonly LineInfo[];
}

/** The slots of a program, field by field. */
export class Slots {
  readonly count: number;
  readonly code: Uint8Array;
  readonly opcode: Uint8Array;
  readonly dst: Uint8Array;
  readonly src: Uint8Array;
  readonly offset: Int16Array;
  readonly imm: Int32Array;

  constructor(code: Uint8Array) {
    const count = code.length >>> 3;
    const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
    this.count = count;
    this.code = code;
    this.opcode = new Uint8Array(count);
    this.dst = new Uint8Array(count);
    this.src = new Uint8Array(count);
    this.offset = new Int16Array(count);
    this.imm = new Int32Array(count);
    for (let slot = 0; slot < count; slot++) {
      const registers = view.getUint8(slot * 8 + 1);
      this.opcode[slot] = view.getUint8(slot * 8);
      this.dst[slot] = registers & 15;
      this.src[slot] = registers >>> 4;
      this.offset[slot] = view.getInt16(slot * 8 + 2, true);
      this.imm[slot] = view.getInt32(slot * 8 + 4, true);
    }
  }

  isHelperCall(slot: number): boolean {
    return this.opcode[slot] === 0x85 && this.src[slot] === 0;
  }

  isLocalCall(slot: number): boolean {
    return this.opcode[slot] === 0x85 && this.src[slot] === 1;
  }

  isKernelCall(slot: number): boolean {
    return this.opcode[slot] === 0x85 && this.src[slot] === 2;
  }

  isFunctionAddress(slot: number): boolean {
    return this.opcode[slot] === 0x18 && this.src[slot] === 4;
  }

  isWide(slot: number): boolean {
    return this.opcode[slot] === 0x18;
  }
}
