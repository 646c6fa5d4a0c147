import type { Position } from '../base/index.ts';
import type { Btf, TypeId } from '../btf/index.ts';
import type { MapType, ProgramType } from '../uapi/index.ts';
import type { FieldType, StructLayout } from './layout.ts';

/**
 * What any front end (assembly text, the C compiler, an ELF file) produces and the loader consumes: plain blueprints,
 * apart from the live objects that a kernel makes of them.
 */
export interface ObjectSpec {
  readonly license: string;
  readonly maps: readonly MapSpec[];
  readonly programs: readonly ProgramSpec[];
  /** Layouts that the object declares: of its keys, values and records. */
  readonly structs: readonly StructLayout[];
  /** The C types that maps and functions name by id; absent when the front end knows no C types. */
  readonly btf?: ObjectBtf;
}

/** BTF of an object's own types, to look at and as the bytes that BPF_BTF_LOAD and an ELF's .BTF take. */
export interface ObjectBtf extends Btf {
  readonly bytes: Uint8Array;
}

export interface MapSpec {
  readonly name: string;
  readonly type: MapType;
  /** bytes */
  readonly keySize: number;
  /** bytes */
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** Of a map of maps: the name of a map of the object that those it holds are like. */
  readonly innerMap?: string;
  /** What its slots hold at the start: maps of the object; of a prog_array, its programs. */
  readonly holds?: readonly { readonly slot: number; readonly name: string }[];
  /** Where it is pinned: it is the one that is pinned there, or is made and pinned. */
  readonly pinPath?: string;
  /** What keys and values are, where the object says so. */
  readonly key: FieldType | undefined;
  readonly value: FieldType | undefined;
  /** What programs send through it, where the compiler saw that: of a perf event array or a ring buffer. */
  readonly record?: FieldType;
  /** What its one element holds at the start: a section of the program's data. */
  readonly contents?: Uint8Array;
  /** Ids in the object's BTF. */
  readonly types?: MapTypes;
  /** Where the source declares it. */
  readonly at?: Position;
}

/** What lies in a map, as C types. */
export interface MapTypes {
  readonly key?: TypeId;
  readonly value?: TypeId;
  /** Of a perf event array or ring buffer: the records that programs write into it, each type once. */
  readonly events?: readonly TypeId[];
}

export interface ProgramSpec {
  readonly name: string;
  readonly type: ProgramType;
  /** The section, which says where it attaches by itself: `kprobe/tcp_v4_connect`, `tracepoint/skb/kfree_skb`. */
  readonly section: string;
  /** 8 bytes a slot, ld_imm64 of maps with zero immediates. */
  readonly code: Uint8Array;
  readonly relocations: readonly Relocation[];
  /** In the order of slots; the first slot of each function has an entry. */
  readonly lines: readonly LineInfo[];
  /** The functions in the code, in the order of slots, the program's own first. */
  readonly functions?: readonly FunctionInfo[];
  /** Where the source names it. */
  readonly at?: Position;
}

/** A function begins at `slot` (struct bpf_func_info of include/uapi/linux/bpf.h). */
export interface FunctionInfo {
  readonly slot: number;
  readonly name: string;
  /** Its BTF_KIND_FUNC in the object's BTF. */
  readonly type: TypeId;
}

/** The ld_imm64 at `slot` takes the address of a map. */
export interface Relocation {
  readonly slot: number;
  readonly map: string;
  /** Bytes into the value of the map's one element, whose address is wanted then (BPF_PSEUDO_MAP_VALUE). */
  readonly offset?: number;
}

/** The instruction at `slot` comes from this place of the source; holds until the next entry's slot. */
export interface LineInfo {
  readonly slot: number;
  readonly at: Position;
}
