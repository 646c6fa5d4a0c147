import { viewOf } from '../base/index.ts';
import { type BtfType, type TypeId, writeBtfWithStrings } from '../btf/index.ts';
import { mapTypes } from '../uapi/index.ts';
import type { FunctionInfo, LineInfo, MapSpec, ObjectSpec } from './spec.ts';

/**
 * What an ELF object says about types and places: .BTF with the object's types and, for libbpf, a struct for each map
 * whose members spell what it is (tools/lib/bpf/bpf_helpers.h: __uint, __type); .BTF.ext with the functions and source
 * lines of each section of code.
 */
export interface CodeInfo {
  readonly section: string;
  /** Slots count from the start of the section here. */
  readonly functions: readonly FunctionInfo[];
  readonly lines: readonly LineInfo[];
}

export interface DebugInfo {
  readonly btf: Uint8Array;
  readonly ext: Uint8Array;
}

/** Bytes that a map takes in the .maps section: a pointer for each thing that is said of it. */
export interface PlacedMap {
  readonly map: MapSpec;
  readonly offset: number;
  readonly size: number;
}

export function debugInfo(object: ObjectSpec, maps: readonly PlacedMap[], code: readonly CodeInfo[]): DebugInfo {
  const types: BtfType[] = [];
  for (let id = 1; id < (object.btf?.count ?? 1); id++)
    types.push((object.btf as NonNullable<typeof object.btf>).type(id));
  new MapDeclarations(types, object.maps).declare(maps);
  const texts = code.flatMap(({ section, lines }) => [
    section,
    ...lines.flatMap(({ at }) => [at.file ?? '', at.text ?? '']),
  ]);
  const { bytes, offsets } = writeBtfWithStrings(types, texts);
  const places = new Map(texts.map((text, i) => [text, offsets[i] as number] as const));
  return { btf: bytes, ext: extensionBytes(code, (text) => places.get(text) ?? 0) };
}

/** How many things the .maps section says of a map. */
export function declaredParts(map: MapSpec): number {
  return 4 + (map.flags === 0 ? 0 : 1) + (map.innerMap === undefined ? 0 : 1);
}

class MapDeclarations {
  readonly #types: BtfType[];
  readonly #maps: readonly MapSpec[];
  #int: TypeId | undefined;

  constructor(types: BtfType[], maps: readonly MapSpec[]) {
    this.#types = types;
    this.#maps = maps;
  }

  declare(placed: readonly PlacedMap[]): void {
    if (placed.length === 0) return;
    const variables = placed.map(({ map, offset, size }) => {
      const type = this.#struct(map);
      return { type: this.#add({ kind: 'variable', name: map.name, type, linkage: 1 }), offset, size };
    });
    const size = placed.reduce((sum, one) => sum + one.size, 0);
    this.#add({ kind: 'section', name: '.maps', size, variables });
  }

  #struct(map: MapSpec): TypeId {
    const { types = {} } = map;
    const parts: [name: string, type: TypeId][] = [['type', this.#number(mapTypes[map.type])]];
    parts.push(types.key ? ['key', this.#pointer(types.key)] : ['key_size', this.#number(map.keySize)]);
    if (map.innerMap !== undefined) parts.push(['value_size', this.#number(4)], ['values', this.#inner(map.innerMap)]);
    else parts.push(types.value ? ['value', this.#pointer(types.value)] : ['value_size', this.#number(map.valueSize)]);
    parts.push(['max_entries', this.#number(map.maxEntries)]);
    if (map.flags !== 0) parts.push(['map_flags', this.#number(map.flags)]);
    const members = parts.map(([name, type], i) => ({ name, type, bitOffset: i * 64, bitSize: 0 }));
    return this.#add({ kind: 'struct', name: '', size: members.length * 8, members });
  }

  /** `values` of a map of maps: an array without length of pointers to the inner map's struct. */
  #inner(name: string): TypeId {
    const inner = this.#maps.find((one) => one.name === name);
    // The kernel has no maps of maps of maps; one that names itself would have no end here.
    const element = this.#pointer(inner && inner.innerMap === undefined ? this.#struct(inner) : 0);
    return this.#add({ kind: 'array', element, index: this.#intType(), length: 0 });
  }

  /** A number as libbpf reads it: a pointer to an array of that length. */
  #number(value: number): TypeId {
    return this.#pointer(this.#add({ kind: 'array', element: this.#intType(), index: this.#intType(), length: value }));
  }

  #intType(): TypeId {
    this.#int ??= this.#add({ kind: 'int', name: 'int', size: 4, bits: 32, signed: true, bool: false, char: false });
    return this.#int;
  }

  #pointer(target: TypeId): TypeId {
    return this.#add({ kind: 'pointer', target });
  }

  #add(type: BtfType): TypeId {
    this.#types.push(type);
    return this.#types.length;
  }
}

/**
 * .BTF.ext: u16 magic, u8 version, flags, u32 header length, offset and length of the function infos, of the line
 * infos. Either is u32 size of a record, then for each section u32 name, count and its records:
 *
 *   function   u32 byte offset, type
 *   line       u32 byte offset, file, text, line << 10 | column
 */
function extensionBytes(code: readonly CodeInfo[], string: (text: string) => number): Uint8Array {
  const functions = [8];
  const lines = [16];
  for (const info of code) {
    if (info.functions.length > 0) {
      functions.push(string(info.section), info.functions.length);
      for (const { slot, type } of info.functions) functions.push(slot * 8, type);
    }
    if (info.lines.length === 0) continue;
    lines.push(string(info.section), info.lines.length);
    for (const { slot, at } of info.lines) {
      const column = Math.min(at.column ?? 0, 1023);
      lines.push(slot * 8, string(at.file ?? ''), string(at.text ?? ''), ((at.line ?? 0) << 10) | column);
    }
  }
  const header = 24;
  const bytes = new Uint8Array(header + (functions.length + lines.length) * 4);
  const view = viewOf(bytes);
  view.setUint16(0, 0xeb9f, true);
  view.setUint8(2, 1);
  view.setUint32(4, header, true);
  view.setUint32(12, functions.length * 4, true);
  view.setUint32(16, functions.length * 4, true);
  view.setUint32(20, lines.length * 4, true);
  for (const [i, word] of [...functions, ...lines].entries()) view.setUint32(header + i * 4, word, true);
  return bytes;
}
