import type { Position } from '../base/index.ts';
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
  /** What keys and values are, where the object says so. */
  readonly key: FieldType | undefined;
  readonly value: FieldType | undefined;
  /** What programs send through it, where the compiler saw that: of a perf event array or a ring buffer. */
  readonly record?: FieldType;
  /** What its one element holds at the start: a section of the program's data. */
  readonly contents?: Uint8Array;
}

export interface ProgramSpec {
  readonly name: string;
  readonly type: ProgramType;
  /** The section, which says where it attaches by itself: `kprobe/tcp_v4_connect`, `tracepoint/skb/kfree_skb`. */
  readonly section: string;
  /** 8 bytes a slot, ld_imm64 of maps with zero immediates. */
  readonly code: Uint8Array;
  readonly relocations: readonly Relocation[];
  readonly lines: readonly LineInfo[];
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
