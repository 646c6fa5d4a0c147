import { type MapType, mapTypes } from '../../uapi/index.ts';
import type { Token } from '../preprocess/token.ts';
import type { Initializer, TableObject } from '../syntax/ast.ts';
import type { Parsing } from '../syntax/parsing.ts';
import { type CType, StructType, types } from '../types/types.ts';

/**
 * A map as libbpf's texts declare it: a variable in the section .maps whose struct says by its members' types what the map
 * is like. `__uint(max_entries, 16)` is a pointer to an array of 16, `__type(key, u32)` a pointer to a u32.
 *
 * `__array(values, struct …)` says what a map of maps holds, and an initialiser which at the start.
 *
 *   struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 16); __type(key, u32); … } name SEC(".maps");
 */
const numbers = [
  'type',
  'max_entries',
  'map_flags',
  'key_size',
  'value_size',
  'pinning',
  'map_extra',
  'numa_node',
] as const;
const kinds: readonly string[] = ['key', 'value'];

/** Declares the map of a declarator, and reads what its `values` hold at the start. */
export function declareMapStruct(p: Parsing, name: Token, type: CType): void {
  const table = mapTable(p, name, name.text, type);
  if (!table) {
    if (p.accept('=')) p.initializers.initializer(type, name);
    return;
  }
  if (p.declareOnce(name, { kind: 'table', table })) p.tables.push(table);
  if (type instanceof StructType && !p.mapStructs.has(type)) p.mapStructs.set(type, name.text);
  const values = type instanceof StructType ? type.member('values') : undefined;
  if (p.accept('=')) table.holds = held(p, p.initializers.initializer(type, name).initial, values?.offset ?? 0);
}

/** The map that a struct is like; undefined, and told, where it is like none. */
function mapTable(p: Parsing, name: Token, called: string, type: CType): TableObject | undefined {
  if (!(type instanceof StructType) || !type.body) {
    p.diagnostics.error(name, `the map '${called}' is no struct`, 'its members say what it is like: __uint(type, …)');
    return undefined;
  }
  const given = new Map<string, number>();
  const parts = new Map<string, CType>();
  let values: CType | undefined;
  for (const { name: member, type: of } of type.body.members) {
    const target = of.kind === 'pointer' ? of.target : undefined;
    const known = numbers.find((one) => one === member);
    if (known && target?.kind === 'array') given.set(known, target.length ?? 0);
    else if (kinds.includes(member) && target) parts.set(member, target);
    else if (member === 'values' && of.kind === 'array' && of.element.kind === 'pointer') values = of.element.target;
    else {
      const hint = `a map has ${[...numbers, ...kinds, 'values'].join(', ')}`;
      p.diagnostics.error(name, `the map '${called}' has no '${member}' that is known here`, hint);
    }
  }
  const number = given.get('type') ?? 0;
  const mapType = (Object.keys(mapTypes) as MapType[]).find((one) => mapTypes[one] === number);
  if (number === 0 || mapType === undefined) {
    p.diagnostics.error(name, `the map '${called}' has no type`, '__uint(type, BPF_MAP_TYPE_HASH) says it');
    return undefined;
  }
  const part = (of: 'key' | 'value'): CType | undefined => parts.get(of) ?? bytes(given.get(`${of}_size`) ?? 0);
  const descriptors = mapType === 'perf_event_array' || values !== undefined ? types.uint : undefined;
  const inner = /_of_maps$/.test(mapType) && values ? innerName(p, name, called, values) : undefined;
  return {
    name: called,
    at: name,
    kind: mapType,
    mapType,
    key: part('key') ?? descriptors,
    leaf: part('value') ?? descriptors,
    entries: given.get('max_entries') ?? 0,
    flags: given.get('map_flags') ?? 0,
    extern: false,
    ...(given.get('pinning') ? { pinPath: `/sys/fs/bpf/${called}` } : {}),
    ...(inner === undefined ? {} : { inner }),
    events: [],
  };
}

/** The map that those a map holds are like: one of that struct, or one that is made for it, called as libbpf calls it. */
function innerName(p: Parsing, at: Token, outer: string, type: CType): string | undefined {
  const known = p.mapStructs.get(type);
  if (known !== undefined) return known;
  const table = mapTable(p, at, `${outer}.inner`, type);
  if (!table) return undefined;
  p.tables.push(table);
  p.mapStructs.set(type, table.name);
  return table.name;
}

/** Which maps or programs the slots hold at the start: `.values = { [2] = &inner }`. */
function held(p: Parsing, initial: Initializer, start: number): { readonly slot: number; readonly name: string }[] {
  return initial.entries.flatMap(({ offset, value }) => {
    let of = value;
    while (of.kind === 'cast') of = of.base;
    const name = of.kind === 'table' ? of.table.name : of.kind === 'function' ? of.function.name : undefined;
    if (name !== undefined) return [{ slot: (offset - start) / 8, name }];
    const none = of.kind === 'number' && of.value === 0n;
    if (!none) p.diagnostics.error(value.at, 'a slot holds the address of a map or of a program');
    return [];
  });
}

/** What a key or a value is of which only the size is told. */
function bytes(size: number): CType | undefined {
  if (size === 0) return undefined;
  if (size === 4) return types.uint;
  return size === 8 ? types.ullong : { kind: 'array', element: types.uchar, length: size };
}
